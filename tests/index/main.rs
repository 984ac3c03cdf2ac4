//! The skip index: answers stay those of a plain filter whatever happens to the file and to its blocks.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod answers;
mod at_once;
mod check;
mod damage;
mod keeping;
mod kept;
mod large;
mod limits;
#[path = "../query/model.rs"]
mod model;
mod pruning;
#[path = "../query/questions.rs"]
mod questions;
mod source;
mod sweeping;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use logstore::{
    Batch, Durability, Level, LogRecord, Origin, Query, Reader, RecordStore, Site, SqliteStore,
};
use rusqlite::Connection;
use tempfile::TempDir;

/// A store in a directory of its own.
struct File {
    _dir: TempDir,
    path: PathBuf,
}

impl File {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs.sqlite");
        File { _dir: dir, path }
    }

    fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.path, Durability::Normal).unwrap()
    }

    /// A hand from outside.
    fn sql(&self) -> Connection {
        Connection::open(&self.path).unwrap()
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.path).unwrap()
    }

    /// How many blocks there are, and how many records they say they have.
    fn blocks(&self) -> (i64, i64) {
        let sql = "SELECT count(*), coalesce(sum(records), 0) FROM block";
        self.sql()
            .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
    }
}

/// Does all the upkeep that there is; gives the number of damaged blocks that it met.
fn maintain(store: &mut SqliteStore) -> u64 {
    let mut damaged = 0;
    loop {
        let done = store.maintain().unwrap();
        damaged += done.damaged;
        if !done.more {
            return damaged;
        }
    }
}

/// The file as the first release made it, with these records.
fn first_schema(path: &Path, records: &[LogRecord]) {
    let sql = Connection::open(path).unwrap();
    sql.execute_batch(
        "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;",
    )
    .unwrap_or_default();
    sql.execute_batch(include_str!("../../migrations/0001_records.sql"))
        .unwrap();
    sql.execute_batch("PRAGMA application_id = 0x4c4f4753; PRAGMA user_version = 1; BEGIN")
        .unwrap();
    for (i, record) in (1_i64..).zip(records) {
        let site = &record.site;
        sql.execute(
            "INSERT INTO site (id, name, levelno, levelname) VALUES (?1, ?2, ?3, ?4)",
            (i, &site.name, site.level.0, &site.level_name),
        )
        .unwrap();
        sql.execute(
            "INSERT INTO origin (id, hostname) VALUES (?1, ?2)",
            (i, &record.origin.hostname),
        )
        .unwrap();
        sql.execute(
            "INSERT INTO record (id, created, site, origin, message) VALUES (?1, ?2, ?1, ?1, ?3)",
            (i, record.created_ns, &record.message),
        )
        .unwrap();
    }
    sql.execute_batch("COMMIT").unwrap();
}

/// Records that tell themselves apart, with times in order.
fn numbered(range: std::ops::Range<i64>) -> Vec<LogRecord> {
    let sites = [10, 20, 30].map(|level| Arc::new(Site::new("a", Level(level))));
    let origin = Arc::new(Origin {
        hostname: "node1".into(),
        ..Origin::default()
    });
    let record = |i: i64| {
        let site = &sites[usize::try_from(i % 3).unwrap()];
        let mut record = LogRecord::new(Arc::clone(site), format!("record number{i}"));
        record.created_ns = i * 1_000_000;
        record.origin = Arc::clone(&origin);
        record
    };
    range.map(record).collect()
}

/// Appends in transactions of this many records.
fn append(store: &mut SqliteStore, records: &[LogRecord], per_transaction: usize) {
    for run in records.chunks(per_transaction) {
        let batches: Vec<Batch> = run.chunks(256).map(|run| run.iter().collect()).collect();
        store.append(&batches).unwrap();
    }
}

/// The messages of an answer, which met no damaged block.
fn messages(reader: &Reader, query: &Query) -> Vec<String> {
    let mut records = reader.query(query).unwrap();
    let messages = records
        .by_ref()
        .map(|stored| stored.unwrap().record.message)
        .collect();
    assert_eq!(records.damaged_blocks(), 0);
    messages
}
