//! What must hold for fields.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use super::needle::Needle;
use crate::query::{FieldFilter, FieldTest, Pattern};
use crate::record::extra_at;
use crate::words::words_of;

/// What stands before the key of an extra field that is called as something else is.
const EXTRA: &str = "extra.";

/// A [`FieldFilter`] on an extra field, made ready for many records.
#[derive(Debug, Clone)]
pub(super) struct FieldCheck {
    key: String,
    test: Test,
    /// What JSON holds that passes, as long as nothing in it is escaped.
    needles: Vec<Needle>,
}

/// A [`FieldTest`] made ready for many values.
#[derive(Debug, Clone)]
pub(super) enum Test {
    Present,
    Equals(String),
    NotEquals(String),
    Compares(fn(Ordering) -> bool, Operand),
    Matches(Pattern),
}

#[derive(Debug, Clone)]
pub(super) struct Operand {
    text: String,
    number: Option<Numeric>,
}

impl FieldCheck {
    pub(super) fn new(filter: &FieldFilter) -> Self {
        let mut needles = Vec::new();
        if !filter.key.starts_with(EXTRA) {
            // The first key on the way begins so, whichever of the dots are its own.
            let first = filter.key.split('.').next().unwrap_or_default();
            needles.push(Needle::of_text(&format!("\"{first}")));
        }
        if let FieldTest::Equals(value) = &filter.test
            && is_text_alone(value)
        {
            needles.push(Needle::of_text(value));
        }
        FieldCheck {
            needles,
            key: filter.key.clone(),
            test: Test::new(&filter.test),
        }
    }

    /// Whether the field may be as wanted in JSON in which nothing is escaped.
    pub(super) fn may_hold(&self, json: &[u8]) -> bool {
        self.needles.iter().all(|needle| needle.is_in(json))
    }

    pub(super) fn holds(&self, extra: &Map<String, Value>) -> bool {
        let value =
            extra_at(extra, &self.key).or_else(|| extra_at(extra, self.key.strip_prefix(EXTRA)?));
        value.is_some_and(|value| self.test.holds(value))
    }

    /// Words, folded, that the text of every matching record holds.
    pub(super) fn required_words(&self) -> Vec<String> {
        match &self.test {
            // Only a text is of words, so nothing else may be equal to what was typed.
            Test::Equals(wanted) if is_text_alone(wanted) => words_of(wanted),
            _ => Vec::new(),
        }
    }
}

impl Test {
    pub(super) fn new(test: &FieldTest) -> Self {
        let compares = |holds, text: &String| {
            let operand = Operand {
                text: text.clone(),
                number: Numeric::read(text),
            };
            Test::Compares(holds, operand)
        };
        match test {
            FieldTest::Present => Test::Present,
            FieldTest::Equals(value) => Test::Equals(value.clone()),
            FieldTest::NotEquals(value) => Test::NotEquals(value.clone()),
            FieldTest::Less(value) => compares(Ordering::is_lt, value),
            FieldTest::LessOrEqual(value) => compares(Ordering::is_le, value),
            FieldTest::Greater(value) => compares(Ordering::is_gt, value),
            FieldTest::GreaterOrEqual(value) => compares(Ordering::is_ge, value),
            FieldTest::Matches(pattern) => Test::Matches(pattern.clone()),
        }
    }

    pub(super) fn holds(&self, value: &Value) -> bool {
        match (self, value) {
            (_, Value::String(text)) => self.holds_text(text),
            (Test::Present, _) => true,
            (Test::Equals(wanted), _) => is_value(value, wanted),
            (Test::NotEquals(other), _) => !is_value(value, other),
            (Test::Compares(holds, operand), Value::Number(number)) => {
                let numbers = Numeric::of(number).zip(operand.number);
                let order = numbers.and_then(|(number, operand)| number.compare(operand));
                order.is_some_and(holds)
            }
            (Test::Compares(..), _) => false,
            (Test::Matches(pattern), _) => pattern.is_match(&value.to_string()),
        }
    }

