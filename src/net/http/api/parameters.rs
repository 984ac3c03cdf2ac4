//! The parameters of a question, checked against what its route takes.

use std::ops::RangeInclusive;
use std::str::FromStr;

use super::problem::Problem;
use crate::error::QueryError;

/// How often a parameter may come that may come several times. Each may be a pattern that takes memory.
const MOST_REPEATS: usize = 32;

/// A parameter that a route takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) takes: Takes,
}

/// What values a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// One.
    One,
    /// One, which may be empty.
    Text,
    /// One or several.
    Many,
    /// None, or `true` or `false`.
    Flag,
}

pub(super) const fn one(name: &'static str) -> Parameter {
    let takes = Takes::One;
    Parameter { name, takes }
}

pub(super) const fn text(name: &'static str) -> Parameter {
    let takes = Takes::Text;
    Parameter { name, takes }
}

pub(super) const fn many(name: &'static str) -> Parameter {
    let takes = Takes::Many;
    Parameter { name, takes }
}

pub(super) const fn flag(name: &'static str) -> Parameter {
    let takes = Takes::Flag;
    Parameter { name, takes }
}

/// What a question was given.
#[derive(Debug)]
pub(super) struct Parameters {
    given: Vec<(&'static str, String)>,
    /// The record in the path.
    pub(super) id: Option<i64>,
    /// Whether JSON lines are asked for in the head of the request.
    pub(super) takes_lines: bool,
}

impl Parameters {
    /// Reads the query of a URL; `known` are the parameters that there are.
    pub(super) fn read<'k>(
        query: &str,
        known: impl Iterator<Item = &'k Parameter> + Clone,
    ) -> Result<Self, Problem> {
        let mut given: Vec<(&'static str, String)> = Vec::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let Some(parameter) = known.clone().find(|known| known.name == name) else {
                let names: Vec<&str> = known.map(|known| known.name).collect();
                let there_are = match names.as_slice() {
                    [] => "there is none here".to_owned(),
                    names => format!("there are {}", names.join(", ")),
                };
                let detail = format!("unknown parameter {name:?}; {there_are}");
                return Err(Problem::of(&name, detail));
            };
            let name = parameter.name;
            let before = given.iter().filter(|(known, _)| *known == name).count();
            let refused = match parameter.takes {
                Takes::Many if before >= MOST_REPEATS => {
                    Some(format!("{name} comes more than {MOST_REPEATS} times"))
                }
                Takes::One | Takes::Text | Takes::Flag if before > 0 => {
                    Some(format!("{name} comes twice; give it once"))
                }
                Takes::One | Takes::Many if value.is_empty() => {
                    Some(format!("{name} has no value; give it one or leave it out"))
                }
                Takes::Flag if !matches!(&*value, "" | "true" | "false") => Some(format!(
                    "{name} is {value:?}; use {name}, {name}=true or {name}=false"
                )),
                _ => None,
            };
            if let Some(detail) = refused {
                return Err(Problem::of(name, detail).within(&value, &value));
            }
            given.push((name, value.into_owned()));
        }
        Ok(Parameters {
            given,
            id: None,
            takes_lines: false,
        })
    }

    /// The value of a parameter that comes once.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        let mut given = self.given.iter();
        let found = given.find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// All values of a parameter.
    pub(super) fn all<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        let given = self.given.iter().filter(move |(known, _)| *known == name);
        given.map(|(_, value)| value.as_str())
    }

    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        self.all(name).map(str::to_owned).collect()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.one(name).is_some_and(|value| value != "false")
    }

    /// The value of a parameter, read.
    pub(super) fn read_one<T: FromStr<Err: Into<QueryError>>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, Problem> {
        Ok(self.read_all(name)?.pop())
    }

    /// All values of a parameter, read.
    pub(super) fn read_all<T: FromStr<Err: Into<QueryError>>>(
        &self,
        name: &str,
    ) -> Result<Vec<T>, Problem> {
        let read = |value: &str| {
            let read = value.parse::<T>();
            read.map_err(|error| Problem::of_query(name, &error.into()))
        };
        self.all(name).map(read).collect()
    }

    /// The number that a parameter has, when it is given.
    pub(super) fn number(
        &self,
        name: &str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>, Problem> {
        let Some(value) = self.one(name) else {
            return Ok(None);
        };
        let number = value.parse().ok().filter(|number| range.contains(number));
        number.map(Some).ok_or_else(|| {
            let (least, most) = (range.start(), range.end());
            let detail = if *most == i64::MAX {
                format!("{name} is {value:?}; use a number from {least} on")
            } else {
                format!("{name} is {value:?}; use a number from {least} to {most}")
            };
            Problem::of(name, detail).within(value, value)
        })
    }

    /// Which of these words a parameter has, when it is given.
    pub(super) fn word<T: Copy>(
        &self,
        name: &str,
        words: &[(&'static str, T)],
    ) -> Result<Option<T>, Problem> {
        let Some(value) = self.one(name) else {
            return Ok(None);
        };
        let found = words.iter().find(|(word, _)| *word == value);
        found.map(|(_, meant)| Some(*meant)).ok_or_else(|| {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let detail = format!("{name} is {value:?}; use {}", words.join(" or "));
            Problem::of(name, detail).within(value, value)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Parameter; 4] = [one("since"), text("q"), many("name"), flag("any")];

    fn read(query: &str) -> Result<Parameters, String> {
        Parameters::read(query, KNOWN.iter()).map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn values_are_taken_from_the_query() {
        let given = read("name=a.b&since=-1h&name=%C3%A9+x&any&q=").unwrap();
        assert_eq!(given.one("since"), Some("-1h"));
        assert_eq!(given.texts("name"), ["a.b", "é x"]);
        assert!(given.flag("any"));
        assert_eq!(given.one("q"), Some(""));
        assert!(!read("any=false").unwrap().flag("any"));
        assert!(!read("").unwrap().flag("any"));
    }

    #[test]
    fn what_is_unknown_doubled_or_empty_is_named() {
        for (query, parameter) in [
            ("level=info", "level"),
            ("since=1h&since=2h", "since"),
            ("q=a&q=b", "q"),
            ("since=", "since"),
            ("name", "name"),
            ("any=yes", "any"),
            ("=1", ""),
        ] {
            let error = read(query).unwrap_err();
            let named = format!("parameter: Some({parameter:?})");
            assert!(error.contains(&named), "{query}: {error}");
        }
        let many = ["name=a"; MOST_REPEATS + 1].join("&");
        assert!(read(&many).is_err());
    }

    #[test]
    fn a_number_has_its_range() {
        let given = read("since=7").unwrap();
        assert_eq!(given.number("since", 1..=7).unwrap(), Some(7));
        assert_eq!(given.number("q", 1..=7).unwrap(), None);
        for bad in ["0", "8", "x", "1e3", "99999999999999999999"] {
            let given = read(&format!("since={bad}")).unwrap();
            assert!(given.number("since", 1..=7).is_err(), "{bad}");
        }
    }
}
