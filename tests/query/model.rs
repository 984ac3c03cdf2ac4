//! The meaning of a query, spelled out: a plain filter over records in a `Vec`.

use std::cmp::Ordering;

use logstore::{
    FieldFilter, FieldTest, LimitTo, LogRecord, Order, Pattern, Phrase, Query, Reader, RecordKey,
};
use serde_json::Value;

fn texts_of(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(values) => values.iter().flat_map(texts_of).collect(),
        Value::Object(fields) => fields.values().flat_map(texts_of).collect(),
        _ => Vec::new(),
    }
}

/// Whether a text is what a pattern with stars says.
fn is_like(text: &str, wanted: &str) -> bool {
    match wanted.split_once('*') {
        None => text == wanted,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|after| {
            let ends = after.char_indices().map(|(at, _)| at).chain([after.len()]);
            ends.into_iter().any(|at| is_like(&after[at..], rest))
        }),
    }
}

fn is_under(name: &str, wanted: &str) -> bool {
    let mut parents = name.match_indices('.').map(|(dot, _)| &name[..dot]);
    is_like(name, wanted) || parents.any(|parent| is_like(parent, wanted))
}

/// In small letters, with one blank for any white space.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.to_lowercase().chars() {
        let c = if c.is_whitespace() { ' ' } else { c };
        if c != ' ' || !plain.ends_with(' ') {
            plain.push(c);
        }
    }
    plain
}

fn occurs(phrase: &Phrase, text: &str) -> bool {
    let wanted = plain(phrase.text());
    // A boundary is where one of two neighbours is of a word; the ends of a text are of none.
    let of_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.char_indices().any(|(at, _)| {
        let (before, rest) = text.split_at(at);
        rest.strip_prefix(&wanted).is_some_and(|behind| {
            let (first, last) = (wanted.chars().next(), wanted.chars().next_back());
            !(of_word(before.chars().next_back()) && of_word(first))
                && (phrase.is_prefix() || !(of_word(behind.chars().next()) && of_word(last)))
        })
    })
}

fn is_equal(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted,
        Value::Number(number) => match (number.as_i64(), wanted.parse::<i64>()) {
            (Some(number), Ok(wanted)) => number == wanted,
            _ => number.as_f64() == wanted.parse().ok(),
        },
        Value::Bool(bool) => wanted == bool.to_string(),
        Value::Null => wanted == "None",
        Value::Array(values) if values.iter().any(|value| is_equal(value, wanted)) => true,
        value => serde_json::from_str(wanted).ok() == Some(value.clone()),
    }
}

fn order(value: &Value, wanted: &str) -> Option<Ordering> {
    let of_number = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    match (of_number.parse::<i64>(), wanted.parse::<i64>()) {
        (Ok(number), Ok(wanted)) => Some(number.cmp(&wanted)),
        _ => match (of_number.parse::<f64>(), wanted.parse::<f64>()) {
            (Ok(number), Ok(wanted)) => number.partial_cmp(&wanted),
            _ => value.as_str().map(|text| text.cmp(wanted)),
        },
    }
}

/// The record's own field of this name, as JSON shows it; `None` when the name is no such field.
fn own_field(key: &str, record: &LogRecord) -> Option<Value> {
    let (site, origin) = (&record.site, &record.origin);
    let said = |text: &str| (!text.is_empty()).then(|| text.to_owned()).into();
    Some(match key {
        "name" => said(&site.name),
        "levelno" => site.level.0.into(),
        "levelname" => said(&site.level_name),
        "message" => record.message.clone().into(),
        "hostname" => said(&origin.hostname),
        "process" => origin.process.into(),
        "processName" => said(&origin.process_name),
        "thread" => origin.thread.into(),
        "threadName" => said(&origin.thread_name),
        "taskName" => record.task_name.clone().into(),
        "pathname" => said(&site.pathname),
        "filename" => said(site.filename()),
        "module" => said(site.module()),
        "lineno" => site.lineno.into(),
        "funcName" => said(&site.func_name),
        "exc_text" => record.exc_text.clone().into(),
        "stack_info" => record.stack_info.clone().into(),
        _ => return None,
    })
}

fn extra_field<'r>(key: &str, record: &'r LogRecord) -> Option<&'r Value> {
    record.extra.get(key).or_else(|| {
        let mut value = record.extra.get(key.split('.').next()?);
        for key in key.split('.').skip(1) {
            value = value.and_then(|value| value.get(key));
        }
        value
    })
}

fn holds(filter: &FieldFilter, record: &LogRecord) -> bool {
    let own = own_field(&filter.key, record);
    let value = if let Some(own) = &own {
        Some(own).filter(|value| !value.is_null())
    } else {
        let without = filter.key.strip_prefix("extra.");
        let extra = extra_field(&filter.key, record);
        extra.or_else(|| extra_field(without?, record))
    };
    value.is_some_and(|value| match &filter.test {
        FieldTest::Present => true,
        FieldTest::Equals(wanted) => is_equal(value, wanted),
        FieldTest::NotEquals(other) => !is_equal(value, other),
        FieldTest::Less(than) => order(value, than) == Some(Ordering::Less),
        FieldTest::LessOrEqual(than) => order(value, than).is_some_and(Ordering::is_le),
        FieldTest::Greater(than) => order(value, than) == Some(Ordering::Greater),
        FieldTest::GreaterOrEqual(than) => order(value, than).is_some_and(Ordering::is_ge),
        FieldTest::Matches(pattern) => match value {
            Value::String(text) => pattern.is_match(text),
            value => pattern.is_match(&value.to_string()),
        },
    })
}

