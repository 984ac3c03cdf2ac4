//! Times that a local clock showed, one after the other.

use chrono::{DateTime, Local, TimeZone};

use super::calendar::{Edge, SECOND, moment};

/// How long the distance to UTC may be kept, in seconds: clocks are set at whole quarters of an hour.
const QUARTER: i64 = 900;

/// Gives the moments of local times. Neighbours share their distance to UTC, so it is kept: looking it up costs more than reading
/// the time.
#[derive(Debug, Default)]
pub(crate) struct LocalTimes {
    known: Option<Known>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    /// The quarter of an hour, as it was shown.
    quarter: i64,
    /// How far the clock is ahead of UTC in it, in seconds: two answers in an hour that comes twice.
    ahead: [i64; 2],
}

impl LocalTimes {
    /// When the clock of this machine showed what UTC shows at `shown_s`, in seconds since the Unix epoch: of an hour that comes
    /// twice the moment nearer to `now_s`. `None` where the calendar ends.
    pub(crate) fn moment(&mut self, shown_s: i64, now_s: i64) -> Option<i64> {
        self.moment_in(&Local, shown_s, now_s)
    }

    fn moment_in<Z: TimeZone>(&mut self, zone: &Z, shown_s: i64, now_s: i64) -> Option<i64> {
        let quarter = shown_s.div_euclid(QUARTER);
        let known = match self.known.filter(|known| known.quarter == quarter) {
            Some(known) => known,
            None => *self.known.insert(Known::look_up(zone, quarter)?),
        };
        let moments = known.ahead.map(|ahead| shown_s - ahead);
        moments.into_iter().min_by_key(|at| at.abs_diff(now_s))
    }
}

impl Known {
    fn look_up<Z: TimeZone>(zone: &Z, quarter: i64) -> Option<Known> {
        let start_s = quarter * QUARTER;
        let shown = DateTime::from_timestamp(start_s, 0)?.naive_utc();
        let ahead = |edge| {
            let utc_s = moment(shown, zone, edge)?.div_euclid(SECOND);
            Some(start_s - i64::try_from(utc_s).ok()?)
        };
        Some(Known {
            quarter,
            ahead: [ahead(Edge::Since)?, ahead(Edge::Until)?],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::calendar::tests::{at, europe};
    use super::*;

    fn s(text: &str) -> i64 {
        at(text).and_utc().timestamp()
    }

    #[test]
    fn times_of_summer_and_winter_follow_each_other() {
        let mut times = LocalTimes::default();
        for (shown, now, utc) in [
            (
                "2026-01-01T12:00:01",
                "2026-01-01T11:00:01",
                "2026-01-01T11:00:01",
            ),
            (
                "2026-01-01T12:14:59",
                "2026-01-01T11:00:01",
                "2026-01-01T11:14:59",
            ),
            (
                "2026-07-01T12:00:00",
                "2026-01-01T11:00:01",
                "2026-07-01T10:00:00",
            ),
            (
                "2026-01-01T00:00:00",
                "2026-01-01T11:00:01",
                "2025-12-31T23:00:00",
            ),
        ] {
            let moment = times.moment_in(&europe(), s(shown), s(now));
            assert_eq!(moment, Some(s(utc)), "{shown}");
        }
    }

    #[test]
    fn of_an_hour_that_comes_twice_the_nearer_one_is_meant() {
        let mut times = LocalTimes::default();
        let mut moment = |now| times.moment_in(&europe(), s("2026-10-25T02:30:10"), s(now));
        assert_eq!(
            moment("2026-10-25T00:30:11"),
            Some(s("2026-10-25T00:30:10"))
        );
        assert_eq!(
            moment("2026-10-25T01:30:11"),
            Some(s("2026-10-25T01:30:10"))
        );
    }

    #[test]
    fn a_time_that_no_clock_shows_is_near_the_moment_when_it_is_set() {
        let moment = LocalTimes::default().moment_in(&europe(), s("2026-03-29T02:30:10"), 0);
        assert_eq!(moment, Some(s("2026-03-29T01:00:10")));
    }
}
