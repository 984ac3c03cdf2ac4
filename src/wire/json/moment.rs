//! Moments as JSON clients write them, to the nanosecond.

use chrono::{NaiveDate, NaiveTime};

use crate::time::{Zone, parse_since};

/// Seconds of 1973-03-03. Numbers below are rather lengths of time.
const LEAST_SECONDS: i128 = 100_000_000;

const SECOND: i128 = 1_000_000_000;

/// A moment in nanoseconds since the Unix epoch: RFC 3339, the same without an offset (local time), or a number.
pub(in crate::wire) fn moment(text: &str) -> Option<i64> {
    if let Some(ns) = rfc3339(text) {
        return Some(ns);
    }
    if let Some(ns) = epoch(text) {
        return Some(ns);
    }
    // Only days with a time of day: not "now", not "5 min".
    let day = text.as_bytes().get(..5)?;
    if text.len() < 16 || !day[..4].iter().all(u8::is_ascii_digit) || day[4] != b'-' {
        return None;
    }
    parse_since(text, 0, Zone::Local).ok()
}

/// The usual form, `2026-11-22T16:20:25[.123][Z|+01:00]`, with `T` or a space. `None` for any other, also for rarer ones that
/// are right.
fn rfc3339(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let two = |at: usize| -> Option<u32> {
        let (tens, ones) = (bytes.get(at)?, bytes.get(at + 1)?);
        (tens.is_ascii_digit() && ones.is_ascii_digit())
            .then(|| u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
    };
    let [b'-', b'-', b'T' | b' ', b':', b':'] =
        [4, 7, 10, 13, 16].map(|at| bytes.get(at).copied().unwrap_or(0))
    else {
        return None;
    };
    let year = i32::try_from(two(0)? * 100 + two(2)?).ok()?;
    let day = NaiveDate::from_ymd_opt(year, two(5)?, two(8)?)?;
    let time = NaiveTime::from_hms_opt(two(11)?, two(14)?, two(17)?)?;
    let mut at = 19;
    let mut nanos = 0_i128;
    if matches!(bytes.get(at), Some(b'.' | b',')) {
        at += 1;
        let digits = bytes[at..]
            .iter()
            .take_while(|c| c.is_ascii_digit())
            .count();
        if digits == 0 {
            return None;
        }
        for place in 0..9 {
            let digit = if place < digits {
                bytes[at + place] - b'0'
            } else {
                0
            };
            nanos = nanos * 10 + i128::from(digit);
        }
        at += digits;
    }
    let ahead_seconds = match (bytes.get(at)?, bytes.len() - at) {
        (b'Z' | b'z', 1) => 0,
        (sign @ (b'+' | b'-'), 6) if bytes[at + 3] == b':' => {
            let (hours, minutes) = (two(at + 1)?, two(at + 4)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = i64::from(hours * 3600 + minutes * 60);
            if *sign == b'-' { -seconds } else { seconds }
        }
        _ => return None,
    };
    let seconds = day.and_time(time).and_utc().timestamp() - ahead_seconds;
    i64::try_from(i128::from(seconds) * SECOND + nanos).ok()
}

/// A number of seconds, milliseconds, microseconds or nanoseconds since the epoch, told apart by its size as on the command line.
fn epoch(text: &str) -> Option<i64> {
    let whole = scaled(text, 0)?;
    let digits = match whole {
        LEAST_SECONDS..100_000_000_000 => 9,
        100_000_000_000..100_000_000_000_000 => 6,
        100_000_000_000_000..100_000_000_000_000_000 => 3,
        100_000_000_000_000_000.. => 0,
        _ => return None,
    };
    i64::try_from(scaled(text, digits)?).ok()
}

/// A number of nanoseconds since the epoch.
pub(super) fn nanoseconds(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// A number of milliseconds, in nanoseconds.
pub(super) fn milliseconds(text: &str) -> Option<i64> {
    i64::try_from(scaled(text, 6)?).ok()
}

/// A decimal number times a power of ten, cut to an integer. Read from its text: a float would be off by up to 128 ns.
fn scaled(text: &str, power: i32) -> Option<i128> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (sign, digits) = match mantissa.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty()
        || !whole
            .bytes()
            .chain(fraction.bytes())
            .all(|c| c.is_ascii_digit())
    {
        return None;
    }
    let mut places = exponent.checked_add(power)?;
    let mut number = 0_i128;
    for digit in whole.bytes() {
        number = number
            .checked_mul(10)?
            .checked_add(i128::from(digit - b'0'))?;
    }
    // More digits behind the point are below the nanosecond, whatever the unit.
    for digit in fraction.bytes().take(18) {
        number = number
            .checked_mul(10)?
            .checked_add(i128::from(digit - b'0'))?;
        places -= 1;
    }
    let factor = 10_i128.checked_pow(places.unsigned_abs());
    if places < 0 {
        return Some(factor.map_or(0, |factor| sign * (number / factor)));
    }
    number.checked_mul(factor?)?.checked_mul(sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-22 16:20:25 UTC.
    const SECONDS: i64 = 1_795_364_425;
    const NS: i64 = SECONDS * 1_000_000_000;

    #[test]
    fn every_form_gives_its_moment() {
        for (text, expected) in [
            ("2026-11-22T16:20:25Z", NS),
            ("2026-11-22 16:20:25.5Z", NS + 500_000_000),
            ("2026-11-22T17:20:25.123456789+01:00", NS + 123_456_789),
            ("2026-11-22T10:50:25.1234567891-05:30", NS + 123_456_789),
            ("2026-11-22T17:20:25+0100", NS),
            ("2026-11-22T16:20:25,123Z", NS + 123_000_000),
            ("1795364425", NS),
            ("1795364425.123456789", NS + 123_456_789),
            ("1795364425.1234567890123456789", NS + 123_456_789),
            ("1.795364425123456e9", NS + 123_456_000),
            ("1.795364425123456E+12", NS + 123_456_000),
            ("1795364425123", NS + 123_000_000),
            ("1795364425123456", NS + 123_456_000),
            ("1795364425123456789", NS + 123_456_789),
        ] {
            assert_eq!(moment(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_time_without_an_offset_is_local() {
        for text in ["2026-11-22 16:20:25,123", "2026-11-22T16:20:25.123"] {
            let expected = parse_since("2026-11-22 16:20:25.123", 0, Zone::Local);
            assert_eq!(moment(text), expected.ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_none() {
        for text in [
            "",
            "now",
            "5 min",
            "0.123",
            "35",
            "-1795364425",
            "2026-11-22",
            "20261122",
            "16:20",
            "1e99999999999",
            "1e999",
            "1e-999",
            "99999999999999999999",
            "1795364425.1.2",
            ".5",
            "2026-13-22T16:20:25Z",
            "2026-11-22T16:20:25+99:00",
            "é026-11-22T16:20:25Z",
            "9999-12-31T23:59:59Z",
            "NaN",
            "Infinity",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
        assert_eq!(milliseconds("1234.5678"), Some(1_234_567_800));
        assert_eq!(nanoseconds("1.5"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,24}|[-+0-9:.TZeE ]{0,40}") {
            let _ = moment(&text);
            let _ = milliseconds(&text);
        }

        #[test]
        fn what_is_shown_is_read_again(ns in proptest::prelude::any::<i64>()) {
            proptest::prop_assert_eq!(moment(&crate::time::rfc3339_utc(ns)), Some(ns));
        }
    }
}
