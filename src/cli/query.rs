//! `logstore query`: reads records back.

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, value_parser};
use logstore::{Order, Output, Progress, Query, Reader, RecordFormat, Records, TextFormat};

use super::Database;
use super::console::{ColorChoice, Data, controls, say, tell_of_damage};
use super::context::{self, ContextArguments};
use super::cursor::Cursor;
use super::filters::FilterArguments;
use super::pager::{PagerArguments, Paging};

/// How often `--follow` looks for new records.
const FOLLOW_EVERY: Duration = Duration::from_millis(50);

/// How many records `--follow` shows first when nobody says.
const FOLLOW_FIRST: usize = 10;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct QueryArguments {
    #[command(flatten)]
    database: Database,

    #[command(flatten)]
    filters: FilterArguments,

    #[command(flatten)]
    context: ContextArguments,

    /// Only records that were stored after the one with this id
    #[arg(long, value_name = "ID", value_parser = value_parser!(i64).range(0..), allow_negative_numbers = true)]
    #[arg(conflicts_with = "cursor_file", help_heading = NEW)]
    after_id: Option<i64>,

    /// Only records that are new since the last time: the file keeps the id of the last one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["around", "limit"], help_heading = NEW)]
    cursor_file: Option<PathBuf>,

    /// Show the last ten (or -n, or all since --since, --after-id or --cursor-file), then new ones as they arrive
    #[arg(short, long, conflicts_with_all = ["until", "around"], help_heading = NEW)]
    follow: bool,

    /// Only the newest N
    #[arg(short = 'n', long, value_name = "N", allow_negative_numbers = true, help_heading = FORM)]
    limit: Option<usize>,

    /// The newest first
    #[arg(short, long, conflicts_with = "follow", help_heading = FORM)]
    reverse: bool,

    /// The form of the answer: text, json (an object a line), csv, logfmt
    #[arg(short, long, value_name = "FORM", default_value_t = Output::Text, value_parser = value_parser!(Output))]
    #[arg(help_heading = FORM)]
    output: Output,

    /// The form of a line, in Python's %-style: '%(asctime)s %(levelname)s %(message)s'
    #[arg(long, conflicts_with = "output", help_heading = FORM)]
    format: Option<String>,

    /// When to color text
    #[arg(long, value_enum, default_value_t = ColorChoice::Auto, help_heading = FORM)]
    color: ColorChoice,

    #[command(flatten)]
    pager: PagerArguments,
}

/// The headings of the help.
const NEW: &str = "What is new";
const FORM: &str = "The answer";

const AFTER_HELP: &str = "\
Examples:
  logstore query --level warning --name myapp.area2
  logstore query --since yesterday timeout 'connection reset'
  logstore query --name '*.db' --not-name myapp.db.pool --field 'ms>=1500'
  logstore query --field user.id=7 --format '%(asctime)s %(levelname)-8s %(message)s'
  logstore query -q 'level:error -host:db1 \"connection reset\" elapsed>5'
  logstore query --level error -C 5
  logstore query --cursor-file ~/.errors-seen --level error
  logstore query -f --level error -o json | jq .message";

pub(super) fn run(arguments: &QueryArguments) -> anyhow::Result<()> {
    let mut query = arguments.query()?;
    let mut format = arguments.formatter()?;
    let cursor = arguments.cursor_file.as_deref().map(Cursor::new);
    let cursor = cursor.transpose()?;
    let progress = Progress::new();
    let paging = if arguments.follow {
        Paging::NONE
    } else {
        arguments.pager.paging()
    };
    let mut data = Data::new(paging, &progress);
    let reader = Reader::open(&arguments.database.db)?.with_progress(progress);
    if let Some(cursor) = &cursor {
        query.after_id = start(cursor, &reader)?;
    }
    if let Some(context) = arguments.context.context() {
        let mut records = reader.query_with_context(&query, context)?;
        context::show(&mut records, format.as_mut(), &mut data)?;
        drop(data);
        tell_of(records.is_cut()?, records.damaged_blocks(), &query);
        return Ok(());
    }
    format.begin(&mut data.buffer);
    loop {
        let mut records = show(&reader, &query, format.as_mut(), &mut data)?;
        let last_id = records.last_id();
        if let Some(cursor) = &cursor {
            cursor.write(last_id)?;
        }
        if !arguments.follow {
            // A pager has the terminal until it ends.
            drop(data);
            tell_of(records.is_cut()?, records.damaged_blocks(), &query);
            return Ok(());
        }
        query.after_id = Some(last_id);
        query.limit = None;
        while reader.last_id()? <= last_id {
            // Waits for other processes to write: SQLite has no way to be told.
            thread::sleep(FOLLOW_EVERY);
        }
    }
}

/// After which record to begin.
fn start(cursor: &Cursor<'_>, reader: &Reader) -> anyhow::Result<Option<i64>> {
    let Some(id) = cursor.read()? else {
        return Ok(None);
    };
    let last_id = reader.last_id()?;
    if id > last_id {
        // Rather twice than never.
        say(&format!(
            "the cursor stands at {id}, but the last record here is {last_id}: \
             it is of another database, or this one has lost its newest; reading from the beginning"
        ));
        return Ok(None);
    }
    Ok(Some(id))
}

/// Writes the answer, and gives back what it came from.
fn show(
    reader: &Reader,
    query: &Query,
    format: &mut dyn RecordFormat,
    data: &mut Data,
) -> anyhow::Result<Records> {
    let mut records = reader.query(query)?;
    let outcome = records.try_for_each(|record| {
        format.write(&record?, &mut data.buffer);
        data.write_if_full()?;
        anyhow::Ok(())
    });
    // What was read before an error is shown as well.
    data.flush().context("cannot write the answer")?;
    outcome.map(|()| records)
}

/// Says what the answer itself does not.
fn tell_of(is_cut: bool, damaged_blocks: usize, query: &Query) {
    if is_cut {
        let limit = query.limit.unwrap_or_default();
        say(&format!(
            "the newest {limit} of more matching records are shown; -n N shows more"
        ));
    }
    tell_of_damage(damaged_blocks);
}

impl QueryArguments {
    fn query(&self) -> anyhow::Result<Query> {
        let wanted = self.filters.query()?;
        if self.follow && wanted.until_ns.is_some() {
            bail!(
                "--follow goes on for ever, and until: in --search ends it; leave out one of them"
            );
        }
        let begins =
            wanted.since_ns.is_some() || self.after_id.is_some() || self.cursor_file.is_some();
        let first = (self.follow && !begins).then_some(FOLLOW_FIRST);
        Ok(Query {
            after_id: self.after_id,
            limit: self.limit.or(first),
            order: if self.reverse {
                Order::NewestFirst
            } else {
                Order::OldestFirst
            },
            ..wanted
        })
    }

    fn formatter(&self) -> anyhow::Result<Box<dyn RecordFormat>> {
        let Some(format) = &self.format else {
            let coloring = self.color.coloring();
            return Ok(self
                .output
                .formatter(self.filters.zone(), coloring, controls()));
        };
        let format =
            TextFormat::with_format(format, None, self.filters.zone()).context("--format")?;
        Ok(Box::new(format.controls(controls())))
    }
}
