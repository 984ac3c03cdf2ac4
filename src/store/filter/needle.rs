//! A quick look at the bytes of a row, before anything is decoded: most rows of a full pass end here.

use memchr::memmem::Finder;
use regex::bytes::Regex;

use crate::query::{Pattern, Phrase};

/// What a text with a match holds. Bytes that are no UTF-8 are read as U+FFFD later, which no needle holds.
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
        Needle::Regex(phrase.regex_of_bytes())
    }

    pub(super) fn of_pattern(pattern: &Pattern) -> Self {
        match pattern.literal_in_every_match() {
            Some(literal) => Needle::Literal(Box::new(Finder::new(&literal).into_owned())),
            None => Needle::Any,
        }
    }

    pub(super) fn is_in(&self, text: &[u8]) -> bool {
        match self {
            Needle::Literal(literal) => literal.find(text).is_some(),
            Needle::Regex(regex) => regex.is_match(text),
            Needle::Any => true,
        }
    }
}
