//! The labels of a stream as protobuf and the old JSON have them: `{app="shop", level="info"}`.

use std::borrow::Cow;

use super::Labels;
use crate::wire::members::keep_last;

/// Reads labels: names, and values in quotes with Go's escapes. `None` when the text has another form.
pub(super) fn labels(text: &str) -> Option<Labels<'_>> {
    let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
    let mut labels = Labels::new();
    while !rest.is_empty() {
        let (name, behind) = rest.split_once('=')?;
        let (value, behind) = quoted(behind.trim_start())?;
        labels.push((name.trim().into(), value));
        let behind = behind.trim_start();
        rest = match behind.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if behind.is_empty() => "",
            None => return None,
        };
    }
    keep_last(&mut labels);
    Some(labels)
}

/// The text in quotes that stands first, and what is behind it.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let inner = text.strip_prefix('"')?;
    let first = inner.find(['"', '\\'])?;
    if inner[first..].starts_with('"') {
        return Some((inner[..first].into(), &inner[first + 1..]));
    }
    let mut value = inner.as_bytes()[..first].to_vec();
    let mut rest = &inner[first..];
    loop {
        let end = rest.find(['"', '\\'])?;
        value.extend_from_slice(&rest.as_bytes()[..end]);
        rest = &rest[end + 1..];
        if text.as_bytes()[text.len() - rest.len() - 1] == b'"' {
            break;
        }
        rest = unescape(rest, &mut value)?;
    }
    // `\xff` may stand for half a character.
    let value = match String::from_utf8(value) {
        Ok(value) => value,
        Err(error) => crate::wire::text::text(error.as_bytes()).into_owned(),
    };
    Some((value.into(), rest))
}

/// Adds the character whose escape, without its backslash, stands first, and gives what is behind it.
fn unescape<'a>(text: &'a str, value: &mut Vec<u8>) -> Option<&'a str> {
    let kind = text.chars().next()?;
    let rest = &text[kind.len_utf8()..];
    let digits = match kind {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => 0,
    };
    if digits > 0 {
        let code = u32::from_str_radix(rest.get(..digits)?, 16).ok()?;
        match (kind, u8::try_from(code)) {
            ('x', Ok(byte)) => value.push(byte),
            _ => put_char(char::from_u32(code)?, value),
        }
        return Some(&rest[digits..]);
    }
    let byte = match kind {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0C,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0B,
        '"' | '\\' | '\'' => u8::try_from(kind).ok()?,
        _ => return None,
    };
    value.push(byte);
    Some(rest)
}

fn put_char(c: char, value: &mut Vec<u8>) {
    value.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Option<Vec<(String, String)>> {
        let labels = labels(text)?.into_iter();
        Some(
            labels
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }

    #[test]
    fn labels_are_names_and_quoted_values() {
        for (text, expected) in [
            ("{}", &[][..]),
            ("{app=\"shop\"}", &[("app", "shop")]),
            (
                "{ a = \"1\",b=\"2, {3}\" , }",
                &[("a", "1"), ("b", "2, {3}")],
            ),
            ("{a=\"1\", a=\"2\"}", &[("a", "2")]),
            (
                r#"{p="C:\\x \"y\"\n", u="\u00e9\U0001f600\xc3\xa9", x="\xff"}"#,
                &[("p", "C:\\x \"y\"\n"), ("u", "é😀é"), ("x", "\\xff")],
            ),
        ] {
            let expected = expected.iter().map(|(a, b)| ((*a).into(), (*b).into()));
            assert_eq!(read(text), Some(expected.collect()), "{text}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "{",
            "a=\"1\"",
            "{a}",
            "{a=1}",
            "{a=\"1}",
            "{a=\"1\\\"}",
            "{a=\"1\" b=\"2\"}",
            "{a=\"\\q\"}",
            "{a=\"\\u00\"}",
            "{a=\"\\ud800\"}",
            "{a=\"\\xé\"}",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\{?([a=\", \\\\xuUé0]|\\PC){0,20}\\}?") {
            let _ = labels(&text);
        }

        #[test]
        fn what_was_quoted_comes_back(value in "\\PC{0,20}") {
            let quoted = value.replace('\\', "\\\\").replace('"', "\\\"");
            let text = format!("{{a=\"{quoted}\"}}");
            prop_assert_eq!(read(&text), Some(vec![("a".into(), value)]));
        }
    }
}
