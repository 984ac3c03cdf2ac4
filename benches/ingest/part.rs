//! The parts of a round.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use rusqlite::Connection;

use crate::common::number;
use crate::measure::Outcome;
use crate::{Result, ceiling, emit, lines, retain, store, tcp};

/// One way for records into the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// What `SQLite` takes with nothing around it.
    Ceiling,
    /// The store alone.
    Store,
    /// The handler, from so many threads.
    Emit(usize),
    /// The handler, one record at a time while its queue has room.
    Latency,
    /// The handler, from one thread, while retention removes as many records as come.
    Retain,
    /// The server, from so many connections.
    Tcp(usize),
    /// The same of JSON lines, from one connection.
    Json,
    /// The same of syslog (RFC 5424).
    Syslog,
}

impl Part {
    /// In the order in which a round runs them.
    pub(crate) const ALL: [Part; 10] = [
        Part::Ceiling,
        Part::Store,
        Part::Emit(1),
        Part::Retain,
        Part::Emit(4),
        Part::Tcp(1),
        Part::Tcp(8),
        Part::Json,
        Part::Syslog,
        Part::Latency,
    ];

    /// What `--part` calls it.
    pub(crate) fn name(self) -> String {
        match self {
            Part::Ceiling => "ceiling".into(),
            Part::Store => "store".into(),
            Part::Emit(threads) => format!("emit-{threads}"),
            Part::Retain => "retain".into(),
            Part::Latency => "latency".into(),
            Part::Tcp(connections) => format!("tcp-{connections}"),
            Part::Json => "json".into(),
            Part::Syslog => "syslog".into(),
        }
    }

    /// What the table calls it.
    pub(crate) fn label(self) -> String {
        match self {
            Part::Ceiling => "(a) bare inserts, the ceiling".into(),
            Part::Store => "    SqliteStore::append".into(),
            Part::Emit(threads) => format!("(b) emit, threads: {threads}"),
            Part::Retain => "(b) emit, removing as many".into(),
            Part::Latency => "(b) emit, one at a time".into(),
            Part::Tcp(connections) => format!("(c) TCP, connections: {connections}"),
            Part::Json => "(d) TCP, JSON lines".into(),
            Part::Syslog => "(d) TCP, syslog".into(),
        }
    }

    /// Runs it in this process, with a new file.
    pub(crate) fn run(self, records: usize) -> Result<Outcome> {
        // On the disk that holds the build, since the usual place may be memory.
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let path = dir.path().join("logs.sqlite");
        let outcome = match self {
            Part::Ceiling => ceiling::run(&path, records),
            Part::Store => store::run(&path, records),
            Part::Emit(threads) => emit::throughput(&path, records, threads),
            Part::Retain => retain::run(&path, records),
            Part::Latency => emit::latency(&path, records),
            Part::Tcp(connections) => tcp::run(&path, records, connections),
            Part::Json => tcp::run_lines(&path, records, lines::json_line),
            Part::Syslog => tcp::run_lines(&path, records, lines::rfc5424),
        }?;
        check(&path, records)?;
        Ok(Outcome {
            file_bytes: number(fs::metadata(&path)?.len()),
            ..outcome
        })
    }
}

/// Whether every record is in the file: a speed at which some are lost is none.
fn check(path: &Path, records: usize) -> Result<()> {
    let connection = Connection::open(path)?;
    let stored: i64 = connection.query_row("SELECT count(*) FROM record", [], |row| row.get(0))?;
    if usize::try_from(stored)? != records {
        return Err(format!("{stored} of {records} records are in the file").into());
    }
    Ok(())
}

impl FromStr for Part {
    type Err = String;

    fn from_str(name: &str) -> std::result::Result<Self, String> {
        Part::ALL
            .into_iter()
            .find(|part| part.name() == name)
            .ok_or_else(|| {
                let names = Part::ALL.map(Part::name).join(", ");
                format!("unknown part {name:?}; use one of {names}")
            })
    }
}
