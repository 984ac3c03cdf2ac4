//! Times as people write them: calendar times, durations ago, epoch numbers.

use chrono::{NaiveDate, NaiveTime, TimeZone, Utc};

use super::calendar::{Edge, SECOND, day_of, moment, whole_day};
use super::duration::{Fault, OUT_OF_RANGE, fault, length, nanos, parsed, scaled};
use super::{Zone, in_zone};
use crate::error::QueryError;

/// The moment from which on records are wanted, in nanoseconds since the Unix epoch.
///
/// Takes RFC 3339, `2026-11-22[ 16:20[:25[.123]]]`, `16:20[:25]` (today), `today`, `yesterday`, `now`, a duration ago (`1h`,
/// `-1h30m`, `30 min ago`) or ahead (`+1h`), and seconds, milliseconds, microseconds or nanoseconds since the epoch, told apart
/// by their size; a number that looks like a year or like 20261122 is none of them. A day without a time begins at its midnight in `zone`.
///
/// # Errors
///
/// [`QueryError::Time`] when the text is none of these or its moment lies outside of the years 1677 to 2262.
///
/// ```
/// use logstore::{Zone, parse_since};
///
/// assert_eq!(parse_since("1970-01-02", 0, Zone::Utc)?, 86_400_000_000_000);
/// assert_eq!(parse_since("2 min ago", 180_000_000_000, Zone::Utc)?, 60_000_000_000);
/// # Ok::<(), logstore::QueryError>(())
/// ```
pub fn parse_since(text: &str, now_ns: i64, zone: Zone) -> Result<i64, QueryError> {
    bound(text, now_ns, zone, Edge::Since)
}

/// The last moment up to which records are wanted, itself included, in nanoseconds since the Unix epoch.
///
/// Takes what [`parse_since`] takes. A day without a time ends with its last nanosecond.
///
/// # Errors
///
/// As [`parse_since`].
pub fn parse_until(text: &str, now_ns: i64, zone: Zone) -> Result<i64, QueryError> {
    bound(text, now_ns, zone, Edge::Until)
}

fn bound(text: &str, now_ns: i64, zone: Zone, edge: Edge) -> Result<i64, QueryError> {
    let begin = text.len() - text.trim_start().len();
    // Python's logging writes milliseconds behind a comma. Nothing moves, so that a place is that of the text as it was given.
    let read_text = text.trim().to_ascii_lowercase().replace(',', ".");
    in_zone!(zone, clock => read(&read_text, now_ns, clock, edge))
        .and_then(|ns| i64::try_from(ns).map_err(|_| fault(&read_text, OUT_OF_RANGE)))
        .map_err(|fault| QueryError::Time {
            text: text.to_owned(),
            at: begin + (fault.part.as_ptr().addr() - read_text.as_ptr().addr()),
            reason: fault.reason,
        })
}

const NO_FORM: &str = "it is none of the known forms";

/// Reads a text in lower case, without white space at its ends.
fn read<'t, Z: TimeZone>(
    text: &'t str,
    now_ns: i64,
    zone: &Z,
    edge: Edge,
) -> Result<i128, Fault<'t>> {
    if text.is_empty() {
        return Err(fault(text, "it is empty"));
    }
    if text == "now" {
        return Ok(now_ns.into());
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let after = unsigned.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    if after.len() < unsigned.len() {
        if after.trim_start().starts_with(char::is_alphabetic) {
            let ahead = text.starts_with('+');
            let before = unsigned.strip_suffix("ago");
            if let (true, Some(before)) = (ahead, before) {
                let reason = "it is ahead and ago at once";
                return Err(fault(&unsigned[before.len()..], reason));
            }
            let length = length(before.unwrap_or(unsigned))?;
            let now = i128::from(now_ns);
            return Ok(if ahead { now + length } else { now - length });
        }
        if after.is_empty() && unsigned.len() == text.len() {
            return epoch(text);
        }
        if after.is_empty() {
            let reason = "a duration needs a unit, such as s, m, h or d";
            return Err(fault(after, reason));
        }
    }
    calendar(text, now_ns, zone, edge)
}

