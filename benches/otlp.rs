//! Records as the Python SDK of OpenTelemetry posts them: an `ExportLogsServiceRequest` in protobuf.

use std::collections::BTreeMap;

use logstore::{Level, LogRecord};
use serde_json::Value;

/// A request with these records, grouped by logger. The resource is that of the first record's process.
pub(crate) fn request(records: &[LogRecord]) -> Vec<u8> {
    let mut scopes: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for record in records {
        let logs = scopes.entry(&record.site.name).or_default();
        bytes(2, &log_record(record), logs);
    }
    let origin = &records[0].origin;
    let mut resource = Vec::new();
    for (key, value) in [
        ("telemetry.sdk.language", "python".into()),
        ("telemetry.sdk.name", "opentelemetry".into()),
        ("telemetry.sdk.version", "1.38.0".into()),
        ("service.name", "workload".into()),
        ("host.name", Value::from(&*origin.hostname)),
        ("process.pid", origin.process.into()),
    ] {
        attribute(1, key, &value, &mut resource);
    }
    let mut resource_logs = Vec::new();
    bytes(1, &resource, &mut resource_logs);
    for (name, logs) in scopes {
        let (mut scope, mut scope_logs) = (Vec::new(), Vec::new());
        bytes(1, name.as_bytes(), &mut scope);
        bytes(1, &scope, &mut scope_logs);
        scope_logs.extend_from_slice(&logs);
        bytes(2, &scope_logs, &mut resource_logs);
    }
    let mut request = Vec::new();
    bytes(1, &resource_logs, &mut request);
    request
}

fn log_record(record: &LogRecord) -> Vec<u8> {
    let (site, origin) = (&record.site, &record.origin);
    let mut out = Vec::new();
    fixed64(1, record.created_ns.cast_unsigned(), &mut out);
    varint(2, severity(site.level), &mut out);
    bytes(3, site.level_name.as_bytes(), &mut out);
    bytes(5, &any(&Value::from(&*record.message)), &mut out);
    for (key, value) in [
        ("code.file.path", Value::from(&*site.pathname)),
        ("code.function.name", Value::from(&*site.func_name)),
        ("code.line.number", site.lineno.into()),
        ("thread.id", origin.thread.into()),
        ("thread.name", Value::from(&*origin.thread_name)),
    ] {
        attribute(6, key, &value, &mut out);
    }
    for (key, value) in &record.extra {
        attribute(6, key, value, &mut out);
    }
    if let Some(traceback) = &record.exc_text {
        attribute(
            6,
            "exception.stacktrace",
            &Value::from(&**traceback),
            &mut out,
        );
    }
    bytes(9, &[0xA5; 16], &mut out);
    bytes(10, &[0x5A; 8], &mut out);
    // The SDK notes when it saw the record, some microseconds later.
    fixed64(11, record.created_ns.cast_unsigned() + 41_000, &mut out);
    out
}

fn severity(level: Level) -> u64 {
    match level.0 {
        ..20 => 5,
        20..30 => 9,
        30..40 => 13,
        40..50 => 17,
        50.. => 21,
    }
}

fn attribute(field: u64, key: &str, value: &Value, out: &mut Vec<u8>) {
    let mut pair = Vec::new();
    bytes(1, key.as_bytes(), &mut pair);
    bytes(2, &any(value), &mut pair);
    bytes(field, &pair, out);
}

/// An `AnyValue`.
fn any(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    match value {
        Value::Null => {}
        Value::Bool(truth) => varint(2, (*truth).into(), &mut out),
        Value::String(text) => bytes(1, text.as_bytes(), &mut out),
        Value::Number(number) => {
            if let Some(int) = number.as_i64() {
                varint(3, int.cast_unsigned(), &mut out);
            } else {
                let double = number.as_f64();
                let double = double.expect("the workload's numbers are i64 or f64");
                fixed64(4, double.to_bits(), &mut out);
            }
        }
        Value::Array(_) => unreachable!("the workload makes no lists"),
        Value::Object(fields) => {
            let mut object = Vec::new();
            for (key, value) in fields {
                attribute(1, key, value, &mut object);
            }
            bytes(6, &object, &mut out);
        }
    }
    out
}

fn number(mut rest: u64, out: &mut Vec<u8>) {
    while rest >= 0x80 {
        out.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    out.push(rest.to_le_bytes()[0]);
}

fn varint(field: u64, value: u64, out: &mut Vec<u8>) {
    number(field << 3, out);
    number(value, out);
}

fn fixed64(field: u64, value: u64, out: &mut Vec<u8>) {
    number(field << 3 | 1, out);
    out.extend_from_slice(&value.to_le_bytes());
}

fn bytes(field: u64, value: &[u8], out: &mut Vec<u8>) {
    number(field << 3 | 2, out);
    number(value.len() as u64, out);
    out.extend_from_slice(value);
}
