//! A check finds whatever is wrong with a file, a repair mends what can be made again, and both leave sound files alone.

use std::sync::atomic::{AtomicBool, Ordering};

use logstore::{Checked, Depth, Fault, Query, SqliteStore};
use rusqlite::config::DbConfig;

use super::{File, append, first_schema, maintain, messages, numbered};

const RECORDS: usize = 10_000;

fn file() -> File {
    let file = File::new();
    append(&mut file.store(), &numbered(0..10_000), 3000);
    file
}

fn check(file: &File) -> Checked {
    file.reader().check(Depth::Full).unwrap()
}

fn faults(checked: &Checked) -> Vec<Fault> {
    checked
        .problems
        .iter()
        .map(|problem| problem.fault)
        .collect()
}

/// A foreign hand whose changes no trigger sees.
fn unseen(file: &File, statements: &str) {
    let sql = file.sql();
    sql.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)
        .unwrap();
    sql.execute_batch(statements).unwrap();
}

#[test]
fn a_sound_file_is_called_so() {
    let file = file();
    let found = check(&file);
    assert_eq!(found.problems, []);
    assert_eq!((found.records, found.blocks), (RECORDS as u64, 2));
    file.sql()
        .execute_batch("DELETE FROM record WHERE id IN (7, 5000, 9999)")
        .unwrap();
    assert_eq!(check(&file).problems, []);
    maintain(&mut file.store());
    let found = check(&file);
    assert_eq!(found.problems, []);
    assert_eq!((found.records, found.blocks), (9997, 3));

    let old = File::new();
    first_schema(&old.path, &numbered(0..5000));
    let found = check(&old);
    assert_eq!((found.problems, found.records), (vec![], 5000));
}

#[test]
fn every_kind_of_damage_is_found_and_repaired() {
    for (statements, expected) in [
        ("DELETE FROM site WHERE id = 2", Fault::NoSite),
        ("DELETE FROM origin", Fault::NoOrigin),
        ("DELETE FROM index_state", Fault::IndexState),
        ("UPDATE index_state SET generation = 'x'", Fault::IndexState),
        (
            "INSERT INTO setting VALUES ('keep', 'for ever')",
            Fault::Setting,
        ),
        (
            "INSERT INTO setting VALUES ('max_bytes', '-1')",
            Fault::Setting,
        ),
        ("INSERT INTO client_range VALUES (7, 1, 2)", Fault::Client),
        (
            "INSERT INTO client (id, name) VALUES (7, 'a'); INSERT INTO client_range VALUES (7, 1, 9), (7, 3, 4), (7, 5, 12)",
            Fault::Client,
        ),
        (
            "INSERT INTO client (id, name) VALUES (7, 'a'); INSERT INTO client_range VALUES (7, 5, 4)",
            Fault::Client,
        ),
        (
            "INSERT INTO client_print (client, first, prints) VALUES (7, 1, zeroblob(8))",
            Fault::Client,
        ),
        (
            "INSERT INTO client (id, name) VALUES (7, 'a'); INSERT INTO client_print (client, first, prints) VALUES (7, 1, zeroblob(9))",
            Fault::Client,
        ),
        ("DROP VIEW logs", Fault::Schema),
        (
            "DROP VIEW logs; CREATE VIEW logs AS SELECT 1 AS created",
            Fault::Schema,
        ),
        ("DROP TRIGGER record_updated", Fault::Schema),
        ("DROP INDEX site_key", Fault::Schema),
        (
            "UPDATE block SET sites = zeroblob(30) WHERE id = 1",
            Fault::Damaged,
        ),
        (
            "UPDATE block_column SET created = x'01' WHERE id = 4097",
            Fault::Damaged,
        ),
        ("DELETE FROM block_words WHERE id = 1", Fault::Damaged),
        ("DELETE FROM block WHERE id = 4097", Fault::Leftover),
        (
            "UPDATE record SET message = 'unheardof' WHERE id = 4096",
            Fault::DeniedWords,
        ),
        (
            "UPDATE record SET created = created + 1 WHERE id = 100",
            Fault::Disagreeing,
        ),
        (
            "UPDATE record SET site = 1 WHERE site = 2 AND id < 9",
            Fault::Disagreeing,
        ),
        ("DELETE FROM record WHERE id = 8192", Fault::Disagreeing),
        (
            "INSERT INTO block SELECT 100, last_id, records, min_created, max_created, sites, origins FROM block WHERE id = 1",
            Fault::Overlapping,
        ),
    ] {
        let file = file();
        unseen(&file, statements);
        let before = messages_whatever(&file);
        let found = check(&file);
        assert_eq!(faults(&found), [expected], "{statements}");
        assert!(found.problems[0].count > 0 && !found.problems[0].first.is_empty());

        file.store().repair(&found).unwrap();
        let left = check(&file);
        assert_eq!(left.problems, [], "{statements}");
        assert!(left.blocks >= 2, "{statements}");
        assert_eq!(
            messages(&file.reader(), &Query::default()),
            before,
            "{statements}"
        );
    }
}

