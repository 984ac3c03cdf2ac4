//! Texts and values of JSON: what their escapes stand for, and how to write what JSON lacks.

use std::borrow::Cow;

use super::scan::{Form, Value, hex, is_low_surrogate};

/// What a text stands for; given without its quotes.
pub(super) fn unescaped(raw: &str, form: Form) -> Cow<'_, str> {
    if form == Form::Plain {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let (c, length) = escape(&rest.as_bytes()[at..]);
        match c {
            Some(c) => out.push(c),
            // Half a pair, or a byte: shown as it was written.
            None => out.push_str(&rest[at..at + length]),
        }
        rest = &rest[at + length..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The character of the escape that sound bytes begin with, and the length of the escape.
fn escape(bytes: &[u8]) -> (Option<char>, usize) {
    let c = match bytes[1] {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'x' => return (None, 4),
        b'u' => {
            let code = hex(bytes, 2, 4).unwrap_or_default();
            if !matches!(code, 0xD800..0xDC00) || !is_low_surrogate(&bytes[6..]) {
                return (char::from_u32(code), 6);
            }
            let low = hex(bytes, 8, 4).unwrap_or_default();
            let code = 0x1_0000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            return (char::from_u32(code), 12);
        }
        itself => itself.into(),
    };
    (Some(c), 2)
}

/// Adds a value as JSON that any reader takes, and keeps.
pub(super) fn put_value(text: &str, value: &Value, out: &mut String) {
    put_raw(value.span.of(text), value.form, out);
}

/// Adds JSON as it stands, or what is loose in it in another form: an escape that is none with its backslash doubled, a number
/// beyond all readers as a text.
pub(super) fn put_raw(raw: &str, form: Form, out: &mut String) {
    if form < Form::Loose {
        out.push_str(raw);
        return;
    }
    let mut rest = raw;
    while !rest.is_empty() {
        let length = match rest.as_bytes()[0] {
            b'"' => put_string(rest, out),
            b'-' | b'0'..=b'9' | b'N' | b'I' => put_number(rest, out),
            _ => {
                let plain = |c: char| !matches!(c, '"' | '-' | '0'..='9' | 'N' | 'I');
                let length = rest.find(|c| !plain(c)).unwrap_or(rest.len());
                out.push_str(&rest[..length]);
                length
            }
        };
        rest = &rest[length..];
    }
}

/// Adds the text that `rest` begins with and gives its length.
fn put_string(rest: &str, out: &mut String) -> usize {
    out.push('"');
    let mut at = 1;
    loop {
        let special = rest[at..].find(['"', '\\']).map_or(rest.len(), |i| at + i);
        out.push_str(&rest[at..special]);
        at = special;
        if rest.as_bytes().get(at) != Some(&b'\\') {
            out.push('"');
            return (at + 1).min(rest.len());
        }
        let (c, length) = escape(&rest.as_bytes()[at..]);
        if c.is_none() {
            out.push('\\');
        }
        out.push_str(&rest[at..at + length]);
        at += length;
    }
}

/// Adds the number that `rest` begins with and gives its length.
fn put_number(rest: &str, out: &mut String) -> usize {
    let of_number = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let length = rest.find(|c| !of_number(c)).unwrap_or(rest.len());
    let number = &rest[..length];
    let integer = number.bytes().all(|c| c.is_ascii_digit() || c == b'-');
    let kept = if integer {
        number.parse::<i64>().is_ok() || number.parse::<u64>().is_ok()
    } else {
        !number.contains(['N', 'I']) && number.parse().is_ok_and(f64::is_finite)
    };
    let quote = if kept { "" } else { "\"" };
    out.extend([quote, number, quote]);
    length
}

/// Adds a key with its colon; given without its quotes.
pub(super) fn put_key(key: &str, form: Form, out: &mut String) {
    if form < Form::Loose {
        out.extend(["\"", key, "\":"]);
        return;
    }
    // As a text it would end in a quote.
    put_string(&format!("\"{key}\""), out);
    out.push(':');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_become_what_they_stand_for() {
        let text = |raw| unescaped(raw, Form::Loose);
        assert_eq!(
            text(r#"\"\\\/\b\f\n\r\t\u00e9 é"#),
            "\"\\/\u{8}\u{c}\n\r\té é"
        );
        assert_eq!(text(r"\ud83d\ude00"), "😀");
        assert_eq!(
            text(r"\ude00\ud83d\ud83d\ude00\ud83dx"),
            r"\ude00\ud83d😀\ud83dx"
        );
        assert_eq!(text(r"caf\xe9"), r"caf\xe9");
        assert!(matches!(unescaped("plain", Form::Plain), Cow::Borrowed(_)));
    }

    #[test]
    fn what_json_lacks_is_written_as_json() {
        let put = |raw| {
            let mut out = String::new();
            put_raw(raw, Form::Loose, &mut out);
            serde_json::from_str::<serde_json::Value>(&out).unwrap();
            out
        };
        assert_eq!(put(r#""a\x22\n\udc80\\""#), r#""a\\x22\n\\udc80\\""#);
        assert_eq!(
            put(
                r#"{"N-1": [NaN, -Infinity,1e999, -7, true,"NaN"], "\ud800":-99999999999999999999}"#
            ),
            r#"{"N-1": ["NaN", "-Infinity","1e999", -7, true,"NaN"], "\\ud800":"-99999999999999999999"}"#
        );
        let mut out = String::new();
        put_key(r#"a\"\xff"#, Form::Loose, &mut out);
        assert_eq!(out, r#""a\"\\xff":"#);
    }
}
