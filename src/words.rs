//! Words: what a search for text looks up in the index, cut and folded the same way when a record is stored and when it is asked
//! for.
//!
//! A word is a maximal run of letters, digits and `_`: of what `\w` matches, as UTS #18 has it, so that `\b` of a pattern stands at
//! its ends. It is folded character by character as the `(?i)` of a pattern does: what a pattern takes for equal is equal here.

use std::borrow::Cow;

/// What one byte means: 0 ends a word, [`WIDE`] belongs to a character outside of ASCII, anything else is a folded letter of a word.
const CLASS: [u8; 256] = classes();

/// No ASCII character.
const WIDE: u8 = 0xFF;

/// The bit that folds the letters of ASCII, leaves its digits alone and makes of `_` what is no letter either.
const CASE: u8 = 0x20;

const fn classes() -> [u8; 256] {
    let mut classes = [WIDE; 256];
    let mut ascii = 0_u8;
    while ascii.is_ascii() {
        let of_word = ascii.is_ascii_alphanumeric() || ascii == b'_';
        classes[ascii as usize] = if of_word { ascii | CASE } else { 0 };
        ascii += 1;
    }
    classes
}

/// Calls `found` with the hash of each word of the text, in order, as often as it occurs.
pub(crate) fn each_word(text: &str, mut found: impl FnMut(u64)) {
    if text.is_ascii() {
        each_word_of_ascii(text.as_bytes(), found);
        return;
    }
    let mut word = WordHash::default();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match CLASS[usize::from(*byte)] {
            0 => word.end(&mut found),
            WIDE => {
                let Some(wide) = text[at - 1..].chars().next() else {
                    break;
                };
                at += wide.len_utf8() - 1;
                if is_wide_word_char(wide) {
                    for byte in fold(wide).encode_utf8(&mut [0; 4]).bytes() {
                        word.push(byte);
                    }
                } else {
                    word.end(&mut found);
                }
            }
            letter => word.push(letter),
        }
    }
    word.end(&mut found);
}

/// Calls `found` with the hash of each word of the texts among the values of a JSON object's text: of more than those when it is
/// no sound JSON, of fewer never.
pub(crate) fn each_word_of_json(json: &str, mut found: impl FnMut(u64)) {
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
        let inside = &json[start..end];
        if escaped {
            each_word(&unescaped(inside), &mut found);
        } else {
            each_word(inside, &mut found);
        }
    }
}

/// The hash of a word, byte by byte: what the index knows the word by, so it must never change.
///
/// Eight bytes at a time are multiplied into 128 bits whose halves are folded, as wyhash does it; the length comes last. A word that
/// has to be folded character by character need not be written down for it. [`hash_ascii`] gives the same for the rest.
#[derive(Debug, Default)]
struct WordHash {
    state: u64,
    /// The bytes since the last eight, the first in the lowest place.
    bytes: u64,
    len: u64,
}

/// Odd numbers with as many ones as zeros: the digits of the golden ratio and of pi.
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
const LAST: u64 = 0x2443_F6A8_885A_308D;

impl WordHash {
    #[inline]
    fn push(&mut self, byte: u8) {
        self.bytes |= u64::from(byte) << (8 * (self.len % 8));
        self.len += 1;
        if self.len.is_multiple_of(8) {
            self.state = fold_multiply(self.state ^ self.bytes, MIX);
            self.bytes = 0;
        }
    }

    /// Gives the word's hash away, if there is a word, and gets ready for the next one.
    #[inline]
    fn end(&mut self, found: &mut impl FnMut(u64)) {
        if self.len > 0 {
            found(self.take());
        }
    }

    fn take(&mut self) -> u64 {
        let word = std::mem::take(self);
        finish(word.state, word.bytes, word.len)
    }
}

#[inline]
fn finish(state: u64, bytes: u64, len: u64) -> u64 {
    let state = fold_multiply(state ^ bytes ^ LAST, MIX);
    fold_multiply(state ^ len, LAST)
}

