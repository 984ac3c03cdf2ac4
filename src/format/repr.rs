//! Values as Python's `repr` shows them.

use serde_json::Value;

use crate::percent::{self, float_repr, str_repr};

/// Appends what Python's `repr` gives for the value that JSON stands for.
pub(super) fn put_repr(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => float_repr(float, out),
            _ => out.push_str(&number.to_string()),
        },
        Value::String(text) => str_repr(text, out),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                put_repr(item, out);
            }
            out.push(']');
        }
        Value::Object(items) => {
            out.push('{');
            for (i, (key, item)) in items.iter().enumerate() {
                out.push_str(if i > 0 { ", " } else { "" });
                str_repr(key, out);
                out.push_str(": ");
                put_repr(item, out);
            }
            out.push('}');
        }
    }
}

/// Appends what Python's `ascii` gives for the value that JSON stands for.
pub(super) fn put_ascii(value: &Value, out: &mut String) {
    let mut repr = String::new();
    put_repr(value, &mut repr);
    percent::put_ascii(&repr, out);
}
