//! Counts of the store equal plain grouping over a `Vec`, whatever the records, the filters, the groups and the buckets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use logstore::{
    Batch, Count, Counts, Durability, Error, Every, GroupBy, Level, LogRecord, Origin, Query,
    QueryError, Reader, RecordKey, RecordStore, Site, SqliteStore, Zone,
};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use tempfile::TempDir;

const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// Moments lie up to 50 days around this, 2026-11-22 00:00:00 UTC, a Sunday.
const START: i64 = 1_795_305_600 * SECOND;

fn store(records: &[LogRecord]) -> (TempDir, PathBuf, Reader) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
    let batches: Vec<Batch> = records.chunks(50).map(|run| run.iter().collect()).collect();
    store.append(&batches).unwrap();
    let reader = Reader::open(&path).unwrap();
    (dir, path, reader)
}

fn record() -> impl Strategy<Value = LogRecord> {
    let site = (
        select(&["a", "a.b", "ab", ""]),
        select(&[
            (10, "DEBUG"),
            (30, "WARNING"),
            (30, "WARN"),
            (35, "DEBUG"),
            (40, ""),
        ]),
        select(&["/srv/a.py", "/srv/b.py", ""]),
        prop::option::of(1..3_i64),
    );
    let origin = (
        select(&["node1", "node2", ""]),
        prop::option::of(1..3_i64),
        select(&["main", "worker", ""]),
        prop::option::of(1..3_i64),
        select(&["MainThread", "pool-0", ""]),
    );
    let extra = select(vec![
        json!({}),
        json!({"user": {"id": 7}, "ok": true}),
        json!({"user": {"id": "7"}, "ok": null}),
        json!({"user.id": [7], "ok": 1.5}),
        json!({"ok": 2}),
    ]);
    // Some moments are the same, some are hours and some are weeks from each other.
    let created = (-50..50_i64, 0..24_i64, 0..4_i64)
        .prop_map(|(day, hour, part)| START + day * DAY + hour * HOUR + part * (HOUR / 4 + 1));
    (site, origin, extra, created).prop_map(|(site, origin, extra, created)| {
        let (name, (level, level_name), pathname, lineno) = site;
        let mut site = Site::new(name, Level(level));
        site.level_name = level_name.into();
        site.pathname = pathname.into();
        site.lineno = lineno;
        let (hostname, process, process_name, thread, thread_name) = origin;
        let mut record = LogRecord::new(site, "x");
        record.created_ns = created;
        record.origin = Arc::new(Origin {
            hostname: hostname.into(),
            process,
            process_name: process_name.into(),
            thread,
            thread_name: thread_name.into(),
            started_ms: None,
        });
        record.extra.clone_from(extra.as_object().unwrap());
        record
    })
}

fn count() -> impl Strategy<Value = Count> {
    let field = |key: &str| GroupBy::Field(key.into());
    let groups = vec![
        GroupBy::Level,
        GroupBy::LevelStep,
        GroupBy::Name,
        GroupBy::Host,
        GroupBy::Process,
        GroupBy::Thread,
        GroupBy::Site,
        field("user.id"),
        field("ok"),
        field("nowhere"),
    ];
    let every = select(vec![HOUR / 4, HOUR, 7 * HOUR, DAY, 2 * DAY, 7 * DAY]);
    let query = (
        prop::option::of(select(&[Level(20), Level(35), Level(90)])),
        prop::option::of(select(&["a", "node"])),
        prop::option::of(select(&["node1"])),
        prop::option::weighted(0.3, select(&["node2", ""])),
        prop::option::weighted(0.3, select(&["1", "worker"])),
        prop::option::of(-50..50_i64),
        prop::option::of(-50..50_i64),
        prop::option::weighted(0.3, (-50..0_i64, 0..100_i64)),
    );
    (
        prop::collection::vec(select(groups), 0..4),
        prop::option::weighted(0.7, every),
        query,
    )
        .prop_map(
            |(by, every, (level, name, host, not_host, not_process, since, until, after))| Count {
                query: Query {
                    min_level: level,
                    names: name.iter().map(ToString::to_string).collect(),
                    hosts: host.iter().map(ToString::to_string).collect(),
                    not_hosts: not_host.iter().map(ToString::to_string).collect(),
                    not_processes: not_process.iter().map(ToString::to_string).collect(),
                    since_ns: since.map(|day| START + day * DAY),
                    until_ns: until.map(|day| START + day * DAY),
                    after: after.map(|(day, id)| RecordKey {
                        created_ns: START + day * DAY,
                        id,
                    }),
                    // It must not matter.
                    limit: Some(1),
                    ..Query::default()
                },
                by,
                every: every.map(|width| Every::new(width, Zone::Utc).unwrap()),
            },
        )
}

