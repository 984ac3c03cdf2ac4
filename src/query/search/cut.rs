//! A search text cut into its terms: which kind each is of, its value out of its quotes, and where it stands.

use std::borrow::Cow;
use std::ops::Range;

use super::super::{Case, Phrase};
use super::foreign::{foreign_condition, foreign_key, foreign_word};
use crate::error::QueryError;
use crate::words::is_word_char;

/// What stands before a `:`.
const KEYS: [&str; 8] = [
    "level", "name", "host", "process", "thread", "since", "until", "has",
];

/// Longer ones first: `>=` is not `>`.
const OPERATORS: [&str; 7] = ["!=", ">=", "<=", "=", ">", "<", "~"];

/// What stands before a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// Nothing: what it finds is asked for.
    Plus,
    /// A `-`: what it finds is left out.
    Minus,
}

/// One of the things asked for.
pub(super) enum Term<'t> {
    Phrase(Phrase),
    /// `/regex/`
    Grep(Value<'t>, Case),
    /// `key:value`
    Key(&'static str, Value<'t>),
    /// `key>=value`
    Field(&'t str, &'static str, Value<'t>),
}

/// A value of a term, and where it stands, quotes included.
pub(super) struct Value<'t> {
    pub(super) text: Cow<'t, str>,
    place: Range<usize>,
    /// Where the text begins when it stands there as it is.
    start: Option<usize>,
}

/// What is wrong, and where: offsets in bytes.
pub(super) struct Fault {
    pub(super) place: Range<usize>,
    pub(super) message: String,
}

pub(super) fn wrong(place: Range<usize>, message: impl Into<String>) -> Fault {
    Fault {
        place,
        message: message.into(),
    }
}

impl Value<'_> {
    /// The place of what is behind so many bytes of the text; of the whole value when there is nothing.
    pub(super) fn behind(&self, bytes: usize) -> Range<usize> {
        match self.start {
            Some(start) if bytes < self.text.len() => start + bytes..start + self.text.len(),
            _ => self.place.clone(),
        }
    }

    /// The place with so many bytes before it.
    pub(super) fn with_before(&self, bytes: usize) -> Range<usize> {
        self.place.start - bytes..self.place.end
    }

    /// What a reader of the value said, without the picture that it drew for a terminal.
    pub(super) fn fault(&self, error: &QueryError) -> Fault {
        let (QueryError::Time { at, .. } | QueryError::Pattern { at, .. }) = error else {
            return wrong(self.place.clone(), error.to_string());
        };
        let said = error.to_string();
        let (first, last) = (said.lines().next(), said.lines().next_back());
        let message = [first, last].map(Option::unwrap_or_default).join("; ");
        wrong(self.behind(*at), message)
    }
}

/// The terms of a text with their places. There are none behind a fault that is worth more.
pub(super) struct Cut<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Cut<'t> {
    type Item = Result<(Range<usize>, Sign, Term<'t>), Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = &self.text[self.at..];
        let start = self.at + rest.len() - rest.trim_start().len();
        if start == self.text.len() {
            return None;
        }
        let term = self.signed(start);
        self.at = match &term {
            Ok((place, _, _)) => place.end,
            Err(_) => self.text.len(),
        };
        Some(term)
    }
}

