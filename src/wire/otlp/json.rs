//! `ExportLogsServiceRequest` in JSON, as OTLP/HTTP has it: ids in hex, 64-bit integers as texts or numbers, bytes in Base64,
//! enums as numbers or names. Fields with other names are passed over.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Unexpected, Visitor};
use serde_json::value::RawValue;

use super::record::{Id, LogRecord, Resource, Scope};
use super::value::{Members, Value};
use crate::wire::lenient::{Double, Text, Whole};
use crate::wire::members::keep_last;

/// Gives every record with its resource and scope to `put`, or why it cannot be read while others can.
///
/// The whole is sound JSON before the first record is looked at.
pub(super) fn read(
    body: &[u8],
    mut put: impl FnMut(&Resource<'_>, &Scope<'_>, Result<&LogRecord<'_>, serde_json::Error>),
) -> serde_json::Result<()> {
    let request: Request<'_> = serde_json::from_slice(body)?;
    for resource_logs in request.resource_logs.unwrap_or_default() {
        let logs: ResourceLogs<'_> = serde_json::from_str(resource_logs.get())?;
        let attributes = logs.resource.unwrap_or_default().attributes;
        let resource = Resource::new(members(attributes));
        for scope_logs in logs.scope_logs.unwrap_or_default() {
            let logs: ScopeLogs<'_> = serde_json::from_str(scope_logs.get())?;
            let scope = logs.scope.unwrap_or_default();
            let attributes = members(scope.attributes);
            let scope = Scope::new(scope.name.0, &scope.version.0, &attributes);
            for record in logs.log_records.unwrap_or_default() {
                match serde_json::from_str::<Record<'_>>(record.get()) {
                    Ok(record) => put(&resource, &scope, Ok(&record.into())),
                    Err(error) => put(&resource, &scope, Err(error)),
                }
            }
        }
    }
    Ok(())
}

/// What is in lists is read when its turn comes, so that a body of many small things takes little memory.
type Raw<'a> = Option<Vec<&'a RawValue>>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    #[serde(borrow)]
    resource_logs: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceLogs<'a> {
    #[serde(borrow)]
    resource: Option<Attributes<'a>>,
    #[serde(borrow)]
    scope_logs: Raw<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Attributes<'a> {
    #[serde(borrow)]
    attributes: Option<Vec<KeyValue<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ScopeLogs<'a> {
    #[serde(borrow)]
    scope: Option<InstrumentationScope<'a>>,
    #[serde(borrow)]
    log_records: Raw<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct InstrumentationScope<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    version: Text<'a>,
    #[serde(borrow)]
    attributes: Option<Vec<KeyValue<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Record<'a> {
    time_unix_nano: Whole<u64>,
    observed_time_unix_nano: Whole<u64>,
    severity_number: Severity,
    #[serde(borrow)]
    severity_text: Text<'a>,
    #[serde(borrow)]
    body: Option<Value<'a>>,
    #[serde(borrow)]
    attributes: Option<Vec<KeyValue<'a>>>,
    dropped_attributes_count: Whole<u64>,
    flags: Whole<u32>,
    #[serde(borrow)]
    trace_id: Text<'a>,
    #[serde(borrow)]
    span_id: Text<'a>,
    #[serde(borrow)]
    event_name: Text<'a>,
}

