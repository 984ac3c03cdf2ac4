//! What only the inside shows: runs that are half removed, and removals that fail.

use rusqlite::config::DbConfig;

use super::*;
use crate::batch::Batch;
use crate::level::Level;
use crate::record::{LogRecord, Site};
use crate::store::{Durability, RecordStore as _, SqliteStore};

/// So many records of 1970.
fn batch(records: i64) -> Batch {
    let record = |created_ns| {
        let mut record = LogRecord::new(Site::new("a", Level::INFO), "old");
        record.created_ns = created_ns;
        record
    };
    let records: Vec<LogRecord> = (0..records).map(record).collect();
    records.iter().collect()
}

fn store(records: i64) -> (tempfile::TempDir, SqliteStore) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let mut store = SqliteStore::open(path, Durability::Normal).unwrap();
    store.append(&[batch(records)]).unwrap();
    (dir, store)
}

fn retention(rule: &str) -> Retention {
    Retention {
        keep: vec![rule.parse().unwrap()],
        max_bytes: None,
    }
}

fn count(store: &mut SqliteStore) -> i64 {
    let (connection, _) = store.parts();
    connection
        .query_row("SELECT count(*) FROM record", [], |row| row.get(0))
        .unwrap()
}

#[test]
fn what_is_left_of_a_run_goes_unless_a_block_was_made_of_it() {
    let (_dir, mut store) = store(5000);
    let mut pruner = Pruner::new(retention("100000d"));
    pruner.doomed = Some((4000, 5000));
    let mut step = |pruner: &mut Pruner| {
        let (connection, index) = store.parts();
        let done = pruner.step(connection, index, 0, Load::Idle).unwrap();
        (done.removed, pruner.doomed)
    };
    assert_eq!(step(&mut pruner), (0, None));
    pruner.doomed = Some((4097, 4100));
    assert_eq!(step(&mut pruner), (4, None));
    // Those that come next are not in a block with what is gone.
    store.append(&[batch(4096)]).unwrap();
    assert_eq!(count(&mut store), 5000 - 4 + 4096);
}

#[test]
fn records_that_cannot_be_removed_keep_no_others_from_being_stored() {
    let (_dir, mut store) = store(100);
    store.set_retention(retention("100000d")).unwrap();
    store.retain().unwrap();
    let pruner = store.pruner().unwrap();
    pruner.doomed = Some((1, 50));
    let (connection, _) = store.parts();
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, true)
        .unwrap();
    connection
        .execute_batch(
            "CREATE TRIGGER fault BEFORE DELETE ON record BEGIN SELECT raise(FAIL, 'fault'); END",
        )
        .unwrap();
    // The two are tried together once.
    store.append(&[batch(1)]).unwrap_err();
    store.append(&[batch(1)]).unwrap();
    assert_eq!(count(&mut store), 101);
    let (connection, _) = store.parts();
    connection.execute_batch("DROP TRIGGER fault").unwrap();
    let mut all = Pruner::new(retention("1s"));
    let (connection, index) = store.parts();
    let now_ns = i64::MAX / 2;
    let done = all.step(connection, index, now_ns, Load::Arriving).unwrap();
    assert_eq!(done.removed, 101);
}

#[test]
fn a_disk_that_is_full_again_and_again_takes_half_of_the_file_once() {
    let (_dir, mut store) = store(40_000);
    let used = |store: &mut SqliteStore| Space::of(store.parts().0).unwrap().used_bytes();
    let before = used(&mut store);
    let limit = Retention {
        max_bytes: Some(1 << 30),
        ..Retention::default()
    };
    for _ in 0..3 {
        // A process that begins anew, and is twice in need.
        let mut pruner = Pruner::new(limit.clone());
        for needed in [u64::MAX, 0, u64::MAX] {
            let (connection, index) = store.parts();
            pruner.shrink_by(connection, needed).unwrap();
            while pruner.step(connection, index, 0, Load::Idle).unwrap().more {}
        }
    }
    let after = used(&mut store);
    assert!(
        (before / 3..before * 2 / 3).contains(&after),
        "{after} of {before}"
    );
    // What has no records left is not too large any more.
    let (connection, index) = store.parts();
    connection.execute("DELETE FROM record", []).unwrap();
    let mut pruner = Pruner::new(Retention {
        max_bytes: Some(1),
        ..Retention::default()
    });
    let mut steps = 0;
    while pruner.step(connection, index, 0, Load::Idle).unwrap().more {
        steps += 1;
        assert!(steps < 10_000, "it never rests");
    }
}

#[test]
fn what_arrives_takes_the_pages_of_what_goes() {
    let (_dir, mut store) = store(40_000);
    store.set_retention(retention("1h")).unwrap();
    let pages = |store: &mut SqliteStore| -> i64 {
        let (connection, _) = store.parts();
        connection
            .query_row("PRAGMA page_count", [], |row| row.get(0))
            .unwrap()
    };
    let before = pages(&mut store);
    let mut removed = store.retain().unwrap().removed;
    while count(&mut store) > 30_000 {
        store.append(&[batch(2000)]).unwrap();
        removed += store.retain().unwrap().removed;
    }
    assert!(removed > 10_000);
    assert!(pages(&mut store) <= before, "{before}");
}
