//! Answers of the store equal a plain filter over a `Vec`, whatever the records, their order of arrival and the question.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::sync::Arc;

use logstore::{
    Batch, Durability, FieldFilter, Level, LogRecord, Order, Origin, Progress, Query, Reader,
    RecordStore, Site, SqliteStore,
};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

const NAMES: [&str; 6] = ["a", "a.b", "a.b.c", "a.bc", "ab", "root"];
const WORDS: [&str; 6] = ["timeout", "Timeout", "ÄRGER", "ärger", "a.b", "100%"];

fn record() -> impl Strategy<Value = LogRecord> {
    let site = (select(&NAMES), select(&[10, 20, 25, 30, 40, 50]), 0..3_u32);
    let origin = (
        select(&["node1", "node2"]),
        select(&[None, Some(1), Some(2)]),
        0..3_i64,
    );
    let texts = (
        prop::collection::vec(select(&WORDS), 0..3),
        prop::option::of(select(&WORDS)),
        prop::option::of(select(&WORDS)),
    );
    let extra = prop::option::of(select(vec![
        json!({"user": {"id": 7}, "note": "TIMEOUT of ada"}),
        json!({"user": {"id": 7.0}, "flag": true}),
        json!({"user": "7", "list": ["ärger", 1]}),
        json!({"timeout": null}),
    ]));
    // Few different times, so that many records share one.
    (site, origin, texts, extra, 0..20_i64).prop_map(|(site, origin, texts, extra, created)| {
        let (name, level, line) = site;
        let (hostname, process, thread) = origin;
        let (message, exc_text, stack_info) = texts;
        let site = Site::new(name, Level(level)).at("/srv/app.py", line, "main");
        let mut record = LogRecord::new(site, message.join(" "));
        record.created_ns = created * 1_000_000_007 - 5_000_000_000;
        record.origin = Arc::new(Origin {
            hostname: hostname.into(),
            process,
            process_name: process
                .map(|id| format!("Process-{id}"))
                .unwrap_or_default(),
            thread: Some(thread),
            thread_name: format!("Thread-{thread}"),
            started_ms: None,
        });
        record.exc_text = exc_text.map(str::to_owned);
        record.stack_info = stack_info.map(str::to_owned);
        if let Some(Value::Object(extra)) = extra {
            record.extra = extra;
        }
        record
    })
}

fn some<T: Clone + std::fmt::Debug + 'static>(of: &'static [T]) -> impl Strategy<Value = Vec<T>> {
    prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(select(of), 1..3)]
}

fn query() -> impl Strategy<Value = Query> {
    let who = (
        prop::option::of(select(&[Level(20), Level(25), Level(40)])),
        some(&NAMES),
        some(&["node1", "nowhere"]),
        some(&["1", "Process-2", "x"]),
        some(&["0", "Thread-1"]),
    );
    let when = (prop::option::of(-1..20_i64), prop::option::of(-1..20_i64));
    let what = (
        some(&["timeout", "ÄRGER", "ada", "%"]),
        prop::option::of(select(&["time.ut", "^ä", "(?i)^TIMEOUT$", "a.b"])),
        some(&[
            ("user.id", "7"),
            ("flag", "true"),
            ("user", "7"),
            ("timeout", "None"),
        ]),
    );
    let how = (
        prop::option::of(0..30_usize),
        prop::option::of(0..100_i64),
        any::<bool>(),
    );
    (who, when, what, how).prop_map(|(who, when, what, how)| {
        let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
        let ns = |seconds: Option<i64>| seconds.map(|s| s * 1_000_000_007 - 5_000_000_000);
        let field = |(key, value): (&str, &str)| FieldFilter {
            key: key.into(),
            value: value.into(),
        };
        Query {
            min_level: who.0,
            names: owned(who.1),
            hosts: owned(who.2),
            processes: owned(who.3),
            threads: owned(who.4),
            since_ns: ns(when.0),
            until_ns: ns(when.1),
            words: owned(what.0),
            grep: what.1.map(|pattern| regex::Regex::new(pattern).unwrap()),
            fields: what.2.into_iter().map(field).collect(),
            limit: how.0,
            after_id: how.1,
            order: if how.2 {
                Order::NewestFirst
            } else {
                Order::OldestFirst
            },
        }
    })
}

fn texts_of(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(texts_of).collect(),
        Value::Object(fields) => fields.values().flat_map(texts_of).collect(),
        _ => Vec::new(),
    }
}

fn field_is(record: &LogRecord, filter: &FieldFilter) -> bool {
    let mut value = record.extra.get(filter.key.split('.').next().unwrap());
    for key in filter.key.split('.').skip(1) {
        value = value.and_then(|value| value.get(key));
    }
    match value {
        Some(Value::String(text)) => *text == filter.value,
        Some(Value::Number(number)) => number.as_f64() == filter.value.parse().ok(),
        Some(Value::Bool(true)) => filter.value == "true",
        Some(Value::Null) => filter.value == "None",
        _ => false,
    }
}