/// A record with its texts as they are searched.
pub(crate) struct Seen<'r> {
    record: &'r LogRecord,
    texts: Vec<&'r str>,
    plain: Vec<String>,
}

impl<'r> Seen<'r> {
    pub(crate) fn new(record: &'r LogRecord) -> Self {
        let mut texts = vec![record.message.as_str()];
        texts.extend(record.exc_text.as_deref());
        texts.extend(record.stack_info.as_deref());
        texts.extend(record.extra.values().flat_map(texts_of));
        Seen {
            record,
            plain: texts.iter().map(|text| plain(text)).collect(),
            texts,
        }
    }
}

/// Whether the record of this id is within the query's ids and keys.
pub(crate) fn is_within(query: &Query, id: i64, record: &LogRecord) -> bool {
    let created_ns = record.created_ns;
    let key = RecordKey { created_ns, id };
    query.after_id.is_none_or(|after| id > after)
        && query.after.is_none_or(|after| key > after)
        && query.before.is_none_or(|before| key < before)
        && query.also.iter().all(|part| is_within(part, id, record))
}

/// Whether a record is wanted, whatever its id.
pub(crate) fn wants(query: &Query, seen: &Seen<'_>) -> bool {
    let Seen {
        record,
        texts,
        plain,
    } = seen;
    let any_of = |wanted: &[String], number: Option<i64>, name: &str| {
        let number = number.map(|number| number.to_string());
        wanted.iter().any(|wanted| {
            is_like(name, wanted) || number.as_ref().is_some_and(|n| is_like(n, wanted))
        })
    };
    let who = |wanted: &[String], not: &[String], number: Option<i64>, name: &str| {
        (wanted.is_empty() || any_of(wanted, number, name)) && !any_of(not, number, name)
    };
    let said = |phrase: &Phrase| plain.iter().any(|text| occurs(phrase, text));
    let matched = |pattern: &Pattern| texts.iter().any(|text| pattern.is_match(text));
    let found = |filter: &FieldFilter| holds(filter, record);
    let (site, origin) = (&record.site, &record.origin);
    let levels = &query.exact_levels;
    let under = |wanted: &String| is_under(&site.name, wanted);
    query.min_level.is_none_or(|level| site.level >= level)
        && query.max_level.is_none_or(|level| site.level <= level)
        && (levels.is_empty() || levels.contains(&site.level))
        && !query.not_levels.contains(&site.level)
        && (query.names.is_empty() || query.names.iter().any(under))
        && !query.not_names.iter().any(under)
        && query
            .since_ns
            .is_none_or(|since| record.created_ns >= since)
        && query
            .until_ns
            .is_none_or(|until| record.created_ns <= until)
        && who(&query.hosts, &query.not_hosts, None, &origin.hostname)
        && who(
            &query.processes,
            &query.not_processes,
            origin.process,
            &origin.process_name,
        )
        && who(
            &query.threads,
            &query.not_threads,
            origin.thread,
            &origin.thread_name,
        )
        && query.phrases.iter().all(said)
        && !query.not_phrases.iter().any(said)
        && query.grep.as_ref().is_none_or(matched)
        && !query.not_patterns.iter().any(matched)
        && query.fields.iter().all(found)
        && !query.not_fields.iter().any(found)
        && query.also.iter().all(|part| wants(part, seen))
}

/// What is left of these records, all that are wanted whatever their ids, after the query's ids, keys, order and limit; and whether
/// the limit left any out.
pub(crate) fn in_order<'r>(
    query: &Query,
    wanted: impl Iterator<Item = (i64, &'r LogRecord)>,
) -> (Vec<(i64, &'r LogRecord)>, bool) {
    let mut wanted: Vec<(i64, &LogRecord)> = wanted
        .filter(|(id, record)| is_within(query, *id, record))
        .collect();
    wanted.sort_by_key(|(id, record)| (record.created_ns, *id));
    let limit = query.limit.unwrap_or(usize::MAX);
    let left_out = wanted.len().saturating_sub(limit);
    match query.limit_to {
        LimitTo::Newest => drop(wanted.drain(..left_out)),
        LimitTo::Oldest => wanted.truncate(limit),
    }
    if query.order == Order::NewestFirst {
        wanted.reverse();
    }
    (wanted, left_out > 0)
}

/// Fails unless the store's answer is made of these records, all that are wanted whatever their ids, in no order. Gives how many
/// damaged blocks the answer met.
#[track_caller]
pub(crate) fn assert_answer<'r>(
    reader: &Reader,
    query: &Query,
    wanted: impl Iterator<Item = (i64, &'r LogRecord)>,
) -> usize {
    let (wanted, is_cut) = in_order(query, wanted);
    let mut answer = reader.query(query).unwrap();
    let found: Vec<_> = answer.by_ref().map(Result::unwrap).collect();
    let both = found.iter().zip(&wanted);
    let same = both
        .take_while(|(found, (id, record))| found.id == *id && found.record == **record)
        .count();
    assert!(
        same == found.len() && same == wanted.len(),
        "{query:?}:\n{} records, expected {}; at place {same} {:?}, expected {:?}",
        found.len(),
        wanted.len(),
        found.get(same),
        wanted.get(same)
    );
    assert_eq!(answer.is_cut().unwrap(), is_cut, "{query:?}");
    answer.damaged_blocks()
}