impl<'t> Cut<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Cut { text, at: 0 }
    }

    fn signed(&self, start: usize) -> Result<(Range<usize>, Sign, Term<'t>), Fault> {
        let sign = sign(&self.text[start..]);
        let whole = start..self.blank(start);
        if let Some(way_out) = foreign_word(&self.text[whole.clone()]) {
            return Err(wrong(whole, way_out));
        }
        let begins = start + usize::from(sign == Sign::Minus);
        match self.term(begins) {
            Ok((place, term)) => Ok((start..place.end, sign, term)),
            // What is wrong with the term as a whole is so with its sign.
            Err(fault) if fault.place.start == begins => {
                Err(wrong(start..fault.place.end, fault.message))
            }
            Err(fault) => Err(fault),
        }
    }

    fn term(&self, start: usize) -> Result<(Range<usize>, Term<'t>), Fault> {
        let bare = &self.text[start..self.blank(start)];
        if bare.starts_with('"') {
            return self.phrase(start);
        }
        if let Some((value, case, end)) = self.between_slashes(start) {
            return Ok((start..end, Term::Grep(value, case)));
        }
        let key = KEYS.into_iter().find(|key| {
            let behind = bare.strip_prefix(key);
            behind.is_some_and(|behind| behind.starts_with(':'))
        });
        if let Some(key) = key {
            let value = self.value(start + key.len() + 1)?;
            let place = start..value.place.end;
            if value.text.is_empty() {
                let message = format!("there is nothing behind {key}: to look for");
                return Err(wrong(place, message));
            }
            return Ok((place, Term::Key(key, value)));
        }
        if let Some((key, operator)) = condition(bare) {
            if let Some(way_out) = foreign_condition(key) {
                let message = format!(
                    "{key} has no {operator} behind it; write {way_out}; an extra field of that name is extra.{key}"
                );
                return Err(wrong(start..start + key.len() + operator.len(), message));
            }
            let value = self.value(start + key.len() + operator.len())?;
            return Ok((start..value.place.end, Term::Field(key, operator, value)));
        }
        if let Some((key, way_out)) = foreign_key(bare) {
            let message =
                format!("{key}: is no key here; write {way_out}; as a word it stands in quotes");
            return Err(wrong(start..start + key.len() + 1, message));
        }
        let place = start..start + bare.len();
        word(bare, place.clone()).map(|phrase| (place, Term::Phrase(phrase)))
    }

    /// Where the next white space is.
    fn blank(&self, from: usize) -> usize {
        let rest = &self.text[from..];
        from + rest.find(char::is_whitespace).unwrap_or(rest.len())
    }

    /// The phrase whose opening quote stands here.
    fn phrase(&self, start: usize) -> Result<(Range<usize>, Term<'t>), Fault> {
        let quoted = self.quoted(start)?;
        let behind = &self.text[quoted.place.end..];
        let end = self.text.len() - behind.trim_start_matches('*').len();
        self.ends(end)?;
        let phrase = if end > quoted.place.end {
            Phrase::prefix(&quoted.text)
        } else {
            Phrase::new(&quoted.text)
        };
        let empty = |_| {
            wrong(
                start..end,
                "there are no words in the quotes; \"a phrase\" has",
            )
        };
        Ok((start..end, Term::Phrase(phrase.map_err(empty)?)))
    }

    /// What stands in `/regex/`, and the end of all of it; `None` when it is something else, such as the path `/api/users`.
    fn between_slashes(&self, start: usize) -> Option<(Value<'t>, Case, usize)> {
        let inside = self.text[start..].strip_prefix('/')?;
        let close = unescaped(inside, '/').filter(|close| *close > 0)?;
        let behind = &inside[close + 1..];
        let (case, behind) = match behind.strip_prefix('i') {
            Some(behind) => (Case::Ignored, behind),
            None => (Case::Minded, behind),
        };
        let is_whole = behind.chars().next().is_none_or(char::is_whitespace);
        is_whole.then(|| {
            let place = start + 1..start + 1 + close;
            let value = Value {
                text: Cow::Borrowed(&inside[..close]),
                start: Some(place.start),
                place,
            };
            (value, case, self.text.len() - behind.len())
        })
    }

    /// The value that begins here, perhaps an empty one.
    fn value(&self, start: usize) -> Result<Value<'t>, Fault> {
        if self.text[start..].starts_with('"') {
            let value = self.quoted(start)?;
            self.ends(value.place.end)?;
            return Ok(value);
        }
        let place = start..self.blank(start);
        let text = &self.text[place.clone()];
        if let Some(quote) = text.find('"') {
            let message =
                "a value with a quote in it stands in quotes as a whole, each quote in it as \\\"";
            return Err(wrong(start + quote..start + quote + 1, message));
        }
        Ok(Value {
            text: Cow::Borrowed(text),
            start: Some(start),
            place,
        })
    }

    /// What is quoted from here on.
    fn quoted(&self, start: usize) -> Result<Value<'t>, Fault> {
        let inside = &self.text[start + 1..];
        let Some(close) = unescaped(inside, '"') else {
            let message = "the quote is not closed; a \" is missing at its end";
            return Err(wrong(start..self.text.len(), message));
        };
        let quoted = &inside[..close];
        let text = without_escapes(quoted);
        Ok(Value {
            start: (text.len() == quoted.len()).then_some(start + 1),
            text,
            place: start..start + close + 2,
        })
    }

    /// Fails when a term does not end here.
    fn ends(&self, at: usize) -> Result<(), Fault> {
        let end = self.blank(at);
        if at < end {
            let message =
                "a blank is missing behind the closing quote; a quote within quotes is \\\"";
            return Err(wrong(at..end, message));
        }
        Ok(())
    }
}

