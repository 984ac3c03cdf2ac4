//! `GET /api/records`: what matches, page by page; `GET /api/records/{id}`: one of them.

use super::Answer;
use super::filters;
use super::parameters::{Parameter, Parameters, one};
use super::problem::Problem;
use super::record::{cursor_of, put_record, put_records};
use crate::query::{Order, Query};
use crate::record::StoredRecord;
use crate::store::Reader;

pub(super) const PAGE: &[Parameter] = &[one("order"), one("limit"), one("format")];

/// How many records an answer has, when nobody says, and at most.
const DEFAULT_LIMIT: i64 = 100;
const MOST_RECORDS: i64 = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Lines,
}

pub(super) fn records(given: &Parameters, reader: &Reader) -> Result<Answer, Problem> {
    let orders = [
        ("newest", Order::NewestFirst),
        ("oldest", Order::OldestFirst),
    ];
    let forms = [("json", Form::Json), ("jsonl", Form::Lines)];
    let order = given.word("order", &orders)?.unwrap_or(Order::NewestFirst);
    let form = given.word("format", &forms)?;
    let limit = given.number("limit", 1..=MOST_RECORDS)?;
    let query = Query {
        limit: usize::try_from(limit.unwrap_or(DEFAULT_LIMIT)).ok(),
        order,
        ..filters::query(given)?
    };
    let mut answer = reader.query(&query)?;
    let records = answer.by_ref().collect::<Result<Vec<_>, _>>()?;
    let (oldest, newest) = match order {
        Order::NewestFirst => (records.last(), records.first()),
        Order::OldestFirst => (records.first(), records.last()),
    };
    let newer = newest.map(cursor_of);
    let older = oldest.map(cursor_of);
    let older = if answer.is_cut()? { older } else { None };
    let lines = form.map_or(given.takes_lines, |form| form == Form::Lines);
    Ok(if lines {
        as_lines(&records, older, newer)
    } else {
        as_page(&records, older, newer)
    })
}

fn as_page(records: &[StoredRecord], older: Option<String>, newer: Option<String>) -> Answer {
    let mut body = b"{\"records\":".to_vec();
    put_records(records, &mut body);
    for (key, cursor) in [("older", older), ("newer", newer)] {
        let cursor = cursor.map_or("null".into(), |cursor| format!("\"{cursor}\""));
        body.extend(format!(",\"{key}\":{cursor}").bytes());
    }
    body.push(b'}');
    Answer::json(body)
}

fn as_lines(records: &[StoredRecord], older: Option<String>, newer: Option<String>) -> Answer {
    let mut body = Vec::new();
    for record in records {
        put_record(record, &mut body);
        body.push(b'\n');
    }
    let mut answer = Answer::lines(body);
    for (name, cursor) in [("logstore-older", older), ("logstore-newer", newer)] {
        if let Some(cursor) = cursor {
            answer.headers.push((name, cursor));
        }
    }
    answer
}

pub(super) fn record(given: &Parameters, reader: &Reader) -> Result<Answer, Problem> {
    let id = given.id.unwrap_or_default();
    let stored = reader.record(id)?.ok_or_else(|| none(id))?;
    let mut body = Vec::new();
    put_record(&stored, &mut body);
    Ok(Answer::json(body))
}

pub(super) fn none(id: i64) -> Problem {
    Problem::not_found(format!(
        "there is no record {id}; it may have been removed since"
    ))
}
