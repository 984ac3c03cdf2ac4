//! Records and questions of every kind, over few values, so that they meet.

use std::sync::Arc;

use logstore::{
    Case, FieldFilter, FieldTest, Level, LimitTo, LogRecord, Order, Origin, Pattern, Phrase, Query,
    RecordKey, Site,
};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

const NAMES: [&str; 7] = ["a", "a.b", "a.b.c", "a.bc", "ab", "root", "r[o]t.b"];
const WANTED_NAMES: [&str; 12] = [
    "a", "a.b", "ab", "root", "*.b", "a*", "*", "*b*c", "r?ot*", "[a]*", "r[o]t*", "r[o]t",
];
const HOSTS: [&str; 4] = ["node1", "nowhere", "n*1", "*"];
const PROCESSES: [&str; 6] = ["1", "Process-2", "x", "P*", "*2", "*"];
const THREADS: [&str; 4] = ["0", "Thread-1", "*-0", "Thread?1*"];
const WORDS: [&str; 11] = [
    "timeout", "Timeout", "time", "ÄRGER", "ärger", "a.b", "100%", "of  ada", "Of\tADA", "of", "(",
];
/// What stands between two words of a text.
const JOINTS: [&str; 5] = [" ", "\n", "_", "-", ""];

pub(crate) fn record() -> impl Strategy<Value = LogRecord> {
    let place = select(&[
        ("/srv/7.py", "7", None),
        ("/srv/app.py", "main", Some("yes")),
        ("", "", None),
    ]);
    let site = (
        select(&NAMES),
        select(&[10, 20, 25, 30, 40, 50]),
        select(&[None, Some(7), Some(8)]),
        place,
    );
    let origin = (
        select(&["node1", "node2", ""]),
        select(&[None, Some(1), Some(2)]),
        select(&[None, Some(0), Some(1), Some(2)]),
    );
    let texts = (
        (prop::collection::vec(select(&WORDS), 0..4), select(&JOINTS)),
        prop::option::of(select(&WORDS)),
        prop::option::of(select(&WORDS)),
        prop::option::of(select(&["7", "yes", ""])),
    );
    let extra = prop::option::weighted(
        0.8,
        select(vec![
            json!({"user": {"id": 7}, "note": "TIMEOUT of ada"}),
            json!({"user": {"id": 7.0}, "flag": true}),
            json!({"user": "7", "list": ["ärger", 1]}),
            json!({"user": "12.50", "note": "timeout"}),
            json!({"user.id": 12, "note": "of \"ada\"\nof time"}),
            json!({"user": {"id": 9_007_199_254_740_993_i64}, "flag": "yes"}),
            json!({"user": "2026-11-22T16:20:25Z", "flag": false}),
            json!({"timeout": null, "lineno": "7", "message": "7"}),
        ]),
    );
    // Few different times, so that many records share one.
    (site, origin, texts, extra, 0..20_i64).prop_map(|(site, origin, texts, extra, created)| {
        let (name, level, line, (pathname, function, module)) = site;
        let (hostname, process, thread) = origin;
        let ((words, joint), exc_text, stack_info, task_name) = texts;
        let mut site = Site::new(name, Level(level)).at(pathname, 0, function);
        site.lineno = line;
        site.other_module = module.map(str::to_owned);
        let mut record = LogRecord::new(site, words.join(joint));
        record.created_ns = nanoseconds(created);
        record.origin = Arc::new(Origin {
            hostname: hostname.into(),
            process,
            process_name: process
                .map(|id| format!("Process-{id}"))
                .unwrap_or_default(),
            thread,
            thread_name: thread.map(|id| format!("Thread-{id}")).unwrap_or_default(),
            started_ms: None,
        });
        record.exc_text = exc_text.map(str::to_owned);
        record.stack_info = stack_info.map(str::to_owned);
        record.task_name = task_name.map(str::to_owned);
        if let Some(Value::Object(extra)) = extra {
            record.extra = extra;
        }
        record
    })
}

/// None, or else one or two.
fn few<T: Clone + std::fmt::Debug>(of: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    prop_oneof![6 => Just(Vec::new()), 1 => prop::collection::vec(of, 1..3)]
}

fn phrase() -> impl Strategy<Value = Phrase> {
    let text = select(&[
        "time", "TIMEOUT", "ärger", "Ä", "%", "100%", "0", "of ada", "of\nada", "out", "a", "(",
        "ti",
    ]);
    (text, any::<bool>()).prop_map(|(text, prefix)| {
        let phrase = if prefix {
            Phrase::prefix(text)
        } else {
            Phrase::new(text)
        };
        phrase.unwrap()
    })
}

const OWN_KEYS: [&str; 17] = [
    "name",
    "levelno",
    "levelname",
    "message",
    "hostname",
    "process",
    "processName",
    "thread",
    "threadName",
    "taskName",
    "pathname",
    "filename",
    "module",
    "lineno",
    "funcName",
    "exc_text",
    "stack_info",
];

