//! Files that an earlier release has written.

use std::fs;
use std::path::Path;

use logstore::SCHEMA_VERSION;
use rusqlite::Connection;

use crate::support::{Server, Store, logstore};

/// The steps of the schema behind the first, as the releases applied them.
const STEPS: [&str; 4] = [
    include_str!("../../migrations/0002_blocks.sql"),
    include_str!("../../migrations/0003_settings.sql"),
    include_str!("../../migrations/0004_spill.sql"),
    include_str!("../../migrations/0005_clients.sql"),
];

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

#[test]
fn a_file_of_the_second_schema_is_read_and_brought_up_to_date() {
    let store = first_schema();
    let sql = Connection::open(&store.db).unwrap();
    sql.execute_batch(STEPS[0]).unwrap();
    sql.execute_batch("PRAGMA user_version = 2").unwrap();
    drop(sql);
    let before = store.records(&[]);
    let stats = || {
        let mut program = logstore(["stats", "--db"]);
        let output = program.arg(&store.db).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(!stats().contains("keeps"));
    assert_eq!(version(&store), 2);
    let server = Server::start_with(&store.db, &["--keep", "100000d"]);
    assert_eq!(version(&store), SCHEMA_VERSION);
    assert!(stats().contains("keeps      100000d\n"));
    server.terminate();
    assert_eq!(store.records(&[]), before);
}

#[test]
fn a_file_of_the_fifth_schema_still_knows_which_numbers_have_come() {
    let store = first_schema();
    let sql = Connection::open(&store.db).unwrap();
    for step in STEPS {
        sql.execute_batch(step).unwrap();
    }
    sql.execute_batch(
        "PRAGMA user_version = 5;
         INSERT INTO client (name) VALUES ('probe');
         INSERT INTO client_range VALUES (1, 1, 3), (1, 5, 6);
         INSERT INTO client_print VALUES (1, 1, zeroblob(24)), (1, 5, zeroblob(16));",
    )
    .unwrap();
    let gaps = || String::from_utf8(store.run("gaps", &[]).stdout).unwrap();
    let before = gaps();
    assert!(before.contains("probe"), "{before}");
    let check = || store.answer("check", &[]);
    check();
    let server = Server::start(&store.db);
    assert_eq!(version(&store), SCHEMA_VERSION);
    server.terminate();
    check();
    assert_eq!(gaps(), before);
    let fresh = "SELECT (SELECT count(*) FROM client WHERE abs(seen - unixepoch() / 3600) <= 1) \
                 + (SELECT count(*) FROM client_print WHERE abs(hour - unixepoch() / 3600) <= 1)";
    let fresh: i64 = sql.query_row(fresh, [], |row| row.get(0)).unwrap();
    assert_eq!(fresh, 3);
}
