//! A handler that keeps what it is given.

use std::sync::Mutex;

use logstore::{LogRecord, QueueError, RecordHandler};

#[derive(Default)]
pub(crate) struct Kept(pub(crate) Mutex<Vec<LogRecord>>);

impl RecordHandler for Kept {
    fn handle(&self, record: &LogRecord) -> Result<(), QueueError> {
        self.0.lock().unwrap().push(record.clone());
        Ok(())
    }

    fn flush_all(&self) -> Result<(), QueueError> {
        Ok(())
    }
}