fn field() -> impl Strategy<Value = FieldFilter> {
    let extra = select(&[
        "user.id",
        "user",
        "flag",
        "timeout",
        "note",
        "list",
        "extra.user.id",
        "extra.lineno",
        "extra.message",
    ]);
    let key = prop_oneof![extra, select(&OWN_KEYS)];
    let value = select(&[
        "7",
        "7.0",
        "9007199254740992",
        "true",
        "None",
        "2026-11-22",
        "yes",
        "TIMEOUT of ada",
        "[\"ärger\", 1]",
        "1",
        "ärger",
        "timeout",
        "",
        "7.py",
        "node1",
        "a.b",
    ]);
    let tests: &[fn(String) -> FieldTest] = &[
        |_| FieldTest::Present,
        FieldTest::Equals,
        FieldTest::Equals,
        FieldTest::NotEquals,
        FieldTest::Less,
        FieldTest::LessOrEqual,
        FieldTest::Greater,
        FieldTest::GreaterOrEqual,
        |_| FieldTest::Matches("^[7T]".parse().unwrap()),
        |_| FieldTest::Matches("time|[17a]".parse().unwrap()),
    ];
    (key, value, select(tests)).prop_map(|(key, value, test)| FieldFilter {
        key: key.into(),
        test: test(value.into()),
    })
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let pattern = select(&[
        "time.ut",
        "^ä",
        "(?i)^TIMEOUT$",
        "a.b",
        "of ada",
        "(?m)^of ",
        r"\bTime\b",
        r"\btime(out)?\b",
    ]);
    let case = select(&[Case::Minded, Case::Ignored]);
    (pattern, case).prop_map(|(text, case)| Pattern::new(text, case).unwrap())
}

/// The place of a record, mostly of one that there is.
fn key() -> impl Strategy<Value = RecordKey> {
    (-1..20_i64, 0..100_i64).prop_map(|(seconds, id)| RecordKey {
        created_ns: nanoseconds(seconds),
        id,
    })
}

/// The moments at which [`record`]s are made.
fn nanoseconds(seconds: i64) -> i64 {
    seconds * 1_000_000_007 - 5_000_000_000
}

pub(crate) fn query() -> impl Strategy<Value = Query> {
    let levels = (
        prop::option::weighted(0.2, select(&[Level(20), Level(25), Level(40)])),
        prop::option::weighted(0.2, select(&[Level(10), Level(30), Level(35)])),
        few(select(&[Level(20), Level(25), Level(35)])),
    );
    let who = (
        few(select(&WANTED_NAMES)),
        few(select(&WANTED_NAMES)),
        few(select(&HOSTS)),
        few(select(&PROCESSES)),
        few(select(&THREADS)),
    );
    let when = (
        prop::option::weighted(0.3, -1..20_i64),
        prop::option::weighted(0.3, -1..20_i64),
    );
    let what = (
        few(phrase()),
        prop::option::weighted(0.3, pattern()),
        prop_oneof![few(field()), field().prop_map(|filter| vec![filter])],
    );
    let not_who = (
        few(select(&[Level(20), Level(25), Level(35)])),
        few(select(&HOSTS)),
        few(select(&PROCESSES)),
        few(select(&THREADS)),
    );
    let not_what = (few(phrase()), few(pattern()), few(field()));
    let how = (
        prop::option::of(0..30_usize),
        prop::option::weighted(0.3, 0..100_i64),
        any::<bool>(),
        any::<bool>(),
        prop::option::weighted(0.3, key()),
        prop::option::weighted(0.3, key()),
    );
    let all = (levels, who, when, what, not_who, not_what, how);
    all.prop_map(|(levels, who, when, what, not_who, not_what, how)| {
        let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
        Query {
            min_level: levels.0,
            max_level: levels.1,
            exact_levels: levels.2,
            names: owned(who.0),
            not_names: owned(who.1),
            hosts: owned(who.2),
            processes: owned(who.3),
            threads: owned(who.4),
            since_ns: when.0.map(nanoseconds),
            until_ns: when.1.map(nanoseconds),
            phrases: what.0,
            grep: what.1,
            fields: what.2,
            not_levels: not_who.0,
            not_hosts: owned(not_who.1),
            not_processes: owned(not_who.2),
            not_threads: owned(not_who.3),
            not_phrases: not_what.0,
            not_patterns: not_what.1,
            not_fields: not_what.2,
            limit: how.0,
            after_id: how.1,
            order: if how.2 {
                Order::NewestFirst
            } else {
                Order::OldestFirst
            },
            limit_to: if how.3 {
                LimitTo::Newest
            } else {
                LimitTo::Oldest
            },
            after: how.4,
            before: how.5,
            also: Vec::new(),
        }
    })
}
