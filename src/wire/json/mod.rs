//! JSON lines, as the loggers of many languages write them, and GELF, which is JSON too.
//!
//! One object is one record. Its keys are found by the names that Python, pino, bunyan, zap, logrus, structlog, ECS, Docker and
//! others give them; all else becomes the record's extra fields. `docs/wire.md` has the table.

mod keys;
mod level;
#[cfg(test)]
mod loggers;
mod members;
mod moment;
mod record;
mod scan;
#[cfg(test)]
mod tests;
mod text;

pub(in crate::wire) use moment::moment;

use self::members::Dialect;
use crate::batch::Batch;
use crate::error::WireError;
use crate::wire::intern::Interner;
use crate::wire::{Context, MAX_FRAME_LIMIT};

/// Decodes JSON objects, GELF among them. Keep one for many messages: it remembers sites and origins and reuses its memory.
///
/// - A level's number is on Python's scale, but on that of OpenTelemetry as `severity_number`, of pino in its lines and bunyan's (see
///   `docs/wire.md`), of syslog in GELF and the journal. Without a number the name says; one that nobody knows is INFO and is kept.
/// - A value of the wrong type for its field, and a second key for one field, become extra fields under their own keys, unless
///   the record says the same. Nulls and empty names of fields say nothing.
/// - A number that no reader of JSON keeps exactly becomes a text.
#[derive(Debug, Default)]
pub struct JsonDecoder {
    members: members::Members,
    interner: Interner,
    extra: String,
}

impl JsonDecoder {
    /// A decoder that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Decodes one object, with or without a line end, and adds the record to the batch. Bytes that are no UTF-8 are taken as
    /// their escapes, `\xe9`.
    ///
    /// # Errors
    ///
    /// [`WireError::Message`] for what is no JSON object, or one without members, with what is wrong at which byte, [`WireError::RecordTooLarge`], and
    /// [`WireError::FrameTooLong`] for more than [`MAX_FRAME_LIMIT`] bytes. No record is added then.
    pub fn decode(
        &mut self,
        message: &[u8],
        context: &Context<'_>,
        batch: &mut Batch,
    ) -> Result<(), WireError> {
        self.decode_as(None, message, context, batch)
    }

    /// As [`JsonDecoder::decode`], of what is GELF whether it says so or not.
    ///
    /// # Errors
    ///
    /// As for [`JsonDecoder::decode`].
    pub fn decode_gelf(
        &mut self,
        message: &[u8],
        context: &Context<'_>,
        batch: &mut Batch,
    ) -> Result<(), WireError> {
        self.decode_as(Some(Dialect::Gelf), message, context, batch)
    }

    fn decode_as(
        &mut self,
        dialect: Option<Dialect>,
        message: &[u8],
        context: &Context<'_>,
        batch: &mut Batch,
    ) -> Result<(), WireError> {
        if message.len() > MAX_FRAME_LIMIT {
            return Err(WireError::FrameTooLong {
                claimed: message.len() as u64,
                limit: MAX_FRAME_LIMIT,
            });
        }
        let text = super::text::text(message);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        self.members
            .read(text, dialect)
            .map_err(|fault| WireError::Message {
                protocol: "JSON",
                reason: format!("{} at byte {}", fault.reason, fault.at),
            })?;
        record::put_record(
            text,
            &mut self.members,
            context,
            &mut self.interner,
            &mut self.extra,
            batch,
        )
    }
}
