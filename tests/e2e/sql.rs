//! `logstore sql`: reads anything, changes nothing, ends in time, and stands in nobody's way.

use std::io::{BufRead, BufReader, Read, Write};
use std::ops::ControlFlow;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use logstore::{
    Level, LogRecord, Query, Reader, SQLiteQueueHandler, Site, SqlError, SqlOptions, SqlValue,
};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{Store, logstore, python, python_of};

/// Never ends.
const ENDLESS: &str =
    "WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c";

/// So many rows: 1, 2, 3 and so on.
fn counting(rows: u32) -> String {
    format!(
        "WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c LIMIT {rows}) SELECT x FROM c"
    )
}

/// A store of three records.
fn store() -> Store {
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    for (name, level, message) in [
        ("myapp", Level::INFO, "ready"),
        (
            "myapp.area2",
            Level::WARNING,
            "Jail \x1b[31mzesty\x07 \"vixen\"",
        ),
        ("myapp.area2", Level::INFO, "two\nlines"),
    ] {
        let record = LogRecord::new(Site::new(name, level), message).with("elapsed", 1.5);
        handler.emit(&record).unwrap();
    }
    handler.close().unwrap();
    store
}

fn sql(store: &Store, arguments: &[&str]) -> Command {
    let mut command = logstore(["sql", "--db"]);
    command.arg(&store.db).args(arguments);
    command
}

/// What a statement that must succeed without a word answers.
#[track_caller]
fn answer(store: &Store, arguments: &[&str]) -> String {
    let Output {
        status,
        stdout,
        stderr,
    } = sql(store, arguments).output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert!(status.success() && said.is_empty(), "{arguments:?}: {said}");
    String::from_utf8(stdout).unwrap()
}

