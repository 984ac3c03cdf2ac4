//! What the texts of a record must hold.

use std::cell::OnceCell;

use memchr::memchr;
use regex::Regex;
use serde_json::{Map, Value};

use super::field::FieldCheck;
use super::needle::Needle;
use super::own::{Holder, SEARCHED, TextCheck, holder};
use crate::query::{FieldFilter, Pattern, Phrase, Query};
use crate::words::hash;

/// The place of the extra fields' JSON among the texts of a row.
const JSON: usize = SEARCHED + 1;

/// What the texts of a record must hold.
///
/// A clone shares nothing with the original, so that threads do not wait for each other's memory for matching.
#[derive(Debug, Clone)]
pub(in crate::store) struct TextFilter {
    /// Each must match in one of the texts.
    searches: Vec<Search>,
    /// Each must hold.
    fields: Vec<FieldCheck>,
    /// So must each of these.
    own_fields: Vec<TextCheck>,
    /// None may match in any of the texts. They are asked of whole records alone: what a quick look or an index says of them is that
    /// they may match, which is nothing to leave a record out for.
    not_searches: Vec<Search>,
    /// None may hold.
    not_fields: Vec<FieldCheck>,
    not_own_fields: Vec<TextCheck>,
    required: Vec<u64>,
}

#[derive(Debug, Clone)]
struct Search {
    /// What is looked for first.
    needle: Needle,
    regex: Regex,
    /// Whether it asks for the ends of a text, which are others in the JSON around it.
    anchored: bool,
}

impl Search {
    fn of_phrase(phrase: &Phrase) -> Self {
        Search {
            needle: Needle::of_phrase(phrase),
            regex: phrase.regex(),
            anchored: false,
        }
    }

    fn of_pattern(pattern: &Pattern) -> Self {
        Search {
            needle: Needle::of_pattern(pattern),
            regex: pattern.regex().clone(),
            anchored: pattern.is_anchored(),
        }
    }
}

impl TextFilter {
    pub(in crate::store) fn new(query: &Query) -> Self {
        let parts = query.parts();
        let phrases = || parts.iter().flat_map(|part| &part.phrases);
        let greps = || parts.iter().filter_map(|part| part.grep.as_ref());
        let filters = || parts.iter().flat_map(|part| &part.fields);
        let of_phrases = phrases().map(Search::of_phrase);
        let searches = of_phrases.chain(greps().map(Search::of_pattern)).collect();
        let not_phrases = parts.iter().flat_map(|part| &part.not_phrases);
        let not_patterns = parts.iter().flat_map(|part| &part.not_patterns);
        let of_patterns = not_patterns.map(Search::of_pattern);
        let not_searches = not_phrases.map(Search::of_phrase).chain(of_patterns);
        let not_fields = || parts.iter().flat_map(|part| &part.not_fields);
        // Fields of sites and origins are asked for in their tables.
        let is_extra = |filter: &&FieldFilter| matches!(holder(&filter.key), Holder::Extra);
        let of_extra = filters().filter(is_extra).map(FieldCheck::new);
        let fields: Vec<_> = of_extra.collect();
        let own_fields: Vec<_> = filters().filter_map(TextCheck::new).collect();
        let words = phrases()
            .flat_map(Phrase::required_words)
            .chain(greps().flat_map(Pattern::required_words))
            .chain(fields.iter().flat_map(FieldCheck::required_words))
            .chain(own_fields.iter().flat_map(TextCheck::required_words));
        let mut required: Vec<u64> = words.map(|word| hash(&word)).collect();
        required.sort_unstable();
        required.dedup();
        TextFilter {
            searches,
            fields,
            own_fields,
            not_searches: not_searches.collect(),
            not_fields: not_fields().filter(is_extra).map(FieldCheck::new).collect(),
            not_own_fields: not_fields().filter_map(TextCheck::new).collect(),
            required,
        }
    }

    /// Whether every record passes, so that its texts need not be read.
    pub(in crate::store) fn is_empty(&self) -> bool {
        self.searches.is_empty()
            && self.fields.is_empty()
            && self.own_fields.is_empty()
            && self.not_searches.is_empty()
            && self.not_fields.is_empty()
            && self.not_own_fields.is_empty()
    }

    /// The [hashes](hash) of words that message, traceback, stack and texts of the extra fields of every matching record hold
    /// together, each of them whole: in rising order, none twice.
    pub(in crate::store) fn required_words(&self) -> &[u64] {
        &self.required
    }

