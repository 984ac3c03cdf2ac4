//! Levels as JSON clients write them: the same number means different things.

use crate::level::Level;

/// Whose scale a number is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Scale {
    /// 10 DEBUG to 50 CRITICAL.
    #[default]
    Python,
    /// Pino and bunyan: 10 trace, 30 info, 60 fatal.
    Pino,
    /// 0 emergency to 7 debug. Numbers past 7 are Python's: graypy sends those of custom levels as they are.
    Syslog,
    /// OpenTelemetry: 1 TRACE to 24 FATAL4.
    OpenTelemetry,
}

impl Scale {
    /// The level of a number; `None` when the scale has no such number.
    pub(super) fn level(self, number: i64) -> Option<Level> {
        let level = match self {
            Scale::Pino => match number {
                10 => Level::TRACE,
                // Custom levels lie between, and keep their place.
                11..20 => Level(saturate(number / 2)),
                20.. => Level(saturate(number - 10)),
                _ => Level(saturate(number)),
            },
            Scale::Syslog => match number {
                7 => Level::DEBUG,
                6 => Level::INFO,
                5 => Level::NOTICE,
                4 => Level::WARNING,
                3 => Level::ERROR,
                0..=2 => Level::CRITICAL,
                _ => Level(saturate(number)),
            },
            Scale::OpenTelemetry => match number {
                1..=4 => Level::TRACE,
                5..=8 => Level::DEBUG,
                10 => Level::NOTICE,
                9 | 11 | 12 => Level::INFO,
                13..=16 => Level::WARNING,
                17..=20 => Level::ERROR,
                21..=24 => Level::CRITICAL,
                _ => return None,
            },
            Scale::Python => Level(saturate(number)),
        };
        Some(level)
    }

    /// Whether the level tells the number: of several numbers for one level, only the usual one is told.
    pub(super) fn is_told(self, number: i64) -> bool {
        match self {
            Scale::Python => i32::try_from(number).is_ok(),
            Scale::Pino => number >= 20 || number == 10,
            Scale::Syslog => number >= 2,
            Scale::OpenTelemetry => matches!(number, 1 | 5 | 9 | 10 | 13 | 17 | 21),
        }
    }
}

/// The level of a name. One that nobody knows is INFO.
pub(super) fn level_of_name(name: &str) -> Level {
    name.parse().unwrap_or(match name {
        "verbose" | "VERBOSE" | "FINE" => Level::DEBUG,
        "silly" | "FINER" | "FINEST" => Level::TRACE,
        "SEVERE" => Level::ERROR,
        "dpanic" | "DPANIC" => Level::CRITICAL,
        _ => Level::INFO,
    })
}

fn saturate(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_on_its_scale() {
        for (scale, numbers, level) in [
            (Scale::Python, [30, 30], Level::WARNING),
            (Scale::Pino, [30, 30], Level::INFO),
            (Scale::Pino, [60, 60], Level::CRITICAL),
            (Scale::Pino, [10, 11], Level::TRACE),
            (Scale::Pino, [35, 35], Level(25)),
            (Scale::Syslog, [0, 2], Level::CRITICAL),
            (Scale::Syslog, [35, 35], Level(35)),
            (Scale::OpenTelemetry, [1, 4], Level::TRACE),
            (Scale::OpenTelemetry, [21, 24], Level::CRITICAL),
        ] {
            for number in numbers {
                assert_eq!(scale.level(number), Some(level), "{scale:?} {number}");
            }
        }
        assert_eq!(Scale::OpenTelemetry.level(25), None);
        assert_eq!(Scale::Python.level(1 << 40), Some(Level(i32::MAX)));
    }

    #[test]
    fn an_unknown_name_is_info() {
        assert_eq!(level_of_name("SUCCESS"), Level::INFO);
        assert_eq!(level_of_name("Fatal"), Level::CRITICAL);
        assert_eq!(level_of_name("silly"), Level::TRACE);
    }
}