/// What a statement that must fail says.
#[track_caller]
fn refusal(store: &Store, arguments: &[&str]) -> String {
    let output = sql(store, arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn the_views_answer_as_a_table() {
    let store = store();
    let counted = "SELECT levelname, count(*) AS records, NULL AS none FROM records GROUP BY 1";
    assert_eq!(
        answer(&store, &[counted]),
        "levelname  records  none\n\
         --------------------------\n\
         INFO             2\n\
         WARNING          1\n"
    );
    let texts = "SELECT name, message, x'00ff' AS bytes FROM logs WHERE level = 'WARNING' OR message LIKE 'two%'";
    let table = answer(&store, &[texts]);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 4, "{table}");
    assert_eq!(
        lines[2],
        r#"myapp.area2  Jail \x1b[31mzesty\x07 "vixen"  x'00ff'"#
    );
    assert_eq!(
        lines[3],
        r"myapp.area2  two\x0alines                    x'00ff'"
    );
    assert_eq!(
        answer(&store, &["SELECT name, id FROM records WHERE 0"]),
        "name  id\n----------\n"
    );
}

#[test]
fn json_is_an_object_a_line() {
    let store = store();
    let question = "SELECT id, name, name, extra ->> '$.elapsed' AS elapsed, taskName, x'ff' AS b FROM records LIMIT 1";
    let text = answer(&store, &["-o", "json", question]);
    assert_eq!(
        text,
        "{\"id\":1,\"name\":\"myapp\",\"name_2\":\"myapp\",\"elapsed\":1.5,\"taskName\":null,\"b\":\"x'ff'\"}\n"
    );
    let all = answer(
        &store,
        &["-o", "json", "SELECT message FROM records ORDER BY id"],
    );
    assert!(!all.contains(['\x1b', '\x07']), "{all:?}");
    let rows: Vec<Value> = all
        .lines()
        .map(|row| serde_json::from_str(row).unwrap())
        .collect();
    assert_eq!(
        rows[1],
        json!({"message": "Jail \u{1b}[31mzesty\u{7} \"vixen\""})
    );
}

#[test]
fn csv_is_what_pythons_csv_reads() {
    let store = store();
    let file = store.file("answer.csv");
    let question = "SELECT id, message, taskName FROM records ORDER BY id";
    std::fs::write(&file, answer(&store, &["-o", "csv", question])).unwrap();
    let read: Value = serde_json::from_str(&python_of(&python(), "read_csv.py", [&file])).unwrap();
    assert_eq!(
        read,
        json!([
            {"id": "1", "message": "ready", "taskName": ""},
            {"id": "2", "message": "Jail \u{1b}[31mzesty\u{7} \"vixen\"", "taskName": ""},
            {"id": "3", "message": "two\nlines", "taskName": ""},
        ])
    );
    assert_eq!(
        answer(&store, &["-o", "csv", "SELECT 1 AS a WHERE 0"]),
        "a\r\n"
    );
}

#[test]
fn the_statement_may_come_from_standard_input() {
    let store = store();
    let mut child = sql(&store, &["-", "-o", "csv"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let question = b"-- how many\nSELECT count(*) AS n\nFROM records;\n";
    child.stdin.take().unwrap().write_all(question).unwrap();
    assert_eq!(child.wait_with_output().unwrap().stdout, b"n\r\n3\r\n");
}

#[test]
fn what_is_harmless_is_answered() {
    let store = store();
    for statement in [
        "VALUES (1), (2)",
        "EXPLAIN QUERY PLAN SELECT * FROM records",
        "PRAGMA table_info(record)",
        "SELECT name FROM pragma_table_info('logs')",
        "SELECT name FROM pragma_table_list",
        "PRAGMA user_version",
        "SELECT name, sql FROM sqlite_schema",
        "SELECT value FROM records, json_each(extra)",
        "SELECT 1; -- one\n;",
    ] {
        assert!(
            answer(&store, &[statement]).lines().count() > 2,
            "{statement}"
        );
    }
}

#[test]
fn whatever_does_more_than_read_is_denied_and_changes_nothing() {
    let store = store();
    let before = std::fs::read(&store.db).unwrap();
    let other = store.file("other.sqlite");
    for (statement, expected) in [
        ("DELETE FROM record", "DELETE from record"),
        ("INSERT INTO site SELECT * FROM site", "INSERT into site"),
        (
            "WITH a AS (SELECT 1) UPDATE record SET message = ''",
            "UPDATE of record",
        ),
        ("EXPLAIN DELETE FROM record", "DELETE from record"),
        ("SELECT 1; DELETE FROM record", "DELETE from record"),
        ("DROP TABLE record", "a change of the tables"),
        ("CREATE TABLE x (a)", "a change of the tables"),
        ("CREATE TEMP TABLE x (a)", "a change of the tables"),
        ("CREATE TEMP VIEW x AS SELECT 1", "a change of the tables"),
        (
            "CREATE VIRTUAL TABLE x USING fts5(a)",
            "a change of the tables",
        ),
        ("ALTER TABLE record ADD x", "a change of the tables"),
        ("REINDEX", "a change of the tables"),
        ("ANALYZE", "a change of the tables"),
        ("ATTACH 'other.sqlite' AS other", "ATTACH"),
        ("DETACH main", "DETACH"),
        ("VACUUM", "a statement that writes"),
        ("VACUUM INTO 'other.sqlite'", "a statement that writes"),
        ("BEGIN", "a transaction"),
        ("SAVEPOINT a", "a transaction"),
        ("PRAGMA query_only = 0", "PRAGMA query_only"),
        ("PRAGMA user_version = 9", "PRAGMA user_version"),
        ("PRAGMA journal_mode = DELETE", "PRAGMA journal_mode"),
        ("PRAGMA wal_checkpoint", "PRAGMA wal_checkpoint"),
        ("PRAGMA writable_schema = 1", "PRAGMA writable_schema"),
        ("SELECT * FROM pragma_journal_mode", "PRAGMA journal_mode"),
        ("SELECT load_extension('x')", "the function load_extension"),
        (
            "SELECT fts3_tokenizer('simple')",
            "the function fts3_tokenizer",
        ),
    ] {
        let mut command = sql(&store, &[statement]);
        let output = command.current_dir(store.file("")).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{statement}: {said}");
        assert!(said.contains(expected), "{statement}: {said}");
        assert!(said.contains("the file is open read-only"), "{said}");
    }
    assert_eq!(std::fs::read(&store.db).unwrap(), before);
    assert!(!other.exists());
}

#[test]
fn what_is_no_statement_is_refused_with_its_place() {
    let store = store();
    for (statement, expected) in [
        ("", "there is no statement"),
        (" ;", "there is no statement"),
        ("SELECT 1; SELECT 2", "there is more than one statement"),
        ("SELECT ?", "parameters (1)"),
        (
            "SELECT * FROM log",
            "no such table: log; what is stored is in the views records and logs",
        ),
        ("SELECT abs(-9223372036854775808)", "integer overflow"),
        (
            "SELECT * FORM records",
            "near \"FORM\": syntax error\n  SELECT * FORM records\n           ^\n",
        ),
        ("SELECT 1; FOO", "\n  SELECT 1; FOO\n            ^\n"),
        (
            "SELECT 'é',\n  x FROM records",
            "no such column: x\n    x FROM records\n    ^\n",
        ),
        (
            "SELECT 1 FROM ",
            "incomplete input\n  SELECT 1 FROM\n               ^\n",
        ),
    ] {
        let said = refusal(&store, &[statement]);
        assert!(said.contains(expected), "{statement}: {said}");
    }
    for bad in ["10", "soon", "1.5.5s", "-1s"] {
        let said = refusal(&store, &["SELECT 1", &format!("--timeout={bad}")]);
        assert!(
            said.contains("--timeout") && said.contains("use 30s"),
            "{said}"
        );
    }
}

#[test]
fn an_answer_that_takes_too_long_is_given_up() {
    let store = store();
    let began = Instant::now();
    let said = refusal(&store, &["--timeout", "200ms", ENDLESS]);
    assert!(said.contains("no answer within 200ms; --timeout"), "{said}");
    assert!(began.elapsed() < Duration::from_secs(10));
    let any_time = answer(&store, &["--timeout", "0", "-o", "csv", "SELECT 1 AS a"]);
    assert_eq!(any_time, "a\r\n1\r\n");

    // Whoever uses the same connection next notices nothing.
    let reader = Reader::open(&store.db).unwrap();
    let options = SqlOptions {
        timeout: Some(Duration::from_millis(1)),
    };
    let error = reader.sql(ENDLESS, options, |_| ControlFlow::Continue(()));
    assert!(matches!(error, Err(SqlError::Timeout { .. })), "{error:?}");
    assert_eq!(reader.query(&Query::default()).unwrap().count(), 3);
}

#[test]
fn rows_are_handed_over_until_told_otherwise() {
    let store = store();
    let reader = Reader::open(&store.db).unwrap();
    let mut seen = Vec::new();
    let columns = reader
        .sql(&counting(5), SqlOptions::default(), |row| {
            let [SqlValue::Integer(number)] = row.values else {
                panic!("{row:?}");
            };
            seen.push(*number);
            if *number == 3 {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .unwrap();
    assert_eq!((columns, seen), (vec!["x".to_owned()], vec![1, 2, 3]));
}

#[test]
fn a_long_table_is_cut_and_says_so() {
    let store = store();
    assert_eq!(answer(&store, &[&counting(10_000)]).lines().count(), 10_002);
    let output = sql(&store, &[&counting(10_001)]).output().unwrap();
    assert!(output.status.success());
    let table = String::from_utf8(output.stdout).unwrap();
    assert_eq!(table.lines().count(), 10_002);
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "logstore: only the first 10000 rows are shown; -o csv or -o json gives all\n"
    );
    let rows = answer(&store, &["-o", "csv", &counting(10_001)]);
    assert_eq!(rows.lines().count(), 10_002);
}

#[test]
fn nobody_waits_for_a_reader_of_the_answer() {
    let store = store();
    let question = format!(
        "SELECT x, hex(randomblob(1000)) FROM ({})",
        counting(40_000)
    );
    // More than any pipe holds, and more than is kept in memory.
    let mut child = sql(&store, &["-o", "csv", &question])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut header = String::new();
    stdout.read_line(&mut header).unwrap();

    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    handler
        .emit(&LogRecord::new(Site::new("a", Level::INFO), "later"))
        .unwrap();
    handler.flush().unwrap();
    let busy: i64 = Connection::open(&store.db)
        .unwrap()
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .unwrap();
    assert_eq!(busy, 0, "a reader holds up the checkpoint");
    handler.close().unwrap();

    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());
    let (mut rows, mut bytes) = (0, 0);
    for (number, line) in (1..).zip(rest.lines()) {
        assert!(line.starts_with(&format!("{number},")), "{line}");
        rows = number;
        bytes += line.len();
    }
    assert_eq!(rows, 40_000);
    assert!(bytes > 64 << 20, "{bytes}");
}

#[test]
fn a_value_that_would_fill_the_memory_is_refused() {
    let said = refusal(&store(), &["SELECT zeroblob(1000000000)"]);
    assert!(said.contains("too big"), "{said}");
}
