//! Answers with context equal what is cut out of a `Vec`, whatever the records, their blocks and the question.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use logstore::{
    Batch, Context, ContextOf, Durability, Level, LogRecord, Order, Origin, Query, Reader,
    RecordStore, Role, Site, SqliteStore,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::model::{Seen, in_order, wants};
use crate::questions::{query, record};

/// The ids of an answer, with role and group.
type Answer = Vec<(i64, Role, u64)>;

/// What an answer must be: the matches of the model, each in the run of its neighbours.
fn groups_of(records: &[LogRecord], query: &Query, context: Context) -> Answer {
    let all = (1..).zip(records);
    let found = all.filter(|(_, record)| wants(query, &Seen::new(record)));
    let (found, _) = in_order(query, found);
    let matches: Vec<i64> = found.into_iter().map(|(id, _)| id).collect();
    let is_match: BTreeSet<i64> = matches.iter().copied().collect();
    let mut ids: Vec<i64> = (1..).take(records.len()).collect();
    let of = |id: i64| &records[usize::try_from(id - 1).unwrap()];
    ids.sort_by_key(|id| (of(*id).created_ns, *id));
    let (mut lead, mut trail) = (context.before, context.after);
    if query.order == Order::NewestFirst {
        ids.reverse();
        (lead, trail) = (trail, lead);
    }
    let mut lines: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let name = |id: i64| match context.of {
        ContextOf::SameOrigin => format!("{:?}", of(id).origin),
        ContextOf::Any => String::new(),
    };
    for id in &ids {
        lines.entry(name(*id)).or_default().push(*id);
    }
    // The places in its line that a match takes along; runs of them are groups.
    let mut groups: Vec<Vec<i64>> = Vec::new();
    for line in lines.values() {
        let mut wanted = BTreeSet::new();
        for place in (0..line.len()).filter(|place| is_match.contains(&line[*place])) {
            let end = place.saturating_add(trail).min(line.len() - 1);
            wanted.extend(place.saturating_sub(lead)..=end);
        }
        let mut before = None;
        for place in wanted {
            if before.is_none_or(|before| before + 1 != place) {
                groups.push(Vec::new());
            }
            groups.last_mut().unwrap().push(line[place]);
            before = Some(place);
        }
    }
    // In the order of their first matches.
    groups.sort_by_key(|group| matches.iter().position(|id| group.contains(id)));
    let mut answer = Vec::new();
    for (number, group) in (1..).zip(groups) {
        for id in group {
            let role = if is_match.contains(&id) {
                Role::Match
            } else {
                Role::Context
            };
            answer.push((id, role, number));
        }
    }
    answer
}

fn ask(reader: &Reader, query: &Query, context: Context) -> Answer {
    let answer = reader.query_with_context(query, context).unwrap();
    answer
        .map(|found| found.map(|found| (found.stored.id, found.role, found.group)))
        .collect::<Result<_, _>>()
        .unwrap()
}

fn store(path: &Path, records: &[LogRecord]) {
    let mut store = SqliteStore::open(path, Durability::Normal).unwrap();
    let batches: Vec<Batch> = records.chunks(50).map(|run| run.iter().collect()).collect();
    store.append(&batches).unwrap();
}

fn context() -> impl Strategy<Value = Context> {
    let count = || prop_oneof![9 => 0..5_usize, 1 => Just(usize::MAX)];
    let of = select(&[ContextOf::SameOrigin, ContextOf::Any]);
    (count(), count(), of).prop_map(|(before, after, of)| Context { before, after, of })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn an_answer_with_context_is_what_is_cut_out_of_all_records(
        records in prop::collection::vec(record(), 0..120),
        questions in prop::collection::vec((query(), context()), 40),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs.sqlite");
        store(&path, &records);
        let reader = Reader::open(&path).unwrap();
        for (query, context) in questions {
            let found = ask(&reader, &query, context);
            let expected = groups_of(&records, &query, context);
            prop_assert_eq!(found, expected, "{:?} {:?}", context, query);
        }
    }
}

fn origin(process: i64) -> Arc<Origin> {
    Arc::new(Origin {
        process: Some(process),
        ..Origin::default()
    })
}

/// Records of seven origins, in several blocks that overlap in time; one of many is an error.
fn shuffled(records: i64) -> Vec<LogRecord> {
    let sites = [Level::INFO, Level::ERROR].map(|level| Arc::new(Site::new("a", level)));
    let origins: Vec<_> = (0..7).map(origin).collect();
    let mut random = 7_u64;
    let mut below = |most: u64| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from((random >> 33) % most).unwrap()
    };
    let record = |number: i64| {
        let site = &sites[usize::from(below(500) == 0)];
        let mut record = LogRecord::new(Arc::clone(site), "x");
        let process = below(50).min(6);
        record.origin = Arc::clone(&origins[process]);
        // Some clocks are far behind, and some records long under way.
        let late = i64::try_from(process * 2500 + below(300)).unwrap();
        record.created_ns = (number - late) / 3;
        record
    };
    (0..records).map(record).collect()
}

