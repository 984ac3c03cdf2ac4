//! Texts and bytes in quotes, as Python's `repr` writes them.

use std::fmt::Write as _;

use super::text::{Part, Parts, put_escape};

/// Python's `repr` of a `str` of these bytes.
pub(super) fn put_str(bytes: &[u8], out: &mut String) {
    let quote = quote_for(bytes);
    out.push(quote);
    for part in Parts(bytes) {
        match part {
            Part::Valid(valid) => put_chars(valid, quote, out),
            Part::Paired(c) => put_char(c, quote, out),
            Part::Surrogate(_) | Part::Stray(_) => put_escape(part, out),
        }
    }
    out.push(quote);
}

/// Python's `repr` of `bytes`.
pub(super) fn put_bytes(bytes: &[u8], out: &mut String) {
    let quote = quote_for(bytes);
    out.push('b');
    out.push(quote);
    for byte in bytes {
        match char::from(*byte) {
            c if c.is_ascii() => put_char(c, quote, out),
            _ => put_hex('x', (*byte).into(), 2, out),
        }
    }
    out.push(quote);
}

/// Python prefers single quotes, unless only they occur within.
fn quote_for(bytes: &[u8]) -> char {
    if bytes.contains(&b'\'') && !bytes.contains(&b'"') {
        '"'
    } else {
        '\''
    }
}

fn put_chars(text: &str, quote: char, out: &mut String) {
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !is_plain(byte)) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(c) = rest.chars().next() else { return };
        put_char(c, quote, out);
        rest = &rest[c.len_utf8()..];
    }
    out.push_str(rest);
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'\'' | b'"' | b'\\')
}

fn put_char(c: char, quote: char, out: &mut String) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        _ if c == quote => {
            out.push('\\');
            out.push(c);
        }
        ' '..='~' => out.push(c),
        _ if is_printable(c) => out.push(c),
        _ => put_code(c, out),
    }
}

/// The escape of a character by its code, as short as Python makes it.
pub(super) fn put_code(c: char, out: &mut String) {
    match u32::from(c) {
        code @ ..=0xFF => put_hex('x', code, 2, out),
        code @ ..=0xFFFF => put_hex('u', code, 4, out),
        code => put_hex('U', code, 8, out),
    }
}

fn put_hex(letter: char, code: u32, width: usize, out: &mut String) {
    write!(out, "\\{letter}{code:0width$x}").expect("a String takes everything");
}

/// Python's `str.isprintable`. Rust's Debug asks the same question (the categories Other and Separator but for the blank),
/// yet also escapes an accent that has nothing to stand on, so it gets an `a`.
fn is_printable(c: char) -> bool {
    let mut buffer = [b'a', 0, 0, 0, 0];
    let len = 1 + c.encode_utf8(&mut buffer[1..]).len();
    str::from_utf8(&buffer[..len]).is_ok_and(|text| text.escape_debug().nth(1) == Some(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_str(bytes: &[u8]) -> String {
        let mut out = String::new();
        put_str(bytes, &mut out);
        out
    }

    fn of_bytes(bytes: &[u8]) -> String {
        let mut out = String::new();
        put_bytes(bytes, &mut out);
        out
    }

    #[test]
    fn quotes_are_chosen_as_python_chooses_them() {
        assert_eq!(of_str(b"plain"), "'plain'");
        assert_eq!(of_str(b"it's"), "\"it's\"");
        assert_eq!(of_str(b"it's \"x\""), "'it\\'s \"x\"'");
        assert_eq!(of_bytes(b"it's"), "b\"it's\"");
        assert_eq!(of_str(b""), "''");
    }

    #[test]
    fn what_cannot_be_printed_is_escaped() {
        assert_eq!(of_str(b"a\n\t\r\\\x00\x7f"), "'a\\n\\t\\r\\\\\\x00\\x7f'");
        assert_eq!(
            of_str("\u{a0}é\u{200b}✓\u{e000}😀\u{10ffff}".as_bytes()),
            "'\\xa0é\\u200b✓\\ue000😀\\U0010ffff'"
        );
        assert_eq!(of_str("e\u{301} \u{301}".as_bytes()), "'e\u{301} \u{301}'");
        assert_eq!(of_str(b"\xED\xB2\x80"), "'\\udc80'");
        assert_eq!(of_bytes(b"\x00a\xff\n"), "b'\\x00a\\xff\\n'");
    }
}
