//! `logstore query`: reads records back.

use std::thread;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, value_parser};
use logstore::{Order, Output, Progress, Query, Reader, RecordFormat, Records, TextFormat};

use super::Database;
use super::console::{ColorChoice, Data, controls, say, tell_of_damage};
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

    /// Only the newest N
    #[arg(short = 'n', long, value_name = "N", allow_negative_numbers = true)]
    limit: Option<usize>,

    /// The newest first
    #[arg(short, long, conflicts_with = "follow")]
    reverse: bool,

    /// Show the last ten (or -n, or all --since), then new ones as they arrive
    #[arg(short, long, conflicts_with = "until")]
    follow: bool,

    /// The form of the answer: text, json (an object a line), csv, logfmt
    #[arg(short, long, value_name = "FORM", default_value_t = Output::Text, value_parser = value_parser!(Output))]
    output: Output,

    /// The form of a line, in Python's %-style: '%(asctime)s %(levelname)s %(message)s'
    #[arg(long, conflicts_with = "output")]
    format: Option<String>,

    /// When to color text
    #[arg(long, value_enum, default_value_t = ColorChoice::Auto)]
    color: ColorChoice,

    #[command(flatten)]
    pager: PagerArguments,
}

const AFTER_HELP: &str = "\
Examples:
  logstore query --level warning --name myapp.area2
  logstore query --since yesterday timeout 'connection reset'
  logstore query --field user.id=7 --format '%(asctime)s %(levelname)-8s %(message)s'
  logstore query -f --level error -o json | jq .message";

pub(super) fn run(arguments: &QueryArguments) -> anyhow::Result<()> {
    let mut query = arguments.query()?;
    let mut format = arguments.formatter()?;
    let progress = Progress::new();
    let paging = if arguments.follow {
        Paging::NONE
    } else {
        arguments.pager.paging()
    };
    let mut data = Data::new(paging, &progress);
    let reader = Reader::open(&arguments.database.db)?.with_progress(progress);
    format.begin(&mut data.buffer);
    loop {
        let records = show(&reader, &query, format.as_mut(), &mut data)?;
        if !arguments.follow {
            // A pager has the terminal until it ends.
            drop(data);
            return tell_of(records, &query);
        }
        let last_id = records.last_id();
        query.after_id = Some(last_id);
        query.limit = None;
        while reader.last_id()? <= last_id {
            // Waits for other processes to write: SQLite has no way to be told.
            thread::sleep(FOLLOW_EVERY);
        }
    }
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
fn tell_of(mut records: Records, query: &Query) -> anyhow::Result<()> {
    if records.is_cut()? {
        let limit = query.limit.unwrap_or_default();
        say(&format!(
            "the newest {limit} of more matching records are shown; -n N shows more"
        ));
    }
    tell_of_damage(records.damaged_blocks());
    Ok(())
}

impl QueryArguments {
    fn query(&self) -> anyhow::Result<Query> {
        let first = (self.follow && self.filters.since.is_none()).then_some(FOLLOW_FIRST);
        Ok(Query {
            limit: self.limit.or(first),
            order: if self.reverse {
                Order::NewestFirst
            } else {
                Order::OldestFirst
            },
            ..self.filters.query()?
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
