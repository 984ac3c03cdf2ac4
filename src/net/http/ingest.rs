//! `POST /ingest`: JSON lines, JSON objects, a JSON array, or the form of Python's `HTTPHandler`; `POST /gelf`: one GELF message.

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Request, Response, StatusCode};
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
            let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&body);
            let first = body.trim_ascii_start().first();
            let is_array = first == Some(&b'[');
            let mut place = 0;
            let mut decode = |message: &[u8]| {
                place += 1;
                if rejected.count >= MAX_REJECTED {
                    return;
                }
                if let Err(error) = json.decode(message, &context, &mut batch) {
                    let error = if is_array {
                        told(message, error)
                    } else {
                        error
                    };
                    self.shared.reject(self.peer, error.clone());
                    rejected.note(place, error);
                }
            };
            match first {
                Some(b'[') => each_item(body.trim_ascii_start(), decode),
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

/// Calls `message` with each object, which may span lines, and with each line that is none.
fn each_object(body: &[u8], mut message: impl FnMut(&[u8])) {
    // How many bytes may be searched in vain for the ends of objects that have none.
    let mut patience = body.len();
    let mut line_end = 0;
    let mut rest = body.trim_ascii_start();
    while let Some(first) = rest.first() {
        let at = body.len() - rest.len();
        let spanning = match first {
            b'{' if patience > 0 => end_of(rest, *b"{}", LineEnds::OutsideTexts),
            _ => Err(0),
        };
        let end = spanning.unwrap_or_else(|searched| {
            patience = patience.saturating_sub(searched);
            if line_end <= at {
                line_end = memchr::memchr(b'\n', rest).map_or(body.len(), |end| at + end);
            }
            let line = &rest[..line_end - at];
            match first {
                b'{' => end_of(line, *b"{}", LineEnds::OutsideTexts).unwrap_or(line.len()),
                _ => line.len(),
            }
        });
        let (object, behind) = rest.split_at(end);
        message(object);
        rest = behind.trim_ascii_start();
    }
}

/// Calls `message` with each item of an array, good or not, and with what else is there.
fn each_item(array: &[u8], mut message: impl FnMut(&[u8])) {
    let mut rest = array.strip_prefix(b"[").unwrap_or(array).trim_ascii_start();
    while let Some(first) = rest.first() {
        let end = match first {
            b',' => 0,
            b']' => {
                let behind = rest[1..].trim_ascii();
                if !behind.is_empty() {
                    message(behind);
                }
                return;
            }
            b'{' => end_of(rest, *b"{}", LineEnds::Anywhere).unwrap_or(rest.len()),
            b'[' => end_of(rest, *b"[]", LineEnds::Anywhere).unwrap_or(rest.len()),
            b'"' => memchr::memchr(b'"', &rest[1..]).map_or(rest.len(), |end| end + 2),
            _ => memchr::memchr2(b',', b']', rest).unwrap_or(rest.len()),
        };
        let (item, behind) = rest.split_at(end);
        if !item.is_empty() {
            message(item.trim_ascii_end());
        }
        let behind = behind.trim_ascii_start();
        rest = behind
            .strip_prefix(b",")
            .unwrap_or(behind)
            .trim_ascii_start();
    }
    // An array without its end.
    message(b"");
}

/// Whether a text of JSON may have a line end in it, which it must not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineEnds {
    OutsideTexts,
    Anywhere,
}

/// Where the value that begins with the first bracket of a pair ends; an error when it does not, after how many bytes.
fn end_of(bytes: &[u8], [open, close]: [u8; 2], line_ends: LineEnds) -> Result<usize, usize> {
    let (mut depth, mut in_text, mut escaped) = (0_u32, false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\n' if in_text && line_ends == LineEnds::OutsideTexts => return Err(at),
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            byte if *byte == open => depth += 1,
            byte if *byte == close => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Ok(at + 1);
                }
            }
            _ => {}
        }
    }
    Err(bytes.len())
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
        // A line that is no object says nothing of those behind it.
        assert_eq!(
            objects(&format!("# note\n{pretty}\n}},\n{pretty}")),
            ["# note", pretty, "},", pretty]
        );
    }

    #[test]
    fn what_has_no_end_is_looked_for_once() {
        let began = std::time::Instant::now();
        for unit in ["{\n", "{\"a\":1}", "{\"a\n", "{", "{\"\n{"] {
            let body = unit.repeat((4 << 20) / unit.len());
            let mut count = 0;
            each_object(body.as_bytes(), |_| count += 1);
            each_item(body.as_bytes(), |_| count += 1);
            assert!(count > 0);
        }
        // Searched anew for each of them it would take hours.
        assert!(began.elapsed() < std::time::Duration::from_mins(1));
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
