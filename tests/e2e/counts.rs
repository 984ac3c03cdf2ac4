//! `logstore count` and `logstore stats`, on the small store of the queries.

use logstore::{Level, LogRecord, SQLiteQueueHandler, Site};
use serde_json::{Value, json};

use crate::queries::store;
use crate::support::Store;

#[track_caller]
fn counted(store: &Store, arguments: &[&str], expected: &str) {
    assert_eq!(store.answer("count", arguments), expected, "{arguments:?}");
}

/// It fails as it should, shows nothing, and says all of these.
#[track_caller]
fn refused(store: &Store, arguments: &[&str], expected: &[&str]) {
    let output = store.run("count", arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert!(output.stdout.is_empty(), "{arguments:?}");
    for text in expected {
        assert!(
            said.contains(text),
            "no {text:?} from {arguments:?}: {said}"
        );
    }
}

fn empty_store() -> Store {
    let store = Store::new();
    SQLiteQueueHandler::open(&store.db)
        .unwrap()
        .close()
        .unwrap();
    store
}

#[test]
fn without_groups_there_is_one_number() {
    let store = store();
    counted(&store, &[], "8\n");
    counted(&store, &["--level", "error"], "3\n");
    counted(&store, &["connection"], "2\n");
    counted(&store, &["--name", "nobody"], "0\n");
    counted(&store, &["-o", "json"], "{\"count\":8}\n");
    counted(&store, &["-o", "csv"], "count\r\n8\r\n");
}

#[test]
fn groups_are_a_table() {
    let store = store();
    let levels = "\
level     count
NOTSET        1
DEBUG         1
INFO          1
WARNING       1
Level 35      1
ERROR         2
CRITICAL      1
";
    counted(&store, &["--by", "level"], levels);
    let names_and_hosts = "\
name             host  count
myapp.area2      web1      2
myapp.area2.sub  web1      1
myapp.area21     web1      1
";
    let filters = ["--level", "30", "--host", "web1"];
    for by in [
        &["--by", "name,host"][..],
        &["--by", "logger", "--by=name,host"],
    ] {
        counted(&store, &[by, &filters].concat(), names_and_hosts);
    }
    let processes = "\
process  thread        count
100      MainThread        3
101      pool-0            3
100      checkpointer      2
";
    counted(&store, &["--by", "process,thread"], processes);
    let users = "\
user.id  count
-            5
7            1
8            1
7            1
";
    counted(&store, &["--by", "user.id"], users);
}

#[test]
fn groups_are_objects_and_rows() {
    let store = store();
    let arguments = ["--by", "user.id,host", "--level", "info", "--host", "web1"];
    let json = "\
{\"user.id\":null,\"host\":\"web1\",\"count\":3}
{\"user.id\":8,\"host\":\"web1\",\"count\":1}
{\"user.id\":\"7\",\"host\":\"web1\",\"count\":1}
";
    counted(&store, &[&arguments[..], &["-o", "json"]].concat(), json);
    let csv = "user.id,host,count\r\n,web1,3\r\n8,web1,1\r\n7,web1,1\r\n";
    counted(&store, &[&arguments[..], &["-o", "csv"]].concat(), csv);
}

#[test]
fn buckets_lie_on_the_clock_of_the_zone() {
    let store = store();
    // The zone is five and a half hours ahead: its hour has begun at 15:30 UTC.
    counted(
        &store,
        &["--every", "1h"],
        "start                   count\n2026-11-22 21:00+05:30      8\n",
    );
    counted(
        &store,
        &["--every", "1h", "--utc"],
        "start              count\n2026-11-22 16:00Z      8\n",
    );
    counted(
        &store,
        &["--every", "1d", "-o", "json"],
        "{\"start\":\"2026-11-21T18:30:00.000000000Z\",\"count\":8}\n",
    );
    counted(
        &store,
        &["--every", "1 week", "--utc"],
        "start       count\n2026-11-16      8\n",
    );
    counted(
        &store,
        &[
            "--every",
            "90s",
            "--until",
            "2026-11-22 21:52:25",
            "--host",
            "web1",
        ],
        "\
start                      count
2026-11-22 21:49:30+05:30      1
2026-11-22 21:51:00+05:30      2
",
    );
}

#[test]
fn a_bucket_without_records_has_a_row_when_there_are_no_groups() {
    let store = store();
    let arguments = ["--every", "2m", "--utc", "--level", "warning", "--field"];
    let field = [&arguments[..], &["tag=Timeout"]].concat();
    counted(
        &store,
        &field,
        "start              count\n2026-11-22 16:24Z      1\n",
    );
    let ends = ["--every", "1m", "--process", "100", "--level", "warning"];
    let all = "start,count\r\n\
        2026-11-22T16:22:00.000000000Z,1\r\n\
        2026-11-22T16:23:00.000000000Z,0\r\n\
        2026-11-22T16:24:00.000000000Z,0\r\n\
        2026-11-22T16:25:00.000000000Z,0\r\n\
        2026-11-22T16:26:00.000000000Z,1\r\n";
    counted(&store, &[&ends[..], &["-o", "csv"]].concat(), all);
    let groups = "start,host,count\r\n\
        2026-11-22T16:22:00.000000000Z,web1,1\r\n\
        2026-11-22T16:26:00.000000000Z,db1,1\r\n";
    let by_host = [&ends[..], &["-o", "csv", "--by", "host"]].concat();
    counted(&store, &by_host, groups);
}

#[test]
fn a_few_groups_have_a_column_each_and_many_a_row() {
    let store = store();
    let columns = "\
start              web1  db1
2026-11-22 16:20Z     4    0
2026-11-22 16:24Z     2    2
";
    counted(&store, &["--every", "4m", "--by", "host", "--utc"], columns);
    let rows = "\
start              host  process  count
2026-11-22 16:20Z  web1  100          3
2026-11-22 16:20Z  web1  101          1
2026-11-22 16:24Z  db1   100          2
2026-11-22 16:24Z  web1  101          2
";
    let arguments = ["--every", "4m", "--by", "host,process", "--utc"];
    counted(&store, &arguments, rows);
}

#[test]
fn the_largest_groups_are_kept_and_that_is_said() {
    let store = store();
    let output = store.run("count", &["--by", "name", "--top", "1"]);
    assert!(output.status.success());
    let table = String::from_utf8(output.stdout).unwrap();
    assert_eq!(table, "name         count\nmyapp.area2      2\n");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "logstore: these are the 1 largest of 7 groups\n");
    let all = store.answer("count", &["--by", "name", "-n", "7"]);
    assert_eq!(all.lines().count(), 8);
}

#[test]
fn a_question_that_makes_no_sense_is_refused_with_the_way_out() {
    let store = store();
    for (arguments, expected) in [
        (
            &["--by", "level,nmae"][..],
            &["'nmae'", "--by", "did you mean name?", "extra.nmae"][..],
        ),
        (&["--by", "levle"], &["'levle'", "did you mean level?"]),
        (
            &["--by", "level,"],
            &["--by", "a grouping is missing", "site"],
        ),
        (
            &["--by", "level,foo"],
            &[
                "--by foo: no record has a field \"foo\"; --by takes level, name, host, process, thread, site or",
            ],
        ),
        (
            &["--every", "5 parsecs"],
            &["--every", "5 parsecs", "position 2", "1h"],
        ),
        (
            &["--every", "0s"],
            &["--every", "less than a millisecond", "5m"],
        ),
        (
            &["--every", "36h"],
            &["--every", "1d 12h", "not whole days"],
        ),
        (
            &["--every", "1ms"],
            &["steps of 1ms", "420001", "100000", "use 5ms or more"],
        ),
        (&["--top", "0", "--by", "level"], &["--top", "0"]),
        (&["-o", "text"], &["text", "table", "csv"]),
    ] {
        refused(&store, arguments, expected);
    }
}

#[test]
fn an_empty_store_has_nothing_to_count() {
    let store = empty_store();
    counted(&store, &[], "0\n");
    counted(&store, &["-o", "json"], "{\"count\":0}\n");
    counted(&store, &["--by", "level"], "level  count\n");
    counted(&store, &["--by", "level", "-o", "json"], "");
    counted(&store, &["--by", "foo", "-o", "csv"], "foo,count\r\n");
    counted(&store, &["--every", "1h"], "start  count\n");
    counted(
        &store,
        &["--every", "1h", "--by", "level", "-o", "csv"],
        "start,level,count\r\n",
    );
}

#[test]
fn no_name_can_drive_a_terminal() {
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    let record = LogRecord::new(Site::new("a\x1b[2J\nb", Level::INFO), "x");
    handler.emit(&record).unwrap();
    handler.close().unwrap();
    counted(
        &store,
        &["--by", "name"],
        "name           count\na\\x1b[2J\\x0ab      1\n",
    );
}

#[test]
fn stats_tell_what_a_store_holds() {
    let store = store();
    let text = store.answer("stats", &["--name", "myapp"]);
    let (file, rest) = text.split_once('\n').unwrap();
    assert!(file.starts_with("file       ") && file.contains("runs.sqlite, "));
    let expected = "\
blocks     0 over 0 records
records    6
oldest     2026-11-22 21:50:25.000+05:30
newest     2026-11-22 21:55:25.000+05:30
span       5m
rate       1.2/min; 6 in the last hour, 2 in the last minute
hosts      1
processes  2

level     records  share    rate  last hour  last minute
DEBUG           1  16.7%  12.0/h          1            0
INFO            1  16.7%  12.0/h          1            0
WARNING         1  16.7%  12.0/h          1            0
Level 35        1  16.7%  12.0/h          1            1
ERROR           2  33.3%  24.0/h          2            1

name             records  share    rate  last hour  last minute
myapp.area2            2  33.3%  24.0/h          2            1
myapp                  1  16.7%  12.0/h          1            0
myapp.area1            1  16.7%  12.0/h          1            0
myapp.area2.sub        1  16.7%  12.0/h          1            0
myapp.area21           1  16.7%  12.0/h          1            1

records in steps of 5s from 2026-11-22 21:50:25+05:30, at most 1
█           █           █           █           █           █
█           █           █           █           █           █
█           █           █           █           █           █
█           █           █           █           █           █
█           █           █           █           █           █
█           █           █           █           █           █

warnings, at most 1
                        █                                   █

errors, at most 1
                                    █           █
";
    assert_eq!(rest, expected);
    let utc = store.answer("stats", &["--utc", "--color", "always"]);
    assert!(utc.contains("\nnewest     2026-11-22 16:27:25.000Z\n"));
    assert!(utc.contains("\x1b[31m") && utc.contains("\x1b[33m"));
}

#[test]
fn a_field_that_the_filters_leave_out_is_no_slip() {
    let store = store();
    counted(
        &store,
        &["--by", "ms", "--name", "other", "-o", "csv"],
        "ms,count\r\n,1\r\n",
    );
}

#[test]
fn stats_have_a_form_for_programs() {
    let store = store();
    let json = store.answer("stats", &["-o", "json"]);
    let stats: Value = serde_json::from_str(&json).unwrap();
    let file = std::fs::metadata(&store.db).unwrap().len();
    for (pointer, expected) in [
        ("/file_bytes", json!(file)),
        ("/wal_bytes", json!(0)),
        ("/blocks", json!(0)),
        ("/records", json!(8)),
        ("/oldest", json!("2026-11-22T16:20:25.000000000Z")),
        ("/newest", json!("2026-11-22T16:27:25.000000000Z")),
        ("/span_seconds", json!(420.0)),
        ("/hosts", json!(2)),
        ("/processes", json!(3)),
        ("/levels/0/level", json!("NOTSET")),
        ("/levels/5/count", json!(2)),
        ("/levels/5/share", json!(0.25)),
        ("/loggers/0/name", json!("myapp.area2")),
        ("/loggers/6/last_minute", json!(1)),
        ("/histogram/every_seconds", json!(5.0)),
        ("/histogram/buckets/84/count", json!(1)),
        ("/histogram/buckets/72/errors", json!(1)),
    ] {
        assert_eq!(stats.pointer(pointer), Some(&expected), "{pointer}: {json}");
    }
    let loggers = stats["loggers"].as_array().unwrap();
    let nameless = loggers.iter().find(|logger| logger["name"].is_null());
    assert_eq!(nameless.unwrap()["count"], 1);
}

#[test]
fn stats_of_an_empty_store_are_short() {
    let store = empty_store();
    let text = store.answer("stats", &[]);
    assert_eq!(text.lines().nth(2), Some("records    0"));
    assert_eq!(text.lines().count(), 3);
    let json = store.answer("stats", &["-o", "json"]);
    let stats: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(stats["records"], 0);
    assert!(stats["oldest"].is_null() && stats["histogram"].is_null());
}