/// A moment since the epoch, its unit told by its size: seconds reach the year 5138 before they look like milliseconds.
fn epoch(text: &str) -> Result<i128, Fault<'_>> {
    let whole = scaled(text, 1)?;
    let looks_like =
        |digits: usize| text.len() == digits && (text.starts_with("19") || text.starts_with("20"));
    if looks_like(4) || looks_like(8) {
        return Err(fault(text, "a day is written as 2026-11-22"));
    }
    let unit = if whole < 100_000_000_000 {
        SECOND
    } else if whole < 100_000_000_000_000 {
        1_000_000
    } else if whole < 100_000_000_000_000_000 {
        1_000
    } else {
        1
    };
    scaled(text, unit)
}

/// A day, a time of day, or both, and with both an offset.
fn calendar<'t, Z: TimeZone>(
    text: &'t str,
    now_ns: i64,
    zone: &Z,
    edge: Edge,
) -> Result<i128, Fault<'t>> {
    let out_of_range = || fault(text, OUT_OF_RANGE);
    let today = day_of(now_ns, zone);
    if text.as_bytes().get(2) == Some(&b':') || text.as_bytes().get(1) == Some(&b':') {
        let (time, leap) = time_of_day(text)?;
        return Ok(moment(today.and_time(time), zone, edge).ok_or_else(out_of_range)? + leap);
    }
    let (day, rest) = if let Some(rest) = text.strip_prefix("today") {
        (Some(today), rest)
    } else if let Some(rest) = text.strip_prefix("yesterday") {
        (today.pred_opt(), rest)
    } else {
        let (date, rest) = text
            .split_at_checked(10)
            .ok_or_else(|| fault(text, NO_FORM))?;
        (Some(date_of(date)?), rest)
    };
    let day = day.ok_or_else(out_of_range)?;
    if rest.is_empty() {
        return whole_day(day, zone, edge).ok_or_else(out_of_range);
    }
    let rest = rest
        .strip_prefix(['t', ' ', '_'])
        .ok_or_else(|| fault(rest, NO_FORM))?
        .trim();
    let at = rest.find(['z', '+', '-']).unwrap_or(rest.len());
    let (time, leap) = time_of_day(rest[..at].trim_end())?;
    let shown = day.and_time(time);
    Ok(leap
        + if at == rest.len() {
            moment(shown, zone, edge).ok_or_else(out_of_range)?
        } else {
            let ahead = i128::from(offset_seconds(&rest[at..])?) * SECOND;
            moment(shown, &Utc, edge).ok_or_else(out_of_range)? - ahead
        })
}

/// `2026-11-22`.
fn date_of(text: &str) -> Result<NaiveDate, Fault<'_>> {
    let parts: Vec<_> = text.split('-').collect();
    let [year, month, day] = parts[..] else {
        return Err(fault(text, NO_FORM));
    };
    if (year.len(), month.len(), day.len()) != (4, 2, 2) {
        return Err(fault(text, "a day is written as 2026-11-22"));
    }
    NaiveDate::from_ymd_opt(parsed(year)?, parsed(month)?, parsed(day)?)
        .ok_or_else(|| fault(text, format!("there is no day {text}")))
}

/// `16:20[:25[.123]]`, and what a leap second adds: the calendar at hand has none, so it is the next second.
fn time_of_day(text: &str) -> Result<(NaiveTime, i128), Fault<'_>> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let parts: Vec<_> = clock.split(':').collect();
    let (hour, minute, second) = match parts[..] {
        [hour, minute] if !text.contains('.') => (hour, minute, "00"),
        [hour, minute, second] => (hour, minute, second),
        _ => {
            let reason = "a time of day is written as 16:20 or 16:20:25.123";
            return Err(fault(text, reason));
        }
    };
    if !fraction.bytes().all(|c| c.is_ascii_digit()) {
        return Err(fault(fraction, format!("{fraction:?} is no number")));
    }
    let second: u32 = parsed(second)?;
    let time = NaiveTime::from_hms_nano_opt(
        parsed(hour)?,
        parsed(minute)?,
        if second == 60 { 59 } else { second },
        nanos(fraction),
    );
    let leap = if second == 60 { SECOND } else { 0 };
    Ok((
        time.ok_or_else(|| fault(text, format!("there is no time {text}")))?,
        leap,
    ))
}

