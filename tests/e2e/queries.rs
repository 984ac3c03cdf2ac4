//! Which records a query answers with: every condition, on a small store made through the public API.

use std::sync::Arc;

use logstore::{Level, LogRecord, Origin, SQLiteQueueHandler, Site};
use serde_json::{Value, json};

use crate::support::Store;

/// 2026-11-22 16:20:25 UTC, 21:50:25 in the zone of the tests.
const START_NS: i64 = 1_795_364_425_000_000_000;

const MINUTE_NS: i64 = 60_000_000_000;

/// The origin of this host, process and thread.
fn origin(host: &str, process: (i64, &str), thread: (i64, &str)) -> Arc<Origin> {
    Arc::new(Origin {
        hostname: host.into(),
        process: Some(process.0),
        process_name: process.1.into(),
        thread: Some(thread.0),
        thread_name: thread.1.into(),
        started_ms: Some(START_NS / 1_000_000),
    })
}

/// Eight records, "m0" a minute before "m1" and so on, that arrive in another order.
pub(crate) fn store() -> Store {
    let web = origin("web1", (100, "gunicorn"), (1, "MainThread"));
    let worker = origin("web1", (101, "celery"), (2, "pool-0"));
    let other = origin("db1", (100, "postgres"), (77, "checkpointer"));
    let rows: [(&str, Level, &str, &Arc<Origin>, Value); 8] = [
        ("myapp", Level::INFO, "m0 ready", &web, json!({})),
        (
            "myapp.area1",
            Level::DEBUG,
            "m1 Connection opened",
            &web,
            json!({"user": {"id": 7}}),
        ),
        (
            "myapp.area2",
            Level::WARNING,
            "m2 slow answer",
            &web,
            json!({"user": {"id": 8}, "ms": 1500}),
        ),
        (
            "myapp.area2.sub",
            Level::ERROR,
            "m3 connection RESET by peer",
            &worker,
            json!({"ok": false}),
        ),
        (
            "myapp.area21",
            Level::ERROR,
            "m4 another area",
            &worker,
            json!({"user.id": "7"}),
        ),
        (
            "myapp.area2",
            Level(35),
            "m5 naïve café ✓",
            &worker,
            json!({"tag": "Timeout", "list": [1, "x"]}),
        ),
        (
            "other",
            Level::CRITICAL,
            "m6 100% full_disk",
            &other,
            json!({"nothing": null}),
        ),
        (
            "",
            Level::NOTSET,
            "m7 a\nsecond line",
            &other,
            json!({"price": "12.50"}),
        ),
    ];
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    for index in [3, 0, 7, 5, 1, 6, 2, 4] {
        let (name, level, message, origin, extra) = &rows[index];
        let mut record = LogRecord::new(Site::new(*name, *level), *message);
        record.created_ns = START_NS + i64::try_from(index).unwrap() * MINUTE_NS;
        record.origin = Arc::clone(origin);
        record.extra.clone_from(extra.as_object().unwrap());
        if index == 3 {
            record.exc_text =
                Some("Traceback (most recent call last):\nBrokenPipeError: gone".into());
        }
        if index == 4 {
            record.stack_info = Some("Stack (most recent call last):\n  File \"deep.py\"".into());
        }
        handler.emit(&record).unwrap();
    }
    handler.close().unwrap();
    store
}

/// The numbers of the records in an answer, in its order.
fn answer(store: &Store, arguments: &[&str]) -> String {
    store
        .records(arguments)
        .iter()
        .map(|record| record["message"].as_str().unwrap()[1..2].to_owned())
        .collect()
}

#[track_caller]
fn answers(store: &Store, questions: &[(&[&str], &str)]) {
    for (arguments, expected) in questions {
        assert_eq!(answer(store, arguments), *expected, "{arguments:?}");
    }
}

#[test]
fn records_come_in_time_order_whatever_order_they_arrived_in() {
    let store = store();
    answers(
        &store,
        &[
            (&[], "01234567"),
            (&["--reverse"], "76543210"),
            (&["-n", "3"], "567"),
            (&["-n", "3", "-r"], "765"),
            (&["--limit", "0"], ""),
            (&["--limit", "100"], "01234567"),
            (&["-n", "2", "--level", "error", "--name", "myapp"], "34"),
        ],
    );
}

#[test]
fn a_level_is_the_least_that_is_wanted() {
    let store = store();
    answers(
        &store,
        &[
            (&["--level", "warning"], "23456"),
            (&["-l", "WARN"], "23456"),
            (&["--level", "31"], "3456"),
            (&["--level", "35"], "3456"),
            (&["--level", "36"], "346"),
            (&["--level", "fatal"], "6"),
            (&["--level", "notset"], "01234567"),
            (&["--level", "51"], ""),
        ],
    );
}

