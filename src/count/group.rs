//! What the records of a group have in common.

use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

use crate::error::QueryError;
use crate::level::Level;
use crate::record::{Origin, Site, extra_at};

/// What the records of a group have in common.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum GroupBy {
    /// The level's name, as the client calls it.
    Level,
    /// The step of Python's scale that the level has reached: `debug` (and all below), `info`, `warning`, `error` or `critical`.
    LevelStep,
    /// The logger's name.
    Name,
    /// The host's name.
    Host,
    /// The process id; the process's name where the client gave no id.
    Process,
    /// The thread's name; its identifier where it has none. Threads of different processes often have the same name.
    Thread,
    /// The place in the source, `pathname:lineno`.
    Site,
    /// The value of an extra field. A dot in the key goes into nested objects.
    Field(String),
}

/// The words that are no extra fields, each with what it means. The first of a kind is its name.
const WORDS: [(&str, GroupBy); 11] = [
    ("level", GroupBy::Level),
    ("levelname", GroupBy::Level),
    ("level-step", GroupBy::LevelStep),
    ("name", GroupBy::Name),
    ("logger", GroupBy::Name),
    ("host", GroupBy::Host),
    ("hostname", GroupBy::Host),
    ("process", GroupBy::Process),
    ("thread", GroupBy::Thread),
    ("threadname", GroupBy::Thread),
    ("site", GroupBy::Site),
];

/// What the keys of a [`CountRow`] stand beside in an answer.
const TAKEN: [&str; 2] = ["start", "count"];

/// Reads `level`, `name` (or `logger`), `host` (or `hostname`), `process`, `thread` or `site` in any case. Any other word
/// is the key of an extra field, unless it is a slip of one of these; `extra.KEY` is one in any case.
impl FromStr for GroupBy {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let word = text.to_lowercase();
        if let Some((_, known)) = WORDS.iter().find(|(known, _)| *known == word) {
            return Ok(known.clone());
        }
        if let Some((known, _)) = WORDS.iter().find(|(known, _)| is_slip(&word, known)) {
            return Err(QueryError::NearlyGroup {
                text: text.to_owned(),
                known,
            });
        }
        match text.strip_prefix("extra.").unwrap_or(text) {
            "" => Err(QueryError::NoGroup),
            key => Ok(GroupBy::Field(key.to_owned())),
        }
    }
}

/// Whether a word is another with one letter too many or too few, or with two neighbours in each other's place. One letter for
/// another is no slip: `size` and `post` are good names of fields.
fn is_slip(word: &str, known: &str) -> bool {
    let (word, known) = (word.as_bytes(), known.as_bytes());
    let same = |(a, b): &(&u8, &u8)| a == b;
    let before = word.iter().zip(known).take_while(same).count();
    let (word, known) = (&word[before..], &known[before..]);
    let after = (word.iter().rev().zip(known.iter().rev()))
        .take_while(same)
        .count();
    match (&word[..word.len() - after], &known[..known.len() - after]) {
        ([_], []) | ([], [_]) => true,
        ([a, b], [c, d]) => (a, b) == (d, c),
        _ => false,
    }
}

/// The word for it, which [`GroupBy::from_str`] reads as the same: the heading of its column.
impl fmt::Display for GroupBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GroupBy::Field(key)
                if key.parse().is_ok_and(|read: GroupBy| read == *self)
                    && !TAKEN.contains(&key.as_str()) =>
            {
                f.pad(key)
            }
            GroupBy::Field(key) => f.pad(&format!("extra.{key}")),
            known => {
                let found = WORDS.iter().find(|(_, word)| word == known);
                f.pad(found.map_or("", |(word, _)| word))
            }
        }
    }
}

/// Which part of a record tells groups apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Site,
    Origin,
    Extra,
}

impl GroupBy {
    /// Which part of a record it looks at.
    pub(crate) fn side(&self) -> Side {
        match self {
            GroupBy::Level | GroupBy::LevelStep | GroupBy::Name | GroupBy::Site => Side::Site,
            GroupBy::Host | GroupBy::Process | GroupBy::Thread => Side::Origin,
            GroupBy::Field(_) => Side::Extra,
        }
    }

