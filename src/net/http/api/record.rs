//! A record in an answer: as `logstore query -o json` has it, with its cursor.

use crate::format::{JsonFormat, RecordFormat as _};
use crate::record::StoredRecord;

/// Appends a record as an object.
pub(super) fn put_record(stored: &StoredRecord, out: &mut Vec<u8>) {
    JsonFormat::new().write(stored, out);
    out.truncate(out.trim_ascii_end().len());
    // There is always an id in it.
    out.pop();
    out.extend(b",\"cursor\":\"");
    out.extend(stored.key().to_string().bytes());
    out.extend(b"\"}");
}

/// Appends an array of records.
pub(super) fn put_records<'r>(
    records: impl IntoIterator<Item = &'r StoredRecord>,
    out: &mut Vec<u8>,
) {
    out.push(b'[');
    for (place, record) in records.into_iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        put_record(record, out);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Level;
    use crate::record::{LogRecord, Site};

    #[test]
    fn a_record_is_the_object_of_the_command_line_with_its_cursor() {
        let mut record = LogRecord::new(Site::new("a", Level::INFO), "line\n");
        record.created_ns = 12;
        let stored = StoredRecord { id: 7, record };
        let mut line = Vec::new();
        JsonFormat::new().write(&stored, &mut line);
        let mut out = Vec::new();
        put_records([&stored, &stored], &mut out);
        let mut expected: serde_json::Value = serde_json::from_slice(&line).unwrap();
        expected["cursor"] = "12-7".into();
        let found: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(found, serde_json::json!([expected, expected]));
    }
}
