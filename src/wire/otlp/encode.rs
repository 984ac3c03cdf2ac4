//! Requests as SDKs make them, for the tests: one model, written as protobuf and as JSON.

use proptest::prelude::*;
use serde_json::json;

use super::value::base64;
use crate::percent::put_hex;
use crate::wire::protobuf::{put_bytes, put_varint};

/// An `AnyValue`.
#[derive(Debug, Clone)]
pub(super) enum Any {
    Empty,
    Text(String),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(Vec<u8>),
    Array(Vec<Any>),
    Object(Vec<(String, Any)>),
}

pub(super) type Pairs = Vec<(String, Any)>;

#[derive(Debug, Clone, Default)]
pub(super) struct Record {
    pub(super) time: u64,
    pub(super) observed: u64,
    pub(super) severity: i32,
    pub(super) severity_text: String,
    pub(super) body: Option<Any>,
    pub(super) attributes: Pairs,
    pub(super) dropped: u32,
    pub(super) flags: u32,
    pub(super) trace_id: Vec<u8>,
    pub(super) span_id: Vec<u8>,
    pub(super) event_name: String,
}

/// A request with one resource and one scope.
#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    pub(super) resource: Pairs,
    pub(super) scope: String,
    pub(super) version: String,
    pub(super) scope_attributes: Pairs,
    pub(super) records: Vec<Record>,
}

impl Any {
    fn protobuf(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Any::Empty => {}
            Any::Text(text) => put_bytes(1, text.as_bytes(), &mut out),
            Any::Bool(bool) => put_varint(2, (*bool).into(), &mut out),
            Any::Int(int) => put_varint(3, int.cast_unsigned(), &mut out),
            Any::Double(double) => put_fixed64(4, double.to_bits(), &mut out),
            Any::Bytes(bytes) => put_bytes(7, bytes, &mut out),
            Any::Array(values) => {
                let mut list = Vec::new();
                for value in values {
                    put_bytes(1, &value.protobuf(), &mut list);
                }
                put_bytes(5, &list, &mut out);
            }
            Any::Object(pairs) => {
                let mut object = Vec::new();
                put_pairs(1, pairs, &mut object);
                put_bytes(6, &object, &mut out);
            }
        }
        out
    }

    fn json(&self) -> serde_json::Value {
        match self {
            Any::Empty => json!({}),
            Any::Text(text) => json!({ "stringValue": text }),
            Any::Bool(bool) => json!({ "boolValue": bool }),
            Any::Int(int) => json!({ "intValue": int.to_string() }),
            Any::Double(double) if double.is_nan() => json!({"doubleValue": "NaN"}),
            Any::Double(f64::INFINITY) => json!({"doubleValue": "Infinity"}),
            Any::Double(f64::NEG_INFINITY) => json!({"doubleValue": "-Infinity"}),
            Any::Double(double) => json!({ "doubleValue": double }),
            Any::Bytes(bytes) => json!({"bytesValue": base64(bytes)}),
            Any::Array(values) => {
                let values: Vec<_> = values.iter().map(Any::json).collect();
                json!({"arrayValue": {"values": values}})
            }
            Any::Object(pairs) => json!({"kvlistValue": {"values": json_pairs(pairs)}}),
        }
    }
}

fn put_fixed64(field: u64, value: u64, out: &mut Vec<u8>) {
    out.push(u8::try_from(field << 3 | 1).unwrap());
    out.extend_from_slice(&value.to_le_bytes());
}

fn put_pairs(field: u64, pairs: &Pairs, out: &mut Vec<u8>) {
    for (key, value) in pairs {
        let mut pair = Vec::new();
        put_bytes(1, key.as_bytes(), &mut pair);
        put_bytes(2, &value.protobuf(), &mut pair);
        put_bytes(field, &pair, out);
    }
}

fn json_pairs(pairs: &Pairs) -> serde_json::Value {
    let pairs = pairs
        .iter()
        .map(|(key, value)| json!({"key": key, "value": value.json()}));
    pairs.collect()
}

impl Record {
    fn protobuf(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_fixed64(1, self.time, &mut out);
        put_varint(2, i64::from(self.severity).cast_unsigned(), &mut out);
        put_bytes(3, self.severity_text.as_bytes(), &mut out);
        if let Some(body) = &self.body {
            put_bytes(5, &body.protobuf(), &mut out);
        }
        put_pairs(6, &self.attributes, &mut out);
        put_varint(7, self.dropped.into(), &mut out);
        out.push(8 << 3 | 5);
        out.extend_from_slice(&self.flags.to_le_bytes());
        put_bytes(9, &self.trace_id, &mut out);
        put_bytes(10, &self.span_id, &mut out);
        put_fixed64(11, self.observed, &mut out);
        put_bytes(12, self.event_name.as_bytes(), &mut out);
        // What a later version may add.
        put_varint(99, 1, &mut out);
        out
    }

