//! Lengths of time as people write them: numbers with units.

use super::calendar::SECOND;
use crate::error::QueryError;

/// What a moment or a length is that 64 bits of nanoseconds do not hold.
pub(super) const OUT_OF_RANGE: &str = "it lies outside of the years 1677 to 2262";

/// Units from the longest to the shortest, in nanoseconds, under the names that [`display_duration`] gives them.
const UNITS: [(&str, i64); 8] = [
    ("w", 604_800_000_000_000),
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("µs", 1_000),
    ("ns", 1),
];

/// A length of time in nanoseconds: `30s`, `1m`, `5 min`, `1h30m`, `1.5 h`, `1d`, `1w`.
///
/// # Errors
///
/// [`QueryError::Duration`] when the text is no such thing, or one of more than 292 years.
///
/// ```
/// assert_eq!(logstore::parse_duration("5 min")?, 300_000_000_000);
/// # Ok::<(), logstore::QueryError>(())
/// ```
pub fn parse_duration(text: &str) -> Result<i64, QueryError> {
    length(text)
        .and_then(|ns| i64::try_from(ns).map_err(|_| fault(text, "it is longer than 292 years")))
        .map_err(|fault| QueryError::Duration {
            text: text.to_owned(),
            at: fault.part.as_ptr().addr() - text.as_ptr().addr(),
            reason: fault.reason,
        })
}

/// The same for people, exactly: `5m`, `1h 30m`. A negative length has no such form and is shown as none.
#[must_use]
pub fn display_duration(mut ns: i64) -> String {
    let mut shown = Vec::new();
    for (name, unit) in UNITS {
        if ns >= unit {
            shown.push(format!("{}{name}", ns / unit));
            ns %= unit;
        }
    }
    if shown.is_empty() {
        return "0s".into();
    }
    shown.join(" ")
}

/// What is wrong, and with which part of the text that is read.
#[derive(Debug)]
pub(super) struct Fault<'t> {
    pub(super) part: &'t str,
    pub(super) reason: String,
}

pub(super) fn fault(part: &str, reason: impl Into<String>) -> Fault<'_> {
    Fault {
        part,
        reason: reason.into(),
    }
}

/// Numbers with units, as a length in nanoseconds.
pub(super) fn length(text: &str) -> Result<i128, Fault<'_>> {
    let mut rest = text.trim_start();
    if rest.is_empty() {
        return Err(fault(rest, "it is empty"));
    }
    let mut length = 0_i128;
    while !rest.is_empty() {
        let (number, after) = cut(rest, |c| c.is_ascii_digit() || c == '.');
        let after = after.trim_start();
        let (name, next) = cut(after, char::is_alphabetic);
        if number.is_empty() {
            return Err(fault(rest, "a number is missing"));
        }
        if after.is_empty() {
            let reason = "a duration needs a unit, such as s, m, h or d";
            return Err(fault(rest, reason));
        }
        let unit =
            unit_ns(name).ok_or_else(|| fault(after, format!("{name:?} is no unit of time")))?;
        length += scaled(number, unit)?;
        rest = next.trim_start();
    }
    Ok(length)
}

fn unit_ns(unit: &str) -> Option<i128> {
    Some(match unit.to_lowercase().as_str() {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" | "msec" | "msecs" | "millisecond" | "milliseconds" => 1_000_000,
        "s" | "sec" | "secs" | "second" | "seconds" => SECOND,
        "m" | "min" | "mins" | "minute" | "minutes" => 60 * SECOND,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3_600 * SECOND,
        "d" | "day" | "days" => 86_400 * SECOND,
        "w" | "week" | "weeks" => 7 * 86_400 * SECOND,
        _ => return None,
    })
}

/// A decimal number times this many, without its fraction.
pub(super) fn scaled(number: &str, unit: i128) -> Result<i128, Fault<'_>> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = whole.len() + fraction.len();
    if digits == 0 || fraction.contains('.') {
        return Err(fault(number, format!("{number:?} is no number")));
    }
    if whole.trim_start_matches('0').len() > 19 {
        return Err(fault(number, OUT_OF_RANGE));
    }
    let whole: i128 = if whole.is_empty() { 0 } else { parsed(whole)? };
    Ok(whole * unit + i128::from(nanos(fraction)) * unit / SECOND)
}

/// A fraction's digits as billionths; what is finer is dropped.
pub(super) fn nanos(digits: &str) -> u32 {
    digits
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))
}

/// Digits alone; `parse` would take a sign too.
pub(super) fn parsed<T: std::str::FromStr>(digits: &str) -> Result<T, Fault<'_>> {
    let all_digits = digits.bytes().all(|c| c.is_ascii_digit());
    let number = if all_digits {
        digits.parse().ok()
    } else {
        None
    };
    number.ok_or_else(|| fault(digits, format!("{digits:?} is no number")))
}

/// The leading characters of a kind, and the rest.
fn cut(text: &str, of_kind: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !of_kind(c)).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_read_and_shown() {
        for (text, seconds, shown) in [
            ("30s", 30, "30s"),
            ("1m", 60, "1m"),
            ("5 min", 300, "5m"),
            ("90 Minutes", 5_400, "1h 30m"),
            ("1h 30m", 5_400, "1h 30m"),
            ("1.5h", 5_400, "1h 30m"),
            (" 1d ", 86_400, "1d"),
            ("7d", 604_800, "1w"),
            ("0s", 0, "0s"),
        ] {
            let ns = parse_duration(text);
            assert_eq!(ns, Ok(seconds * 1_000_000_000), "{text}");
            assert_eq!(display_duration(ns.unwrap()), shown, "{text}");
        }
        assert_eq!(parse_duration("2ms 250 µs"), Ok(2_250_000));
        assert_eq!(display_duration(2_250_000), "2ms 250µs");
    }

    #[test]
    fn what_is_no_length_is_said_with_its_place() {
        for (text, place, why) in [
            ("", 0, "it is empty"),
            ("5", 0, "a duration needs a unit, such as s, m, h or d"),
            ("5 parsecs", 2, "\"parsecs\" is no unit of time"),
            ("1h 5 parsecs", 5, "\"parsecs\" is no unit of time"),
            ("hourly", 0, "a number is missing"),
            ("-1h", 0, "a number is missing"),
            ("1h ✓", 3, "a number is missing"),
            ("1.2.3s", 0, "\"1.2.3\" is no number"),
            ("999999w", 0, "it is longer than 292 years"),
        ] {
            match parse_duration(text) {
                Err(QueryError::Duration { reason, at, .. }) => {
                    assert_eq!((at, reason.as_str()), (place, why), "{text}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_shown_is_read_as_the_same(ns in 0..i64::MAX) {
            proptest::prop_assert_eq!(parse_duration(&display_duration(ns)), Ok(ns));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,24}|[-+0-9.smhdwµ ]{0,24}") {
            let _ = parse_duration(&text);
        }
    }
}
