//! The bytes of a sender's text as text that any reader takes.
//!
//! Python writes lone surrogates into its UTF-8 (`surrogatepass`), and a `str` of Python 2 is plain bytes. What is no UTF-8
//! is shown as Python itself would escape it, so that nothing of a record is lost.

use std::borrow::Cow;

use crate::percent::{put_hex, put_quoted, quote_for};

/// One part of the bytes of a `str`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part<'a> {
    /// A run of valid UTF-8.
    Valid(&'a str),
    /// A character that came as a pair of surrogates.
    Paired(char),
    /// Half of such a pair, alone.
    Surrogate(u16),
    /// A byte that belongs to nothing.
    Stray(u8),
}

/// Cuts bytes into [`Part`]s.
struct Parts<'a>(&'a [u8]);

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let first = *self.0.first()?;
        // No character begins with these, and there may be millions of them.
        if matches!(first, 0x80..=0xC1 | 0xF5..) {
            self.0 = &self.0[1..];
            return Some(Part::Stray(first));
        }
        if let Some(high) = surrogate(self.0) {
            let low = surrogate(&self.0[3..]).filter(|low| high < 0xDC00 && *low >= 0xDC00);
            let Some(low) = low else {
                self.0 = &self.0[3..];
                return Some(Part::Surrogate(high));
            };
            self.0 = &self.0[6..];
            let code = 0x1_0000 + (u32::from(high - 0xD800) << 10) + u32::from(low - 0xDC00);
            return Some(Part::Paired(
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
            ));
        }
        let valid = match str::from_utf8(self.0) {
            Ok(valid) => valid,
            Err(error) => self.0[..error.valid_up_to()]
                .utf8_chunks()
                .next()
                .map_or("", |chunk| chunk.valid()),
        };
        if valid.is_empty() {
            self.0 = &self.0[1..];
            return Some(Part::Stray(first));
        }
        self.0 = &self.0[valid.len()..];
        Some(Part::Valid(valid))
    }
}

/// The surrogate that the bytes begin with.
fn surrogate(bytes: &[u8]) -> Option<u16> {
    match *bytes.first_chunk()? {
        [0xED, second @ 0xA0..=0xBF, third @ 0x80..=0xBF] => {
            Some(0xD000 | u16::from(second & 0x3F) << 6 | u16::from(third & 0x3F))
        }
        _ => None,
    }
}

/// Text of these bytes: lone surrogates as `\udc80`, bytes that are no UTF-8 as `\xff`. Borrowed when it is UTF-8 already.
///
/// ```
/// assert_eq!(logstore::wire::text(b"caf\xe9"), r"caf\xe9");
/// ```
#[must_use]
pub fn text(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(valid) = str::from_utf8(bytes) {
        return Cow::Borrowed(valid);
    }
    let mut out = String::with_capacity(bytes.len() + 16);
    for part in Parts(bytes) {
        match part {
            Part::Valid(valid) => out.push_str(valid),
            Part::Paired(c) => out.push(c),
            Part::Surrogate(_) | Part::Stray(_) => put_escape(part, &mut out),
        }
    }
    Cow::Owned(out)
}

/// The escape of what is no character.
fn put_escape(part: Part<'_>, out: &mut String) {
    match part {
        Part::Surrogate(code) => put_hex("\\u", code.into(), 2, out),
        Part::Stray(byte) => put_hex("\\x", byte.into(), 1, out),
        Part::Valid(_) | Part::Paired(_) => {}
    }
}

/// Adds Python's `repr` of a `str` of these bytes.
pub(super) fn put_repr(bytes: &[u8], out: &mut String) {
    let quote = quote_for(bytes);
    out.push(quote);
    for part in Parts(bytes) {
        match part {
            Part::Valid(valid) => put_quoted(valid, quote, out),
            Part::Paired(c) => put_quoted(c.encode_utf8(&mut [0; 4]), quote, out),
            Part::Surrogate(_) | Part::Stray(_) => put_escape(part, out),
        }
    }
    out.push(quote);
}

/// The longest beginning of a text that has at most this many bytes and cuts no character.
pub(super) fn fit(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf8_is_borrowed() {
        assert!(matches!(
            text("grüße ✓ 😀".as_bytes()),
            Cow::Borrowed("grüße ✓ 😀")
        ));
        assert!(matches!(text(b""), Cow::Borrowed("")));
    }

    #[test]
    fn a_lone_surrogate_is_escaped_and_a_pair_is_the_character() {
        assert_eq!(text(b"a\xED\xB2\x80b"), "a\\udc80b");
        assert_eq!(text(b"\xED\xA0\xBD"), "\\ud83d");
        assert_eq!(text(b"<\xED\xA0\xBD\xED\xB8\x80>"), "<😀>");
        assert_eq!(text(b"\xED\xB8\x80\xED\xA0\xBD"), "\\ude00\\ud83d");
    }

    #[test]
    fn other_bytes_are_escaped_one_by_one() {
        assert_eq!(text(b"caf\xe9 \xff\xfe ok"), "caf\\xe9 \\xff\\xfe ok");
        assert_eq!(text("é".as_bytes().split_last().unwrap().1), "\\xc3");
        assert_eq!(text(b"\xED\xB2"), "\\xed\\xb2");
    }

    #[test]
    fn in_quotes_what_is_no_character_is_escaped_once() {
        let mut out = String::new();
        put_repr(
            b"it's\xED\xB2\x80\xFF\\<\xED\xA0\xBD\xED\xB8\x80>",
            &mut out,
        );
        assert_eq!(out, r#""it's\udc80\xff\\<😀>""#);
    }

    #[test]
    fn a_cut_never_splits_a_character() {
        assert_eq!(fit("aé", 2), "a");
        assert_eq!(fit("aé", 3), "aé");
        assert_eq!(fit("aé", 9), "aé");
    }
}
