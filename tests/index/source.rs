//! Records for large cases and questions about them, of few values and of thousands, all drawn from one seed.

use logstore::{Case, FieldFilter, FieldTest, Level, LogRecord, Order, Pattern, Phrase, Query};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::json;

use super::questions::{query, record};

/// How the times of records lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Times {
    InOrder,
    Shuffled,
    AllEqual,
    FarApart,
    /// In order, but one in a few hundred comes late.
    Stragglers,
}

/// How many different names, hosts and words of their own records have.
const MANY: usize = 5000;

/// How many records a block has.
const BLOCK: usize = 4096;

/// Texts that a word of its own begins with. Words are hashed eight bytes at a time and cut 64 bytes at a time.
const STEMS: [&str; 8] = ["w", "Of_", "x1234567", "ärger", "ÄRGER", "日本", "é_", "ǅ"];

pub(crate) struct Source {
    runner: TestRunner,
    /// Records of few values, to be made different.
    pool: Vec<LogRecord>,
    times: Times,
    made: i64,
}

impl Source {
    pub(crate) fn new(seed: u64, times: Times) -> Self {
        let mut bytes = [7; 16];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::XorShift, &bytes);
        let mut source = Source {
            runner: TestRunner::new_with_rng(ProptestConfig::default(), rng),
            pool: Vec::new(),
            times,
            made: 0,
        };
        source.pool = (0..100).map(|_| source.draw(&record())).collect();
        source
    }

    fn draw<T: std::fmt::Debug>(&mut self, strategy: &impl Strategy<Value = T>) -> T {
        strategy.new_tree(&mut self.runner).unwrap().current()
    }

    /// A number below this one.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.runner.rng().random_range(0..end)
    }

    pub(crate) fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    pub(crate) fn of<T: Clone>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())].clone()
    }

    pub(crate) fn records(&mut self, count: usize) -> Vec<LogRecord> {
        (0..count).map(|_| self.record()).collect()
    }

    fn record(&mut self) -> LogRecord {
        let at = self.below(self.pool.len());
        let mut record = self.pool[at].clone();
        record.created_ns = self.time();
        if self.one_in(3) {
            let mut site = (*record.site).clone();
            site.name = format!("{}.m{}", site.name, self.below(MANY));
            record.site = site.into();
        }
        if self.one_in(3) {
            let mut origin = (*record.origin).clone();
            origin.hostname = format!("host{}", self.below(MANY));
            record.origin = origin.into();
        }
        self.add_word(&mut record.message);
        let others = [&mut record.exc_text, &mut record.stack_info];
        for text in others.into_iter().flatten() {
            self.add_word(text);
        }
        if self.one_in(4) {
            let mut own = format!("{}\t\"{}\"\\\u{1}", self.word(), self.word());
            self.add_word(&mut own);
            let own = self.of(&[json!(own), json!([own])]);
            record.extra.insert("own".into(), own);
        }
        record
    }

    /// Adds a word of its own at the end of a text. JSON has an escape for a line break, which ends in a letter.
    fn add_word(&mut self, text: &mut String) {
        text.push(self.of(&[' ', '\n']));
        text.push_str(&self.word());
    }

    /// A word of which few records have the same.
    fn word(&mut self) -> String {
        let stem = self.of(&STEMS);
        let (number, digits) = (
            self.below(MANY),
            self.of(&[1, 4, 5, 7, 8, 9, 16, 60, 65, 70, 130]),
        );
        format!("{stem}{number:0digits$}")
    }

    fn time(&mut self) -> i64 {
        // The times that `query` asks for lie between -6 and 15 seconds.
        let in_order = self.made / 3 * 4_000_000 - 5_000_000_000;
        let shuffled = i64::try_from(self.below(20_000)).unwrap() * 1_000_000 - 5_000_000_000;
        self.made += 1;
        let late = self.one_in(300);
        match self.times {
            Times::Shuffled => shuffled,
            Times::AllEqual => 1_000_000_007,
            Times::Stragglers if late => shuffled,
            Times::InOrder | Times::Stragglers => in_order,
            Times::FarApart => match self.below(50) {
                0 => i64::MIN,
                1 => i64::MAX,
                2..10 => shuffled,
                _ => self.draw(&any::<i64>()),
            },
        }
    }

    /// A question of any kind, mostly one to which some of these records are an answer. They have ids from 1 on.
    pub(crate) fn question(&mut self, records: &[LogRecord]) -> Query {
        let place = match self.below(4) {
            0 => self.edge(),
            1 => self.extreme(records),
            _ => self.below(records.len()),
        };
        let about = &records[place.min(records.len() - 1)];
        let mut question = match self.below(6) {
            0 | 1 => self.draw(&query()),
            2 => Query {
                phrases: vec![Phrase::new(self.own_word(about)).unwrap()],
                ..Query::default()
            },
            _ => self.question_about(about),
        };
        let after = [self.edge(), self.below(records.len() + 100)];
        let after = i64::try_from(self.of(&after)).unwrap();
        question.after_id = self.one_in(4).then_some(after);
        question.limit = match self.below(8) {
            0 => None,
            1 => Some(0),
            2 => Some(1),
            3 => Some(usize::MAX),
            _ => Some(self.below(600)),
        };
        question.order = self.of(&[Order::OldestFirst, Order::NewestFirst]);
        question
    }

    /// A number near to the first or the last record of a block.
    pub(crate) fn edge(&mut self) -> usize {
        (self.below(3) * BLOCK + self.below(4)).saturating_sub(2)
    }

    /// The place of the oldest or the newest record of a block.
    fn extreme(&mut self, records: &[LogRecord]) -> usize {
        let start = self.below(records.len() / BLOCK + 1) * BLOCK;
        let block = (start..records.len()).take(BLOCK);
        let created = |place: &usize| records[*place].created_ns;
        let extreme = if self.one_in(2) {
            block.min_by_key(created)
        } else {
            block.max_by_key(created)
        };
        extreme.unwrap_or_default()
    }

    fn question_about(&mut self, record: &LogRecord) -> Query {
        let mut query = Query::default();
        for _ in 0..=self.below(3) {
            self.add_condition(&mut query, record);
        }
        query
    }

    /// A condition that the record fulfils, mostly.
    fn add_condition(&mut self, query: &mut Query, record: &LogRecord) {
        let (site, origin) = (&record.site, &record.origin);
        match self.below(16) {
            0 => query.min_level = Some(site.level),
            1 => query.exact_levels = vec![site.level, Level(1)],
            2 | 3 => query.names = vec![site.name.clone()],
            4 => query.not_names = vec![self.pool[0].site.name.clone()],
            5 | 6 => query.hosts = vec![origin.hostname.clone(), "nowhere".into()],
            7 => query.since_ns = Some(record.created_ns),
            8 => query.until_ns = Some(record.created_ns),
            9 => query.phrases.push(self.phrase(record)),
            10 => query.grep = Some(self.pattern(record)),
            11 => query.fields.extend(own_field(record)),
            _ => {
                let other = self.record();
                let other = if self.one_in(2) { record } else { &other };
                self.leave_out(query, other);
            }
        }
    }

    /// Leaves out what is like this record in one thing.
    fn leave_out(&mut self, query: &mut Query, other: &LogRecord) {
        match self.below(6) {
            0 => query.not_levels = vec![other.site.level],
            1 => query.not_hosts = vec![other.origin.hostname.clone()],
            2 => query.not_phrases.push(self.phrase(other)),
            3 => query.not_patterns.push(self.pattern(other)),
            4 => query.not_fields.extend(own_field(other)),
            _ => {
                let process = other.origin.process.map(|process| process.to_string());
                query.not_processes.extend(process);
                let thread = Some(other.origin.thread_name.clone());
                query
                    .not_threads
                    .extend(thread.filter(|name| !name.is_empty()));
            }
        }
    }

    fn phrase(&mut self, record: &LogRecord) -> Phrase {
        let word = self.own_word(record);
        let phrase = match self.below(5) {
            0 => Phrase::new(&record.message),
            1 => Phrase::new(&word.to_uppercase()),
            2 => {
                let chars = 1 + self.below(word.chars().count());
                Phrase::prefix(&word.chars().take(chars).collect::<String>())
            }
            3 => Phrase::new(&self.word()),
            _ => Phrase::new(word),
        };
        phrase.unwrap()
    }

    fn pattern(&mut self, record: &LogRecord) -> Pattern {
        let word = self.own_word(record);
        let rest: String = word.chars().skip(1).collect();
        let (pattern, case) = match self.below(6) {
            0 => (word.to_owned(), Case::Minded),
            1 => (format!(r"\b{word}\b"), Case::Minded),
            2 => (format!(r"\b{}$", word.to_uppercase()), Case::Ignored),
            3 => (format!(r"\b{word}\b|\bnothing\b"), Case::Minded),
            4 => (format!(r"{rest}\b"), Case::Minded),
            _ => (format!(r"\b{}", &word[..word.len() - 1]), Case::Minded),
        };
        Pattern::new(&pattern, case).unwrap()
    }

    /// A word of the record that few others have.
    fn own_word<'r>(&mut self, record: &'r LogRecord) -> &'r str {
        let own = record.extra.get("own");
        let texts = [
            Some(record.message.as_str()),
            record.exc_text.as_deref(),
            record.stack_info.as_deref(),
            own.and_then(|own| own.as_str().or(own[0].as_str())),
        ];
        let texts: Vec<&str> = texts.into_iter().flatten().collect();
        let text = self.of(&texts);
        text.rsplit(char::is_whitespace).next().unwrap()
    }
}

/// The condition that a record's own field is as it is.
fn own_field(record: &LogRecord) -> Option<FieldFilter> {
    let own = record.extra.get("own")?;
    Some(FieldFilter {
        key: "own".into(),
        test: FieldTest::Equals(own.as_str().map_or(own.to_string(), str::to_owned)),
    })
}
