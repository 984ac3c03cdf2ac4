//! Counting records one by one.

use std::collections::HashMap;

use serde_json::Value;

use super::group::level_name;
use super::{Count, CountRow, Counts, GroupBy};
use crate::error::QueryError;
use crate::record::LogRecord;
use crate::time::{Buckets, Every};

/// More buckets of time than this are refused: nobody reads them, and they cost memory even where nothing was logged.
const MAX_BUCKETS: usize = 100_000;

/// Counts records as they come, in any order.
#[derive(Debug)]
pub(crate) struct Tally<'a> {
    count: &'a Count,
    buckets: Option<Buckets>,
    groups: HashMap<(Option<i64>, Vec<Value>), u64>,
    /// The lowest number of each level's name: what puts them in order.
    levels: HashMap<String, i32>,
    total: u64,
    span_ns: Option<(i64, i64)>,
}

impl<'a> Tally<'a> {
    pub(crate) fn new(count: &'a Count) -> Self {
        Tally {
            count,
            buckets: count.every.map(Buckets::new),
            groups: HashMap::new(),
            levels: HashMap::new(),
            total: 0,
            span_ns: None,
        }
    }

    pub(crate) fn add(&mut self, record: &LogRecord) {
        let LogRecord {
            created_ns,
            site,
            origin,
            extra,
            ..
        } = record;
        self.total += 1;
        let (first, last) = self.span_ns.unwrap_or((*created_ns, *created_ns));
        self.span_ns = Some((first.min(*created_ns), last.max(*created_ns)));
        if self.too_many().is_some() {
            // Nobody will see them.
            self.groups.clear();
            return;
        }
        let start = self.buckets.as_mut().map(|all| all.start_of(*created_ns));
        let by = self.count.by.iter();
        let key = by.map(|by| by.value(site, origin, extra)).collect();
        *self.groups.entry((start, key)).or_default() += 1;
        if self.count.by.contains(&GroupBy::Level) {
            let number = self.levels.entry(level_name(site)).or_insert(site.level.0);
            *number = site.level.0.min(*number);
        }
    }

    /// The error when the span so far has too many buckets.
    fn too_many(&self) -> Option<QueryError> {
        let (every, (first_ns, last_ns)) = self.count.every.zip(self.span_ns)?;
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

    pub(crate) fn finish(self) -> Result<Counts, QueryError> {
        if let Some(error) = self.too_many() {
            return Err(error);
        }
        let Tally {
            count: Count { by, every, .. },
            buckets,
            mut groups,
            levels,
            total,
            span_ns,
        } = self;
        let starts_ns = match buckets.zip(span_ns) {
            Some((mut buckets, (first, last))) => buckets.starts(first, last),
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
            levels,
        };
        Ok(counts.in_order())
    }
}
