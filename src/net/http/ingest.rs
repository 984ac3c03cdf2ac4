//! `POST /ingest`: JSON lines, JSON objects, a JSON array, or the form of Python's `HTTPHandler`; `POST /gelf`: one GELF message.

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Request, Response, StatusCode};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::Exchange;
use super::answer::{Body, Refusal, empty, json as answer_json};
use super::body::Packing;
use crate::error::WireError;
use crate::net::messages::MessageStream;
use crate::net::shared::Decoders;
use crate::wire::Framing;

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
        {
            let mut desk = self.shared.desk();
            let Decoders { json, .. } = &mut desk.decoders;
            let context = self.context();
            let mut place = 0;
            let mut decode = |message: &[u8]| {
                place += 1;
                if rejected.count >= MAX_REJECTED {
                    return;
                }
                let decoded = json.decode(message, &context, &mut batch);
                if let Err(error) = decoded.map_err(|error| told(message, error)) {
                    self.shared.reject(self.peer, error.clone());
                    rejected.note(place, error);
                }
            };
            let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&body);
            match body.trim_ascii_start().first() {
                Some(b'[') => {
                    let items: Vec<&RawValue> =
                        serde_json::from_slice(body).map_err(|error| Refusal::bad(&error))?;
                    for item in items {
                        decode(item.get().as_bytes());
                    }
                }
                Some(b'{') | None if is_lines(&kind) => {
                    each_line(body, self.shared.rules.frame_limit, decode)?;
                }
                Some(b'{') | None => each_object(body, decode),
                Some(_) if kind == "application/x-www-form-urlencoded" => {
                    decode(record_of_form(body).to_string().as_bytes());
                }
                Some(_) => {
                    return Err(Refusal::bad(
                        &"neither JSON lines nor a JSON array, nor a form",
                    ));
                }
            }
        }
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
}

impl Exchange<'_> {
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
            json.decode(&body, &self.context(), &mut batch)
        };
        decoded.map_err(|error| Refusal::bad(&error))?;
        drop((body, held));
        self.store(batch).await?;
        Ok(empty(StatusCode::ACCEPTED))
    }
}

/// What is wrong with a message: what is another kind of value is named.
fn told(message: &[u8], error: WireError) -> WireError {
    let found = match message.first() {
        Some(b'[') => "an array",
        Some(b'"') => "a text",
        Some(b'-' | b'0'..=b'9') => "a number",
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

/// Calls `message` with each object, which may span lines, and with each line that is none.
fn each_object(body: &[u8], mut message: impl FnMut(&[u8])) {
    let mut rest = body.trim_ascii_start();
    // A second object without an end would be looked for in vain, too.
    let mut may_span = true;
    while !rest.is_empty() {
        let line = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        let end = end_of_object(&rest[..line]).or_else(|| {
            let end = end_of_object(rest).filter(|_| may_span);
            may_span &= end.is_some();
            end
        });
        let (object, behind) = rest.split_at(end.unwrap_or(line));
        message(object);
        rest = behind.trim_ascii_start();
    }
}

/// Where the object that the bytes begin with ends; `None` when it does not, or when a text in it has a line feed, which no text of
/// JSON has.
fn end_of_object(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut in_text, mut escaped) = (0_u32, false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\n' if in_text => return None,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' => depth += 1,
            b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Calls `message` with each line that is not blank.
pub(super) fn each_line(
    body: &[u8],
    limit: usize,
    mut message: impl FnMut(&[u8]),
) -> Result<(), Refusal> {
    let mut lines = MessageStream::new(Framing::Json, limit);
    let mut take = |line: &[u8]| {
        message(line);
        Ok(())
    };
    let mut lost = None;
    let received = lines.receive(body, &mut take, |error| lost = Some(error));
    received
        .and_then(|()| lines.finish(&mut take))
        .map_err(|error| Refusal::bad(&error))?;
    lost.map_or(Ok(()), |error| Err(Refusal::bad(&error)))
}

/// The media type without its parameters, in lower case.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = value
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
    fn objects_may_span_lines_and_stand_together() {
        let objects = |body: &str| {
            let mut objects = Vec::new();
            each_object(body.as_bytes(), |object| {
                objects.push(String::from_utf8_lossy(object).into_owned());
            });
            objects
        };
        let pretty = "{\n  \"a\": {\n    \"b\": \"}\\\"\"\n  }\n}";
        assert_eq!(objects(pretty), [pretty]);
        assert_eq!(
            objects(&format!(" {pretty}{pretty}\n\n{{}}\n")),
            [pretty, pretty, "{}"]
        );
        let broken = "{\"a\":1}\nx\n{\"a\":\n{\"a\":2}\n{\"a\n{\"a\":3}";
        let lines: Vec<&str> = broken.lines().collect();
        assert_eq!(objects(broken), lines);
    }

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
