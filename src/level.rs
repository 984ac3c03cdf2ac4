//! Severity levels: Python's numbers are the scale, names are words for them.

use std::fmt;
use std::str::FromStr;

/// How severe a record is, on the scale of Python's `logging` module: any integer, a larger one is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Level(pub i32);

impl Level {
    /// Python's `logging.NOTSET`.
    pub const NOTSET: Level = Level(0);
    /// Finer than DEBUG; the number that most Python programs give it.
    pub const TRACE: Level = Level(5);
    /// Python's `logging.DEBUG`.
    pub const DEBUG: Level = Level(10);
    /// Python's `logging.INFO`.
    pub const INFO: Level = Level(20);
    /// Syslog's "normal but significant", between INFO and WARNING.
    pub const NOTICE: Level = Level(25);
    /// Python's `logging.WARNING`.
    pub const WARNING: Level = Level(30);
    /// Python's `logging.ERROR`.
    pub const ERROR: Level = Level(40);
    /// Python's `logging.CRITICAL`.
    pub const CRITICAL: Level = Level(50);

    /// The names that [`Level::from_str`] takes besides a number, in rising order and without aliases.
    pub const NAMES: [&'static str; 8] = [
        "notset", "trace", "debug", "info", "notice", "warning", "error", "critical",
    ];

    /// The standard name of this number; `None` for the numbers between.
    #[must_use]
    pub fn standard_name(self) -> Option<&'static str> {
        Some(match self {
            Level::NOTSET => "NOTSET",
            Level::TRACE => "TRACE",
            Level::DEBUG => "DEBUG",
            Level::INFO => "INFO",
            Level::NOTICE => "NOTICE",
            Level::WARNING => "WARNING",
            Level::ERROR => "ERROR",
            Level::CRITICAL => "CRITICAL",
            _ => return None,
        })
    }
}

/// The standard name, or `Level 35` as Python's `logging.getLevelName` says it.
impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.standard_name() {
            Some(name) => f.pad(name),
            None => f.pad(&format!("Level {}", self.0)),
        }
    }
}

/// A text that names no level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown level {0:?}; use {names} or a number", names = Level::NAMES.join(", "))]
pub struct ParseLevelError(pub String);

/// Reads a name in any case, a usual alias (warn, err, fatal, ...), a number, or Python's `Level 35`.
impl FromStr for Level {
    type Err = ParseLevelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = text.trim().to_ascii_lowercase();
        Ok(match word.as_str() {
            "notset" | "all" => Level::NOTSET,
            "trace" => Level::TRACE,
            "debug" | "dbg" => Level::DEBUG,
            "info" | "information" | "informational" => Level::INFO,
            "notice" => Level::NOTICE,
            "warning" | "warn" => Level::WARNING,
            "error" | "err" => Level::ERROR,
            "critical" | "crit" | "fatal" | "alert" | "emerg" | "emergency" | "panic" => {
                Level::CRITICAL
            }
            _ => {
                let number = word.strip_prefix("level ").unwrap_or(&word);
                Level(
                    number
                        .trim()
                        .parse()
                        .map_err(|_| ParseLevelError(text.to_owned()))?,
                )
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case_and_by_alias() {
        for (text, level) in [
            ("warning", Level::WARNING),
            ("WARN", Level::WARNING),
            ("Err", Level::ERROR),
            ("fatal", Level::CRITICAL),
            ("trace", Level(5)),
            ("notice", Level(25)),
            ("35", Level(35)),
            ("-1", Level(-1)),
            ("Level 35", Level(35)),
        ] {
            assert_eq!(text.parse(), Ok(level), "{text}");
        }
    }

    #[test]
    fn every_listed_name_is_read_and_shown_alike() {
        for name in Level::NAMES {
            let level: Level = name.parse().unwrap();
            assert_eq!(level.to_string().to_ascii_lowercase(), name);
        }
    }

    #[test]
    fn an_unknown_name_is_quoted_with_the_ways_out() {
        let error = "loud".parse::<Level>().unwrap_err().to_string();
        assert_eq!(
            error,
            "unknown level \"loud\"; use notset, trace, debug, info, notice, warning, error, \
             critical or a number"
        );
    }

    #[test]
    fn a_number_between_is_named_as_python_names_it() {
        assert_eq!(Level(35).to_string(), "Level 35");
        assert_eq!(format!("{:<8}|", Level::INFO), "INFO    |");
    }
}
