//! Requests become records.

use proptest::prelude::*;
use serde_json::json;

use super::encode::{Any, Pairs, Record, Request, request};
use super::*;
use crate::level::Level;
use crate::record::LogRecord;

const CONTEXT: Context<'static> = Context {
    hostname: "peer",
    now_ns: 99,
};

/// What a request gives, and what was rejected.
type Decoded = Result<(Vec<LogRecord>, Outcome, Vec<String>), WireError>;

enum Encoding {
    Protobuf,
    Json,
}

fn decode(encoding: &Encoding, body: &[u8]) -> Decoded {
    let mut decoder = OtlpDecoder::new();
    let mut batch = Batch::new();
    batch.push_record(&LogRecord::new(
        crate::record::Site::new("a", Level::INFO),
        "before",
    ));
    let (before, mut rejected) = (batch.bytes(), Vec::new());
    let reject = |error: WireError| rejected.push(error.to_string());
    let outcome = match encoding {
        Encoding::Protobuf => decoder.decode_protobuf(body, &CONTEXT, &mut batch, reject),
        Encoding::Json => decoder.decode_json(body, &CONTEXT, &mut batch, reject),
    };
    if outcome.is_err() {
        assert_eq!((batch.len(), batch.bytes()), (1, before), "nothing stays");
    }
    let outcome = outcome?;
    let records = batch.iter().skip(1).map(|row| batch.to_record(&row));
    let records: Vec<_> = records.collect();
    assert_eq!(outcome.accepted, records.len() as u64);
    assert_eq!(outcome.rejected, rejected.len() as u64);
    assert_eq!(outcome.error.as_ref(), rejected.first());
    Ok((records, outcome, rejected))
}

/// The records of a sound request, which are the same in both encodings.
fn records(request: &Request) -> Vec<LogRecord> {
    let (records, outcome, _) = decode(&Encoding::Protobuf, &request.protobuf()).unwrap();
    assert_eq!(outcome.rejected, 0);
    let of_json = decode(&Encoding::Json, request.json().as_bytes()).unwrap();
    assert_eq!(of_json.0, records);
    records
}

fn one(record: Record) -> LogRecord {
    let request = Request {
        records: vec![record],
        ..Request::default()
    };
    records(&request).remove(0)
}

fn text(text: &str) -> Any {
    Any::Text(text.into())
}

fn pairs<const N: usize>(pairs: [(&str, Any); N]) -> Pairs {
    pairs.map(|(key, value)| (key.to_owned(), value)).into()
}

#[test]
fn every_field_gets_its_place() {
    let record = Record {
        time: 1_795_300_000_000_000_001,
        observed: 1_795_300_000_000_000_002,
        severity: 13,
        severity_text: "WARN".into(),
        body: Some(text("Jail zesty vixen")),
        attributes: pairs([
            ("code.file.path", text("/srv/app/area2.py")),
            ("code.line.number", Any::Int(7)),
            ("code.function.name", text("main")),
            ("exception.type", text("ValueError")),
            ("exception.stacktrace", text("Traceback")),
            ("thread.id", Any::Int(140_280_481_094_528)),
            ("thread.name", text("MainThread")),
            ("user", Any::Object(pairs([("id", Any::Int(3))]))),
        ]),
        dropped: 2,
        flags: 1,
        trace_id: (1..17).collect(),
        span_id: (1..9).collect(),
        event_name: "login".into(),
    };
    let request = Request {
        resource: pairs([
            ("service.name", text("shop")),
            ("host.name", text("node1")),
            ("process.pid", Any::Int(42)),
            ("process.executable.name", text("python3")),
        ]),
        scope: "myapp.area2".into(),
        version: "1.2".into(),
        scope_attributes: pairs([("k", Any::Bool(true))]),
        records: vec![record],
    };
    let record = records(&request).remove(0);
    let site = &record.site;
    assert_eq!(record.created_ns, 1_795_300_000_000_000_001);
    assert_eq!((&*site.name, site.level), ("myapp.area2", Level::WARNING));
    assert_eq!((&*site.level_name, &*site.func_name), ("WARN", "main"));
    assert_eq!((site.filename(), site.lineno), ("area2.py", Some(7)));
    let origin = &record.origin;
    assert_eq!((&*origin.hostname, origin.process), ("node1", Some(42)));
    assert_eq!(origin.process_name, "python3");
    assert_eq!(origin.thread, Some(140_280_481_094_528));
    assert_eq!(origin.thread_name, "MainThread");
    assert_eq!(record.message, "Jail zesty vixen");
    assert_eq!(record.exc_text.as_deref(), Some("Traceback"));
    let extra = json!({
        "exception.type": "ValueError",
        "user": {"id": 3},
        "event_name": "login",
        "trace_id": "0102030405060708090a0b0c0d0e0f10",
        "span_id": "0102030405060708",
        "trace_flags": 1,
        "observed_time_unix_nano": 1_795_300_000_000_000_002_u64,
        "dropped_attributes_count": 2,
        "scope": {"version": "1.2", "attributes": {"k": true}},
        "resource": {"service.name": "shop"},
    });
    assert_eq!(json!(record.extra), extra);
}

