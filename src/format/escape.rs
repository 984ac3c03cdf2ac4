//! Texts that come from elsewhere, made safe for a terminal or for one line.

use std::io::Write as _;

/// What becomes of control characters in texts that clients sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Controls {
    /// Shown as `\x1b`, all but tab and line feed, so that no record can drive the terminal that shows it; and lines after the first
    /// indented, so that none can pass for another record.
    #[default]
    Escaped,
    /// Written as they are, for a program that reads the output.
    Raw,
}

/// Whether line feeds and tabs stand for themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    /// They do.
    Kept,
    /// They do, and what follows a line feed is indented, so that no text can pass for a record of its own.
    Indented,
    /// They are escaped too, so that the text stays on its line.
    One,
}

/// What lines after the first begin with.
pub(super) const INDENT: &[u8] = b"    ";

/// Appends a text whose control characters (C0, DEL, C1, and those that turn the direction of writing) are shown by number.
pub(super) fn put_escaped(text: &str, lines: Lines, out: &mut Vec<u8>) {
    let mut done = 0;
    for (at, control) in controls(text.as_bytes()) {
        let end = at + control.len_utf8();
        match (lines, control) {
            (Lines::Kept, '\n' | '\t') | (Lines::Indented, '\t') => continue,
            (Lines::Indented, '\n') => {
                out.extend_from_slice(&text.as_bytes()[done..end]);
                out.extend_from_slice(INDENT);
            }
            _ => {
                out.extend_from_slice(&text.as_bytes()[done..at]);
                match u32::from(control) {
                    code @ ..=0xff => write!(out, "\\x{code:02x}"),
                    code => write!(out, "\\u{code:04x}"),
                }
                .expect("a Vec takes everything");
            }
        }
        done = end;
    }
    out.extend_from_slice(&text.as_bytes()[done..]);
}

/// Appends a logfmt key: what would end it becomes an underscore.
pub(super) fn put_key(key: &str, out: &mut Vec<u8>) {
    if key.is_empty() {
        out.push(b'_');
    }
    for c in key.chars() {
        let c = if c.is_whitespace() || is_control(c) || matches!(c, '=' | '"') {
            '_'
        } else {
            c
        };
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// Appends a logfmt value: as it is where a reader cannot take it for anything else, quoted with the escapes of JSON otherwise.
pub(super) fn put_value(text: &str, out: &mut Vec<u8>) {
    let plain = |c: char| !c.is_whitespace() && !is_control(c) && !matches!(c, '"' | '=' | '\\');
    if !text.is_empty() && text.chars().all(plain) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    put_json(text, out);
}

/// Appends a value as compact JSON, with the control characters that JSON lets through (DEL, C1, turns of direction) escaped too:
/// readers of JSON see no difference, and a terminal cannot be driven by them.
pub(super) fn put_json<T: serde::Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) {
    let start = out.len();
    serde_json::to_writer(&mut *out, value).expect("texts and maps with text keys are always JSON");
    let Some((first, _)) = controls(&out[start..]).next() else {
        return;
    };
    let tail = out.split_off(start + first);
    let mut done = 0;
    for (at, control) in controls(&tail) {
        out.extend_from_slice(&tail[done..at]);
        write!(out, "\\u{:04x}", u32::from(control)).expect("a Vec takes everything");
        done = at + control.len_utf8();
    }
    out.extend_from_slice(&tail[done..]);
}

/// The control characters of UTF-8 text with their offsets. Nearly all texts have none, so bytes are looked at, not characters.
fn controls(bytes: &[u8]) -> impl Iterator<Item = (usize, char)> {
    bytes
        .iter()
        .enumerate()
        .filter_map(move |(at, &byte)| match byte {
            ..0x20 | 0x7f => Some((at, byte.into())),
            // C1 in UTF-8 is C2 80 to C2 9F; a C2 stands nowhere but at the start of a character.
            0xc2 => bytes
                .get(at + 1)
                .filter(|next| **next < 0xa0)
                .map(|next| (at, (*next).into())),
            // E2 80 AA to AE and E2 81 A6 to A9 turn the direction of writing, and with it the sense of what is shown.
            0xe2 => bytes[at..]
                .first_chunk()
                .and_then(|bytes: &[u8; 3]| str::from_utf8(bytes).ok()?.chars().next())
                .filter(|c| turns_direction(*c))
                .map(|c| (at, c)),
            _ => None,
        })
}

fn is_control(c: char) -> bool {
    c.is_control() || turns_direction(c)
}

/// The embeddings, overrides and isolates of Unicode's bidirectional algorithm (UAX #9).
fn turns_direction(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(put: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        put(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn no_control_character_reaches_a_terminal() {
        let every: String = (0..0x3000).filter_map(char::from_u32).collect();
        for (lines, expected) in [
            (Lines::Kept, "\t\n"),
            (Lines::Indented, "\t\n"),
            (Lines::One, ""),
        ] {
            let out = shown(|out| put_escaped(&every, lines, out));
            let left: String = out.chars().filter(|c| is_control(*c)).collect();
            assert_eq!(left, expected);
        }
        for put in [put_value, put_json::<str>, put_key] {
            assert!(!shown(|out| put(&every, out)).contains(is_control));
        }
    }

    #[test]
    fn a_control_character_is_shown_by_its_number() {
        let out = shown(|out| put_escaped("é\x1b[31m\r\u{9b}2J\n✓", Lines::Kept, out));
        assert_eq!(out, "é\\x1b[31m\\x0d\\x9b2J\n✓");
    }

    #[test]
    fn later_lines_are_indented() {
        let out = shown(|out| put_escaped("one\n\ttwo\n\u{202e}three", Lines::Indented, out));
        assert_eq!(out, "one\n    \ttwo\n    \\u202ethree");
    }

    #[test]
    fn a_value_is_quoted_when_it_must_be() {
        for (text, expected) in [
            ("ada", "ada"),
            ("naïve✓", "naïve✓"),
            ("", "\"\""),
            ("two words", "\"two words\""),
            ("a=b", "\"a=b\""),
            ("say \"hi\"", "\"say \\\"hi\\\"\""),
            ("C:\\x", "\"C:\\\\x\""),
            ("a\nb", "\"a\\nb\""),
            ("\u{85}\u{7f}", "\"\\u0085\\u007f\""),
        ] {
            assert_eq!(shown(|out| put_value(text, out)), expected);
        }
        assert_eq!(shown(|out| put_key("a b=\"c\"\n", out)), "a_b__c__");
        assert_eq!(shown(|out| put_key("", out)), "_");
    }
}
