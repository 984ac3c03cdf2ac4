//! Regular expressions, as they are typed.

use std::str::FromStr;

use regex::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;

use super::required::{longest_literal, words_in_every_match};
use crate::error::QueryError;

/// A regular expression, in the syntax of the crate `regex`.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    /// What it was compiled from. A `Regex` does not tell how it was built, and so not what it needs.
    hir: Hir,
}

/// Whether upper and lower case differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Case {
    /// They differ, unless the pattern itself says `(?i)`.
    #[default]
    Minded,
    /// They are the same.
    Ignored,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// [`QueryError::Pattern`] when it is none, or one too large to be compiled.
    pub fn new(text: &str, case: Case) -> Result<Self, QueryError> {
        Pattern::within(Pattern::SIZE_LIMIT, text, case)
    }

    /// How many bytes a pattern may have when it is compiled, where nobody says.
    pub(crate) const SIZE_LIMIT: usize = 10 << 20;

    /// Reads a pattern that has at most so many bytes when it is compiled.
    pub(crate) fn within(size_limit: usize, text: &str, case: Case) -> Result<Self, QueryError> {
        let ignored = case == Case::Ignored;
        let wrong = |at, reason| QueryError::Pattern {
            pattern: text.to_owned(),
            at,
            reason,
        };
        let hir = ParserBuilder::new()
            .case_insensitive(ignored)
            .build()
            .parse(text)
            .map_err(|error| match error {
                regex_syntax::Error::Parse(error) => {
                    wrong(error.span().start.offset, error.kind().to_string())
                }
                regex_syntax::Error::Translate(error) => {
                    wrong(error.span().start.offset, error.kind().to_string())
                }
                error => wrong(0, error.to_string()),
            })?;
        let regex = RegexBuilder::new(text)
            .case_insensitive(ignored)
            .size_limit(size_limit)
            .build()
            .map_err(|error| wrong(0, error.to_string()))?;
        Ok(Pattern { regex, hir })
    }

    /// The pattern as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.regex.as_str()
    }

    /// Whether it matches somewhere in the text.
    #[must_use]
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The compiled form.
    pub(crate) fn regex(&self) -> &Regex {
        &self.regex
    }

    /// Whether it asks for the ends of a text or of a line.
    pub(crate) fn is_anchored(&self) -> bool {
        self.hir.properties().look_set().contains_anchor()
    }

    /// Bytes that every text with a match holds as they are: the longest that are plain from the pattern.
    pub(crate) fn literal_in_every_match(&self) -> Option<Vec<u8>> {
        longest_literal(&self.hir)
    }

    /// Words, folded, that every text with a match holds as whole ones. There may be more of them.
    pub(crate) fn required_words(&self) -> Vec<String> {
        words_in_every_match(&self.hir)
    }
}

/// Reads a pattern that minds case.
impl FromStr for Pattern {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Pattern::new(text, Case::Minded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_cannot_be_read_is_shown_with_its_place() {
        for (pattern, place, reason) in [
            ("a(b", 1, "unclosed group"),
            ("é[z-a]", 3, "invalid character class range"),
            ("\\p{Nothing}", 0, "Unicode property not found"),
            ("(a{1000}){1000}", 0, "size limit"),
        ] {
            let error = Pattern::new(pattern, Case::Minded).unwrap_err();
            let QueryError::Pattern {
                at, reason: found, ..
            } = error
            else {
                panic!("{pattern}: {error}");
            };
            assert!(
                at == place && found.contains(reason),
                "{pattern}: {at} {found}"
            );
        }
        let error = Pattern::new("é[z-a]", Case::Minded)
            .unwrap_err()
            .to_string();
        assert!(error.contains("\n    é[z-a]\n      ^\n"), "{error}");
    }

    #[test]
    fn case_is_minded_or_ignored() {
        assert!(!Pattern::new("é", Case::Minded).unwrap().is_match("É"));
        assert!(Pattern::new("é", Case::Ignored).unwrap().is_match("É"));
    }
}
