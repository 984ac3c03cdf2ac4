//! Loki's push requests (`/loki/api/v1/push`), in JSON or in snappy-compressed protobuf.
//!
//! [`LokiDecoder`] puts the entries of a request into a [`Batch`]. The line is the message, as it is. A stream's labels and an
//! entry's structured metadata are fields of the record, of which the metadata wins. Some have a place of their own; of two for one
//! place the one that stands first here goes there:
//!
//! | label | record |
//! | --- | --- |
//! | `job`, `service_name`, `app`, `logger` | logger |
//! | `level`, `detected_level`, `severity` | level |
//! | `host`, `hostname`, `instance`, `nodename` | host |
//! | `filename` | path |
//! | any other | extra, under its own key |

mod json;
mod labels;
mod protobuf;
mod record;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::batch::Batch;
use crate::error::WireError;
use crate::wire::intern::Interner;
use crate::wire::request::Request;
use crate::wire::{Context, Outcome};

const PROTOCOL: &str = "Loki";

/// Labels or structured metadata, with their names.
type Labels<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Decodes push requests. Keep one for many: it remembers sites and origins and reuses its memory.
#[derive(Debug, Default)]
pub struct LokiDecoder {
    interner: Interner,
    scratch: record::Scratch,
}

impl LokiDecoder {
    /// A decoder that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the entries of a request in JSON to the batch. One whose time or metadata cannot be read, or that has no room (labels
    /// stand in each record of their stream: a request may grow to four times its size and 32 MiB), is left out and told to
    /// `reject`.
    ///
    /// # Errors
    ///
    /// [`WireError::Message`] when the body is no JSON, or what stands around the entries is none of a push request. Then nothing
    /// of it stays in the batch.
    pub fn decode_json(
        &mut self,
        body: &[u8],
        context: &Context<'_>,
        batch: &mut Batch,
        reject: impl FnMut(WireError),
    ) -> Result<Outcome, WireError> {
        let mut request = Request::new(PROTOCOL, body, context, batch, reject);
        let read = json::read(body, |labels, entry| match entry {
            Ok(entry) => entry.put(labels, &mut request, &mut self.interner, &mut self.scratch),
            Err(unreadable) => {
                let error = request.error(format!("an entry cannot be read: {unreadable}"));
                request.reject(error);
            }
        });
        let read = read.map_err(|error| request.error(format!("the JSON cannot be read: {error}")));
        request.finish(read)
    }

    /// Adds the entries of a request in protobuf, compressed with snappy as all of Loki's clients do, to the batch.
    /// `limit_bytes` is the most that the body may have when it is no longer compressed. Entries are left out as by
    /// [`LokiDecoder::decode_json`].
    ///
    /// # Errors
    ///
    /// [`WireError::Message`] when the body is over the limit, cut or corrupt. Then nothing of it stays in the batch.
    pub fn decode_protobuf(
        &mut self,
        body: &[u8],
        limit_bytes: usize,
        context: &Context<'_>,
        batch: &mut Batch,
        reject: impl FnMut(WireError),
    ) -> Result<Outcome, WireError> {
        let body = unpacked(body, limit_bytes)?;
        let mut request = Request::new(PROTOCOL, &body, context, batch, reject);
        let read = protobuf::read(&body, |labels, entry| match entry {
            Ok(entry) => entry.put(labels, &mut request, &mut self.interner, &mut self.scratch),
            Err(unreadable) => request.reject(unreadable.in_protocol(PROTOCOL)),
        });
        request.finish(read.map_err(|corrupt| corrupt.in_protocol(PROTOCOL)))
    }
}

/// What snappy's block format has packed. Its length stands at its start and is looked at before memory is taken.
fn unpacked(body: &[u8], limit_bytes: usize) -> Result<Vec<u8>, WireError> {
    let error = |reason| WireError::Message {
        protocol: PROTOCOL,
        reason,
    };
    let corrupt = |reason: snap::Error| error(format!("the body is not snappy's: {reason}"));
    let bytes = snap::raw::decompress_len(body).map_err(corrupt)?;
    if bytes > limit_bytes {
        return Err(WireError::BodyTooLong {
            bytes,
            limit: limit_bytes,
        });
    }
    snap::raw::Decoder::new()
        .decompress_vec(body)
        .map_err(corrupt)
}
