//! `logstore backup`: a copy of a store, also while a server writes to it.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use clap::Args;
use logstore::{Existing, Progress, Reader, StoreError, now_ns, rfc3339_utc};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;

use super::Database;
use super::console::{Data, say};
use super::pager::Paging;
use super::progress::Waiting;
use super::serve::is_hangup_ignored;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct BackupArguments {
    #[command(flatten)]
    database: Database,

    /// The copy: a new file, or a directory for one with the date in its name
    #[arg(value_name = "DEST")]
    to: PathBuf,

    /// Replace a file of that name
    #[arg(long)]
    force: bool,
}

const AFTER_HELP: &str = "\
The copy is the store as it is at one moment, in one file, whatever a server writes meanwhile. It is checked before it gets its name.

Examples:
  logstore backup --db runs.sqlite runs-copy.sqlite
  logstore backup --db runs.sqlite /var/backups";

pub(super) fn run(arguments: &BackupArguments) -> anyhow::Result<ExitCode> {
    let db = &arguments.database.db;
    let mut to = arguments.to.clone();
    if to.is_dir() {
        to.push(dated(db));
    }
    let progress = Progress::new();
    let reader = Reader::open(db)?.with_progress(progress.clone());
    let existing = if arguments.force {
        Existing::Replace
    } else {
        Existing::Keep
    };
    let waiting = Waiting::start("copying", &progress);
    let signal = break_off_at_signals(&progress).context("cannot listen for signals")?;
    let saved = reader.backup(&to, existing);
    drop(waiting);
    let saved = match saved {
        Err(error @ StoreError::BrokenOff { .. }) => {
            say(&error.to_string());
            // As a shell says which signal has ended a program.
            let code = u8::try_from(128 + signal.load(Ordering::Relaxed));
            return Ok(code.unwrap_or(2).into());
        }
        saved => saved?,
    };
    let mut data = Data::new(Paging::NONE, &Progress::new());
    let line = format!(
        "{}: {} records, {} bytes, verified\n",
        to.display(),
        saved.records,
        saved.bytes
    );
    data.buffer.extend(line.bytes());
    data.flush().context("cannot write the answer")?;
    Ok(ExitCode::SUCCESS)
}

/// So that nothing half made is left behind. Gives where to find which signal it was.
fn break_off_at_signals(progress: &Progress) -> io::Result<Arc<AtomicUsize>> {
    let came = Arc::new(AtomicUsize::new(0));
    let hangup = (!is_hangup_ignored()).then_some((SIGHUP, 1));
    for (signal, number) in [(SIGINT, 2), (SIGTERM, 15)].into_iter().chain(hangup) {
        flag::register_usize(signal, Arc::clone(&came), number)?;
        flag::register(signal, progress.stop())?;
    }
    Ok(came)
}

/// `runs-20261122T162025Z.sqlite`: the names of one store's copies are in the order of their times.
fn dated(db: &std::path::Path) -> std::ffi::OsString {
    let mut name = db.file_stem().unwrap_or_default().to_owned();
    let now = rfc3339_utc(now_ns());
    let seconds = now.split('.').next().unwrap_or_default();
    name.push(format!("-{}Z", seconds.replace(['-', ':'], "")));
    if let Some(extension) = db.extension() {
        name.push(".");
        name.push(extension);
    }
    name
}
