//! Elasticsearch's `_bulk` requests, which Filebeat, Logstash, Vector, Fluent Bit and Elasticsearch's clients send.
//!
//! A body is lines of JSON: an action with its index, then the document. [`bulk`] reads it and hands every document over,
//! [`response`] is the answer. What else clients ask for before they send: [`root`] at `/` and [`license`] at `/_license`. **All
//! answers must have the header `X-Elastic-Product: Elasticsearch`**, without which clients refuse to go on.
//!
//! Only `index` and `create` are taken, as log shippers send them: a store of logs changes no document.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::lenient::Text;
use crate::error::WireError;

/// The version that clients are told: the last one of 8.x, since shippers refuse a server that is older than they are.
const VERSION: &str = "8.19.99";

/// What is to be done with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Index,
    Create,
    Update,
    Delete,
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Action::Index => "index",
            Action::Create => "create",
            Action::Update => "update",
            Action::Delete => "delete",
        }
    }
}

/// What became of one action of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BulkItem {
    action: Action,
    index: String,
    id: Option<String>,
    error: Option<String>,
}

impl BulkItem {
    /// Why its document was not taken; `None` when it was.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }
}

/// Reads the body of a `_bulk` request and hands the document of every `index` and `create` over, with the name of its index
/// (that of the action, or else `default_index`, which is the one in the request's path) and its id, if it has one. A document that `document` refuses, and
/// every `update` and `delete`, becomes an item with an error; the others go on. A document is handed over when its item is asked for.
///
/// # Errors
///
/// [`WireError::Message`] when an action cannot be read, has no index or no document: the answer is status 400 with [`error`], as
/// Elasticsearch's is. Then no document was handed over.
pub fn bulk<'a>(
    body: &'a [u8],
    default_index: Option<&'a str>,
    mut document: impl FnMut(&str, Option<&str>, &[u8]) -> Result<(), WireError> + 'a,
) -> Result<impl Iterator<Item = BulkItem> + 'a, WireError> {
    let mut items = Vec::new();
    let mut lines = Lines {
        body,
        at: 0,
        number: 0,
    };
    while let Some(line) = lines.next() {
        let line = &body[line];
        // As Elasticsearch does between actions.
        if line.trim_ascii().is_empty() {
            continue;
        }
        let number = lines.number;
        let failed = |reason: String| WireError::Message {
            protocol: "Elasticsearch bulk",
            reason: format!("line {number}: {reason}"),
        };
        let action: ActionLine<'_> = serde_json::from_slice(line)
            .map_err(|error| failed(format!("the action cannot be read: {error}")))?;
        let (action, target) = action
            .single()
            .ok_or_else(|| failed("it must be one of index, create, update and delete".into()))?;
        let index = match (&*target.index.0, default_index) {
            ("", None) => return Err(failed("the action has no _index, nor has the path".into())),
            ("", Some(index)) => Cow::Borrowed(index),
            _ => target.index.0,
        };
        if index.len() > MAX_INDEX_BYTES {
            return Err(failed(format!(
                "an _index has at most {MAX_INDEX_BYTES} bytes"
            )));
        }
        if items.len() == MAX_ACTIONS {
            return Err(failed(format!(
                "a request has at most {MAX_ACTIONS} actions"
            )));
        }
        let source = match action {
            Action::Delete => Some(0..0),
            _ => lines.next(),
        };
        let source = source.ok_or_else(|| failed("the action has no document".into()))?;
        let id = target.id.map(id_of).transpose().map_err(failed)?;
        items.push((action, index, id, source));
    }
    Ok(items.into_iter().map(move |(action, index, id, source)| {
        let taken = match action {
            Action::Index | Action::Create => {
                document(&index, id.as_deref(), &body[source]).map_err(|error| error.to_string())
            }
            Action::Update | Action::Delete => Err(format!(
                "{} is not supported: records are only added; use index or create",
                action.name()
            )),
        };
        BulkItem {
            action,
            index: index.into_owned(),
            id,
            error: taken.err(),
        }
    }))
}

/// Where the lines of a body are, without what ends them. The last one needs no end.
struct Lines<'a> {
    body: &'a [u8],
    at: usize,
    /// Of the line last given, the first being 1.
    number: usize,
}

impl Iterator for Lines<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        if start == self.body.len() {
            return None;
        }
        let length = memchr(b'\n', &self.body[start..]);
        let end = length.map_or(self.body.len(), |length| start + length);
        self.at = (end + 1).min(self.body.len());
        self.number += 1;
        Some(start..end)
    }
}

