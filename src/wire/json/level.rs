//! Levels as JSON clients write them: the same number means different things.

use std::borrow::Cow;

use crate::level::Level;
use crate::wire::severity::{level_of_severity, tells_severity};

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
            Scale::OpenTelemetry => return level_of_severity(number),
            Scale::Python => Level(saturate(number)),
        };
        Some(level)
    }

    /// Whether the level tells the number: of several numbers for one level, only the usual one is told.
    pub(super) fn is_told(self, number: i64) -> bool {
        let fits = i32::try_from(number).is_ok();
        match self {
            Scale::Python => fits,
            Scale::Pino => fits && (number >= 20 || number == 10),
            Scale::Syslog => fits && number >= 2,
            Scale::OpenTelemetry => tells_severity(number),
        }
    }
}

/// The level of a name. One that nobody knows is INFO.
pub(super) fn level_of_name(name: &str) -> Level {
    name.parse()
        .ok()
        .or_else(|| level_of_word(name))
        .or_else(|| level_of_slog(name))
        .unwrap_or(Level::INFO)
}

/// What winston, zap, Java, klog and console formats call levels, besides the names that everybody knows.
fn level_of_word(name: &str) -> Option<Level> {
    Some(match name.to_ascii_lowercase().as_str() {
        "verbose" | "fine" | "d" => Level::DEBUG,
        "silly" | "finer" | "finest" | "t" => Level::TRACE,
        "i" => Level::INFO,
        "w" => Level::WARNING,
        "severe" | "e" => Level::ERROR,
        "dpanic" | "c" | "f" => Level::CRITICAL,
        _ => return None,
    })
}

/// Levels of Go's slog between those with a name: `ERROR+2`, `DEBUG-4`. Four of its steps lie between two names, and are ten of
/// ours; below DEBUG they are five, so that DEBUG-4, which programs have for TRACE, is TRACE.
fn level_of_slog(name: &str) -> Option<Level> {
    let (base, steps) = name.split_at_checked(name.find(['+', '-'])?)?;
    let base = match base.to_ascii_uppercase().as_str() {
        "DEBUG" => Level::DEBUG,
        "INFO" => Level::INFO,
        "WARN" => Level::WARNING,
        "ERROR" => Level::ERROR,
        _ => return None,
    };
    let steps: i32 = steps
        .parse()
        .ok()
        .filter(|steps| matches!(steps, -1000..=1000))?;
    let per_four = if base <= Level::DEBUG && steps < 0 {
        5
    } else {
        10
    };
    let level = base.0 + (per_four * steps + 2).div_euclid(4);
    // 0 is for those that say nothing.
    Some(Level(level.max(1)))
}

/// A name without the colours of a terminal around it (ECMA-48, SGR), which winston's `colorize` puts into JSON, too.
pub(super) fn without_colour(name: Cow<'_, str>) -> Cow<'_, str> {
    if !name.contains('\u{1b}') {
        return name;
    }
    let mut plain = String::with_capacity(name.len());
    let mut rest = &*name;
    while let Some(at) = rest.find("\u{1b}[") {
        let parameters =
            rest[at + 2..].trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        let end = if parameters.starts_with('m') {
            plain.push_str(&rest[..at]);
            rest.len() - parameters.len() + 1
        } else {
            plain.push_str(&rest[..at + 2]);
            at + 2
        };
        rest = &rest[end..];
    }
    plain.push_str(rest);
    Cow::Owned(plain)
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
        for odd in ["2147483647+1000", "2026-11", "1-2", "notset+4"] {
            assert_eq!(level_of_name(odd), Level::INFO, "{odd}");
        }
        assert_eq!(level_of_name("silly"), Level::TRACE);
        assert_eq!(level_of_name("W"), Level::WARNING);
        assert_eq!(level_of_name("F"), Level::CRITICAL);
    }

    #[test]
    fn steps_of_slog_lie_between_the_names() {
        for (name, level) in [
            ("DEBUG-4", Level::TRACE),
            ("DEBUG-8", Level(1)),
            ("DEBUG+2", Level(15)),
            ("INFO+1", Level(23)),
            ("INFO+2", Level::NOTICE),
            ("INFO-1", Level(18)),
            ("WARN+3", Level(38)),
            ("ERROR+2", Level(45)),
            ("ERROR+4", Level::CRITICAL),
            ("ERROR-1000000000", Level::INFO),
            ("e-mail", Level::INFO),
        ] {
            assert_eq!(level_of_name(name), level, "{name}");
        }
    }

    #[test]
    fn colours_are_taken_off() {
        let plain = |name: &'static str| without_colour(name.into());
        assert_eq!(plain("\u{1b}[32minfo\u{1b}[39m"), "info");
        assert_eq!(plain("\u{1b}[1;31mERROR\u{1b}[0m"), "ERROR");
        assert_eq!(plain("\u{1b}[2Kx\u{1b}"), "\u{1b}[2Kx\u{1b}");
        assert!(matches!(plain("info"), Cow::Borrowed("info")));
    }
}
