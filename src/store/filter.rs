//! A [`Query`] made ready for a scan: ids of the wanted sites and origins, and what the texts must hold.

use std::collections::HashSet;

use regex::{Regex, RegexBuilder};
use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, params_from_iter};
use serde_json::{Map, Value};

use crate::query::{FieldFilter, Query};
use crate::record::extra_at;

/// A set of row ids: a bit for each small one, since they are dense; a foreign hand may have put others.
#[derive(Debug, Default)]
pub(super) struct IdSet {
    small: Vec<u64>,
    others: HashSet<i64>,
}

/// Ids from here on are not small: two megabytes of bits.
const SMALL_IDS: usize = 1 << 24;

impl IdSet {
    fn insert(&mut self, id: i64) {
        match usize::try_from(id) {
            Ok(id) if id < SMALL_IDS => {
                if id / 64 >= self.small.len() {
                    self.small.resize(id / 64 + 1, 0);
                }
                self.small[id / 64] |= 1 << (id % 64);
            }
            _ => {
                self.others.insert(id);
            }
        }
    }

    fn contains(&self, id: i64) -> bool {
        match usize::try_from(id) {
            Ok(id) if id < SMALL_IDS => self
                .small
                .get(id / 64)
                .is_some_and(|word| word & (1 << (id % 64)) != 0),
            _ => self.others.contains(&id),
        }
    }
}

/// The rows of one of the two dictionary tables that are wanted; `None`: all.
#[derive(Debug)]
pub(super) struct Wanted(Option<IdSet>);

impl Wanted {
    /// Whether all are wanted.
    pub(super) fn is_all(&self) -> bool {
        self.0.is_none()
    }

    /// Whether any of these is wanted.
    pub(super) fn any(&self, ids: &[i64]) -> bool {
        self.0
            .as_ref()
            .is_none_or(|set| ids.iter().any(|id| set.contains(*id)))
    }

    pub(super) fn contains(&self, id: i64) -> bool {
        self.0.as_ref().is_none_or(|set| set.contains(id))
    }

    fn load(connection: &Connection, table: &str, condition: Condition) -> rusqlite::Result<Self> {
        let Condition { sql, values } = condition;
        if sql.is_empty() {
            return Ok(Wanted(None));
        }
        let sql = format!("SELECT id FROM {table} WHERE {}", sql.join(" AND "));
        let mut set = IdSet::default();
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            set.insert(row.get(0)?);
        }
        Ok(Wanted(Some(set)))
    }
}

/// Terms that must all hold, with the values of their parameters in order.
#[derive(Default)]
struct Condition {
    sql: Vec<String>,
    values: Vec<SqlValue>,
}

impl Condition {
    /// One of the alternatives must hold; no alternatives: no condition.
    fn any<T>(
        &mut self,
        alternatives: &[T],
        mut term: impl FnMut(&T, &mut Vec<SqlValue>) -> &'static str,
    ) {
        if alternatives.is_empty() {
            return;
        }
        let terms: Vec<_> = alternatives
            .iter()
            .map(|value| term(value, &mut self.values))
            .collect();
        self.sql.push(format!("({})", terms.join(" OR ")));
    }
}

/// The sites that the query wants.
pub(super) fn wanted_sites(connection: &Connection, query: &Query) -> rusqlite::Result<Wanted> {
    let mut condition = Condition::default();
    if let Some(level) = query.min_level {
        condition.sql.push("levelno >= ?".into());
        condition.values.push(i64::from(level.0).into());
    }
    condition.any(&query.names, |name, values| {
        // Everything from "name." up to "name/", the slash being the character after the dot.
        values.extend([
            name.clone().into(),
            format!("{name}.").into(),
            format!("{name}/").into(),
        ]);
        "name = ? OR (name >= ? AND name < ?)"
    });
    Wanted::load(connection, "site", condition)
}

/// The origins that the query wants.
pub(super) fn wanted_origins(connection: &Connection, query: &Query) -> rusqlite::Result<Wanted> {
    let mut condition = Condition::default();
    condition.any(&query.hosts, |host, values| {
        values.push(host.clone().into());
        "hostname = ?"
    });
    condition.any(&query.processes, |process, values| {
        values.extend(number_and_name(process));
        "process = ? OR processName = ?"
    });
    condition.any(&query.threads, |thread, values| {
        values.extend(number_and_name(thread));
        "thread = ? OR threadName = ?"
    });
    Wanted::load(connection, "origin", condition)
}

