//! How moments are shown.

use std::fmt::Write as _;

use chrono::format::{Item, StrftimeItems};
use chrono::{DateTime, Datelike as _, FixedOffset, Offset as _, Timelike as _, Utc};

use super::{Zone, in_zone};

/// RFC 3339 in UTC with nanoseconds: `2026-11-22T16:20:25.123456789Z`.
#[must_use]
pub fn rfc3339_utc(ns: i64) -> String {
    let mut out = Vec::with_capacity(30);
    put_rfc3339_utc(ns, &mut out);
    into_text(out)
}

/// Appends what [`rfc3339_utc`] gives.
pub fn put_rfc3339_utc(ns: i64, out: &mut Vec<u8>) {
    let at = DateTime::from_timestamp_nanos(ns);
    put_seconds(&at.fixed_offset(), b'T', out);
    out.push(b'.');
    put_digits(at.nanosecond(), 9, out);
    out.push(b'Z');
}

/// For people: milliseconds and the offset, `2026-11-22 17:20:25.123+01:00`, or `…Z` for UTC.
#[must_use]
pub fn display_time(ns: i64, zone: Zone) -> String {
    let mut out = Vec::with_capacity(32);
    Clock::new(zone).put_display(ns, &mut out);
    into_text(out)
}

/// As Python's `logging.Formatter` shows `%(asctime)s`: `2026-11-22 17:20:25,123`. Milliseconds are cut off, as Python 3.13 and
/// later do; earlier ones cut a float and may show one less.
#[must_use]
pub fn asctime(ns: i64, zone: Zone) -> String {
    let mut out = Vec::with_capacity(32);
    Clock::new(zone).put_asctime(ns, &mut out);
    into_text(out)
}

fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("times are written in ASCII")
}

/// How long an offset may be kept, in seconds: clocks are set at whole quarters of an hour.
const QUARTER: i64 = 900;

/// Shows moments one after the other. Neighbours share their second and their offset, so both are kept: looking up a local
/// offset costs more than writing a line.
#[derive(Debug)]
pub(crate) struct Clock {
    zone: Zone,
    /// The quarter of an hour that `offset` is for.
    quarter: Option<i64>,
    offset: FixedOffset,
    /// The second that `text` shows.
    second: Option<i64>,
    /// `2026-11-22 17:20:25`
    text: Vec<u8>,
}

impl Clock {
    pub(crate) fn new(zone: Zone) -> Self {
        let offset = Utc.fix();
        Clock {
            zone,
            quarter: None,
            offset,
            second: None,
            text: Vec::with_capacity(19),
        }
    }

    /// As [`display_time`] shows it.
    pub(crate) fn put_display(&mut self, ns: i64, out: &mut Vec<u8>) {
        self.put_second(ns, out);
        out.push(b'.');
        put_digits(millisecond(ns), 3, out);
        match self.zone {
            Zone::Utc => out.push(b'Z'),
            _ => put_offset(self.offset.local_minus_utc(), out),
        }
    }

    /// As [`asctime`] shows it.
    pub(crate) fn put_asctime(&mut self, ns: i64, out: &mut Vec<u8>) {
        self.put_second(ns, out);
        out.push(b',');
        put_digits(millisecond(ns), 3, out);
    }

    /// As `strftime` shows it.
    pub(crate) fn put_formatted(&mut self, ns: i64, datefmt: &Datefmt, out: &mut String) {
        let shown = self.local(ns).format_with_items(datefmt.items.iter());
        write!(out, "{shown}").expect("the items were tried when the format was read");
    }

    fn put_second(&mut self, ns: i64, out: &mut Vec<u8>) {
        let second = ns.div_euclid(1_000_000_000);
        if self.second != Some(second) {
            let local = self.local(ns);
            self.text.clear();
            put_seconds(&local, b' ', &mut self.text);
            self.second = Some(second);
        }
        out.extend_from_slice(&self.text);
    }

    fn local(&mut self, ns: i64) -> DateTime<FixedOffset> {
        let utc = DateTime::from_timestamp_nanos(ns);
        let quarter = utc.timestamp().div_euclid(QUARTER);
        if self.quarter != Some(quarter) {
            self.offset = in_zone!(self.zone, clock => utc.with_timezone(clock).offset().fix());
            self.quarter = Some(quarter);
        }
        utc.with_timezone(&self.offset)
    }
}

