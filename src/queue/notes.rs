//! Records of our own, which go to the store past all counts.

use super::Queue;
use crate::batch::Batch;
use crate::record::LogRecord;

impl Queue {
    /// Has a record of our own stored, soon, with whatever else there is.
    pub(crate) fn note(&self, record: &LogRecord) {
        let mut state = self.lock();
        state.notes.push_record(record);
        state.seal(true);
    }

    /// Puts what was noted behind these.
    pub(crate) fn take_notes(&self, batches: &mut Vec<Batch>) {
        let mut state = self.lock();
        if !state.notes.is_empty() {
            batches.push(std::mem::take(&mut state.notes));
        }
    }
}