/// `{"create":{"_index":"logs","_id":"1"}}`, of which only one member is there.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ActionLine<'a> {
    #[serde(borrow)]
    index: Option<Target<'a>>,
    #[serde(borrow)]
    create: Option<Target<'a>>,
    #[serde(borrow)]
    update: Option<Target<'a>>,
    #[serde(borrow)]
    delete: Option<Target<'a>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Target<'a> {
    #[serde(borrow, rename = "_index")]
    index: Text<'a>,
    /// A text, or the number that a program made of it.
    #[serde(borrow, rename = "_id")]
    id: Option<&'a RawValue>,
}

/// A document's id: a text, or a number.
fn id_of(raw: &RawValue) -> Result<String, String> {
    let text = raw.get();
    let id = match text.as_bytes() {
        [b'"', ..] => serde_json::from_str(text).ok(),
        [b'-' | b'0'..=b'9', ..] => Some(text.to_owned()),
        _ => None,
    };
    id.filter(|id: &String| id.len() <= MAX_ID_BYTES)
        .ok_or_else(|| format!("an _id is a text or a number of at most {MAX_ID_BYTES} bytes"))
}

impl<'a> ActionLine<'a> {
    /// The one action of the line.
    fn single(self) -> Option<(Action, Target<'a>)> {
        let mut actions = [
            (Action::Index, self.index),
            (Action::Create, self.create),
            (Action::Update, self.update),
            (Action::Delete, self.delete),
        ]
        .into_iter()
        .filter_map(|(action, target)| Some((action, target?)));
        actions.next().filter(|_| actions.next().is_none())
    }
}

/// How long the name of an index may be: Elasticsearch's own limit.
const MAX_INDEX_BYTES: usize = 255;

/// The longest id that Elasticsearch takes.
const MAX_ID_BYTES: usize = 512;

/// How many actions a request may have. Each costs memory for its answer, and the shortest are 14 bytes.
const MAX_ACTIONS: usize = 100_000;

/// The answer to a `_bulk` request, which has status 200 also when some of its items have errors.
#[must_use]
pub fn response(items: &[BulkItem], took_ms: u64) -> String {
    let answers = items.iter().map(|item| {
        let answer = match &item.error {
            None => json!({
                "_index": item.index, "_id": item.id, "_version": 1, "result": "created",
                "_shards": {"total": 1, "successful": 1, "failed": 0}, "status": 201,
            }),
            Some(reason) => json!({
                "_index": item.index, "_id": item.id, "status": 400,
                "error": {"type": "document_parsing_exception", "reason": reason},
            }),
        };
        json!({ item.action.name(): answer }).to_string()
    });
    // One answer at a time: as values they would take many times their text.
    let mut items_text = String::new();
    for answer in answers {
        if !items_text.is_empty() {
            items_text.push(',');
        }
        items_text.push_str(&answer);
    }
    let errors = items.iter().any(|item| item.error.is_some());
    format!("{{\"took\":{took_ms},\"errors\":{errors},\"items\":[{items_text}]}}")
}

/// The answer to a request that failed as a whole, with its status.
#[must_use]
pub fn error(status: u16, reason: &str) -> String {
    let cause = json!({"type": "illegal_argument_exception", "reason": reason});
    json!({
        "error": {"root_cause": [cause], "type": "illegal_argument_exception", "reason": reason},
        "status": status,
    })
    .to_string()
}

/// What clients ask for at `/` before they send anything: what the server is, in words that they accept.
#[must_use]
pub fn root() -> String {
    json!({
        "name": "logstore",
        "cluster_name": "logstore",
        "cluster_uuid": "logstore",
        "version": {
            "number": VERSION,
            "build_flavor": "default",
            "build_type": "tar",
            "build_hash": "unknown",
            "build_date": "2025-01-01T00:00:00.000Z",
            "build_snapshot": false,
            "lucene_version": "9.12.2",
            "minimum_wire_compatibility_version": "7.17.0",
            "minimum_index_compatibility_version": "7.0.0",
        },
        "tagline": "You Know, for Search",
    })
    .to_string()
}