    pub(super) fn holds_text(&self, text: &str) -> bool {
        match self {
            Test::Present => true,
            Test::Equals(wanted) => text == wanted,
            Test::NotEquals(other) => text != other,
            Test::Compares(holds, operand) => compare(text, operand).is_some_and(holds),
            Test::Matches(pattern) => pattern.is_match(text),
        }
    }
}

/// A number as exact as JSON has it: as floats, neighbours past 2^53 would be equal.
#[derive(Debug, Clone, Copy)]
enum Numeric {
    Integer(i128),
    Float(f64),
}

impl Numeric {
    fn read(text: &str) -> Option<Self> {
        let integer = text.parse().ok().map(Numeric::Integer);
        integer.or_else(|| {
            let float = text.parse().ok().filter(|float: &f64| float.is_finite());
            float.map(Numeric::Float)
        })
    }

    fn of(number: &Number) -> Option<Self> {
        let integer = number.as_i128().map(Numeric::Integer);
        integer.or_else(|| number.as_f64().map(Numeric::Float))
    }

    fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Numeric::Integer(one), Numeric::Integer(other)) => Some(one.cmp(&other)),
            _ => self.as_float().partial_cmp(&other.as_float()),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "beside a float, nothing is more exact than one"
    )]
    fn as_float(self) -> f64 {
        match self {
            Numeric::Integer(integer) => integer as f64,
            Numeric::Float(float) => float,
        }
    }
}

/// Whether a value is what was typed, or a list with an element that is.
fn is_value(value: &Value, wanted: &str) -> bool {
    let elements = value.as_array().map(Vec::as_slice).unwrap_or_default();
    is_one_value(value, wanted) || elements.iter().any(|value| is_one_value(value, wanted))
}

/// Whether a value is what was typed: a text by its characters, a number by its value.
fn is_one_value(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted,
        Value::Number(number) => {
            let order = Numeric::of(number)
                .zip(Numeric::read(wanted))
                .and_then(|(number, wanted)| number.compare(wanted));
            order == Some(Ordering::Equal)
        }
        Value::Bool(bool) => wanted.eq_ignore_ascii_case(if *bool { "true" } else { "false" }),
        Value::Null => wanted.eq_ignore_ascii_case("null") || wanted == "None",
        Value::Array(_) | Value::Object(_) => {
            serde_json::from_str::<Value>(wanted).is_ok_and(|wanted| wanted == *value)
        }
    }
}

/// Whether no value but a text [is](is_value) what was typed.
fn is_text_alone(wanted: &str) -> bool {
    let word = |word| wanted.eq_ignore_ascii_case(word);
    !["true", "false", "null", "none"].into_iter().any(word)
        && Numeric::read(wanted).is_none()
        && serde_json::from_str::<Value>(wanted).is_err()
}

