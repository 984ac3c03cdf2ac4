//! Readers, writers, upkeep and somebody who deletes, all at once: each answer is of one moment, and nobody holds the others up.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;
use std::time::Duration;

use logstore::{
    Count, GroupBy, Level, LogRecord, Order, Phrase, Query, Reader, RecordStore, StoreError,
};

use super::model::{Seen, wants};
use super::{File, append, maintain, numbered};

/// Records whose times are in no order; each has the number before its id.
fn scattered(range: std::ops::Range<i64>) -> Vec<LogRecord> {
    let mut records = numbered(range.clone());
    for (record, number) in records.iter_mut().zip(range) {
        record.created_ns = number * 7919 % 10_007 / 2;
    }
    records
}

/// Every fifth record is deleted sooner or later.
fn is_doomed(id: i64) -> bool {
    id % 5 == 0
}

fn questions() -> Vec<Query> {
    let all = Query::default;
    vec![
        all(),
        Query {
            min_level: Some(Level::WARNING),
            order: Order::NewestFirst,
            ..all()
        },
        Query {
            phrases: vec![Phrase::prefix("number1").unwrap()],
            ..all()
        },
        Query {
            exact_levels: vec![Level(20)],
            phrases: vec![Phrase::new("record").unwrap()],
            ..all()
        },
        Query {
            since_ns: Some(1000),
            until_ns: Some(2000),
            ..all()
        },
        Query {
            after_id: Some(6000),
            limit: Some(usize::MAX),
            ..all()
        },
    ]
}

/// Fails unless the answer has what was there when it was asked, and nothing else but what came or went in the meantime.
fn assert_consistent(reader: &Reader, query: &Query, stored: &AtomicI64) {
    let at_least = stored.load(Ordering::SeqCst);
    let mut records = reader.query(query).unwrap();
    let found: Vec<_> = records.by_ref().map(Result::unwrap).collect();
    assert!(records.last_id() >= at_least);
    let keys = found
        .iter()
        .map(|found| (found.record.created_ns, found.id));
    match query.order {
        Order::OldestFirst => assert!(keys.is_sorted_by(|a, b| a < b), "{query:?}"),
        Order::NewestFirst => assert!(keys.is_sorted_by(|a, b| a > b), "{query:?}"),
    }
    assert_eq!(records.damaged_blocks(), 0);
    let ids: HashSet<i64> = found.iter().map(|found| found.id).collect();
    for (id, record) in (1..).zip(scattered(0..records.last_id())) {
        let wanted =
            query.after_id.is_none_or(|after| id > after) && wants(query, &Seen::new(&record));
        let must = wanted && !is_doomed(id);
        assert!(!ids.contains(&id) || wanted, "{query:?}: {id}");
        assert!(
            !must || ids.contains(&id),
            "{query:?}: {id} of {}",
            records.last_id()
        );
    }
}

/// Fails unless all are counted that were there all the time, and nothing that never was.
fn assert_counted(reader: &Reader, query: &Query, stored: &AtomicI64) {
    let at_least = stored.load(Ordering::SeqCst);
    let count = Count {
        query: query.clone(),
        by: vec![GroupBy::Level],
        every: None,
    };
    let counts = reader.count(&count).unwrap();
    let at_most = reader.last_id().unwrap();
    let wanted = (1..).zip(scattered(0..at_most)).filter(|(id, record)| {
        query.after_id.is_none_or(|after| *id > after) && wants(query, &Seen::new(record))
    });
    let ids: Vec<i64> = wanted.map(|(id, _)| id).collect();
    let must = ids.iter().filter(|id| !is_doomed(**id) && **id <= at_least);
    let bounds = must.count()..=ids.len();
    assert!(
        bounds.contains(&usize::try_from(counts.total).unwrap()),
        "{query:?}: {counts:?}, not {bounds:?}"
    );
}

/// Does it until no other process is in the way.
fn patiently<T>(mut act: impl FnMut() -> Result<T, StoreError>) -> T {
    loop {
        match act() {
            Err(StoreError::Busy { .. }) => {}
            done => return done.unwrap(),
        }
    }
}

