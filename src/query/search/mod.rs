//! The search text: all that is asked for in one line, as people type it.

mod cut;

use std::ops::Range;

use super::{Case, FieldFilter, FieldTest, Pattern, Query};
use crate::error::{QueryError, SearchError};
use crate::level::Level;
use crate::time::{Zone, parse_since, parse_until};
use cut::{Cut, Fault, Term, Value, wrong};

/// Reads a search text: terms with white space between them, which must all hold.
///
/// - `word`, `word*`, `"a phrase"`: as [`Phrase`](super::Phrase) has them;
/// - `/regex/`, `/regex/i`: as [`Query::grep`], the latter in any case;
/// - `level:warning` (at least), `level:>=warning`, `level:<=info`, `level:=error`;
/// - `name:myapp.area2`, `host:node1`, `process:4711`, `thread:MainThread`: several of one kind are alternatives; `-name:noisy`;
/// - `since:-1h`, `until:"yesterday 10:00"`: as [`parse_since`] and [`parse_until`] read them;
/// - `elapsed>5`, `>=`, `<`, `<=`, `user.id=7`, `key!=value`, `key~regex`: as [`FieldFilter`]; `has:key`.
///
/// What stands behind a `:` or an operator may be quoted. Within quotes `\"` is a quote and `\\` a backslash; nothing else has a meaning.
/// A word with a `:` behind no known key, such as `12:30`, is a word.
///
/// # Errors
///
/// What is wrong with which part of the text, and the way out.
///
/// ```
/// use logstore::{Level, Zone, parse_search};
///
/// let query = parse_search(r#"level:warning name:myapp "connection reset""#, 0, Zone::Utc)?;
/// assert_eq!(query.min_level, Some(Level::WARNING));
/// assert_eq!(query.names, ["myapp"]);
/// assert_eq!(query.phrases[0].text(), "connection reset");
///
/// let error = parse_search("café level:loud", 0, Zone::Utc).unwrap_err();
/// assert_eq!((error.from, error.to), (11, 15));
/// # Ok::<(), logstore::SearchError>(())
/// ```
pub fn parse_search(text: &str, now_ns: i64, zone: Zone) -> Result<Query, SearchError> {
    parse_search_within(Pattern::SIZE_LIMIT, text, now_ns, zone)
}

/// As [`parse_search`], with a bound for each pattern, see [`Pattern::within`].
pub(crate) fn parse_search_within(
    pattern_limit: usize,
    text: &str,
    now_ns: i64,
    zone: Zone,
) -> Result<Query, SearchError> {
    let reading = Reading {
        pattern_limit,
        now_ns,
        zone,
    };
    let mut query = Query::default();
    for term in Cut::new(text) {
        let read = term.and_then(|(place, term)| {
            let asked = reading.ask(&mut query, term);
            asked.and_then(|()| uncrossed(&query, place))
        });
        read.map_err(|Fault { place, message }| SearchError {
            message,
            from: utf16_len(&text[..place.start]),
            to: utf16_len(&text[..place.end]),
        })?;
    }
    Ok(query)
}

fn utf16_len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// How the terms of a text are read.
struct Reading {
    pattern_limit: usize,
    now_ns: i64,
    zone: Zone,
}

impl Reading {
    /// Adds what a term asks for.
    fn ask(&self, query: &mut Query, term: Term<'_>) -> Result<(), Fault> {
        match term {
            Term::Phrase(phrase) => query.phrases.push(phrase),
            Term::Grep(value, case) => {
                let pattern = self.pattern(&value, case)?;
                let asked = Query {
                    grep: Some(pattern),
                    ..Query::default()
                };
                *query = std::mem::take(query).and(asked);
            }
            Term::Field(key, operator, value) => {
                query.fields.push(self.field(key, operator, &value)?);
            }
            Term::Key(key, value) => {
                let text = || value.text.clone().into_owned();
                let moment = |read: fn(&str, i64, Zone) -> Result<i64, QueryError>| {
                    read(&value.text, self.now_ns, self.zone).map_err(|error| value.fault(&error))
                };
                match key {
                    "level" => ask_level(query, &value)?,
                    "name" => query.names.push(text()),
                    "-name" => query.not_names.push(text()),
                    "host" => query.hosts.push(text()),
                    "process" => query.processes.push(text()),
                    "thread" => query.threads.push(text()),
                    "since" => query.since_ns = query.since_ns.max(Some(moment(parse_since)?)),
                    "until" => {
                        let until_ns = moment(parse_until)?;
                        query.until_ns =
                            Some(query.until_ns.map_or(until_ns, |ns| ns.min(until_ns)));
                    }
                    _ => query.fields.push(FieldFilter {
                        key: text(),
                        test: FieldTest::Present,
                    }),
                }
            }
        }
        Ok(())
    }

    fn field(&self, key: &str, operator: &str, value: &Value<'_>) -> Result<FieldFilter, Fault> {
        let text = value.text.clone().into_owned();
        if operator.starts_with(['<', '>']) && text.is_empty() {
            let message = format!(
                "there is nothing to compare {key} with; write it behind the {operator}, as {key}{operator}5"
            );
            return Err(wrong(
                value.with_before(key.len() + operator.len()),
                message,
            ));
        }
        Ok(FieldFilter {
            key: key.to_owned(),
            test: match operator {
                "=" => FieldTest::Equals(text),
                "!=" => FieldTest::NotEquals(text),
                "<" => FieldTest::Less(text),
                "<=" => FieldTest::LessOrEqual(text),
                ">" => FieldTest::Greater(text),
                ">=" => FieldTest::GreaterOrEqual(text),
                _ => FieldTest::Matches(self.pattern(value, Case::Minded)?),
            },
        })
    }

    fn pattern(&self, value: &Value<'_>, case: Case) -> Result<Pattern, Fault> {
        let pattern = Pattern::within(self.pattern_limit, &value.text, case);
        pattern.map_err(|error| value.fault(&error))
    }
}

fn ask_level(query: &mut Query, value: &Value<'_>) -> Result<(), Fault> {
    let text = &*value.text;
    let operator = [">=", "<=", "="]
        .into_iter()
        .find(|operator| text.starts_with(operator))
        .unwrap_or_default();
    let name = &text[operator.len()..];
    let level: Level = name.parse().map_err(|error| {
        let message = format!("{error}; level:>=info, level:<=info and level:=info are known, too");
        wrong(value.behind(operator.len()), message)
    })?;
    match operator {
        "<=" => query.max_level = Some(query.max_level.map_or(level, |most| most.min(level))),
        "=" => query.exact_levels.push(level),
        _ => query.min_level = query.min_level.max(Some(level)),
    }
    Ok(())
}

/// Fails when a term has left nothing between two bounds.
fn uncrossed(query: &Query, place: Range<usize>) -> Result<(), Fault> {
    let times = query.since_ns.zip(query.until_ns);
    let levels = query.min_level.zip(query.max_level);
    let what = if times.is_some_and(|(since, until)| since > until) {
        "since: is later than until:"
    } else if levels.is_some_and(|(least, most)| least > most) {
        "the least level is above the highest"
    } else {
        return Ok(());
    };
    Err(wrong(
        place,
        format!("{what}, and nothing can be between them; change or remove one of the two"),
    ))
}

#[cfg(test)]
mod tests;
