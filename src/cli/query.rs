//! `logstore query`: reads records back.

use std::io::{self, IsTerminal};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, value_parser};
use logstore::{
    Controls, FieldFilter, Level, Order, Output, Query, QueryError, Reader, RecordFormat,
    TextFormat, Zone, now_ns, parse_since, parse_until,
};
use regex::RegexBuilder;

use super::Database;
use super::console::{ColorChoice, Data};

/// How often `--follow` looks for new records.
const FOLLOW_EVERY: Duration = Duration::from_millis(50);

/// How many records `--follow` shows first when nobody says.
const FOLLOW_FIRST: usize = 10;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct QueryArguments {
    #[command(flatten)]
    database: Database,

    /// Words that must all occur in the message, traceback, stack or texts of extra fields, in any case
    words: Vec<String>,

    /// At least this level: debug, info, warning, error, critical, a number between
    #[arg(short, long, value_parser = value_parser!(Level), allow_negative_numbers = true)]
    level: Option<Level>,

    /// This logger and everything under it; repeat it for several
    #[arg(long, value_name = "LOGGER")]
    name: Vec<String>,

    /// Not before this time: -1h, 30 min ago, today, 2026-11-22, '2026-11-22 16:20', RFC 3339, epoch
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,

    /// Not after this time; a day as a whole
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,

    /// From this host; repeat it for several
    #[arg(long)]
    host: Vec<String>,

    /// From this process, by id or name; repeat it for several
    #[arg(long, value_name = "PROCESS")]
    process: Vec<String>,

    /// From this thread, by identifier or name; repeat it for several
    #[arg(long, value_name = "THREAD")]
    thread: Vec<String>,

    /// With this extra field, dots for nested ones: user.id=7; repeat it to ask for more
    #[arg(long, value_name = "KEY=VALUE", value_parser = value_parser!(FieldFilter))]
    field: Vec<FieldFilter>,

    /// With a match of this regular expression in the message, traceback, stack or a text of extra fields
    #[arg(short, long, value_name = "REGEX")]
    grep: Option<String>,

    /// Match --grep in any case
    #[arg(short, long, requires = "grep")]
    ignore_case: bool,

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

    /// Read and show times in UTC instead of local time
    #[arg(long)]
    utc: bool,

    /// When to color text
    #[arg(long, value_enum, default_value_t = ColorChoice::Auto)]
    color: ColorChoice,
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
    let reader = Reader::open(&arguments.database.db)?;
    let mut data = Data::new();
    format.begin(&mut data.buffer);
    loop {
        let last_id = show(&reader, &query, format.as_mut(), &mut data)?;
        if !arguments.follow {
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

/// Writes the answer and gives the highest id that it took into account.
fn show(
    reader: &Reader,
    query: &Query,
    format: &mut dyn RecordFormat,
    data: &mut Data,
) -> anyhow::Result<i64> {
    let mut records = reader.query(query)?;
    let last_id = records.last_id();
    let outcome = records.try_for_each(|record| {
        format.write(&record?, &mut data.buffer);
        data.write_if_full()?;
        anyhow::Ok(())
    });
    // What was read before an error is shown as well.
    data.flush().context("cannot write the answer")?;
    outcome.map(|()| last_id)
}

impl QueryArguments {
    fn zone(&self) -> Zone {
        if self.utc { Zone::Utc } else { Zone::Local }
    }

    fn query(&self) -> anyhow::Result<Query> {
        let now = now_ns();
        let since = self
            .since
            .as_deref()
            .map(|text| parse_since(text, now, self.zone()));
        let until = self
            .until
            .as_deref()
            .map(|text| parse_until(text, now, self.zone()));
        let (since, until) = (
            since.transpose().context("--since")?,
            until.transpose().context("--until")?,
        );
        if since.zip(until).is_some_and(|(since, until)| since > until) {
            bail!("--since is later than --until: nothing can be between them");
        }
        let first = (self.follow && self.since.is_none()).then_some(FOLLOW_FIRST);
        Ok(Query {
            min_level: self.level,
            names: self.name.clone(),
            since_ns: since,
            until_ns: until,
            hosts: self.host.clone(),
            processes: self.process.clone(),
            threads: self.thread.clone(),
            fields: self.field.clone(),
            grep: self.pattern().context("--grep")?,
            words: self.words.clone(),
            after_id: None,
            limit: self.limit.or(first),
            order: if self.reverse {
                Order::NewestFirst
            } else {
                Order::OldestFirst
            },
        })
    }

    fn pattern(&self) -> Result<Option<regex::Regex>, QueryError> {
        let build = |pattern: &String| {
            RegexBuilder::new(pattern)
                .case_insensitive(self.ignore_case)
                .build()
                .map_err(|error| QueryError::Pattern {
                    pattern: pattern.clone(),
                    reason: error.to_string(),
                })
        };
        self.grep.as_ref().map(build).transpose()
    }

    fn formatter(&self) -> anyhow::Result<Box<dyn RecordFormat>> {
        // A program that reads the answer gets what was logged; a terminal must not obey it.
        let controls = if io::stdout().is_terminal() {
            Controls::Escaped
        } else {
            Controls::Raw
        };
        let Some(format) = &self.format else {
            let coloring = self.color.coloring();
            return Ok(self.output.formatter(self.zone(), coloring, controls));
        };
        let format = TextFormat::with_format(format, None, self.zone()).context("--format")?;
        Ok(Box::new(format.controls(controls)))
    }
}
