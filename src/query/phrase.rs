//! Phrases: words in a row, as they are typed.

use regex::{Regex, RegexBuilder, bytes};

use crate::error::QueryError;
use crate::words::{is_word_char, words_of};

/// The text comes from a command line, whose length is bounded; the default limit is meant for repetitions.
const SIZE_LIMIT: usize = 1 << 30;

/// Words in a row that must occur in a text, in any case.
///
/// Words are whole: `time` is not found in `timeout`. What is between them counts as well, any white space being like any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    text: String,
    end: End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// The last word is whole.
    Whole,
    /// The last word may go on.
    Open,
}

impl Phrase {
    /// Exactly this text, as whole words; nothing in it has a meaning of its own.
    ///
    /// # Errors
    ///
    /// [`QueryError::Phrase`] when there is nothing but white space in it.
    pub fn new(text: &str) -> Result<Self, QueryError> {
        Phrase::of(text, End::Whole).ok_or_else(|| wrong(text, 0, EMPTY))
    }

    /// This text, whose last word may go on: `time` is found in `timeout`, too.
    ///
    /// # Errors
    ///
    /// As [`Phrase::new`].
    pub fn prefix(text: &str) -> Result<Self, QueryError> {
        Phrase::of(text, End::Open).ok_or_else(|| wrong(text, 0, EMPTY))
    }

    fn of(text: &str, end: End) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Phrase {
            text: text.to_owned(),
            end,
        })
    }

    /// Reads what somebody typed: one phrase, or with quotes in it, several.
    ///
    /// Without a `"`, the whole text is one phrase: a shell has eaten the quotes of `'connection reset'`. With one, it is a row of
    /// terms with white space between them: words, and phrases in quotes, `\"` being a quote itself. A `*` at the end of a phrase
    /// lets its last word go on.
    ///
    /// # Errors
    ///
    /// [`QueryError::Phrase`] when a phrase is empty, a quote is not closed or stands within a word, or a `*` has no word.
    ///
    /// ```
    /// use logstore::Phrase;
    ///
    /// assert_eq!(Phrase::parse_all("connection reset")?, [Phrase::new("connection reset")?]);
    /// let several = Phrase::parse_all(r#""connection reset" time*"#)?;
    /// assert_eq!(several, [Phrase::new("connection reset")?, Phrase::prefix("time")?]);
    /// # Ok::<(), logstore::QueryError>(())
    /// ```
    pub fn parse_all(text: &str) -> Result<Vec<Self>, QueryError> {
        if !text.contains('"') {
            return bare(text, text, 0).map(|phrase| vec![phrase]);
        }
        let mut phrases = Vec::new();
        let mut at = 0;
        loop {
            let rest = &text[at..];
            let term = rest.trim_start();
            at += rest.len() - term.len();
            if term.is_empty() {
                return Ok(phrases);
            }
            if term.starts_with('"') {
                let (phrase, end) = quoted(text, at)?;
                phrases.push(phrase);
                at = end;
            } else {
                let len = term.find(char::is_whitespace).unwrap_or(term.len());
                phrases.push(term_of(text, &term[..len], at)?);
                at += len;
            }
        }
    }

    /// The text, without white space at its ends.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the last word may go on.
    #[must_use]
    pub fn is_prefix(&self) -> bool {
        self.end == End::Open
    }

    /// What finds the phrase in a text.
    pub(crate) fn regex(&self) -> Regex {
        RegexBuilder::new(&self.pattern())
            .case_insensitive(true)
            .size_limit(SIZE_LIMIT)
            .build()
            .expect("an escaped text is always a pattern")
    }

    /// The same for the bytes of a text.
    pub(crate) fn regex_of_bytes(&self) -> bytes::Regex {
        bytes::RegexBuilder::new(&self.pattern())
            .case_insensitive(true)
            .size_limit(SIZE_LIMIT)
            .build()
            .expect("an escaped text is always a pattern")
    }

    fn pattern(&self) -> String {
        let edge = |end: Option<char>| match end {
            Some(c) if is_word_char(c) => r"\b",
            _ => "",
        };
        let words: Vec<_> = self.text.split_whitespace().map(regex::escape).collect();
        let start = edge(self.text.chars().next());
        let end = match self.end {
            End::Whole => edge(self.text.chars().next_back()),
            End::Open => "",
        };
        format!("{start}{}{end}", words.join(r"\s+"))
    }

    /// Words, folded, that every text with this phrase holds as whole ones.
    pub(crate) fn required_words(&self) -> Vec<String> {
        let mut words = words_of(&self.text);
        if self.is_prefix() && self.text.ends_with(is_word_char) {
            words.pop();
        }
        words
    }
}

