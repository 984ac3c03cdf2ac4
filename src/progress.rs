//! How far a search has come, for whoever waits for it, and whether it shall go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How far a search has come, in units of its own: of use is their ratio alone. Clones share it, and any thread may look.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    counts: Arc<Counts>,
    stop: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Counts {
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// Of a search that has not begun.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How much is done.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.counts.done.load(Ordering::Relaxed)
    }

    /// How much there is to do; 0 as long as nobody knows.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.total.load(Ordering::Relaxed)
    }

    /// What is set to break off what goes on, from a signal's handler even. A [backup](crate::Reader::backup) looks at it.
    #[must_use]
    pub fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// This much of that much is done.
    pub(crate) fn of(&self, done: usize, total: usize) {
        self.of_records(done as u64, total as u64);
    }

    /// So many of so many records are done.
    pub(crate) fn of_records(&self, done: u64, total: u64) {
        self.counts.done.store(done, Ordering::Relaxed);
        self.counts.total.store(total, Ordering::Relaxed);
    }
}
