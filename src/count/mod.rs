//! What is counted: which records, in which groups, in which buckets of time.

mod group;
mod order;
mod tally;

use std::collections::{HashMap, HashSet};

use serde_json::Value;

pub use group::GroupBy;
pub(crate) use tally::Tally;

use crate::query::Query;
use crate::time::Every;
use order::by_key;

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
    /// One row for each group, by bucket of time, then the largest first; groups by level alone from the lowest to the highest.
    /// Without groups every bucket has its row, those without a record too.
    pub rows: Vec<CountRow>,
    /// All records together.
    pub total: u64,
    /// When the oldest and when the newest of them was made, in nanoseconds since the Unix epoch; `None` when there is none.
    pub span_ns: Option<(i64, i64)>,
    /// Where the buckets from the first to the last record begin, those without a record too.
    pub starts_ns: Vec<i64>,
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
    /// Keeps the rows of the so many largest groups, counted over all buckets. Gives how many groups there were.
    pub fn keep_largest(&mut self, groups: usize) -> usize {
        let mut sums: HashMap<&[Value], u64> = HashMap::new();
        for row in &self.rows {
            *sums.entry(&row.key).or_default() += row.count;
        }
        let mut sums: Vec<_> = sums.into_iter().collect();
        let found = sums.len();
        if found > groups {
            sums.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| by_key(a.0, b.0)));
            let largest = sums.into_iter().take(groups);
            let kept: HashSet<Vec<Value>> = largest.map(|(key, _)| key.to_vec()).collect();
            self.rows.retain(|row| kept.contains(&row.key));
        }
        found
    }
}
