//! Which records have a block, whoever writes, deletes or breaks something.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use logstore::{Level, Order, Phrase, Query, Reader, RecordStore as _, Report, SQLiteQueueHandler};

use super::{File, append, first_schema, maintain, messages, numbered};

fn all() -> Query {
    Query::default()
}

fn warnings() -> Query {
    Query {
        min_level: Some(Level::WARNING),
        ..Query::default()
    }
}

#[test]
fn every_4096_records_get_a_block_in_the_transaction_that_completes_them() {
    let file = File::new();
    let mut store = file.store();
    append(&mut store, &numbered(0..4095), 1000);
    assert_eq!(file.blocks(), (0, 0));
    append(&mut store, &numbered(4095..4096), 1);
    assert_eq!(file.blocks(), (1, 4096));
    append(&mut store, &numbered(4096..20_000), 10_000);
    assert_eq!(file.blocks(), (4, 4 * 4096));
    assert_eq!(messages(&file.reader(), &all()).len(), 20_000);
}

#[test]
fn a_store_that_is_opened_again_goes_on_with_the_block() {
    let file = File::new();
    for range in [0..3000, 3000..4000, 4000..9000] {
        append(&mut file.store(), &numbered(range), 700);
    }
    assert_eq!(file.blocks(), (2, 8192));
}

#[test]
fn two_writers_take_turns_and_every_block_is_of_both() {
    let file = File::new();
    let (mut one, mut other) = (file.store(), file.store());
    for start in (0..12_000).step_by(1000) {
        append(&mut one, &numbered(start..start + 400), 150);
        append(&mut other, &numbered(start + 400..start + 1000), 600);
    }
    assert_eq!(file.blocks(), (2, 8192));
    let found = messages(&file.reader(), &all());
    let sent: Vec<String> = numbered(0..12_000)
        .into_iter()
        .map(|record| record.message)
        .collect();
    assert_eq!(found, sent);
}

#[test]
fn a_failed_transaction_leaves_no_block_behind() {
    let file = File::new();
    let mut store = file.store();
    append(&mut store, &numbered(0..4000), 4000);
    let sql = file.sql();
    // The rows would go in, and then the second block would find its place taken away.
    sql.execute_batch("ALTER TABLE block_words RENAME TO away")
        .unwrap();
    let more = numbered(4000..5000);
    let batches = [more.iter().collect()];
    store.append(&batches).unwrap_err();
    assert_eq!(file.blocks(), (0, 0));
    sql.execute_batch("ALTER TABLE away RENAME TO block_words")
        .unwrap();
    store.append(&batches).unwrap();
    assert_eq!(file.blocks(), (1, 4096));
    assert_eq!(messages(&file.reader(), &all()).len(), 5000);
}

#[test]
fn records_that_were_deleted_or_changed_are_in_no_block() {
    let file = File::new();
    let mut store = file.store();
    append(&mut store, &numbered(0..20_480), 5000);
    let sql = file.sql();
    sql.execute_batch(
        "DELETE FROM record WHERE id BETWEEN 5000 AND 5010;
         UPDATE record SET created = created + 1 WHERE id = 9000;
         DELETE FROM record WHERE id > 20470;",
    )
    .unwrap();
    assert_eq!(file.blocks(), (2, 8192));
    assert_eq!(messages(&file.reader(), &all()).len(), 20_480 - 11 - 10);
    // The ids that became free at the end are given again.
    append(&mut store, &numbered(30_000..30_020), 20);
    assert_eq!(maintain(&mut store), 0);
    assert_eq!(file.blocks(), (5, 4096 * 5 - 11));
    let found = messages(&file.reader(), &all());
    assert_eq!(found.len(), 20_480 - 11 - 10 + 20);
    assert_eq!(found.last().unwrap(), "record number30019");
    append(&mut store, &numbered(30_020..40_000), 3000);
    assert_eq!(file.blocks(), (7, 4096 * 7 - 11));
}