/// The meaning of a query, spelled out.
fn wants(query: &Query, id: i64, record: &LogRecord) -> bool {
    let one_of = |wanted: &[String], number: Option<i64>, name: &str| {
        let number = number.map(|number| number.to_string());
        wanted.is_empty()
            || wanted
                .iter()
                .any(|w| w == name || Some(w) == number.as_ref())
    };
    let under = |parent: &String| {
        let name = &record.site.name;
        name == parent || name.starts_with(&format!("{parent}."))
    };
    let mut texts = vec![record.message.as_str()];
    texts.extend(record.exc_text.as_deref());
    texts.extend(record.stack_info.as_deref());
    texts.extend(record.extra.values().flat_map(texts_of));
    let occurs = |word: &String| {
        texts
            .iter()
            .any(|t| t.to_lowercase().contains(&word.to_lowercase()))
    };
    query
        .min_level
        .is_none_or(|level| record.site.level >= level)
        && (query.names.is_empty() || query.names.iter().any(under))
        && query
            .since_ns
            .is_none_or(|since| record.created_ns >= since)
        && query
            .until_ns
            .is_none_or(|until| record.created_ns <= until)
        && one_of(&query.hosts, None, &record.origin.hostname)
        && one_of(
            &query.processes,
            record.origin.process,
            &record.origin.process_name,
        )
        && one_of(
            &query.threads,
            record.origin.thread,
            &record.origin.thread_name,
        )
        && query.words.iter().all(occurs)
        && query
            .grep
            .as_ref()
            .is_none_or(|grep| texts.iter().any(|text| grep.is_match(text)))
        && query.fields.iter().all(|filter| field_is(record, filter))
        && query.after_id.is_none_or(|after| id > after)
}

fn expected(query: &Query, records: &[LogRecord]) -> Vec<(i64, LogRecord)> {
    let mut found: Vec<(i64, LogRecord)> = (1..)
        .zip(records)
        .filter(|(id, record)| wants(query, *id, record))
        .map(|(id, record)| (id, record.clone()))
        .collect();
    found.sort_by_key(|(id, record)| (record.created_ns, *id));
    if let Some(limit) = query.limit {
        found.drain(..found.len().saturating_sub(limit));
    }
    if query.order == Order::NewestFirst {
        found.reverse();
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn an_answer_is_what_a_plain_filter_gives(
        records in prop::collection::vec(record(), 0..120),
        queries in prop::collection::vec(query(), 40),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs.sqlite");
        let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
        let batches: Vec<Batch> = records.chunks(50).map(|run| run.iter().collect()).collect();
        store.append(&batches).unwrap();
        let reader = Reader::open(&path).unwrap();
        for query in queries {
            let mut answer = reader.query(&query).unwrap();
            let found: Vec<(i64, LogRecord)> = answer
                .by_ref()
                .map(|stored| stored.map(|stored| (stored.id, stored.record)).unwrap())
                .collect();
            let is_cut = answer.is_cut().unwrap();
            let all = Query { limit: None, ..query.clone() };
            prop_assert_eq!(is_cut, expected(&all, &records).len() > found.len(), "{:?}", query);
            prop_assert_eq!(found, expected(&query, &records), "{:?}", query);
        }
    }
}

/// An answer of several pages whose rows are deleted and added to while it is read.
#[test]
fn an_answer_goes_on_while_others_write_and_delete() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
    let site = Arc::new(Site::new("a", Level::INFO));
    let records: Vec<LogRecord> = (0..2000)
        .map(|i| LogRecord::new(Arc::clone(&site), i.to_string()))
        .collect();
    store.append(&[records.iter().collect()]).unwrap();
    let progress = Progress::new();
    let reader = Reader::open(&path).unwrap().with_progress(progress.clone());
    assert_eq!((progress.done(), progress.total()), (0, 0));
    let mut answer = reader.query(&Query::default()).unwrap();
    assert_eq!(answer.last_id(), 2000);
    assert!(progress.total() > 0);
    assert_eq!(progress.done(), progress.total());
    assert_eq!(answer.next().unwrap().unwrap().id, 1);

    store.append(&[records.iter().collect()]).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other
        .execute("DELETE FROM record WHERE id BETWEEN 1000 AND 1499", [])
        .unwrap();
    // No reader holds the WAL back.
    let blocked: i64 = other
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .unwrap();
    assert_eq!(blocked, 0);

    let ids: Vec<i64> = answer.map(|stored| stored.unwrap().id).collect();
    let left: Vec<i64> = (2..1000).chain(1500..=2000).collect();
    assert_eq!(ids, left);
}

#[test]
fn views_tell_the_same_as_the_records() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
    let pathnames = [
        "/srv/app/area2.py",
        "area2",
        "/srv/.hidden",
        "C:\\app\\a.b.py",
        "/srv/x/",
        "",
        "a.py/..",
    ];
    let mut records = Vec::new();
    for (i, pathname) in (-3..).zip(pathnames) {
        let site = Site::new("a", Level(31)).at(pathname, 7, "f");
        let mut record = LogRecord::new(site, "x").with("k", 1);
        record.created_ns = i * 999_999_999;
        records.push(record);
    }
    let mut odd = (*records[0].site).clone();
    odd.other_filename = Some("other.cpp".into());
    records.push(LogRecord::new(odd.clone(), "x"));
    odd.other_module = Some("elsewhere".into());
    records.push(LogRecord::new(odd, "x"));
    store.append(&[records.iter().collect()]).unwrap();

    let connection = rusqlite::Connection::open(&path).unwrap();
    let mut rows = connection
        .prepare("SELECT created_ns, created, filename, module, levelname FROM records ORDER BY id")
        .unwrap();
    let rows = rows.query_map([], |row| {
        let texts: [Option<String>; 4] = [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?];
        Ok((row.get::<_, i64>(0)?, texts.map(Option::unwrap_or_default)))
    });
    let rows: Vec<_> = rows.unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), records.len());
    for ((created_ns, [created, filename, module, levelname]), record) in rows.iter().zip(&records)
    {
        assert_eq!(*created_ns, record.created_ns);
        assert_eq!(*created, logstore::rfc3339_utc(record.created_ns));
        assert_eq!(filename, record.site.filename(), "{}", record.site.pathname);
        assert_eq!(module, record.site.module(), "{}", record.site.pathname);
        assert_eq!(levelname, "Level 31");
    }
}
