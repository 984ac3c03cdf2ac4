//! `ExportLogsServiceRequest` in protobuf: read straight from the bytes, texts borrowed.
//!
//! The numbers are those of `opentelemetry/proto/{collector/logs,logs,resource,common}/v1`. Fields with other numbers are passed
//! over.

use std::borrow::Cow;

use super::record::{Id, LogRecord, Resource, Scope};
use super::value::{MAX_DEPTH, Members, Value, base64};
use crate::wire::members::keep_last;
use crate::wire::protobuf::{Corrupt, Fields};

/// The one error that leaves the rest of a request readable.
const TOO_DEEP: Corrupt = Corrupt("values nest more than 120 levels deep");

/// Gives every record with its resource and scope to `put`, or why it cannot be read while others can.
pub(super) fn read(
    body: &[u8],
    mut put: impl FnMut(&Resource<'_>, &Scope<'_>, Result<&LogRecord<'_>, Corrupt>),
) -> Result<(), Corrupt> {
    let mut record = LogRecord::default();
    for resource_logs in Fields(body).messages(1) {
        let resource_logs = resource_logs?;
        // A resource may come behind its records.
        let mut attributes = Members::new();
        for resource in resource_logs.clone().messages(1) {
            for attribute in resource?.messages(1) {
                attributes.push(key_value(attribute?, 1)?);
            }
        }
        keep_last(&mut attributes);
        let resource = Resource::new(attributes);
        for scope_logs in resource_logs.messages(2) {
            let scope_logs = scope_logs?;
            let scope = scope(&scope_logs)?;
            for fields in scope_logs.messages(2) {
                match log_record(fields?, &mut record) {
                    Ok(()) => put(&resource, &scope, Ok(&record)),
                    Err(TOO_DEEP) => put(&resource, &scope, Err(TOO_DEEP)),
                    Err(corrupt) => return Err(corrupt),
                }
            }
        }
    }
    Ok(())
}

fn scope<'a>(scope_logs: &Fields<'a>) -> Result<Scope<'a>, Corrupt> {
    let (mut name, mut version) = (Cow::default(), Cow::default());
    let mut attributes = Members::new();
    for scope in scope_logs.clone().messages(1) {
        for field in scope? {
            match field? {
                (1, wire) => name = wire.text()?,
                (2, wire) => version = wire.text()?,
                (3, wire) => attributes.push(key_value(wire.message()?, 1)?),
                _ => {}
            }
        }
    }
    keep_last(&mut attributes);
    Ok(Scope::new(name, &version, &attributes))
}

/// Reads a record into the memory of the one before it.
fn log_record<'a>(fields: Fields<'a>, record: &mut LogRecord<'a>) -> Result<(), Corrupt> {
    let mut attributes = std::mem::take(&mut record.attributes);
    attributes.clear();
    *record = LogRecord {
        attributes,
        ..LogRecord::default()
    };
    for field in fields {
        let (number, wire) = field?;
        match number {
            1 => record.time_unix_nano = wire.fixed64()?,
            2 => record.severity_number = wire.int()?,
            3 => record.severity_text = wire.text()?,
            5 => record.body = value(wire.message()?, 1)?,
            6 => record.attributes.push(key_value(wire.message()?, 1)?),
            7 => record.dropped_attributes_count = wire.varint()?,
            8 => record.flags = wire.fixed32()?,
            9 => record.trace_id = Id::Bytes(wire.bytes()?),
            10 => record.span_id = Id::Bytes(wire.bytes()?),
            11 => record.observed_time_unix_nano = wire.fixed64()?,
            12 => record.event_name = wire.text()?,
            _ => {}
        }
    }
    keep_last(&mut record.attributes);
    Ok(())
}

fn key_value(fields: Fields<'_>, depth: usize) -> Result<(Cow<'_, str>, Value<'_>), Corrupt> {
    let (mut key, mut found) = (Cow::default(), Value::Empty);
    for field in fields {
        match field? {
            (1, wire) => key = wire.text()?,
            (2, wire) => found = value(wire.message()?, depth)?,
            _ => {}
        }
    }
    Ok((key, found))
}

/// An `AnyValue` at this depth, the outermost being at 1.
fn value(fields: Fields<'_>, depth: usize) -> Result<Value<'_>, Corrupt> {
    let mut value = Value::Empty;
    for field in fields {
        let (number, wire) = field?;
        value = match number {
            1 => Value::Text(wire.text()?),
            2 => Value::Bool(wire.varint()? != 0),
            3 => Value::Int(wire.int()?),
            4 => Value::Double(f64::from_bits(wire.fixed64()?)),
            5 | 6 if depth > MAX_DEPTH => return Err(TOO_DEEP),
            5 => Value::Array(array(wire.message()?, depth + 1)?),
            6 => Value::Object(object(wire.message()?, depth + 1)?),
            7 => Value::Base64(base64(wire.bytes()?).into()),
            _ => continue,
        };
    }
    Ok(value)
}

fn array(fields: Fields<'_>, depth: usize) -> Result<Vec<Value<'_>>, Corrupt> {
    fields.messages(1).map(|item| value(item?, depth)).collect()
}

fn object(fields: Fields<'_>, depth: usize) -> Result<Members<'_>, Corrupt> {
    let members = fields.messages(1).map(|member| key_value(member?, depth));
    let mut members: Members<'_> = members.collect::<Result<_, _>>()?;
    keep_last(&mut members);
    Ok(members)
}