/// What a reader has learnt of a file's blocks does not keep it from seeing what others did to it.
#[test]
fn who_remembers_blocks_is_told_when_they_change() {
    let file = File::new();
    let mut store = file.store();
    append(&mut store, &numbered(0..12_288), 4096);
    maintain(&mut store);
    let (sql, reader) = (file.sql(), file.reader());
    let late = Query {
        since_ns: Some(1_000_000_000_000),
        ..Query::default()
    };
    let generation = || -> i64 {
        let select = "SELECT generation FROM index_state";
        sql.query_row(select, [], |row| row.get(0)).unwrap()
    };
    let mut known = generation();
    let mut told = || std::mem::replace(&mut known, generation()) != generation();
    assert_eq!(messages(&reader, &late), [""; 0]);

    // Who has read the blocks so far reads those that come behind them.
    append(&mut store, &numbered(12_288..16_384), 4096);
    assert!(!told());
    assert_eq!(messages(&reader, &all()).len(), 16_384);

    for statement in [
        "UPDATE record SET created = 2000000000000 + id WHERE id = 5000",
        "UPDATE record SET created = 2000000000000 + id WHERE id = 9000",
        "UPDATE block SET max_created = max_created WHERE id = 1",
        "DELETE FROM block WHERE id > 12000",
        "DELETE FROM record WHERE id = 100",
    ] {
        sql.execute(statement, []).unwrap();
        assert!(told(), "{statement}");
        let late = messages(&reader, &late);
        assert_eq!(late.first().unwrap(), "record number4999", "{statement}");
        assert_eq!(late.len(), if statement.contains("5000") { 1 } else { 2 });
    }
    let put = "INSERT INTO block VALUES (7000, 7000, 1, 0, 0, x'', x'')";
    for statement in [put, "DELETE FROM block"] {
        sql.execute(statement, []).unwrap();
        assert!(told(), "{statement}");
    }
    maintain(&mut store);
    assert!(told() && file.blocks().0 == 4);
    assert_eq!(messages(&reader, &late).len(), 2);
    assert_eq!(messages(&reader, &all()).len(), 16_383);
}

#[test]
fn a_file_of_the_first_release_is_read_without_and_gets_its_blocks_when_it_is_written() {
    let file = File::new();
    let old = numbered(0..30_000);
    first_schema(&file.path, &old);
    let found = messages(&Reader::open(&file.path).unwrap(), &warnings());
    assert_eq!(found.len(), 10_000);

    let mut store = file.store();
    append(&mut store, &numbered(30_000..30_001), 1);
    assert_eq!(messages(&file.reader(), &warnings()), found);
    maintain(&mut store);
    let (blocks, records) = file.blocks();
    assert!(blocks >= 7 && records >= 7 * 4096, "{blocks} {records}");
    assert_eq!(messages(&file.reader(), &warnings()), found);
    append(&mut store, &numbered(30_001..40_000), 5000);
    maintain(&mut store);
    assert!(file.blocks().1 > 40_000 - 4096);
    assert_eq!(messages(&file.reader(), &all()).len(), 40_000);
}

#[test]
fn the_handler_makes_missing_blocks_in_its_idle_moments() {
    let file = File::new();
    first_schema(&file.path, &numbered(0..30_000));
    let handler = SQLiteQueueHandler::open(&file.path).unwrap();
    handler.emit(&numbered(30_000..30_001)[0]).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while file.blocks().1 < 7 * 4096 {
        assert!(Instant::now() < deadline, "{:?}", file.blocks());
        std::thread::sleep(Duration::from_millis(5));
    }
    handler.close().unwrap();
}

