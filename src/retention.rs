//! Which records are kept, and for how long: rules as plain data, and how people write them.

use std::fmt;
use std::str::FromStr;

use crate::error::RetentionError;
use crate::level::Level;
use crate::query::Query;
use crate::time::parse_duration;

/// What a store keeps. By default everything, for ever.
///
/// ```
/// use logstore::Retention;
///
/// let mut retention = Retention::default();
/// for rule in ["30d", "debug=3d", "name:myapp.noisy=1d"] {
///     retention.keep.push(rule.parse()?);
/// }
/// retention.check()?;
/// # Ok::<(), logstore::RetentionError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Retention {
    /// For how long records are kept. One that no rule is about is kept for ever.
    pub keep: Vec<KeepRule>,
    /// How many bytes the file may have, its `-wal` not counted: above that the records stored first go. At least
    /// [`Retention::MIN_BYTES`].
    pub max_bytes: Option<u64>,
}

/// For how long some records are kept. Age counts from `created`.
///
/// It is read from a text such as `30d`, `debug=3d` or `name:myapp.noisy=1d`, and shown as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeepRule {
    /// Which records.
    pub of: KeepOf,
    /// For how long, in nanoseconds: more than 0.
    pub keep_ns: i64,
}

/// Which records a rule is about. A name decides over a level, a level over all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeepOf {
    /// Those that no other rule is about. One of a level without a rule stays at least as long as those of the levels below.
    All,
    /// Those of this level, with the numbers up to the next of Python's levels. Where there is no rule for all, levels between two with
    /// rules go by the lower one; those below all rules and above all are kept for ever.
    Level(Level),
    /// Those of this logger and of everything under it. The longest name decides.
    Name(String),
}

impl Retention {
    /// The least that [`Retention::max_bytes`] may be.
    pub const MIN_BYTES: u64 = 1 << 20;

