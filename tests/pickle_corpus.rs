//! Every record that `CPython` 2.7 to 3.13 pickled comes out as `CPython` says, from every protocol.
//!
//! `tests/pickles/make.py` makes the corpus and says what its lines hold.

#![expect(clippy::unwrap_used, reason = "a test may")]

mod pickles;

use std::collections::BTreeMap;

use crate::pickles::Entry;
use logstore::wire::Context;
use logstore::wire::pickle::Decoder;
use logstore::{Batch, LogRecord};
use serde_json::{Map, Value, json};

const NOW_NS: i64 = 1_795_000_000_000_000_000;

fn decode(pickle: &[u8]) -> Result<LogRecord, String> {
    let mut batch = Batch::new();
    let context = Context {
        hostname: "testhost",
        now_ns: NOW_NS,
    };
    Decoder::new()
        .decode(pickle, &context, &mut batch)
        .map_err(|error| error.to_string())?;
    let row = batch.iter().next().ok_or("no record")?;
    // What a batch gives back is the extra text parsed; text that is no JSON would come back as nothing.
    if let Some(extra) = row.texts.extra {
        serde_json::from_str::<Value>(extra).map_err(|error| format!("{error} in {extra}"))?;
    }
    Ok(batch.to_record(&row))
}

/// A record's fields under Python's names; what the client did not say is null.
fn fields(record: &LogRecord) -> Map<String, Value> {
    let (site, origin) = (&record.site, &record.origin);
    let text = |text: &str| {
        if text.is_empty() {
            Value::Null
        } else {
            json!(text)
        }
    };
    let fields = [
        ("created_ns", json!(record.created_ns)),
        ("name", text(&site.name)),
        ("levelno", json!(site.level.0)),
        ("levelname", text(&site.level_name)),
        ("pathname", text(&site.pathname)),
        ("filename", text(site.filename())),
        ("module", text(site.module())),
        ("lineno", json!(site.lineno)),
        ("funcName", text(&site.func_name)),
        ("process", json!(origin.process)),
        ("processName", text(&origin.process_name)),
        ("thread", json!(origin.thread)),
        ("threadName", text(&origin.thread_name)),
        ("taskName", json!(record.task_name)),
        ("message", json!(record.message)),
        ("exc_text", json!(record.exc_text)),
        ("stack_info", json!(record.stack_info)),
        ("extra", Value::Object(record.extra.clone())),
    ];
    fields
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

/// Notes where two values differ, minding the markers of the corpus.
fn compare(at: &str, expected: &Value, got: Option<&Value>, differences: &mut Vec<String>) {
    let differs = |differences: &mut Vec<String>| {
        let got = got.map_or("nothing".to_owned(), Value::to_string);
        differences.push(format!("{at}: expected {expected}, got {got}"));
    };
    match (expected, got) {
        (Value::Object(marker), Some(_)) if marker.contains_key("$any") => {}
        (Value::Object(marker), _) if marker.contains_key("$oneof") => {
            let fits = |choice| {
                let mut inner = Vec::new();
                compare(at, choice, got, &mut inner);
                inner.is_empty()
            };
            if !marker["$oneof"].as_array().unwrap().iter().any(fits) {
                differs(differences);
            }
        }
        (Value::Object(marker), Some(Value::Array(got))) if marker.contains_key("$set") => {
            let sorted = |items: &[Value]| {
                let mut texts: Vec<_> = items.iter().map(Value::to_string).collect();
                texts.sort();
                texts
            };
            if sorted(marker["$set"].as_array().unwrap()) != sorted(got) {
                differs(differences);
            }
        }
        (Value::Object(expected), Some(Value::Object(got))) => {
            for (key, value) in expected {
                compare(&format!("{at}.{key}"), value, got.get(key), differences);
            }
            for key in got.keys().filter(|key| !expected.contains_key(*key)) {
                differences.push(format!("{at}.{key}: expected nothing, got {}", got[key]));
            }
        }
        (Value::Array(expected), Some(Value::Array(got))) if expected.len() == got.len() => {
            for (i, (expected, got)) in expected.iter().zip(got).enumerate() {
                compare(&format!("{at}[{i}]"), expected, Some(got), differences);
            }
        }
        _ if got != Some(expected) => differs(differences),
        _ => {}
    }
}

fn check(version: &str, entry: &Entry, differences: &mut Vec<String>) {
    for (protocol, pickle) in &entry.pickles {
        let at = format!("{version} protocol {protocol}, {}", entry.name);
        let record = match decode(pickle) {
            Ok(record) => record,
            Err(error) => {
                differences.push(format!("{at}: {error}"));
                continue;
            }
        };
        let got = fields(&record);
        for (field, expected) in &entry.expect {
            compare(
                &format!("{at}: {field}"),
                expected,
                got.get(field),
                differences,
            );
        }
    }
}

#[test]
fn every_record_comes_out_as_cpython_has_it() {
    let mut counts = BTreeMap::new();
    let mut differences = Vec::new();
    for (version, entries) in pickles::corpora() {
        for entry in &entries {
            check(&version, entry, &mut differences);
        }
        counts.insert(
            version,
            entries
                .iter()
                .map(|entry| entry.pickles.len())
                .sum::<usize>(),
        );
    }
    assert!(
        counts.len() >= 5 && counts.values().sum::<usize>() > 500,
        "too few: {counts:?}"
    );
    assert!(
        differences.is_empty(),
        "{} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
}