#[test]
fn what_was_not_sent_follows_from_the_rest() {
    let record = one(Record::default());
    assert_eq!((record.created_ns, &*record.message), (99, ""));
    assert_eq!(record.site.level, Level::NOTSET);
    assert_eq!(
        (&*record.site.name, &*record.origin.hostname),
        ("root", "peer")
    );
    assert!(record.extra.is_empty());
    let observed = one(Record {
        observed: 5,
        ..Record::default()
    });
    assert_eq!((observed.created_ns, observed.extra.len()), (5, 0));
    let request = Request {
        resource: pairs([("service.name", text("shop"))]),
        records: vec![Record::default()],
        ..Request::default()
    };
    assert_eq!(records(&request)[0].site.name, "shop");
}

#[test]
fn the_number_is_the_level_and_the_text_its_name() {
    for (number, name, level, shown) in [
        (1, "", Level::TRACE, "TRACE"),
        (8, "Debug4", Level::DEBUG, "Debug4"),
        (9, "", Level::INFO, "INFO"),
        (10, "", Level::NOTICE, "NOTICE"),
        (12, "", Level::INFO, "INFO"),
        (17, "err", Level::ERROR, "err"),
        (24, "", Level::CRITICAL, "CRITICAL"),
        (0, "warn", Level::WARNING, "warn"),
        (0, "loud", Level::NOTSET, "loud"),
        (25, "error", Level::ERROR, "error"),
    ] {
        let record = one(Record {
            severity: number,
            severity_text: name.into(),
            ..Record::default()
        });
        let site = &record.site;
        assert_eq!((site.level, &*site.level_name), (level, shown), "{number}");
        // What the level does not tell.
        let expected = matches!(number, 8 | 12 | 24 | 25).then(|| json!(number));
        assert_eq!(record.extra.get("severity_number").cloned(), expected);
    }
}

#[test]
fn what_does_not_fit_its_place_stays_in_extra() {
    let long = "x".repeat(5000);
    let record = one(Record {
        attributes: pairs([
            ("code.filepath", text("/a.py")),
            ("code.file.path", text("/b.py")),
            ("code.lineno", text("7")),
            ("thread.name", text(&long)),
            ("thread.id", Any::Double(f64::NAN)),
            ("trace_id", text("mine")),
        ]),
        trace_id: vec![0xAB],
        ..Record::default()
    });
    assert_eq!(record.site.pathname, "/a.py");
    let extra = json!({
        "code.file.path": "/b.py",
        "code.lineno": "7",
        "thread.name": long,
        "thread.id": "NaN",
        "attributes.trace_id": "mine",
        "trace_id": "ab",
    });
    assert_eq!(json!(record.extra), extra);
}

#[test]
fn values_that_nest_too_deep_cost_only_their_record() {
    let nested = |depth| (0..depth).fold(Any::Int(1), |inner, _| Any::Array(vec![inner]));
    let request = |depth| Request {
        records: [nested(1), nested(depth), nested(2)]
            .map(|body| Record {
                attributes: vec![("deep".into(), body)],
                ..Record::default()
            })
            .into(),
        ..Request::default()
    };
    let (records, ..) = decode(&Encoding::Protobuf, &request(120).protobuf()).unwrap();
    assert!(records[1].extra.contains_key("deep"), "it can be read back");
    for depth in [121, 5000] {
        let decoded = decode(&Encoding::Protobuf, &request(depth).protobuf());
        let (records, _, rejected) = decoded.unwrap();
        assert_eq!(records.len(), 2);
        let reason = "not OTLP: corrupt protobuf: values nest more than 120 levels deep";
        assert_eq!(rejected, [reason]);
    }
    let deep = "{\"arrayValue\":{\"values\":[".repeat(5000) + &"]}}".repeat(5000);
    let body = format!(
        r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"body":{deep}}},{{"body":7}},{{}}]}}]}}]}}"#
    );
    let (records, _, rejected) = decode(&Encoding::Json, body.as_bytes()).unwrap();
    assert_eq!((records.len(), rejected.len()), (1, 2));
    assert!(rejected[0].contains("recursion limit"), "{rejected:?}");
}

