//! Answers of the store equal a plain filter over a `Vec`, whatever the records, their order of arrival and the question.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod context;
mod model;
mod questions;

use std::sync::Arc;

use logstore::{
    Batch, Durability, Level, LimitTo, LogRecord, Query, Reader, RecordStore, Site, SqliteStore,
    Zone, parse_search,
};
use proptest::prelude::*;

use model::{Seen, assert_answer, is_within, wants};
use questions::{query, record};

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
            let all = (1..).zip(&records);
            let wanted = all.filter(|(_, record)| wants(&query, &Seen::new(record)));
            assert_answer(&reader, &query, wanted);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_two_questions_ask_together_is_what_both_give(
        records in prop::collection::vec(record(), 0..120),
        queries in prop::collection::vec((query(), query(), query()), 20),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs.sqlite");
        let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
        store.append(&[records.iter().collect()]).unwrap();
        let reader = Reader::open(&path).unwrap();
        for (one, other, third) in queries {
            let all = (1..).zip(&records);
            let wanted = all.filter(|(id, record)| {
                [&one, &other, &third].into_iter().all(|query| {
                    wants(query, &Seen::new(record)) && is_within(query, *id, record)
                })
            });
            let both = one.clone().and(other.clone().and(third.clone()));
            assert_answer(&reader, &both, wanted);
        }
    }
}

/// What each of these finds is left out by a minus before it, and all else is found.
const TERMS: [&str; 38] = [
    "timeout",
    "time*",
    "\"of ada\"",
    "\"of ad\"*",
    "100%",
    "/^ä/",
    "/TIMEOUT$/i",
    "level:error",
    "level:<=25",
    "level:=25",
    "name:a.b",
    "name:*b",
    "host:node1",
    "host:n*",
    "process:1",
    "process:Process-*",
    "thread:0",
    "thread:Thread-1",
    "user.id=7",
    "user>5",
    "note~^T",
    "flag!=yes",
    "list=\"[\\\"ärger\\\",1]\"",
    "has:user.id",
    "list=1",
    "funcName=main",
    "lineno>7",
    "filename=7.py",
    "module!=7",
    "has:pathname",
    "name=a.b",
    "levelname=ERROR",
    "hostname!=node1",
    "process>=2",
    "message=timeout",
    "exc_text~time",
    "has:stack_info",
    "taskName<yes",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn a_minus_leaves_out_what_a_term_finds_and_nothing_else(
        records in prop::collection::vec(record(), 0..120),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs.sqlite");
        let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
        store.append(&[records.iter().collect()]).unwrap();
        let reader = Reader::open(&path).unwrap();
        let ids = |text: &str| -> Vec<i64> {
            let query = parse_search(text, 0, Zone::Utc).unwrap();
            let answer = reader.query(&query).unwrap();
            answer.map(|stored| stored.unwrap().id).collect()
        };
        for term in TERMS {
            let (found, left) = (ids(term), ids(&format!("-{term}")));
            let mut both: Vec<i64> = found.iter().chain(&left).copied().collect();
            both.sort_unstable();
            prop_assert!((1..).take(records.len()).eq(both), "{}: {:?} {:?}", term, found, left);
        }
    }
}

/// The pages of an answer, one way and the other, are the answer, whatever the size of a page and however many records share a time.
#[test]
fn pages_by_key_are_the_whole_answer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
    let site = Arc::new(Site::new("a", Level::INFO));
    let records: Vec<LogRecord> = (0..10_000_i64)
        .map(|i| {
            let mut record = LogRecord::new(Arc::clone(&site), "x");
            record.created_ns = i % 7 / 3;
            record
        })
        .collect();
    store.append(&[records.iter().collect()]).unwrap();
    let reader = Reader::open(&path).unwrap();
    let ids = |query: &Query| -> Vec<i64> {
        let answer = reader.query(query).unwrap();
        answer.map(|stored| stored.unwrap().id).collect()
    };
    let all = ids(&Query::default());
    let mut query = Query {
        limit: Some(999),
        ..Query::default()
    };
    let mut found: Vec<i64> = Vec::new();
    loop {
        let page: Vec<_> = reader.query(&query).unwrap().map(Result::unwrap).collect();
        let Some(first) = page.first() else { break };
        query.before = Some(first.key());
        found.splice(..0, page.iter().map(|stored| stored.id));
    }
    assert_eq!(found, all);
    query.before = None;
    query.limit_to = LimitTo::Oldest;
    found.clear();
    loop {
        let page: Vec<_> = reader.query(&query).unwrap().map(Result::unwrap).collect();
        let Some(last) = page.last() else { break };
        query.after = Some(last.key());
        found.extend(page.iter().map(|stored| stored.id));
    }
    assert_eq!(found, all);
}

/// An answer of several pages whose rows are deleted and added to while it is read.
#[test]
fn an_answer_goes_on_while_others_write_and_delete() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
    let site = Arc::new(Site::new("a", Level::INFO));
    let records: Vec<LogRecord> = (0..20_000)
        .map(|i| LogRecord::new(Arc::clone(&site), i.to_string()))
        .collect();
    store.append(&[records.iter().collect()]).unwrap();
    let mut answer = Reader::open(&path)
        .unwrap()
        .query(&Query::default())
        .unwrap();
    assert_eq!(answer.last_id(), 20_000);
    assert_eq!(answer.next().unwrap().unwrap().id, 1);

    store.append(&[records.iter().collect()]).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    // Far behind what is fetched ahead.
    other
        .execute("DELETE FROM record WHERE id BETWEEN 15000 AND 15499", [])
        .unwrap();
    // No reader holds the WAL back.
    let blocked: i64 = other
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
        .unwrap();
    assert_eq!(blocked, 0);

    let ids: Vec<i64> = answer.map(|stored| stored.unwrap().id).collect();
    let left: Vec<i64> = (2..15_000).chain(15_500..=20_000).collect();
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