#[test]
fn levels_have_an_upper_end_or_are_named_one_by_one() {
    let store = store();
    answers(
        &store,
        &[
            (&["--max-level", "info"], "017"),
            (&["--max-level", "-1"], ""),
            (&["--level", "warning", "--max-level", "35"], "25"),
            (&["--level", "35", "--max-level", "35"], "5"),
            (&["--exact-level", "error"], "34"),
            (&["--exact-level", "debug", "--exact-level", "35"], "15"),
            (&["--exact-level", "36"], ""),
        ],
    );
}

#[test]
fn a_name_is_the_logger_and_everything_under_it() {
    let store = store();
    answers(
        &store,
        &[
            (&["--name", "myapp"], "012345"),
            (&["--name", "myapp.area2"], "235"),
            (&["--name", "myapp.area2.sub"], "3"),
            (&["--name", "myapp.area"], ""),
            (&["--name", "MYAPP"], ""),
            (&["--name", "other", "--name", "myapp.area1"], "16"),
            (&["--name", "myapp.area%"], ""),
            (&["--name", "x' OR '1'='1"], ""),
        ],
    );
}

#[test]
fn a_star_in_a_name_is_any_run_of_characters() {
    let store = store();
    answers(
        &store,
        &[
            (&["--name", "*"], "01234567"),
            (&["--name", "*.area2"], "235"),
            (&["--name", "*area2*"], "2345"),
            (&["--name", "my*.sub", "--name", "oth*"], "36"),
            (&["--name", "*.area?"], ""),
            (&["--name", "*.area[12]"], ""),
            (&["--host", "web*"], "012345"),
            (&["--host", "*1", "--process", "p*"], "67"),
            (&["--process", "10*", "--thread", "*0"], "345"),
        ],
    );
}

#[test]
fn names_that_are_not_wanted_are_left_out_with_everything_under_them() {
    let store = store();
    answers(
        &store,
        &[
            (&["--not-name", "myapp"], "67"),
            (&["--not-name", "myapp.area2"], "01467"),
            (&["--name", "myapp", "--not-name", "*.area2"], "014"),
            (
                &["--not-name", "myapp.area1", "--not-name", "myapp.area2"],
                "0467",
            ),
            (&["--not-name", "*.sub", "--level", "error"], "46"),
            (&["--not-name", "*"], ""),
        ],
    );
}

#[test]
fn a_search_text_is_what_the_page_takes_and_goes_with_other_filters() {
    let store = store();
    answers(
        &store,
        &[
            (&["-q", ""], "01234567"),
            (&["-q", "-host:db1"], "012345"),
            (&["-q", "-process:100"], "345"),
            (&["-q", "-process:gunicorn -thread:77"], "345"),
            (&["-q", "-thread:*0 -name:myapp.area2"], "0167"),
            (&["-q", "-level:error"], "01257"),
            (&["-q", "-level:<=warning"], "3456"),
            (&["-q", "-level:=error -level:=35"], "01267"),
            (&["-q", "-connection"], "024567"),
            (&["-q", "-conn* -\"last)\"* -timeout"], "0267"),
            (&["-q", "-/^m[0-4]/"], "567"),
            (&["-q", "-user.id=7"], "023567"),
            (&["-q", "-ms>5 -has:user"], "034567"),
            (&["-q", "-user.id!=7"], "0134567"),
            // A field that is null is there.
            (&["-q", "-has:nothing"], "0123457"),
            (&["-q", "name:myapp -name:*.sub", "--name", "*.area2"], "25"),
            (
                &[
                    "--search",
                    "-myapp",
                    "--host",
                    "web1",
                    "--not-process",
                    "celery",
                ],
                "012",
            ),
            (&["--not-host", "web*"], "67"),
            (&["--not-thread", "1", "--not-thread", "pool-0"], "67"),
            (
                &["--utc", "-q", "since:\"2026-11-22 16:22:25\" -host:db1"],
                "2345",
            ),
            (&["-q", "since:\"2026-11-22 21:52:25\" -host:db1"], "2345"),
        ],
    );
}

#[test]
fn since_and_until_hold_their_own_moment() {
    let store = store();
    answers(
        &store,
        &[
            (&["--since", "2026-11-22T16:22:25Z"], "234567"),
            (&["--since", "2026-11-22T16:22:25.000000001Z"], "34567"),
            (&["--until", "2026-11-22T16:22:25Z"], "012"),
            // Local time is five and a half hours ahead.
            (
                &[
                    "--since",
                    "2026-11-22 21:52:25",
                    "--until",
                    "2026-11-22 21:53:25",
                ],
                "23",
            ),
            (
                &[
                    "--utc",
                    "--since",
                    "2026-11-22 16:22:25",
                    "--until",
                    "2026-11-22 16:23:25",
                ],
                "23",
            ),
            (
                &["--since", "2026-11-22", "--until", "2026-11-22"],
                "01234567",
            ),
            (&["--until", "2026-11-21"], ""),
            (&["--since", "1795364665", "--until", "1795364725000"], "45"),
        ],
    );
}

