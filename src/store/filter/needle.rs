//! A quick look at the bytes of a row, before anything is decoded: most rows of a full pass end here.

use memchr::memmem::Finder;
use regex::bytes::Regex;

use crate::query::{Pattern, Phrase};

/// What bytes that are no UTF-8 are read as later: no needle may hold it.
const REPLACEMENT: char = '\u{FFFD}';

/// What a text with a match holds.
#[derive(Debug, Clone)]
pub(super) enum Needle {
    /// These bytes.
    Literal(Box<Finder<'static>>),
    /// A match of this: a phrase, whose case may vary.
    Regex(Regex),
    /// Nothing in particular.
    Any,
}

impl Needle {
    pub(super) fn of_phrase(phrase: &Phrase) -> Self {
        if phrase.text().contains(REPLACEMENT) {
            return Needle::Any;
        }
        Needle::Regex(phrase.regex_of_bytes())
    }

    pub(super) fn of_pattern(pattern: &Pattern) -> Self {
        let literal = pattern.literal_in_every_match();
        literal.map_or(Needle::Any, |literal| Needle::of_bytes(&literal))
    }

    pub(super) fn of_text(text: &str) -> Self {
        if text.contains(REPLACEMENT) {
            return Needle::Any;
        }
        Needle::of_bytes(text.as_bytes())
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        Needle::Literal(Box::new(Finder::new(bytes).into_owned()))
    }

    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        match self {
            Needle::Literal(literal) => literal.find(text).is_some(),
            Needle::Regex(regex) => regex.is_match(text),
            Needle::Any => true,
        }
    }
}
