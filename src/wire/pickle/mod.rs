//! Python pickles, read as data: no opcode here can import, call or build anything.
//!
//! A frame of Python's `SocketHandler` holds the pickled `__dict__` of a `LogRecord`. [`Decoder`] walks its opcodes once and
//! writes the record straight into a [`Batch`]: known fields to their places, everything else as JSON into `extra`.

mod budget;
mod cursor;
mod describe;
mod encode;
mod fields;
mod integer;
mod json;
mod known;
mod machine;
mod merge;
mod object;
mod opcodes;
mod repr;
mod unescape;
mod value;

pub use encode::encode_frame;

use crate::batch::Batch;
use crate::error::WireError;
use crate::wire::intern::Interner;
use crate::wire::{Context, MAX_FRAME_LIMIT};

/// Decodes pickled `LogRecord`s. Keep one for many frames: it remembers sites and origins and reuses its memory.
#[derive(Debug, Default)]
pub struct Decoder {
    machine: machine::Machine,
    interner: Interner,
    scratch: fields::Scratch,
}

impl Decoder {
    /// A decoder that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes the payload of one frame (the pickle without the four bytes of its length) and adds the record to the batch.
    ///
    /// # Errors
    ///
    /// [`WireError::Pickle`], [`WireError::NotARecord`] or [`WireError::RecordTooLarge`], and [`WireError::FrameTooLong`] for a
    /// payload of more than [`MAX_FRAME_LIMIT`] bytes, which no frame can hold. No record is added then; another frame may
    /// follow.
    pub fn decode(
        &mut self,
        payload: &[u8],
        context: &Context<'_>,
        batch: &mut Batch,
    ) -> Result<(), WireError> {
        if payload.len() > MAX_FRAME_LIMIT {
            return Err(WireError::FrameTooLong {
                claimed: payload.len() as u64,
                limit: MAX_FRAME_LIMIT,
            });
        }
        let root = self.machine.run(payload)?;
        let heap = self.machine.heap(payload);
        fields::put_record(
            &heap,
            root,
            context,
            &mut self.interner,
            &mut self.scratch,
            batch,
        )
    }
}
