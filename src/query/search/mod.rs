//! The search text: all that is asked for in one line, as people type it.

mod cut;
mod foreign;

use std::ops::Range;

use super::{Case, FieldFilter, FieldTest, Pattern, Query};
use crate::error::{QueryError, SearchError};
use crate::level::Level;
use crate::time::{Zone, parse_since, parse_until};
use cut::{Cut, Fault, Sign, Term, Value, wrong};

/// Reads a search text: terms with white space between them, which must all hold.
///
/// - `word`, `word*`, `"a phrase"`, `"a phr"*`: as [`Phrase`](super::Phrase) has them;
/// - `/regex/`, `/regex/i`: as [`Query::grep`], the latter in any case;
/// - `level:warning` (at least), `level:>=warning`, `level:<=info`, `level:=error`;
/// - `name:myapp.area2`, `host:node1`, `process:4711`, `thread:MainThread`: several of one kind are alternatives;
/// - `since:-1h`, `until:"yesterday 10:00"`: as [`parse_since`] and [`parse_until`] read them;
/// - `elapsed>5`, `>=`, `<`, `<=`, `user.id=7`, `funcName=work`, `key!=value`, `key~regex`: as [`FieldFilter`]; `has:key`.
///
/// A `-` right before any of them but `since:` and `until:` leaves out what it would find, and nothing else: `-host:node1`, `-elapsed>5`
/// (records without that field stay), `-404`. Before a `-`, a `>` or white space it is a part of a word: `--flag`, `->`; anywhere else
/// with quotes around it: `"-5"`.
///
/// What stands behind a `:` or an operator may be quoted. Within quotes `\"` is a quote and `\\` a backslash; nothing else has a meaning.
/// A word with a `:` behind no known key, such as `12:30`, is a word. What means something in other tools and nothing here is refused:
/// keys such as `logger:`, conditions such as `level=error`, `OR`, `AND`, `NOT`, `!word`, an operator with blanks around it.
///
/// # Errors
///
/// What is wrong with which part of the text, and the way out.
///
/// ```
/// use logstore::{Level, Zone, parse_search};
///
/// let query = parse_search(r#"level:warning name:myapp "connection reset" -host:node1"#, 0, Zone::Utc)?;
/// assert_eq!(query.min_level, Some(Level::WARNING));
/// assert_eq!(query.names, ["myapp"]);
/// assert_eq!(query.phrases[0].text(), "connection reset");
/// assert_eq!(query.not_hosts, ["node1"]);
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
        let read = term.and_then(|(place, sign, term)| {
            let asked = reading.ask(&mut query, &place, sign, term);
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
    /// Adds what a term asks for, or what it leaves out.
    fn ask(
        &self,
        query: &mut Query,
        place: &Range<usize>,
        sign: Sign,
        term: Term<'_>,
    ) -> Result<(), Fault> {
        match (term, sign) {
            (Term::Phrase(phrase), Sign::Plus) => query.phrases.push(phrase),
            (Term::Phrase(phrase), Sign::Minus) => query.not_phrases.push(phrase),
            (Term::Grep(value, case), Sign::Plus) => {
                let asked = Query {
                    grep: Some(self.pattern(&value, case)?),
                    ..Query::default()
                };
                *query = std::mem::take(query).and(asked);
            }
            (Term::Grep(value, case), Sign::Minus) => {
                query.not_patterns.push(self.pattern(&value, case)?);
            }
            (Term::Field(key, operator, value), sign) => {
                let field = self.field(key, operator, &value)?;
                fields(query, sign).push(field);
            }
            (Term::Key("level", value), sign) => ask_level(query, sign, &value)?,
            (Term::Key("has", value), sign) => fields(query, sign).push(FieldFilter {
                key: value.text.into_owned(),
                test: FieldTest::Present,
            }),
            (Term::Key(key @ ("since" | "until"), value), sign) => {
                if sign == Sign::Minus {
                    let message = format!(
                        "{key}: cannot be left out; since: and until: are the two ends of a time"
                    );
                    return Err(wrong(place.clone(), message));
                }
                self.ask_time(query, key, &value)?;
            }
            (Term::Key(key, value), sign) => {
                let (wanted, left_out) = match key {
                    "name" => (&mut query.names, &mut query.not_names),
                    "host" => (&mut query.hosts, &mut query.not_hosts),
                    "process" => (&mut query.processes, &mut query.not_processes),
                    _ => (&mut query.threads, &mut query.not_threads),
                };
                let texts = match sign {
                    Sign::Plus => wanted,
                    Sign::Minus => left_out,
                };
                texts.push(value.text.into_owned());
            }
        }
        Ok(())
    }

    fn ask_time(&self, query: &mut Query, key: &str, value: &Value<'_>) -> Result<(), Fault> {
        let read = |read: fn(&str, i64, Zone) -> Result<i64, QueryError>| {
            read(&value.text, self.now_ns, self.zone).map_err(|error| value.fault(&error))
        };
        if key == "since" {
            query.since_ns = query.since_ns.max(Some(read(parse_since)?));
        } else {
            let until_ns = read(parse_until)?;
            query.until_ns = Some(query.until_ns.map_or(until_ns, |ns| ns.min(until_ns)));
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

/// The conditions on fields that a term of this sign adds to.
fn fields(query: &mut Query, sign: Sign) -> &mut Vec<FieldFilter> {
    match sign {
        Sign::Plus => &mut query.fields,
        Sign::Minus => &mut query.not_fields,
    }
}

fn ask_level(query: &mut Query, sign: Sign, value: &Value<'_>) -> Result<(), Fault> {
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
    // What is left when all from a level on are left out is at most the one below it.
    let beside = |step: i32| {
        let none = || {
            let message = "without these no level is left; use another one";
            wrong(value.behind(operator.len()), message)
        };
        level.0.checked_add(step).map(Level).ok_or_else(none)
    };
    let (mut least, mut most) = (None, None);
    match (operator, sign) {
        ("=", Sign::Plus) => query.exact_levels.push(level),
        ("=", Sign::Minus) => query.not_levels.push(level),
        ("<=", Sign::Plus) => most = Some(level),
        ("<=", Sign::Minus) => least = Some(beside(1)?),
        (_, Sign::Plus) => least = Some(level),
        (_, Sign::Minus) => most = Some(beside(-1)?),
    }
    *query = std::mem::take(query).and(Query {
        min_level: least,
        max_level: most,
        ..Query::default()
    });
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
