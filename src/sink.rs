//! What accepts records: the seam between those who decode or log, and those who store or send.

use std::sync::Arc;
use std::task::{Context, Poll};

use crate::batch::Batch;
use crate::error::QueueError;
use crate::record::LogRecord;

/// What a sink gives for a run of records, to ask later whether it is stored.
#[derive(Debug, Clone, Copy)]
pub struct Ticket {
    /// How many records had been queued with the last of the run.
    pub(crate) end: u64,
    /// How many had been lost before it came.
    pub(crate) lost: u64,
}

/// Takes runs of records. The receiver needs no more of a handler than this.
pub trait RecordSink: Send + Sync {
    /// Takes the records over, without waiting.
    ///
    /// # Errors
    ///
    /// When the sink has been closed.
    fn emit_batch(&self, batch: Batch) -> Result<(), QueueError>;

    /// As [`RecordSink::emit_batch`], for a sender who is told when the records are stored: they wait for no others.
    ///
    /// # Errors
    ///
    /// When the sink has been closed.
    fn submit(&self, batch: Batch) -> Result<Ticket, QueueError>;

    /// Ready when the run of this ticket is stored. Otherwise the task is woken when it may be.
    ///
    /// # Errors
    ///
    /// When records of that time were given up or dropped: perhaps those of the run. It is for the sender to send them again.
    fn poll_stored(
        &self,
        ticket: Ticket,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), QueueError>>;

    /// Ready when there is room for more. Otherwise the task is woken when there may be.
    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()>;

    /// Whether it takes records at all.
    fn is_open(&self) -> bool;

    /// Why nothing can be stored at the moment, in words for an operator; `None`: all is well, as far as is known.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// An empty batch to fill; one with memory from earlier records where there is any.
    fn spare_batch(&self) -> Batch {
        Batch::new()
    }
}

/// Takes single records from any thread. The bridges to other logging crates need no more of a handler than this.
pub trait RecordHandler: Send + Sync {
    /// Takes a copy of the record.
    ///
    /// # Errors
    ///
    /// When the handler has been closed or the record is too large.
    fn handle(&self, record: &LogRecord) -> Result<(), QueueError>;

    /// Waits until everything taken before is stored, or for as long as the handler waits at its end.
    ///
    /// # Errors
    ///
    /// When not all is stored by then.
    fn flush_all(&self) -> Result<(), QueueError>;
}

impl<H: RecordHandler + ?Sized> RecordHandler for Arc<H> {
    fn handle(&self, record: &LogRecord) -> Result<(), QueueError> {
        (**self).handle(record)
    }

    fn flush_all(&self) -> Result<(), QueueError> {
        (**self).flush_all()
    }
}
