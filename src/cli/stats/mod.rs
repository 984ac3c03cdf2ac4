//! `logstore stats`: what a store holds.

mod histogram;
mod json;
mod text;

use std::collections::HashMap;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use logstore::{Count, Counts, GroupBy, Progress, Query, Reader, StoreStats, display_value};
use serde_json::Value;

use super::Database;
use super::console::{ColorChoice, Data, tell_of_damage};
use super::filters::FilterArguments;
use super::pager::PagerArguments;
use histogram::Histogram;

/// So many buckets the histogram has in JSON, where no terminal says how wide it is.
const JSON_BUCKETS: usize = 100;

const SECOND_NS: i64 = 1_000_000_000;
const MINUTE_NS: i64 = 60 * SECOND_NS;
const HOUR_NS: i64 = 60 * MINUTE_NS;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct StatsArguments {
    #[command(flatten)]
    database: Database,

    #[command(flatten)]
    filters: FilterArguments,

    /// The form of the answer
    #[arg(help_heading = "The answer", short, long, value_name = "FORM", value_enum, default_value_t = StatsOutput::Text)]
    output: StatsOutput,

    /// When to color text
    #[arg(help_heading = "The answer", long, value_enum, default_value_t = ColorChoice::Auto)]
    color: ColorChoice,

    #[command(flatten)]
    pager: PagerArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum StatsOutput {
    /// For people
    Text,
    /// One object
    Json,
}

const AFTER_HELP: &str = "\
The last hour and the last minute are those before the newest record. A process is one of its host.

Examples:
  logstore stats --db runs.sqlite
  logstore stats --name myapp --since -7d
  logstore stats -o json | jq .records";

pub(super) fn run(arguments: &StatsArguments) -> anyhow::Result<()> {
    let StatsArguments {
        database, filters, ..
    } = arguments;
    let progress = Progress::new();
    let mut data = Data::new(arguments.pager.paging(), &progress);
    let reader = Reader::open(&database.db)?.with_progress(progress);
    let stats = Stats::gather(&reader, &filters.query()?)?;
    let histogram = |buckets| {
        let span = stats.all.span_ns;
        let count = |span| Histogram::count(&reader, &stats.query, span, buckets, filters.zone());
        span.map(count).transpose()
    };
    match arguments.output {
        StatsOutput::Text => {
            let columns = columns();
            let histogram = histogram(columns)?;
            stats.put_text(&database.db, filters.zone(), &mut data.buffer)?;
            if let Some(histogram) = histogram {
                histogram.put(columns, arguments.color.coloring(), &mut data.buffer)?;
            }
        }
        StatsOutput::Json => {
            let json = stats.json(histogram(JSON_BUCKETS)?.as_ref());
            data.buffer.extend(display_value(&json).bytes());
            data.buffer.push(b'\n');
        }
    }
    data.flush().context("cannot write the answer")?;
    drop(data);
    tell_of_damage(stats.all.damaged_blocks);
    Ok(())
}

/// How wide the terminal is, by the variable `COLUMNS` or by its own word; 80 where there is none.
fn columns() -> usize {
    let variable = std::env::var("COLUMNS").ok();
    let variable = variable.and_then(|columns| columns.parse().ok());
    let terminal = || terminal_size::terminal_size().map(|(width, _)| width.0.into());
    variable.or_else(terminal).unwrap_or(80).clamp(20, 1000)
}

/// What was found, the histogram apart.
struct Stats {
    query: Query,
    file: StoreStats,
    /// All records, those of the last hour and those of the last minute, by level and logger.
    all: Counts,
    hour: Counts,
    minute: Counts,
    hosts: usize,
    processes: usize,
}

/// A level or a logger.
struct Group {
    value: Value,
    records: u64,
    last_hour: u64,
    last_minute: u64,
}

impl Stats {
    fn gather(reader: &Reader, query: &Query) -> Result<Self, logstore::Error> {
        let count = |query: Query, by: [GroupBy; 2]| {
            let by = by.to_vec();
            reader.count(&Count {
                query,
                by,
                every: None,
            })
        };
        let kinds = || [GroupBy::Level, GroupBy::Name];
        let all = count(query.clone(), kinds())?;
        let last = |length_ns| {
            let Some((_, newest)) = all.span_ns else {
                return Ok(Counts::default());
            };
            let since = newest.saturating_sub(length_ns);
            let query = Query {
                since_ns: query.since_ns.max(Some(since)),
                until_ns: Some(newest),
                ..query.clone()
            };
            count(query, kinds())
        };
        let (hour, minute) = (last(HOUR_NS)?, last(MINUTE_NS)?);
        let origins = count(query.clone(), [GroupBy::Host, GroupBy::Process])?;
        let known = |counts: &Counts, place: usize| {
            let rows = counts.rows.iter();
            rows.filter(|row| !row.key[place].is_null()).count()
        };
        Ok(Stats {
            query: query.clone(),
            file: reader.stats()?,
            hosts: known(&origins.summed_by(&[GroupBy::Host]), 0),
            processes: known(&origins, 1),
            all,
            hour,
            minute,
        })
    }

    /// Levels from the lowest to the highest, or loggers from the one with most records on.
    fn groups(&self, by: &GroupBy) -> Vec<Group> {
        let of = |counts: &Counts| {
            let rows = counts.summed_by(std::slice::from_ref(by)).rows.into_iter();
            rows.map(|mut row| (row.key.remove(0), row.count))
        };
        let hour: HashMap<Value, u64> = of(&self.hour).collect();
        let minute: HashMap<Value, u64> = of(&self.minute).collect();
        of(&self.all)
            .map(|(value, records)| Group {
                last_hour: hour.get(&value).copied().unwrap_or_default(),
                last_minute: minute.get(&value).copied().unwrap_or_default(),
                value,
                records,
            })
            .collect()
    }

    /// From the oldest to the newest record, in seconds.
    fn seconds(&self) -> f64 {
        let (oldest, newest) = self.all.span_ns.unwrap_or_default();
        as_float(newest.abs_diff(oldest)) / 1e9
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "rates and shares are rounded anyway"
)]
fn as_float(number: u64) -> f64 {
    number as f64
}
