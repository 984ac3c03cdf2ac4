//! Sizes in bytes and lengths of time, as they are typed and shown.

use std::fmt;
use std::time::Duration;

use anyhow::bail;
use logstore::parse_duration;

/// Units of 1,024, whichever way they are written.
const UNITS: [(&str, u32); 5] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10), ("", 0)];

/// How many digits may stand behind a point.
const MOST_DECIMALS: usize = 9;

/// `1000`, `64KiB`, `256 MB`, `10g`, `1.5GB`.
pub(super) fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        other => return Err(format!("unknown unit {other:?}; use KiB, MiB, GiB or TiB")),
    };
    let digits = digits.trim();
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = !whole.is_empty() && !digits.ends_with('.');
    // A part of a byte is none, and digits that say less are not wanted.
    let has_parts = unit > 0 && part.len() <= MOST_DECIMALS || part.is_empty();
    if !(is_number && has_parts && are_digits(whole) && are_digits(part)) {
        return Err("a number of bytes is wanted, or one with a unit: 1000, 64KiB, 1.5GB".into());
    }
    let too_much = || "that is more than any file can have".to_owned();
    let number: u128 = format!("{whole}{part}").parse().map_err(|_| too_much())?;
    let bytes = number.checked_mul(1 << unit).ok_or_else(too_much)?;
    let shown = bytes / 10_u128.pow(u32::try_from(part.len()).unwrap_or(0));
    shown.try_into().map_err(|_| too_much())
}

/// `30s`, `5m`, `1.5h`: some time.
pub(super) fn parse_span(text: &str) -> anyhow::Result<Duration> {
    match parse_duration(text)?.unsigned_abs() {
        0 => bail!("more than nothing is needed, such as 500ms"),
        ns => Ok(Duration::from_nanos(ns)),
    }
}

/// A number of bytes: `1.5 MiB`.
pub(super) struct Bytes(pub(super) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Bytes(bytes) = *self;
        let unit = UNITS.iter().find(|(_, shift)| bytes >> shift > 0);
        match unit {
            Some((name, shift @ 10..)) => {
                let unit = 1_u64 << shift;
                // Rounded to tenths, as a float would show it.
                let tenths = (u128::from(bytes) * 20 + u128::from(unit)) / (2 * u128::from(unit));
                write!(f, "{}.{} {name}", tenths / 10, tenths % 10)
            }
            _ => write!(f, "{bytes} bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_with_and_without_units() {
        assert_eq!(parse_size("1000"), Ok(1000));
        assert_eq!(parse_size("64KiB"), Ok(64 << 10));
        assert_eq!(parse_size("256 mb"), Ok(256 << 20));
        assert_eq!(parse_size("2T"), Ok(2 << 40));
        assert_eq!(parse_size("1.5GB"), Ok(3 << 29));
        assert_eq!(parse_size("0.1k"), Ok(102));
        for bad in [
            "10 parsecs",
            "99999999999T",
            "99999999999999999999999999999999999999999",
        ] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
        for bad in [
            "", "-1", "1.5", "1.5b", "50%", "1e9", ".5G", "1.G", "1.5.5G", "+1", "G",
        ] {
            let wanted = parse_size(bad).unwrap_err();
            assert!(wanted.contains("64KiB"), "{bad}: {wanted}");
        }
    }

    #[test]
    fn bytes_have_the_unit_that_suits_them() {
        for (bytes, shown) in [
            (0, "0 bytes"),
            (1_023, "1023 bytes"),
            (8_192, "8.0 KiB"),
            (3 << 29, "1.5 GiB"),
            (5 << 41, "10.0 TiB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), shown);
        }
    }
}
