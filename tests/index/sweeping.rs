//! Sweeps: the rows of sites and origins that no record uses go, and every record keeps those of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use logstore::{
    Level, LogRecord, Origin, Progress, Prune, Query, RecordStore as _, Retention, Site, now_ns,
};
use proptest::prelude::*;

use super::{File, append, maintain, messages};

/// What records say of their sites and origins, by their ids.
type Model = BTreeMap<i64, (String, Option<i64>)>;

/// A record of a logger and a process; those of low numbers are shared, as clients share them.
fn record(shared: &mut BTreeMap<u32, LogRecord>, name: u32, created_ns: i64) -> LogRecord {
    let mut record = shared
        .entry(name)
        .or_insert_with(|| {
            let mut record = LogRecord::new(Site::new(format!("job{name}"), Level::INFO), "x");
            record.origin = Arc::new(Origin {
                process: Some(name.into()),
                ..Origin::default()
            });
            record
        })
        .clone();
    record.created_ns = created_ns;
    record
}

fn said(record: &LogRecord) -> (String, Option<i64>) {
    (record.site.name.clone(), record.origin.process)
}

fn found(file: &File) -> Model {
    let records = file.reader().query(&Query::default()).unwrap();
    records
        .map(Result::unwrap)
        .map(|stored| (stored.id, said(&stored.record)))
        .collect()
}

/// Each row is of a record, but for that with the highest id.
fn assert_swept(file: &File, here: &Model) {
    let sql = file.sql();
    let names = |table: &str, column: &str| -> BTreeSet<String> {
        let sql_of_all = format!(
            "SELECT CAST({column} AS TEXT) FROM {table} WHERE id < (SELECT max(id) FROM {table})"
        );
        let mut statement = sql.prepare(&sql_of_all).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let sites: BTreeSet<String> = here.values().map(|(site, _)| site.clone()).collect();
    let origins = here.values().filter_map(|(_, process)| *process);
    let origins: BTreeSet<String> = origins.map(|process| process.to_string()).collect();
    assert!(names("site", "name").is_subset(&sites));
    assert!(names("origin", "process").is_subset(&origins));
}

#[derive(Debug, Clone)]
enum Act {
    /// One of the two stores appends so many records, of names from this one on.
    Append(bool, u32, u32),
    /// One of them removes what is older than this share of all, and sweeps.
    Prune(bool, i64),
    /// One of them does a few pieces of what retention has to do.
    Retain(bool, usize),
    Maintain(bool),
    /// A foreign hand puts in a record with the site and origin of another, or takes one away.
    Insert(usize),
    Delete(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (any::<bool>(), 0..3000_u32, 1..3000_u32).prop_map(|(by, from, count)| Act::Append(by, from, count)),
        2 => (any::<bool>(), 0..=100_i64).prop_map(|(by, share)| Act::Prune(by, share)),
        4 => (any::<bool>(), 1..6_usize).prop_map(|(by, steps)| Act::Retain(by, steps)),
        1 => any::<bool>().prop_map(Act::Maintain),
        1 => any::<usize>().prop_map(Act::Insert),
        1 => any::<usize>().prop_map(Act::Delete),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 40, failure_persistence: None, ..ProptestConfig::with_cases(8) })]

    #[test]
    fn every_record_keeps_its_site_and_its_origin(acts in prop::collection::vec(act(), 1..24)) {
        let file = File::new();
        let mut stores = [file.store(), file.store()];
        let retention = Retention {
            max_bytes: Some(Retention::MIN_BYTES),
            ..Retention::default()
        };
        stores[0].set_retention(retention).unwrap();
        let (mut model, mut shared, mut last) = (Model::new(), BTreeMap::new(), 0);
        for act in acts {
            match act {
                Act::Append(by, from, count) => {
                    let names = (from..from + count).map(|name| name % 4000);
                    let records: Vec<LogRecord> = names
                        .zip(last + 1..)
                        .map(|(name, at)| record(&mut shared, name, at))
                        .collect();
                    append(&mut stores[usize::from(by)], &records, 700);
                    for record in &records {
                        last += 1;
                        model.insert(last, said(record));
                    }
                }
                Act::Prune(by, share) => {
                    let before = last * share / 100;
                    let what = Prune { before_ns: Some(before), ..Prune::default() };
                    let mut expected = found(&file);
                    stores[usize::from(by)].prune(&what, 0, &Progress::new()).unwrap();
                    expected.retain(|id, _| *id >= before);
                    let here = found(&file);
                    prop_assert!(here == expected, "{} {}", here.len(), expected.len());
                    assert_swept(&file, &here);
                }
                Act::Retain(by, steps) => {
                    for _ in 0..steps {
                        stores[usize::from(by)].retain().unwrap();
                    }
                }
                Act::Maintain(by) => {
                    maintain(&mut stores[usize::from(by)]);
                }
                Act::Insert(at) => {
                    let here = found(&file);
                    if here.is_empty() { continue }
                    let (id, said) = here.iter().nth(at % here.len()).unwrap();
                    last += 1;
                    file.sql().execute(
                        "INSERT INTO record (id, created, site, origin, message) SELECT ?2, ?2, site, origin, 'x' FROM record WHERE id = ?1",
                        (id, last),
                    ).unwrap();
                    model.insert(last, said.clone());
                }
                Act::Delete(at) => {
                    let here = found(&file);
                    if here.is_empty() { continue }
                    let (id, _) = here.iter().nth(at % here.len()).unwrap();
                    file.sql().execute("DELETE FROM record WHERE id = ?1", [id]).unwrap();
                }
            }
            // What is there is as it was stored, whatever the file's size has taken.
            for (id, said) in found(&file) {
                prop_assert_eq!(model.get(&id), Some(&said), "{}", id);
            }
        }
        let reader = file.reader();
        prop_assert!(reader.check(logstore::Depth::Full).unwrap().problems.is_empty());
    }
}