#[expect(clippy::cast_possible_truncation, reason = "both halves are used")]
fn fold_multiply(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

/// What the index knows a folded word by.
pub(crate) fn hash(word: &str) -> u64 {
    let mut hash = WordHash::default();
    for byte in word.bytes() {
        hash.push(if byte.is_ascii() { byte | CASE } else { byte });
    }
    hash.take()
}

/// So many bytes are looked at together, a bit for each.
const CHUNK: usize = 64;

/// The words of a text that is ASCII: first a bit for each byte that belongs to a word, then a step for each edge between ones and
/// zeros, since it is the ends of words that no processor can foretell.
fn each_word_of_ascii(text: &[u8], mut found: impl FnMut(u64)) {
    // Where the word began that reaches into the chunk at hand.
    let mut open = None;
    let (chunks, rest) = text.as_chunks::<CHUNK>();
    for (i, chunk) in chunks.iter().enumerate() {
        open = each_word_of_bits(text, i * CHUNK, word_bits(chunk), open, &mut found);
    }
    if !rest.is_empty() {
        let mut chunk = [0; CHUNK];
        chunk[..rest.len()].copy_from_slice(rest);
        let bits = word_bits(&chunk);
        open = each_word_of_bits(text, text.len() - rest.len(), bits, open, &mut found);
    }
    if let Some(start) = open {
        found(hash_ascii(text, start, text.len()));
    }
}

/// The words that end in a chunk which begins at `base`, where `open` is the start of a word that reaches into it; gives the start of
/// the word that reaches out of it.
#[inline]
fn each_word_of_bits(
    text: &[u8],
    base: usize,
    bits: u64,
    open: Option<usize>,
    found: &mut impl FnMut(u64),
) -> Option<usize> {
    // A bit wherever a word begins, and wherever one has just ended.
    let mut edges = bits ^ (bits << 1 | u64::from(open.is_some()));
    let mut next = || {
        let at = base + edges.trailing_zeros() as usize;
        let edge = (edges != 0).then_some(at);
        edges &= edges.wrapping_sub(1);
        edge
    };
    let mut start = open.or_else(&mut next)?;
    while let Some(end) = next() {
        found(hash_ascii(text, start, end));
        start = next()?;
    }
    Some(start)
}

/// [`hash`] of the word between these two places of a text that is ASCII, folded on the way.
#[inline]
fn hash_ascii(text: &[u8], start: usize, end: usize) -> u64 {
    const CASES: u64 = u64::from_le_bytes([CASE; 8]);
    let (eights, rest) = text[start..end].as_chunks::<8>();
    let mut state = 0;
    for eight in eights {
        state = fold_multiply(state ^ (u64::from_le_bytes(*eight) | CASES), MIX);
    }
    let mut last = 0;
    if !rest.is_empty() {
        // Eight bytes at once wherever the text has as many, whatever comes behind the word.
        let mut eight = [0; 8];
        if let Some(whole) = text[end - rest.len()..].first_chunk() {
            eight = *whole;
        } else {
            eight[..rest.len()].copy_from_slice(rest);
        }
        let behind = u64::MAX << (8 * rest.len());
        last = (u64::from_le_bytes(eight) | CASES) & !behind;
    }
    finish(state, last, (end - start) as u64)
}

/// Which bytes of a chunk belong to words, the first in the lowest bit.
#[inline]
fn word_bits(chunk: &[u8; CHUNK]) -> u64 {
    let mut flags = [0; CHUNK];
    for (flag, byte) in flags.iter_mut().zip(chunk) {
        // Sums, since branches would keep this from being done for many bytes at once.
        let letter = u8::from((byte | CASE).wrapping_sub(b'a') < 26);
        let digit = u8::from(byte.wrapping_sub(b'0') < 10);
        *flag = letter + digit + u8::from(*byte == b'_');
    }
    let mut bits = 0;
    for (i, flags) in flags.as_chunks().0.iter().enumerate() {
        // Brings the lowest bits of eight bytes together in the highest byte.
        let eight = u64::from_le_bytes(*flags).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits |= eight << (8 * i);
    }
    bits
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
fn unescaped(inside: &str) -> Cow<'_, str> {
    let quoted = format!("\"{inside}\"");
    serde_json::from_str(&quoted).map_or(Cow::Borrowed(inside), Cow::Owned)
}

/// The words of a text, folded, as often as they occur.
pub(crate) fn words_of(text: &str) -> Vec<String> {
    let words = text.split(|c| !is_word_char(c));
    words
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().map(fold).collect())
        .collect()
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
        // Pairs that have no single upper case to meet at.
        '\u{1FD3}' => '\u{390}',
        '\u{1FE3}' => '\u{3B0}',
        '\u{FB05}' => '\u{FB06}',
        // Letters of Turkish that are pairs in Turkish alone, and most of what has no case at all.
        '\u{130}' | '\u{131}' | '\u{2E80}'..='\u{A63F}' | '\u{AC00}'..='\u{D7FF}' => c,
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
    use std::collections::HashSet;

    use proptest::prelude::*;
    use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

    fn hashes_of(text: &str) -> Vec<u64> {
        let mut hashes = Vec::new();
        each_word(text, |hash| hashes.push(hash));
        hashes
    }

    fn hashes_of_json(json: &str) -> Vec<u64> {
        let mut hashes = Vec::new();
        each_word_of_json(json, |hash| hashes.push(hash));
        hashes
    }

    fn hashes(words: &[&str]) -> Vec<u64> {
        words.iter().map(|word| hash(word)).collect()
    }

    #[test]
    fn words_are_runs_of_letters_digits_and_underscores() {
        let text =
            "GET /api/v1/user_7?x=%20 -> 404, ÄRGER: Ünï-cödé; 日本語 e\u{301}té acknowledgement";
        let words = [
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
            "e\u{301}té",
            "acknowledgement",
        ];
        assert_eq!(words_of(text), words);
        assert_eq!(hashes_of(text), hashes(&words));
        for none in ["", " .-/²"] {
            assert_eq!(words_of(none), [""; 0]);
            assert_eq!(hashes_of(none), [0; 0]);
        }
    }

    #[test]
    fn ascii_is_cut_and_hashed_as_anything_else() {
        for len in 0..200 {
            for gap in [1, 3, 7, 8, 9, 16, 63, 64, 65] {
                let letter = |i: usize| {
                    if (i + 1).is_multiple_of(gap) {
                        '-'
                    } else {
                        'A'
                    }
                };
                let text: String = (0..len).map(letter).collect();
                let wide = format!("{text} é");
                let words = hashes_of(&wide);
                assert_eq!(hashes_of(&text), words[..words.len() - 1], "{text}");
            }
        }
        for c in '\0'..='\x7f' {
            assert_eq!(
                hashes_of(&c.to_string()).len(),
                usize::from(is_word_char(c)),
                "{c:?}"
            );
        }
        assert_eq!(hashes_of("A_Z 09"), [hash("a_z"), hash("09")]);
    }

    #[test]
    fn words_that_differ_have_hashes_that_differ() {
        let words = (0..200_000).map(|i| format!("{i:x}"));
        let others = (0..20).map(|len| "a".repeat(len));
        let hashes: HashSet<u64> = words.chain(others).map(|word| hash(&word)).collect();
        // Four of them are numbers, too.
        assert_eq!(hashes.len(), 200_000 + 20 - 4);
    }

    #[test]
    fn words_of_extra_fields_are_those_of_its_texts() {
        assert_eq!(
            hashes_of_json(
                r#"{"user": {"name" : "Ada L", "id": 7}, "tags": ["a\nb", "\u00c4rger \"q\""], "k\"e\\y": "v\\w", "": ""}"#
            ),
            hashes(&["ada", "l", "a", "b", "ärger", "q", "v", "w"])
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
            hashes_of_json(text);
        }
        assert_eq!(hashes_of_json("{\"a\": \"b c"), hashes(&["b", "c"]));
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
        for (word, hashed) in [
            ("timeout", 13_591_559_755_133_092_080),
            ("x", 7_949_152_801_007_479_143),
            ("a_b", 13_760_350_739_602_279_658),
            ("internal", 9_738_015_544_125_709_194),
            ("acknowledgement", 6_188_874_706_203_807_367),
            ("0123456789abcdef", 5_274_758_957_460_357_412),
            ("ärger", 17_892_733_494_418_880_569),
            ("日本語", 7_176_853_869_508_249_679),
        ] {
            assert_eq!(
                (hash(word), hashes_of(word)),
                (hashed, vec![hashed]),
                "{word}"
            );
        }
    }

    proptest! {
        #[test]
        fn words_are_hashed_alike_wherever_they_stand(text in "[ -~]{0,200}", wide in "[a-zA-Z0-9_. é日-]{0,80}") {
            for text in [text, wide] {
                let words = words_of(&text);
                let hashes: Vec<u64> = words.iter().map(|word| hash(word)).collect();
                prop_assert_eq!(hashes_of(&text), hashes);
            }
        }
    }
}
