//! What is counted: which records, in which groups, in which buckets of time.

mod group;
mod order;
mod tally;

use std::cmp::{Ordering, Reverse};
use std::collections::{HashMap, HashSet};

use serde_json::Value;

pub use group::GroupBy;
#[cfg(feature = "net")]
pub(crate) use group::LEVEL_STEPS;
pub(crate) use group::Side;
pub(crate) use tally::{Tally, bytes_of, too_many_buckets};

use crate::query::Query;
use crate::time::Every;
use order::by_value;

/// Which records are counted, and how they are told apart.
#[derive(Debug, Clone, Default)]
pub struct Count {
    /// Which records. Limit and order mean nothing here: all that match are counted.
    pub query: Query,
    /// By what they are grouped. Empty: not at all.
    pub by: Vec<GroupBy>,
    /// In which buckets of time. `None`: in one.
    pub every: Option<Every>,
}

/// How many records there are of each group.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Counts {
    /// What the keys of the rows stand for.
    pub by: Vec<GroupBy>,
    /// In which buckets of time.
    pub every: Option<Every>,
    /// One row for each group, by bucket of time, then the largest first; groups by level alone from the lowest to the highest.
    /// Without groups every bucket has its row, those without a record too.
    pub rows: Vec<CountRow>,
    /// All records together.
    pub total: u64,
    /// When the oldest and when the newest of them was made, in nanoseconds since the Unix epoch; `None` when there is none.
    pub span_ns: Option<(i64, i64)>,
    /// Where the buckets from the first to the last record begin, those without a record too.
    pub starts_ns: Vec<i64>,
    /// How many blocks of the index were not as they had been written; the records under them were read instead.
    pub damaged_blocks: usize,
    /// The lowest number of each level's name: what puts them in order.
    pub(crate) levels: HashMap<String, i32>,
}

/// A group and how many records it has.
#[derive(Debug, Clone, PartialEq)]
pub struct CountRow {
    /// Where the bucket of time begins, in nanoseconds since the Unix epoch.
    pub start_ns: Option<i64>,
    /// What the group has in common, in the order that was asked for; null where the client did not say.
    pub key: Vec<Value>,
    /// How many records.
    pub count: u64,
}

impl Counts {
    /// The same records grouped by fewer of the things that they are grouped by here, all buckets of time together.
    #[must_use]
    pub fn summed_by(&self, by: &[GroupBy]) -> Counts {
        let places = self.by.iter().enumerate();
        let (places, by): (Vec<usize>, Vec<GroupBy>) = places
            .filter(|(_, known)| by.contains(known))
            .map(|(place, known)| (place, known.clone()))
            .unzip();
        let mut sums: HashMap<Vec<Value>, u64> = HashMap::new();
        for row in &self.rows {
            let key = places.iter().map(|place| row.key[*place].clone());
            *sums.entry(key.collect()).or_default() += row.count;
        }
        let rows = sums.into_iter().map(|(key, count)| CountRow {
            start_ns: None,
            key,
            count,
        });
        let counts = Counts {
            by,
            every: None,
            rows: rows.collect(),
            total: self.total,
            span_ns: self.span_ns,
            starts_ns: Vec::new(),
            damaged_blocks: self.damaged_blocks,
            levels: self.levels.clone(),
        };
        counts.in_order()
    }

    /// Keeps the rows of the so many largest groups, counted over all buckets. Gives how many groups there were.
    pub fn keep_largest(&mut self, groups: usize) -> usize {
        let mut sums = self.summed_by(&self.by).rows;
        let found = sums.len();
        if found > groups {
            // Of equals the first ones: the sort is stable.
            sums.sort_by_key(|row| Reverse(row.count));
            let largest = sums.into_iter().take(groups).map(|row| row.key);
            let kept: HashSet<Vec<Value>> = largest.collect();
            self.rows.retain(|row| kept.contains(&row.key));
        }
        found
    }

    fn in_order(mut self) -> Self {
        let Counts {
            by, rows, levels, ..
        } = &mut self;
        let by_count = **by != [GroupBy::Level];
        let level = |value: &Value| levels.get(value.as_str().unwrap_or_default());
        rows.sort_unstable_by(|a, b| {
            let by_start = a.start_ns.cmp(&b.start_ns);
            let by_count = if by_count {
                b.count.cmp(&a.count)
            } else {
                Ordering::Equal
            };
            let keys = by.iter().zip(a.key.iter().zip(&b.key));
            keys.fold(by_start.then(by_count), |order, (by, (a, b))| {
                order.then_with(|| match by {
                    GroupBy::Level => level(a).cmp(&level(b)).then_with(|| by_value(a, b)),
                    _ => by_value(a, b),
                })
            })
        });
        self
    }
}
