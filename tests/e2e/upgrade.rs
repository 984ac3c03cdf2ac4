//! Files that an earlier release has written.

use std::fs;
use std::path::Path;

use logstore::SCHEMA_VERSION;
use rusqlite::Connection;

use crate::support::{Server, Store};

/// A file of the first schema with 200 records of a Python program, as that release left it.
fn first_schema() -> Store {
    let store = Store::new();
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/schema1.db");
    fs::copy(old, &store.db).unwrap();
    store
}

fn version(store: &Store) -> i64 {
    Connection::open(&store.db)
        .unwrap()
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap()
}

const QUESTION: [&str; 4] = ["--level", "warning", "--name", "myapp.area2"];

#[test]
fn an_old_file_is_read_as_it_is() {
    let store = first_schema();
    let before = fs::read(&store.db).unwrap();
    assert_eq!(store.records(&[]).len(), 200);
    assert_eq!(store.records(&QUESTION).len(), 68);
    assert_eq!(store.records(&["ZeroDivisionError"]).len(), 4);
    assert_eq!(store.records(&["--field", "user.name=Ada"]).len(), 20);
    assert_eq!(version(&store), 1);
    assert_eq!(fs::read(&store.db).unwrap(), before);
}

#[test]
fn an_old_file_is_brought_up_to_date_by_the_first_who_writes() {
    let store = first_schema();
    let before = store.records(&[]);
    let server = Server::start(&store.db);
    assert_eq!(version(&store), SCHEMA_VERSION);
    server.terminate();
    assert_eq!(store.records(&[]), before);
    assert_eq!(store.records(&QUESTION).len(), 68);
}
