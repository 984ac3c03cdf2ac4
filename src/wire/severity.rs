//! The severity numbers of OpenTelemetry (Logs Data Model, "Field: `SeverityNumber`"), in OTLP and in JSON lines.

use crate::level::Level;

/// The level of a number; `None` for what is none of the 24.
pub(super) fn level_of_severity(number: i64) -> Option<Level> {
    Some(match number {
        1..=4 => Level::TRACE,
        5..=8 => Level::DEBUG,
        10 => Level::NOTICE,
        9 | 11 | 12 => Level::INFO,
        13..=16 => Level::WARNING,
        17..=20 => Level::ERROR,
        21..=24 => Level::CRITICAL,
        _ => return None,
    })
}

/// Whether the level tells the number: of several numbers for one level, only the first is told.
pub(super) fn tells_severity(number: i64) -> bool {
    matches!(number, 1 | 5 | 9 | 10 | 13 | 17 | 21)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_told_when_no_other_before_it_has_its_level() {
        let mut seen = Vec::new();
        for number in 1..=24 {
            let level = level_of_severity(number).unwrap();
            assert_eq!(tells_severity(number), !seen.contains(&level), "{number}");
            seen.push(level);
        }
        assert_eq!((level_of_severity(0), level_of_severity(25)), (None, None));
    }
}
