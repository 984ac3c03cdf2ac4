//! Answers equal a plain filter over a `Vec`, in lives of large files: written by two in turn, deleted from and changed by others,
//! with and without upkeep.

use logstore::{Level, LogRecord, Order, Query, Reader, RecordStore as _, SqliteStore};
use proptest::prelude::*;

use super::keeping::kill_a_writer;
use super::kept::{Kept, assert_blocks_agree};
use super::source::{Source, Times};
use super::{File, append, maintain, numbered};

/// A file, what it should hold, and those that write to it.
struct Life {
    source: Source,
    file: File,
    writers: [SqliteStore; 2],
    /// It remembers blocks from question to question.
    reader: Reader,
    kept: Kept,
}

impl Life {
    fn new(source: Source, records: &[LogRecord], questions: Vec<Query>) -> Self {
        let file = File::new();
        let mut life = Life {
            source,
            writers: [file.store(), file.store()],
            reader: file.reader(),
            file,
            kept: Kept::new(questions),
        };
        life.append(records);
        life
    }

    /// Both writers append, in turns and transactions of any size.
    fn append(&mut self, records: &[LogRecord]) {
        let mut rest = records;
        while !rest.is_empty() {
            let turn = rest.len().min(1 + self.source.below(3000));
            let (records, others) = rest.split_at(turn);
            let writer = self.source.below(2);
            let per_transaction = self.source.of(&[40, 511, 512, 5000]);
            append(&mut self.writers[writer], records, per_transaction);
            rest = others;
        }
        self.kept.append(records);
    }

    /// The id of some record, perhaps of the first or last one of a block.
    fn some_id(&mut self) -> i64 {
        let at = [self.source.edge(), self.source.below(self.kept.len())];
        let at = i64::try_from(self.source.of(&at)).unwrap();
        // Where most were deleted, there may be none behind it.
        let found = self.kept.ids().find(|id| *id >= at);
        found.or_else(|| self.kept.ids().next_back()).unwrap()
    }

    /// Somebody else deletes: one record, a run, the end, whose ids are given again, or some or most of a run.
    fn delete(&mut self) {
        let from = self.some_id();
        let last = self.kept.ids().next_back().unwrap();
        match self.source.below(5) {
            0 => self.delete_between(from, from, "1", |_| true),
            1 => self.delete_between(from, from + 300, "1", |_| true),
            2 => self.delete_between(last - 50, last, "1", |_| true),
            3 => self.delete_between(from, from + 5000, "id % 40 = 0", |id| id % 40 == 0),
            _ => self.delete_between(from, from + 5000, "id % 40 <> 0", |id| id % 40 != 0),
        }
    }

    fn delete_between(&mut self, first: i64, last: i64, sql: &str, gone: impl Fn(i64) -> bool) {
        let delete = format!("DELETE FROM record WHERE id BETWEEN {first} AND {last} AND {sql}");
        self.file.sql().execute(&delete, []).unwrap();
        self.kept
            .delete(|id| (first..=last).contains(&id) && gone(id));
        assert_blocks_agree(&self.file);
    }

    /// Somebody else changes a few neighbours, so that they become like others.
    fn change(&mut self) {
        let sql = self.file.sql();
        let first = self.some_id();
        let neighbours: Vec<i64> = self.kept.ids().filter(|id| *id >= first).take(3).collect();
        for id in neighbours {
            let like = self.some_id();
            let other = self.kept.record(like).clone();
            let columns = self
                .source
                .of(&["created", "site", "origin", "message", "extra"]);
            let update = format!(
                "UPDATE record SET {columns} = (SELECT {columns} FROM record WHERE id = ?2) WHERE id = ?1"
            );
            assert_eq!(sql.execute(&update, [id, like]).unwrap(), 1);
            self.kept.change(id, |record| match columns {
                "created" => record.created_ns = other.created_ns,
                "site" => record.site = other.site,
                "origin" => record.origin = other.origin,
                "message" => record.message = other.message,
                _ => record.extra = other.extra,
            });
        }
        assert_blocks_agree(&self.file);
    }

