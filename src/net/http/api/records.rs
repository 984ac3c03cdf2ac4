//! `GET /api/records`: what matches, page by page; `GET /api/records/{id}`: one of them, and what is around it.

use super::Answer;
use super::filters;
use super::live::EventId;
use super::parameters::{Parameter, Parameters, flag, one};
use super::problem::Problem;
use super::record::{put_record, put_records};
use crate::query::{Context, ContextOf, LimitTo, Order, Query, RecordKey};
use crate::record::StoredRecord;
use crate::store::{Reader, Records};

pub(super) const PAGE: &[Parameter] = &[
    one("order"),
    one("limit"),
    one("before"),
    one("after"),
    one("around"),
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
    /// The nearest on both sides, and the record itself.
    Around(RecordKey),
}

/// What a page has.
struct Page {
    records: Vec<Shown>,
    /// Behind which keys to go on.
    older: Option<RecordKey>,
    newer: Option<RecordKey>,
}

/// A record as it is shown.
struct Shown {
    key: RecordKey,
    json: Vec<u8>,
}

impl Side {
    fn of(given: &Parameters, reader: &Reader) -> Result<Self, Problem> {
        let refused = |one, other| {
            let detail = format!("{one} goes not with {other}; leave out one of them");
            Err(Problem::of(one, detail))
        };
        let (before, after) = (given.read_one("before")?, given.read_one("after")?);
        match (before, after, given.one("around")) {
            (None, None, None) => Ok(Side::End),
            (Some(key), None, None) => Ok(Side::Before(key)),
            (None, Some(key), None) => Ok(Side::After(key)),
            (None, None, Some(id)) => {
                let id = id.parse::<EventId>().map_err(|_| {
                    let detail = format!("around is {id:?}; use a record's id, or ID@FILE");
                    Problem::of("around", detail)
                })?;
                Ok(Side::Around(stored(reader, id)?.key()))
            }
            (Some(_), Some(_), _) => refused("after", "before"),
            (_, _, Some(_)) => refused("around", "before and after"),
        }
    }

    /// What all records of the page are.
    fn query(self) -> Query {
        let (before, after) = match self {
            Side::End | Side::Around(_) => (None, None),
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
    let limit = usize::try_from(limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or_default();
    let side = Side::of(given, reader)?;
    let wanted = filters::query(given)?;
    let mut page = match side {
        Side::Around(key) => {
            let newer = page(reader, &wanted, Side::After(key), first, limit / 2)?;
            let up_to = key.next().unwrap_or(key);
            let older = Side::Before(up_to);
            let mut page = page(reader, &wanted, older, first, limit - limit / 2)?;
            page.newer = newer.newer;
            page.records.extend(newer.records);
            page
        }
        side => page(reader, &wanted, side, first, limit)?,
    };
    page.records.sort_unstable_by_key(|record| record.key);
    if first == Order::NewestFirst {
        page.records.reverse();
    }
    let file = reader.file_number()?.map(|file| format!("{file:016x}"));
    let lines = form.map_or(given.takes_lines, |form| form == Form::Lines);
    Ok(if lines {
        as_lines(page, file)
    } else {
        as_page(page, file, side)
    })
}

/// The records next to an end or a key, so many of them, nearest first.
fn page(
    reader: &Reader,
    wanted: &Query,
    side: Side,
    first: Order,
    limit: usize,
) -> Result<Page, Problem> {
    let limit_to = match (side, first) {
        (Side::After(_), _) | (Side::End, Order::OldestFirst) => LimitTo::Oldest,
        _ => LimitTo::Newest,
    };
    let query = Query {
        limit: Some(limit),
        limit_to,
        order: match limit_to {
            LimitTo::Newest => Order::NewestFirst,
            LimitTo::Oldest => Order::OldestFirst,
        },
        ..wanted.clone().and(side.query())
    };
    let mut answer = reader.query(&query)?;
    let (records, is_full) = gather(&mut answer)?;
    let keys = || records.iter().map(|record| record.key);
    let (oldest, newest) = (keys().min(), keys().max());
    // Where an answer is empty, one goes back to the record that the cursor is of.
    let (older, newer) = match side {
        Side::End if limit_to == LimitTo::Oldest => (None, newest),
        Side::After(key) => (oldest.or_else(|| key.next()), newest.or(Some(key))),
        _ => {
            let is_cut = is_full || answer.is_cut()?;
            let above = match side {
                Side::Before(key) => key.previous(),
                _ => None,
            };
            (oldest.filter(|_| is_cut), newest.or(above))
        }
    };
    Ok(Page {
        records,
        older,
        newer,
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

fn as_page(page: Page, file: Option<String>, side: Side) -> Answer {
    let records: Vec<Vec<u8>> = page.records.into_iter().map(|each| each.json).collect();
    let mut body = b"{\"records\":[".to_vec();
    body.extend(records.join(&b','));
    body.push(b']');
    let text = |key: Option<RecordKey>| key.map(|key| key.to_string());
    for (name, value) in [
        ("older", text(page.older)),
        ("newer", text(page.newer)),
        ("file", file),
    ] {
        let value = value.map_or("null".into(), |value| format!("\"{value}\""));
        body.extend(format!(",\"{name}\":{value}").bytes());
    }
    if let Side::Around(key) = side {
        body.extend(format!(",\"around\":\"{key}\"").bytes());
    }
    body.push(b'}');
    Answer::json(body)
}

fn as_lines(page: Page, file: Option<String>) -> Answer {
    let mut body = Vec::new();
    for record in page.records {
        body.extend(record.json);
        body.push(b'\n');
    }
    let mut answer = Answer::lines(body);
    let text = |key: Option<RecordKey>| key.map(|key| key.to_string());
    for (name, value) in [
        ("logstore-older", text(page.older)),
        ("logstore-newer", text(page.newer)),
        ("logstore-file", file),
    ] {
        answer.headers.extend(value.map(|value| (name, value)));
    }
    answer
}

/// The record of an id.
fn stored(reader: &Reader, id: EventId) -> Result<StoredRecord, Problem> {
    let id = of_this_file(reader, id)?;
    reader.record(id)?.ok_or_else(|| none(id))
}

/// An id, when it is one of the file that is read.
fn of_this_file(reader: &Reader, EventId { id, file }: EventId) -> Result<i64, Problem> {
    if file.is_some() && reader.file_number()? != file {
        return Err(Problem::moved(id));
    }
    Ok(id)
}

pub(super) fn record(given: &Parameters, reader: &Reader) -> Result<Answer, Problem> {
    let stored = stored(reader, given.id.unwrap_or_default())?;
    let mut body = Vec::new();
    put_record(&stored, &mut body);
    Ok(Answer::json(body))
}

pub(super) fn around(given: &Parameters, reader: &Reader) -> Result<Answer, Problem> {
    let id = of_this_file(reader, given.id.unwrap_or_default())?;
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
