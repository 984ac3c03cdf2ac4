//! `logstore stats`: what a store holds.

mod histogram;
mod text;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use logstore::{Progress, Reader, display_value};

use super::Database;
use super::console::{ColorChoice, Data, tell_of_damage};
use super::filters::FilterArguments;
use super::pager::PagerArguments;

/// So many buckets the histogram has in JSON, where no terminal says how wide it is.
const JSON_BUCKETS: usize = 100;

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
    let query = filters.query()?;
    let overview = reader.overview(&query)?;
    let histogram = |buckets| {
        let count = |span| reader.level_histogram(&query, span, buckets, filters.zone());
        overview.all.span_ns.map(count).transpose()
    };
    match arguments.output {
        StatsOutput::Text => {
            let columns = columns();
            let histogram = histogram(columns)?;
            text::put_overview(&overview, &database.db, filters.zone(), &mut data.buffer)?;
            if let Some(histogram) = histogram {
                let coloring = arguments.color.coloring();
                histogram::put(&histogram, columns, coloring, &mut data.buffer)?;
            }
        }
        StatsOutput::Json => {
            let json = overview.json(histogram(JSON_BUCKETS)?.as_ref());
            data.buffer.extend(display_value(&json).bytes());
            data.buffer.push(b'\n');
        }
    }
    data.flush().context("cannot write the answer")?;
    drop(data);
    tell_of_damage(overview.all.damaged_blocks);
    Ok(())
}

/// How wide the terminal is, by the variable `COLUMNS` or by its own word; 80 where there is none.
fn columns() -> usize {
    let variable = std::env::var("COLUMNS").ok();
    let variable = variable.and_then(|columns| columns.parse().ok());
    let terminal = || terminal_size::terminal_size().map(|(width, _)| width.0.into());
    variable.or_else(terminal).unwrap_or(80).clamp(20, 1000)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "rates and shares are rounded anyway"
)]
fn as_float(number: u64) -> f64 {
    number as f64
}
