//! Which words a text must hold for a pattern to match in it: what the index is asked before the text is read.
//!
//! A word too few costs time, a word too many loses records. So a word counts only where the pattern leaves no doubt about each of
//! its characters and about both of its ends.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Look};

use crate::words::{fold, is_word_char};

/// What is known of a stretch of a match. The stretches of a pattern follow one another without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    /// This character of a word, folded.
    Letter(char),
    /// No word goes on across this place: characters of no word, or an assertion that there is an end of a text or a word.
    Edge,
    /// Anything, or nothing.
    Unknown,
}

/// More characters than any letter has cases.
const MOST_CASES: usize = 8;

/// The words, folded, that every text with a match of the pattern holds as whole words.
pub(super) fn words_in_every_match(hir: &Hir) -> Vec<String> {
    // A match may begin and end anywhere in a text.
    let mut pieces = vec![Piece::Unknown];
    add(hir, &mut pieces);
    pieces.push(Piece::Unknown);
    let mut words = Vec::new();
    let mut word = String::new();
    let mut began_at_edge = false;
    for piece in pieces {
        match piece {
            Piece::Letter(letter) => word.push(letter),
            Piece::Edge | Piece::Unknown => {
                if began_at_edge && piece == Piece::Edge && !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                word.clear();
                began_at_edge = piece == Piece::Edge;
            }
        }
    }
    words
}

/// The longest stretch of bytes that every match of the pattern holds, as far as that is plain.
pub(super) fn longest_literal(hir: &Hir) -> Option<Vec<u8>> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            // What stands for bytes that were no UTF-8 is not in the text as it is stored.
            let stored = !literal
                .0
                .windows(3)
                .any(|bytes| bytes == "\u{FFFD}".as_bytes());
            stored.then(|| literal.0.to_vec())
        }
        HirKind::Capture(capture) => longest_literal(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => longest_literal(&repetition.sub),
        HirKind::Concat(parts) => parts
            .iter()
            .filter_map(longest_literal)
            .max_by_key(Vec::len),
        _ => None,
    }
}

fn add(hir: &Hir, pieces: &mut Vec<Piece>) {
    match hir.kind() {
        HirKind::Empty => {}
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => pieces.extend(text.chars().map(piece_of)),
            Err(_) => pieces.push(Piece::Unknown),
        },
        HirKind::Class(class) => pieces.push(piece_of_class(class)),
        HirKind::Look(look) => pieces.push(piece_of_look(*look)),
        HirKind::Capture(capture) => add(&capture.sub, pieces),
        HirKind::Concat(parts) => parts.iter().for_each(|part| add(part, pieces)),
        HirKind::Alternation(_) => pieces.push(Piece::Unknown),
        HirKind::Repetition(repetition) => {
            if repetition.min == 0 {
                pieces.push(Piece::Unknown);
                return;
            }
            let mut once = Vec::new();
            add(&repetition.sub, &mut once);
            if !once.is_empty() && once.iter().all(|piece| *piece == Piece::Edge) {
                pieces.push(Piece::Edge);
            } else if (repetition.min, repetition.max) == (1, Some(1)) {
                pieces.append(&mut once);
            } else {
                pieces.push(Piece::Unknown);
                pieces.append(&mut once);
                pieces.push(Piece::Unknown);
            }
        }
    }
}

fn piece_of(c: char) -> Piece {
    if is_word_char(c) {
        Piece::Letter(fold(c))
    } else {
        Piece::Edge
    }
}

/// One character of several: of one letter's cases, or of those that no word has.
fn piece_of_class(class: &Class) -> Piece {
    let class = match class {
        Class::Unicode(class) => Some(class.clone()),
        // Bytes that are no ASCII may be a part of any character.
        Class::Bytes(bytes) => bytes.to_unicode_class(),
    };
    let Some(class) = class else {
        return Piece::Unknown;
    };
    let few: Vec<char> = class
        .iter()
        .flat_map(|range| range.start()..=range.end())
        .take(MOST_CASES + 1)
        .collect();
    if let Some(first) = few.first().map(|c| piece_of(*c))
        && few.len() <= MOST_CASES
    {
        return if few.iter().all(|c| piece_of(*c) == first) {
            first
        } else {
            Piece::Unknown
        };
    }
    let mut of_words = class;
    of_words.intersect(&WORD_CHARS);
    if of_words.ranges().is_empty() && !few.is_empty() {
        Piece::Edge
    } else {
        Piece::Unknown
    }
}

static WORD_CHARS: LazyLock<ClassUnicode> = LazyLock::new(|| {
    let hir = regex_syntax::parse(r"\w").expect("it is a pattern");
    match hir.into_kind() {
        HirKind::Class(Class::Unicode(class)) => class,
        kind => unreachable!("\\w is a class, not {kind:?}"),
    }
});