/// Tells the other threads to end, also when its own fails.
struct AtTheEnd<'a>(&'a AtomicBool);

impl Drop for AtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn answers_are_whole_while_others_write_delete_keep_up_and_checkpoint() {
    const BASE: i64 = 10_000;
    let file = File::new();
    append(&mut file.store(), &scattered(0..BASE), 5000);
    let stored = AtomicI64::new(BASE);
    let done = AtomicBool::new(false);
    let going = || !done.load(Ordering::SeqCst);
    // What it remembers of blocks is shared by all who ask.
    let reader = file.reader();
    thread::scope(|scope| {
        scope.spawn(|| {
            let _end = AtTheEnd(&done);
            let mut store = file.store();
            for next in (BASE..BASE + 9000).step_by(150) {
                let records = scattered(next..next + 150);
                patiently(|| store.append(&[records.iter().collect()]));
                stored.store(next + 150, Ordering::SeqCst);
            }
        });
        scope.spawn(|| {
            let _end = AtTheEnd(&done);
            let mut store = file.store();
            while going() {
                patiently(|| store.maintain());
            }
        });
        scope.spawn(|| {
            let _end = AtTheEnd(&done);
            let sql = file.sql();
            sql.busy_timeout(Duration::from_secs(30)).unwrap();
            for from in (0..BASE).step_by(500).cycle().take_while(|_| going()) {
                let delete = "DELETE FROM record WHERE id BETWEEN ?1 AND ?1 + 499 AND id % 5 = 0";
                sql.execute(delete, [from]).unwrap();
                let mut answer = reader.query(&Query::default()).unwrap();
                answer.next().unwrap().unwrap();
                // An answer that is not being read on holds no snapshot.
                let blocked: i64 = sql
                    .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
                    .unwrap();
                assert_eq!(blocked, 0);
                let rest = answer.map(|stored| stored.unwrap().record.created_ns);
                assert!(rest.is_sorted());
            }
        });
        let questions = questions();
        let once = questions.iter();
        for query in once.chain(questions.iter().cycle().take_while(|_| going())) {
            assert_consistent(&reader, query, &stored);
            assert_counted(&reader, query, &stored);
        }
    });
}

/// An answer that was asked for before others deleted, made blocks anew and gave ids again, and is read after that.
#[test]
fn an_answer_goes_on_when_the_blocks_that_it_knew_are_gone() {
    let warnings = || Query {
        min_level: Some(Level::WARNING),
        ..Query::default()
    };
    let newest = || Query {
        limit: Some(1000),
        ..warnings()
    };
    for query in [Query::default(), warnings(), newest()] {
        let file = File::new();
        let mut store = file.store();
        append(&mut store, &numbered(0..20_000), 5000);
        let all: Vec<i64> = file
            .reader()
            .query(&query)
            .unwrap()
            .map(|stored| stored.unwrap().id)
            .collect();
        let mut answer = file.reader().query(&query).unwrap();
        assert_eq!(answer.next().unwrap().unwrap().id, all[0]);

        let gone = |id: &i64| (5000..9000).contains(id) || id % 1000 == 0 || *id > 19_900;
        file.sql()
            .execute_batch(
                "DELETE FROM record WHERE id BETWEEN 5000 AND 8999 OR id % 1000 = 0 OR id > 19900",
            )
            .unwrap();
        append(&mut store, &numbered(20_000..20_300), 100);
        maintain(&mut store);
        let rest: Vec<i64> = answer.map(|stored| stored.unwrap().id).collect();
        // A few pages had been fetched ahead, with what was deleted since.
        let rest_that_stayed = rest.iter().filter(|id| !gone(id));
        let expected = all[1..].iter().filter(|id| !gone(id));
        assert!(rest_that_stayed.eq(expected), "{query:?}");
        let ahead = rest.iter().filter(|id| gone(id));
        assert!(ahead.clone().all(|id| all.contains(id)), "{query:?}");
        assert!(query.limit.is_some() || ahead.count() < 2000, "{query:?}");
    }
}
