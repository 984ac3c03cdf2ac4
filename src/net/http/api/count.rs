//! `GET /api/count`: as `logstore count -o json`.

use serde_json::{Value, json};

use super::Answer;
use super::filters;
use super::parameters::{Parameter, Parameters, many, one};
use super::problem::Problem;
use crate::count::{Count, GroupBy};
use crate::store::Reader;
use crate::time::{Every, parse_duration, rfc3339_utc};

pub(super) const GROUPS: &[Parameter] = &[many("by"), one("every"), one("top")];

/// How many rows an answer has at most.
const MOST_ROWS: usize = 100_000;

/// How many bytes an answer has at most.
const MOST_BYTES: usize = 64 << 20;

/// By how many things records are told apart at most.
const MOST_KEYS: usize = 8;

pub(super) fn count(given: &Parameters, reader: &Reader) -> Result<Answer, Problem> {
    let mut by: Vec<GroupBy> = Vec::new();
    let groups = given
        .all("by")
        .flat_map(|text| text.split(',').map(move |group| (text, group)));
    for (text, group) in groups {
        let read = group.parse();
        let group = read.map_err(|error| Problem::of_query("by", &error).within(text, group))?;
        if !by.contains(&group) {
            by.push(group);
        }
        if by.len() > MOST_KEYS {
            let detail = format!("by has more than {MOST_KEYS} groupings; use fewer");
            return Err(Problem::of("by", detail));
        }
    }
    let zone = filters::zone(given)?;
    let every = given.one("every").map(|text| {
        let every = parse_duration(text).and_then(|width| Every::new(width, zone));
        every.map_err(|error| Problem::of_query("every", &error))
    });
    let top = given.number("top", 1..=i64::MAX)?;
    let top = top.map_or(usize::MAX, |top| usize::try_from(top).unwrap_or(usize::MAX));
    let mut counts = reader.count(&Count {
        query: filters::query(given)?,
        by,
        every: every.transpose()?,
    })?;
    if let Some(by) = reader.missing_field(&counts)? {
        let key = by.field().unwrap_or_default();
        let detail = format!(
            "no record has a field {key:?}; by takes level, name, host, process, thread, site or the name of an extra field"
        );
        return Err(Problem::of("by", detail));
    }
    let groups = counts.keep_largest(top);
    let rows = counts.rows.len();
    if rows > MOST_ROWS {
        let detail = format!(
            "the answer has {rows} rows, the limit is {MOST_ROWS}; ask for the largest groups with top"
        );
        return Err(Problem::of("top", detail));
    }
    let span = counts.span_ns;
    let span = span.map(|(oldest, newest)| [rfc3339_utc(oldest), rfc3339_utc(newest)]);
    let head: Value = json!({"total": counts.total, "span": span, "groups_found": groups});
    let mut body = head.to_string().into_bytes();
    body.pop();
    body.extend(b",\"rows\":[");
    for (place, row) in counts.rows.iter().enumerate() {
        if place > 0 {
            body.push(b',');
        }
        counts.put_json_row(row, &mut body);
        if body.len() > MOST_BYTES {
            let detail = format!(
                "the answer has more than {MOST_BYTES} bytes; ask for the largest groups with top"
            );
            return Err(Problem::of("top", detail));
        }
    }
    body.extend(b"]}");
    Ok(Answer::json(body))
}
