//! Values as Python's `repr` shows them.

use std::fmt::Write as _;

use serde_json::Value;

use crate::percent::float_repr;

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
        Value::String(text) => put_str_repr(text, out),
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
                put_str_repr(key, out);
                out.push_str(": ");
                put_repr(item, out);
            }
            out.push('}');
        }
    }
}

/// Appends what Python's `ascii` gives: `repr` with everything outside of ASCII escaped.
pub(super) fn put_ascii(value: &Value, out: &mut String) {
    let mut repr = String::new();
    put_repr(value, &mut repr);
    for c in repr.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            put_number(c, out);
        }
    }
}

/// Single quotes, unless only double ones spare an escape.
fn put_str_repr(text: &str, out: &mut String) {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if c == quote => {
                out.push('\\');
                out.push(c);
            }
            _ if printable(c) => out.push(c),
            _ => put_number(c, out),
        }
    }
    out.push(quote);
}

/// As `str.isprintable` has it. Rust's own escapes follow the same rule, but take a combining character at the start of a
/// text for one that must be escaped; so it stands second here.
fn printable(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    let text: String = ['a', c].iter().collect();
    text.escape_debug().eq(text.chars())
}

fn put_number(c: char, out: &mut String) {
    let number = u32::from(c);
    if number < 0x100 {
        write!(out, "\\x{number:02x}")
    } else if number < 0x1_0000 {
        write!(out, "\\u{number:04x}")
    } else {
        write!(out, "\\U{number:08x}")
    }
    .expect("a String takes everything");
}
