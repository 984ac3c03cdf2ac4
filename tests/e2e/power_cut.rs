//! Power cuts: the file and its log as a machine may leave them when it stops at any moment. The file is sound, and of each
//! transaction all records are there or none.

use std::fs;
use std::path::Path;

use logstore::{
    Batch, Depth, Durability, Level, LogRecord, Order, Query, Reader, RecordStore as _, Site,
    SqliteStore,
};

use crate::support::Store;

/// What the header of a log takes, and that of each page in it.
const LOG_HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
const PAGE: usize = 8192;

/// Transactions of this many records: together they fill a block.
const RECORDS: usize = 290;
const TRANSACTIONS: usize = 15;

/// One transaction more; its number is in the messages.
fn append(store: &mut SqliteStore, transaction: usize) {
    let site = std::sync::Arc::new(Site::new("a", Level::INFO));
    let record = |number: usize| {
        let message = format!("{transaction} {number} {}", "word ".repeat(number % 9));
        LogRecord::new(std::sync::Arc::clone(&site), message)
    };
    let records: Vec<LogRecord> = (0..RECORDS).map(record).collect();
    let batches: Vec<Batch> = records.chunks(50).map(|run| run.iter().collect()).collect();
    store.append(&batches).unwrap();
}

/// How many transactions are in a file, which must be whole ones from the first on, in a sound file.
#[track_caller]
fn whole_transactions(db: &Path) -> usize {
    // Whoever writes next opens it so.
    drop(SqliteStore::open(db, Durability::Normal).unwrap());
    let reader = Reader::open(db).unwrap();
    assert_eq!(reader.check(Depth::Full).unwrap().problems, []);
    let query = Query {
        order: Order::OldestFirst,
        ..Query::default()
    };
    let mut found: Vec<(i64, String)> = reader
        .query(&query)
        .unwrap()
        .map(|stored| {
            stored
                .map(|stored| (stored.id, stored.record.message))
                .unwrap()
        })
        .collect();
    found.sort();
    assert_eq!(found.len() % RECORDS, 0, "a torn transaction");
    for (place, (_, message)) in found.iter().enumerate() {
        let expected = format!("{} {} ", place / RECORDS, place % RECORDS);
        assert!(message.starts_with(&expected), "{message} at {place}");
    }
    found.len() / RECORDS
}

/// The file and its log at this moment.
fn copied(store: &Store) -> (Vec<u8>, Vec<u8>) {
    let log = fs::read(store.file("runs.sqlite-wal")).unwrap();
    (fs::read(&store.db).unwrap(), log)
}

/// Puts a file and a log into a directory of their own, and counts the transactions.
#[track_caller]
fn restarted(file: &[u8], log: &[u8]) -> usize {
    let store = Store::new();
    fs::write(&store.db, file).unwrap();
    fs::write(store.file("runs.sqlite-wal"), log).unwrap();
    whole_transactions(&store.db)
}

/// Where a log may be cut: at the ends of its pages, and within some of them.
fn cuts(log: &[u8]) -> impl Iterator<Item = usize> {
    let len = log.len();
    let ends = (LOG_HEADER..=len).step_by(FRAME_HEADER + PAGE);
    let within = ends
        .clone()
        .step_by(7)
        .flat_map(|end| [end + 1, end + 23, end + 5000]);
    let header = [0, 16];
    header
        .into_iter()
        .chain(ends)
        .chain(within)
        .filter(move |cut| *cut <= len)
}

#[test]
fn a_log_that_is_cut_anywhere_leaves_whole_transactions() {
    let store = Store::new();
    let mut writer = SqliteStore::open(&store.db, Durability::Normal).unwrap();
    let (empty, _) = copied(&store);
    let mut ends = Vec::new();
    for transaction in 0..TRANSACTIONS {
        append(&mut writer, transaction);
        ends.push(copied(&store).1.len());
    }
    let (file, log) = copied(&store);
    assert_eq!(file, empty, "nothing was copied from the log meanwhile");
    for cut in cuts(&log) {
        let complete = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(
            restarted(&file, &log[..cut]),
            complete,
            "cut at {cut} of {}",
            log.len()
        );
    }
}

#[test]
fn a_log_that_is_begun_anew_is_cut_as_well_as_the_first_one() {
    let store = Store::new();
    let mut writer = SqliteStore::open(&store.db, Durability::Normal).unwrap();
    (0..12).for_each(|transaction| append(&mut writer, transaction));
    let sql = rusqlite::Connection::open(&store.db).unwrap();
    sql.execute_batch("PRAGMA wal_checkpoint").unwrap();
    let old = copied(&store).1.len();
    (12..15).for_each(|transaction| append(&mut writer, transaction));
    let (file, log) = copied(&store);
    // Behind the new pages are those of before.
    assert_eq!(log.len(), old);
    let mut before = 0;
    for cut in (LOG_HEADER..=log.len()).step_by(FRAME_HEADER + PAGE) {
        let found = restarted(&file, &log[..cut]);
        assert!((12..=15).contains(&found) && found >= before, "{found}");
        before = found;
    }
    assert_eq!(before, 15);
}

#[test]
fn a_copy_from_the_log_to_the_file_may_end_at_any_page() {
    let store = Store::new();
    let mut writer = SqliteStore::open(&store.db, Durability::Normal).unwrap();
    (0..TRANSACTIONS).for_each(|transaction| append(&mut writer, transaction));
    let (before, log) = copied(&store);
    let sql = rusqlite::Connection::open(&store.db).unwrap();
    sql.execute_batch("PRAGMA wal_checkpoint").unwrap();
    let (after, _) = copied(&store);
    for pages in 0..=after.len() / PAGE {
        let mut file = after[..pages * PAGE].to_vec();
        file.extend_from_slice(before.get(file.len()..).unwrap_or_default());
        assert_eq!(restarted(&file, &log), TRANSACTIONS, "after {pages} pages");
    }
}
