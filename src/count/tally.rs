//! Putting the counts of groups together.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::Value;

use super::{Count, CountRow, Counts, GroupBy};
use crate::error::QueryError;
use crate::time::{Buckets, Every};

/// More buckets of time than this are refused: nobody reads them, and they cost memory even where nothing was logged.
const MAX_BUCKETS: usize = 100_000;

/// The error when a span has more buckets of time than anybody wants to see.
pub(crate) fn too_many_buckets(count: &Count, first_ns: i64, last_ns: i64) -> Option<QueryError> {
    let every = count.every?;
    let span = last_ns.abs_diff(first_ns);
    let buckets = span / every.width_ns().unsigned_abs() + 1;
    (buckets > MAX_BUCKETS as u64).then(|| QueryError::TooManyBuckets {
        every,
        first_ns,
        last_ns,
        buckets,
        limit: MAX_BUCKETS,
        fitting: Every::fitting(span, MAX_BUCKETS, every.zone()),
    })
}

/// How many bytes of memory a value has besides itself, more or less.
pub(crate) fn bytes_of(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(|inner| 32 + bytes_of(inner)).sum(),
        Value::Object(map) => {
            let sizes = map
                .iter()
                .map(|(key, inner)| 64 + key.len() + bytes_of(inner));
            sizes.sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// Adds up groups as they come, in any order.
#[derive(Debug)]
pub(crate) struct Tally<'a> {
    count: &'a Count,
    groups: HashMap<(Option<i64>, Vec<Value>), u64>,
    /// How many bytes the groups' keys have.
    bytes: usize,
    /// The lowest number of each level's name: what puts them in order.
    levels: HashMap<String, i32>,
    total: u64,
    span_ns: Option<(i64, i64)>,
}

impl<'a> Tally<'a> {
    pub(crate) fn new(count: &'a Count) -> Self {
        Tally {
            count,
            groups: HashMap::new(),
            bytes: 0,
            levels: HashMap::new(),
            total: 0,
            span_ns: None,
        }
    }

    /// Takes into account that there are records between these moments.
    pub(crate) fn span(&mut self, first_ns: i64, last_ns: i64) {
        let (first, last) = self.span_ns.unwrap_or((first_ns, last_ns));
        self.span_ns = Some((first.min(first_ns), last.max(last_ns)));
    }

    /// Adds so many records with this key, in the order of what they are grouped by. `start_ns` is where their bucket of time begins
    /// when there are any; `level` is the number of their level when they are grouped by it.
    pub(crate) fn add_group(&mut self, start_ns: i64, key: Vec<Value>, level: i32, records: u64) {
        self.total += records;
        let mut named = self.count.by.iter().zip(&key);
        if let Some((_, name)) = named.find(|(by, _)| **by == GroupBy::Level) {
            let name = name.as_str().unwrap_or_default().to_owned();
            let number = self.levels.entry(name).or_insert(level);
            *number = level.min(*number);
        }
        let start = self.count.every.map(|_| start_ns);
        match self.groups.entry((start, key)) {
            Entry::Occupied(mut known) => *known.get_mut() += records,
            Entry::Vacant(new) => {
                self.bytes += new.key().1.iter().map(bytes_of).sum::<usize>();
                new.insert(records);
            }
        }
    }

    /// How many bytes the keys of all groups have.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The error when the span so far has too many buckets.
    fn too_many(&self) -> Option<QueryError> {
        let (first_ns, last_ns) = self.span_ns?;
        too_many_buckets(self.count, first_ns, last_ns)
    }

    /// Refuses a span with too many buckets.
    pub(crate) fn check(&self) -> Result<(), QueryError> {
        self.too_many().map_or(Ok(()), Err)
    }

    pub(crate) fn finish(self, damaged_blocks: usize) -> Result<Counts, QueryError> {
        self.check()?;
        let Tally {
            count: Count { by, every, .. },
            mut groups,
            bytes: _,
            levels,
            total,
            span_ns,
        } = self;
        let starts_ns = match every.zip(span_ns) {
            Some((every, (first, last))) => Buckets::new(every).starts(first, last),
            None => Vec::new(),
        };
        if by.is_empty() {
            let every_start = starts_ns.iter().copied().map(Some);
            let none = every.is_none().then_some(None);
            for start in every_start.chain(none) {
                groups.entry((start, Vec::new())).or_default();
            }
        }
        let rows = groups.into_iter().map(|((start_ns, key), count)| CountRow {
            start_ns,
            key,
            count,
        });
        let counts = Counts {
            by: by.clone(),
            every: *every,
            rows: rows.collect(),
            total,
            span_ns,
            starts_ns,
            damaged_blocks,
            levels,
        };
        Ok(counts.in_order())
    }
}
