//! Conditions on fields, as they are typed: `user.id=7`, `ms>=1500`, `path~^/api`, `funcName=work`.

use std::str::FromStr;

use super::pattern::{Case, Pattern};
use crate::error::QueryError;

/// A field and what must hold for it.
///
/// These keys are the record's own fields, as JSON and the view `records` name them: `name`, `levelno`, `levelname`, `message`,
/// `hostname`, `process`, `processName`, `thread`, `threadName`, `taskName`, `pathname`, `filename`, `module`, `lineno`, `funcName`,
/// `exc_text`, `stack_info`. Any other key is that of an extra field, and so is what stands behind `extra.`: `extra.module` is one
/// that the client called `module`.
///
/// ```
/// use logstore::{FieldFilter, FieldTest};
///
/// let filter: FieldFilter = "user.id=7".parse()?;
/// assert_eq!(filter.key, "user.id");
/// assert!(matches!(filter.test, FieldTest::Equals(value) if value == "7"));
/// # Ok::<(), logstore::QueryError>(())
/// ```
#[derive(Debug, Clone)]
pub struct FieldFilter {
    /// The key, with dots for nested objects.
    pub key: String,
    /// What must hold for the key's value. Nothing holds for a key that is not there, or of which the client did not say the value.
    pub test: FieldTest,
}

/// What must hold for the value of a field.
///
/// Two numbers are compared by value, also when one is the text of a number; anything else that a text is compared with, by
/// characters, which puts times of RFC 3339 in their order. What has no order, such as a list, is neither less nor greater.
#[derive(Debug, Clone)]
pub enum FieldTest {
    /// The key is there, with any value: `key`.
    Present,
    /// `key=value`: a text by its characters, a number by its value in any spelling, a list or an object as JSON; of a list also any of
    /// its elements.
    Equals(String),
    /// `key!=value`: the key is there, and `key=value` does not hold.
    NotEquals(String),
    /// `key<value`.
    Less(String),
    /// `key<=value`.
    LessOrEqual(String),
    /// `key>value`.
    Greater(String),
    /// `key>=value`.
    GreaterOrEqual(String),
    /// `key~regex`: the pattern matches in the text, or in the JSON of what is no text.
    Matches(Pattern),
}

/// Longer ones first: `>=` is not `>`.
const OPERATORS: [&str; 7] = ["!=", ">=", "<=", "=", ">", "<", "~"];

impl FromStr for FieldFilter {
    type Err = QueryError;

    /// Reads a key, and the operator that comes first in the text with its value.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        FieldFilter::within(Pattern::SIZE_LIMIT, text)
    }
}

impl FieldFilter {
    /// As [`FieldFilter::from_str`], with a bound for the pattern, see [`Pattern::within`].
    pub(crate) fn within(pattern_limit: usize, text: &str) -> Result<Self, QueryError> {
        let wrong = |at, reason| {
            Err(QueryError::Field {
                text: text.to_owned(),
                at,
                reason,
            })
        };
        let operator = text.char_indices().find_map(|(at, _)| {
            let operator = OPERATORS.iter().find(|op| text[at..].starts_with(**op));
            operator.map(|operator| (at, *operator))
        });
        let (at, operator) = operator.unwrap_or((text.len(), ""));
        let (key, value) = (&text[..at], &text[at + operator.len()..]);
        if key.is_empty() {
            return wrong(0, "there is no key");
        }
        if operator == "~" && key.ends_with('!') {
            return wrong(at - 1, "!~ is no operator");
        }
        if operator.starts_with(['<', '>']) && value.is_empty() {
            return wrong(text.len(), "there is nothing to compare with");
        }
        let operand = value.to_owned();
        Ok(FieldFilter {
            key: key.to_owned(),
            test: match operator {
                "=" => FieldTest::Equals(operand),
                "!=" => FieldTest::NotEquals(operand),
                "<" => FieldTest::Less(operand),
                "<=" => FieldTest::LessOrEqual(operand),
                ">" => FieldTest::Greater(operand),
                ">=" => FieldTest::GreaterOrEqual(operand),
                "~" => FieldTest::Matches(Pattern::within(pattern_limit, value, Case::Minded)?),
                _ => FieldTest::Present,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_operator_counts() {
        for (text, key, test) in [
            ("a", "a", "Present"),
            ("a!b", "a!b", "Present"),
            ("a=b", "a", "Equals(\"b\")"),
            ("a=", "a", "Equals(\"\")"),
            ("a=b>=c", "a", "Equals(\"b>=c\")"),
            ("a!=b=c", "a", "NotEquals(\"b=c\")"),
            ("a.b<5", "a.b", "Less(\"5\")"),
            ("a<=5", "a", "LessOrEqual(\"5\")"),
            ("ä>-5", "ä", "Greater(\"-5\")"),
            ("a>=5", "a", "GreaterOrEqual(\"5\")"),
        ] {
            let filter: FieldFilter = text.parse().unwrap();
            assert_eq!(
                (filter.key.as_str(), format!("{:?}", filter.test).as_str()),
                (key, test),
                "{text}"
            );
        }
        let filter: FieldFilter = "a~x=y".parse().unwrap();
        let FieldTest::Matches(pattern) = filter.test else {
            panic!("{:?}", filter.test);
        };
        assert_eq!(pattern.as_str(), "x=y");
    }

    #[test]
    fn a_condition_that_cannot_be_read_is_told_with_its_place() {
        for (text, place, reason) in [
            ("", 0, "there is no key"),
            ("=7", 0, "there is no key"),
            ("~x", 0, "there is no key"),
            ("a!~x", 1, "!~ is no operator"),
            ("a.b>=", 5, "there is nothing to compare with"),
        ] {
            let error = text.parse::<FieldFilter>().unwrap_err();
            let expected = QueryError::Field {
                text: text.into(),
                at: place,
                reason,
            };
            assert_eq!(error, expected);
        }
        let error = "a~(".parse::<FieldFilter>().unwrap_err().to_string();
        assert!(error.contains("\n    (\n    ^\n"), "{error}");
    }
}
