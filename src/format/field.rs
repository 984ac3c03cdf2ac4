//! The fields of a record by the names that views, JSON, CSV and logfmt share.

use std::io::Write as _;

use serde_json::{Map, Value};

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

/// The value of a key in the extra fields: the key itself, or else what its dots lead to in nested objects.
pub(super) fn extra_at<'a>(extra: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    extra.get(key).or_else(|| {
        key.match_indices('.')
            .find_map(|(dot, _)| match extra.get(&key[..dot]) {
                Some(Value::Object(inner)) => extra_at(inner, &key[dot + 1..]),
                _ => None,
            })
    })
}

/// Appends the decimal digits of an integer.
pub(super) fn put_int(number: i64, out: &mut Vec<u8>) {
    write!(out, "{number}").expect("a Vec takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_lead_into_nested_fields_unless_a_key_has_them() {
        let Value::Object(extra) = serde_json::json!({
            "a.b": 1, "a": {"b": 2, "c": {"d": 3}, "x.y": 4}, "n": 5
        }) else {
            unreachable!("an object was written");
        };
        for (key, expected) in [
            ("a.b", Some(1)),
            ("a.c.d", Some(3)),
            ("a.x.y", Some(4)),
            ("n", Some(5)),
            ("n.m", None),
            ("a.", None),
            ("", None),
        ] {
            assert_eq!(
                extra_at(&extra, key).and_then(Value::as_i64),
                expected,
                "{key}"
            );
        }
    }
}
