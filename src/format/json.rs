//! One JSON object a line.

use super::RecordFormat;
use super::escape::put_json;
use super::field::{Field, KEYS, fields, put_int};
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
        let mut before = b'{';
        for (key, field) in KEYS.into_iter().zip(fields(record)) {
            if matches!(field, Field::Absent) {
                continue;
            }
            out.extend([before, b'"']);
            out.extend_from_slice(key.as_bytes());
            out.extend(b"\":");
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
        out.extend(b"}\n");
    }
}