/// 40,000 loggers of one record each, and 100 records that matter.
fn full_of_names() -> File {
    let file = File::new();
    let mut store = file.store();
    let record = |name: String, level, message: String| {
        let mut record = LogRecord::new(Site::new(name, level), message);
        record.created_ns = now_ns();
        record
    };
    let mut records: Vec<LogRecord> = (0..40_000)
        .map(|i| {
            record(
                format!("myapp.request.{i:032}"),
                Level::INFO,
                format!("handled {i}"),
            )
        })
        .collect();
    records.extend(
        (0..100).map(|i| record("myapp".into(), Level::CRITICAL, format!("disk {i} failed"))),
    );
    append(&mut store, &records, 2000);
    file
}

const LIMIT: u64 = 5 << 20;

fn assert_holds_the_limit(file: &File) {
    let bytes = std::fs::metadata(&file.path).unwrap().len();
    assert!(bytes <= LIMIT, "{bytes}");
    let critical = Query {
        min_level: Some(Level::CRITICAL),
        ..Query::default()
    };
    assert_eq!(messages(&file.reader(), &critical).len(), 100);
    let left = messages(&file.reader(), &Query::default()).len();
    assert!((10_000..40_000).contains(&left), "{left}");
    assert!(
        file.reader()
            .check(logstore::Depth::Full)
            .unwrap()
            .problems
            .is_empty()
    );
}

#[test]
fn a_file_full_of_names_gets_below_its_limit_and_keeps_what_is_new() {
    let retention = Retention {
        max_bytes: Some(LIMIT),
        ..Retention::default()
    };
    let file = full_of_names();
    assert!(std::fs::metadata(&file.path).unwrap().len() > LIMIT);
    let mut store = file.store();
    store.set_retention(retention.clone()).unwrap();
    while store.retain().unwrap().more {}
    drop(store);
    assert_holds_the_limit(&file);

    let file = full_of_names();
    let what = Prune {
        retention,
        before_ns: None,
    };
    let mut store = file.store();
    store.prune(&what, now_ns(), &Progress::new()).unwrap();
    drop(store);
    assert_holds_the_limit(&file);
}