impl<'a> From<Record<'a>> for LogRecord<'a> {
    fn from(record: Record<'a>) -> Self {
        LogRecord {
            time_unix_nano: record.time_unix_nano.0,
            observed_time_unix_nano: record.observed_time_unix_nano.0,
            severity_number: record.severity_number.0,
            severity_text: record.severity_text.0,
            body: record.body.unwrap_or_default(),
            attributes: members(record.attributes),
            dropped_attributes_count: record.dropped_attributes_count.0,
            flags: record.flags.0,
            trace_id: Id::Hex(record.trace_id.0),
            span_id: Id::Hex(record.span_id.0),
            event_name: record.event_name.0,
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct KeyValue<'a> {
    #[serde(borrow)]
    key: Text<'a>,
    #[serde(borrow)]
    value: Option<Value<'a>>,
}

fn members(attributes: Option<Vec<KeyValue<'_>>>) -> Members<'_> {
    let attributes = attributes.unwrap_or_default().into_iter();
    let pairs = attributes.map(|pair| (pair.key.0, pair.value.unwrap_or_default()));
    let mut members = pairs.collect();
    keep_last(&mut members);
    members
}

/// A `SeverityNumber`: 9, or `SEVERITY_NUMBER_INFO`.
#[derive(Default)]
struct Severity(i64);

impl<'de> Deserialize<'de> for Severity {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visit;
        impl Visitor<'_> for Visit {
            type Value = Severity;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a severity number or its name")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Severity, E> {
                Ok(Severity(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Severity, E> {
                let number = i64::try_from(number);
                number.map(Severity).map_err(E::custom)
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Severity, E> {
                let number = name.parse().ok().or_else(|| severity_of_name(name));
                let number = number.ok_or_else(|| E::invalid_value(Unexpected::Str(name), &self));
                number.map(Severity)
            }

            fn visit_unit<E: Error>(self) -> Result<Severity, E> {
                Ok(Severity::default())
            }
        }
        from.deserialize_any(Visit)
    }
}

fn severity_of_name(name: &str) -> Option<i64> {
    const NAMES: [&str; 6] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
    let name = name.strip_prefix("SEVERITY_NUMBER_")?;
    if name == "UNSPECIFIED" {
        return Some(0);
    }
    let word = name.trim_end_matches(['2', '3', '4']);
    let step = match &name[word.len()..] {
        "" => 1,
        digit => digit.parse::<i64>().ok().filter(|step| *step <= 4)?,
    };
    let first = (0..)
        .step_by(4)
        .zip(NAMES)
        .find(|(_, known)| *known == word);
    Some(first?.0 + step)
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Value<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object such as {\"stringValue\": \"text\"}")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
                let mut value = Value::Empty;
                while let Some(Text(key)) = map.next_key()? {
                    value = match &*key {
                        "stringValue" => Value::Text(map.next_value::<Text<'_>>()?.0),
                        "boolValue" => Value::Bool(map.next_value()?),
                        "intValue" => Value::Int(map.next_value::<Whole<i64>>()?.0),
                        "doubleValue" => Value::Double(map.next_value::<Double>()?.0),
                        "bytesValue" => Value::Base64(map.next_value::<Text<'_>>()?.0),
                        "arrayValue" => {
                            Value::Array(map.next_value::<Array<'_>>()?.values.unwrap_or_default())
                        }
                        "kvlistValue" => {
                            Value::Object(members(map.next_value::<Object<'_>>()?.values))
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                }
                Ok(value)
            }
        }
        from.deserialize_map(Visit)
    }
}

#[derive(Deserialize)]
struct Array<'a> {
    #[serde(borrow)]
    values: Option<Vec<Value<'a>>>,
}

#[derive(Deserialize)]
struct Object<'a> {
    #[serde(borrow)]
    values: Option<Vec<KeyValue<'a>>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_have_names() {
        for (name, number) in [
            ("UNSPECIFIED", Some(0)),
            ("TRACE", Some(1)),
            ("INFO", Some(9)),
            ("INFO2", Some(10)),
            ("FATAL4", Some(24)),
            ("FATAL44", None),
            ("INFO1", None),
            ("LOUD", None),
        ] {
            let name = format!("SEVERITY_NUMBER_{name}");
            assert_eq!(severity_of_name(&name), number, "{name}");
        }
    }

    #[test]
    fn integers_come_as_text_or_as_numbers() {
        for json in ["{\"intValue\":\"7\"}", "{\"intValue\":7,\"more\":[{}]}"] {
            let value: Value<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(value, Value::Int(7));
        }
        assert_eq!(serde_json::from_str("{}").ok(), Some(Value::Empty));
    }
}
