//! `logstore prune`: removes what is not to be kept, by hand.

use std::io::{self, Write as _};

use anyhow::{Context as _, bail};
use clap::Args;
use logstore::{
    Durability, Progress, Prune, Reader, SqliteStore, StoreStats, Zone, now_ns, parse_since,
};

use super::Database;
use super::progress::Waiting;
use super::retention::{RetentionArguments, shown};
use super::size::Bytes;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct PruneArguments {
    #[command(flatten)]
    database: Database,

    /// Remove everything created before this: 2026-01-01, -30d, '2 weeks ago'
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    before: Option<String>,

    /// Take TIME as UTC
    #[arg(long)]
    utc: bool,

    /// Only say what would be removed
    #[arg(short = 'n', long)]
    dry_run: bool,

    #[command(flatten)]
    retention: RetentionArguments,
}

const AFTER_HELP: &str = "\
Without --keep, --max-size and --before it goes by those of the last server, which stand in the file. A server may be writing meanwhile.

Examples:
  logstore prune --db runs.sqlite --dry-run --keep 30d,debug=3d
  logstore prune --db runs.sqlite --before 2026-01-01
  logstore prune --db runs.sqlite --max-size 2GB";

pub(super) fn run(arguments: &PruneArguments) -> anyhow::Result<()> {
    let path = &arguments.database.db;
    // Writing would make a file that is not there.
    let reader = Reader::open(path)?;
    let stats = reader.stats()?;
    let now_ns = now_ns();
    let what = arguments.what(&stats, now_ns)?;
    let progress = Progress::new();
    let waiting = Waiting::start("removing", &progress);
    let said = if arguments.dry_run {
        let would = reader.foresee(&what, now_ns)?;
        // What was written last is not in the file itself yet.
        let bytes = stats.file_bytes + stats.wal_bytes;
        let about = if would.by_size > 0 { "about " } else { "" };
        format!(
            "{about}{} would be removed: about {} of the file's {}",
            records(would.by_age + would.by_size),
            Bytes(would.bytes.min(bytes)),
            Bytes(bytes),
        )
    } else {
        drop(reader);
        let mut store = SqliteStore::open(path, Durability::Normal)?;
        let pruned = store.prune(&what, now_ns, &progress)?;
        format!(
            "{} removed; the file had {} and has {}",
            records(pruned.records),
            Bytes(pruned.bytes_before),
            Bytes(pruned.bytes_after),
        )
    };
    drop(waiting);
    writeln!(io::stdout().lock(), "{said}").context("cannot write the answer")
}

impl PruneArguments {
    fn what(&self, stats: &StoreStats, now_ns: i64) -> anyhow::Result<Prune> {
        let zone = if self.utc { Zone::Utc } else { Zone::Local };
        let before = self.before.as_deref();
        let before = before.map(|text| parse_since(text, now_ns, zone));
        let mut what = Prune {
            retention: self.retention.retention()?,
            before_ns: before.transpose().context("--before")?,
        };
        if what == Prune::default() {
            if shown(&stats.retention).is_none() {
                bail!(
                    "nothing says what is to be removed, and the file does not either; \
                     give --keep 30d, --max-size 10GB or --before 2026-01-01"
                );
            }
            what.retention = stats.retention.clone();
        }
        Ok(what)
    }
}

fn records(count: u64) -> String {
    format!("{count} {}", if count == 1 { "record" } else { "records" })
}
