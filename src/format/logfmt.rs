//! `key=value` pairs, one record a line.

use serde_json::{Map, Value};

use super::RecordFormat;
use super::escape::{put_key, put_value};
use super::field::{CONTEXT_KEYS, Field, KEYS, context_fields, fields, put_int};
use crate::query::ContextRecord;
use crate::record::StoredRecord;
use crate::time::put_rfc3339_utc;

/// `key=value` pairs, one record a line: `time`, `level`, `name`, `msg`, then the other keys of the view `records`, then the
/// extra fields, nested ones by keys with dots. What the client did not say is left out.
#[derive(Debug, Default)]
pub struct LogfmtFormat {}

impl LogfmtFormat {
    /// A writer of logfmt.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// The four that readers of logfmt look for, by their names here and in [`KEYS`].
const FIRST: [(&str, &str); 4] = [
    ("time", "created"),
    ("level", "levelname"),
    ("name", "name"),
    ("msg", "message"),
];

impl RecordFormat for LogfmtFormat {
    fn write(&mut self, record: &StoredRecord, out: &mut Vec<u8>) {
        put_fields(record, &[], out);
        out.push(b'\n');
    }

    fn write_context(&mut self, record: &ContextRecord, out: &mut Vec<u8>) {
        let start = out.len();
        put_fields(&record.stored, &CONTEXT_KEYS, out);
        for (key, value) in CONTEXT_KEYS.into_iter().zip(context_fields(record)) {
            put_name("", key, start, out);
            out.extend_from_slice(value.as_bytes());
        }
        out.push(b'\n');
    }
}

/// `others`: keys that the line has besides.
fn put_fields(record: &StoredRecord, others: &[&str], out: &mut Vec<u8>) {
    let start = out.len();
    let fields = fields(record);
    for (key, its_key) in FIRST {
        let place = KEYS
            .iter()
            .position(|key| *key == its_key)
            .expect("FIRST is of KEYS");
        put_field(key, fields[place], others, start, out);
    }
    for (key, field) in KEYS.into_iter().zip(fields) {
        // `time` has the nanoseconds already.
        let shown = key == "created_ns" || FIRST.iter().any(|(_, its_key)| *its_key == key);
        if !shown {
            put_field(key, field, others, start, out);
        }
    }
}

fn put_field(key: &str, field: Field<'_>, others: &[&str], start: usize, out: &mut Vec<u8>) {
    match field {
        Field::Absent => {}
        Field::Extra(extra) => put_extra(extra, "", others, start, out),
        Field::Int(number) => {
            put_name("", key, start, out);
            put_int(number, out);
        }
        Field::Text(text) => {
            put_name("", key, start, out);
            put_value(text, out);
        }
        Field::Moment(ns) => {
            put_name("", key, start, out);
            put_rfc3339_utc(ns, out);
        }
    }
}

/// Appends nested fields by keys with dots. Only a key that has another meaning here gets `extra.` in front.
fn put_extra(
    extra: &Map<String, Value>,
    path: &str,
    others: &[&str],
    start: usize,
    out: &mut Vec<u8>,
) {
    for (key, value) in extra {
        let taken = path.is_empty()
            && (FIRST.iter().any(|(taken, _)| taken == key)
                || KEYS.contains(&key.as_str())
                || others.contains(&key.as_str()));
        let path = if taken { "extra." } else { path };
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                put_extra(inner, &format!("{path}{key}."), others, start, out);
            }
            Value::String(text) => {
                put_name(path, key, start, out);
                put_value(text, out);
            }
            _ => {
                put_name(path, key, start, out);
                put_value(&value.to_string(), out);
            }
        }
    }
}

fn put_name(path: &str, key: &str, start: usize, out: &mut Vec<u8>) {
    if out.len() > start {
        out.push(b' ');
    }
    if path.is_empty() {
        put_key(key, out);
    } else {
        put_key(&format!("{path}{key}"), out);
    }
    out.push(b'=');
}
