//! What the writer does with a store that removes records.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use logstore::{Batch, RecordStore, Report, Retained, SQLiteQueueHandler, StoreError};

use super::store::record;

/// A store that has this much to remove, so many records at a time, and fails when there is nothing left.
struct Removing(Vec<u64>);

impl RecordStore for Removing {
    fn append(&mut self, _: &[Batch]) -> Result<(), StoreError> {
        Ok(())
    }

    fn retain(&mut self) -> Result<Retained, StoreError> {
        let Some(removed) = self.0.pop() else {
            return Err(StoreError::Io {
                doing: "remove old records from",
                path: "test.sqlite".into(),
                source: std::io::Error::other("no space left"),
            });
        };
        Ok(Retained {
            more: true,
            removed,
            ..Retained::default()
        })
    }
}

#[test]
fn what_is_removed_is_counted_and_a_failure_is_said_once_and_stops_nobody() {
    let said = Arc::new(Mutex::new(Vec::new()));
    let reports = Arc::clone(&said);
    let handler = SQLiteQueueHandler::builder()
        .on_report(move |report: &Report| reports.lock().unwrap().push(report.to_string()))
        .start(Removing(vec![1, 20, 300]))
        .unwrap();
    for _ in 0..5 {
        handler.emit(&record("a")).unwrap();
        handler.flush().unwrap();
    }
    // It goes on without any record.
    let deadline = Instant::now() + Duration::from_secs(30);
    while said.lock().unwrap().is_empty() && Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert_eq!(handler.removed(), 321);
    handler.close().unwrap();
    assert_eq!(handler.counters().stored, 5);
    let said = said.lock().unwrap();
    let expected = "cannot remove old records from test.sqlite: no space left; nothing is lost, and it is tried again after the next records";
    assert_eq!(*said, [expected]);
}
