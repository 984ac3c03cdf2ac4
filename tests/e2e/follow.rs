//! `--follow`: new records appear as they arrive.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use logstore::{Level, LogRecord, SQLiteQueueHandler, Site};

use crate::support::{Server, Store, frame, logstore, send, wait_until};

/// A running `logstore query --follow`, killed with the test.
struct Follower {
    child: Child,
    /// Lines and when they came.
    lines: Receiver<(Instant, String)>,
}

impl Follower {
    fn start(store: &Store, arguments: &[&str]) -> Self {
        let mut child = logstore(["query", "--follow", "--format", "%(message)s", "--db"])
            .arg(&store.db)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let stdout: BufReader<ChildStdout> = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send((Instant::now(), line)).is_err() {
                    return;
                }
            }
        });
        Follower { child, lines }
    }

    fn next(&self) -> (Instant, String) {
        self.lines
            .recv_timeout(Duration::from_secs(30))
            .expect("a line comes")
    }

    /// The next lines, so many.
    fn texts(&self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.next().1).collect()
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn emit(handler: &SQLiteQueueHandler, name: &str, level: Level, message: &str) {
    let record = LogRecord::new(Site::new(name, level), message);
    handler.emit(&record).unwrap();
}

#[test]
fn a_new_record_appears_within_200_ms_of_its_emit() {
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    emit(&handler, "a", Level::INFO, "first");
    handler.flush().unwrap();
    let follower = Follower::start(&store, &[]);
    assert_eq!(follower.next().1, "first");
    let mut delays: Vec<Duration> = (0..11)
        .map(|number| {
            let emitted = Instant::now();
            emit(&handler, "a", Level::INFO, &number.to_string());
            let (shown, text) = follower.next();
            assert_eq!(text, number.to_string());
            shown - emitted
        })
        .collect();
    delays.sort_unstable();
    assert!(delays[5] < Duration::from_millis(200), "{delays:?}");
}

#[test]
fn the_last_ten_come_first_and_then_what_arrives() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let all: Vec<u8> = (0..25)
        .flat_map(|number| frame("a", 20, &number.to_string()))
        .collect();
    send(server.address(), &all);
    wait_until("25 records", || store.count() == 25);
    let last_ten = Follower::start(&store, &[]);
    let last_two = Follower::start(&store, &["-n", "2"]);
    let since = Follower::start(&store, &["--since", "-1h"]);
    let expected = |from: usize| (from..25).map(|n| n.to_string()).collect::<Vec<_>>();
    assert_eq!(last_ten.texts(10), expected(15));
    assert_eq!(last_two.texts(2), expected(23));
    assert_eq!(since.texts(25), expected(0));
    for round in 0..3 {
        let more: Vec<u8> = (0..100)
            .flat_map(|number| frame("b", 20, &format!("{round} {number}")))
            .collect();
        send(server.address(), &more);
        let expected: Vec<_> = (0..100).map(|n| format!("{round} {n}")).collect();
        for follower in [&last_ten, &last_two, &since] {
            assert_eq!(follower.texts(100), expected);
        }
    }
    server.terminate();
}

#[test]
fn only_what_is_asked_for_is_followed() {
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    let follower = Follower::start(&store, &["--level", "error", "--name", "myapp", "disk"]);
    for (name, level, message) in [
        ("myapp.area1", Level::ERROR, "disk one"),
        ("myapp.area1", Level::INFO, "disk two"),
        ("other", Level::ERROR, "disk three"),
        ("myapp", Level::CRITICAL, "network four"),
        ("myapp.new", Level::ERROR, "Disk five"),
    ] {
        emit(&handler, name, level, message);
        handler.flush().unwrap();
    }
    assert_eq!(follower.texts(2), ["disk one", "Disk five"]);
}

#[test]
fn a_reader_that_goes_away_ends_the_following_quietly() {
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    emit(&handler, "a", Level::INFO, "first");
    handler.flush().unwrap();
    let mut child = logstore(["query", "-f", "--db"])
        .arg(&store.db)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    drop(stdout);
    wait_until("the follower ends", || {
        emit(&handler, "a", Level::INFO, "another");
        child.try_wait().unwrap().is_some()
    });
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}

#[test]
fn following_outlives_a_restart_of_the_server() {
    let store = Store::new();
    let server = Server::start(&store.db);
    send(server.address(), &frame("a", 20, "before"));
    server.terminate();
    let follower = Follower::start(&store, &[]);
    assert_eq!(follower.next().1, "before");
    let server = Server::start(&store.db);
    send(server.address(), &frame("a", 20, "after"));
    assert_eq!(follower.next().1, "after");
    server.terminate();
}
