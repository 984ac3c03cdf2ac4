//! Retention: what must be gone is gone, what must stay stays, and questions are answered as before.

use std::process::{Command, Stdio};
use std::thread;

use logstore::{
    Durability, KeepOf, Level, LogRecord, Progress, Prune, Query, RecordStore as _, Retention,
    Site, SqliteStore, StoreError, now_ns,
};
use proptest::prelude::*;

use super::kept::{Kept, assert_blocks_agree};
use super::source::{Source, Times};
use super::{File, append, maintain, messages, numbered};

const SECOND: i64 = 1_000_000_000;
const HOUR: i64 = 3600 * SECOND;

fn retention(rules: &[&str]) -> Retention {
    Retention {
        keep: rules.iter().map(|rule| rule.parse().unwrap()).collect(),
        max_bytes: None,
    }
}

/// For how long a record is kept, by the words of the rules: the longest name, then the level, then what is said of levels without a
/// rule.
fn keep_ns(retention: &Retention, record: &LogRecord) -> Option<i64> {
    let Site {
        name: own, level, ..
    } = &*record.site;
    let rules = || retention.keep.iter();
    let named = rules().filter_map(|rule| match &rule.of {
        KeepOf::Name(top) if own == top || own.starts_with(&format!("{top}.")) => {
            Some((top.len(), rule.keep_ns))
        }
        _ => None,
    });
    if let Some((_, keep)) = named.max() {
        return Some(keep);
    }
    let all = rules().find(|rule| rule.of == KeepOf::All);
    let mut levels: Vec<(Level, i64)> = rules()
        .filter_map(|rule| match rule.of {
            KeepOf::Level(own) => Some((own, rule.keep_ns)),
            _ => None,
        })
        .collect();
    levels.sort_unstable();
    let above = levels.partition_point(|(own, _)| own <= level);
    if let Some((own, keep)) = levels[..above].last() {
        let steps = [0, 5, 10, 20, 30, 40, 50, i32::MAX];
        let next = steps.iter().find(|step| **step > own.0).unwrap();
        if level.0 < *next {
            return Some(*keep);
        }
    }
    match all {
        Some(all) => {
            let below = levels[..above].iter().map(|(_, keep)| *keep);
            below.chain([all.keep_ns]).max()
        }
        None if above > 0 && above < levels.len() => Some(levels[above - 1].1),
        None => None,
    }
}

/// Rules, some of which are about these records.
fn rules(source: &mut Source, records: &[LogRecord], keeps_ns: &[i64]) -> Retention {
    let mut rules = Vec::new();
    for _ in 0..=source.below(4) {
        let place = source.below(records.len());
        let site = &records[place].site;
        let keep = source.of(keeps_ns);
        let top = site.name.split('.').next().unwrap();
        rules.push(match source.below(5) {
            0 => format!("{keep}ns"),
            1 => format!("name:{top}={keep}ns"),
            2 => format!("name:{}={keep}ns", site.name),
            _ => format!("{}={keep}ns", site.level.0),
        });
    }
    let mut retention = Retention::default();
    for rule in rules {
        retention.keep.extend(rule.parse());
        if retention.check().is_err() {
            retention.keep.pop();
        }
    }
    retention
}

