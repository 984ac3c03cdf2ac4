//! `GET /api/records`: what matches, page by page; `GET /api/records/{id}`: one of them, and what is around it.

use super::Answer;
use super::filters;
use super::parameters::{Parameter, Parameters, flag, one};
use super::problem::Problem;
use super::record::{put_record, put_records};
use crate::query::{Context, ContextOf, LimitTo, Order, Query, RecordKey};
use crate::record::StoredRecord;
use crate::store::Reader;

pub(super) const PAGE: &[Parameter] = &[
    one("order"),
    one("limit"),
    one("before"),
    one("after"),
    one("format"),
];

pub(super) const AROUND: &[Parameter] = &[one("before"), one("after"), flag("any")];

/// How many records an answer has, when nobody says, and at most.
const DEFAULT_LIMIT: i64 = 100;
const MOST_RECORDS: i64 = 1000;

/// How many records are shown on each side of another, when nobody says.
const DEFAULT_AROUND: i64 = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Json,
    Lines,
}

/// Which records of all that match a page has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// Those next to an end.
    End,
    /// The nearest that are older than this one.
    Before(RecordKey),
    /// The nearest that are newer.
    After(RecordKey),
}

pub(super) fn records(given: &Parameters, reader: &Reader) -> Result<Answer, Problem> {
    let forms = [("json", Form::Json), ("jsonl", Form::Lines)];
    let first = order(given)?.unwrap_or(Order::NewestFirst);
    let form = given.word("format", &forms)?;
    let limit = given.number("limit", 1..=MOST_RECORDS)?;
    let (before, after) = (given.read_one("before")?, given.read_one("after")?);
    let side = match (before, after) {
        (None, None) => Side::End,
        (Some(key), None) => Side::Before(key),
        (None, Some(key)) => Side::After(key),
        (Some(_), Some(_)) => {
            let detail = "after goes not with before; leave out one of them";
            return Err(Problem::of("after", detail));
        }
    };
    let limit_to = match (side, first) {
        (Side::After(_), _) | (Side::End, Order::OldestFirst) => LimitTo::Oldest,
        (Side::Before(_), _) | (Side::End, Order::NewestFirst) => LimitTo::Newest,
    };
    let page = Query {
        before,
        after,
        ..Query::default()
    };
    let query = Query {
        limit: usize::try_from(limit.unwrap_or(DEFAULT_LIMIT)).ok(),
        limit_to,
        order: first,
        ..filters::query(given)?.and(page)
    };
    let mut answer = reader.query(&query)?;
    let records = answer.by_ref().collect::<Result<Vec<_>, _>>()?;
    let keys = || records.iter().map(StoredRecord::key);
    let (oldest, newest) = (keys().min(), keys().max());
    // Where an answer is empty, one goes back to the record that the cursor is of.
    let (older, newer) = match side {
        Side::End if limit_to == LimitTo::Oldest => (None, newest),
        Side::End => (if answer.is_cut()? { oldest } else { None }, newest),
        Side::Before(key) => (
            if answer.is_cut()? { oldest } else { None },
            newest.or_else(|| key.previous()),
        ),
        Side::After(key) => (oldest.or_else(|| key.next()), newest.or(Some(key))),
    };
    let lines = form.map_or(given.takes_lines, |form| form == Form::Lines);
    Ok(if lines {
        as_lines(&records, older, newer)
    } else {
        as_page(&records, older, newer)
    })
}

/// The order that is asked for.
pub(super) fn order(given: &Parameters) -> Result<Option<Order>, Problem> {
    let orders = [
        ("newest", Order::NewestFirst),
        ("oldest", Order::OldestFirst),
    ];
    given.word("order", &orders)
}

fn as_page(records: &[StoredRecord], older: Option<RecordKey>, newer: Option<RecordKey>) -> Answer {
    let mut body = b"{\"records\":".to_vec();
    put_records(records, &mut body);
    for (key, cursor) in [("older", older), ("newer", newer)] {
        let cursor = cursor.map_or("null".into(), |cursor| format!("\"{cursor}\""));
        body.extend(format!(",\"{key}\":{cursor}").bytes());
    }
    body.push(b'}');
    Answer::json(body)
}

fn as_lines(
    records: &[StoredRecord],
    older: Option<RecordKey>,
    newer: Option<RecordKey>,
) -> Answer {
    let mut body = Vec::new();
    for record in records {
        put_record(record, &mut body);
        body.push(b'\n');
    }
    let mut answer = Answer::lines(body);
    for (name, cursor) in [("logstore-older", older), ("logstore-newer", newer)] {
        if let Some(cursor) = cursor {
            answer.headers.push((name, cursor.to_string()));
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

pub(super) fn around(given: &Parameters, reader: &Reader) -> Result<Answer, Problem> {
    let id = given.id.unwrap_or_default();
    let number = |name| {
        let number = given.number(name, 0..=MOST_RECORDS)?;
        let number = usize::try_from(number.unwrap_or(DEFAULT_AROUND));
        Ok::<_, Problem>(number.unwrap_or_default())
    };
    let context = Context {
        before: number("before")?,
        after: number("after")?,
        of: if given.flag("any") {
            ContextOf::Any
        } else {
            ContextOf::SameOrigin
        },
    };
    let around = reader.around(id, context)?.ok_or_else(|| none(id))?;
    let mut body = b"{\"before\":".to_vec();
    put_records(&around.before, &mut body);
    body.extend(b",\"record\":");
    put_record(&around.record, &mut body);
    body.extend(b",\"after\":");
    put_records(&around.after, &mut body);
    body.push(b'}');
    Ok(Answer::json(body))
}

fn none(id: i64) -> Problem {
    Problem::not_found(format!(
        "there is no record {id}; it may have been removed since"
    ))
}
