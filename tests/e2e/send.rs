//! `logstore send` and `logstore demo`: records from a script, and the first look.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{Server, Store, logstore};

/// `logstore send ARGUMENTS`, with this on stdin.
fn send<I: AsRef<OsStr>>(arguments: impl IntoIterator<Item = I>, stdin: &[u8]) -> Output {
    let mut child = logstore(["send"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // What does not read to the end closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    child.wait_with_output().unwrap()
}

/// What it said on stderr, when it ended with this exit code and said nothing on stdout.
#[track_caller]
pub(crate) fn said(output: &Output, code: i32) -> String {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(output.stdout.is_empty());
    said
}

/// A port on which nobody listens.
fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

#[test]
fn what_a_server_does_not_take_is_told() {
    let store = Store::new();
    let server = Server::start_with(&store.db, &["--frame-limit", "64KiB"]);
    let long = "y".repeat(100_000);
    let lines = format!("one\n{long}\nthree\n");
    let output = send(["--port", &server.port()], lines.as_bytes());
    let said = said(&output, 1);
    assert!(said.contains("1 message was not taken"), "{said}");
    assert!(said.contains("--frame-limit"), "{said}");
    assert_eq!(store.count(), 2);
    server.terminate();
}

#[test]
fn arguments_are_the_message_of_one_record() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let port = server.port();
    let output = send(["--port", &port, "backup", "done  now"], b"not read");
    assert_eq!(said(&output, 0), "");
    let flags = ["--level", "error", "--name", "backup.db", "--host"];
    let flags = [&flags[..], &["127.0.0.1", "--port", &port]].concat();
    let fields = [
        "n=7",
        "s=1.5",
        "ok=true",
        "none=null",
        "user.id=x=y",
        "v=007",
    ];
    let fields = fields.iter().flat_map(|field| ["--field", field]);
    let arguments = flags.into_iter().chain(fields).chain(["disk full"]);
    assert_eq!(said(&send(arguments, b""), 0), "");
    // They are stored when it ends.
    assert_eq!(store.count(), 2);
    server.terminate();

    let records = store.records(&[]);
    assert_eq!(records.len(), 2);
    assert_eq!(records[0]["message"], "backup done  now");
    assert_eq!(records[0]["name"], "root");
    assert_eq!(records[0]["levelname"], "INFO");
    assert_eq!(records[0]["process"], std::process::id());
    assert_eq!(records[1]["message"], "disk full");
    assert_eq!(records[1]["name"], "backup.db");
    assert_eq!(records[1]["levelno"], 40);
    let expected =
        json!({"n": 7, "s": 1.5, "ok": true, "none": null, "user.id": "x=y", "v": "007"});
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(field(&records[1], key), value, "{key}");
    }
}

/// An extra field of a record, which must be there.
fn field<'a>(record: &'a Value, key: &str) -> &'a Value {
    record["extra"].get(key).unwrap()
}

#[test]
fn lines_of_stdin_are_records_in_their_order() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let mut lines: Vec<String> = (0..10_000).map(|number| format!("line {number}")).collect();
    let text = format!("\n{}\r\n \n", lines.join("\n"));
    let text = [text.as_bytes(), b"caf\xe9, no end"].concat();
    lines.push(r"caf\xe9, no end".into());
    assert_eq!(said(&send(["--port", &server.port()], &text), 0), "");
    // Confirmed, and stored at the latest with the server's end.
    server.terminate();
    let answer = store.query(&["--format", "%(message)s"]);
    assert!(answer.lines().eq(lines));
}

#[test]
fn lines_go_straight_into_a_file() {
    let store = Store::new();
    let db = store.db.as_os_str();
    let output = send([OsStr::new("--db"), db], b"one\ntwo\n");
    assert_eq!(said(&output, 0), "");
    let bytes = OsStr::from_bytes(b"caf\xe9");
    let arguments = [
        OsStr::new("--db"),
        db,
        OsStr::new("--field"),
        OsStr::new("n=1"),
        bytes,
    ];
    assert_eq!(said(&send(arguments, b""), 0), "");
    assert_eq!(
        store.query(&["--format", "%(message)s"]),
        "one\ntwo\ncaf\\xe9\n"
    );
    assert_eq!(store.count(), 3);

    let output = send(
        [
            OsStr::new("--port"),
            OsStr::new("1"),
            OsStr::new("--db"),
            db,
        ],
        b"",
    );
    assert!(said(&output, 2).contains("--db"));
    assert_eq!(store.count(), 3);
}

#[test]
fn json_has_the_fields_of_the_record_and_a_bad_line_stops_no_other() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let port = server.port();
    let text = br#"{"level": "warning", "logger": "a.b", "msg": "first", "user": 7}