/// Takes the records that go out of what is expected; gives how many.
fn delete(kept: &mut Kept, goes: impl Fn(&LogRecord) -> bool) -> usize {
    let ids: Vec<i64> = kept.ids().filter(|id| goes(kept.record(*id))).collect();
    kept.delete(|id| ids.binary_search(&id).is_ok());
    ids.len()
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

/// Does all that retention has to do now.
pub(super) fn retain(store: &mut SqliteStore) -> u64 {
    let mut removed = 0;
    loop {
        let done = store.retain().unwrap();
        removed += done.removed;
        if !done.more {
            return removed;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::with_cases(1) })]

    #[test]
    fn a_prune_by_hand_is_a_filter(seed: u64, times in prop::sample::select(vec![
        Times::InOrder, Times::Shuffled, Times::Stragglers, Times::FarApart, Times::AllEqual,
    ])) {
        let mut source = Source::new(seed, times);
        let mut records = source.records(10_000);
        let questions = (0..12).map(|_| source.question(&records)).collect();
        let file = File::new();
        let mut kept = Kept::new(questions);
        let mut store = file.store();
        append(&mut store, &records, 3000);
        kept.append(&records);
        for _ in 0..3 {
            let now = i64::try_from(source.below(40_000)).unwrap() * 1_000_000;
            let keeps = [1, SECOND, 3 * SECOND, 9 * SECOND, 200 * SECOND, 100_000 * 24 * HOUR];
            let what = Prune {
                retention: rules(&mut source, &records, &keeps),
                before_ns: source.one_in(4).then_some(now - 30 * SECOND),
            };
            let reader = file.reader();
            let foreseen = reader.foresee(&what, now).unwrap();
            let goes = |record: &LogRecord| {
                let keep = keep_ns(&what.retention, record);
                let is_over = |keep| i128::from(record.created_ns) < i128::from(now) - i128::from(keep);
                keep.is_some_and(is_over) || what.before_ns.is_some_and(|before| record.created_ns < before)
            };
            let gone = delete(&mut kept, goes) as u64;
            let pruned = store.prune(&what, now, &Progress::new()).unwrap();
            prop_assert_eq!(pruned.records, gone, "{:?}", what);
            prop_assert_eq!((foreseen.by_age, foreseen.by_size), (gone, 0));
            let free: i64 = file
                .sql()
                .query_row("PRAGMA freelist_count", [], |row| row.get(0))
                .unwrap();
            prop_assert_eq!(free, 0);
            kept.ask_all(&reader, &file.sql());
            assert_blocks_agree(&file);
            // Ids are not given again, whoever writes.
            records = source.records(2000);
            if source.one_in(2) {
                store = file.store();
            }
            append(&mut store, &records, 700);
            kept.append(&records);
            kept.ask_all(&reader, &file.sql());
        }
        prop_assert_eq!(maintain(&mut file.store()), 0);
        assert_blocks_agree(&file);
    }

    #[test]
    fn the_writers_retention_lags_by_an_eighth_at_most(seed: u64) {
        let mut source = Source::new(seed, Times::InOrder);
        let now = now_ns();
        let mut records = source.records(9000);
        // All moments are minutes away from those at which something is to happen.
        for (i, record) in (0..).zip(&mut records) {
            let minutes = match source.below(20) {
                0 => i64::try_from(source.below(200)).unwrap(),
                _ => 200 - i / 45,
            };
            record.created_ns = now - (10 * minutes + 5) * 60 * SECOND;
        }
        let questions = (0..8).map(|_| source.question(&records)).collect();
        let file = File::new();
        let (mut store, mut other) = (file.store(), file.store());
        let keeps = [8 * HOUR, 16 * HOUR, 40 * HOUR];
        let retention = rules(&mut source, &records, &keeps);
        store.set_retention(retention.clone()).unwrap();
        let mut kept = Kept::new(questions);
        for run in records.chunks(1500) {
            append(&mut store, run, 500);
            kept.append(run);
            // What others put in, and what they make of the index, is seen.
            maintain(&mut other);
            let late = numbered(0..100);
            append(&mut other, &late, 100);
            kept.append(&late);
            retain(&mut store);
        }
        maintain(&mut store);
        // Those behind the last block are looked at once a minute, unless one begins anew.
        store.set_retention(retention.clone()).unwrap();
        retain(&mut store);
        let sql = file.sql();
        let mut statement = sql.prepare("SELECT id FROM record").unwrap();
        let found = statement.query_map([], |row| row.get(0)).unwrap();
        let found: std::collections::HashSet<i64> = found.map(Result::unwrap).collect();
        for id in kept.ids() {
            let record = kept.record(id);
            let age = now - record.created_ns;
            let keep = keep_ns(&retention, record);
            let must_stay = keep.is_none_or(|keep| age < keep);
            let must_go = keep.is_some_and(|keep| age > keep + keep / 8);
            prop_assert!(!must_stay || found.contains(&id), "{id} {retention:?}");
            prop_assert!(!must_go || !found.contains(&id), "{id} {retention:?} {}", age / HOUR);
        }
        kept.delete(|id| !found.contains(&id));
        kept.ask_all(&file.reader(), &sql);
        assert_blocks_agree(&file);
    }
}

