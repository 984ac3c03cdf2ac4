//! Buckets of time: all moments of one hour, of one day, of one week.

use std::fmt;

use chrono::{Datelike as _, Days, NaiveDate, TimeZone};

use super::calendar::{Edge, day_of, whole_day};
use super::duration::display_duration;
use super::{Zone, in_zone};
use crate::error::QueryError;

const MILLISECOND: i64 = 1_000_000;
const SECOND: i64 = 1_000 * MILLISECOND;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;

/// Widths that people think in.
const ROUND: [i64; 28] = [
    MILLISECOND,
    2 * MILLISECOND,
    5 * MILLISECOND,
    10 * MILLISECOND,
    20 * MILLISECOND,
    50 * MILLISECOND,
    100 * MILLISECOND,
    200 * MILLISECOND,
    500 * MILLISECOND,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
];

/// Time cut into buckets of one width.
///
/// Buckets of less than a day are counted from each midnight of the zone, so that they lie on its clock whatever its offset; where
/// the width does not divide the day, the last one is shorter. Buckets of whole days go from midnight to midnight, also on a day on
/// which clocks are set; several days are counted from a Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Every {
    width_ns: i64,
    zone: Zone,
}

impl Every {
    /// Buckets of this many nanoseconds, on the clock of this zone.
    ///
    /// # Errors
    ///
    /// [`QueryError::Every`] for less than a millisecond, and for more than a day that is not whole days.
    pub fn new(width_ns: i64, zone: Zone) -> Result<Self, QueryError> {
        let reason = if width_ns < MILLISECOND {
            "it is less than a millisecond"
        } else if width_ns > DAY && width_ns % DAY != 0 {
            "it is more than a day, and not whole days"
        } else {
            return Ok(Every { width_ns, zone });
        };
        Err(QueryError::Every { width_ns, reason })
    }

    /// The narrowest round buckets of which at most so many, and one that is begun, cover a span of this many nanoseconds.
    #[must_use]
    pub fn fitting(span_ns: u64, buckets: usize, zone: Zone) -> Self {
        let least = span_ns.div_ceil(buckets.max(1) as u64);
        let least = i64::try_from(least).unwrap_or(i64::MAX);
        let weeks = least / WEEK + i64::from(least % WEEK > 0);
        let width_ns = match ROUND.iter().find(|width| **width >= least) {
            Some(width) => *width,
            None => weeks.min(i64::MAX / WEEK) * WEEK,
        };
        Every { width_ns, zone }
    }

    /// The width of a bucket, in nanoseconds. A day on which clocks are set is longer or shorter.
    #[must_use]
    pub fn width_ns(self) -> i64 {
        self.width_ns
    }

    /// Whose midnights count.
    #[must_use]
    pub fn zone(self) -> Zone {
        self.zone
    }

    /// The day on which a moment falls, or the run of days that is a bucket: its first and its last nanosecond.
    fn days_around(self, ns: i64) -> (i64, i64) {
        in_zone!(self.zone, clock => self.days_in(ns, clock))
    }

    fn days_in<Z: TimeZone>(self, ns: i64, zone: &Z) -> (i64, i64) {
        let day = day_of(ns, zone);
        let days = (self.width_ns / DAY).max(1);
        // Day 1 of the common era was a Monday.
        let into = i64::from(day.num_days_from_ce() - 1).rem_euclid(days);
        let first = moved(day, -into);
        let edge = |day: Option<NaiveDate>, edge, end: i64| {
            let ns = day.and_then(|day| whole_day(day, zone, edge));
            // The first and the last bucket end where 64 bits do.
            ns.and_then(|ns| i64::try_from(ns).ok()).unwrap_or(end)
        };
        let last = first.and_then(|first| moved(first, days - 1));
        (
            edge(first, Edge::Since, i64::MIN),
            edge(last, Edge::Until, i64::MAX),
        )
    }
}

fn moved(day: NaiveDate, days: i64) -> Option<NaiveDate> {
    let by = Days::new(days.unsigned_abs());
    if days < 0 {
        day.checked_sub_days(by)
    } else {
        day.checked_add_days(by)
    }
}

/// The width: `5m`, `1h 30m`.
impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&display_duration(self.width_ns))
    }
}

/// Finds the buckets of moments. The day of the last one is kept, since its neighbours share it, and finding a midnight takes a
/// look into the rules of the zone.
#[derive(Debug)]
pub(crate) struct Buckets {
    every: Every,
    /// First and last nanosecond of that day or run of days.
    days: Option<(i64, i64)>,
}

impl Buckets {
    pub(crate) fn new(every: Every) -> Self {
        Buckets { every, days: None }
    }

    /// The first nanosecond of the bucket that a moment falls into.
    pub(crate) fn start_of(&mut self, ns: i64) -> i64 {
        let (first, _) = self.days(ns);
        if self.every.width_ns >= DAY {
            return first;
        }
        ns - (ns - first) % self.every.width_ns
    }

    /// As [`Buckets::starts`], when there are few of them.
    pub(crate) fn few_starts(&mut self, from_ns: i64, to_ns: i64) -> Option<Vec<i64>> {
        const FEW: u64 = 1 << 10;
        let few = to_ns.abs_diff(from_ns) / self.every.width_ns.unsigned_abs() < FEW;
        few.then(|| self.starts(from_ns, to_ns))
    }

