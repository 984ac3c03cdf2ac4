//! What a store holds, seen from far: how much of each level and logger, since when, from how many, how fast.

use std::collections::HashMap;

use serde_json::Value;

use super::reader::Reader;
use super::stats::StoreStats;
use crate::count::{Count, Counts, GroupBy};
use crate::error::Error;
use crate::level::Level;
use crate::query::Query;
use crate::time::{Every, Zone};

const MINUTE_NS: i64 = 60_000_000_000;
const HOUR_NS: i64 = 60 * MINUTE_NS;

/// What a store holds of what a query wants.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Overview {
    /// The file.
    pub file: StoreStats,
    /// All records, by level and logger.
    pub all: Counts,
    /// Those of the hour before the newest.
    pub hour: Counts,
    /// Those of the minute before the newest.
    pub minute: Counts,
    /// How many hosts there are.
    pub hosts: usize,
    /// How many processes. One is a process of its host.
    pub processes: usize,
}

/// A level or a logger, and how many records it has.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct OverviewGroup {
    /// Its name; null where the client did not say.
    pub value: Value,
    /// How many records.
    pub records: u64,
    /// How many of the last hour.
    pub last_hour: u64,
    /// How many of the last minute.
    pub last_minute: u64,
}

/// How many records, and how many that are bad, each bucket of time has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LevelHistogram {
    /// Which buckets.
    pub every: Every,
    /// Where they begin, in nanoseconds since the Unix epoch.
    pub starts_ns: Vec<i64>,
    /// Of all levels.
    pub records: Vec<u64>,
    /// Those of at least WARNING and less than ERROR.
    pub warnings: Vec<u64>,
    /// Those of at least ERROR.
    pub errors: Vec<u64>,
}

impl Reader {
    /// What the store holds of what a query wants. Its limit and order mean nothing here.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn overview(&self, query: &Query) -> Result<Overview, Error> {
        let count = |query: Query, by: [GroupBy; 2]| {
            let by = by.to_vec();
            self.count(&Count {
                query,
                by,
                every: None,
            })
        };
        let kinds = || [GroupBy::Level, GroupBy::Name];
        let all = count(query.clone(), kinds())?;
        let last = |length_ns| {
            let Some((_, newest)) = all.span_ns else {
                return Ok(Counts::default());
            };
            let since = newest.saturating_sub(length_ns);
            let query = Query {
                since_ns: query.since_ns.max(Some(since)),
                until_ns: Some(newest),
                ..query.clone()
            };
            count(query, kinds())
        };
        let (hour, minute) = (last(HOUR_NS)?, last(MINUTE_NS)?);
        let origins = count(query.clone(), [GroupBy::Host, GroupBy::Process])?;
        let known = |counts: &Counts, place: usize| {
            let rows = counts.rows.iter();
            rows.filter(|row| !row.key[place].is_null()).count()
        };
        Ok(Overview {
            file: self.stats()?,
            hosts: known(&origins.summed_by(&[GroupBy::Host]), 0),
            processes: known(&origins, 1),
            all,
            hour,
            minute,
        })
    }

    /// How many of the records that a query wants were made when, in at most so many buckets over this span of time, in nanoseconds
    /// since the Unix epoch.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn level_histogram(
        &self,
        query: &Query,
        span_ns: (i64, i64),
        buckets: usize,
        zone: Zone,
    ) -> Result<LevelHistogram, Error> {
        let span = span_ns.1.abs_diff(span_ns.0);
        // The first bucket begins before the first record, and a day on which clocks are set may have one more.
        let every = Every::fitting(span, buckets.saturating_sub(2), zone);
        let count = |least: Option<Level>| {
            self.count(&Count {
                query: Query {
                    min_level: query.min_level.max(least),
                    // What has arrived since would have buckets of its own.
                    since_ns: Some(span_ns.0),
                    until_ns: Some(span_ns.1),
                    ..query.clone()
                },
                every: Some(every),
                ..Count::default()
            })
        };
        let records = count(None)?;
        let starts_ns = records.starts_ns.clone();
        let in_buckets = |counts: &Counts| -> Vec<u64> {
            let count = |start| {
                let found = counts
                    .rows
                    .binary_search_by_key(&Some(start), |row| row.start_ns);
                found.map_or(0, |row| counts.rows[row].count)
            };
            starts_ns.iter().copied().map(count).collect()
        };
        let bad = in_buckets(&count(Some(Level::WARNING))?);
        let errors = in_buckets(&count(Some(Level::ERROR))?);
        let warnings = bad.iter().zip(&errors);
        Ok(LevelHistogram {
            every,
            warnings: warnings
                .map(|(bad, errors)| bad.saturating_sub(*errors))
                .collect(),
            errors,
            records: in_buckets(&records),
            starts_ns,
        })
    }
}

impl Overview {
    /// Levels from the lowest to the highest, or loggers from the one with most records on.
    #[must_use]
    pub fn groups(&self, by: &GroupBy) -> Vec<OverviewGroup> {
        let of = |counts: &Counts| {
            let rows = counts.summed_by(std::slice::from_ref(by)).rows.into_iter();
            rows.map(|mut row| (row.key.remove(0), row.count))
        };
        let hour: HashMap<Value, u64> = of(&self.hour).collect();
        let minute: HashMap<Value, u64> = of(&self.minute).collect();
        of(&self.all)
            .map(|(value, records)| OverviewGroup {
                last_hour: hour.get(&value).copied().unwrap_or_default(),
                last_minute: minute.get(&value).copied().unwrap_or_default(),
                value,
                records,
            })
            .collect()
    }

    /// From the oldest to the newest record, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        let (oldest, newest) = self.all.span_ns.unwrap_or_default();
        std::time::Duration::from_nanos(newest.abs_diff(oldest)).as_secs_f64()
    }
}