    fn json(&self) -> serde_json::Value {
        let hex = |id: &[u8]| {
            let mut hex = String::new();
            for byte in id {
                put_hex("", (*byte).into(), 1, &mut hex);
            }
            hex.to_uppercase()
        };
        json!({
            "timeUnixNano": self.time.to_string(),
            "observedTimeUnixNano": self.observed,
            "severityNumber": self.severity,
            "severityText": self.severity_text,
            "body": self.body.as_ref().map(Any::json),
            "attributes": json_pairs(&self.attributes),
            "droppedAttributesCount": self.dropped,
            "flags": self.flags,
            "traceId": hex(&self.trace_id),
            "spanId": hex(&self.span_id),
            "eventName": self.event_name,
            "addedLater": [{"a": null}],
        })
    }
}

impl Request {
    pub(super) fn protobuf(&self) -> Vec<u8> {
        let mut scope = Vec::new();
        put_bytes(1, self.scope.as_bytes(), &mut scope);
        put_bytes(2, self.version.as_bytes(), &mut scope);
        put_pairs(3, &self.scope_attributes, &mut scope);
        let mut scope_logs = Vec::new();
        for record in &self.records {
            put_bytes(2, &record.protobuf(), &mut scope_logs);
        }
        // Fields may come in any order.
        put_bytes(1, &scope, &mut scope_logs);
        let mut resource_logs = Vec::new();
        put_bytes(2, &scope_logs, &mut resource_logs);
        let mut resource = Vec::new();
        put_pairs(1, &self.resource, &mut resource);
        put_bytes(1, &resource, &mut resource_logs);
        put_bytes(
            3,
            b"https://opentelemetry.io/schemas/1.37.0",
            &mut resource_logs,
        );
        let mut request = Vec::new();
        put_bytes(1, &resource_logs, &mut request);
        request
    }

    pub(super) fn json(&self) -> String {
        let records: Vec<_> = self.records.iter().map(Record::json).collect();
        let scope = json!({
            "name": self.scope,
            "version": self.version,
            "attributes": json_pairs(&self.scope_attributes),
        });
        let request = json!({"resourceLogs": [{
            "scopeLogs": [{"logRecords": records, "scope": scope, "schemaUrl": ""}],
            "resource": {"attributes": json_pairs(&self.resource)},
        }]});
        request.to_string()
    }
}

fn value() -> impl Strategy<Value = Any> {
    let leaf = prop_oneof![
        Just(Any::Empty),
        "\\PC{0,12}".prop_map(Any::Text),
        any::<bool>().prop_map(Any::Bool),
        any::<i64>().prop_map(Any::Int),
        any::<f64>().prop_map(Any::Double),
        Just(Any::Double(f64::NAN)),
        Just(Any::Double(f64::NEG_INFINITY)),
        prop::collection::vec(any::<u8>(), 0..8).prop_map(Any::Bytes),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Any::Array),
            prop::collection::vec(("[a-c]{0,2}", inner), 0..4).prop_map(Any::Object),
        ]
    })
}

fn pairs() -> impl Strategy<Value = Pairs> {
    let key = prop_oneof![
        "[a-z\"\\\\.]{0,4}",
        prop::sample::select(vec![
            "code.file.path",
            "code.filepath",
            "code.line.number",
            "code.lineno",
            "code.function.name",
            "code.function",
            "exception.stacktrace",
            "thread.id",
            "thread.name",
            "host.name",
            "process.pid",
            "process.executable.name",
            "service.name",
            "trace_id",
            "resource",
            "event_name",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec((key, value()), 0..20)
}

fn record() -> impl Strategy<Value = Record> {
    let times = (prop_oneof![Just(0), any::<u64>()], any::<u64>());
    let ids = (
        prop::collection::vec(any::<u8>(), 0..17),
        prop::collection::vec(0..2_u8, 0..3),
    );
    let texts = ("[a-zA-Z]{0,6}", "\\PC{0,6}");
    let numbers = (-1..30, 0..2_u32, any::<u32>());
    (
        times,
        numbers,
        texts,
        prop::option::of(value()),
        pairs(),
        ids,
    )
        .prop_map(|(times, numbers, texts, body, attributes, ids)| Record {
            time: times.0,
            observed: times.1,
            severity: numbers.0,
            dropped: numbers.1,
            flags: numbers.2,
            severity_text: texts.0,
            event_name: texts.1,
            body,
            attributes,
            trace_id: ids.0,
            span_id: ids.1,
        })
}

/// Any request.
pub(super) fn request() -> impl Strategy<Value = Request> {
    let scope = ("[a-z.]{0,6}", "[0-9.]{0,3}", pairs());
    (pairs(), scope, prop::collection::vec(record(), 0..4)).prop_map(
        |(resource, (scope, version, scope_attributes), records)| Request {
            resource,
            scope,
            version,
            scope_attributes,
            records,
        },
    )
}
