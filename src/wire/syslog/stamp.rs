//! The times of syslog headers: RFC 3339, and the many forms of `Nov 22 16:20:25`.

use chrono::{DateTime, Datelike as _, NaiveDate};

use crate::time::LocalTimes;

/// A time as a header shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Often left out.
    year: Option<i32>,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    nanosecond: u32,
    /// How far that clock is ahead of UTC, in seconds; `None` for the local time of this machine.
    pub(super) ahead_s: Option<i64>,
}

/// What times are measured by.
#[derive(Debug)]
pub(super) struct Clock<'a> {
    pub(super) now_ns: i64,
    pub(super) local: &'a mut LocalTimes,
}

const MONTHS: [&[u8; 3]; 12] = [
    b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
];

const SECOND: i64 = 1_000_000_000;

impl Stamp {
    /// Takes `2026-11-22T16:20:25[.123456][Z|+01:00|+0100|+01]` off a text.
    pub(super) fn iso(text: &[u8]) -> Option<(Stamp, &[u8])> {
        let mut rest = Rest(text);
        let year = rest.number(4..=4)?;
        rest.byte(b'-')?;
        let month = rest.number(2..=2)?;
        rest.byte(b'-')?;
        let day = rest.number(2..=2)?;
        rest.byte(b'T').or_else(|| rest.byte(b't'))?;
        let mut stamp = rest.time_of_day(month, day)?;
        stamp.year = i32::try_from(year).ok();
        stamp.ahead_s = rest.offset();
        Some((stamp, rest.0))
    }

    /// Takes `Nov 22 16:20:25[.123]` off a text, with a year first, between or last.
    pub(super) fn bsd(text: &[u8]) -> Option<(Stamp, &[u8])> {
        let mut rest = Rest(text);
        let mut year = rest.year_and(b' ');
        let name = rest
            .0
            .first_chunk::<3>()?
            .map(|byte| byte.to_ascii_lowercase());
        let month = MONTHS.iter().position(|month| **month == name)?;
        rest.0 = &rest.0[3..];
        rest.byte(b' ')?;
        let _ = rest.byte(b' ');
        let day = rest.number(1..=2)?;
        rest.byte(b' ')?;
        year = year.or_else(|| rest.year_and(b' '));
        let mut stamp = rest.time_of_day(u32::try_from(month).ok()? + 1, day)?;
        if year.is_none() {
            let mut behind = Rest(rest.0);
            // Hosts may begin like a year: `74794bfb6795`.
            let last = behind.byte(b' ').and_then(|()| behind.year());
            if last.is_some() && matches!(behind.0.first(), None | Some(b' ' | b':')) {
                (year, rest) = (last, behind);
            }
        }
        stamp.year = year;
        Some((stamp, rest.0))
    }

    /// The moment, in nanoseconds since the Unix epoch: that of the year which brings it nearest to now when it names none. `None`
    /// for a day that the calendar does not have, and outside of the years 1677 to 2262.
    pub(super) fn moment(&self, clock: &mut Clock<'_>) -> Option<i64> {
        let now_s = clock.now_ns.div_euclid(SECOND);
        let shown_s = if let Some(year) = self.year {
            self.seconds(year)?
        } else {
            let this_year = DateTime::from_timestamp_nanos(clock.now_ns).year();
            let years = this_year - 1..=this_year + 1;
            let shown = years.filter_map(|year| self.seconds(year));
            shown.min_by_key(|shown_s| shown_s.abs_diff(now_s))?
        };
        let utc_s = match self.ahead_s {
            Some(ahead_s) => shown_s - ahead_s,
            None => clock.local.moment(shown_s, now_s)?,
        };
        utc_s
            .checked_mul(SECOND)?
            .checked_add(self.nanosecond.into())
    }

    /// Seconds since the epoch, as if it were UTC. A leap second is the next one.
    fn seconds(&self, year: i32) -> Option<i64> {
        let day = NaiveDate::from_ymd_opt(year, self.month, self.day)?;
        let midnight = i64::from(day.to_epoch_days()) * 86_400;
        let seconds = (self.hour * 60 + self.minute) * 60 + self.second;
        let valid = self.hour < 24 && self.minute < 60 && self.second <= 60;
        valid.then_some(midnight + i64::from(seconds))
    }
}

/// What of a text has not been read yet.
#[derive(Debug, Clone, Copy)]
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn byte(&mut self, byte: u8) -> Option<()> {
        let (first, behind) = self.0.split_first()?;
        (*first == byte).then(|| self.0 = behind)
    }

    /// A number of so many digits; a digit more is left to trip over.
    fn number(&mut self, digits: std::ops::RangeInclusive<usize>) -> Option<u32> {
        let most = self.0.len().min(*digits.end());
        let found = self.0[..most]
            .iter()
            .take_while(|byte| byte.is_ascii_digit());
        let found = found.count();
        if found < *digits.start() {
            return None;
        }
        let (number, behind) = self.0.split_at(found);
        self.0 = behind;
        Some(
            number
                .iter()
                .fold(0, |number, digit| number * 10 + u32::from(digit - b'0')),
        )
    }

    fn year(&mut self) -> Option<i32> {
        let year = self
            .number(4..=4)
            .filter(|year| (1970..2100).contains(year))?;
        i32::try_from(year).ok()
    }

    /// A year and what has to stand behind it; else nothing is read.
    fn year_and(&mut self, behind: u8) -> Option<i32> {
        let mut rest = *self;
        let year = rest.year()?;
        rest.byte(behind)?;
        *self = rest;
        Some(year)
    }

    /// `16:20:25[.123]` of this day, without a year.
    fn time_of_day(&mut self, month: u32, day: u32) -> Option<Stamp> {
        let hour = self.number(1..=2)?;
        self.byte(b':')?;
        let minute = self.number(2..=2)?;
        self.byte(b':')?;
        let second = self.number(2..=2)?;
        let mut nanosecond = 0;
        if let [b'.', b'0'..=b'9', ..] = self.0 {
            let behind = &self.0[1..];
            let digits = behind
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            let kept = &behind[..digits.min(9)];
            let number = kept
                .iter()
                .fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
            nanosecond = (kept.len()..9).fold(number, |number, _| number * 10);
            self.0 = &behind[digits..];
        }
        Some(Stamp {
            year: None,
            month,
            day,
            hour,
            minute,
            second,
            nanosecond,
            ahead_s: None,
        })
    }

    /// An offset in seconds; `None` when there is none, and nothing is read then.
    fn offset(&mut self) -> Option<i64> {
        let (sign, behind) = self.0.split_first()?;
        let sign = match sign {
            b'Z' | b'z' => {
                self.0 = behind;
                return Some(0);
            }
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let mut rest = Rest(behind);
        let hours = rest.number(2..=2)?;
        let colon = rest.byte(b':').is_some();
        let minutes = match rest.number(2..=2) {
            None if colon => return None,
            minutes => minutes.unwrap_or(0),
        };
        if hours > 23 || minutes > 59 {
            return None;
        }
        *self = Rest(rest.0);
        Some(sign * i64::from(hours * 3600 + minutes * 60))
    }
}
