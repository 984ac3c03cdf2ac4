//! What accepts records: the seam between those who decode and those who store.

use std::task::{Context, Poll};

use crate::batch::Batch;
use crate::error::QueueError;

/// Takes runs of records. The receiver needs no more of a handler than this.
pub trait RecordSink: Send + Sync {
    /// Takes the records over, without waiting.
    ///
    /// # Errors
    ///
    /// When the sink has been closed.
    fn emit_batch(&self, batch: Batch) -> Result<(), QueueError>;

    /// Ready when there is room for more. Otherwise the task is woken when there may be.
    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()>;

    /// An empty batch to fill; one with memory from earlier records where there is any.
    fn spare_batch(&self) -> Batch {
        Batch::new()
    }
}
