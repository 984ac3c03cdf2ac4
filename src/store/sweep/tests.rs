//! What only the inside shows: when a sweep is due, and what keeps it from being done.

use std::sync::Arc;

use super::*;
use crate::batch::Batch;
use crate::level::Level;
use crate::progress::Progress;
use crate::record::{LogRecord, Origin, Site};
use crate::retention::Retention;
use crate::store::{Durability, Prune, RecordStore as _};

/// Records, each of a site and an origin of its own.
fn batch(names: std::ops::Range<i64>) -> Batch {
    let record = |name| {
        let mut record = LogRecord::new(Site::new(format!("job{name}"), Level::INFO), "old");
        record.created_ns = name;
        record.origin = Arc::new(Origin {
            process: Some(name),
            ..Origin::default()
        });
        record
    };
    let records: Vec<LogRecord> = names.map(record).collect();
    records.iter().collect()
}

fn file() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    (dir, path)
}

fn open(path: &std::path::Path) -> SqliteStore {
    SqliteStore::open(path, Durability::Normal).unwrap()
}

fn number(store: &SqliteStore, sql: &str) -> i64 {
    store
        .connection
        .query_row(sql, [], |row| row.get(0))
        .unwrap()
}

fn rows(store: &SqliteStore) -> (i64, i64) {
    let sites = number(store, "SELECT count(*) FROM site");
    (sites, number(store, "SELECT count(*) FROM origin"))
}

fn lost(store: &SqliteStore) -> i64 {
    let sql = "SELECT count(*) FROM record WHERE site NOT IN (SELECT id FROM site) \
               OR origin NOT IN (SELECT id FROM origin)";
    number(store, sql)
}

fn sweep(store: &mut SqliteStore) {
    while store.sweep().unwrap() {}
}

#[test]
fn what_no_record_uses_goes_and_no_id_is_given_again() {
    let (_dir, path) = file();
    let mut store = open(&path);
    store.append(&[batch(0..10_000)]).unwrap();
    sweep(&mut store);
    assert_eq!(rows(&store), (10_000, 10_000));
    store
        .connection
        .execute_batch("DELETE FROM block; DELETE FROM record WHERE id NOT IN (7, 5000, 9000)")
        .unwrap();
    store.forget();
    sweep(&mut store);
    // The three, and those of the highest ids.
    assert_eq!((rows(&store), lost(&store)), ((4, 4), 0));
    store.append(&[batch(4000..4002)]).unwrap();
    assert_eq!(
        number(&store, "SELECT min(site) FROM record WHERE id > 9000"),
        10_001
    );
    assert_eq!((rows(&store), lost(&store)), ((6, 6), 0));
}

#[test]
fn a_writer_that_remembers_ids_is_told_that_they_are_gone() {
    let (_dir, path) = file();
    let (mut first, mut second) = (open(&path), open(&path));
    let all = batch(0..200);
    for store in [&mut first, &mut second] {
        store.append(std::slice::from_ref(&all)).unwrap();
    }
    let what = Prune {
        before_ns: Some(100),
        ..Prune::default()
    };
    let pruned = first.prune(&what, 0, &Progress::new()).unwrap();
    assert_eq!((pruned.records, rows(&first)), (200, (100, 100)));
    // Shared by address, so that nothing is compared.
    for store in [&mut second, &mut first] {
        store.append(std::slice::from_ref(&all)).unwrap();
    }
    assert_eq!((rows(&first), lost(&first)), ((200, 200), 0));
}

#[test]
fn what_comes_while_a_sweep_is_under_way_keeps_its_rows() {
    let (_dir, path) = file();
    let (mut store, mut other) = (open(&path), open(&path));
    store.append(&[batch(0..5000)]).unwrap();
    other.append(&[batch(0..5000)]).unwrap();
    store.connection.execute("DELETE FROM record", []).unwrap();
    store.connection.execute("DELETE FROM block", []).unwrap();
    store.forget();
    let mut next = 0;
    while store.sweep().unwrap() {
        for store in [&mut other, &mut store] {
            store.append(&[batch(next..next + 40)]).unwrap();
            next += 60;
        }
        assert_eq!(lost(&store), 0);
    }
    assert!(rows(&store).0 < 5000);
}

#[test]
fn a_foreign_hand_puts_a_sweep_off() {
    let (_dir, path) = file();
    let mut store = open(&path);
    store.append(&[batch(0..200)]).unwrap();
    store
        .connection
        .execute("DELETE FROM record WHERE id <= 150", [])
        .unwrap();
    assert!(store.sweep().unwrap());
    let other = Connection::open(&path).unwrap();
    other
        .execute_batch(
            "INSERT INTO record (id, created, site, origin, message) VALUES (3, 0, 3, 3, '')",
        )
        .unwrap();
    assert!(!store.sweep().unwrap());
    assert_eq!(rows(&store), (200, 200));
    assert!(!store.sweeper.is_due(&store.connection, true).unwrap());
    sweep(&mut store);
    assert_eq!((rows(&store), lost(&store)), ((51, 51), 0));
    // One who could not be told of a sweep loses nothing to it.
    other.execute_batch("DELETE FROM index_state").unwrap();
    store.connection.execute("DELETE FROM record", []).unwrap();
    sweep(&mut store);
    assert_eq!(rows(&store), (51, 51));
}

#[test]
fn a_sweep_is_due_when_there_may_be_twice_as_much_as_the_last_one_left() {
    let (_dir, path) = file();
    let mut store = open(&path);
    let is_due = |store: &mut SqliteStore, removed| {
        store.sweeper.removed(removed);
        store.sweeper.is_due(&store.connection, false).unwrap()
    };
    store.append(&[batch(0..500)]).unwrap();
    assert!(!is_due(&mut store, 1));
    store.append(&[batch(500..600)]).unwrap();
    assert!(is_due(&mut store, 0));
    sweep(&mut store);
    assert!(!is_due(&mut store, 1));
    // Another process knows it from the file.
    let mut store = open(&path);
    assert!(!is_due(&mut store, 1));
    store.append(&[batch(600..1100)]).unwrap();
    assert!(!is_due(&mut store, 1));
    store.append(&[batch(1100..1300)]).unwrap();
    assert!(is_due(&mut store, 1));
}

#[test]
fn names_make_room_before_the_newest_records_do() {
    let (_dir, path) = file();
    let mut store = open(&path);
    // More in names than the file may have, in records that have no block.
    let record = |i: i64| {
        let name = format!("{i}{}", "x".repeat(1000));
        LogRecord::new(Site::new(name, Level::INFO), format!("record{i}"))
    };
    let records: Vec<LogRecord> = (0..3000).map(record).collect();
    store.append(&[records.iter().collect()]).unwrap();
    let retention = Retention {
        max_bytes: Some(3 << 20),
        ..Retention::default()
    };
    store.set_retention(retention).unwrap();
    while store.retain().unwrap().more {}
    let kept = number(&store, "SELECT count(*) FROM record");
    assert!((800..2000).contains(&kept), "{kept}");
    assert_eq!(number(&store, "SELECT max(id) FROM record"), 3000);
    assert_eq!(lost(&store), 0);
}
