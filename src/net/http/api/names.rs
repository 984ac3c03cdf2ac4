//! `GET /api/names`: the loggers, hosts and extra fields of what matches, for a tree and for completion.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::Answer;
use super::filters;
use super::histogram::{Steps, add};
use super::parameters::Parameters;
use super::problem::Problem;
use crate::count::{Count, GroupBy};
use crate::query::{Order, Query};
use crate::store::Reader;

/// How many names of each kind an answer has. Of more, the largest are taken; of fields those that are found first.
const MOST_NAMES: usize = 2000;

/// In how many records fields are looked for: the newest.
const FIELD_RECORDS: usize = 1000;

/// How deep nested fields are named.
const FIELD_DEPTH: usize = 4;

pub(super) fn names(given: &Parameters, reader: &Reader) -> Result<Answer, Problem> {
    let query = filters::query(given)?;
    let counts = reader.count(&Count {
        query: query.clone(),
        by: vec![GroupBy::Name, GroupBy::LevelStep, GroupBy::Host],
        every: None,
    })?;
    let (mut names, mut hosts) = (BTreeMap::<&str, Steps>::new(), BTreeMap::<&str, u64>::new());
    for row in &counts.rows {
        let text = |place: usize| row.key[place].as_str().unwrap_or_default();
        add(names.entry(text(0)).or_default(), &row.key[1], row.count);
        *hosts.entry(text(2)).or_default() += row.count;
    }
    // Of records without a host's name.
    hosts.remove("");
    let fields = fields(&query, reader)?;
    let cut = [
        ("cut", names.len()),
        ("hosts_cut", hosts.len()),
        ("fields_cut", fields.len()),
    ];
    let names = largest(names, |counts| counts.iter().sum());
    let hosts = largest(hosts, |count| *count);
    let names = names
        .iter()
        .map(|(name, counts)| json!({"name": name, "counts": counts}));
    let hosts = hosts
        .iter()
        .map(|(host, count)| json!({"host": host, "count": count}));
    let mut answer = json!({
        "names": names.collect::<Vec<Value>>(),
        "hosts": hosts.collect::<Vec<Value>>(),
        "fields": fields.iter().take(MOST_NAMES).collect::<Vec<_>>(),
        "total": counts.total,
    });
    for (flag, found) in cut {
        if found > MOST_NAMES {
            answer[flag] = true.into();
        }
    }
    Ok(Answer::json(answer.to_string()))
}

/// Those with most records, in the order of their names.
fn largest<T>(names: BTreeMap<&str, T>, records: impl Fn(&T) -> u64) -> Vec<(&str, T)> {
    let mut names: Vec<(&str, T)> = names.into_iter().collect();
    if names.len() > MOST_NAMES {
        names.sort_by_key(|(_, counts)| Reverse(records(counts)));
        names.truncate(MOST_NAMES);
        names.sort_unstable_by_key(|(name, _)| *name);
    }
    names
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

    #[test]
    fn of_too_many_names_the_largest_are_kept_in_order() {
        let names: Vec<String> = (0..MOST_NAMES + 2).map(|n| format!("{n:05}")).collect();
        let counted = names
            .iter()
            .enumerate()
            .map(|(count, name)| (name.as_str(), count as u64));
        let kept = largest(counted.collect(), |count| *count);
        assert_eq!(kept.len(), MOST_NAMES);
        assert_eq!(kept[0], ("00002", 2));
        assert!(kept.is_sorted());
    }
}