#[test]
fn cursors_and_ids_go_on_when_all_records_are_gone() {
    let file = File::new();
    let mut store = file.store();
    let mut other = file.store();
    append(&mut store, &numbered(0..5000), 5000);
    store.set_retention(retention(&["1h"])).unwrap();
    assert_eq!(retain(&mut store), 5000);
    let reader = file.reader();
    assert_eq!(reader.last_id().unwrap(), 5000);
    assert_eq!(file.blocks(), (0, 0));
    for store in [&mut store, &mut other] {
        append(store, &numbered(7000..7010), 10);
    }
    let since = Query {
        after_id: Some(5000),
        ..Query::default()
    };
    assert_eq!(messages(&reader, &since).len(), 20);
    assert_eq!(reader.last_id().unwrap(), 5020);
}

#[test]
fn records_of_the_far_future_stay_and_those_of_the_far_past_go() {
    let file = File::new();
    let mut store = file.store();
    let mut records = numbered(0..6000);
    for (record, created) in records
        .iter_mut()
        .zip([i64::MAX, i64::MIN].into_iter().cycle())
    {
        record.created_ns = created;
    }
    append(&mut store, &records, 6000);
    store.set_retention(retention(&["100000d"])).unwrap();
    assert_eq!(retain(&mut store), 3000);
    assert_eq!(messages(&file.reader(), &Query::default()).len(), 3000);
    assert_blocks_agree(&file);
    // A clock that goes wrong does not take away what is new: only the size counts then.
    assert_eq!(retain(&mut store), 0);
}

#[test]
fn a_block_is_rewritten_once_for_a_rule() {
    let file = File::new();
    let mut store = file.store();
    let mut records = numbered(0..8192);
    let now = now_ns();
    for (i, record) in (0..).zip(&mut records) {
        // The older block is over, but for its errors; half of the newer one is, by less than an eighth.
        let age = if i < 4096 { 20 } else { 10 + (i - 4096) / 1500 };
        record.created_ns = now - age * HOUR;
    }
    append(&mut store, &records, 8192);
    store.set_retention(retention(&["11h", "30=400d"])).unwrap();
    assert_eq!(retain(&mut store), 4096 * 2 / 3 + 1);
    assert_eq!(file.blocks(), (2, 4096 + 4096 / 3));
    assert_blocks_agree(&file);
    assert_eq!(retain(&mut file.store()), 0);
}

#[test]
fn blocks_of_which_little_is_left_become_one() {
    let file = File::new();
    let mut store = file.store();
    let mut records = numbered(0..16 * 4096);
    let sites = [0, 2].map(|of| numbered(of..of + 1)[0].site.clone());
    for (i, record) in records.iter_mut().enumerate() {
        record.site = sites[usize::from(i % 50 == 0)].clone();
    }
    append(&mut store, &records, 10_000);
    assert_eq!(file.blocks().0, 16);
    store
        .set_retention(retention(&["1h", "30=100000d"]))
        .unwrap();
    let removed = retain(&mut store);
    let left = i64::try_from(records.len() as u64 - removed).unwrap();
    let (blocks, in_blocks) = file.blocks();
    assert_eq!(in_blocks, left);
    assert!(
        (1..6).contains(&blocks),
        "{blocks} blocks of {left} records"
    );
    assert_blocks_agree(&file);
    let warnings = Query {
        min_level: Some(logstore::Level::WARNING),
        ..Query::default()
    };
    assert_eq!(
        messages(&file.reader(), &warnings).len() as u64,
        left.unsigned_abs()
    );
}

