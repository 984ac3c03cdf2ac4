//! What is appended is there, whole and once, whatever goes wrong in between.

use super::*;
use rusqlite::config::DbConfig;

use crate::level::Level;
use crate::record::LogRecord;

fn batch(messages: &[&str]) -> Batch {
    let records: Vec<_> = messages
        .iter()
        .map(|message| LogRecord::new(Site::new("myapp", Level::INFO), *message))
        .collect();
    records.iter().collect()
}

fn count(connection: &Connection, table: &str) -> i64 {
    connection
        .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
            row.get(0)
        })
        .unwrap()
}

#[test]
fn one_combination_has_one_row_whoever_wrote_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let mut first = SqliteStore::open(&path, Durability::Normal).unwrap();
    let mut second = SqliteStore::open(&path, Durability::Normal).unwrap();
    for _ in 0..2 {
        for store in [&mut first, &mut second] {
            store.append(&[batch(&["a", "b"]), batch(&["c"])]).unwrap();
        }
    }
    assert_eq!(count(&first.connection, "record"), 12);
    assert_eq!(count(&first.connection, "site"), 1);
    assert_eq!(count(&first.connection, "origin"), 1);
}

#[test]
fn a_failed_append_stores_nothing_and_the_next_one_finds_its_sites() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
    let triggers = DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER;
    store.connection.set_db_config(triggers, true).unwrap();
    store
        .connection
        .execute_batch(
            "CREATE TRIGGER fault BEFORE INSERT ON record WHEN new.message = 'bad' \
             BEGIN SELECT raise(FAIL, 'fault'); END",
        )
        .unwrap();
    let batches = [batch(&["good"]), batch(&["bad"])];
    assert!(matches!(
        store.append(&batches),
        Err(StoreError::Sqlite { .. })
    ));
    assert_eq!(
        (
            count(&store.connection, "record"),
            count(&store.connection, "site")
        ),
        (0, 0)
    );
    store
        .connection
        .execute_batch("DROP TRIGGER fault")
        .unwrap();
    store.append(&batches).unwrap();
    let orphans: i64 = store
        .connection
        .query_row(
            "SELECT count(*) FROM record WHERE site NOT IN (SELECT id FROM site)",
            [],
            |r| r.get(0),
        )
        .unwrap();
    assert_eq!((count(&store.connection, "record"), orphans), (2, 0));
}

#[test]
fn a_lock_held_elsewhere_is_busy_and_passes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(matches!(
        store.append(&[batch(&["a"])]),
        Err(StoreError::Busy { .. })
    ));
    other.execute_batch("ROLLBACK").unwrap();
    store.append(&[batch(&["a"])]).unwrap();
    assert_eq!(count(&store.connection, "record"), 1);
}

#[test]
fn any_number_of_rows_comes_out_in_order_and_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
    let mut sent = Vec::new();
    for len in [1, 15, 16, 17, 33, 100, 5] {
        let records: Vec<LogRecord> = (0..len)
            .map(|i| {
                let mut record = LogRecord::new(Site::new("a", Level(i % 3)), format!("{len}:{i}"));
                // Every slot of the statement sees each text come and go.
                record.exc_text = (i % 3 == 0).then(|| format!("Traceback {i}"));
                record.task_name = (i % 5 == 0).then(|| format!("Task-{i}"));
                record
            })
            .collect();
        let (front, back) = records.split_at(records.len() / 2);
        store
            .append(&[front.iter().collect(), back.iter().collect()])
            .unwrap();
        sent.extend(records);
    }
    let mut found: Vec<_> = crate::store::Reader::open(&path)
        .and_then(|reader| reader.query(&crate::query::Query::default())?.collect())
        .unwrap();
    found.sort_by_key(|stored| stored.id);
    let found: Vec<_> = found.into_iter().map(|stored| stored.record).collect();
    assert_eq!(found, sent);
}

#[test]
fn a_text_of_one_row_does_not_leak_into_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
    let mut full = LogRecord::new(Site::new("a", Level::INFO), "full").with("k", 1);
    full.exc_text = Some("Traceback".into());
    let bare = LogRecord::new(Site::new("a", Level::INFO), "bare");
    store
        .append(&[[&full, &bare].into_iter().collect()])
        .unwrap();
    store.append(&[[&bare].into_iter().collect()]).unwrap();
    let nulls: i64 = store
        .connection
        .query_row(
            "SELECT count(*) FROM record WHERE exc_text IS NULL AND extra IS NULL",
            [],
            |r| r.get(0),
        )
        .unwrap();
    assert_eq!(nulls, 2);
}

#[test]
fn a_disk_that_is_nearly_full_gets_what_matters_most() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
    store
        .keep_room(RoomSettings {
            reserve_bytes: 0,
            min_free_bytes: 1000,
        })
        .unwrap();
    let levels = [
        Level::ERROR,
        Level::DEBUG,
        Level::WARNING,
        Level::INFO,
        Level::ERROR,
    ];
    let records = levels.map(|level| {
        LogRecord::new(Site::new("myapp", level), "x")
            .with("client", "a")
            .with("seq", i64::from(level.0))
    });
    let batch = || -> Batch { records.iter().collect() };
    store.room.as_mut().unwrap().set_free_bytes(400);
    store.append(&[batch()]).unwrap();
    let levels = "SELECT group_concat(levelno) FROM (SELECT levelno FROM record JOIN site ON site.id = site ORDER BY record.id)";
    let stored = || -> String {
        let connection = Connection::open(&path).unwrap();
        connection.query_row(levels, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(stored(), "40,30");
    assert_eq!(store.left_out(), LeftOut { twice: 1, shed: 2 });
    store.room.as_mut().unwrap().set_free_bytes(2000);
    store.append(&[batch()]).unwrap();
    // What was left out has come, though, and nobody will send it again.
    assert_eq!((stored().as_str(), store.left_out().twice), ("40,30", 5));
}