#[test]
fn damaged_blocks_are_reported_read_without_and_made_anew() {
    let file = File::new();
    let mut store = file.store();
    append(&mut store, &numbered(0..45_056), 8192);
    assert_eq!(file.blocks(), (11, 45_056));
    let expected = messages(&file.reader(), &warnings());
    let damages = [
        "UPDATE block SET sites = zeroblob(length(sites)) WHERE id = 1",
        "UPDATE block SET min_created = min_created + 1 WHERE id = 4097",
        "UPDATE block SET last_id = 9223372036854775807 WHERE id = 8193",
        "UPDATE block_column SET site = x'01' WHERE id = 12289",
        "UPDATE block_column SET created = CAST(created AS TEXT) WHERE id = 16385",
        "DELETE FROM block_column WHERE id = 20481",
        "UPDATE block SET records = -5 WHERE id = 24577",
        "UPDATE block_column SET origin = x'02' || substr(origin, 2) WHERE id = 28673",
        "UPDATE block_words SET words = x'' WHERE id = 32769",
        "UPDATE block_words SET words = (SELECT words FROM block_words WHERE id = 1) WHERE id = 36865",
    ];
    for (i, damage) in (1..).zip(damages) {
        assert_eq!(file.sql().execute(damage, []).unwrap(), 1, "{damage}");
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let query = Query {
                order,
                ..warnings()
            };
            let mut records = file.reader().query(&query).unwrap();
            let mut found: Vec<_> = records
                .by_ref()
                .map(|stored| stored.unwrap().record.message)
                .collect();
            if order == Order::NewestFirst {
                found.reverse();
            }
            assert_eq!(found, expected, "{damage}");
            // Questions that need no words do not look at their filters.
            assert_eq!(records.damaged_blocks(), i.min(8), "{damage}");
        }
    }
    let mut again = file.store();
    assert_eq!(maintain(&mut again), 10);
    assert_eq!(file.blocks(), (11, 45_056));
    assert_eq!(maintain(&mut file.store()), 0);
    assert_eq!(messages(&file.reader(), &warnings()), expected);
}

#[test]
fn a_damaged_block_keeps_nobody_from_writing() {
    let file = File::new();
    let mut store = file.store();
    append(&mut store, &numbered(0..5000), 5000);
    for last_id in ["'text'", "x''", "-1", "9223372036854775807"] {
        let damage = format!("UPDATE block SET last_id = {last_id}");
        file.sql().execute(&damage, []).unwrap();
        append(&mut store, &numbered(5000..5001), 1);
        maintain(&mut store);
    }
    let found = file.reader().query(&all()).unwrap();
    assert_eq!(found.count(), 5004);
}

#[test]
fn ids_that_are_given_in_no_order_are_in_no_wrong_block() {
    let file = File::new();
    let mut store = file.store();
    append(&mut store, &numbered(0..1), 1);
    file.sql()
        .execute("UPDATE record SET id = 9223372036854775807", [])
        .unwrap();
    append(&mut store, &numbered(1..10_000), 1000);
    let sent: Vec<String> = numbered(0..10_000)
        .into_iter()
        .map(|record| record.message)
        .collect();
    assert_eq!(messages(&file.reader(), &all()), sent);
    maintain(&mut file.store());
    assert_eq!(messages(&file.reader(), &all()), sent);
}

#[test]
fn a_foreign_trigger_keeps_no_record_out() {
    let file = File::new();
    let mut store = file.store();
    file.sql()
        .execute_batch(
            "CREATE TRIGGER taste BEFORE INSERT ON record WHEN new.message LIKE '%7777' \
             BEGIN SELECT raise(IGNORE); END",
        )
        .unwrap();
    append(&mut store, &numbered(0..20_000), 5000);
    assert_eq!(messages(&file.reader(), &all()).len(), 20_000);
}

/// What [`kill_a_writer`] starts: it logs until it is killed.
#[test]
fn log_for_ever() {
    let Ok(path) = std::env::var("LOGSTORE_TEST_FILE") else {
        return;
    };
    let handler = SQLiteQueueHandler::open(path).unwrap();
    for start in (0..).step_by(1000) {
        for record in numbered(start..start + 1000) {
            handler.emit(&record).unwrap();
        }
    }
}

