//! What one client speaks, found out from its first bytes, and the beginning of what has not arrived completely.

use super::counters::Source;
use super::messages::MessageStream;
use super::shared::{Decoders, Rules};
use super::stream::LogRecordStreamHandler;
use crate::batch::Batch;
use crate::error::WireError;
use crate::wire::{Context, Framing, HTTP_REQUEST, Protocol, looks_like};

/// What some writers begin a text with.
const BYTE_ORDER_MARK: [u8; 3] = *b"\xEF\xBB\xBF";

/// See the module's documentation.
pub(super) enum Speech {
    /// So many bytes of a byte order mark have come, and nothing else.
    Unknown {
        mark: usize,
    },
    Frames(LogRecordStreamHandler),
    Json(MessageStream),
    Syslog(MessageStream),
}

impl Default for Speech {
    fn default() -> Self {
        Speech::Unknown { mark: 0 }
    }
}

impl Speech {
    /// Puts the records of what came into the batch; an error means that nothing that follows can be understood.
    pub(super) fn receive(
        &mut self,
        mut bytes: &[u8],
        rules: &Rules,
        decoders: &mut Decoders,
        context: &Context<'_>,
        batch: &mut Batch,
        mut reject: impl FnMut(Source, WireError),
    ) -> Result<(), WireError> {
        if let Speech::Unknown { mark } = self {
            while let (Some(expected), Some((first, rest))) =
                (BYTE_ORDER_MARK.get(*mark), bytes.split_first())
                && first == expected
            {
                *mark += 1;
                bytes = rest;
            }
            if bytes.is_empty() {
                return Ok(());
            }
            *self = Speech::of(*mark, bytes, rules)?;
        }
        let source = self.source();
        let reject = |error| reject(source, error);
        let Decoders {
            pickle,
            json,
            syslog,
            ..
        } = decoders;
        match self {
            Speech::Unknown { .. } => Ok(()),
            Speech::Frames(frames) => frames.receive(bytes, pickle, context, batch, reject),
            Speech::Json(messages) => {
                messages.receive(bytes, |line| json.decode(line, context, batch), reject)
            }
            Speech::Syslog(messages) => {
                messages.receive(bytes, |line| syslog.decode(line, context, batch), reject)
            }
        }
    }

    /// The stream has ended: half a frame is an error, a line without an end is a message.
    pub(super) fn finish(
        &mut self,
        decoders: &mut Decoders,
        context: &Context<'_>,
        batch: &mut Batch,
    ) -> Result<(), WireError> {
        match self {
            Speech::Unknown { .. } => Ok(()),
            Speech::Frames(frames) => frames.finish(),
            Speech::Json(messages) => {
                messages.finish(|line| decoders.json.decode(line, context, batch))
            }
            Speech::Syslog(messages) => {
                messages.finish(|line| decoders.syslog.decode(line, context, batch))
            }
        }
    }

    /// What a stream speaks that begins with so much of a byte order mark and these bytes.
    fn of(mark: usize, bytes: &[u8], rules: &Rules) -> Result<Self, WireError> {
        let limit = rules.frame_limit;
        let unknown = |found| Err(WireError::NotAFrame { found });
        // A page in a browser must not get its requests taken for lines, whose senders nobody checks.
        if looks_like(bytes) == HTTP_REQUEST {
            return unknown(HTTP_REQUEST);
        }
        let first = bytes.first().copied().and_then(Protocol::of_first_byte);
        let protocol = rules.protocol.or(first);
        let is_text = matches!(protocol, Some(Protocol::Json | Protocol::Syslog));
        Ok(match protocol {
            _ if mark > 0 && !(is_text && mark == BYTE_ORDER_MARK.len()) => {
                return unknown(looks_like(&BYTE_ORDER_MARK));
            }
            Some(Protocol::Python) => Speech::Frames(LogRecordStreamHandler::new(limit)),
            Some(Protocol::Json) => {
                Speech::Json(MessageStream::new(Framing::Json.of_stream(bytes), limit))
            }
            Some(Protocol::Syslog) => {
                Speech::Syslog(MessageStream::new(Framing::Syslog.of_stream(bytes), limit))
            }
            Some(Protocol::Http | Protocol::Tls) | None => return unknown(looks_like(bytes)),
        })
    }

    /// By which way its records come.
    pub(super) fn source(&self) -> Source {
        match self {
            Speech::Unknown { .. } => Source::Other,
            Speech::Frames(_) => Source::Python,
            Speech::Json(_) => Source::Json,
            Speech::Syslog(_) => Source::Syslog,
        }
    }

    pub(super) fn partial_bytes(&self) -> usize {
        match self {
            Speech::Unknown { .. } => 0,
            Speech::Frames(frames) => frames.partial_bytes(),
            Speech::Json(messages) | Speech::Syslog(messages) => messages.partial_bytes(),
        }
    }
}

/// What of a client's was not taken.
#[derive(Default)]
pub(super) struct Refused {
    messages: u64,
    /// What was wrong with the last one.
    last: Option<WireError>,
    /// Where the next message begins nobody knows.
    pub(super) is_lost: bool,
}

impl Refused {
    pub(super) fn note(&mut self, error: &WireError) {
        self.messages += 1;
        self.last = Some(error.clone());
    }

    /// What a client is told that waits for the end of its connection: one line.
    pub(super) fn notice(&self) -> Option<String> {
        let last = self.last.as_ref()?;
        Some(match self.messages {
            1 => format!("logstore: 1 message was not taken: {last}\n"),
            messages => {
                format!("logstore: {messages} messages were not taken, the last one: {last}\n")
            }
        })
    }
}