/// What Filebeat and Logstash ask for at `/_license`: they send only to a server whose license is active.
#[must_use]
pub fn license() -> String {
    json!({"license": {"status": "active", "uid": "logstore", "type": "basic"}}).to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use serde_json::Value;

    /// The documents that are handed over, and the items.
    fn read(
        body: &str,
        default_index: Option<&str>,
    ) -> (Vec<String>, Result<Vec<BulkItem>, String>) {
        let mut documents = Vec::new();
        let items = bulk(body.as_bytes(), default_index, |index, id, json| {
            let json_text = String::from_utf8_lossy(json);
            documents.push([index, id.unwrap_or("-"), &json_text].join(" "));
            if json.starts_with(b"{") {
                return Ok(());
            }
            Err(WireError::Message {
                protocol: "JSON",
                reason: "no object".into(),
            })
        });
        let items = items.map(Iterator::collect);
        (documents, items.map_err(|error| error.to_string()))
    }

    fn answer(items: &[BulkItem]) -> Value {
        serde_json::from_str(&response(items, 7)).unwrap()
    }

    #[test]
    fn documents_are_handed_over_with_their_index_and_id() {
        // As Filebeat sends them, then as a program may; the last newline is missing.
        let body = "{\"create\":{\"_index\":\"filebeat-8\",\"pipeline\":\"p\"}}\n{\"message\":\"a\"}\n\n\
                    {\"index\":{\"_id\":1}}\r\n{\"message\":\"b\"}";
        let (documents, items) = read(body, Some("logs"));
        let expected = [
            "filebeat-8 - {\"message\":\"a\"}",
            "logs 1 {\"message\":\"b\"}",
        ];
        assert_eq!(documents, expected);
        let items = items.unwrap();
        assert!(items.iter().all(|item| item.error().is_none()));
        let shards = json!({"total": 1, "successful": 1, "failed": 0});
        let created = |index, id| {
            json!({"_index": index, "_id": id, "_version": 1, "result": "created",
                "_shards": shards, "status": 201})
        };
        let expected = json!({"took": 7, "errors": false, "items": [
            {"create": created("filebeat-8", Value::Null)}, {"index": created("logs", json!("1"))},
        ]});
        assert_eq!(answer(&items), expected);
    }

    #[test]
    fn what_is_not_taken_is_an_item_with_an_error() {
        let body = "{\"update\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{\"doc\":{}}\n\
                    {\"delete\":{\"_index\":\"a\",\"_id\":\"2\"}}\n\
                    {\"index\":{\"_index\":\"a\"}}\n7\n\
                    {\"index\":{\"_index\":\"a\"}}\n{}\n";
        let (documents, items) = read(body, None);
        assert_eq!(documents, ["a - 7", "a - {}"]);
        let items = items.unwrap();
        assert_eq!(items[2].error(), Some("not JSON: no object"));
        let answer = answer(&items);
        assert_eq!(answer["errors"], true);
        let status = |i: usize, action: &str| answer["items"][i][action]["status"].clone();
        assert_eq!(
            (status(0, "update"), status(1, "delete")),
            (json!(400), json!(400))
        );
        assert_eq!(
            (status(2, "index"), status(3, "index")),
            (json!(400), json!(201))
        );
    }

    #[test]
    fn an_action_that_cannot_be_read_stops_all() {
        let sound = "{\"index\":{\"_index\":\"a\"}}\n{}\n";
        for (line, reason) in [
            ("{\"index\"", "line 3: the action cannot be read"),
            (
                "{\"upsert\":{}}",
                "line 3: the action cannot be read: unknown field",
            ),
            (
                "{}",
                "line 3: it must be one of index, create, update and delete",
            ),
            ("{\"index\":{},\"create\":{}}", "line 3: it must be one of"),
            (
                "{\"index\":{}}",
                "line 3: the action has no _index, nor has the path",
            ),
            (
                "{\"create\":{\"_index\":\"a\"}}",
                "line 3: the action has no document",
            ),
        ] {
            let (documents, items) = read(&format!("{sound}{line}"), None);
            let error = items.unwrap_err();
            let expected = format!("not Elasticsearch bulk: {reason}");
            assert!(error.starts_with(&expected), "{error}");
            assert!(documents.is_empty());
        }
        let answer: Value = serde_json::from_str(&error(400, "no")).unwrap();
        assert_eq!(
            (&answer["status"], &answer["error"]["reason"]),
            (&json!(400), &json!("no"))
        );
    }

    #[test]
    fn clients_are_told_what_they_look_for() {
        let root: Value = serde_json::from_str(&root()).unwrap();
        assert_eq!(root["tagline"], "You Know, for Search");
        assert_eq!(root["version"]["build_flavor"], "default");
        assert!(
            root["version"]["number"]
                .as_str()
                .unwrap()
                .starts_with("8.")
        );
        let license: Value = serde_json::from_str(&license()).unwrap();
        assert_eq!(license["license"]["status"], "active");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in "([{}\"\n ]|index|_id|\\PC){0,40}") {
            if let Ok(items) = read(&body, Some("logs")).1 {
                answer(&items);
            }
        }
    }
}
