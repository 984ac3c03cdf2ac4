//! Taking a question back: whoever asked it does not want the answer any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Takes back what is being asked of a [`Reader`](crate::Reader). Clones are the same switch, and any thread may use it.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Of a question that is wanted.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The answer is not wanted any more. A search ends within some thousand records.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether that has been said.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
