//! What listeners are told, as server-sent events.

use hyper::body::Bytes;
use serde_json::json;

use super::super::record::put_record;
use crate::record::StoredRecord;

/// What nobody is told: it keeps a silent line from being taken for a dead one.
pub(super) const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// The first event: behind which id the tail begins, which is also where it is resumed as long as nothing has come, and the last id
/// that there is.
pub(super) fn open(after: i64, last_id: i64) -> Bytes {
    let data = json!({ "last_id": last_id });
    format!("retry: 1000\nevent: open\nid: {after}\ndata: {data}\n\n").into()
}

/// Appends a record.
pub(super) fn put(stored: &StoredRecord, out: &mut Vec<u8>) {
    out.extend(format!("id: {}\ndata: ", stored.id).bytes());
    // JSON on one line.
    put_record(stored, out);
    out.extend(b"\n\n");
}

/// The last event of a listener who does not keep up: what it misses first, and where to resume.
pub(super) fn behind(missed_from: i64, resume_after: i64) -> Bytes {
    let data = json!({
        "missed_from": missed_from,
        "resume_after": resume_after,
        "detail": format!(
            "the records came faster than they were taken; go on with Last-Event-ID: {resume_after} or after-id={resume_after}"
        ),
    });
    format!("event: behind\ndata: {data}\n\n").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Level;
    use crate::record::{LogRecord, Site};

    #[test]
    fn an_event_is_two_lines_whatever_the_record_says() {
        let record = LogRecord::new(Site::new("a\nb", Level::INFO), "x\r\n\ndata: y\u{2028}");
        let mut out = Vec::new();
        put(&StoredRecord { id: 7, record }, &mut out);
        let text = String::from_utf8(out).unwrap();
        let event = text.strip_suffix("\n\n").unwrap();
        let (id, data) = event.split_once('\n').unwrap();
        assert_eq!(id, "id: 7");
        assert!(!data.contains(['\n', '\r']), "{data}");
        let record: serde_json::Value =
            serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(record["message"], "x\r\n\ndata: y\u{2028}");
    }
}