fn piece_of_look(look: Look) -> Piece {
    match look {
        // Texts are searched one by one, and a line break is of no word.
        Look::Start
        | Look::End
        | Look::StartLF
        | Look::EndLF
        | Look::StartCRLF
        | Look::EndCRLF
        // Beside a letter, each of these says that on its other side there is none, or that nothing can match.
        | Look::WordUnicode
        | Look::WordStartUnicode
        | Look::WordEndUnicode
        | Look::WordStartHalfUnicode
        | Look::WordEndHalfUnicode => Piece::Edge,
        // To those of ASCII, é is of no word.
        Look::WordAscii
        | Look::WordAsciiNegate
        | Look::WordStartAscii
        | Look::WordEndAscii
        | Look::WordStartHalfAscii
        | Look::WordEndHalfAscii
        | Look::WordUnicodeNegate => Piece::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use crate::query::{Case, Pattern};
    use crate::words::words_of;

    #[track_caller]
    fn requires(pattern: &str, words: &[&str]) {
        let found = Pattern::new(pattern, Case::Minded).unwrap();
        assert_eq!(found.required_words(), words, "{pattern}");
    }

    #[test]
    fn a_word_is_required_when_both_its_ends_are_known() {
        requires("timeout", &[]);
        requires(r"\btimeout\b", &["timeout"]);
        requires(r"\b(?i:TimeOut)\b", &["timeout"]);
        requires(r"(?i)\bKelvin's\b", &["kelvin", "s"]);
        requires("connection reset by peer", &["reset", "by"]);
        requires("^connection reset$", &["connection", "reset"]);
        requires("(?m)^error: (.*) failed$", &["error", "failed"]);
        requires(r"\Atook [0-9]{4,} ms\z", &["took", "ms"]);
        requires(r"/api/v1/users/\d+", &["api", "v1", "users"]);
        requires(r"a,\s+b_2[;:]\W", &["b_2"]);
        requires(r"=(?:,ab, )+cd(?:, )+ef-", &["ab", "ef"]);
        requires(r"(?x) \b a b # c", &[]);
    }

    #[test]
    fn what_is_in_doubt_is_not_required() {
        for pattern in [
            r"\btime(out)?\b",
            r"\btime.*out\b",
            r"(?:\bab\b)?",
            r" ab* ",
            r" a{2} ",
            r" [ab]c ",
            r"(?: ab | cd )",
            r"(?-u:\b)ab(?-u:\b)",
            r"\bab\B",
            r" \w+ ",
            r" ab\s*c ",
            r" ab.",
            r" [^\s]ab ",
        ] {
            requires(pattern, &[]);
        }
    }

    /// Patterns of everything that a pattern may hold, each with a text that it matches when its assertions hold.
    fn pattern() -> impl Strategy<Value = (String, String)> {
        let letters = select(vec![
            ("a", "a"),
            ("b", "b"),
            ("k", "k"),
            ("é", "é"),
            ("b_", "b_"),
            ("[kK]", "K"),
            ("[ab]", "b"),
            ("\\w", "a"),
            (".", "a"),
            ("[^a]", "b"),
            ("(?-u:[ab])", "a"),
            ("(?i:sk)", "ſ\u{212A}"),
            ("(?i-u:k)", "K"),
            ("\u{301}", "\u{301}"),
        ]);
        let edges = select(vec![
            (" ", " "),
            ("-", "-"),
            ("\\n", "\n"),
            (".", " "),
            ("\\W", "-"),
            ("\\s", "\r"),
            ("[- ]", "-"),
            ("[^a]", " "),
            ("", ""),
        ]);
        let looks = select(vec![
            "\\b",
            "\\B",
            "^",
            "$",
            "(?m:^)",
            "(?m:$)",
            "(?mR:^)",
            "(?mR:$)",
            "\\A",
            "\\z",
            "(?-u:\\b)",
            "(?-u:\\B)",
            "\\b{start}",
            "\\b{end}",
            "\\b{start-half}",
            "\\b{end-half}",
            "(?-u:\\b{start-half})",
        ]);
        let leaf = prop_oneof![4 => letters, 3 => edges, 3 => looks.prop_map(|look| (look, ""))];
        let leaf = leaf.prop_map(|(pattern, text)| (pattern.to_owned(), text.to_owned()));
        leaf.prop_recursive(3, 16, 6, |inner| {
            let many = || prop::collection::vec(inner.clone(), 1..7);
            let times = select(vec![
                ("*", 0),
                ("*", 2),
                ("+", 1),
                ("+?", 2),
                ("?", 0),
                ("?", 1),
                ("{2}", 2),
                ("{1}", 1),
                ("{0}", 0),
                ("{1,2}", 2),
                ("{2,}", 3),
            ]);
            let row = |parts: Vec<(String, String)>| -> (String, String) {
                parts.into_iter().unzip()
            };
            prop_oneof![
                6 => many().prop_map(row),
                1 => many().prop_map(row).prop_map(|(pattern, text)| (format!("({pattern})"), text)),
                1 => many().prop_map(|parts| {
                    let patterns: Vec<_> = parts.iter().map(|part| part.0.as_str()).collect();
                    (format!("(?:{})", patterns.join("|")), parts[parts.len() - 1].1.clone())
                }),
                2 => (inner.clone(), times).prop_map(|((pattern, text), (times, count))| {
                    (format!("(?:{pattern}){times}"), text.repeat(count))
                }),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1500))]

        #[test]
        fn every_text_with_a_match_holds_the_required_words(
            (pattern, text) in pattern(),
            case in select(vec![Case::Minded, Case::Ignored]),
        ) {
            let pattern = Pattern::new(&pattern, case).unwrap();
            let required = pattern.required_words();
            for (before, after) in [("", ""), ("a", ""), ("", "é"), ("b", "b"), ("\n", "a"), ("a", "-")] {
                let text = format!("{before}{text}{after}");
                let words = words_of(&text);
                if pattern.is_match(&text) {
                    let missing = required.iter().find(|word| !words.contains(word));
                    prop_assert_eq!(missing, None, "{:?} in {:?}", pattern.as_str(), text);
                }
            }
        }
    }
}
