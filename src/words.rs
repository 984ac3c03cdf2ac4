//! Words: what a search for text looks up in the index, cut and folded the same way when a record is stored and when it is asked
//! for.
//!
//! A word is a maximal run of letters, digits and `_`: of what `\w` matches, as UTS #18 has it, so that `\b` of a pattern stands at
//! its ends. It is folded character by character as the `(?i)` of a pattern does: what a pattern takes for equal is equal here.

use xxhash_rust::xxh3::xxh3_64;

/// Cuts texts into folded words.
#[derive(Debug, Default)]
pub(crate) struct Words {
    /// The word at hand, folded.
    word: Vec<u8>,
    /// A text of JSON without its escapes.
    unescaped: String,
}

/// What one byte means: 0 ends a word, [`WIDE`] begins a character outside of ASCII, anything else is a folded letter of a word.
const CLASS: [u8; 256] = classes();

/// No ASCII character.
const WIDE: u8 = 0xFF;

/// How much memory is kept for the next word.
const KEPT_BYTES: usize = 1 << 16;

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let ascii = byte as u8;
        if ascii.is_ascii_alphanumeric() || ascii == b'_' {
            classes[byte] = ascii.to_ascii_lowercase();
        } else if !ascii.is_ascii() {
            classes[byte] = WIDE;
        }
        byte += 1;
    }
    classes
}

impl Words {
    /// Calls `found` with each word of the text, folded, in order, as often as it occurs.
    pub(crate) fn of_text(&mut self, text: &str, mut found: impl FnMut(&[u8])) {
        let word = &mut self.word;
        word.clear();
        let mut bytes = text.as_bytes().iter().enumerate();
        while let Some((at, byte)) = bytes.next() {
            match CLASS[usize::from(*byte)] {
                0 => {
                    if !word.is_empty() {
                        found(word);
                        word.clear();
                    }
                }
                WIDE => {
                    let Some(wide) = text[at..].chars().next() else {
                        break;
                    };
                    if is_wide_word_char(wide) {
                        word.extend_from_slice(fold(wide).encode_utf8(&mut [0; 4]).as_bytes());
                    } else if !word.is_empty() {
                        found(word);
                        word.clear();
                    }
                    for _ in 1..wide.len_utf8() {
                        bytes.next();
                    }
                }
                letter => word.push(letter),
            }
        }
        if !word.is_empty() {
            found(word);
        }
        word.shrink_to(KEPT_BYTES);
    }

    /// Calls `found` with each word of the texts among the values of a JSON object's text: of more than those when it is no sound
    /// JSON, of fewer never.
    pub(crate) fn of_json(&mut self, json: &str, mut found: impl FnMut(&[u8])) {
        let bytes = json.as_bytes();
        let mut at = 0;
        while let Some(quote) = memchr::memchr(b'"', &bytes[at..]) {
            let start = at + quote + 1;
            let (end, escaped) = text_end(bytes, start);
            at = (end + 1).min(bytes.len());
            let is_key = bytes[at..]
                .iter()
                .find(|byte| !byte.is_ascii_whitespace())
                .is_some_and(|byte| *byte == b':');
            if is_key {
                continue;
            }
            if escaped {
                let mut unescaped = std::mem::take(&mut self.unescaped);
                unescape(&json[start..end], &mut unescaped);
                self.of_text(&unescaped, &mut found);
                unescaped.shrink_to(KEPT_BYTES);
                self.unescaped = unescaped;
            } else {
                self.of_text(&json[start..end], &mut found);
            }
        }
    }
}

/// Where a text of JSON ends that begins here, and whether there are escapes in it.
fn text_end(bytes: &[u8], start: usize) -> (usize, bool) {
    let mut at = start;
    let mut escaped = false;
    while let Some(found) = memchr::memchr2(b'"', b'\\', &bytes[at..]) {
        at += found;
        if bytes[at] == b'"' {
            return (at, escaped);
        }
        escaped = true;
        // The character behind a backslash is ASCII in JSON; in anything else it is passed over byte by byte.
        at = (at + 2).min(bytes.len());
    }
    (bytes.len(), escaped)
}

/// The text that the inside of a JSON text means. What is no JSON is left as it is.
fn unescape(inside: &str, out: &mut String) {
    out.clear();
    let quoted = format!("\"{inside}\"");
    match serde_json::from_str::<String>(&quoted) {
        Ok(text) => *out = text,
        Err(_) => out.push_str(inside),
    }
}

/// The words of a text, folded, as often as they occur.
pub(crate) fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    Words::default().of_text(text, |word| {
        words.push(String::from_utf8_lossy(word).into_owned());
    });
    words
}

