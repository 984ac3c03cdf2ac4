//! A request with many records: what of it came into the batch, and what did not.

use super::Context;
use super::intern::Interner;
use super::record::WireRecord;
use crate::batch::{Batch, Mark};
use crate::error::WireError;

/// What became of the records of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// How many records were added to the batch.
    pub accepted: u64,
    /// How many were not.
    pub rejected: u64,
    /// Why the first of those was not.
    pub error: Option<String>,
}

/// What a body of no bytes may become in a batch.
const ROOM_BYTES: usize = 32 << 20;

/// What every byte of a body may add to that.
const ROOM_PER_BYTE: usize = 4;

/// Puts the records of one request into a batch.
///
/// What records share stands once in a body and in each record of the batch, so that a small body can become very large: what it
/// may become is bounded.
pub(super) struct Request<'a, R> {
    protocol: &'static str,
    context: &'a Context<'a>,
    batch: &'a mut Batch,
    reject: R,
    start: Mark,
    /// What the batch may weigh in the end.
    limit_bytes: usize,
    outcome: Outcome,
}

impl<'a, R: FnMut(WireError)> Request<'a, R> {
    pub(super) fn new(
        protocol: &'static str,
        body: &[u8],
        context: &'a Context<'a>,
        batch: &'a mut Batch,
        reject: R,
    ) -> Self {
        let room = body.len().saturating_mul(ROOM_PER_BYTE) + ROOM_BYTES;
        Request {
            protocol,
            context,
            start: batch.mark(),
            limit_bytes: batch.bytes() + room.min(Batch::MAX_RECORD_BYTES),
            batch,
            reject,
            outcome: Outcome::default(),
        }
    }

    /// Whether a record with so many bytes of text still fits.
    ///
    /// # Errors
    ///
    /// [`WireError::Message`] when it does not.
    pub(super) fn room_for(&self, bytes: usize) -> Result<(), WireError> {
        if self.batch.bytes().saturating_add(bytes) <= self.limit_bytes {
            return Ok(());
        }
        Err(self.error(
            "with what its records share it is too large; send fewer records in one request".into(),
        ))
    }

    /// Adds a record, or rejects it.
    pub(super) fn put(&mut self, record: &WireRecord<'_>, interner: &mut Interner) {
        let put = self
            .room_for(record.texts.len())
            .and_then(|()| record.put(interner, self.context, self.batch));
        match put {
            Ok(()) => self.outcome.accepted += 1,
            Err(error) => self.reject(error),
        }
    }

    /// Counts a record that cannot be added.
    pub(super) fn reject(&mut self, error: WireError) {
        self.outcome.rejected += 1;
        if self.outcome.error.is_none() {
            self.outcome.error = Some(error.to_string());
        }
        (self.reject)(error);
    }

    /// An error of this request's protocol.
    pub(super) fn error(&self, reason: String) -> WireError {
        WireError::Message {
            protocol: self.protocol,
            reason,
        }
    }

    /// What became of the records. When the whole could not be read, those before the error are taken out of the batch again.
    pub(super) fn finish(self, read: Result<(), WireError>) -> Result<Outcome, WireError> {
        if read.is_err() {
            self.batch.truncate(self.start);
        }
        read.map(|()| self.outcome)
    }
}
