//! `POST /ingest`: JSON lines, JSON objects, a JSON array, or the form of Python's `HTTPHandler`; `POST /gelf`: one GELF message.

use std::iter;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Request, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::answer::{Body, Refusal, empty, json as answer_json};
use super::body::Packing;
use super::split::{Items, Objects, lines};
use super::{Exchange, PORTION_BYTES};
use crate::error::WireError;
use crate::net::shared::Decoders;

/// How many errors an answer names.
const NAMED_ERRORS: usize = 10;

/// A body with so many bad records is no log, and finding out what is wrong with each keeps others waiting.
const MAX_REJECTED: u64 = 10_000;

/// What is not good in a body: the place among its messages, from 1, and what was wrong.
#[derive(Default)]
struct Rejected {
    count: u64,
    named: Vec<(u64, WireError)>,
}

impl Rejected {
    fn note(&mut self, place: u64, error: WireError) {
        self.count += 1;
        if self.named.len() < NAMED_ERRORS {
            self.named.push((place, error));
        }
    }
}

impl Exchange<'_> {
    pub(super) async fn ingest(
        &self,
        request: &mut Request<Incoming>,
    ) -> Result<Response<Body>, Refusal> {
        let kind = media_type(request.headers());
        let (body, held) = self.body(request).await?;
        let mut batch = self.shared.sink.spare_batch();
        let mut rejected = Rejected::default();
        let form;
        let text = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&body);
        let first = text.trim_ascii_start().first();
        let is_array = first == Some(&b'[');
        let mut messages: Box<dyn Iterator<Item = &[u8]>> = match first {
            Some(b'[') => Box::new(Items::new(text)),
            Some(b'{') | None if is_lines(&kind) => Box::new(lines(text)),
            Some(b'{') | None => Box::new(Objects::new(text)),
            Some(_) if kind == "application/x-www-form-urlencoded" => {
                form = record_of_form(text).to_string();
                Box::new(iter::once(form.as_bytes()))
            }
            Some(_) => {
                return Err(Refusal::bad(
                    &"neither JSON lines nor a JSON array, nor a form",
                ));
            }
        };
        let context = self.context();
        let mut place = 0;
        while self.take_portion(&mut messages, |message, decoders| {
            place += 1;
            if let Err(error) = decoders.json.decode(message, &context, &mut batch) {
                let error = if is_array {
                    told(message, error)
                } else {
                    error
                };
                self.shared.reject(self.peer, self.source, error.clone());
                rejected.note(place, error);
            }
            rejected.count < MAX_REJECTED
        }) {
            tokio::task::yield_now().await;
        }
        drop(messages);
        if rejected.count >= MAX_REJECTED {
            return Err(Refusal::bad(&format!(
                "{MAX_REJECTED} records are bad; nothing was stored"
            )));
        }
        let accepted = batch.len();
        drop((body, held));
        self.store(batch).await?;
        let errors: Vec<Value> = rejected
            .named
            .iter()
            .map(|(place, error)| json!({"record": place, "error": error.to_string()}))
            .collect();
        let answer = json!({"accepted": accepted, "rejected": rejected.count, "errors": errors});
        let status = if accepted == 0 && rejected.count > 0 {
            StatusCode::BAD_REQUEST
        } else {
            StatusCode::OK
        };
        Ok(answer_json(status, answer.to_string()))
    }

    /// Has a portion of a body's messages decoded; whether more are to come, after others have had their turn. `decode` says whether
    /// it wants any.
    fn take_portion(
        &self,
        messages: &mut dyn Iterator<Item = &[u8]>,
        mut decode: impl FnMut(&[u8], &mut Decoders) -> bool,
    ) -> bool {
        let mut desk = self.shared.desk();
        let mut bytes = 0;
        for message in messages {
            if !decode(message, &mut desk.decoders) {
                return false;
            }
            bytes += message.len();
            if bytes >= PORTION_BYTES {
                return true;
            }
        }
        false
    }

    /// `POST /gelf`: one message, answered as Graylog does.
    pub(super) async fn gelf(
        &self,
        request: &mut Request<Incoming>,
    ) -> Result<Response<Body>, Refusal> {
        let (body, held) = self.body_packed(request, Packing::Told).await?;
        let mut batch = self.shared.sink.spare_batch();
        let decoded = {
            let mut desk = self.shared.desk();
            let Decoders { json, .. } = &mut desk.decoders;
            json.decode_gelf(&body, &self.context(), &mut batch)
        };
        decoded.map_err(|error| Refusal::bad(&error))?;
        drop((body, held));
        self.store(batch).await?;
        Ok(empty(StatusCode::ACCEPTED))
    }
}

/// What is wrong with an item of an array: what is another kind of value is named.
fn told(message: &[u8], error: WireError) -> WireError {
    let found = match message.first() {
        Some(b'[') => "an array",
        Some(b'"') => "a text",
        Some(b'-' | b'0'..=b'9') => "a number",
        None => "an array without its end",
        _ if matches!(message, b"null" | b"true" | b"false") => "null or a truth value",
        _ => return error,
    };
    WireError::Message {
        protocol: "JSON",
        reason: format!("it is {found}, not an object"),
    }
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Whether a body of this media type is lines, of which each is an object.
fn is_lines(kind: &str) -> bool {
    kind.contains("ndjson") || kind.contains("jsonl")
}

/// The media type without its parameters, in lower case.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let value = headers
        .get(CONTENT_TYPE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    let kind = value
        .as_deref()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

/// The record that Python's `HTTPHandler` posts as a form: all of its attributes, as `str` shows them.
fn record_of_form(body: &[u8]) -> Value {
    let mut record = Map::new();
    for (key, value) in form_urlencoded::parse(body) {
        let value = match (key.as_ref(), value.as_ref()) {
            ("args", "()" | "None")
            | ("exc_info" | "exc_text" | "stack_info" | "taskName", "None") => {
                continue;
            }
            (
                "created" | "levelno" | "lineno" | "process" | "thread" | "relativeCreated"
                | "msecs",
                number,
            ) => serde_json::from_str(number)
                .ok()
                .filter(Value::is_number)
                .unwrap_or_else(|| number.into()),
            (_, text) => text.into(),
        };
        record.insert(key.into_owned(), value);
    }
    Value::Object(record)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_the_record_that_str_was_put_to() {
        let form = b"name=myapp&msg=caf%C3%A9+%26+x&args=%28%29&levelname=INFO&levelno=20&created=1795276800.5\
            &exc_info=None&exc_text=None&lineno=7&process=12&user=ada";
        let expected = json!({
            "name": "myapp", "msg": "caf\u{e9} & x", "levelname": "INFO", "levelno": 20,
            "created": 1_795_276_800.5, "lineno": 7, "process": 12, "user": "ada"
        });
        assert_eq!(record_of_form(form), expected);
    }
}
