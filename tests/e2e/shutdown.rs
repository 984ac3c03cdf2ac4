//! How a server ends: whatever it had received is in the file, and it says what became of it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use logstore::ServerContext;
use rusqlite::Connection;

use crate::support::{Server, Store, frame, listening_address, send, wait_until};

/// How long a server may take to stop, whatever happens.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// The frames of records "0", "1", ... of a logger.
fn frames(name: &str, count: usize) -> Vec<u8> {
    (0..count)
        .flat_map(|number| frame(name, 20, &number.to_string()))
        .collect()
}

/// Holds the write lock of a store, as another process that writes for a long time does.
fn lock(store: &Store) -> Connection {
    let connection = Connection::open(&store.db).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    connection
}

/// The messages of a logger are 0, 1, 2, ... without a gap; gives how many.
fn unbroken(store: &Store, name: &str) -> usize {
    let messages = store.query(&["--name", name, "--format", "%(message)s"]);
    for (number, message) in messages.lines().enumerate() {
        assert_eq!(message, number.to_string(), "of {name}");
    }
    messages.lines().count()
}

#[test]
fn what_was_sent_before_a_signal_is_stored() {
    for (signal, count) in [("TERM", 1), ("INT", 100), ("TERM", 100_000)] {
        let store = Store::new();
        let server = Server::start(&store.db);
        send(server.address(), &frames("a", count));
        server.signal(signal);
        let ended = server.wait();
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
        assert_eq!(unbroken(&store, "a"), count, "{}", ended.stderr);
        let records = if count == 1 { "record" } else { "records" };
        assert!(ended.stderr.contains(&format!(
            "stopped: {count} {records} received over 1 connection, {count} stored, 0 dropped\n"
        )));
    }
}

#[test]
fn a_daemon_is_not_ended_by_a_habitual_hangup() {
    let store = Store::new();
    let server = Server::start(&store.db);
    for count in 1..=2 {
        server.signal("HUP");
        send(server.address(), &frames("a", 10));
        wait_until("the records", || store.count() == 10 * count);
    }
    server.terminate();
}

#[test]
fn a_server_under_nohup_outlives_its_terminal() {
    let store = Store::new();
    let (stderr, writer) = std::io::pipe().unwrap();
    let mut child = Command::new("nohup")
        .arg(env!("CARGO_BIN_EXE_logstore"))
        .args(["serve", "--port", "0", "--own-records", "off", "--db"])
        .arg(&store.db)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(writer)
        .spawn()
        .unwrap();
    let address = BufReader::new(stderr)
        .lines()
        .find_map(|line| listening_address(&line.unwrap()));
    let signal = |name| {
        let id = child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &id])
                .status()
                .unwrap()
                .success()
        );
    };
    signal("HUP");
    send(address.unwrap(), &frames("a", 10));
    wait_until("the records", || store.count() == 10);
    signal("TERM");
    assert!(child.wait().unwrap().success());
}

#[test]
fn what_was_sent_right_before_a_close_is_stored() {
    // Nothing between the bytes and the stop, so that it meets connections that wait in line and such as were just accepted.
    for round in 0..20 {
        let store = Store::new();
        let mut server = ServerContext::builder().port(0).start(&store.db).unwrap();
        for _ in 0..round {
            send(server.local_addr(), &frames("a", 50));
        }
        let summary = server.close().unwrap();
        assert_eq!(summary.records.stored, 50 * round, "{summary:?}");
        assert_eq!(store.count() as u64, 50 * round);
    }
}

#[test]
fn connections_that_wait_in_line_at_a_signal_are_read() {
    for signal in ["TERM", "INT"] {
        let store = Store::new();
        let server = Server::start(&store.db);
        for number in 0..100 {
            send(server.address(), &frames(&format!("client{number}"), 5));
        }
        server.signal(signal);
        let ended = server.wait();
        assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
        assert_eq!(store.count(), 500, "{}", ended.stderr);
    }
}

#[test]
fn a_full_queue_before_a_locked_database_loses_nothing() {
    let store = Store::new();
    let server = Server::start_with(&store.db, &["--queue-capacity", "64", "--batch-size", "16"]);
    let lock = lock(&store);
    send(server.address(), &frames("a", 5000));
    server.wait_until_said("the database has been locked by another process");
    server.signal("TERM");
    server.wait_until_deaf();
    lock.execute_batch("ROLLBACK").unwrap();
    let ended = server.wait();
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    assert_eq!(unbroken(&store, "a"), 5000, "{}", ended.stderr);
    assert!(ended.stderr.contains("5000 stored, 0 dropped"));
    assert!(ended.stderr.contains("the database takes records again"));
}

#[test]
fn clients_that_go_on_sending_are_cut_off_behind_a_whole_record() {
    let store = Store::new();
    let server = Server::start_with(&store.db, &["--queue-capacity", "64", "--batch-size", "16"]);
    let address = server.address();
    let clients: Vec<_> = ["a", "b"]
        .into_iter()
        .map(|name| {
            std::thread::spawn(move || {
                let mut client = TcpStream::connect(address).unwrap();
                let sent = (0..).take_while(|number: &usize| {
                    let frame = frame(name, 20, &number.to_string());
                    client.write_all(&frame).is_ok()
                });
                sent.count()
            })
        })
        .collect();
    wait_until("records of both", || store.count() > 500);
    let ended = server.terminate();
    assert!(ended.took < Duration::from_secs(10), "{:?}", ended.took);
    let sent: Vec<_> = clients.into_iter().map(|c| c.join().unwrap()).collect();
    let (a, b) = (unbroken(&store, "a"), unbroken(&store, "b"));
    assert!(a <= sent[0] && b <= sent[1]);
    let told = format!("{} stored, 0 dropped", a + b);
    assert!(ended.stderr.contains(&told), "{told}: {}", ended.stderr);
}

