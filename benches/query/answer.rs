//! What comes back, whoever was asked.

use std::collections::BTreeMap;

use logstore::{Counts, rfc3339_utc};
use serde_json::{Map, Value};

use crate::Result;

/// An answer, reduced to what is the same for all who were asked.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    /// The ids of records, in their order.
    Ids(Vec<i64>),
    /// The count of each group that has any.
    Counts(BTreeMap<String, u64>),
    /// A number of lines.
    Lines(u64),
}

impl Answer {
    /// How many ids, groups or lines there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Answer::Ids(ids) => ids.len(),
            Answer::Counts(counts) => counts.len(),
            Answer::Lines(lines) => usize::try_from(*lines).unwrap_or(usize::MAX),
        }
    }

    /// Whether another may be the answer to the same question.
    pub(crate) fn agrees(&self, other: &Answer) -> bool {
        match other {
            Answer::Lines(_) => self.len() == other.len(),
            _ => self == other,
        }
    }

    pub(crate) fn of_counts(counts: &Counts) -> Self {
        let rows = counts.rows.iter().map(|row| {
            let start = row.start_ns.map(|ns| rfc3339_utc(ns).into());
            (group(start.iter().chain(&row.key)), row.count)
        });
        Answer::Counts(rows.collect())
    }

    /// Of what `logstore` prints with `--output json`.
    pub(crate) fn of_json(lines: &[u8]) -> Result<Self> {
        let lines = serde_json::Deserializer::from_slice(lines).into_iter::<Map<String, Value>>();
        let (mut ids, mut counts) = (Vec::new(), BTreeMap::new());
        for line in lines {
            let mut line = line?;
            let count = line.shift_remove("count").and_then(|count| count.as_u64());
            if let Some(count) = count {
                counts.insert(group(line.values()), count);
            } else {
                let id = line.get("id").and_then(Value::as_i64);
                ids.push(id.ok_or("a record without an id was printed")?);
            }
        }
        Ok(if counts.is_empty() {
            Answer::Ids(ids)
        } else {
            Answer::Counts(counts)
        })
    }
}

/// A group as one text.
fn group<'v>(values: impl Iterator<Item = &'v Value>) -> String {
    let texts: Vec<&str> = values.filter_map(Value::as_str).collect();
    texts.join(" ")
}
