//! Texts and bytes in quotes, as Python's `repr` and `ascii` write them.

/// Adds Python's `repr` of a `str`.
pub(crate) fn str_repr(text: &str, out: &mut String) {
    let quote = quote_for(text.as_bytes());
    out.push(quote);
    put_quoted(text, quote, out);
    out.push(quote);
}

/// Adds Python's `repr` of `bytes`.
pub(crate) fn bytes_repr(bytes: &[u8], out: &mut String) {
    let quote = quote_for(bytes);
    out.push('b');
    out.push(quote);
    for byte in bytes {
        match char::from(*byte) {
            c if c.is_ascii() => put_char(c, quote, out),
            _ => put_hex("\\x", (*byte).into(), 1, out),
        }
    }
    out.push(quote);
}

/// Adds Python's `ascii` of what `repr` gave: everything outside of ASCII is escaped.
pub(crate) fn put_ascii(repr: &str, out: &mut String) {
    out.reserve(repr.len());
    for c in repr.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            put_code(c, out);
        }
    }
}

/// Python prefers single quotes, unless only they occur within.
pub(crate) fn quote_for(bytes: &[u8]) -> char {
    if bytes.contains(&b'\'') && !bytes.contains(&b'"') {
        '"'
    } else {
        '\''
    }
}

/// Adds what stands between the quotes of a `repr`.
pub(crate) fn put_quoted(text: &str, quote: char, out: &mut String) {
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
fn put_code(c: char, out: &mut String) {
    match u32::from(c) {
        code @ ..=0xFF => put_hex("\\x", code, 1, out),
        code @ ..=0xFFFF => put_hex("\\u", code, 2, out),
        code => put_hex("\\U", code, 4, out),
    }
}

/// The two digits of every byte, one behind the other.
const HEX: [u8; 512] = {
    let digits = *b"0123456789abcdef";
    let mut hex = [0; 512];
    let mut byte = 0;
    while byte < 256 {
        hex[2 * byte] = digits[byte >> 4];
        hex[2 * byte + 1] = digits[byte & 0xF];
        byte += 1;
    }
    hex
};
const HEX_TEXT: &str = match str::from_utf8(&HEX) {
    Ok(text) => text,
    Err(_) => panic!("digits are ASCII"),
};

/// Adds a prefix and the hexadecimal digits of so many bytes: `\x0a`, `\udc80`. Whole texts may consist of these,
/// which is why it does not go through `write!`.
pub(crate) fn put_hex(prefix: &str, code: u32, bytes: usize, out: &mut String) {
    out.push_str(prefix);
    for byte in &code.to_be_bytes()[4 - bytes..] {
        let at = 2 * usize::from(*byte);
        out.push_str(&HEX_TEXT[at..at + 2]);
    }
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

    fn of_str(text: &str) -> String {
        let mut out = String::new();
        str_repr(text, &mut out);
        out
    }

    fn of_bytes(bytes: &[u8]) -> String {
        let mut out = String::new();
        bytes_repr(bytes, &mut out);
        out
    }

    #[test]
    fn quotes_are_chosen_as_python_chooses_them() {
        assert_eq!(of_str("plain"), "'plain'");
        assert_eq!(of_str("it's"), "\"it's\"");
        assert_eq!(of_str("it's \"x\""), "'it\\'s \"x\"'");
        assert_eq!(of_bytes(b"it's"), "b\"it's\"");
        assert_eq!(of_str(""), "''");
    }

    #[test]
    fn what_cannot_be_printed_is_escaped() {
        assert_eq!(of_str("a\n\t\r\\\x00\x7f"), "'a\\n\\t\\r\\\\\\x00\\x7f'");
        assert_eq!(
            of_str("\u{a0}é\u{200b}✓\u{e000}😀\u{10ffff}"),
            "'\\xa0é\\u200b✓\\ue000😀\\U0010ffff'"
        );
        assert_eq!(of_str("e\u{301} \u{301}"), "'e\u{301} \u{301}'");
        assert_eq!(of_bytes(b"\x00a\xff\n"), "b'\\x00a\\xff\\n'");
    }

    #[test]
    fn ascii_escapes_the_rest_too() {
        let mut out = String::new();
        put_ascii("'aé✓😀'", &mut out);
        assert_eq!(out, "'a\\xe9\\u2713\\U0001f600'");
    }
}