const EMPTY: &str = "there are no words";
const LONE_STAR: &str = "a * needs the beginning of a word right before it";
const STAR_WITHIN: &str =
    "a * stands at the end of a phrase, behind its quotes; --grep finds it as a character";

fn wrong(text: &str, at: usize, reason: &'static str) -> QueryError {
    QueryError::Phrase {
        text: text.to_owned(),
        at,
        reason,
    }
}

/// A phrase without quotes, which begins at this offset into the whole text.
fn bare(whole: &str, term: &str, at: usize) -> Result<Phrase, QueryError> {
    let term = term.trim_end();
    let stem = term.trim_end_matches('*');
    if stem.len() == term.len() {
        no_star_within(whole, term, at)?;
        return Phrase::of(term, End::Whole).ok_or_else(|| wrong(whole, at, EMPTY));
    }
    if stem.trim_end().len() < stem.len() {
        return Err(wrong(whole, at + stem.len(), LONE_STAR));
    }
    no_star_within(whole, stem, at)?;
    Phrase::of(stem, End::Open).ok_or_else(|| wrong(whole, at, LONE_STAR))
}

/// A term without quotes around it.
/// A `*` beside a word, where it could only be meant to let the word go on.
fn no_star_within(whole: &str, text: &str, at: usize) -> Result<(), QueryError> {
    let is_meant = |(star, _): &(usize, &str)| {
        let behind_word = text[..*star].ends_with(is_word_char);
        let begins_word = text[..*star]
            .chars()
            .next_back()
            .is_none_or(char::is_whitespace)
            && text[star + 1..].starts_with(is_word_char);
        behind_word || begins_word
    };
    match text.match_indices('*').find(is_meant) {
        Some((star, _)) => Err(wrong(whole, at + star, STAR_WITHIN)),
        None => Ok(()),
    }
}

fn term_of(whole: &str, term: &str, at: usize) -> Result<Phrase, QueryError> {
    let quote = term
        .match_indices('"')
        .find(|(quote, _)| !term[..*quote].ends_with('\\'));
    if let Some((quote, _)) = quote {
        let reason = "a quote within a word is written as \\\"";
        return Err(wrong(whole, at + quote, reason));
    }
    bare(whole, &term.replace("\\\"", "\""), at)
}

