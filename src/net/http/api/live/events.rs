//! What listeners are told, as server-sent events.

use std::fmt;
use std::str::FromStr;

use hyper::body::Bytes;
use serde_json::json;

use super::super::record::put_record;
use crate::record::StoredRecord;

/// What nobody is told: it keeps a silent line from being taken for a dead one.
pub(super) const COMMENT: Bytes = Bytes::from_static(b":\n\n");

/// The id of an event, by which its record can be asked for, too: that of the record, and the number of its file, as far as it is known.
/// In another file the same id is of another record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::net::http::api) struct EventId {
    pub(in crate::net::http::api) id: i64,
    pub(in crate::net::http::api) file: Option<u64>,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.file {
            Some(file) => write!(f, "{}@{file:016x}", self.id),
            None => write!(f, "{}", self.id),
        }
    }
}

impl FromStr for EventId {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (id, file) = match text.split_once('@') {
            Some((id, file)) => (id, Some(u64::from_str_radix(file, 16)?)),
            None => (text, None),
        };
        // No number below 0 is an id.
        let id = id.parse::<u64>()?;
        Ok(EventId {
            id: i64::try_from(id).unwrap_or(i64::MAX),
            file,
        })
    }
}

/// The first event: behind which id the tail begins, which is also where it is resumed as long as nothing has come, and the last id
/// that there is.
pub(super) fn open(after: EventId, last_id: i64) -> Bytes {
    let data = json!({ "last_id": last_id });
    format!("retry: 1000\nevent: open\nid: {after}\ndata: {data}\n\n").into()
}

/// Appends a record.
pub(super) fn put(stored: &StoredRecord, file: Option<u64>, out: &mut Vec<u8>) {
    let id = EventId {
        id: stored.id,
        file,
    };
    out.extend(format!("id: {id}\ndata: ").bytes());
    // JSON on one line.
    put_record(stored, out);
    out.extend(b"\n\n");
}

/// The last event of a listener who does not keep up: what it misses first, and where to resume.
pub(super) fn behind(missed_from: i64, resume: EventId) -> Bytes {
    let resume_after = resume.id;
    let data = json!({
        "missed_from": missed_from,
        "resume_after": resume_after,
        "detail": format!(
            "the records came faster than they were taken; go on with Last-Event-ID: {resume} or after-id={resume_after}"
        ),
    });
    format!("event: behind\nid: {resume}\ndata: {data}\n\n").into()
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
        put(&StoredRecord { id: 7, record }, Some(0xabc), &mut out);
        let text = String::from_utf8(out).unwrap();
        let event = text.strip_suffix("\n\n").unwrap();
        let (id, data) = event.split_once('\n').unwrap();
        assert_eq!(id, "id: 7@0000000000000abc");
        assert!(!data.contains(['\n', '\r']), "{data}");
        let record: serde_json::Value =
            serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(record["message"], "x\r\n\ndata: y\u{2028}");
    }

    #[test]
    fn an_id_is_read_as_it_was_written() {
        for file in [None, Some(0), Some(u64::MAX)] {
            let id = EventId { id: 30, file };
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for text in ["", "-1", "x", "7@", "@7", "7@x", "7@-1", "7@1@2"] {
            assert!(text.parse::<EventId>().is_err(), "{text:?}");
        }
    }
}
