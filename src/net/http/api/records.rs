//! `GET /api/records`: what matches, page by page; `GET /api/records/{id}`: one of them, and what is around it.

use super::Answer;
use super::filters;
use super::parameters::{Parameter, Parameters, flag, one};
use super::problem::Problem;
use super::record::{put_record, put_records};
use crate::query::{Context, ContextOf, LimitTo, Order, Query, RecordKey};
use crate::store::{Reader, Records};

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

/// An answer that has so many bytes takes no more records: there may be megabytes in each. So does each side of a context.
const PAGE_BYTES: usize = 4 << 20;

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

/// A record as it is shown.
struct Shown {
    key: RecordKey,
    json: Vec<u8>,
}

impl Side {
    fn of(given: &Parameters) -> Result<Self, Problem> {
        match (given.read_one("before")?, given.read_one("after")?) {
            (None, None) => Ok(Side::End),
            (Some(key), None) => Ok(Side::Before(key)),
            (None, Some(key)) => Ok(Side::After(key)),
            (Some(_), Some(_)) => {
                let detail = "after goes not with before; leave out one of them";
                Err(Problem::of("after", detail))
            }
        }
    }

    /// What all records of the page are.
    fn query(self) -> Query {
        let (before, after) = match self {
            Side::End => (None, None),
            Side::Before(key) => (Some(key), None),
            Side::After(key) => (None, Some(key)),
        };
        Query {
            before,
            after,
            ..Query::default()
        }
    }
}

pub(super) fn records(given: &Parameters, reader: &Reader) -> Result<Answer, Problem> {
    let forms = [("json", Form::Json), ("jsonl", Form::Lines)];
    let first = order(given)?.unwrap_or(Order::NewestFirst);
    let form = given.word("format", &forms)?;
    let limit = given.number("limit", 1..=MOST_RECORDS)?;
    let side = Side::of(given)?;
    let limit_to = match (side, first) {
        (Side::After(_), _) | (Side::End, Order::OldestFirst) => LimitTo::Oldest,
        (Side::Before(_), _) | (Side::End, Order::NewestFirst) => LimitTo::Newest,
    };
    let nearest_first = match limit_to {
        LimitTo::Newest => Order::NewestFirst,
        LimitTo::Oldest => Order::OldestFirst,
    };
    let query = Query {
        limit: usize::try_from(limit.unwrap_or(DEFAULT_LIMIT)).ok(),
        limit_to,
        order: nearest_first,
        ..filters::query(given)?.and(side.query())
    };
    let mut answer = reader.query(&query)?;
    let (mut records, is_full) = gather(&mut answer)?;
    if nearest_first != first {
        records.reverse();
    }
    let keys = || records.iter().map(|record| record.key);
    let (oldest, newest) = (keys().min(), keys().max());
    // Where an answer is empty, one goes back to the record that the cursor is of.
    let (older, newer) = match side {
        Side::End if limit_to == LimitTo::Oldest => (None, newest),
        Side::After(key) => (oldest.or_else(|| key.next()), newest.or(Some(key))),
        Side::End | Side::Before(_) => {
            let is_cut = is_full || answer.is_cut()?;
            let above = match side {
                Side::Before(key) => key.previous(),
                Side::End | Side::After(_) => None,
            };
            (oldest.filter(|_| is_cut), newest.or(above))
        }
    };
    let lines = form.map_or(given.takes_lines, |form| form == Form::Lines);
    let records: Vec<Vec<u8>> = records.into_iter().map(|record| record.json).collect();
    Ok(if lines {
        as_lines(&records, older, newer)
    } else {
        as_page(&records, older, newer)
    })
}

/// The records of an answer, and whether there is no room for more.
fn gather(answer: &mut Records) -> Result<(Vec<Shown>, bool), Problem> {
    let mut records = Vec::new();
    let mut bytes = 0;
    for stored in answer {
        let stored = stored?;
        let mut json = Vec::new();
        put_record(&stored, &mut json);
        bytes += json.len();
        let key = stored.key();
        records.push(Shown { key, json });
        if bytes >= PAGE_BYTES {
            return Ok((records, true));
        }
    }
    Ok((records, false))
}

/// The order that is asked for.
pub(super) fn order(given: &Parameters) -> Result<Option<Order>, Problem> {
    let orders = [
        ("newest", Order::NewestFirst),
        ("oldest", Order::OldestFirst),
    ];
    given.word("order", &orders)
}

fn as_page(records: &[Vec<u8>], older: Option<RecordKey>, newer: Option<RecordKey>) -> Answer {
    let mut body = b"{\"records\":[".to_vec();
    body.extend(records.join(&b','));
    body.push(b']');
    for (key, cursor) in [("older", older), ("newer", newer)] {
        let cursor = cursor.map_or("null".into(), |cursor| format!("\"{cursor}\""));
        body.extend(format!(",\"{key}\":{cursor}").bytes());
    }
    body.push(b'}');
    Answer::json(body)
}

fn as_lines(records: &[Vec<u8>], older: Option<RecordKey>, newer: Option<RecordKey>) -> Answer {
    let mut body = Vec::new();
    for record in records {
        body.extend_from_slice(record);
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
    let around = reader
        .around(id, context, PAGE_BYTES)?
        .ok_or_else(|| none(id))?;
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
