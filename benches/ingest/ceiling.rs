//! Part (a): the ceiling. What `SQLite` takes of the same rows when nothing else is to be done: no decoding, no queue, no
//! dictionary, no index; one prepared statement, 4,096 rows a transaction, the settings of the store.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use logstore::{LogRecord, Origin, Site};
use rusqlite::types::Null;
use rusqlite::{Connection, Statement};

use crate::Result;
use crate::measure::{Outcome, Stopwatch};
use crate::workload::Workload;

const ROWS_PER_TRANSACTION: usize = 4096;

/// The settings of the store's writer, in the order that a new file needs.
const SETTINGS: &str = "
    PRAGMA page_size = 8192;
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA journal_size_limit = 67108864;
    CREATE TABLE record (
        id INTEGER PRIMARY KEY,
        created INTEGER NOT NULL,
        site INTEGER NOT NULL,
        origin INTEGER NOT NULL,
        message TEXT NOT NULL,
        task_name TEXT,
        exc_text TEXT,
        stack_info TEXT,
        extra TEXT
    );";

const INSERT: &str = "INSERT INTO record \
    (created, site, origin, message, task_name, exc_text, stack_info, extra) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// A record already reduced to integers and text.
struct Row {
    integers: [i64; 3],
    message: String,
    /// Task name, `exc_text`, `stack_info` and extra.
    optional: [Option<String>; 4],
}

pub(crate) fn run(path: &Path, records: usize) -> Result<Outcome> {
    let rows = rows(records);
    let connection = Connection::open(path)?;
    connection.execute_batch(SETTINGS)?;

    let watch = Stopwatch::start();
    insert(&connection, &rows)?;
    let outcome = watch.stop();

    connection.close().map_err(|(_, error)| error)?;
    Ok(outcome)
}

fn insert(connection: &Connection, rows: &[Row]) -> Result<()> {
    let mut statement = connection.prepare(INSERT)?;
    let mut bound = [true; 4];
    for transaction in rows.chunks(ROWS_PER_TRANSACTION) {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for row in transaction {
            insert_row(&mut statement, &mut bound, row)?;
        }
        connection.execute_batch("COMMIT")?;
    }
    Ok(())
}

/// Binds a NULL only where the last row had a text: the fastest way with one statement.
fn insert_row(
    statement: &mut Statement<'_>,
    bound: &mut [bool; 4],
    row: &Row,
) -> rusqlite::Result<()> {
    for (i, integer) in row.integers.into_iter().enumerate() {
        statement.raw_bind_parameter(1 + i, integer)?;
    }
    statement.raw_bind_parameter(4, &*row.message)?;
    for (i, text) in row.optional.iter().enumerate() {
        match text {
            Some(text) => statement.raw_bind_parameter(5 + i, &**text)?,
            None if bound[i] => statement.raw_bind_parameter(5 + i, Null)?,
            None => continue,
        }
        bound[i] = text.is_some();
    }
    statement.raw_execute().map(drop)
}

fn rows(records: usize) -> Vec<Row> {
    let mut sites = HashMap::new();
    let mut origins = HashMap::new();
    let mut rows = Vec::with_capacity(records);
    rows.extend(Workload::new(records).take(records).map(|record| Row {
        integers: [
            record.created_ns,
            number::<Site>(&mut sites, &record.site),
            number::<Origin>(&mut origins, &record.origin),
        ],
        optional: [None, record.exc_text.clone(), None, extra(&record)],
        message: record.message,
    }));
    rows
}

/// The number of something that repeats, from 1, in order of appearance.
fn number<T>(known: &mut HashMap<*const T, i64>, shared: &Arc<T>) -> i64 {
    let next = i64::try_from(known.len()).expect("a few hundred") + 1;
    *known.entry(Arc::as_ptr(shared)).or_insert(next)
}

fn extra(record: &LogRecord) -> Option<String> {
    let json = || serde_json::to_string(&record.extra).expect("a map with text keys is JSON");
    (!record.extra.is_empty()).then(json)
}
