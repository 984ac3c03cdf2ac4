//! The spill: what a database does not take waits beside it, and is stored once, in order, by this server or the next.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;

use crate::support::{Server, Store, frame, send, wait_until};

/// Holds the write lock of a store until it is dropped.
fn lock(store: &Store) -> Connection {
    let connection = Connection::open(&store.db).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

fn spill(store: &Store) -> PathBuf {
    store.file("runs.sqlite.spill")
}

fn frames(numbers: std::ops::Range<usize>) -> Vec<u8> {
    numbers
        .flat_map(|number| frame("a", 20, &number.to_string()))
        .collect()
}

/// The messages, in the order in which they were stored.
fn messages(store: &Store) -> Vec<String> {
    let mut records = store.records(&[]);
    records.sort_by_key(|record| record["id"].as_i64());
    records
        .iter()
        .map(|record| record["message"].as_str().unwrap().to_owned())
        .collect()
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

#[test]
fn a_python_program_does_not_notice_a_lock_of_a_minute() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let lock = lock(&store);
    let locked = Instant::now();
    let told = std::thread::scope(|scope| {
        let client = scope.spawn(|| server.python("steady.py", &["1000", "62"]));
        wait_until("it is spilled", || spill(&store).exists());
        // The lock is what is tested, and it has no end to wait for.
        std::thread::sleep(Duration::from_mins(1).saturating_sub(locked.elapsed()));
        drop(lock);
        client.join().unwrap()
    });
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["sent"], 62_000);
    assert!(told["longest"].as_f64().unwrap() < 1.0, "{told}");
    let ended = server.terminate();
    assert!(
        ended.stderr.contains("62000 stored, 0 dropped\n"),
        "{}",
        ended.stderr
    );
    assert_eq!(messages(&store), numbers(62_000));
    assert!(!spill(&store).exists());
}

#[test]
fn what_cannot_be_stored_until_the_end_is_stored_first_by_the_next_server() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let lock = lock(&store);
    send(server.address(), &frames(0..20_000));
    server.wait_until_said("has been locked by another process");
    let ended = server.terminate();
    assert!(
        ended.stderr.contains("20000 records received over 1 connection, 0 stored, 0 dropped, 20000 kept in the spill file\n"),
        "{}",
        ended.stderr
    );
    assert!(ended.took < Duration::from_secs(10), "{:?}", ended.took);
    drop(lock);
    let server = Server::start(&store.db);
    send(server.address(), &frames(20_000..20_100));
    let ended = server.terminate();
    assert!(
        ended.stderr.contains("20000 records were left in"),
        "{}",
        ended.stderr
    );
    let told = "100 records received over 1 connection and 20000 left by an earlier server, 20100 stored, 0 dropped\n";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    assert_eq!(messages(&store), numbers(20_100));
    assert!(!spill(&store).exists());
}

#[test]
fn what_was_spilled_before_a_kill_is_stored_once() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let lock = lock(&store);
    send(server.address(), &frames(0..50_000));
    // What the writer has at hand is spilled when it has waited for a second.
    server.wait_until_said("has been locked by another process");
    let size = || {
        let names = ["runs.sqlite.spill", "runs.sqlite.spill.2"];
        let sizes =
            names.map(|name| std::fs::metadata(store.file(name)).map_or(0, |file| file.len()));
        sizes.iter().sum::<u64>()
    };
    let whole: u64 = frames(0..50_000).len() as u64 / 4;
    wait_until("all is spilled", || size() > whole / 2);
    let mut last = size();
    wait_until("nothing more is spilled", || {
        std::thread::sleep(Duration::from_millis(500));
        std::mem::replace(&mut last, size()) == size()
    });
    server.signal("KILL");
    server.wait();
    drop(lock);
    // The next ones are killed while they store it.
    for pause_ms in [0, 5, 10, 20, 40, 80] {
        let server = Server::start(&store.db);
        std::thread::sleep(Duration::from_millis(pause_ms));
        server.signal("KILL");
        server.wait();
    }
    Server::start(&store.db).terminate();
    assert_eq!(messages(&store), numbers(50_000));
    assert!(!spill(&store).exists());
}