#[test]
fn a_body_that_is_cut_gives_nothing() {
    let record = Record {
        body: Some(text("hello")),
        attributes: pairs([("a", Any::Int(1))]),
        ..Record::default()
    };
    let request = Request {
        records: vec![record.clone(), record],
        ..Request::default()
    };
    let (protobuf, json) = (request.protobuf(), request.json());
    for end in 1..protobuf.len() {
        assert!(decode(&Encoding::Protobuf, &protobuf[..end]).is_err());
    }
    for end in 0..json.len() {
        assert!(decode(&Encoding::Json, &json.as_bytes()[..end]).is_err());
    }
    let error = decode(&Encoding::Protobuf, json.as_bytes()).unwrap_err();
    let reason = "not OTLP: corrupt protobuf: a field has a type that is not in use";
    assert_eq!(error.to_string(), reason);
}

#[test]
fn a_small_body_does_not_become_a_large_batch() {
    let request = Request {
        resource: pairs([("k", text(&"x".repeat(1 << 20)))]),
        records: vec![Record::default(); 10_000],
        ..Request::default()
    };
    let (records, outcome, _) = decode(&Encoding::Protobuf, &request.protobuf()).unwrap();
    assert!((30..80).contains(&records.len()), "{}", records.len());
    assert!(outcome.error.unwrap().contains("send fewer records"));
}

#[test]
fn many_attributes_are_all_kept() {
    let attributes: Pairs = (0..10_000)
        .map(|i| (format!("k{i}"), Any::Int(i)))
        .collect();
    let record = one(Record {
        attributes,
        ..Record::default()
    });
    assert_eq!(record.extra.len(), 10_000);
}

/// Whether an attribute stands in a record: in its column, or in extra.
fn holds(record: &LogRecord, key: &str, value: &serde_json::Value) -> bool {
    let (site, origin) = (&record.site, &record.origin);
    let column = match key {
        "code.file.path" | "code.filepath" => json!(site.pathname),
        "code.line.number" | "code.lineno" => json!(site.lineno),
        "code.function.name" | "code.function" => json!(site.func_name),
        "exception.stacktrace" => json!(record.exc_text),
        "thread.id" => json!(origin.thread),
        "thread.name" => json!(origin.thread_name),
        _ => json!(null),
    };
    let moved = record.extra.get(&format!("attributes.{key}"));
    column == *value || record.extra.get(key) == Some(value) || moved == Some(value)
}

fn plain(value: &Any) -> serde_json::Value {
    match value {
        Any::Empty => json!(null),
        Any::Text(text) => json!(text),
        Any::Bool(bool) => json!(bool),
        Any::Int(int) => json!(int),
        Any::Double(double) if double.is_nan() => json!("NaN"),
        Any::Double(f64::INFINITY) => json!("Infinity"),
        Any::Double(f64::NEG_INFINITY) => json!("-Infinity"),
        Any::Double(double) => json!(double),
        Any::Bytes(bytes) => json!(super::value::base64(bytes)),
        Any::Array(values) => values.iter().map(plain).collect(),
        Any::Object(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| (key.clone(), plain(value)));
            // Of equal keys the last one counts.
            serde_json::Value::Object(pairs.collect())
        }
    }
}

proptest! {
    #[test]
    fn protobuf_and_json_give_the_same_records_with_all_attributes(request in request()) {
        let records = records(&request);
        prop_assert_eq!(records.len(), request.records.len());
        for (record, sent) in records.iter().zip(&request.records) {
            let pairs = &sent.attributes;
            for (i, (key, value)) in pairs.iter().enumerate() {
                let is_last = pairs[i + 1..].iter().all(|(later, _)| later != key);
                prop_assert!(!is_last || holds(record, key, &plain(value)), "{key} {record:?}");
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = decode(&Encoding::Protobuf, &bytes);
        let _ = decode(&Encoding::Json, &bytes);
    }

    #[test]
    fn no_change_of_a_request_makes_it_panic(
        request in request(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let (mut protobuf, mut json) = (request.protobuf(), request.json().into_bytes());
        for (at, byte) in changes {
            let i = at.index(protobuf.len());
            protobuf[i] = byte;
            let i = at.index(json.len());
            json[i] = byte;
        }
        let _ = decode(&Encoding::Protobuf, &protobuf);
        let _ = decode(&Encoding::Json, &json);
    }
}