#[test]
fn hosts_processes_and_threads_are_told_apart_by_number_or_name() {
    let store = store();
    answers(
        &store,
        &[
            (&["--host", "web1"], "012345"),
            (&["--host", "db1", "--host", "web1"], "01234567"),
            (&["--host", "web"], ""),
            (&["--process", "100"], "01267"),
            (&["--process", "100", "--host", "db1"], "67"),
            (&["--process", "celery"], "345"),
            (&["--process", "celery", "--process", "postgres"], "34567"),
            (&["--thread", "2"], "345"),
            (&["--thread", "checkpointer"], "67"),
            (&["--thread", "MainThread", "--level", "warning"], "2"),
        ],
    );
}

#[test]
fn a_field_has_its_value_dots_going_into_nested_ones() {
    let store = store();
    answers(
        &store,
        &[
            // A text with the same characters in a field whose name has a dot counts as well.
            (&["--field", "user.id=7"], "14"),
            (&["--field", "user.id=8", "--field", "ms=1500"], "2"),
            (&["--field", "user.id=8", "--field", "ms=1501"], ""),
            (&["--field", "ms=1.5e3"], "2"),
            (&["--field", "ok=false"], "3"),
            (&["--field", "nothing=null"], "6"),
            (&["--field", "price=12.50"], "7"),
            (&["--field", "price=12.5"], ""),
            (&["--field", "list=[1, \"x\"]"], "5"),
            (&["--field", "tag=timeout"], ""),
            (&["--field", "no.such=7"], ""),
        ],
    );
}

#[test]
fn a_field_is_there_is_another_is_more_or_less_or_matches() {
    let store = store();
    answers(
        &store,
        &[
            (&["--field", "user.id"], "124"),
            (&["--field", "user"], "12"),
            (&["--field", "nothing"], "6"),
            (&["--field", "user.id!=7"], "2"),
            (&["--field", "user.id!=9"], "124"),
            (&["--field", "ms>1e3", "--field", "ms<=1500"], "2"),
            (&["--field", "ms>1500"], ""),
            (&["--field", "ms>=1500", "--field", "ms<1500.5"], "2"),
            (&["--field", "price>5"], "7"),
            (&["--field", "tag>Tim", "--field", "tag<Tin"], "5"),
            (&["--field", "tag~^Time"], "5"),
            (&["--field", "tag~(?i)TIMEOUT"], "5"),
            (&["--field", "ms~^15"], "2"),
            (&["--field", "ok~x=y"], ""),
        ],
    );
}

#[test]
fn words_must_all_occur_in_any_case_and_anywhere_in_the_text() {
    let store = store();
    answers(
        &store,
        &[
            (&["connection"], "13"),
            (&["connection", "reset"], "3"),
            (&["connection reset"], "3"),
            (&["reset connection"], ""),
            (&["NAÏVE"], "5"),
            (&["brokenpipeerror"], "3"),
            (&["brokenpipe"], ""),
            (&["brokenpipe*"], "3"),
            (&["a second"], "7"),
            (&["second a*"], ""),
            (&[r#""connection reset" brok*"#], "3"),
            (&[r#""second line" a"#], "7"),
            (&[r#""connection res"*"#, "peer"], "3"),
            (&[r#""file \"deep.py\"""#], "4"),
            (&["disk"], ""),
            (&["full*"], "6"),
            (&["deep.py"], "4"),
            (&["timeout"], "5"),
            (&["100%"], "6"),
            (&["a.b"], ""),
            (&["--level", "error", "another"], "4"),
            (&["--", "-n"], ""),
        ],
    );
}

#[test]
fn a_pattern_minds_case_unless_told_otherwise() {
    let store = store();
    answers(
        &store,
        &[
            (&["--grep", "onnection"], "13"),
            (&["--grep", "[Cc]onnection \\w+ by"], "3"),
            (&["-g", "reset"], ""),
            (&["-g", "reset", "-i"], "3"),
            (&["-ig", "TIMEOUT"], "5"),
            (&["-g", "^m7 a$"], ""),
            (&["-g", "(?m)^second"], "7"),
            (&["-g", "BrokenPipeError: .*"], "3"),
            (&["-g", "\\d{3}%"], "6"),
            (&["-g", "m", "slow"], "2"),
        ],
    );
}

#[test]
fn an_answer_of_thousands_is_complete_and_in_order() {
    const COUNT: i64 = 20_000;
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    let site = Arc::new(Site::new("many", Level::INFO));
    for number in 0..COUNT {
        // Arrivals jump to and fro: 7919 has no divisor in common with the count.
        let at = number * 7919 % COUNT;
        let mut record = LogRecord::new(Arc::clone(&site), format!("{at}"));
        record.created_ns = START_NS + at;
        handler.emit(&record).unwrap();
    }
    handler.close().unwrap();
    let expected: Vec<String> = (0..COUNT).map(|number| number.to_string()).collect();
    let answer = store.query(&["--format", "%(message)s"]);
    assert!(answer.lines().eq(&expected));
    let newest = store.query(&["-n", "1000", "--format", "%(message)s"]);
    assert!(newest.lines().eq(&expected[19_000..]));
}
