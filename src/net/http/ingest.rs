//! `POST /ingest`: JSON lines, a JSON array, or the form of Python's `HTTPHandler`.

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::{Request, Response, StatusCode};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::Exchange;
use super::answer::{Body, Refusal, json as answer_json};
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
                if let Err(error) = json.decode(message, &context, &mut batch) {
                    self.shared.reject(self.peer, error.clone());
                    rejected.note(place, error);
                }
            };
            match body.trim_ascii_start().first() {
                Some(b'[') => {
                    let items: Vec<&RawValue> =
                        serde_json::from_slice(&body).map_err(|error| Refusal::bad(&error))?;
                    for item in items {
                        decode(item.get().as_bytes());
                    }
                }
                Some(b'{') | None => each_line(&body, self.shared.rules.frame_limit, decode)?,
                Some(_) if kind == "application/x-www-form-urlencoded" => {
                    decode(record_of_form(&body).to_string().as_bytes());
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