/// Numbers that are texts by value; else texts by characters.
fn compare(text: &str, operand: &Operand) -> Option<Ordering> {
    match Numeric::read(text).zip(operand.number) {
        Some((number, operand)) => number.compare(operand),
        None => Some(text.cmp(&operand.text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(filter: &str) -> FieldCheck {
        FieldCheck::new(&filter.parse().unwrap())
    }

    #[test]
    fn a_field_equals_any_spelling_of_its_value() {
        assert!(is_value(&json!(5), "5") && is_value(&json!(5), "5.0"));
        assert!(is_value(&json!(0.1), "1e-1"));
        let large = json!(1_234_567_890_123_456_789_i64);
        assert!(
            is_value(&large, "1234567890123456789") && !is_value(&large, "1234567890123456788")
        );
        assert!(is_value(&json!(true), "True") && is_value(&json!(null), "None"));
        assert!(is_value(&json!([1, 2]), "[1,2]"));
        assert!(!is_value(&json!("5.0"), "5") && !is_value(&json!(5), "five"));
    }

    #[test]
    fn numbers_compare_by_value_and_texts_by_characters() {
        for (value, less, greater) in [
            (
                json!(5),
                &["k<5.5", "k<=5", "k<1e2"][..],
                &["k>-1", "k>=5.0"][..],
            ),
            (json!(1.5), &["k<2"], &["k>1"]),
            (json!("12.50"), &["k<100"], &["k>5"]),
            (
                json!(9_007_199_254_740_993_i64),
                &["k<9007199254740994"],
                &["k>9007199254740992"],
            ),
            (json!(u64::MAX), &["k<18446744073709551616"], &["k>0"]),
            (
                json!("2026-11-22T16:20:25Z"),
                &["k<2026-11-23", "k<2026-11-22T17"],
                &["k>2026-11-22", "k>2026"],
            ),
            (json!("beta"), &["k<gamma"], &["k>alpha", "k>5"]),
        ] {
            for holds in less.iter().chain(greater) {
                assert!(check(holds).test.holds(&value), "{value}: {holds}");
                let turned = if holds.contains("<=") {
                    holds.replace("<=", ">")
                } else if holds.contains(">=") {
                    holds.replace(">=", "<")
                } else if holds.contains('<') {
                    holds.replace('<', ">=")
                } else {
                    holds.replace('>', "<=")
                };
                assert!(!check(&turned).test.holds(&value), "{value}: {turned}");
            }
        }
    }

    #[test]
    fn a_list_has_the_values_of_its_elements() {
        let list = json!(["a b", 7, null, ["c"], true]);
        for (wanted, is) in [
            ("a b", true),
            ("7.0", true),
            ("None", true),
            ("TRUE", true),
            ("[\"c\"]", true),
            ("[\"a b\",7,null,[\"c\"],true]", true),
            ("c", false),
            ("a", false),
            ("[]", false),
        ] {
            assert_eq!(
                check(&format!("k={wanted}")).test.holds(&list),
                is,
                "{wanted}"
            );
            assert_eq!(
                check(&format!("k!={wanted}")).test.holds(&list),
                !is,
                "{wanted}"
            );
        }
    }

    #[test]
    fn an_extra_field_is_meant_in_any_case_behind_extra() {
        let extra = json!({"module": "m", "extra": {"a": 1, "module": "n"}, "user": {"id": 7}});
        let extra = extra.as_object().unwrap();
        for (filter, holds) in [
            ("extra.module=n", true),
            ("extra.module=m", false),
            ("extra.extra.module=n", true),
            ("extra.user.id=7", true),
            ("extra.a=1", true),
            ("extra.b", false),
        ] {
            assert_eq!(check(filter).holds(extra), holds, "{filter}");
            assert!(check(filter).may_hold(b"{\"module\":\"m n\"}"));
        }
        let extra = json!({"module": "m"});
        assert!(check("extra.module=m").holds(extra.as_object().unwrap()));
    }

    #[test]
    fn what_has_no_order_is_neither_less_nor_greater() {
        for value in [
            json!(null),
            json!(true),
            json!([1]),
            json!({"a": 1}),
            json!(7),
        ] {
            for filter in ["k<x", "k>x", "k<=true", "k>=true", "k<NaN", "k>=NaN"] {
                assert!(!check(filter).test.holds(&value), "{value}: {filter}");
            }
        }
    }

    #[test]
    fn a_pattern_sees_texts_and_the_json_of_anything_else() {
        assert!(check("k~^/api").test.holds(&json!("/api/v1")));
        assert!(!check("k~^/API").test.holds(&json!("/api/v1")));
        assert!(check("k~^5..$").test.holds(&json!(503)));
        assert!(check("k~^true$").test.holds(&json!(true)));
        assert!(check("k~\"x\",1").test.holds(&json!(["x", 1])));
    }

    #[test]
    fn words_are_required_when_only_a_text_can_be_equal() {
        assert_eq!(check("k=Ada L.").required_words(), ["ada", "l"]);
        assert_eq!(check("k=/api/v1").required_words(), ["api", "v1"]);
        for filter in [
            "k=7",
            "k=-1e5",
            "k=+7",
            "k= 7 ",
            "k=TRUE",
            "k=None",
            "k=null",
            "k=NONE",
            "k=[\"a\"]",
            "k={\"a\": 1}",
            "k=\"a\"",
            "k!=a",
            "k~a",
            "k>a",
            "k",
            "k=",
        ] {
            assert_eq!(check(filter).required_words(), [""; 0], "{filter}");
        }
    }
}