fn wants(query: &Query, id: i64, record: &LogRecord) -> bool {
    let Query {
        min_level,
        names,
        hosts,
        not_hosts,
        not_processes,
        since_ns,
        until_ns,
        after,
        ..
    } = query;
    let created_ns = record.created_ns;
    let (name, origin) = (&record.site.name, &record.origin);
    let is_process = |wanted: &String| {
        *wanted == origin.process_name || origin.process.is_some_and(|id| id.to_string() == *wanted)
    };
    min_level.is_none_or(|level| record.site.level >= level)
        && (names.is_empty() || names[0] == *name || name.starts_with(&(names[0].clone() + ".")))
        && (hosts.is_empty() || hosts[0] == origin.hostname)
        && !not_hosts.contains(&origin.hostname)
        && !not_processes.iter().any(is_process)
        && since_ns.is_none_or(|since| record.created_ns >= since)
        && until_ns.is_none_or(|until| record.created_ns <= until)
        && after.is_none_or(|after| RecordKey { created_ns, id } > after)
}

fn wanted<'r>(
    query: &'r Query,
    records: &'r [LogRecord],
) -> impl Iterator<Item = &'r LogRecord> + Clone {
    let records = (1..).zip(records);
    let wanted = records.filter(|(id, record)| wants(query, *id, record));
    wanted.map(|(_, record)| record)
}

fn text_or(text: &str, other: Option<i64>) -> Value {
    match (text, other) {
        ("", Some(number)) => number.into(),
        ("", None) => Value::Null,
        (text, _) => text.into(),
    }
}

fn value(by: &GroupBy, record: &LogRecord) -> Value {
    let (site, origin) = (&record.site, &record.origin);
    match by {
        GroupBy::Level if site.level_name.is_empty() => site.level.to_string().into(),
        GroupBy::Level => site.level_name.clone().into(),
        GroupBy::LevelStep => match site.level.0 {
            ..20 => "debug".into(),
            20..30 => "info".into(),
            30..40 => "warning".into(),
            40..50 => "error".into(),
            50.. => "critical".into(),
        },
        GroupBy::Name => text_or(&site.name, None),
        GroupBy::Host => text_or(&origin.hostname, None),
        GroupBy::Process => match origin.process {
            Some(id) => id.into(),
            None => text_or(&origin.process_name, None),
        },
        GroupBy::Thread => text_or(&origin.thread_name, origin.thread),
        GroupBy::Site => match (site.pathname.as_str(), site.lineno) {
            ("", _) => Value::Null,
            (path, None) => path.into(),
            (path, Some(line)) => format!("{path}:{line}").into(),
        },
        GroupBy::Field(key) => {
            let pointer = format!("/{}", key.replace('.', "/"));
            let extra = Value::Object(record.extra.clone());
            let found = extra.get(key).or(extra.pointer(&pointer));
            found.cloned().unwrap_or_default()
        }
    }
}

/// Hours are counted from midnight, days from a Monday; the epoch was a Thursday.
fn start(width: i64, ns: i64) -> i64 {
    if width < DAY {
        let midnight = ns.div_euclid(DAY) * DAY;
        return midnight + (ns - midnight) / width * width;
    }
    // 719,162 days from the Monday that began the first year of the calendar to the epoch.
    let (days, width) = (ns.div_euclid(DAY) + 719_162, width / DAY);
    (days / width * width - 719_162) * DAY
}

/// The groups with their counts, in no order that matters.
fn model(count: &Count, records: &[LogRecord]) -> BTreeMap<(Option<i64>, String), u64> {
    let width = count.every.map(Every::width_ns);
    let wanted = wanted(&count.query, records);
    let mut groups = BTreeMap::new();
    for record in wanted.clone() {
        let key: Vec<Value> = count.by.iter().map(|by| value(by, record)).collect();
        let start = width.map(|width| start(width, record.created_ns));
        *groups.entry((start, json!(key).to_string())).or_default() += 1;
    }
    if count.by.is_empty() && width.is_none() {
        groups.entry((None, "[]".into())).or_default();
    }
    let times = wanted.map(|record| record.created_ns);
    if let (true, Some(width), Some(last)) = (count.by.is_empty(), width, times.clone().max()) {
        // Whatever the width, every bucket has a full quarter of an hour.
        let mut ns = times.min().unwrap();
        while start(width, ns) <= last {
            groups
                .entry((Some(start(width, ns)), "[]".into()))
                .or_default();
            ns += HOUR / 4;
        }
    }
    groups
}

fn found(counts: &Counts) -> BTreeMap<(Option<i64>, String), u64> {
    let rows = counts.rows.iter();
    rows.map(|row| ((row.start_ns, json!(row.key).to_string()), row.count))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn counts_are_what_plain_grouping_gives(
        records in prop::collection::vec(record(), 0..120),
        counts in prop::collection::vec(count(), 30),
    ) {
        let (_dir, _, reader) = store(&records);
        for count in counts {
            let answer = reader.count(&count).unwrap();
            prop_assert_eq!(found(&answer), model(&count, &records), "{:?}", count);
            prop_assert_eq!(found(&answer).len(), answer.rows.len(), "a group has one row");
            let wanted = wanted(&count.query, &records);
            let times = wanted.map(|record| record.created_ns);
            prop_assert_eq!(answer.total, times.clone().count() as u64);
            prop_assert_eq!(answer.span_ns, times.clone().min().zip(times.max()));
            let starts: Vec<Option<i64>> = answer.rows.iter().map(|row| row.start_ns).collect();
            prop_assert!(starts.is_sorted());
            if count.every.is_some() {
                let all = answer.starts_ns.iter().copied().map(Some);
                prop_assert!(starts.iter().all(|start| all.clone().any(|any| any == *start)));
            }
        }
    }
}

