//! How an answer looks: JSON, CSV, logfmt, Python's formats, times, colors, and a reader that goes away.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use logstore::{Level, LogRecord, SQLiteQueueHandler, Site};
use rusqlite::Connection;
use rusqlite::types::Value as SqlValue;
use serde_json::{Map, Value, json};

use crate::support::{Server, Store, logstore, python, python_of};

/// A store with what `extras.py` and `cookbook.py` send.
fn store() -> Store {
    let store = Store::new();
    let server = Server::start(&store.db);
    server.python("extras.py", &[]);
    server.python("cookbook.py", &[]);
    server.terminate();
    store
}

/// The rows of view `records` as objects without the nulls.
fn rows_of_records(store: &Store) -> Vec<Value> {
    let connection = Connection::open(&store.db).unwrap();
    let mut statement = connection
        .prepare("SELECT * FROM records ORDER BY created_ns, id")
        .unwrap();
    let columns: Vec<String> = statement
        .column_names()
        .into_iter()
        .map(String::from)
        .collect();
    let rows = statement.query_map([], |row| {
        let mut object = Map::new();
        for (index, column) in columns.iter().enumerate() {
            let value = match row.get(index)? {
                SqlValue::Null => continue,
                SqlValue::Integer(number) => json!(number),
                SqlValue::Text(text) if column == "extra" => serde_json::from_str(&text).unwrap(),
                SqlValue::Text(text) => json!(text),
                other => panic!("{column} holds {other:?}"),
            };
            object.insert(column.clone(), value);
        }
        Ok(Value::Object(object))
    });
    rows.unwrap().map(Result::unwrap).collect()
}

#[test]
fn json_has_the_keys_and_values_of_the_view_records() {
    let store = store();
    let rows = rows_of_records(&store);
    assert_eq!(rows.len(), 11);
    assert_eq!(store.records(&[]), rows);
}

#[test]
fn csv_is_what_pythons_csv_reads() {
    let store = store();
    let csv = store.query(&["-o", "csv"]);
    let file = store.file("answer.csv");
    std::fs::write(&file, csv).unwrap();
    let read: Vec<Map<String, Value>> =
        serde_json::from_str(&python_of(&python(), "read_csv.py", [&file])).unwrap();
    let rows = rows_of_records(&store);
    assert_eq!(read.len(), rows.len());
    for (read, row) in read.iter().zip(&rows) {
        assert_eq!(read.len(), 21);
        for (key, text) in read {
            let text = text.as_str().unwrap();
            match &row[key] {
                Value::Null => assert_eq!(text, "", "{key}"),
                Value::String(expected) => assert_eq!(text, expected, "{key}"),
                other => assert_eq!(
                    serde_json::from_str::<Value>(text).unwrap(),
                    *other,
                    "{key}"
                ),
            }
        }
    }
}

#[test]
fn logfmt_is_a_line_for_each_record_with_the_four_usual_keys_first() {
    let store = store();
    let text = store.query(&["-o", "logfmt"]);
    assert_eq!(text.lines().count(), 11);
    let line = text.lines().find(|line| line.contains("sphinx")).unwrap();
    let created = &store.records(&["sphinx"])[0]["created"];
    let begin = format!(
        "time={} level=INFO name=root msg=\"Jackdaws love my big sphinx of quartz.\" ",
        created.as_str().unwrap()
    );
    assert!(line.starts_with(&begin), "{line}");
    assert!(
        line.contains(" module=cookbook ") && line.contains(" lineno=12 "),
        "{line}"
    );
    let nested = text
        .lines()
        .find(|line| line.contains("plain values"))
        .unwrap();
    assert!(nested.contains(" nested.user.id=7 "), "{nested}");
}

#[test]
fn a_format_prints_what_pythons_formatter_prints() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let printed = server.python("formatter.py", &[]);
    server.terminate();
    let printed: Vec<(String, String)> = serde_json::from_str(&printed).unwrap();
    assert!(printed.len() > 20);
    for (format, expected) in printed {
        assert_eq!(store.query(&["--format", &format]), expected, "{format}");
    }
}

#[test]
fn text_is_a_line_for_each_record_and_the_traceback_below_it() {
    let store = store();
    let text = store.query(&["failed"]);
    let mut lines = text.lines();
    let first = lines.next().unwrap();
    let (time, rest) = first.split_at(29);
    assert!(time.ends_with("+05:30"), "{first}");
    let host = logstore::machine_name();
    assert!(
        rest.starts_with(&format!(" ERROR    extras {host}[")),
        "{first}"
    );
    assert!(rest.ends_with("]: it failed for ada"), "{first}");
    assert_eq!(lines.next(), Some("    Traceback (most recent call last):"));
    assert_eq!(text.lines().last(), Some("    ValueError: naïve ✓"));
}