/// Where this character stands with no backslash before it that is not itself behind one.
fn unescaped(text: &str, wanted: char) -> Option<usize> {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            c if c == wanted => return Some(at),
            _ => {}
        }
    }
    None
}

/// `\"` and `\\` for what they stand for. Other backslashes stay, so that a path or a pattern need not be written with two.
fn without_escapes(quoted: &str) -> Cow<'_, str> {
    if !quoted.contains('\\') {
        return Cow::Borrowed(quoted);
    }
    let mut text = String::with_capacity(quoted.len());
    let mut chars = quoted.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped = match c {
            '\\' => chars.next_if(|next| matches!(next, '"' | '\\')),
            _ => None,
        };
        text.push(escaped.unwrap_or(c));
    }
    Cow::Owned(text)
}

/// Key and operator of a condition on a field; `None` when a term is none.
fn condition(bare: &str) -> Option<(&str, &'static str)> {
    let is_of_key = |c: char| is_word_char(c) || matches!(c, '.' | '-');
    let end = bare.find(|c| !is_of_key(c))?;
    let (key, behind) = bare.split_at(end);
    let begins = key.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let operator = OPERATORS.into_iter().find(|op| behind.starts_with(op));
    operator.filter(|_| begins).map(|operator| (key, operator))
}

/// The sign of the term that begins the text. Options such as `--flag`, arrows and a `-` alone are words.
fn sign(text: &str) -> Sign {
    let behind = text.strip_prefix('-').and_then(|text| text.chars().next());
    match behind {
        None | Some('-' | '>') => Sign::Plus,
        Some(c) if c.is_whitespace() => Sign::Plus,
        Some(_) => Sign::Minus,
    }
}

/// A word without quotes.
fn word(bare: &str, place: Range<usize>) -> Result<Phrase, Fault> {
    if let Some(quote) = unescaped(bare, '"') {
        let at = place.start + quote;
        let message = "a quote within a word is written as \\\"; a phrase has a blank before it";
        return Err(wrong(at..at + 1, message));
    }
    let stem = bare.trim_end_matches('*');
    if let Some(star) = stem.find('*') {
        let at = place.start + star;
        let message = "a * stands at the end of a word; /a.*b/ is a regular expression, \"a*b\" finds it as a character";
        return Err(wrong(at..at + 1, message));
    }
    let text = stem.replace("\\\"", "\"");
    let phrase = if stem.len() < bare.len() {
        Phrase::prefix(&text)
    } else {
        Phrase::new(&text)
    };
    phrase.map_err(|_| {
        wrong(
            place,
            "a * needs the beginning of a word right before it, as time*",
        )
    })
}