#[test]
fn blocks_that_overlap_in_time_do_not_matter() {
    let records = shuffled(30_000);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    store(&path, &records);
    let blocks: i64 = rusqlite::Connection::open(&path)
        .unwrap()
        .query_row("SELECT count(*) FROM block", [], |row| row.get(0))
        .unwrap();
    assert_eq!(blocks, 7);
    let reader = Reader::open(&path).unwrap();
    for limit in [None, Some(9)] {
        for order in [Order::OldestFirst, Order::NewestFirst] {
            for of in [ContextOf::SameOrigin, ContextOf::Any] {
                for (before, after) in [(0, 0), (3, 1), (700, 2), (0, 90)] {
                    let query = Query {
                        min_level: Some(Level::ERROR),
                        order,
                        limit,
                        ..Query::default()
                    };
                    let context = Context { before, after, of };
                    let found = ask(&reader, &query, context);
                    assert!(found.len() >= 9);
                    let expected = groups_of(&records, &query, context);
                    assert!(found == expected, "{context:?} {query:?}");
                }
            }
        }
    }
}

/// Records of two origins by turns; those with these numbers are errors.
fn by_turns(records: i64, errors: &[i64]) -> Vec<LogRecord> {
    let record = |number| {
        let level = if errors.contains(&number) {
            Level::ERROR
        } else {
            Level::INFO
        };
        let mut record = LogRecord::new(Site::new("a", level), number.to_string());
        record.created_ns = number;
        record.origin = origin(number % 2);
        record
    };
    (1..=records).map(record).collect()
}

fn errors() -> Query {
    Query {
        min_level: Some(Level::ERROR),
        ..Query::default()
    }
}

#[test]
fn context_is_of_the_same_origin_and_knows_no_other_condition() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    store(&path, &by_turns(40, &[10, 11, 30]));
    let reader = Reader::open(&path).unwrap();
    let mut context = Context {
        before: 1,
        after: 1,
        ..Context::default()
    };
    let ids = |query: &Query, context| -> Vec<(i64, u64)> {
        let answer = ask(&reader, query, context);
        answer
            .into_iter()
            .map(|(id, _, group)| (id, group))
            .collect()
    };
    assert_eq!(
        ids(&errors(), context),
        [
            (8, 1),
            (10, 1),
            (12, 1),
            (9, 2),
            (11, 2),
            (13, 2),
            (28, 3),
            (30, 3),
            (32, 3)
        ]
    );
    let query = Query {
        since_ns: Some(30),
        until_ns: Some(30),
        after_id: Some(29),
        ..errors()
    };
    assert_eq!(ids(&query, context), [(28, 1), (30, 1), (32, 1)]);
    context.of = ContextOf::Any;
    assert_eq!(ids(&query, context), [(29, 1), (30, 1), (31, 1)]);
}

#[test]
fn what_comes_after_the_question_is_no_context() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let records = by_turns(10, &[10]);
    store(&path, &records);
    let reader = Reader::open(&path).unwrap();
    let context = Context {
        before: 0,
        after: 5000,
        of: ContextOf::Any,
    };
    let mut answer = reader.query_with_context(&errors(), context).unwrap();
    // Enough for blocks, which hold the records before as well.
    store(&path, &by_turns(9000, &[]));
    assert_eq!(answer.next().unwrap().unwrap().stored.id, 10);
    assert!(answer.next().is_none());
}

#[test]
fn an_answer_with_context_goes_on_while_others_write_and_delete() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let every_tenth: Vec<i64> = (1..=1000).map(|number| number * 10).collect();
    let records = by_turns(10_000, &every_tenth);
    store(&path, &records);
    let reader = Reader::open(&path).unwrap();
    for of in [ContextOf::SameOrigin, ContextOf::Any] {
        let context = Context {
            before: 1,
            after: 1,
            of,
        };
        let mut answer = reader.query_with_context(&errors(), context).unwrap();
        let mut ids = vec![answer.next().unwrap().unwrap().stored.id];
        let other = rusqlite::Connection::open(&path).unwrap();
        let deleted = match of {
            ContextOf::SameOrigin => 4000..6000,
            ContextOf::Any => 7000..9000,
        };
        other
            .execute(
                "DELETE FROM record WHERE id >= ?1 AND id < ?2",
                (deleted.start, deleted.end),
            )
            .unwrap();
        // No reader holds the WAL back.
        let blocked: i64 = other
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .unwrap();
        assert_eq!(blocked, 0);
        ids.extend(answer.map(|found| found.unwrap().stored.id));
        let unique: BTreeSet<i64> = ids.iter().copied().collect();
        assert_eq!(unique.len(), ids.len(), "none is shown twice");
        assert!(ids.iter().all(|id| !deleted.contains(id)));
        let left = every_tenth.iter().filter(|id| !deleted.contains(id));
        let gone = |id: &&i64| of == ContextOf::SameOrigin || !(4000..6000).contains(*id);
        assert!(left.filter(gone).all(|id| unique.contains(id)));
    }
}

#[test]
fn a_limit_counts_matches_and_tells_of_those_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    store(&path, &by_turns(40, &[8, 10, 30]));
    let reader = Reader::open(&path).unwrap();
    let context = Context {
        before: 1,
        after: 0,
        of: ContextOf::SameOrigin,
    };
    for (limit, is_cut) in [(2, true), (3, false), (0, true)] {
        let query = Query {
            limit: Some(limit),
            ..errors()
        };
        let mut answer = reader.query_with_context(&query, context).unwrap();
        let roles = answer.by_ref().map(|found| found.unwrap().role);
        assert_eq!(roles.filter(|role| *role == Role::Match).count(), limit);
        assert_eq!(answer.is_cut().unwrap(), is_cut, "{limit}");
    }
}