#[test]
fn times_are_local_or_utc() {
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    let mut record = LogRecord::new(Site::new("a", Level::INFO), "x");
    record.created_ns = 1_795_364_425_123_456_789;
    handler.emit(&record).unwrap();
    handler.close().unwrap();
    let times = ["--format", "%(asctime)s"];
    assert_eq!(store.query(&times), "2026-11-22 21:50:25,123\n");
    assert_eq!(
        store.query(&[&times[..], &["--utc"]].concat()),
        "2026-11-22 16:20:25,123\n"
    );
    assert!(
        store
            .query(&[])
            .starts_with("2026-11-22 21:50:25.123+05:30 INFO")
    );
    assert!(
        store
            .query(&["--utc"])
            .starts_with("2026-11-22 16:20:25.123Z INFO")
    );
    assert_eq!(
        store.records(&[])[0]["created"],
        "2026-11-22T16:20:25.123456789Z"
    );
}

#[test]
fn colors_are_for_terminals_or_for_who_asks() {
    let store = store();
    let colored = |arguments: &[&str], no_color: Option<&str>| {
        let mut command = logstore(["query", "--db"]);
        command.arg(&store.db).args(arguments);
        if let Some(value) = no_color {
            command.env("NO_COLOR", value);
        }
        let output = command.output().unwrap();
        assert!(output.status.success());
        output.stdout.contains(&b'\x1b')
    };
    assert!(!colored(&[], None), "a pipe is no terminal");
    assert!(!colored(&["--color", "auto"], None));
    assert!(!colored(&["--color", "never"], None));
    assert!(colored(&["--color", "always"], None));
    assert!(
        colored(&["--color", "always"], Some("1")),
        "the flag has the last word"
    );
    assert!(!colored(&[], Some("1")));
    assert!(!colored(&["--color", "always", "-o", "json"], None));
    assert!(!colored(&["--color", "always", "-o", "csv"], None));
}

#[test]
fn what_a_client_sent_cannot_drive_a_terminal() {
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    let site = Site::new("evil\x1b[2J", Level::INFO);
    let record = LogRecord::new(site, "bell\x07 \u{9b}31m").with("key\x1b", "\x1b]0;title\x07");
    handler.emit(&record).unwrap();
    handler.close().unwrap();
    for output in ["text", "json", "logfmt"] {
        let text = store.query(&["-o", output]);
        let controls: BTreeSet<char> = text.chars().filter(|c| c.is_control()).collect();
        assert_eq!(controls, BTreeSet::from(['\n']), "{output}: {text:?}");
    }
}

#[test]
fn it_is_said_when_n_leaves_something_out() {
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    for name in ["a", "a", "a", "b"] {
        handler
            .emit(&LogRecord::new(Site::new(name, Level::INFO), "x"))
            .unwrap();
    }
    handler.close().unwrap();
    for (arguments, expected) in [
        (
            &["-n", "2", "--name", "a"][..],
            "logstore: the newest 2 of more matching records are shown; -n N shows more\n",
        ),
        (&["-n", "3", "--name", "a"], ""),
        (&["-n", "3", "--name", "a", "-r"], ""),
        (&["-n", "1", "--name", "b"], ""),
        (&["-n", "5"], ""),
        (&[], ""),
    ] {
        let mut command = logstore(["query", "--db"]);
        let output = command.arg(&store.db).args(arguments).output().unwrap();
        assert!(output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, expected, "{arguments:?}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_query_quietly() {
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    let record = LogRecord::new(Site::new("a", Level::INFO), "x".repeat(200));
    // More than any pipe holds.
    for _ in 0..20_000 {
        handler.emit(&record).unwrap();
    }
    handler.close().unwrap();
    for output in ["text", "json", "csv", "logfmt"] {
        let mut child = logstore(["query", "-o", output, "--db"])
            .arg(&store.db)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        assert!(!line.is_empty());
        drop(stdout);
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(0), "{output}");
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "{output}");
    }
}

#[test]
fn an_answer_that_cannot_be_written_is_an_error() {
    let store = store();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let Ok(full) = full else { return };
    let mut command = logstore(["query", "--db"]);
    let output = command.arg(&store.db).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("cannot write the answer"), "{said}");
}
