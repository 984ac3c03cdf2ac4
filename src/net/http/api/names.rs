//! `GET /api/names`: the loggers, hosts and extra fields of what matches, for a tree and for completion.

use std::collections::BTreeSet;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use serde_json::{Map, Value, json};

use super::Answer;
use super::filters;
use super::histogram::{Steps, add};
use super::parameters::{Parameter, Parameters, one};
use super::problem::Problem;
use super::tree::Tree;
use crate::count::{Count, GroupBy};
use crate::error::{Error, QueryError};
use crate::query::{Order, Query};
use crate::store::Reader;

pub(super) const PART: &[Parameter] = &[one("under"), one("prefix")];

/// How many hosts and fields an answer has: of hosts the largest, of fields those that are found first.
const MOST_NAMES: usize = 2000;

/// How many groups each thread may count. They are numbers, a million of which take a hundred megabytes.
const MOST_GROUPS: usize = 1_000_000;

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
    let Found {
        mut loggers,
        mut hosts,
        total,
    } = Found::of(&query, reader)?;
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
    let mut hosts: Vec<(String, u64)> = hosts.into_iter().collect();
    hosts.sort_unstable_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
    let hosts = hosts.iter().take(MOST_NAMES);
    let loggers = loggers
        .iter()
        .map(|(name, counts)| (name.as_str(), *counts));
    let tree = Tree::new(loggers.collect(), under);
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

/// All loggers and hosts of the records that match, and how many of these there are.
#[derive(Default)]
struct Found {
    loggers: HashMap<String, Steps, RandomState>,
    hosts: HashMap<String, u64, RandomState>,
    total: u64,
}

impl Found {
    /// Both are counted at once; one after the other where together they have too many groups.
    fn of(query: &Query, reader: &Reader) -> Result<Self, Error> {
        let mut found = Found::default();
        let reader = &reader.clone().with_max_groups(MOST_GROUPS);
        let (names, host) = ([GroupBy::Name, GroupBy::LevelStep], [GroupBy::Host]);
        match found.count(query, reader, &[&names[..], &host].concat()) {
            Err(Error::Query(QueryError::TooManyGroups { .. })) => {
                found.count(query, reader, &host)?;
                found.count(query, reader, &names)?;
            }
            counted => counted?,
        }
        Ok(found)
    }

    fn count(&mut self, query: &Query, reader: &Reader, by: &[GroupBy]) -> Result<(), Error> {
        let count = Count {
            query: query.clone(),
            by: by.to_vec(),
            every: None,
        };
        // Null stands for no name.
        self.total = reader.each_group(&count, |site, origin, records| {
            if let [name, step] = site {
                let name = name.as_str().unwrap_or_default();
                let counts = self.loggers.entry_ref(name).or_default();
                add(counts, step, records);
            }
            if let [host] = origin {
                let host = host.as_str().unwrap_or_default();
                *self.hosts.entry_ref(host).or_default() += records;
            }
        })?;
        Ok(())
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