/// A `strftime` format that was tried.
#[derive(Debug)]
pub(crate) struct Datefmt {
    items: Vec<Item<'static>>,
}

impl Datefmt {
    /// `None` when there is a conversion in it that is not known.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let items = StrftimeItems::new(text).parse_to_owned().ok()?;
        let mut tried = String::new();
        let shown = DateTime::UNIX_EPOCH
            .fixed_offset()
            .format_with_items(items.iter());
        write!(tried, "{shown}").ok()?;
        Some(Datefmt { items })
    }
}

fn millisecond(ns: i64) -> u32 {
    u32::try_from(ns.rem_euclid(1_000_000_000) / 1_000_000).expect("less than 1,000")
}

/// `2026-11-22 17:20:25` with this between day and time.
fn put_seconds(at: &DateTime<FixedOffset>, between: u8, out: &mut Vec<u8>) {
    put_digits(at.year().unsigned_abs(), 4, out);
    for (before, number) in [
        (b'-', at.month()),
        (b'-', at.day()),
        (between, at.hour()),
        (b':', at.minute()),
        (b':', at.second()),
    ] {
        out.push(before);
        put_digits(number, 2, out);
    }
}

/// `+01:00`; seconds, which local mean times of old had, are left out.
fn put_offset(ahead_s: i32, out: &mut Vec<u8>) {
    out.push(if ahead_s < 0 { b'-' } else { b'+' });
    let minutes = ahead_s.unsigned_abs() / 60;
    put_digits(minutes / 60, 2, out);
    out.push(b':');
    put_digits(minutes % 60, 2, out);
}

/// The last so many decimal digits of a number.
fn put_digits(mut number: u32, digits: usize, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + digits, b'0');
    for place in out[start..].iter_mut().rev() {
        *place += u8::try_from(number % 10).expect("a digit");
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Local;

    /// 2026-11-22 16:20:25.123456789 UTC.
    const AT: i64 = 1_795_364_425_123_456_789;

    #[test]
    fn a_moment_is_shown_in_every_form() {
        assert_eq!(rfc3339_utc(AT), "2026-11-22T16:20:25.123456789Z");
        assert_eq!(display_time(AT, Zone::Utc), "2026-11-22 16:20:25.123Z");
        assert_eq!(asctime(AT, Zone::Utc), "2026-11-22 16:20:25,123");
        assert_eq!(rfc3339_utc(i64::MIN), "1677-09-21T00:12:43.145224192Z");
        assert_eq!(rfc3339_utc(i64::MAX), "2262-04-11T23:47:16.854775807Z");
        assert_eq!(asctime(-1, Zone::Utc), "1969-12-31 23:59:59,999");
    }

    #[test]
    fn local_times_are_those_of_the_system() {
        for hours in 0..9_000 {
            let ns = AT + hours * 3_600_000_000_000;
            let local = DateTime::from_timestamp_nanos(ns).with_timezone(&Local);
            let expected = local.format("%Y-%m-%d %H:%M:%S%.3f%:z").to_string();
            assert_eq!(display_time(ns, Zone::Local), expected);
        }
    }

    #[test]
    fn a_clock_that_goes_on_shows_the_same_as_a_new_one() {
        let mut clock = Clock::new(Zone::Local);
        for step in 0..5_000 {
            let ns = AT + (step * step % 977) * 77_000_000_000 + step * 1_000_003;
            let mut out = Vec::new();
            clock.put_display(ns, &mut out);
            assert_eq!(
                String::from_utf8(out).unwrap(),
                display_time(ns, Zone::Local)
            );
        }
    }

    #[test]
    fn an_offset_has_hours_and_minutes() {
        for (seconds, expected) in [(3600, "+01:00"), (-12_600, "-03:30"), (0, "+00:00")] {
            let mut out = Vec::new();
            put_offset(seconds, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn a_date_format_is_tried_before_it_is_used() {
        let mut out = String::new();
        let iso = Datefmt::new("%Y-%m-%dT%H:%M:%S").unwrap();
        Clock::new(Zone::Utc).put_formatted(AT, &iso, &mut out);
        assert_eq!(out, "2026-11-22T16:20:25");
        assert!(Datefmt::new("%Q").is_none());
        assert!(Datefmt::new("%").is_none());
    }
}