    /// Whether everything is kept for ever.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keep.is_empty() && self.max_bytes.is_none()
    }

    /// Whether it can be followed.
    ///
    /// # Errors
    ///
    /// When two rules are about the same records, a rule keeps nothing, or the file would be too small.
    pub fn check(&self) -> Result<(), RetentionError> {
        for (place, KeepRule { of, keep_ns }) in self.keep.iter().enumerate() {
            if *keep_ns <= 0 {
                return Err(RetentionError::NoTime { of: of.to_string() });
            }
            if let KeepOf::Name(name) = of
                && (name.is_empty() || name.contains('*'))
            {
                return Err(RetentionError::Name { name: name.clone() });
            }
            if self.keep[..place].iter().any(|other| other.of == *of) {
                return Err(RetentionError::Twice { of: of.to_string() });
            }
        }
        match self.max_bytes {
            Some(bytes @ ..Self::MIN_BYTES) => Err(RetentionError::TooSmall { bytes }),
            _ => Ok(()),
        }
    }

    /// The place of the rule that a record goes by; `None` when it is kept for ever.
    pub(crate) fn rule_of(&self, name: &str, level: Level) -> Option<usize> {
        let rules = || self.keep.iter().enumerate();
        let named = rules().filter_map(|(place, rule)| match &rule.of {
            KeepOf::Name(top) if is_under(name, top) => Some((top.len(), place)),
            _ => None,
        });
        if let Some((_, place)) = named.max() {
            return Some(place);
        }
        let levels = || {
            rules().filter_map(|(place, rule)| match rule.of {
                KeepOf::Level(own) => Some((own, place)),
                _ => None,
            })
        };
        let lower = levels().filter(|(own, _)| *own <= level).max();
        if let Some((own, place)) = lower
            && level < next_level(own)
        {
            return Some(place);
        }
        let lower = lower.map(|(_, place)| place);
        match rules().find(|(_, rule)| rule.of == KeepOf::All) {
            Some((all, _)) => {
                let below = levels().filter(|(own, _)| *own <= level);
                let places = below.map(|(_, place)| place).chain([all]);
                places.max_by_key(|place| self.keep[*place].keep_ns)
            }
            None => lower.filter(|_| levels().any(|(own, _)| own > level)),
        }
    }

    /// The levels at which other rules may begin, from the lowest.
    fn steps(&self) -> Vec<Level> {
        let levels = self.keep.iter().filter_map(|rule| match rule.of {
            KeepOf::Level(own) => Some([own, next_level(own)]),
            _ => None,
        });
        let mut steps: Vec<Level> = levels.flatten().chain([Level(i32::MIN)]).collect();
        steps.sort_unstable();
        steps.dedup();
        steps
    }

    /// The longest time for which any record is kept; `None` when some are kept for ever.
    pub(crate) fn longest_ns(&self) -> Option<i64> {
        let all_go = self.keep.iter().any(|rule| rule.of == KeepOf::All);
        let longest = self.keep.iter().map(|rule| rule.keep_ns).max();
        longest.filter(|_| all_go)
    }

    /// Questions that together find, each once, the records that a prune at this moment removes for their age.
    #[must_use]
    pub fn expired(&self, now_ns: i64, before_ns: Option<i64>) -> Vec<Query> {
        let until = |keep_ns: Option<i64>| {
            let expired = keep_ns.map(|keep_ns| now_ns.saturating_sub(keep_ns));
            let first_kept = expired.max(before_ns);
            first_kept.and_then(|first_kept: i64| first_kept.checked_sub(1))
        };
        let names: Vec<(&String, i64)> = self
            .keep
            .iter()
            .filter_map(|rule| match &rule.of {
                KeepOf::Name(name) => Some((name, rule.keep_ns)),
                _ => None,
            })
            .collect();
        let mut classes = Vec::new();
        for (name, keep_ns) in &names {
            let below = names.iter().filter(|(other, _)| other != name);
            let below = below.filter(|(other, _)| is_under(other, name));
            let query = Query {
                names: vec![(*name).clone()],
                not_names: below.map(|(other, _)| (*other).clone()).collect(),
                ..Query::default()
            };
            classes.push((query, until(Some(*keep_ns))));
        }
        let others = |min_level, max_level| Query {
            min_level,
            max_level,
            not_names: names.iter().map(|(name, _)| (*name).clone()).collect(),
            ..Query::default()
        };
        let steps = self.steps();
        for (place, step) in steps.iter().enumerate() {
            let rule = self.rule_of("", *step);
            let next = steps.get(place + 1);
            let last = next.map(|next| Level(next.0.saturating_sub(1)));
            let keep_ns = rule.map(|rule| self.keep[rule].keep_ns);
            classes.push((others(Some(*step), last), until(keep_ns)));
        }
        let found = classes.into_iter().filter_map(|(query, until_ns)| {
            until_ns.map(|until_ns| Query {
                until_ns: Some(until_ns),
                ..query
            })
        });
        found.collect()
    }
}

/// The next of Python's levels above a level, TRACE among them; custom ones between count to the one below.
fn next_level(level: Level) -> Level {
    let levels = [
        Level::NOTSET,
        Level::TRACE,
        Level::DEBUG,
        Level::INFO,
        Level::WARNING,
        Level::ERROR,
        Level::CRITICAL,
    ];
    let next = levels.into_iter().find(|next| *next > level);
    next.unwrap_or(Level(i32::MAX))
}

/// Whether it is this logger, or one under it.
fn is_under(name: &str, top: &str) -> bool {
    let rest = name.strip_prefix(top);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

impl FromStr for KeepRule {
    type Err = RetentionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (of, time) = match text.rsplit_once('=') {
            None => (KeepOf::All, text),
            Some((of, time)) => match of.trim().strip_prefix("name:") {
                Some(name) => (KeepOf::Name(name.trim().to_owned()), time),
                None => (KeepOf::Level(of.parse()?), time),
            },
        };
        let keep_ns = parse_duration(time).map_err(|source| RetentionError::Rule {
            text: text.to_owned(),
            source,
        })?;
        let rule = KeepRule { of, keep_ns };
        let alone = Retention {
            keep: vec![rule.clone()],
            max_bytes: None,
        };
        alone.check().map(|()| rule)
    }
}

impl fmt::Display for KeepOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeepOf::All => f.write_str("all"),
            // Its name is longer, and "Level 35" has a blank.
            KeepOf::Level(level) => match level.standard_name() {
                Some(name) => f.write_str(&name.to_ascii_lowercase()),
                None => write!(f, "{}", level.0),
            },
            KeepOf::Name(name) => write!(f, "name:{name}"),
        }
    }
}