/// So many records of this logger and level, an hour from each other.
fn records(of: &[(&str, i32, usize)]) -> Vec<LogRecord> {
    let mut records = Vec::new();
    for (name, level, many) in of {
        for hour in (0..).take(*many) {
            let mut record = LogRecord::new(Site::new(*name, Level(*level)), "x");
            record.created_ns = START + hour * HOUR;
            records.push(record);
        }
    }
    records
}

fn by(by: &[GroupBy]) -> Count {
    Count {
        by: by.to_vec(),
        ..Count::default()
    }
}

fn rows(counts: &Counts) -> Vec<(Value, u64)> {
    let rows = counts.rows.iter();
    rows.map(|row| (row.key.clone().into(), row.count))
        .collect()
}

#[test]
fn a_reader_counts_no_more_groups_than_it_may() {
    let (_dir, _, reader) = store(&records(&[("a", 40, 1), ("b", 10, 2), ("c", 20, 3)]));
    let names = by(&[GroupBy::Name]);
    assert!(reader.clone().with_max_groups(3).count(&names).is_ok());
    let refused = reader.with_max_groups(2).count(&names);
    let Err(Error::Query(QueryError::TooManyGroups { limit: 2 })) = refused else {
        panic!("there are three: {refused:?}");
    };
}

#[test]
fn groups_with_long_texts_count_as_more() {
    let long = "x".repeat(600);
    let (_dir, _, reader) = store(&records(&[("a", 40, 1), (&long, 10, 2)]));
    let names = by(&[GroupBy::Name]);
    assert!(reader.clone().with_max_groups(3).count(&names).is_ok());
    let refused = reader.with_max_groups(2).count(&names);
    assert!(matches!(
        refused,
        Err(Error::Query(QueryError::TooManyGroups { limit: 2 }))
    ));
}

#[test]
fn the_largest_group_comes_first_but_levels_rise() {
    let many = [("b", 40, 1), ("b", 10, 2), ("a", 20, 3), ("c", 40, 3)];
    let (_dir, _, reader) = store(&records(&many));
    let names = reader.count(&by(&[GroupBy::Name])).unwrap();
    let expected = [(json!(["a"]), 3), (json!(["b"]), 3), (json!(["c"]), 3)];
    assert_eq!(rows(&names), expected);
    let levels = reader.count(&by(&[GroupBy::Level])).unwrap();
    let expected = [
        (json!(["DEBUG"]), 2),
        (json!(["INFO"]), 3),
        (json!(["ERROR"]), 4),
    ];
    assert_eq!(rows(&levels), expected);
    let both = reader.count(&by(&[GroupBy::Level, GroupBy::Name]));
    let expected = [
        (json!(["INFO", "a"]), 3),
        (json!(["ERROR", "c"]), 3),
        (json!(["DEBUG", "b"]), 2),
        (json!(["ERROR", "b"]), 1),
    ];
    assert_eq!(rows(&both.unwrap()), expected);
}

#[test]
fn the_largest_groups_are_kept_with_all_their_buckets() {
    let (_dir, _, reader) = store(&records(&[("a", 20, 1), ("b", 20, 3), ("c", 20, 3)]));
    let count = Count {
        every: Some(Every::new(HOUR, Zone::Utc).unwrap()),
        ..by(&[GroupBy::Name])
    };
    let mut counts = reader.count(&count).unwrap();
    assert_eq!(counts.keep_largest(2), 3);
    assert_eq!((counts.rows.len(), counts.total), (6, 7));
    assert_eq!(counts.keep_largest(2), 2);
    assert_eq!(counts.keep_largest(1), 2);
    assert!(counts.rows.iter().all(|row| row.key == [json!("b")]));
}

#[test]
fn too_many_buckets_are_refused_with_a_width_that_does() {
    let (_dir, _, reader) = store(&records(&[("a", 20, 24 * 300)]));
    let count = |width| Count {
        every: Some(Every::new(width, Zone::Utc).unwrap()),
        ..Count::default()
    };
    let Err(Error::Query(QueryError::TooManyBuckets {
        buckets, fitting, ..
    })) = reader.count(&count(SECOND))
    else {
        panic!("300 days have 26 million seconds");
    };
    assert_eq!(buckets, 7199 * 3600 + 1);
    let counts = reader.count(&count(fitting.width_ns())).unwrap();
    assert_eq!(fitting.to_string(), "5m");
    assert_eq!((counts.rows.len(), counts.total), (7199 * 12 + 1, 7200));
}