#[test]
fn a_file_without_incremental_vacuum_keeps_its_free_pages_and_the_writer_rests() {
    let file = File::new();
    append(&mut file.store(), &numbered(0..5000), 5000);
    let sql = file.sql();
    sql.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM")
        .unwrap();
    drop(sql);
    let mut store = file.store();
    store.set_retention(retention(&["1h"])).unwrap();
    assert_eq!(retain(&mut store), 5000);
}

#[test]
fn two_writers_that_remove_do_not_get_in_each_others_way() {
    let file = File::new();
    let limit = || Retention {
        max_bytes: Some(Retention::MIN_BYTES),
        ..retention(&["1h", "30=100000d"])
    };
    let writers: Vec<SqliteStore> = (0..2)
        .map(|_| {
            let mut store = file.store();
            store.set_retention(limit()).unwrap();
            store
        })
        .collect();
    let reader = file.reader();
    thread::scope(|scope| {
        let writers: Vec<_> = writers
            .into_iter()
            .map(|mut store| {
                scope.spawn(move || {
                    for start in (0..20_000).step_by(500) {
                        let records = numbered(start..start + 500);
                        patiently(|| store.append(&[records.iter().collect()]));
                        patiently(|| store.retain());
                        patiently(|| store.maintain());
                    }
                })
            })
            .collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            let mut answer = reader.query(&Query::default()).unwrap();
            assert!(answer.by_ref().all(|stored| stored.is_ok()));
            assert_eq!(answer.damaged_blocks(), 0);
        }
    });
    let mut store = file.store();
    assert_eq!(maintain(&mut store), 0);
    store.set_retention(limit()).unwrap();
    retain(&mut store);
    assert_blocks_agree(&file);
    assert_eq!(reader.last_id().unwrap(), 40_000);
    let kept = reader.query(&Query::default()).unwrap();
    assert!(
        kept.map(Result::unwrap)
            .all(|stored| stored.record.site.level.0 == 30)
    );
}

/// What the next test starts and kills.
#[test]
fn remove_until_killed() {
    let Ok(path) = std::env::var("LOGSTORE_TEST_PRUNED") else {
        return;
    };
    let mut store = SqliteStore::open(path, Durability::Normal).unwrap();
    store
        .set_retention(retention(&["1h", "30=100000d"]))
        .unwrap();
    retain(&mut store);
}

#[test]
fn who_is_killed_while_removing_leaves_blocks_that_agree_with_the_records() {
    let file = File::new();
    append(&mut file.store(), &numbered(0..50_000), 10_000);
    for _ in 0..4 {
        let (_, before) = file.blocks();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "pruning::remove_until_killed"])
            .env("LOGSTORE_TEST_PRUNED", &file.path)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while file.blocks().1 == before && child.try_wait().unwrap().is_none() {
            thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert_blocks_agree(&file);
    }
    let mut store = file.store();
    store
        .set_retention(retention(&["1h", "30=100000d"]))
        .unwrap();
    retain(&mut store);
    assert_eq!(messages(&file.reader(), &Query::default()).len(), 16_666);
    assert_blocks_agree(&file);
}

#[test]
fn what_is_in_force_is_in_the_file() {
    let file = File::new();
    let said = || file.reader().stats().unwrap().retention;
    let mut store = file.store();
    assert!(said().is_empty());
    let mut wanted = retention(&["30d", "warning=90d", "name:a,b=36h"]);
    wanted.max_bytes = Some(10 << 20);
    store.set_retention(wanted.clone()).unwrap();
    assert_eq!(said(), wanted);
    let twice = retention(&["1d", "2d"]);
    store.set_retention(twice).unwrap_err();
    assert_eq!(said(), wanted);
    drop(SqliteStore::open(&file.path, Durability::Full).unwrap());
    assert_eq!(said(), wanted);
    store.set_retention(Retention::default()).unwrap();
    assert!(said().is_empty());
}