    /// The first nanoseconds of all buckets from that of one moment to that of a later one.
    pub(crate) fn starts(&mut self, from_ns: i64, to_ns: i64) -> Vec<i64> {
        let mut starts = Vec::new();
        let mut next = Some(from_ns);
        while let Some(ns) = next.filter(|ns| *ns <= to_ns) {
            let start = self.start_of(ns);
            starts.push(start);
            let (_, last) = self.days(ns);
            let end = if self.every.width_ns >= DAY {
                None
            } else {
                start.checked_add(self.every.width_ns)
            };
            next = end.filter(|end| *end <= last).or(last.checked_add(1));
        }
        starts
    }

    fn days(&mut self, ns: i64) -> (i64, i64) {
        match self.days {
            Some(days) if (days.0..=days.1).contains(&ns) => days,
            _ => *self.days.insert(self.every.days_around(ns)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::calendar::tests::{at, europe};
    use super::super::rfc3339_utc;
    use super::*;

    fn every(width_ns: i64) -> Every {
        Every::new(width_ns, Zone::Utc).unwrap()
    }

    fn ns(text: &str) -> i64 {
        at(text).and_utc().timestamp_nanos_opt().unwrap()
    }

    /// Where the bucket of this moment begins, without its fraction of a second.
    fn start(width_ns: i64, text: &str) -> String {
        rfc3339_utc(Buckets::new(every(width_ns)).start_of(ns(text)))[..19].to_owned()
    }

    #[test]
    fn a_bucket_begins_on_the_clock() {
        for (width, expected) in [
            (MINUTE, "2026-11-22T16:20:00"),
            (HOUR, "2026-11-22T16:00:00"),
            (6 * HOUR, "2026-11-22T12:00:00"),
            (7 * HOUR, "2026-11-22T14:00:00"),
            (DAY, "2026-11-22T00:00:00"),
            (WEEK, "2026-11-16T00:00:00"),
        ] {
            assert_eq!(start(width, "2026-11-22T16:20:25.5"), expected);
        }
        assert_eq!(start(WEEK, "2026-11-23T00:00:00"), "2026-11-23T00:00:00");
        assert_eq!(start(WEEK, "1969-12-31T12:00:00"), "1969-12-29T00:00:00");
    }

    #[test]
    fn a_day_on_which_clocks_are_set_is_one_bucket() {
        let day = |text: &str| {
            let (first, last) = every(DAY).days_in(ns(text), &europe());
            (first, last + 1)
        };
        let hours = [ns("2026-10-24T22:00:00"), ns("2026-10-25T23:00:00")];
        assert_eq!(day("2026-10-25T22:30:00"), hours.into());
        assert_eq!(day("2026-10-25T23:00:00").0, hours[1]);
    }

    #[test]
    fn all_starts_are_listed_and_the_last_bucket_of_a_day_may_be_short() {
        let mut buckets = Buckets::new(every(7 * HOUR));
        let starts = buckets.starts(ns("2026-11-22T20:00:00"), ns("2026-11-23T00:00:00"));
        let expected = [
            ns("2026-11-22T14:00:00"),
            ns("2026-11-22T21:00:00"),
            ns("2026-11-23T00:00:00"),
        ];
        assert_eq!(starts, expected);
        let mut weeks = Buckets::new(every(WEEK));
        assert_eq!(weeks.starts(0, 3 * WEEK).len(), 4);
    }

    #[test]
    fn the_ends_of_time_have_buckets_too() {
        for width in [MILLISECOND, HOUR, DAY, 106_751 * DAY] {
            let mut buckets = Buckets::new(Every::new(width, Zone::Local).unwrap());
            for ns in [i64::MIN, -1, 0, i64::MAX] {
                assert!(buckets.start_of(ns) <= ns);
                assert_eq!(buckets.starts(ns, ns).len(), 1);
            }
        }
    }

    #[test]
    fn widths_that_make_no_sense_are_refused() {
        for width in [i64::MIN, 0, 999_999, DAY + 1, 36 * HOUR] {
            assert!(Every::new(width, Zone::Utc).is_err(), "{width}");
        }
    }

    #[test]
    fn a_fitting_width_is_round_and_wide_enough() {
        let fitting = |span, buckets| Every::fitting(span, buckets, Zone::Utc).to_string();
        assert_eq!(fitting(0, 10), "1ms");
        assert_eq!(fitting(86_400_000_000_000, 100), "15m");
        assert_eq!(fitting(31_536_000_000_000_000, 100), "1w");
        assert_eq!(fitting(u64::MAX, 100), "306w");
        for buckets in [0, 1, 2, 7] {
            let every = Every::fitting(u64::MAX, buckets, Zone::Utc);
            assert!(Every::new(every.width_ns(), Zone::Utc).is_ok());
        }
    }

    proptest::proptest! {
        #[test]
        fn buckets_follow_one_another(from in -1_i64 << 61..1 << 61, span in 0..400 * DAY, hours in 1..30_i64) {
            let width = if hours > 24 { (hours - 23) * DAY } else { hours * HOUR };
            let mut buckets = Buckets::new(every(width));
            let starts = buckets.starts(from, from + span);
            proptest::prop_assert!(starts.is_sorted_by(|a, b| a < b));
            proptest::prop_assert_eq!(starts[0], buckets.start_of(from));
            proptest::prop_assert_eq!(starts[starts.len() - 1], buckets.start_of(from + span));
            for pair in starts.windows(2) {
                proptest::prop_assert_eq!(buckets.start_of(pair[1]), pair[1]);
                proptest::prop_assert_eq!(buckets.start_of(pair[1] - 1), pair[0]);
            }
        }
    }
}