    /// Somebody gives a record another id, perhaps in the middle of a block.
    fn rename(&mut self) {
        let id = self.some_id();
        let last = self.kept.ids().next_back().unwrap();
        let free = (1..).zip(self.kept.ids()).find(|(place, id)| place != id);
        let to = free.map_or(last + 7, |(place, _)| place);
        let sql = self.file.sql();
        sql.execute("UPDATE record SET id = ?2 WHERE id = ?1", [id, to])
            .unwrap();
        self.kept.rename(id, to);
        assert_blocks_agree(&self.file);
    }

    /// Some of the upkeep is done, or all, or none.
    fn maintain(&mut self) {
        let writer = &mut self.writers[self.source.below(2)];
        let steps = self.source.below(8);
        if steps == 7 {
            assert_eq!(maintain(writer), 0);
        }
        for _ in 0..steps {
            assert_eq!(writer.maintain().unwrap().damaged, 0);
        }
    }

    fn ask_all(&mut self) {
        assert_blocks_agree(&self.file);
        if self.source.one_in(4) {
            self.reader = self.file.reader();
        }
        let damaged = self.kept.ask_all(&self.reader, &self.file.sql());
        assert_eq!(damaged, 0);
    }
}

fn live(seed: u64, times: Times) {
    let mut source = Source::new(seed, times);
    let records = source.records(8800);
    let mut questions: Vec<Query> = (0..30).map(|_| source.question(&records)).collect();
    // The last record of a block is all that is wanted of it.
    questions.extend([4096, 8192].map(|id| Query {
        after_id: Some(id - 1),
        names: vec![records[usize::try_from(id).unwrap() - 1].site.name.clone()],
        ..Query::default()
    }));
    let mut life = Life::new(source, &records, questions);
    life.ask_all();
    for _ in 0..2 {
        life.delete();
        let id = life.source.of(&[1, 4096, 4097, 8192]);
        life.delete_between(id, id, "1", |_| true);
        life.change();
        life.rename();
        life.maintain();
        if life.source.one_in(2) {
            let count = life.source.below(2500);
            let more = life.source.records(count);
            life.append(&more);
        }
        if life.source.one_in(2) {
            life.writers = [life.file.store(), life.file.store()];
            life.maintain();
        }
        life.ask_all();
    }
}

/// So many blocks that helping threads look into most of them, when a question goes through all.
fn live_long(seed: u64) {
    let mut source = Source::new(seed, Times::InOrder);
    let records = source.records(50_000);
    let mut questions: Vec<Query> = (0..4).map(|_| source.question(&records)).collect();
    for (level, order) in [(30, Order::OldestFirst), (40, Order::NewestFirst)] {
        questions.push(Query {
            exact_levels: vec![Level(level)],
            order,
            ..Query::default()
        });
    }
    let mut life = Life::new(source, &records, questions);
    // What has no block takes longer, so that other threads are done with what comes behind it.
    for block in [4, 8] {
        let id = block * 4096 + 100;
        life.delete_between(id, id, "1", |_| true);
    }
    life.ask_all();
}

/// A writer is killed, and others go on with what it left.
fn live_after_a_kill(seed: u64) {
    let mut source = Source::new(seed, Times::InOrder);
    let records = source.records(3000);
    let questions = (0..20).map(|_| source.question(&records)).collect();
    let mut life = Life::new(source, &records, questions);
    let before = i64::try_from(life.kept.len()).unwrap();
    kill_a_writer(&life.file, 1);
    let stored = life.file.reader().last_id().unwrap() - before;
    life.kept.append(&numbered(0..stored));
    life.ask_all();
    let more = life.source.records(2000);
    life.append(&more);
    life.maintain();
    life.ask_all();
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1) } })]

    #[test]
    fn with_times_in_order(seed: u64) {
        live(seed, Times::InOrder);
    }

    #[test]
    fn with_times_in_no_order(seed: u64) {
        live(seed, Times::Shuffled);
    }

    #[test]
    fn with_all_times_equal(seed: u64) {
        live(seed, Times::AllEqual);
    }

    #[test]
    fn with_times_as_far_apart_as_can_be(seed: u64) {
        live(seed, Times::FarApart);
    }

    #[test]
    fn with_a_few_that_come_late(seed: u64) {
        live(seed, Times::Stragglers);
    }

    #[test]
    fn with_more_blocks_than_one_thread_looks_into(seed: u64) {
        live_long(seed);
    }

    #[test]
    fn with_a_writer_that_is_killed(seed: u64) {
        live_after_a_kill(seed);
    }
}