/// `z`, `+01:00`, `+0100` or `+01`, in seconds.
fn offset_seconds(text: &str) -> Result<i64, Fault<'_>> {
    if text == "z" {
        return Ok(0);
    }
    let wrong = || fault(text, format!("{text:?} is no offset, write Z or +01:00"));
    let (sign, digits) = text.split_at(1);
    let digits = digits.replacen(':', "", 1);
    let number: i64 = parsed(&digits).map_err(|_| wrong())?;
    let (hours, minutes) = match digits.len() {
        2 => (number, 0),
        4 => (number / 100, number % 100),
        _ => return Err(wrong()),
    };
    if hours > 23 || minutes > 59 {
        return Err(wrong());
    }
    let seconds = hours * 3600 + minutes * 60;
    match sign {
        "+" => Ok(seconds),
        "-" => Ok(-seconds),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::calendar::tests::{at, europe};
    use super::*;
    use chrono::DateTime;

    /// 2026-11-22 16:20:25.5 UTC.
    const NOW: i64 = 1_795_364_425_500_000_000;

    fn shown(ns: i64) -> String {
        DateTime::from_timestamp_nanos(ns).naive_utc().to_string()
    }

    #[test]
    fn every_form_gives_its_moment() {
        for (text, expected) in [
            ("2026-11-22T16:20:25Z", "2026-11-22 16:20:25"),
            (
                "2026-11-22t17:20:25.123456789+01:00",
                "2026-11-22 16:20:25.123456789",
            ),
            ("2026-11-22 10:50:25 -0530", "2026-11-22 16:20:25"),
            ("2026-12-31T23:59:60Z", "2027-01-01 00:00:00"),
            ("2026-11-22 16:20", "2026-11-22 16:20:00"),
            (" 2026-11-22T16:20:25.5 ", "2026-11-22 16:20:25.500"),
            ("2026-11-22", "2026-11-22 00:00:00"),
            ("16:20", "2026-11-22 16:20:00"),
            ("9:05:07", "2026-11-22 09:05:07"),
            ("Today", "2026-11-22 00:00:00"),
            ("YESTERDAY", "2026-11-21 00:00:00"),
            ("yesterday 22:00", "2026-11-21 22:00:00"),
            ("now", "2026-11-22 16:20:25.500"),
            ("-1h", "2026-11-22 15:20:25.500"),
            ("1H", "2026-11-22 15:20:25.500"),
            ("2d", "2026-11-20 16:20:25.500"),
            ("1h30m", "2026-11-22 14:50:25.500"),
            ("1.5 h", "2026-11-22 14:50:25.500"),
            ("90s", "2026-11-22 16:18:55.500"),
            ("500ms", "2026-11-22 16:20:25"),
            ("1w", "2026-11-15 16:20:25.500"),
            ("30 min ago", "2026-11-22 15:50:25.500"),
            ("-2 hours 20 minutes ago", "2026-11-22 14:00:25.500"),
            ("+1h", "2026-11-22 17:20:25.500"),
            ("250 µs", "2026-11-22 16:20:25.499750"),
            ("1795364425", "2026-11-22 16:20:25"),
            ("1795364425.25", "2026-11-22 16:20:25.250"),
            ("1795364425500", "2026-11-22 16:20:25.500"),
            ("1795364425500000", "2026-11-22 16:20:25.500"),
            ("1795364425500000001", "2026-11-22 16:20:25.500000001"),
            ("0", "1970-01-01 00:00:00"),
        ] {
            let found = parse_since(text, NOW, Zone::Utc).map(shown);
            assert_eq!(found.as_deref().ok(), Some(expected), "{text}: {found:?}");
        }
    }

    #[test]
    fn a_day_ends_with_its_last_nanosecond() {
        for (text, expected) in [
            ("2026-11-20", "2026-11-20 23:59:59.999999999"),
            ("today", "2026-11-22 23:59:59.999999999"),
            ("yesterday", "2026-11-21 23:59:59.999999999"),
            ("2026-11-20 12:00", "2026-11-20 12:00:00"),
            ("1h", "2026-11-22 15:20:25.500"),
        ] {
            assert_eq!(
                shown(parse_until(text, NOW, Zone::Utc).unwrap()),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_is_said_with_a_reason() {
        for (text, place, reason) in [
            ("", 0, "it is empty"),
            ("soon", 0, NO_FORM),
            ("naïvely ✓ put", 0, NO_FORM),
            ("yesterdays", 9, NO_FORM),
            ("2026-02-30", 0, "there is no day 2026-02-30"),
            ("2026-11-x2", 8, "\"x2\" is no number"),
            ("2026-2-30 00:00", 0, "a day is written as 2026-11-22"),
            ("25:00", 0, "there is no time 25:00"),
            (
                "16:20:25:30",
                0,
                "a time of day is written as 16:20 or 16:20:25.123",
            ),
            (
                "2026-11-22 16:20+1",
                16,
                "\"+1\" is no offset, write Z or +01:00",
            ),
            (
                "2026-11-22T16:20zz",
                16,
                "\"zz\" is no offset, write Z or +01:00",
            ),
            (
                "2026-11-22T16:20+é1",
                16,
                "\"+é1\" is no offset, write Z or +01:00",
            ),
            ("  3 Fortnights", 4, "\"fortnights\" is no unit of time"),
            ("1h ✓", 3, "a number is missing"),
            ("-5", 2, "a duration needs a unit, such as s, m, h or d"),
            ("1.2.3", 0, "\"1.2.3\" is no number"),
            ("20261122", 0, "a day is written as 2026-11-22"),
            ("2026", 0, "a day is written as 2026-11-22"),
            ("+1h ago", 4, "it is ahead and ago at once"),
            ("9999-01-01", 0, OUT_OF_RANGE),
            ("99999999w", 0, OUT_OF_RANGE),
            ("99999999999999999999", 0, OUT_OF_RANGE),
            ("9999999999999999999", 0, OUT_OF_RANGE),
        ] {
            let expected = QueryError::Time {
                text: text.into(),
                at: place,
                reason: reason.into(),
            };
            assert_eq!(parse_until(text, NOW, Zone::Utc), Err(expected));
        }
    }

    #[test]
    fn days_and_hours_are_those_of_the_zone() {
        let local = |text, edge| {
            let ns = read(text, NOW, &europe(), edge).unwrap();
            DateTime::from_timestamp_nanos(i64::try_from(ns).unwrap()).naive_utc()
        };
        assert_eq!(local("today", Edge::Since), at("2026-11-21T23:00:00"));
        assert_eq!(
            local("2026-07-01", Edge::Until),
            at("2026-07-01T21:59:59.999999999")
        );
        assert_eq!(
            local("2026-07-01 12:00", Edge::Since),
            at("2026-07-01T10:00:00")
        );
        assert_eq!(local("12:00", Edge::Since), at("2026-11-22T11:00:00"));
        assert_eq!(
            local("2026-07-01t12:00:00z", Edge::Since),
            at("2026-07-01T12:00:00")
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,24}|[-+0-9:.tz hmdago]{0,24}") {
            let _ = parse_since(&text, i64::MIN, Zone::Local);
            let _ = parse_until(&text, i64::MAX, Zone::Local);
        }
    }
}