fn number_and_name(text: &str) -> [SqlValue; 2] {
    [
        text.parse().map_or(SqlValue::Null, SqlValue::Integer),
        text.to_owned().into(),
    ]
}

/// What the texts of a record must hold.
#[derive(Debug)]
pub(super) struct TextFilter {
    /// Each must match in one of the texts.
    patterns: Vec<Regex>,
    fields: Vec<FieldFilter>,
}

impl TextFilter {
    pub(super) fn new(query: &Query) -> Self {
        let words = query.words.iter().map(|word| {
            RegexBuilder::new(&regex::escape(word))
                .case_insensitive(true)
                // The words come from a command line, whose length is bounded; the default limit is meant for repetitions.
                .size_limit(1 << 30)
                .build()
                .expect("an escaped text is always a pattern")
        });
        TextFilter {
            patterns: words.chain(query.grep.clone()).collect(),
            fields: query.fields.clone(),
        }
    }

    /// Whether every record passes, so that its texts need not be read.
    pub(super) fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.fields.is_empty()
    }

    /// Hashes of words that the texts of every record that passes hold.
    pub(super) fn required_words(&self) -> &[u64] {
        &[]
    }

    /// `texts`: message, traceback and stack; `extra`: the text of the JSON object.
    pub(super) fn wants(&self, texts: &[&str], extra: Option<&str>) -> bool {
        let mut parsed = None;
        let extra =
            || extra.and_then(|extra| serde_json::from_str::<Map<String, Value>>(extra).ok());
        self.patterns.iter().all(|pattern| {
            texts.iter().any(|text| pattern.is_match(text))
                || parsed
                    .get_or_insert_with(extra)
                    .as_ref()
                    .is_some_and(|extra| extra.values().any(|value| any_text(value, pattern)))
        }) && self.fields.iter().all(|field| {
            parsed
                .get_or_insert_with(extra)
                .as_ref()
                .and_then(|extra| extra_at(extra, &field.key))
                .is_some_and(|value| is_value(value, &field.value))
        })
    }
}

/// Whether the pattern matches in one of the texts among the values.
fn any_text(value: &Value, pattern: &Regex) -> bool {
    match value {
        Value::String(text) => pattern.is_match(text),
        Value::Array(values) => values.iter().any(|value| any_text(value, pattern)),
        Value::Object(fields) => fields.values().any(|value| any_text(value, pattern)),
        _ => false,
    }
}

/// Whether a value is what was typed: a text by its characters, a number by its value.
fn is_value(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted,
        Value::Number(number) => match (number.as_i128(), wanted.parse::<i128>()) {
            // As floats, neighbours past 2^53 would be equal.
            (Some(number), Ok(wanted)) => number == wanted,
            _ => number
                .as_f64()
                .is_some_and(|number| wanted.parse() == Ok(number)),
        },
        Value::Bool(bool) => wanted.eq_ignore_ascii_case(if *bool { "true" } else { "false" }),
        Value::Null => wanted.eq_ignore_ascii_case("null") || wanted == "None",
        Value::Array(_) | Value::Object(_) => {
            serde_json::from_str::<Value>(wanted).is_ok_and(|wanted| wanted == *value)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_equals_any_spelling_of_its_value() {
        assert!(is_value(&json!(5), "5") && is_value(&json!(5), "5.0"));
        assert!(is_value(&json!(0.1), "1e-1"));
        let large = json!(1_234_567_890_123_456_789_i64);
        assert!(
            is_value(&large, "1234567890123456789") && !is_value(&large, "1234567890123456788")
        );
        assert!(is_value(&json!(true), "True") && is_value(&json!(null), "None"));
        assert!(is_value(&json!([1, 2]), "[1,2]"));
        assert!(!is_value(&json!("5.0"), "5") && !is_value(&json!(5), "five"));
    }

    #[test]
    fn all_words_must_occur_somewhere_in_any_case() {
        let query = Query {
            words: vec!["Timeout".into(), "ada".into()],
            ..Query::default()
        };
        let filter = TextFilter::new(&query);
        let extra = Some(r#"{"user": {"name": "Ada"}, "timeout": 3}"#);
        assert!(filter.wants(&["a TIMEOUT occurred"], extra));
        assert!(filter.wants(&["", "timeout for ada"], None));
        assert!(!filter.wants(&["ada"], extra), "keys are no text");
        assert!(!filter.wants(&["timeout"], None));
    }
}
