//! Every record is in one counter: what metrics, summaries and the server's own records say of what has come.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;

use crate::requests::{JSON, post, request};
use crate::senders::python;
use crate::support::{Server, Store, frame, python_of, send, wait_until};

/// The numbers of `GET /metrics`, as Prometheus' own reader finds them.
fn metrics(server: &Server) -> Value {
    let numbers = python_of(&python(), "metrics.py", [server.port()]);
    serde_json::from_str(&numbers).unwrap()
}

/// Three records as frames, two as lines of JSON besides one that is none, one in a request.
fn send_by_three_ways(server: &Server, store: &Store) {
    send(server.address(), &frame("a", 20, "x").repeat(3));
    send(
        server.address(),
        b"{\"msg\":\"1\"}\nnonsense\n{\"msg\":\"2\"}\n",
    );
    let answer = post(server, "/ingest", &[JSON], b"{\"msg\":\"3\"}");
    assert_eq!(answer.status, 200, "{answer:?}");
    wait_until("all six", || store.count() == 6);
}

#[test]
fn prometheus_reads_the_metrics_and_they_add_up() {
    let store = Store::new();
    let server = Server::start(&store.db);
    send_by_three_ways(&server, &store);
    // The counts follow the commit.
    let mut numbers = metrics(&server);
    wait_until("what is stored is counted", || {
        numbers = metrics(&server);
        numbers["logstore_records_stored_total"] == 6.0
    });
    for (name, value) in [
        ("logstore_records_received_total python", 3.0),
        ("logstore_records_received_total json", 2.0),
        ("logstore_records_received_total ingest", 1.0),
        ("logstore_records_received_total syslog", 0.0),
        ("logstore_records_rejected_total json", 1.0),
        ("logstore_records_rejected_total python", 0.0),
        ("logstore_records_accepted_total", 6.0),
        ("logstore_records_dropped_total", 0.0),
        ("logstore_records_failed_total", 0.0),
        ("logstore_records_waiting", 0.0),
        ("logstore_queue_records", 0.0),
        ("logstore_queue_capacity_records", 32_768.0),
        ("logstore_transaction_records_sum", 6.0),
        ("logstore_connections_refused_total", 0.0),
    ] {
        assert_eq!(numbers[name], value, "{name} of {numbers:#}");
    }
    let number = |name: &str| numbers[name].as_f64().unwrap();
    let transactions = number("logstore_transaction_records_count");
    assert!((1.0..=6.0).contains(&transactions), "{transactions}");
    for name in [
        "logstore_transaction_seconds_count",
        "logstore_lag_seconds_count",
        "logstore_transaction_seconds_bucket +Inf",
    ] {
        assert_eq!(numbers[name], transactions, "{name}");
    }
    for name in [
        "logstore_connections",
        "logstore_received_bytes_total",
        "logstore_database_bytes",
        "logstore_wal_bytes",
        "logstore_disk_free_bytes",
        "logstore_start_time_seconds",
        "logstore_transaction_seconds_sum",
    ] {
        assert!(number(name) > 0.0, "{name} of {numbers:#}");
    }
    let ended = server.terminate();
    assert!(
        ended.stderr.contains("6 records received over ")
            && ended.stderr.contains(
                " (python 3, json 2, ingest 1), 6 stored, 0 dropped; 1 frame could not be decoded\n"
            ),
        "{}",
        ended.stderr
    );
}

#[test]
fn transactions_are_measured_by_what_they_stored() {
    let store = Store::new();
    let server = Server::start_with(&store.db, &["--own-records", "on"]);
    wait_until("its own record", || store.count() == 1);
    for _ in 0..3 {
        let numbered = b"{\"msg\":\"x\",\"client\":\"a\",\"seq\":1}";
        assert_eq!(post(&server, "/ingest", &[JSON], numbered).status, 200);
    }
    let page = request(server.address(), "GET /metrics", &[], b"").body;
    for number in [
        "logstore_records_duplicate_total 2\n",
        "logstore_transaction_records_count 3\n",
        "logstore_transaction_records_sum 1\n",
    ] {
        assert!(page.contains(number), "{number}: {page}");
    }
    server.terminate();
}

#[test]
fn metrics_need_a_token_where_everything_does() {
    let store = Store::new();
    let tokens = store.file("tokens");
    std::fs::write(&tokens, "secret\n").unwrap();
    let server = Server::start_with(&store.db, &["--token-file", tokens.to_str().unwrap()]);
    let get = |headers: &[&str]| request(server.address(), "GET /metrics", headers, b"").status;
    assert_eq!(get(&[]), 401);
    assert_eq!(get(&["Authorization: Bearer secret"]), 200);
    assert_eq!(post(&server, "/metrics", &[], b"").status, 401);
    server.terminate();
}

#[test]
fn a_report_now_and_then_tells_what_has_come() {
    let store = Store::new();
    let server = Server::start_with(&store.db, &["--report-every", "1s"]);
    send(server.address(), &frame("a", 20, "x"));
    server.wait_until_said("so far: 1 record received over 1 connection, 1 stored, 0 dropped;");
    server.wait_until_said("; lately 0 records/s, 0 bytes/s");
    for text in [" a transaction, ", " behind; file ", ", WAL ", " free\n"] {
        assert!(server.said().contains(text), "{text}: {}", server.said());
    }
    server.terminate();
}

#[test]
fn the_log_itself_tells_of_start_stop_and_recovery() {
    let store = Store::new();
    let server = Server::start_with(&store.db, &["--own-records", "on"]);
    let address = server.address().to_string();
    send(server.address(), &frame("a", 20, "x"));
    wait_until("start and record", || store.count() == 2);
    let lock = Connection::open(&store.db).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    send(server.address(), &frame("a", 20, "y"));
    server.wait_until_said("the database has been locked by another process");
    lock.execute_batch("ROLLBACK").unwrap();
    wait_until("record and recovery", || store.count() == 4);
    let ended = server.terminate();
    assert!(
        ended.stderr.contains("2 stored, 0 dropped\n"),
        "{}",
        ended.stderr
    );
    let own = store.records(&["--name", "logstore"]);
    let told: Vec<(&str, &str)> = own
        .iter()
        .map(|record| {
            let text = |key: &str| record[key].as_str().unwrap();
            (text("levelname"), text("message"))
        })
        .collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(told[0].0, "INFO");
    assert!(told[0].1.contains(&address), "{told:?}");
    assert_eq!(own[0]["extra"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(told[1].0, "WARNING");
    assert!(
        told[1].1.starts_with("the database takes records again"),
        "{told:?}"
    );
    assert_eq!(
        told[2],
        (
            "INFO",
            "stopped: 2 records received over 2 connections, 2 stored, 0 dropped"
        )
    );
    assert_eq!(own[2]["extra"]["stored"], 2);
}

#[test]
fn a_stop_does_not_wait_for_the_record_of_it() {
    let store = Store::new();
    let server = Server::start_with(&store.db, &["--own-records", "on"]);
    wait_until("the start", || store.count() == 1);
    let lock = Connection::open(&store.db).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    server.terminate();
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    drop(lock);
    assert_eq!(store.count(), 1);
}

#[test]
fn open_connections_are_counted_until_they_close() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let open = |server: &Server| metrics(server)["logstore_connections"].as_f64().unwrap();
    let clients: Vec<TcpStream> = (0..5)
        .map(|_| TcpStream::connect(server.address()).unwrap())
        .collect();
    // The one that asks is open, too.
    wait_until("five and one", || open(&server) >= 6.0);
    drop(clients);
    wait_until("one", || open(&server) <= 2.0);
    server.terminate();
}
