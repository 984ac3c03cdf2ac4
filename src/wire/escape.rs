//! Texts as JSON strings: runs without anything to escape are copied as they are.

use crate::percent::put_hex;

/// Adds a text as a JSON string, in quotes.
pub(super) fn put_json_string(text: &str, out: &mut String) {
    out.reserve(text.len() + 2);
    out.push('"');
    put_escaped(text, out);
    out.push('"');
}

/// Adds what stands between the quotes of a JSON string.
pub(super) fn put_escaped(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(at) = first_special(rest.as_bytes()) {
        out.push_str(&rest[..at]);
        match rest.as_bytes()[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            control => put_hex("\\u", control.into(), 2, out),
        }
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
}

/// How many bytes a character takes in a JSON string.
pub(super) fn escaped_len(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' => 2,
        '\0'..'\x20' => 6,
        c => c.len_utf8(),
    }
}

/// Where the first byte is that JSON wants escaped; eight bytes are looked at in one step.
fn first_special(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    // A byte's high bit is set where it is below `limit`; false alarms come only behind a true one.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGHS;
    let (words, tail) = bytes.as_chunks();
    for (i, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let quote = word ^ (ONES * u64::from(b'"'));
        let backslash = word ^ (ONES * u64::from(b'\\'));
        let special = below(word, 0x20) | below(quote, 1) | below(backslash, 1);
        if special != 0 {
            return Some(i * 8 + special.trailing_zeros() as usize / 8);
        }
    }
    let special = |byte: &u8| *byte < 0x20 || matches!(byte, b'"' | b'\\');
    Some(words.len() * 8 + tail.iter().position(special)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(text: &str) -> String {
        let mut out = String::new();
        put_json_string(text, &mut out);
        out
    }

    #[test]
    fn strings_are_escaped_as_serde_json_escapes_them() {
        let mut text = String::from("0123456789");
        for code in 0..0x180_u32 {
            // Every character at every place within the eight bytes that are looked at together.
            for at in 0..10 {
                text.insert(at, char::from_u32(code).unwrap());
                let escaped: String = serde_json::from_str(&string(&text)).unwrap();
                assert_eq!(escaped, text);
                assert_eq!(
                    string(&text).len(),
                    2 + text.chars().map(escaped_len).sum::<usize>()
                );
                text.remove(at);
            }
        }
        assert_eq!(string("\x01\n\"\\"), "\"\\u0001\\n\\\"\\\\\"");
    }
}
