//! One JSON object a line.

use super::RecordFormat;
use super::escape::put_json;
use super::field::{CONTEXT_KEYS, Field, KEYS, context_fields, fields, put_int};
use crate::query::ContextRecord;
use crate::record::StoredRecord;
use crate::time::put_rfc3339_utc;

/// One JSON object a line, with the keys of the view `records`. What the client did not say is left out.
#[derive(Debug, Default)]
pub struct JsonFormat {}

impl JsonFormat {
    /// A writer of JSON lines.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl RecordFormat for JsonFormat {
    fn write(&mut self, record: &StoredRecord, out: &mut Vec<u8>) {
        put_fields(record, out);
        out.extend(b"}\n");
    }

    fn write_context(&mut self, record: &ContextRecord, out: &mut Vec<u8>) {
        put_fields(&record.stored, out);
        for (key, value) in CONTEXT_KEYS.into_iter().zip(context_fields(record)) {
            put_key(b',', key, out);
            out.extend_from_slice(value.as_bytes());
        }
        out.extend(b"}\n");
    }
}

fn put_fields(record: &StoredRecord, out: &mut Vec<u8>) {
    let mut before = b'{';
    for (key, field) in KEYS.into_iter().zip(fields(record)) {
        if matches!(field, Field::Absent) {
            continue;
        }
        put_key(before, key, out);
        before = b',';
        match field {
            Field::Absent => unreachable!("left out above"),
            Field::Int(number) => put_int(number, out),
            Field::Text(text) => put_json(text, out),
            Field::Moment(ns) => {
                out.push(b'"');
                put_rfc3339_utc(ns, out);
                out.push(b'"');
            }
            Field::Extra(extra) => put_json(extra, out),
        }
    }
}

fn put_key(before: u8, key: &str, out: &mut Vec<u8>) {
    out.extend([before, b'"']);
    out.extend_from_slice(key.as_bytes());
    out.extend(b"\":");
}