    /// Whether a record may be wanted, by the bytes of its texts as they are stored: message, traceback, stack, the task's name, and
    /// last the JSON of the extra fields.
    pub(in crate::store) fn may_want<'t>(&self, text: impl Fn(usize) -> Option<&'t [u8]>) -> bool {
        let json = || text(JSON);
        let fields = self.fields.is_empty()
            || json().is_some_and(|json| {
                memchr(b'\\', json).is_some()
                    || self.fields.iter().all(|field| field.may_hold(json))
            });
        fields
            && self.own_fields.iter().all(|field| field.may_hold(&text))
            && self.searches.iter().all(|search| {
                let needle = &search.needle;
                (0..SEARCHED).any(|i| text(i).is_some_and(|text| needle.is_in(text)))
                    || json().is_some_and(|json| {
                        // An escape may be any character.
                        memchr(b'\\', json).is_some() || needle.is_in(json)
                    })
            })
    }

    /// `texts`: message, traceback, stack and the task's name; `extra`: the text of the JSON object.
    pub(in crate::store) fn wants(&self, texts: &[Option<&str>], extra: Option<&str>) -> bool {
        let extra = extra.map(Extra::new);
        let extra = extra.as_ref();
        let matches = |search: &Search| {
            let mut texts = texts.iter().take(SEARCHED).flatten();
            texts.any(|text| search.regex.is_match(text))
                || extra.is_some_and(|extra| extra.has_match(search))
        };
        let holds = |field: &FieldCheck| {
            let extra = extra.and_then(Extra::parsed);
            extra.is_some_and(|extra| field.holds(extra))
        };
        let own_holds = |field: &TextCheck| field.holds(texts);
        self.own_fields.iter().all(own_holds)
            && !self.not_own_fields.iter().any(own_holds)
            && self.searches.iter().all(matches)
            && self.fields.iter().all(holds)
            && !self.not_searches.iter().any(matches)
            && !self.not_fields.iter().any(holds)
    }
}

/// The extra fields of a record, parsed only when they matter.
struct Extra<'a> {
    json: &'a str,
    /// Whether texts may be spelled otherwise than they are.
    escaped: OnceCell<bool>,
    parsed: OnceCell<Option<Map<String, Value>>>,
}

impl<'a> Extra<'a> {
    fn new(json: &'a str) -> Self {
        Extra {
            json,
            escaped: OnceCell::new(),
            parsed: OnceCell::new(),
        }
    }

    fn is_escaped(&self) -> bool {
        *self
            .escaped
            .get_or_init(|| memchr(b'\\', self.json.as_bytes()).is_some())
    }

    fn parsed(&self) -> Option<&Map<String, Value>> {
        self.parsed
            .get_or_init(|| serde_json::from_str(self.json).ok())
            .as_ref()
    }

    fn has_match(&self, search: &Search) -> bool {
        // Without escapes a text stands in the JSON as it is, between quotes, which are of no word, as its ends are.
        if !search.anchored && !self.is_escaped() && !search.regex.is_match(self.json) {
            return false;
        }
        self.parsed().is_some_and(|extra| {
            let mut values = extra.values();
            values.any(|value| any_text(value, &search.regex))
        })
    }
}