    /// The key of the extra field, when it is one.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        match self {
            GroupBy::Field(key) => Some(key),
            _ => None,
        }
    }

    /// What a record has here; null for what the client did not say.
    pub(crate) fn value(&self, site: &Site, origin: &Origin, extra: &Map<String, Value>) -> Value {
        let text = |text: &str| (!text.is_empty()).then(|| text.into());
        let value = match self {
            GroupBy::Level => return level_name(site).into(),
            GroupBy::LevelStep => return LEVEL_STEPS[step_of(site.level)].into(),
            GroupBy::Name => text(&site.name),
            GroupBy::Host => text(&origin.hostname),
            GroupBy::Process => {
                let id = origin.process.map(Value::from);
                id.or_else(|| text(&origin.process_name))
            }
            GroupBy::Thread => text(&origin.thread_name).or(origin.thread.map(Value::from)),
            GroupBy::Site => match site.lineno {
                Some(line) if !site.pathname.is_empty() => {
                    Some(format!("{}:{line}", site.pathname).into())
                }
                _ => text(&site.pathname),
            },
            GroupBy::Field(key) => extra_at(extra, key).cloned(),
        };
        value.unwrap_or(Value::Null)
    }
}

/// The names of the steps, from the lowest to the highest.
pub(crate) const LEVEL_STEPS: [&str; 5] = ["debug", "info", "warning", "error", "critical"];

/// The number of the step that a level has reached.
fn step_of(level: Level) -> usize {
    let steps = [Level::INFO, Level::WARNING, Level::ERROR, Level::CRITICAL];
    steps.iter().take_while(|step| level >= **step).count()
}

fn level_name(site: &Site) -> String {
    if site.level_name.is_empty() {
        site.level.to_string()
    } else {
        site.level_name.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<GroupBy, QueryError> {
        text.parse()
    }

    #[test]
    fn a_word_is_a_grouping_and_any_other_is_a_field() {
        for (text, by) in [
            ("level", GroupBy::Level),
            ("Logger", GroupBy::Name),
            ("HOSTNAME", GroupBy::Host),
            (" site ", GroupBy::Site),
            ("user.id", GroupBy::Field("user.id".into())),
            ("size", GroupBy::Field("size".into())),
            ("port", GroupBy::Field("port".into())),
            ("extra.level", GroupBy::Field("level".into())),
            ("extra.extra.a", GroupBy::Field("extra.a".into())),
        ] {
            assert_eq!(read(text), Ok(by), "{text}");
        }
    }

    #[test]
    fn levels_between_the_steps_count_to_the_one_below() {
        let steps = [-5, 0, 10, 19, 20, 29, 30, 35, 40, 49, 50, 900];
        let steps = steps.map(|level| step_of(Level(level)));
        assert_eq!(steps, [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4]);
    }

    #[test]
    fn a_slip_is_told_from_a_field() {
        for (text, meant) in [
            ("levle", "level"),
            ("nmae", "name"),
            ("hosts", "host"),
            ("proces", "process"),
            ("thred", "thread"),
            ("Stie", "site"),
        ] {
            let error = read(text).unwrap_err().to_string();
            let expected = format!(
                "unknown grouping {text:?}; did you mean {meant}? An extra field of that name is extra.{text}"
            );
            assert_eq!(error, expected);
        }
        assert_eq!(read(""), Err(QueryError::NoGroup));
        assert_eq!(read("extra."), Err(QueryError::NoGroup));
    }

    #[test]
    fn what_is_shown_is_read_as_the_same() {
        let fields = ["a.b", "level", "levle", "count", "extra.a", "logger"];
        let fields = fields.map(|key| GroupBy::Field(key.into()));
        let words = WORDS.iter().map(|(_, by)| by.clone());
        for by in words.chain(fields) {
            assert_eq!(read(&by.to_string()), Ok(by));
        }
        assert_eq!(GroupBy::Host.to_string(), "host");
        assert_eq!(
            GroupBy::Field("count".into()).to_string(),
            "extra.count",
            "count is the heading of the counts"
        );
    }
}
