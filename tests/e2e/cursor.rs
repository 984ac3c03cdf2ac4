//! Reading only what is new since the last time.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Output, Stdio};

use logstore::{Level, LogRecord, SQLiteQueueHandler, Site};

use crate::support::{Store, logstore, wait_until};

fn emit(store: &Store, messages: &[&str]) {
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    for message in messages {
        let record = LogRecord::new(Site::new("a", Level::INFO), *message);
        handler.emit(&record).unwrap();
    }
    handler.close().unwrap();
}

fn ask(store: &Store, cursor: &Path, arguments: &[&str]) -> Output {
    logstore(["query", "--format", "%(message)s", "--db"])
        .arg(&store.db)
        .arg("--cursor-file")
        .arg(cursor)
        .args(arguments)
        .output()
        .unwrap()
}

/// What is new; nothing else is said.
#[track_caller]
fn new(store: &Store, cursor: &Path, arguments: &[&str]) -> String {
    let output = ask(store, cursor, arguments);
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn refused(output: &Output, expected: &[&str]) {
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    for text in expected {
        assert!(said.contains(text), "no {text:?} in {said}");
    }
}

#[test]
fn after_an_id_only_later_records_come() {
    let store = Store::new();
    emit(&store, &["one", "two", "three"]);
    for (id, expected) in [
        ("0", "one\ntwo\nthree\n"),
        ("2", "three\n"),
        ("3", ""),
        ("9223372036854775807", ""),
    ] {
        let answer = store.query(&["--after-id", id, "--format", "%(message)s"]);
        assert_eq!(answer, expected, "after {id}");
    }
}

#[test]
fn a_cursor_file_remembers_what_was_read() {
    let store = Store::new();
    let cursor = store.file("seen");
    emit(&store, &["one", "two"]);
    assert_eq!(new(&store, &cursor, &[]), "one\ntwo\n");
    assert_eq!(fs::read_to_string(&cursor).unwrap(), "2\n");
    assert_eq!(new(&store, &cursor, &[]), "");
    emit(&store, &["three", "four"]);
    // The newest alone would leave records unread that never come again.
    refused(
        &ask(&store, &cursor, &["-n", "1"]),
        &["--cursor-file", "--limit"],
    );
    assert_eq!(new(&store, &cursor, &[]), "three\nfour\n");
    emit(&store, &["five", "six"]);
    // What the other conditions leave out has been passed over as well.
    assert_eq!(new(&store, &cursor, &["six"]), "six\n");
    assert_eq!(new(&store, &cursor, &[]), "");
    assert_eq!(fs::read_to_string(&cursor).unwrap(), "6\n");
    let names = fs::read_dir(store.file("")).unwrap();
    let left = names.filter(|name| {
        let name = name.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("seen")
    });
    assert_eq!(left.count(), 1, "nothing is left beside the file");
}

#[test]
fn a_cursor_of_another_database_is_told_and_everything_read() {
    let store = Store::new();
    let cursor = store.file("seen");
    emit(&store, &["one", "two"]);
    fs::write(&cursor, "3\n").unwrap();
    let output = ask(&store, &cursor, &[]);
    assert!(output.status.success());
    assert_eq!(output.stdout, b"one\ntwo\n");
    let said = String::from_utf8(output.stderr).unwrap();
    for text in ["3", "2", "another database", "from the beginning"] {
        assert!(said.contains(text), "no {text:?} in {said}");
    }
    assert_eq!(new(&store, &cursor, &[]), "");
}

#[test]
fn a_file_of_something_else_is_refused_and_left_alone() {
    let store = Store::new();
    emit(&store, &["one"]);
    let cursor = store.file("notes");
    for text in [
        "",
        "\n",
        "twelve\n",
        "-1\n",
        "7 8\n",
        "99999999999999999999",
    ] {
        fs::write(&cursor, text).unwrap();
        let name = cursor.to_str().unwrap();
        refused(
            &ask(&store, &cursor, &[]),
            &[name, "not the id of a record", "delete it"],
        );
        assert_eq!(fs::read_to_string(&cursor).unwrap(), text);
    }
    let before = fs::read(&store.db).unwrap();
    refused(
        &ask(&store, &store.db, &[]),
        &["SQLite", "not the id of a record"],
    );
    assert!(fs::read(&store.db).unwrap() == before);
    refused(
        &ask(&store, &store.file(""), &[]),
        &["directory", "name a file"],
    );
    refused(
        &ask(&store, &store.file("no/such/seen"), &[]),
        &["no/such", "--cursor-file", "make it"],
    );
}

#[test]
fn an_answer_that_nobody_reads_to_its_end_moves_no_cursor() {
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    for _ in 0..5000 {
        let record = LogRecord::new(Site::new("a", Level::INFO), "x".repeat(100));
        handler.emit(&record).unwrap();
    }
    handler.close().unwrap();
    let cursor = store.file("seen");
    let mut child = logstore(["query", "--db"])
        .arg(&store.db)
        .arg("--cursor-file")
        .arg(&cursor)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 10]).unwrap();
    drop(stdout);
    assert!(child.wait().unwrap().success());
    assert!(!cursor.exists());
}

#[test]
fn a_follower_moves_its_cursor_as_it_goes() {
    let store = Store::new();
    let cursor = store.file("seen");
    let messages: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
    emit(&store, &messages);
    let shown = store.file("shown");
    let mut child = logstore(["query", "--follow", "--format", "%(message)s", "--db"])
        .arg(&store.db)
        .arg("--cursor-file")
        .arg(&cursor)
        .stdout(fs::File::create(&shown).unwrap())
        .spawn()
        .unwrap();
    let stands_at = |id: &str| {
        wait_until("the cursor moves", || {
            fs::read_to_string(&cursor).unwrap_or_default() == format!("{id}\n")
        });
    };
    stands_at("20");
    emit(&store, &["next"]);
    stands_at("21");
    child.kill().unwrap();
    child.wait().unwrap();
    let expected = [&messages[..], &["next", ""]].concat().join("\n");
    assert_eq!(fs::read_to_string(&shown).unwrap(), expected);
}