/// Whether the pattern matches in one of the texts among the values.
fn any_text(value: &Value, pattern: &Regex) -> bool {
    match value {
        Value::String(text) => pattern.is_match(text),
        Value::Array(values) => values.iter().any(|value| any_text(value, pattern)),
        Value::Object(fields) => fields.values().any(|value| any_text(value, pattern)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::words::{each_word, each_word_of_json};

    fn filter(phrases: &[&str], grep: Option<&str>, fields: &[&str]) -> TextFilter {
        TextFilter::new(&Query {
            phrases: phrases.iter().map(|p| Phrase::new(p).unwrap()).collect(),
            grep: grep.map(|grep| grep.parse::<Pattern>().unwrap()),
            fields: fields.iter().map(|f| f.parse().unwrap()).collect(),
            ..Query::default()
        })
    }

    #[test]
    fn all_phrases_must_occur_somewhere_in_any_case() {
        let filter = filter(&["Timeout", "ada"], None, &[]);
        let extra = Some(r#"{"user": {"name": "Ada"}, "timeout": 3}"#);
        assert!(filter.wants(&[Some("a TIMEOUT occurred")], extra));
        assert!(filter.wants(&[Some(""), Some("timeout for ada")], None));
        assert!(!filter.wants(&[Some("ada")], extra), "keys are no text");
        assert!(!filter.wants(&[Some("timeout")], None));
    }

    #[test]
    fn escaped_texts_are_read_as_they_are_meant() {
        let extra = Some(r#"{"a\"b": "\u0041da\nand \"Bob\"", "c": "x"}"#);
        assert!(filter(&["Ada and"], None, &[]).wants(&[Some("")], extra));
        assert!(filter(&["and \"bob\""], None, &["a\"b"]).wants(&[Some("")], extra));
        assert!(!filter(&["u0041da"], None, &[]).wants(&[Some("")], extra));
    }

    #[test]
    fn ends_of_texts_are_found_inside_of_the_json() {
        let extra = Some(r#"{"a": {"b": "one"}, "c": ["two three"]}"#);
        assert!(filter(&[], Some("^one$"), &[]).wants(&[Some("")], extra));
        assert!(filter(&[], Some(r"\btwo\b"), &[]).wants(&[Some("")], extra));
        assert!(!filter(&[], Some("^three"), &[]).wants(&[Some("")], extra));
        assert!(!filter(&[], Some("\"one"), &[]).wants(&[Some("")], extra));
        let empty = filter(&[], Some("^$"), &[]);
        assert!(empty.wants(&[Some("x"), Some("")], None));
        assert!(
            !empty.wants(&[Some("x"), None], None),
            "no text is no empty text"
        );
    }

    #[test]
    fn a_key_is_found_whichever_dots_are_its_own() {
        let extra = Some(r#"{"a.b":{"c.d":1}}"#);
        assert!(filter(&[], None, &["a.b.c.d=1", "a.b"]).wants(&[Some("")], extra));
        assert!(!filter(&[], None, &["a"]).wants(&[Some("")], extra));
        assert!(!filter(&[], None, &["b"]).wants(&[Some("")], extra));
    }

    #[test]
    fn words_are_required_once_whoever_requires_them() {
        let filter = filter(&["one two"], Some("^Two three "), &["k=one", "n=7"]);
        let mut words = ["one", "two", "three"].map(hash);
        words.sort_unstable();
        assert_eq!(filter.required_words(), words);
    }

    #[test]
    fn fields_of_sites_and_origins_need_no_text() {
        let filters = || vec!["funcName=work".parse().unwrap(), "process".parse().unwrap()];
        let filter = TextFilter::new(&Query {
            fields: filters(),
            not_fields: filters(),
            ..Query::default()
        });
        assert!(filter.is_empty());
    }

    #[test]
    fn the_task_is_a_field_and_no_searched_text() {
        let texts = [Some("x"), None, None, Some("Task-1")];
        let bytes = texts.map(|text| text.map(str::as_bytes));
        for (phrases, fields, passes) in [
            (&[][..], &["taskName=Task-1", "message=x"][..], true),
            (&[], &["taskName=x"], false),
            (&[], &["exc_text"], false),
            (&["Task"], &[], false),
        ] {
            let filter = filter(phrases, None, fields);
            assert_eq!(filter.wants(&texts, None), passes, "{phrases:?} {fields:?}");
            let text = |i: usize| bytes.get(i).copied().flatten();
            assert!(!passes || filter.may_want(text), "{fields:?}");
        }
    }

    #[test]
    fn what_is_left_out_requires_nothing_and_is_looked_for_everywhere() {
        let filter = TextFilter::new(&Query {
            not_phrases: vec![Phrase::new("time out").unwrap()],
            not_patterns: vec!["^Ada$".parse().unwrap()],
            not_fields: vec!["k=x y".parse().unwrap()],
            ..Query::default()
        });
        assert!(!filter.is_empty());
        assert_eq!(filter.required_words(), [0_u64; 0]);
        let extra = r#"{"k": "x z", "user": "Ada L."}"#;
        for (text, extra, passes) in [
            ("", None, true),
            ("timeout of Ada", Some(extra), true),
            ("a TIME OUT", Some(extra), false),
            ("Ada", None, false),
            ("", Some(r#"{"user": {"name": "Ada"}}"#), false),
            ("", Some(r#"{"user": "\u0041da"}"#), false),
            ("", Some(r#"{"k": "x y"}"#), false),
            ("k=x y", Some(r#"{"other": "x y"}"#), true),
        ] {
            let bytes = [Some(text), None, None, None, extra].map(|text| text.map(str::as_bytes));
            assert!(filter.may_want(|i| bytes[i]), "{text} {extra:?}");
            assert_eq!(
                filter.wants(&[Some(text)], extra),
                passes,
                "{text} {extra:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_record_that_is_wanted_holds_the_required_words(
            texts in prop::collection::vec("[aKkſ\u{212A}Ää_0 \n.\"\\\\-]{0,12}", 2),
            of_extra in any::<bool>(),
            (start, len) in (0..12_usize, 1..8_usize),
            upper in any::<bool>(),
            prefix in any::<bool>(),
        ) {
            // A piece of one of the texts, in another case.
            let piece: String = texts[usize::from(of_extra)].chars().skip(start).take(len).collect();
            let piece = if upper { piece.to_uppercase() } else { piece };
            let phrase = if prefix { Phrase::prefix(&piece) } else { Phrase::new(&piece) };
            prop_assume!(phrase.is_ok());
            let extra = serde_json::json!({"k": {"Ka": texts[1]}}).to_string();
            let query = Query {
                phrases: phrase.into_iter().collect(),
                fields: vec![format!("k.Ka={}", texts[1]).parse().unwrap()],
                ..Query::default()
            };
            let filter = TextFilter::new(&query);
            if filter.wants(&[Some(&texts[0])], Some(&extra)) {
                let mut held = Vec::new();
                each_word(&texts[0], |word| held.push(word));
                each_word_of_json(&extra, |word| held.push(word));
                prop_assert!(filter.required_words().iter().all(|word| held.contains(word)));
            }
        }
    }
}