{"msg": oops}
[1]
{"msg": "last", "time": "2026-11-22T10:00:00Z"}"#;
    let said_of_bad = said(&send(["--port", &port, "--json"], text), 1);
    let lines: Vec<&str> = said_of_bad.lines().collect();
    assert_eq!(lines.len(), 2, "{said_of_bad}");
    assert!(
        lines[0].starts_with("logstore: line 3: not JSON: "),
        "{said_of_bad}"
    );
    assert!(
        lines[1].starts_with("logstore: line 4: not JSON: "),
        "{said_of_bad}"
    );
    let arguments = ["--port", &port, "--json", "{}x", r#"{"msg": "argument"}"#];
    assert!(said(&send(arguments, b""), 1).starts_with("logstore: argument 1: not JSON: "));
    server.terminate();

    let records = store.records(&[]);
    let messages = records
        .iter()
        .map(|record| record["message"].as_str().unwrap());
    let messages: Vec<&str> = messages.collect();
    assert_eq!(messages, ["last", "first", "argument"]);
    assert_eq!(records[1]["name"], "a.b");
    assert_eq!(records[1]["levelno"], 30);
    assert_eq!(field(&records[1], "user"), 7);
}

#[test]
fn a_server_that_is_not_there_is_an_error_with_a_way_out() {
    let began = Instant::now();
    let port = free_port();
    let output = send(["--port", &port, "--timeout", "1s"], b"one\ntwo\nthree\n");
    let took = began.elapsed();
    let said_at_end = said(&output, 2);
    assert!(!said_at_end.contains("twice"), "{said_at_end}");
    for expected in [
        format!("cannot reach 127.0.0.1:{port}").as_str(),
        "records not confirmed: 3 of 3;",
        "logstore serve",
        "--port",
        "--timeout",
    ] {
        assert!(
            said_at_end.contains(expected),
            "{expected:?}: {said_at_end}"
        );
    }
    assert!(took >= Duration::from_secs(1), "{took:?}");
    assert!(took < Duration::from_secs(5), "{took:?}");

    // More than a queue would hold: it does not wait for ever for room.
    let output = send(
        ["--port", &port, "--timeout", "100ms"],
        &b"x\n".repeat(100_000),
    );
    let said_at_end = said(&output, 2);
    let expected = "records not confirmed: 8192 of 8192, and the rest of the input was not read";
    assert!(said_at_end.contains(expected), "{said_at_end}");
}

#[test]
fn a_server_that_never_reads_is_not_waited_for_longer_than_asked() {
    // The system accepts for it.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let began = Instant::now();
    let output = send(["--port", &port, "--timeout", "500ms", "hello"], b"");
    let said = said(&output, 2);
    assert!(said.contains("records not confirmed: 1 of 1"), "{said}");
    assert!(
        said.contains("sending it again may store it twice"),
        "{said}"
    );
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_lock_of_some_seconds_is_waited_for() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let lock = Connection::open(&store.db).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(Duration::from_secs(12));
            lock.execute_batch("ROLLBACK").unwrap();
        });
        let output = send(["--port", &server.port(), "--timeout", "1m", "hello"], b"");
        assert_eq!(said(&output, 0), "");
    });
    assert_eq!(store.count(), 1);
    server.terminate();
}

#[test]
fn a_locked_file_is_not_waited_for_longer_than_asked() {
    let store = Store::new();
    let arguments = [
        OsStr::new("--db"),
        store.db.as_os_str(),
        OsStr::new("--timeout"),
        OsStr::new("200ms"),
    ];
    assert_eq!(said(&send(arguments, b"one"), 0), "");
    let lock = Connection::open(&store.db).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let began = Instant::now();
    let said = said(&send(arguments, &b"x\n".repeat(50_000)), 2);
    assert!(
        said.contains("records not confirmed: 8192 of 8192, and the rest"),
        "{said}"
    );
    assert!(began.elapsed() < Duration::from_secs(15));
    drop(lock);
    assert_eq!(store.count(), 1);
}

#[test]
fn what_no_record_can_be_made_of_is_refused() {
    for (arguments, expected) in [
        (&["--field", "a", "x"][..], "KEY=VALUE is needed"),
        (
            &["--field", "a=1", "--field", "b=2", "--field", "a=3", "x"],
            "--field a=... is given twice",
        ),
        (&["--level", "loud", "x"], "unknown level"),
        (&["--timeout", "0s", "x"], "500ms"),
        (&["--json", "--name", "a", "{}"], "--name"),
    ] {
        let output = send(arguments, b"");
        let said = said(&output, 2);
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn the_demo_shows_five_records_and_leaves_nothing_behind() {
    let store = Store::new();
    let temporary = store.file("tmp");
    fs::create_dir(&temporary).unwrap();
    let output = logstore(["demo"])
        .env("TMPDIR", &temporary)
        .current_dir(&temporary)
        .output()
        .unwrap();
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{talk}");
    let answer = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = answer.lines().collect();
    assert_eq!(lines.len(), 5, "{answer}");
    assert!(lines[0].ends_with("Jackdaws love my big sphinx of quartz."));
    assert!(lines[3].contains("WARNING") && lines[3].contains("myapp.area2"));
    assert!(lines[4].ends_with("The five boxing wizards jump quickly."));
    assert!(!answer.contains('\x1b'));
    assert!(talk.contains("logstore serve"), "{talk}");
    assert!(talk.contains("5 stored"), "{talk}");
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
}
