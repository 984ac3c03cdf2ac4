//! Days and times of day, as moments in a zone that may skip or repeat hours.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use chrono::{Timelike as _, Utc};

/// Nanoseconds of a second.
pub(super) const SECOND: i128 = 1_000_000_000;

/// Which end of a range a text stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    /// The first moment that the text can mean.
    Since,
    /// The last.
    Until,
}

/// The day in this zone on which a moment falls.
pub(super) fn day_of<Z: TimeZone>(ns: i64, zone: &Z) -> NaiveDate {
    DateTime::from_timestamp_nanos(ns)
        .with_timezone(zone)
        .date_naive()
}

/// The first or the last nanosecond of a day. `None` where the calendar ends.
pub(super) fn whole_day<Z: TimeZone>(day: NaiveDate, zone: &Z, edge: Edge) -> Option<i128> {
    let midnight = |day: NaiveDate| moment(day.and_time(NaiveTime::MIN), zone, Edge::Since);
    match edge {
        Edge::Since => midnight(day),
        Edge::Until => Some(midnight(day.succ_opt()?)? - 1),
    }
}

/// When a clock in this zone shows this. An hour that comes twice is taken from its first start or to its last end; for a
/// time that is skipped it is the moment when the clock is set.
pub(super) fn moment<Z: TimeZone>(shown: NaiveDateTime, zone: &Z, edge: Edge) -> Option<i128> {
    exact(shown, zone, edge).or_else(|| after_gap(shown, zone))
}

/// When a clock in this zone really shows this. `chrono` takes the moment at which a clock is set back for one that shows the
/// time that it no longer reaches, so each candidate is checked.
fn exact<Z: TimeZone>(shown: NaiveDateTime, zone: &Z, edge: Edge) -> Option<i128> {
    let found = zone.from_local_datetime(&shown);
    let candidates = [found.clone().earliest(), found.latest()];
    let valid = candidates
        .into_iter()
        .flatten()
        .map(|at| at.to_utc())
        .filter(|at| at.with_timezone(zone).naive_local() == shown);
    let at = match edge {
        Edge::Since => valid.min(),
        Edge::Until => valid.max(),
    };
    Some(nanoseconds(&at?))
}

/// The first valid moment after a time that is skipped. Clocks are set at whole minutes, and Samoa once skipped a whole day.
fn after_gap<Z: TimeZone>(shown: NaiveDateTime, zone: &Z) -> Option<i128> {
    let mut shown = shown.with_nanosecond(0)?.with_second(0)?;
    for _ in 0..=25 * 60 {
        shown = shown.checked_add_signed(TimeDelta::minutes(1))?;
        if let Some(ns) = exact(shown, zone, Edge::Since) {
            return Some(ns);
        }
    }
    None
}

/// Nanoseconds since the epoch, of years that 64 bits do not reach too.
pub(super) fn nanoseconds(at: &DateTime<Utc>) -> i128 {
    i128::from(at.timestamp()) * SECOND + i128::from(at.timestamp_subsec_nanos())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use chrono::{FixedOffset, MappedLocalTime, Offset};

    /// A zone one hour ahead of UTC, two hours from the first moment to the second, as Local may be.
    #[derive(Debug, Clone)]
    pub(in crate::time) struct Summer(NaiveDateTime, NaiveDateTime);

    impl Summer {
        fn offset(hours: i32) -> FixedOffset {
            FixedOffset::east_opt(hours * 3600).unwrap()
        }
    }

    impl TimeZone for Summer {
        type Offset = FixedOffset;

        fn from_offset(_: &FixedOffset) -> Self {
            unreachable!("nothing here goes from an offset to its zone")
        }

        fn offset_from_local_date(&self, _: &NaiveDate) -> MappedLocalTime<FixedOffset> {
            unreachable!("superseded by offset_from_local_datetime")
        }

        fn offset_from_local_datetime(&self, at: &NaiveDateTime) -> MappedLocalTime<FixedOffset> {
            let valid = |hours| {
                let offset = Summer::offset(hours);
                let utc = *at - offset.fix();
                // As Local does, the moment when the clock is set counts on both sides.
                let edge = utc == self.1 && hours == 2;
                (edge || self.offset_from_utc_datetime(&utc) == offset).then_some(offset)
            };
            match (valid(2), valid(1)) {
                (Some(a), Some(b)) => MappedLocalTime::Ambiguous(a, b),
                (Some(a), None) | (None, Some(a)) => MappedLocalTime::Single(a),
                (None, None) => MappedLocalTime::None,
            }
        }

        fn offset_from_utc_date(&self, _: &NaiveDate) -> FixedOffset {
            unreachable!("superseded by offset_from_utc_datetime")
        }

        fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> FixedOffset {
            Summer::offset(if (self.0..self.1).contains(utc) { 2 } else { 1 })
        }
    }

    pub(in crate::time) fn at(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    /// Clocks go from 02:00 to 03:00 on 29 March and from 03:00 back to 02:00 on 25 October.
    pub(in crate::time) fn europe() -> Summer {
        Summer(at("2026-03-29T01:00:00"), at("2026-10-25T01:00:00"))
    }

    fn ns(utc: &str) -> i128 {
        nanoseconds(&at(utc).and_utc())
    }

    #[test]
    fn a_day_on_which_clocks_are_set_has_another_length() {
        let hours = |day: &str| {
            let day = day.parse().unwrap();
            let end = whole_day(day, &europe(), Edge::Until).unwrap();
            (end + 1 - whole_day(day, &europe(), Edge::Since).unwrap()) / (3600 * SECOND)
        };
        assert_eq!(
            (
                hours("2026-03-28"),
                hours("2026-03-29"),
                hours("2026-10-25")
            ),
            (24, 23, 25)
        );
    }

    #[test]
    fn a_skipped_time_is_the_moment_when_the_clock_is_set() {
        for edge in [Edge::Since, Edge::Until] {
            let found = moment(at("2026-03-29T02:30:17.5"), &europe(), edge);
            assert_eq!(found, Some(ns("2026-03-29T01:00:00")));
        }
    }

    #[test]
    fn a_skipped_midnight_is_the_first_moment_of_its_day() {
        let brazil = Summer(at("2026-10-17T23:00:00"), at("2027-02-20T22:00:00"));
        let day = "2026-10-18".parse().unwrap();
        assert_eq!(
            whole_day(day, &brazil, Edge::Since),
            Some(ns("2026-10-17T23:00:00"))
        );
    }

    #[test]
    fn a_day_whose_last_hour_comes_twice_ends_after_the_second() {
        let brazil = Summer(at("2026-10-17T23:00:00"), at("2027-02-20T22:00:00"));
        let day = "2027-02-20".parse().unwrap();
        let end = whole_day(day, &brazil, Edge::Until).map(|end| end + 1);
        assert_eq!(end, Some(ns("2027-02-20T23:00:00")));
    }

    #[test]
    fn a_repeated_time_is_read_generously() {
        let shown = at("2026-10-25T02:30:00");
        assert_eq!(
            moment(shown, &europe(), Edge::Since),
            Some(ns("2026-10-25T00:30:00"))
        );
        assert_eq!(
            moment(shown, &europe(), Edge::Until),
            Some(ns("2026-10-25T01:30:00"))
        );
    }
}
