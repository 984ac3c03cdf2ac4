//! One connection's bytes become records: frames that arrive in any pieces are put together and decoded.

use crate::batch::Batch;
use crate::error::WireError;
use crate::wire::pickle::Decoder;
use crate::wire::{Context, Split, split_frame};

/// The state of one connection: the frame that has not arrived completely. It does no I/O.
///
/// The name is that of the class in Python's logging cookbook.
#[derive(Debug)]
pub struct LogRecordStreamHandler {
    /// The beginning of a frame, length included.
    partial: Vec<u8>,
    frame_limit: usize,
}

/// A frame longer than this gives its memory back after it.
const KEPT_BYTES: usize = 64 << 10;

impl LogRecordStreamHandler {
    /// A connection that has sent nothing yet, and whose frames may have so many bytes.
    #[must_use]
    pub fn new(frame_limit: usize) -> Self {
        LogRecordStreamHandler {
            partial: Vec::new(),
            frame_limit,
        }
    }

    /// Takes what one read brought. Every frame that is complete now is decoded into the batch, or handed to `reject` with the
    /// reason why it cannot be; what is left waits for the next read.
    ///
    /// # Errors
    ///
    /// [`WireError::FrameTooLong`]: the framing is lost, and the connection with it.
    pub fn receive(
        &mut self,
        mut bytes: &[u8],
        decoder: &mut Decoder,
        context: &Context<'_>,
        batch: &mut Batch,
        mut reject: impl FnMut(WireError),
    ) -> Result<(), WireError> {
        while !self.partial.is_empty() {
            match split_frame(&self.partial, self.frame_limit)? {
                Split::Partial { expected } => {
                    let missing = expected - self.partial.len();
                    if bytes.is_empty() {
                        return Ok(());
                    }
                    let (more, rest) = bytes.split_at(missing.min(bytes.len()));
                    self.partial.extend_from_slice(more);
                    bytes = rest;
                }
                Split::Frame { payload, .. } => {
                    if let Err(error) = decoder.decode(payload, context, batch) {
                        reject(error);
                    }
                    self.partial.clear();
                    self.partial.shrink_to(KEPT_BYTES);
                }
            }
        }
        loop {
            match split_frame(bytes, self.frame_limit)? {
                Split::Frame { payload, rest } => {
                    if let Err(error) = decoder.decode(payload, context, batch) {
                        reject(error);
                    }
                    bytes = rest;
                }
                Split::Partial { .. } => {
                    self.partial.extend_from_slice(bytes);
                    return Ok(());
                }
            }
        }
    }

    /// The connection has ended.
    ///
    /// # Errors
    ///
    /// [`WireError::PartialFrame`] when it ended inside a frame.
    pub fn finish(&self) -> Result<(), WireError> {
        if self.partial.is_empty() {
            return Ok(());
        }
        let expected = match split_frame(&self.partial, self.frame_limit) {
            Ok(Split::Partial { expected }) => expected,
            _ => self.partial.len(),
        };
        Err(WireError::PartialFrame {
            got: self.partial.len(),
            expected,
        })
    }
}
