//! `GET /api/names`: the loggers, hosts and extra fields of what matches, for a tree and for completion.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::Answer;
use super::filters;
use super::histogram::{Steps, add};
use super::parameters::{Parameter, Parameters, one};
use super::problem::Problem;
use super::tree::Tree;
use crate::count::{Count, Counts, GroupBy};
use crate::error::{Error, QueryError};
use crate::query::{Order, Query};
use crate::store::Reader;

pub(super) const PART: &[Parameter] = &[one("under"), one("prefix")];

/// How many hosts and fields an answer has: of hosts the largest, of fields those that are found first.
const MOST_NAMES: usize = 2000;

/// In how many groups loggers may be counted: a hundred thousand of them in all their levels, and some.
const MOST_GROUPS: usize = 600_000;

/// In how many records fields are looked for: the newest.
const FIELD_RECORDS: usize = 1000;

/// How deep nested fields are named.
const FIELD_DEPTH: usize = 4;

pub(super) fn names(given: &Parameters, reader: &Reader) -> Result<Answer, Problem> {
    let mut query = filters::query(given)?;
    let (under, prefix) = (given.one("under"), given.one("prefix"));
    if under.is_some() && prefix.is_some() {
        let detail = "prefix does not go with under; leave out one of them";
        return Err(Problem::of("prefix", detail));
    }
    // A star would stand for any characters there.
    if let Some(under) = under.filter(|under| !under.contains('*')) {
        query = query.and(Query {
            names: vec![under.to_owned()],
            ..Query::default()
        });
    }
    let counts = count(&query, reader)?;
    let (mut loggers, mut hosts) = (HashMap::<&str, Steps>::new(), HashMap::<&str, u64>::new());
    let mut total = 0;
    for counts in &counts {
        for row in &counts.rows {
            for (by, value) in counts.by.iter().zip(&row.key) {
                let text = value.as_str().unwrap_or_default();
                match by {
                    GroupBy::Name => add(loggers.entry(text).or_default(), &row.key[1], row.count),
                    GroupBy::Host => *hosts.entry(text).or_default() += row.count,
                    _ => {}
                }
            }
        }
        total = counts.total;
    }
    // Of records without a host's name.
    hosts.remove("");
    if let Some(under) = under {
        let is_below = |name: &str| name.as_bytes().get(under.len()) == Some(&b'.');
        loggers.retain(|name, _| *name == under || name.starts_with(under) && is_below(name));
    }
    if let Some(prefix) = prefix.map(str::to_lowercase) {
        loggers.retain(|name, _| name.to_lowercase().starts_with(&prefix));
        hosts.retain(|name, _| name.to_lowercase().starts_with(&prefix));
    }
    // Who asks for a part has asked for the whole.
    let fields = match under.or(prefix) {
        None => fields(&query, reader)?,
        Some(_) => BTreeSet::new(),
    };
    let (names_found, hosts_found) = (loggers.len(), hosts.len());
    let mut hosts: Vec<(&str, u64)> = hosts.into_iter().collect();
    hosts.sort_unstable_by_key(|(name, count)| (Reverse(*count), *name));
    let hosts = hosts.iter().take(MOST_NAMES);
    let tree = Tree::new(loggers.into_iter().collect(), under);
    let named = tree.named.iter().map(|named| {
        let mut node = json!({"name": named.name, "counts": named.counts});
        if named.more > 0 {
            node["more"] = named.more.into();
        }
        node
    });
    let others = tree.others.iter().map(
        |others| json!({"under": others.under, "loggers": others.loggers, "counts": others.counts}),
    );
    let mut answer = json!({
        "names": named.collect::<Vec<Value>>(),
        "others": others.collect::<Vec<Value>>(),
        "names_found": names_found,
        "hosts": hosts.map(|(host, count)| json!({"host": host, "count": count})).collect::<Vec<Value>>(),
        "hosts_found": hosts_found,
        "fields": fields.iter().take(MOST_NAMES).collect::<Vec<_>>(),
        "total": total,
    });
    let cut = [
        ("cut", tree.is_cut()),
        ("fields_cut", fields.len() > MOST_NAMES),
    ];
    for (flag, _) in cut.into_iter().filter(|(_, is_cut)| *is_cut) {
        answer[flag] = true.into();
    }
    Ok(Answer::json(answer.to_string()))
}

/// The counts of loggers, with the level next to the name, and those of hosts: at once, or one after the other where there are too
/// many of both.
fn count(query: &Query, reader: &Reader) -> Result<Vec<Counts>, Problem> {
    let count = |reader: &Reader, by: &[GroupBy]| {
        reader.count(&Count {
            query: query.clone(),
            by: by.to_vec(),
            every: None,
        })
    };
    match count(reader, &[GroupBy::Name, GroupBy::LevelStep, GroupBy::Host]) {
        Err(Error::Query(QueryError::TooManyGroups { .. })) => {
            let reader = reader.clone().with_max_groups(MOST_GROUPS);
            let by_name = count(&reader, &[GroupBy::Name, GroupBy::LevelStep])?;
            Ok(vec![count(&reader, &[GroupBy::Host])?, by_name])
        }
        counts => Ok(vec![counts?]),
    }
}

/// The keys of extra fields, dotted, of the newest records: one more than there may be where there are more.
fn fields(query: &Query, reader: &Reader) -> Result<BTreeSet<String>, Problem> {
    let query = Query {
        limit: Some(FIELD_RECORDS),
        order: Order::NewestFirst,
        ..query.clone()
    };
    let mut fields = BTreeSet::new();
    for stored in reader.query(&query)? {
        put_keys("", &stored?.record.extra, FIELD_DEPTH, &mut fields);
        if fields.len() > MOST_NAMES {
            break;
        }
    }
    Ok(fields)
}

fn put_keys(before: &str, extra: &Map<String, Value>, depth: usize, fields: &mut BTreeSet<String>) {
    for (key, value) in extra {
        if fields.len() > MOST_NAMES {
            return;
        }
        let key = format!("{before}{key}");
        match value {
            Value::Object(inner) if depth > 1 && !inner.is_empty() => {
                put_keys(&format!("{key}."), inner, depth - 1, fields);
            }
            _ => {
                fields.insert(key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_nested_fields_are_dotted() {
        let extra =
            json!({"user": {"id": 7, "name": {}}, "a": {"b": {"c": {"d": {"e": 1}}}}, "n": [1]});
        let mut fields = BTreeSet::new();
        put_keys("", extra.as_object().unwrap(), FIELD_DEPTH, &mut fields);
        let fields: Vec<String> = fields.into_iter().collect();
        assert_eq!(fields, ["a.b.c.d", "n", "user.id", "user.name"]);
    }

    #[test]
    fn of_too_many_keys_no_more_are_looked_at() {
        let extra = (0..2 * MOST_NAMES).map(|key| (key.to_string(), Value::Null));
        let mut fields = BTreeSet::new();
        put_keys("", &extra.collect(), FIELD_DEPTH, &mut fields);
        assert_eq!(fields.len(), MOST_NAMES + 1);
    }
}
