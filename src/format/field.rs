//! The fields of a record by the names that views, JSON, CSV and logfmt share.

use std::io::Write as _;

use serde_json::{Map, Value};

use crate::query::{ContextRecord, Role};
use crate::record::StoredRecord;

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Field<'a> {
    /// The client did not say.
    Absent,
    Int(i64),
    Text(&'a str),
    /// A moment in nanoseconds since the epoch, to be shown as RFC 3339.
    Moment(i64),
    Extra(&'a Map<String, Value>),
}

/// The keys, in the order in which fields are written.
pub(super) const KEYS: [&str; 21] = [
    "id",
    "created_ns",
    "created",
    "name",
    "levelno",
    "levelname",
    "message",
    "hostname",
    "process",
    "processName",
    "thread",
    "threadName",
    "taskName",
    "pathname",
    "filename",
    "module",
    "lineno",
    "funcName",
    "exc_text",
    "stack_info",
    "extra",
];

/// The keys that an answer with context has besides: the number of the group, and whether the record is a match.
pub(super) const CONTEXT_KEYS: [&str; 2] = ["group", "match"];

/// What a record of an answer with context holds under each of [`CONTEXT_KEYS`].
pub(super) fn context_fields(record: &ContextRecord) -> [String; 2] {
    let is_match = record.role == Role::Match;
    [record.group.to_string(), is_match.to_string()]
}

/// What a record holds under each of [`KEYS`].
pub(super) fn fields(record: &StoredRecord) -> [Field<'_>; 21] {
    let StoredRecord { id, record } = record;
    let (site, origin) = (&*record.site, &*record.origin);
    let extra = if record.extra.is_empty() {
        Field::Absent
    } else {
        Field::Extra(&record.extra)
    };
    [
        Field::Int(*id),
        Field::Int(record.created_ns),
        Field::Moment(record.created_ns),
        said(&site.name),
        Field::Int(site.level.0.into()),
        said(&site.level_name),
        Field::Text(&record.message),
        said(&origin.hostname),
        number(origin.process),
        said(&origin.process_name),
        number(origin.thread),
        said(&origin.thread_name),
        text(record.task_name.as_deref()),
        said(&site.pathname),
        said(site.filename()),
        said(site.module()),
        number(site.lineno),
        said(&site.func_name),
        text(record.exc_text.as_deref()),
        text(record.stack_info.as_deref()),
        extra,
    ]
}

/// In a site or an origin, an empty text means that the client did not say.
fn said(text: &str) -> Field<'_> {
    if text.is_empty() {
        Field::Absent
    } else {
        Field::Text(text)
    }
}

fn text(text: Option<&str>) -> Field<'_> {
    text.map_or(Field::Absent, Field::Text)
}

fn number<'a>(number: Option<i64>) -> Field<'a> {
    number.map_or(Field::Absent, Field::Int)
}

/// Appends the decimal digits of an integer.
pub(super) fn put_int(number: i64, out: &mut Vec<u8>) {
    write!(out, "{number}").expect("a Vec takes everything");
}