/// Has another process append [`numbered`] records, from 0 on, and kills it at some moment after so many blocks.
pub(crate) fn kill_a_writer(file: &File, blocks: i64) {
    let count = || {
        file.sql()
            .query_row("SELECT count(*) FROM block", [], |row| row.get(0))
    };
    let enough = count().unwrap_or(0) + blocks;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "keeping::log_for_ever"])
        .env("LOGSTORE_TEST_FILE", &file.path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while count().unwrap_or(0) < enough && Instant::now() < deadline {
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_killed_writer_leaves_blocks_that_agree_with_the_records() {
    let file = File::new();
    for _ in 0..3 {
        kill_a_writer(&file, 4);
        let mut store = file.store();
        assert_eq!(maintain(&mut store), 0);
        let total: i64 = file
            .sql()
            .query_row("SELECT count(*) FROM record", [], |row| row.get(0))
            .unwrap();
        let (_, covered) = file.blocks();
        assert!(covered > total - 4096, "{covered} of {total}");
        let found = messages(&file.reader(), &warnings()).len();
        let expected: i64 = file
            .sql()
            .query_row(
                "SELECT count(*) FROM records WHERE levelno >= 30",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(found, usize::try_from(expected).unwrap());
    }
}

#[test]
fn what_a_foreign_hand_puts_in_keeps_nobody_from_writing_or_reading() {
    let file = File::new();
    let mut store = file.store();
    append(&mut store, &numbered(0..5000), 5000);
    let sql = file.sql();
    let odd = "INSERT INTO record (created, site, origin, message) VALUES ('today', 1.5, x'00', 'by hand')";
    sql.execute(odd, []).unwrap();
    append(&mut store, &numbered(5000..9000), 1000);
    sql.execute("UPDATE block SET last_id = 'x' WHERE id = 4097", [])
        .unwrap();
    append(&mut store, &numbered(9000..10_000), 1000);
    maintain(&mut file.store());
    let found = messages(&file.reader(), &all());
    assert_eq!(found.len(), 10_001);
    assert!(found.contains(&"by hand".to_owned()));
}

#[test]
fn a_record_that_is_put_in_among_others_is_found() {
    let file = File::new();
    let mut store = file.store();
    append(&mut store, &numbered(0..9000), 5000);
    let sql = file.sql();
    sql.execute("DELETE FROM record WHERE id = 100", [])
        .unwrap();
    maintain(&mut store);
    assert_eq!(file.blocks(), (2, 8191));
    for change in [
        "INSERT INTO record (id, created, site, origin, message) VALUES (100, 7, 1, 1, 'needle')",
        "REPLACE INTO record (id, created, site, origin, message) VALUES (5000, 7, 1, 1, 'needle')",
    ] {
        sql.execute(change, []).unwrap();
    }
    let query = Query {
        phrases: vec![Phrase::new("needle").unwrap()],
        ..Query::default()
    };
    for _ in 0..2 {
        assert_eq!(messages(&file.reader(), &query).len(), 2);
        assert_eq!(messages(&file.reader(), &all()).len(), 9000);
        maintain(&mut store);
    }
    assert!(file.blocks().1 >= 8192);
}

#[test]
fn a_phrase_with_bytes_that_are_no_text_is_found_as_it_is_shown() {
    let file = File::new();
    append(&mut file.store(), &numbered(0..10), 10);
    let odd = "UPDATE record SET message = CAST(x'636166e920636c6f736564' AS TEXT) WHERE id = 5";
    file.sql().execute(odd, []).unwrap();
    let query = Query {
        phrases: vec![Phrase::new("caf\u{FFFD} closed").unwrap()],
        ..Query::default()
    };
    assert_eq!(messages(&file.reader(), &query), ["caf\u{FFFD} closed"]);
}

#[test]
fn the_ids_of_deleted_records_are_not_given_again() {
    let file = File::new();
    let mut store = file.store();
    append(&mut store, &numbered(0..20), 20);
    for (gone, added) in [
        ("id > 15", 20..25),
        ("id > 0", 25..5000),
        ("id > 4999", 5000..5010),
    ] {
        let last_id = file.reader().last_id().unwrap();
        file.sql()
            .execute(&format!("DELETE FROM record WHERE {gone}"), [])
            .unwrap();
        assert_eq!(file.reader().last_id().unwrap(), last_id);
        let added = numbered(added);
        append(&mut store, &added, 10_000);
        let new = Query {
            after_id: Some(last_id),
            ..Query::default()
        };
        let expected: Vec<String> = added.into_iter().map(|record| record.message).collect();
        assert_eq!(messages(&file.reader(), &new), expected, "{gone}");
    }
    assert_eq!(maintain(&mut store), 0);
}

#[test]
fn a_handler_tells_of_damaged_blocks() {
    let file = File::new();
    append(&mut file.store(), &numbered(0..9000), 9000);
    file.sql()
        .execute("UPDATE block SET sites = x'' WHERE id = 1", [])
        .unwrap();
    let (send, reports) = std::sync::mpsc::channel();
    let handler = SQLiteQueueHandler::builder()
        .on_report(move |report| send.send(report.clone()).unwrap_or_default())
        .open(&file.path)
        .unwrap();
    let report = reports.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!(report, Report::BlocksDamaged { count: 1 });
    handler.close().unwrap();
}
