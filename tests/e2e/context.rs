//! The records around each match: -A, -B, -C, and how an answer shows them.

use std::sync::Arc;

use logstore::{Level, LogRecord, Origin, SQLiteQueueHandler, Site};
use serde_json::{Value, json};

use crate::support::{Store, logstore};

/// A record each second, of two processes by turns; those with these numbers are errors.
fn store(records: i64, errors: &[i64]) -> Store {
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    for number in 1..=records {
        let level = if errors.contains(&number) {
            Level::ERROR
        } else {
            Level::INFO
        };
        let mut record = LogRecord::new(Site::new("app", level), format!("no {number}"));
        record.created_ns = number * 1_000_000_000;
        record.origin = Arc::new(Origin {
            hostname: "node1".into(),
            process: Some(number % 2),
            ..Origin::default()
        });
        handler.emit(&record).unwrap();
    }
    handler.close().unwrap();
    store
}

/// The messages of the errors and of what is around them, in one line; `|` between groups.
fn around(store: &Store, arguments: &[&str]) -> String {
    let errors = ["--level", "error", "--format", "%(message)s"];
    let answer = store.query(&[&errors, arguments].concat());
    let lines = answer.lines().map(|line| match line {
        "--" => "|",
        line => line.trim_start_matches("no "),
    });
    lines.collect::<Vec<_>>().join(" ")
}

#[test]
fn what_one_process_logged_around_an_error_is_a_group() {
    let store = store(20, &[6, 9]);
    assert_eq!(
        store.query(&["--level", "error", "-C", "1", "--utc"]),
        "1970-01-01 00:00:04.000Z INFO     app node1[0]- no 4\n\
         1970-01-01 00:00:06.000Z ERROR    app node1[0]: no 6\n\
         1970-01-01 00:00:08.000Z INFO     app node1[0]- no 8\n\
         --\n\
         1970-01-01 00:00:07.000Z INFO     app node1[1]- no 7\n\
         1970-01-01 00:00:09.000Z ERROR    app node1[1]: no 9\n\
         1970-01-01 00:00:11.000Z INFO     app node1[1]- no 11\n"
    );
}

#[test]
fn before_after_and_both_are_as_in_grep() {
    let store = store(40, &[6, 9, 31]);
    for (arguments, expected) in [
        (&["-A", "1"][..], "6 8 | 9 11 | 31 33"),
        (&["-B", "1"], "4 6 | 7 9 | 29 31"),
        (&["-C", "1", "-B", "0"], "6 8 | 9 11 | 31 33"),
        (&["-C1", "--after-context", "0"], "4 6 | 7 9 | 29 31"),
        (&["-A", "0"], "6 | 9 | 31"),
        (
            &["-B", "99"],
            "2 4 6 | 1 3 5 7 9 11 13 15 17 19 21 23 25 27 29 31",
        ),
        // Groups that touch are one.
        (&["-C", "1", "--context-any"], "5 6 7 8 9 10 | 30 31 32"),
        (&["--context-any", "-C", "0"], "6 | 9 | 31"),
        (&["-C", "1", "-n", "2"], "7 9 11 | 29 31 33"),
        (&["-C", "1", "-r"], "33 31 29 | 11 9 7 | 8 6 4"),
        (&["-A", "2", "-r", "-n", "1"], "35 33 31"),
        (&["-C", "1", "--until", "1970-01-01T00:00:07Z"], "4 6 8"),
        (&["-C", "1", "nothing"], ""),
    ] {
        assert_eq!(around(&store, arguments), expected, "{arguments:?}");
    }
}

#[test]
fn programs_read_which_records_match_and_which_belong_together() {
    let store = store(20, &[6, 9]);
    let arguments = ["--level", "error", "-A", "1"];
    let records = store.records(&arguments);
    let told: Vec<Value> = records
        .iter()
        .map(|record| json!([record["id"], record["group"], record["match"]]))
        .collect();
    let expected = json!([[6, 1, true], [8, 1, false], [9, 2, true], [11, 2, false]]);
    assert_eq!(Value::Array(told), expected);
    let without = store.records(&["--level", "error"]);
    assert!(without.iter().all(|record| record.get("match").is_none()));

    let csv = store.query(&[&arguments[..], &["-o", "csv"]].concat());
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].ends_with(",extra,group,match"), "{csv}");
    assert!(lines[2].ends_with(",,1,false"), "{csv}");
    assert_eq!(lines.len(), 5);
    let logfmt = store.query(&[&arguments[..], &["-o", "logfmt"]].concat());
    assert!(
        logfmt.lines().all(|line| line.contains(" match=")),
        "{logfmt}"
    );
}

#[test]
fn color_dims_what_is_around() {
    let store = store(20, &[6]);
    let text = store.query(&["--level", "error", "-A1", "--utc", "--color", "always"]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].contains("\x1b[31mERROR\x1b[0m"), "{text:?}");
    assert_eq!(
        lines[1],
        "\x1b[2m1970-01-01 00:00:08.000Z INFO     app node1[0]- no 8\x1b[0m"
    );
}

#[test]
fn what_makes_no_sense_with_context_is_refused() {
    let store = store(2, &[1]);
    for (arguments, expected) in [
        (
            &["-C", "1", "-f"][..],
            &["--follow", "--context", "cannot be used"][..],
        ),
        (
            &["-A", "1", "--cursor-file", "x"],
            &["--cursor-file", "--after-context", "cannot be used"],
        ),
        (
            &["--context-any"],
            &[
                "--after-context",
                "--before-context",
                "--context",
                "required",
            ],
        ),
        (&["-B", "-1"], &["-1", "--before-context"]),
        (&["-C", "few"], &["few", "--context"]),
    ] {
        let output = logstore(["query", "--db"])
            .arg(&store.db)
            .args(arguments)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
        let said = String::from_utf8_lossy(&output.stderr);
        for text in expected {
            assert!(said.contains(text), "{arguments:?}: no {text:?} in {said}");
        }
    }
}

/// An answer of many pages, read by someone who leaves.
#[test]
fn a_reader_may_leave_early() {
    let store = store(5000, &(1..=5000).collect::<Vec<_>>());
    let mut child = logstore(["query", "-C", "3", "--db"])
        .arg(&store.db)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{output:?}"
    );
}
