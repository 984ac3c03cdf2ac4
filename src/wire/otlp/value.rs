//! OTLP's `AnyValue`, and its JSON.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::percent::float_repr;
use crate::wire::escape::{put_escaped, put_json_string};
use crate::wire::members::put_key;

/// How deep values may nest. With the object around them they stay within the 128 levels that readers of JSON take.
pub(super) const MAX_DEPTH: usize = 120;

/// A value of any type.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) enum Value<'a> {
    #[default]
    Empty,
    Text(Cow<'a, str>),
    Bool(bool),
    Int(i64),
    Double(f64),
    /// Bytes as JSON has them: in Base64.
    Base64(Cow<'a, str>),
    Array(Vec<Value<'a>>),
    Object(Members<'a>),
}

/// Attributes, or the members of an object. No two have the same key.
pub(super) type Members<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

impl Value<'_> {
    /// A text that says something.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    pub(super) fn int(&self) -> Option<i64> {
        match self {
            Value::Int(int) => Some(*int),
            _ => None,
        }
    }

    /// Adds the value as JSON. Floats that JSON cannot say are texts.
    pub(super) fn put_json(&self, out: &mut String) {
        match self {
            Value::Empty => out.push_str("null"),
            Value::Text(text) => put_json_string(text, out),
            Value::Bool(bool) => out.push_str(if *bool { "true" } else { "false" }),
            Value::Int(int) => write!(out, "{int}").expect("a String takes everything"),
            Value::Double(double) if double.is_finite() => float_repr(*double, out),
            Value::Double(_) | Value::Base64(_) => {
                out.push('"');
                self.put_message(out);
                out.push('"');
            }
            Value::Array(values) => {
                out.push('[');
                for (i, value) in values.iter().enumerate() {
                    if i > 0 {
                        out.push(',');
                    }
                    value.put_json(out);
                }
                out.push(']');
            }
            Value::Object(members) => put_object(members, out),
        }
    }

    /// Adds the value as a message has it: JSON, of which texts, bytes and such floats have no quotes.
    pub(super) fn put_message(&self, out: &mut String) {
        match self {
            Value::Empty => {}
            Value::Text(text) => out.push_str(text),
            Value::Base64(text) => put_escaped(text, out),
            Value::Double(double) if double.is_nan() => out.push_str("NaN"),
            Value::Double(f64::INFINITY) => out.push_str("Infinity"),
            Value::Double(f64::NEG_INFINITY) => out.push_str("-Infinity"),
            other => other.put_json(out),
        }
    }
}

/// Adds an object.
pub(super) fn put_object(members: &Members<'_>, out: &mut String) {
    out.push('{');
    for (key, value) in members {
        put_key(key, out);
        value.put_json(out);
    }
    out.push('}');
}

/// Base64 with its padding (RFC 4648, section 4).
pub(super) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |i: usize| u32::from(chunk.get(i).copied().unwrap_or_default());
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            out.push(if digit <= chunk.len() {
                DIGITS[(group >> (18 - 6 * digit) & 63) as usize].into()
            } else {
                '='
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: &Value<'_>) -> (String, String) {
        let (mut json, mut message) = (String::new(), String::new());
        value.put_json(&mut json);
        value.put_message(&mut message);
        (json, message)
    }

    #[test]
    fn every_value_is_json_and_a_message() {
        let list = Value::Array(vec![Value::Int(-1), Value::Text("a".into()), Value::Empty]);
        let object = Value::Object(vec![
            ("a\"".into(), Value::Bool(true)),
            ("b".into(), list.clone()),
        ]);
        for (value, json, message) in [
            (Value::Empty, "null", ""),
            (Value::Text("a\nb".into()), "\"a\\nb\"", "a\nb"),
            (Value::Double(1.0), "1.0", "1.0"),
            (Value::Double(f64::NAN), "\"NaN\"", "NaN"),
            (Value::Double(f64::INFINITY), "\"Infinity\"", "Infinity"),
            (
                Value::Double(f64::NEG_INFINITY),
                "\"-Infinity\"",
                "-Infinity",
            ),
            (Value::Base64("aGk=".into()), "\"aGk=\"", "aGk="),
            (list, "[-1,\"a\",null]", "[-1,\"a\",null]"),
            (
                object,
                "{\"a\\\"\":true,\"b\":[-1,\"a\",null]}",
                "{\"a\\\"\":true,\"b\":[-1,\"a\",null]}",
            ),
        ] {
            assert_eq!(shown(&value), (json.into(), message.into()));
        }
    }

    #[test]
    fn base64_has_its_padding() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg=="),
            (b"fo", "Zm8="),
            (b"foo", "Zm9v"),
            (b"foob\xff\xfe", "Zm9vYv/+"),
        ] {
            assert_eq!(base64(bytes), text);
        }
    }
}