/// The phrase whose opening quote stands at this offset, and where it ends.
fn quoted(whole: &str, start: usize) -> Result<(Phrase, usize), QueryError> {
    let inside = &whole[start + 1..];
    let close = inside
        .match_indices('"')
        .find(|(quote, _)| !inside[..*quote].ends_with('\\'));
    let Some((close, _)) = close else {
        return Err(wrong(whole, start, "the quote is not closed"));
    };
    let text = inside[..close].replace("\\\"", "\"");
    no_star_within(whole, &text, start + 1)?;
    let behind = &inside[close + 1..];
    let after = behind.trim_start_matches('*');
    let end = whole.len() - after.len();
    if after.starts_with(|c: char| !c.is_whitespace()) {
        let reason = "a blank is missing behind the closing quote";
        return Err(wrong(whole, end, reason));
    }
    let ending = if after.len() < behind.len() {
        End::Open
    } else {
        End::Whole
    };
    let phrase = Phrase::of(&text, ending).ok_or_else(|| wrong(whole, start, EMPTY))?;
    Ok((phrase, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<(String, bool)> {
        let phrases = Phrase::parse_all(text).unwrap();
        let parts = phrases.iter().map(|p| (p.text.clone(), p.is_prefix()));
        parts.collect()
    }

    #[test]
    fn what_is_typed_becomes_phrases() {
        for (text, expected) in [
            ("timeout", &[("timeout", false)][..]),
            (" connection  reset ", &[("connection  reset", false)]),
            ("conn res*", &[("conn res", true)]),
            ("time** ", &[("time", true)]),
            ("2 * 3", &[("2 * 3", false)]),
            (r"C:\temp\", &[(r"C:\temp\", false)]),
            (
                r#""connection reset" time* ada"#,
                &[("connection reset", false), ("time", true), ("ada", false)],
            ),
            (r#""conn res"*"#, &[("conn res", true)]),
            (r#"  "a \"b\" c\d"  "#, &[(r#"a "b" c\d"#, false)]),
            (r#"say=\"hi\" x"#, &[(r#"say="hi""#, false), ("x", false)]),
            (r#"\"a"#, &[("\"a", false)]),
            ("\"é\"\u{3000}ü*", &[("é", false), ("ü", true)]),
        ] {
            let expected: Vec<_> = expected.iter().map(|(t, p)| ((*t).into(), *p)).collect();
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_phrase_is_told_with_its_place() {
        for (text, at, reason) in [
            ("", 0, EMPTY),
            ("  ", 0, EMPTY),
            ("*", 0, LONE_STAR),
            ("con* reset", 3, STAR_WITHIN),
            ("*abc", 0, STAR_WITHIN),
            (r#"ada "conn re*""#, 12, STAR_WITHIN),
            ("time *", 5, LONE_STAR),
            (r#"a "" b"#, 2, EMPTY),
            (r#"a " "* b"#, 2, EMPTY),
            (r#"ä "b" *"#, 7, LONE_STAR),
            (r#"a "b c"#, 2, "the quote is not closed"),
            (r#"a "b\""#, 2, "the quote is not closed"),
            (r#"a"b c""#, 1, "a quote within a word is written as \\\""),
            (r#""a"b"#, 3, "a blank is missing behind the closing quote"),
            (
                r#""a"*"b""#,
                4,
                "a blank is missing behind the closing quote",
            ),
        ] {
            assert_eq!(Phrase::parse_all(text), Err(wrong(text, at, reason)));
        }
    }

    #[test]
    fn words_are_whole_and_white_space_is_white_space() {
        for (phrase, found, missed) in [
            (
                "time",
                &["TIME", "a-time!"][..],
                &["timeout", "réel_time"][..],
            ),
            ("time*", &["timeout", "Time"], &["daytime"]),
            ("a  b", &["x A\n\tb.", "a b"], &["ab", "a bc", "a, b"]),
            ("100%", &["at 100%", "100%of"], &["2100%"]),
            ("%", &["5%5"], &["5"]),
            ("(x", &["f(x)"], &["f(xy)"]),
            ("straße", &["STRAßE", "STRA\u{1E9E}E"], &["straßen"]),
        ] {
            let [phrase] = &Phrase::parse_all(phrase).unwrap()[..] else {
                panic!("{phrase} is one");
            };
            for text in found {
                assert!(phrase.regex().is_match(text), "{phrase:?} in {text}");
            }
            for text in missed {
                assert!(!phrase.regex().is_match(text), "{phrase:?} in {text}");
            }
        }
    }

    #[test]
    fn a_phrase_requires_its_whole_words() {
        for (phrase, words) in [
            ("Connection reset", &["connection", "reset"][..]),
            ("user_7: conn*", &["user_7"]),
            ("ready!*", &["ready"]),
            ("time*", &[]),
            ("%", &[]),
        ] {
            let [phrase] = &Phrase::parse_all(phrase).unwrap()[..] else {
                panic!("{phrase} is one");
            };
            assert_eq!(phrase.required_words(), words, "{phrase:?}");
        }
    }
}