#[test]
fn a_second_signal_stops_at_once() {
    for (first, second) in [("TERM", "TERM"), ("INT", "INT"), ("INT", "TERM")] {
        let store = Store::new();
        let server = Server::start(&store.db);
        let _lock = lock(&store);
        send(server.address(), &frames("a", 100));
        server.wait_until_said("the database has been locked by another process");
        server.signal(first);
        server.wait_until_deaf();
        // Sooner it would be taken for the same request.
        std::thread::sleep(Duration::from_millis(400));
        server.signal(second);
        let ended = server.wait();
        assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
        assert!(ended.took < Duration::from_secs(2), "{:?}", ended.took);
        assert!(
            ended
                .stderr
                .contains("stopped at once; what was still queued is lost")
        );
    }
}

#[test]
fn records_that_cannot_be_stored_until_the_end_are_told() {
    // With room in the queue, and with none.
    std::thread::scope(|scope| {
        let block = ["--overflow", "block", "--own-records", "on"];
        scope.spawn(move || stopped_before_a_lasting_lock(&block, 100));
        let small = ["--queue-capacity", "64", "--batch-size", "16"];
        let flags = [&small[..], &block].concat();
        stopped_before_a_lasting_lock(&flags, 20_000);
    });
}

fn stopped_before_a_lasting_lock(flags: &[&str], count: usize) {
    let store = Store::new();
    let server = Server::start_with(&store.db, flags);
    let _lock = lock(&store);
    send(server.address(), &frames("a", count));
    server.wait_until_said("the database has been locked by another process");
    server.signal("TERM");
    let ended = server.wait();
    assert!(ended.took < STOP_LIMIT, "{:?}", ended.took);
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    let told = format!(
        "{count} records received over 1 connection, 0 stored, 0 dropped, {count} could not be stored"
    );
    assert!(ended.stderr.contains(&told), "{}", ended.stderr);
    assert!(ended.stderr.contains("is locked by another process"));
}

#[test]
fn what_an_overflow_rule_gives_up_is_counted_and_noted_in_the_log() {
    for rule in ["drop-newest", "drop-oldest"] {
        let store = Store::new();
        let server = Server::start_with(
            &store.db,
            &[
                "--queue-capacity",
                "64",
                "--batch-size",
                "16",
                "--overflow",
                rule,
            ],
        );
        let lock = lock(&store);
        send(server.address(), &frames("a", 5000));
        server.wait_until_said("the database has been locked by another process");
        lock.execute_batch("ROLLBACK").unwrap();
        let ended = server.terminate();
        let kept = store.records(&["--name", "a"]).len();
        let told = format!("{kept} stored, {} dropped", 5000 - kept);
        assert!(
            kept < 5000 && ended.stderr.contains(&told),
            "{kept} {}",
            ended.stderr
        );
        let noted: u64 = store
            .records(&["--name", "logstore"])
            .iter()
            .map(|record| record["extra"]["dropped"].as_u64().unwrap())
            .sum();
        assert_eq!(noted, 5000 - kept as u64, "{rule}");
        // The first finds room, the last pushes others out.
        let kept = store.query(&["--name", "a", "--format", "%(message)s"]);
        let sure = if rule == "drop-oldest" { "4999" } else { "0" };
        assert!(kept.lines().any(|number| number == sure), "{rule}: {kept}");
    }
}

#[test]
fn what_is_committed_survives_a_sigkill() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let mut client = TcpStream::connect(server.address()).unwrap();
    client.write_all(&frames("a", 500)).unwrap();
    wait_until("500 records", || store.count() == 500);
    server.signal("KILL");
    server.wait();
    assert_eq!(unbroken(&store, "a"), 500);
    let server = Server::start(&store.db);
    send(server.address(), &frame("a", 20, "500"));
    server.terminate();
    assert_eq!(unbroken(&store, "a"), 501);
}

#[test]
fn two_servers_write_to_one_file() {
    const COUNT: usize = 3000;
    let store = Store::new();
    let servers = [Server::start(&store.db), Server::start(&store.db)];
    std::thread::scope(|scope| {
        for (server, name) in servers.iter().zip(["a", "b"]) {
            scope.spawn(move || {
                let mut client = TcpStream::connect(server.address()).unwrap();
                for chunk in frames(name, COUNT).chunks(4096) {
                    client.write_all(chunk).unwrap();
                }
            });
        }
    });
    for server in servers {
        let ended = server.terminate();
        assert!(ended.stderr.contains(&format!("{COUNT} stored, 0 dropped")));
    }
    assert_eq!(unbroken(&store, "a"), COUNT);
    assert_eq!(unbroken(&store, "b"), COUNT);
}
