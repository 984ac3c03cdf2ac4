//! Records of our own, which go to the store past all counts.

use std::sync::Arc;

use super::{Counters, Queue};
use crate::batch::Batch;
use crate::level::Level;
use crate::record::LogRecord;
use crate::report::Reporter;

/// What is said of all that was counted, when everything else is stored.
pub(crate) type LastWords = Box<dyn FnOnce(&Counters) -> LogRecord + Send>;

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
            batches.push(std::mem::take(&mut state.notes).of_our_own());
        }
    }

    /// Has this stored behind everything else, in a queue that is about to be closed.
    #[cfg(feature = "net")]
    pub(crate) fn say_last(&self, words: LastWords) {
        self.lock().last_words = Some(words);
    }

    /// What is to be stored behind everything else.
    pub(crate) fn last_words(&self) -> Option<Batch> {
        let words = self.lock().last_words.take()?;
        let record = words(&self.counters());
        Some([&record].into_iter().collect::<Batch>().of_our_own())
    }

    /// Somebody who tells the log itself, too, what becomes of records and of their file.
    pub(crate) fn noting(self: &Arc<Self>, reporter: Reporter) -> Reporter {
        let queue = Arc::downgrade(self);
        Arc::new(move |report| {
            if report.is_for_the_log()
                && let Some(queue) = queue.upgrade()
            {
                queue.note(&LogRecord::own(Level::WARNING, report.to_string()));
            }
            reporter(report);
        })
    }
}
