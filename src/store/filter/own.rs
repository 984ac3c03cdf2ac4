//! Conditions on a record's own fields, by their keys in `logstore query -o json`.

use serde_json::Value;

use super::field::Test;
use super::needle::Needle;
use crate::query::{FieldFilter, FieldTest, Pattern, Query};
use crate::record::{Origin, Site};
use crate::words::words_of;

/// The value of a key in a row of one of the two dictionary tables; `None` when the client did not say.
type ValueOf<T> = fn(&T) -> Option<Value>;

/// Where the value of a key is.
pub(super) enum Holder {
    Site(ValueOf<Site>),
    Origin(ValueOf<Origin>),
    /// At this place among the texts of the record's row.
    Row(usize),
    /// In the JSON of the extra fields.
    Extra,
}

/// How many of the texts of a row are searched and indexed: message, traceback and stack. The task's name, which is behind them, is not.
pub(super) const SEARCHED: usize = 3;

/// Where the value of this key is. An extra field of the same name as one of the record's own is not what is meant.
pub(super) fn holder(key: &str) -> Holder {
    match key {
        "name" => Holder::Site(|site| said(&site.name)),
        "levelno" => Holder::Site(|site| Some(site.level.0.into())),
        "levelname" => Holder::Site(|site| said(&site.level_name)),
        "pathname" => Holder::Site(|site| said(&site.pathname)),
        "filename" => Holder::Site(|site| said(site.filename())),
        "module" => Holder::Site(|site| said(site.module())),
        "lineno" => Holder::Site(|site| site.lineno.map(Value::from)),
        "funcName" => Holder::Site(|site| said(&site.func_name)),
        "hostname" => Holder::Origin(|origin| said(&origin.hostname)),
        "process" => Holder::Origin(|origin| origin.process.map(Value::from)),
        "processName" => Holder::Origin(|origin| said(&origin.process_name)),
        "thread" => Holder::Origin(|origin| origin.thread.map(Value::from)),
        "threadName" => Holder::Origin(|origin| said(&origin.thread_name)),
        "message" => Holder::Row(0),
        "exc_text" => Holder::Row(1),
        "stack_info" => Holder::Row(2),
        "taskName" => Holder::Row(SEARCHED),
        _ => Holder::Extra,
    }
}

/// In a site or an origin, an empty text means that the client did not say.
fn said(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| text.into())
}

/// What a query asks of the rows of one of the two dictionary tables by the names of their fields.
pub(super) struct RowChecks<T> {
    all: Vec<(ValueOf<T>, Test)>,
    none: Vec<(ValueOf<T>, Test)>,
}

impl<T> RowChecks<T> {
    /// `of` picks the keys of the table.
    pub(super) fn new(query: &Query, of: fn(Holder) -> Option<ValueOf<T>>) -> Self {
        let parts = query.parts();
        let check =
            |filter: &FieldFilter| Some((of(holder(&filter.key))?, Test::new(&filter.test)));
        let all = parts.iter().flat_map(|part| &part.fields);
        let none = parts.iter().flat_map(|part| &part.not_fields);
        RowChecks {
            all: all.filter_map(check).collect(),
            none: none.filter_map(check).collect(),
        }
    }

    /// Whether every row passes.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty() && self.none.is_empty()
    }

    pub(super) fn pass(&self, row: &T) -> bool {
        let holds =
            |(value, test): &(ValueOf<T>, Test)| value(row).is_some_and(|value| test.holds(&value));
        self.all.iter().all(holds) && !self.none.iter().any(holds)
    }
}

/// A condition on one of the texts of a record's row.
#[derive(Debug, Clone)]
pub(super) struct TextCheck {
    place: usize,
    test: Test,
    /// What every text that passes holds.
    needle: Needle,
}

impl TextCheck {
    /// `None` when the condition is on something else.
    pub(super) fn new(filter: &FieldFilter) -> Option<Self> {
        let Holder::Row(place) = holder(&filter.key) else {
            return None;
        };
        Some(TextCheck {
            place,
            test: Test::new(&filter.test),
            needle: match &filter.test {
                FieldTest::Equals(value) => Needle::of_text(value),
                FieldTest::Matches(pattern) => Needle::of_pattern(pattern),
                _ => Needle::Any,
            },
        })
    }

    /// Whether the text may be as wanted, by its bytes.
    pub(super) fn may_hold<'t>(&self, text: impl Fn(usize) -> Option<&'t [u8]>) -> bool {
        text(self.place).is_some_and(|text| self.needle.is_in(text))
    }

    pub(super) fn holds(&self, texts: &[Option<&str>]) -> bool {
        let text = texts.get(self.place).copied().flatten();
        text.is_some_and(|text| self.test.holds_text(text))
    }

    /// Words, folded, that the indexed texts of every matching record hold.
    pub(super) fn required_words(&self) -> Vec<String> {
        match &self.test {
            _ if self.place >= SEARCHED => Vec::new(),
            Test::Equals(wanted) => words_of(wanted),
            Test::Matches(pattern) => Pattern::required_words(pattern),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        Site {
            other_module: Some("other".into()),
            ..Site::new("live", crate::level::Level(35)).at("/srv/jobs/pipe.py", 70, "work")
        }
    }

    fn passes(query: &Query) -> bool {
        let checks = RowChecks::new(query, |holder| match holder {
            Holder::Site(value) => Some(value),
            _ => None,
        });
        checks.pass(&site())
    }

    #[test]
    fn keys_of_a_site_are_compared_as_extra_fields_are() {
        for (filter, holds) in [
            ("funcName=work", true),
            ("funcName=wor", false),
            ("lineno>9", true),
            ("lineno=7e1", true),
            ("lineno~^7", true),
            ("filename=pipe.py", true),
            ("module=other", true),
            ("module=pipe", false),
            ("pathname~jobs", true),
            ("name=live", true),
            ("levelno>=35.5", false),
            ("levelname!=x", true),
            ("levelname=Level 35", true),
        ] {
            let filters = vec![filter.parse().unwrap()];
            let asked = Query {
                fields: filters.clone(),
                ..Query::default()
            };
            let left_out = Query {
                not_fields: filters,
                ..Query::default()
            };
            assert_eq!(passes(&asked), holds, "{filter}");
            assert_eq!(passes(&left_out), !holds, "-{filter}");
        }
    }

    #[test]
    fn what_the_client_did_not_say_is_not_there() {
        for key in ["hostname", "process", "processName", "thread", "threadName"] {
            let Holder::Origin(value) = holder(key) else {
                panic!("{key}")
            };
            assert_eq!(value(&Origin::default()), None, "{key}");
        }
        for key in [
            "name",
            "levelname",
            "pathname",
            "filename",
            "module",
            "lineno",
            "funcName",
        ] {
            let Holder::Site(value) = holder(key) else {
                panic!("{key}")
            };
            let mut site = Site::new("", crate::level::Level::INFO);
            site.level_name.clear();
            assert_eq!(value(&site), None, "{key}");
        }
    }

    #[test]
    fn words_of_indexed_texts_are_required() {
        for (filter, words) in [
            ("message=7 Failed", &["7", "failed"][..]),
            ("exc_text~^Key Error ", &["key", "error"]),
            ("stack_info=true", &["true"]),
            ("taskName=Task-1", &[]),
            ("message!=x", &[]),
            ("message>x", &[]),
        ] {
            let check = TextCheck::new(&filter.parse().unwrap()).unwrap();
            assert_eq!(check.required_words(), words, "{filter}");
        }
    }
}