#[test]
fn runs_of_numbers_that_overlap_are_joined() {
    let file = file();
    unseen(
        &file,
        "INSERT INTO client (id, name) VALUES (7, 'a'), (8, 'b'); \
         INSERT INTO client_range VALUES (7, 1, 9), (7, 3, 4), (7, 9, 12), (7, 20, 21), (8, 2, 3), (9, 1, 1)",
    );
    let found = check(&file);
    assert_eq!(found.problems[0].count, 3);
    file.store().repair(&found).unwrap();
    let sql = file.sql();
    let mut statement = sql
        .prepare("SELECT client, first, last FROM client_range")
        .unwrap();
    let rows = statement.query_map([], |row| row.try_into()).unwrap();
    let runs: Vec<(i64, i64, i64)> = rows.map(Result::unwrap).collect();
    assert_eq!(runs, [(7, 1, 12), (7, 20, 21), (8, 2, 3)]);
}

#[test]
fn a_time_that_is_no_number_is_found_and_the_last_id_of_all_looked_at() {
    let file = file();
    unseen(&file, "UPDATE record SET created = 'abc' WHERE id = 9000");
    assert_eq!(faults(&check(&file)), [Fault::NoNumber]);
    let file = self::file();
    unseen(
        &file,
        "UPDATE record SET site = 99, id = 9223372036854775807 WHERE id = 10000",
    );
    let found = check(&file);
    assert_eq!(faults(&found), [Fault::NoSite]);
    assert_eq!(found.records, RECORDS as u64);
}

#[test]
fn what_somebody_has_put_in_the_place_of_a_view_is_not_removed() {
    let file = file();
    unseen(
        &file,
        "DROP VIEW records; CREATE TABLE records AS SELECT 1 AS precious",
    );
    let found = check(&file);
    assert_eq!(faults(&found), [Fault::Schema]);
    let error = file.store().repair(&found).unwrap_err().to_string();
    assert!(
        error.contains("the table records is in the place of the view"),
        "{error}"
    );
    let sql = file.sql();
    sql.execute_batch("SELECT precious FROM records; DROP TABLE records")
        .unwrap();
    file.store().repair(&found).unwrap();
    assert_eq!(check(&file).problems, []);
}

/// Whatever is damaged: the messages of all records, as SQL has them.
fn messages_whatever(file: &File) -> Vec<String> {
    let sql = file.sql();
    let mut statement = sql
        .prepare("SELECT message FROM record ORDER BY created, id")
        .unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn an_index_that_lacks_a_row_is_filled_anew() {
    let file = file();
    let sql = file.sql();
    let (root, definition): (i64, String) = sql
        .query_row(
            "SELECT rootpage, sql FROM sqlite_schema WHERE name = 'site_key'",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    sql.execute_batch(
        "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema WHERE name = 'site_key';
         PRAGMA writable_schema = RESET;
         INSERT INTO site (name, levelno, levelname) VALUES ('b', 10, 'DEBUG');
         PRAGMA writable_schema = ON;",
    )
    .unwrap();
    sql.execute(
        "INSERT INTO sqlite_schema VALUES ('index', 'site_key', 'site', ?1, ?2)",
        (root, definition),
    )
    .unwrap();
    drop(sql);
    let found = check(&file);
    assert_eq!(faults(&found), [Fault::Sqlite]);
    file.store().repair(&found).unwrap();
    assert_eq!(check(&file).problems, []);
}

#[test]
fn the_number_of_a_lost_site_is_not_given_to_another() {
    let file = file();
    unseen(&file, "DELETE FROM site WHERE id = 3");
    let found = check(&file);
    file.store().repair(&found).unwrap();
    append(&mut file.store(), &numbered(10_000..10_003), 3);
    let names: Vec<String> = {
        let sql = file.sql();
        let mut statement = sql.prepare("SELECT name FROM site ORDER BY id").unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    assert_eq!(names, ["a", "a", "?", "a"]);
}

#[test]
fn a_file_that_is_being_written_is_sound_at_all_times() {
    let file = file();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut store: SqliteStore = file.store();
            for start in (10_000..40_000).step_by(500) {
                append(&mut store, &numbered(start..start + 500), 100);
                maintain(&mut store);
            }
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) && !writer.is_finished() {
            assert_eq!(check(&file).problems, []);
        }
    });
    assert_eq!(check(&file).records, 40_000);
}

#[test]
fn no_overwritten_page_makes_it_panic_or_overlook_all() {
    let file = file();
    file.sql()
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    let bytes = std::fs::read(&file.path).unwrap();
    let mut found = 0;
    let pages = bytes.len() / 8192;
    for page in (1..pages).step_by(pages / 24) {
        let mut harmed = bytes.clone();
        harmed[page * 8192..(page + 1) * 8192].fill(0xa5);
        std::fs::write(&file.path, harmed).unwrap();
        let checked = file.reader().check(Depth::Full);
        found += usize::from(checked.is_ok_and(|checked| !checked.problems.is_empty()));
    }
    assert!(found > 20, "{found} of {pages} pages");
}
