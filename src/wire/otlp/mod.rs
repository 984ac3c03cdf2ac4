//! OTLP/HTTP: what OpenTelemetry's SDKs and collectors post to `/v1/logs`, in protobuf or in JSON.
//!
//! [`OtlpDecoder`] puts the records of a request into a [`Batch`]. Where their fields go:
//!
//! | OTLP | record |
//! | --- | --- |
//! | scope's name, else the resource's `service.name` | logger |
//! | `time_unix_nano`, else `observed_time_unix_nano`, else the arrival | created |
//! | `severity_number`, else `severity_text` | level |
//! | `severity_text` | level's name |
//! | `severity_number` that the level does not tell (18 is ERROR as 17 is) | extra: `severity_number` |
//! | `body` | message: a text as it is, other values as their JSON |
//! | attributes `code.file.path`, `code.line.number`, `code.function.name`, or the older `code.filepath`, `code.lineno`, `code.function` | path, line, function |
//! | attributes `thread.id`, `thread.name`, `exception.stacktrace` | thread, its name, `exc_text` |
//! | resource's `host.name`, `process.pid`, `process.executable.name` | host, process, its name |
//! | other attributes | extra, under their own keys |
//! | `event_name`, `trace_id`, `span_id`, `flags`, `dropped_attributes_count` | extra: `event_name`, `trace_id`, `span_id`, `trace_flags`, `dropped_attributes_count` |
//! | `observed_time_unix_nano` that is not the time of creation | extra: `observed_time_unix_nano` |
//! | the resource's other attributes | extra: the object `resource` |
//! | the scope's version and attributes | extra: the object `scope` with `version` and `attributes` |
//!
//! A value that does not fit its place (a line that is a text, a second path, a name that would be cut) stays in extra. An
//! attribute with the key of a field that the record has as well becomes `attributes.<key>`; of equal keys the last one counts.
//! Ids of zeros are none. Not kept: schema URLs, and how many attributes of a resource or a scope were dropped.

#[cfg(test)]
mod encode;
mod json;
mod protobuf;
mod record;
mod response;
#[cfg(test)]
mod tests;
mod value;

pub use response::{response_json, response_protobuf, status_json, status_protobuf};

use crate::batch::Batch;
use crate::error::WireError;
use crate::wire::intern::Interner;
use crate::wire::request::Request;
use crate::wire::{Context, Outcome};

const PROTOCOL: &str = "OTLP";

/// Decodes `ExportLogsServiceRequest`s. Keep one for many requests: it remembers sites and origins and reuses its memory.
#[derive(Debug, Default)]
pub struct OtlpDecoder {
    interner: Interner,
    scratch: record::Scratch,
}

impl OtlpDecoder {
    /// A decoder that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the records of a request in protobuf to the batch. A record whose values nest more than 120 levels deep, or that
    /// has no room (what a resource says stands in each of its records: a request may grow to four times its size and 32 MiB), is
    /// left out and told to `reject`.
    ///
    /// # Errors
    ///
    /// [`WireError::Message`] when the body is cut or corrupt. Then nothing of it stays in the batch.
    pub fn decode_protobuf(
        &mut self,
        body: &[u8],
        context: &Context<'_>,
        batch: &mut Batch,
        reject: impl FnMut(WireError),
    ) -> Result<Outcome, WireError> {
        let mut request = Request::new(PROTOCOL, body, context, batch, reject);
        let read = protobuf::read(body, |resource, scope, record| match record {
            Ok(record) => record.put(
                resource,
                scope,
                &mut request,
                &mut self.interner,
                &mut self.scratch,
            ),
            Err(unreadable) => request.reject(unreadable.in_protocol(PROTOCOL)),
        });
        request.finish(read.map_err(|corrupt| corrupt.in_protocol(PROTOCOL)))
    }

    /// Adds the records of a request in JSON to the batch. A record with a value of the wrong type, or that nests more than 128
    /// levels of JSON, or that has no room (see [`OtlpDecoder::decode_protobuf`]), is left out and told to `reject`.
    ///
    /// # Errors
    ///
    /// [`WireError::Message`] when the body is no JSON, or what stands around the records is none of a request. Then nothing of it
    /// stays in the batch.
    pub fn decode_json(
        &mut self,
        body: &[u8],
        context: &Context<'_>,
        batch: &mut Batch,
        reject: impl FnMut(WireError),
    ) -> Result<Outcome, WireError> {
        let mut request = Request::new(PROTOCOL, body, context, batch, reject);
        let read = json::read(body, |resource, scope, record| match record {
            Ok(record) => record.put(
                resource,
                scope,
                &mut request,
                &mut self.interner,
                &mut self.scratch,
            ),
            Err(unreadable) => {
                let error = request.error(format!("a record cannot be read: {unreadable}"));
                request.reject(error);
            }
        });
        let read = read.map_err(|error| request.error(format!("the JSON cannot be read: {error}")));
        request.finish(read)
    }
}