impl fmt::Display for KeepRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(&str, i64); 7] = [
            ("d", 86_400_000_000_000),
            ("h", 3_600_000_000_000),
            ("m", 60_000_000_000),
            ("s", 1_000_000_000),
            ("ms", 1_000_000),
            ("us", 1_000),
            ("ns", 1),
        ];
        if self.of != KeepOf::All {
            write!(f, "{}=", self.of)?;
        }
        // 30d, as it was most likely given, rather than 4w 2d.
        let unit = UNITS.iter().find(|(_, unit)| self.keep_ns % unit == 0);
        let (name, unit) = unit.unwrap_or(&UNITS[6]);
        write!(f, "{}{name}", self.keep_ns / unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retention(rules: &[&str]) -> Retention {
        let keep = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        let retention = Retention {
            keep,
            max_bytes: None,
        };
        retention.check().unwrap();
        retention
    }

    #[test]
    fn a_rule_is_shown_as_it_was_written() {
        for text in [
            "30d",
            "36h",
            "debug=90m",
            "35=1d",
            "-1=2s",
            "name:myapp.noisy=1d",
            "name:a=b=1ms",
            "1ns",
        ] {
            assert_eq!(text.parse::<KeepRule>().unwrap().to_string(), text);
        }
        let rule: KeepRule = " warn = 1w".parse().unwrap();
        assert_eq!(rule.to_string(), "warning=7d");
    }

    #[test]
    fn what_cannot_be_followed_is_said() {
        for (text, part) in [
            ("", "\"\" is no rule"),
            ("30", "\"30\" is no rule; write 30d"),
            ("loud=1d", "unknown level \"loud\""),
            ("debug=0s", "kept for no time at all, as debug asks"),
            ("0d", "as all asks"),
            ("name:=1d", "\"\" is no name"),
            ("name:a*=1d", "\"a*\" is no name"),
            ("name:a=", "is no rule"),
        ] {
            let error = text.parse::<KeepRule>().unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        let twice = Retention {
            keep: ["warn=1d", "warning=2d"]
                .map(|rule| rule.parse().unwrap())
                .to_vec(),
            max_bytes: None,
        };
        let error = twice.check().unwrap_err().to_string();
        assert_eq!(error, "there are two rules for warning; give one");
        let small = Retention {
            keep: Vec::new(),
            max_bytes: Some(1000),
        };
        let error = small.check().unwrap_err().to_string();
        assert!(error.starts_with("a file of 1000 bytes is too small"));
    }

    #[test]
    fn nothing_is_older_than_the_longest_rule_when_there_is_one_for_all() {
        let longest = |rules| retention(rules).longest_ns();
        assert_eq!(longest(&["2ns", "name:a=7ns", "error=5ns"]), Some(7));
        assert_eq!(longest(&["error=5ns"]), None);
        assert_eq!(longest(&["name:a=7ns"]), None);
        assert_eq!(longest(&[]), None);
    }

    #[test]
    fn the_longest_name_decides_over_the_level_and_the_level_over_all() {
        let rules = ["debug=3d", "error=365d", "name:a=1d", "name:a.b=2d", "30d"];
        let rules = retention(&rules);
        for (name, level, place) in [
            ("x", 5, 4),
            ("x", 10, 0),
            ("x", 15, 0),
            ("x", 20, 4),
            ("x", 30, 4),
            ("x", 40, 1),
            // What is worse than an error goes no sooner.
            ("x", 50, 1),
            ("x", 99, 1),
            ("a", 99, 2),
            ("ab", 5, 4),
            ("a.b", 5, 3),
            ("a.b.c", 5, 3),
            ("a.bc", 5, 2),
        ] {
            assert_eq!(
                rules.rule_of(name, Level(level)),
                Some(place),
                "{name} {level}"
            );
        }
        let rules = retention(&["debug=1h", "info=1d", "error=2d"]);
        for (level, place) in [
            (5, None),
            (10, Some(0)),
            (25, Some(1)),
            (30, Some(1)),
            (49, Some(2)),
            (50, None),
        ] {
            assert_eq!(rules.rule_of("", Level(level)), place, "{level}");
        }
        assert_eq!(retention(&["debug=1d"]).rule_of("", Level::ERROR), None);
        assert_eq!(retention(&["name:a=1d"]).rule_of("b", Level(0)), None);
    }
}