/// What the index knows a folded word by: XXH3 with 64 bits, whose results are fixed.
pub(crate) fn hash(word: &[u8]) -> u64 {
    xxh3_64(word)
}

/// Whether words are made of this character.
pub(crate) fn is_word_char(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || c == '_'
    } else {
        is_wide_word_char(c)
    }
}

fn is_wide_word_char(c: char) -> bool {
    match c {
        // The greater part of what is written in the far east, without a look into tables.
        '\u{4E00}'..='\u{9FFF}' | '\u{AC00}'..='\u{D7A3}' => true,
        // The tables of patterns: those of the standard library may be of another version of Unicode.
        _ => regex_syntax::is_word_character(c),
    }
}

/// The character that stands for all that differ from it by case alone: Unicode's simple case folding, or what is as good.
pub(crate) fn fold(c: char) -> char {
    match c {
        '\0'..='\x7f' => c.to_ascii_lowercase(),
        // Upper and lower case of Turkish are no pairs without Turkish.
        '\u{130}' | '\u{131}' => c,
        // Pairs that have no single upper case to meet at.
        '\u{1FD3}' => '\u{390}',
        '\u{1FE3}' => '\u{3B0}',
        '\u{FB05}' => '\u{FB06}',
        // Most of what has no case at all.
        '\u{2E80}'..='\u{A63F}' | '\u{AC00}'..='\u{D7FF}' => c,
        _ => {
            let upper = single(c.to_uppercase()).unwrap_or(c);
            single(upper.to_lowercase()).unwrap_or(upper)
        }
    }
}

fn single(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next();
    first.filter(|_| chars.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

    fn words_of_json(json: &str) -> Vec<String> {
        let mut words = Vec::new();
        Words::default().of_json(json, |word| {
            words.push(String::from_utf8_lossy(word).into_owned());
        });
        words
    }

    #[test]
    fn words_are_runs_of_letters_digits_and_underscores() {
        assert_eq!(
            words_of("GET /api/v1/user_7?x=%20 -> 404, ÄRGER: Ünï-cödé; 日本語 e\u{301}té"),
            [
                "get",
                "api",
                "v1",
                "user_7",
                "x",
                "20",
                "404",
                "ärger",
                "ünï",
                "cödé",
                "日本語",
                "e\u{301}té"
            ]
        );
        assert_eq!(words_of(""), [""; 0]);
        assert_eq!(words_of(" .-/²"), [""; 0]);
    }

    #[test]
    fn words_of_extra_fields_are_those_of_its_texts() {
        assert_eq!(
            words_of_json(
                r#"{"user": {"name" : "Ada L", "id": 7}, "tags": ["a\nb", "\u00c4rger \"q\""], "k\"e\\y": "v\\w", "": ""}"#
            ),
            ["ada", "l", "a", "b", "ärger", "q", "v", "w"]
        );
    }

    #[test]
    fn texts_that_are_no_json_are_cut_to_some_words() {
        for text in [
            "{",
            "\"",
            "{\"a\": \"b",
            "{\"a\": \"\\u12",
            "{\"a\": \"\\ä\"",
            "\\",
            "\"\\",
        ] {
            words_of_json(text);
        }
        assert_eq!(words_of_json("{\"a\": \"b c"), ["b", "c"]);
    }

    /// What the index must not miss: two characters that `(?i)` takes for one fold alike.
    #[test]
    fn folding_agrees_with_patterns_over_all_of_unicode() {
        for c in ('\0'..=char::MAX).filter(|c| is_word_char(*c)) {
            let alike = |c| {
                let mut class = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
                class.case_fold_simple();
                class
            };
            for other in alike(c)
                .iter()
                .flat_map(|range| range.start()..=range.end())
            {
                assert_eq!(fold(c), fold(other), "{c:?} {other:?}");
            }
            let found = alike(fold(c))
                .iter()
                .any(|range| (range.start()..=range.end()).contains(&c));
            assert!(found, "{c:?} is no {:?} to a pattern", fold(c));
            assert!(is_word_char(fold(c)), "{c:?}");
        }
    }

    /// When this fails, files have blocks whose words were cut differently: give such blocks a new version.
    #[test]
    fn words_are_cut_as_in_all_files_so_far() {
        let word_chars = ('\0'..=char::MAX).filter(|c| is_word_char(*c)).count();
        let folded = ('\0'..=char::MAX)
            .filter(|c| is_word_char(*c) && fold(*c) != *c)
            .count();
        assert_eq!((word_chars, folded), (144_667, 1484));
        for c in '\0'..=char::MAX {
            assert_eq!(is_word_char(c), regex_syntax::is_word_character(c), "{c:?}");
        }
        assert_eq!(hash(b"timeout"), 1_158_555_873_321_760_021);
    }
}
