//! What is asked of a store, as plain data.

use crate::error::QueryError;
use crate::level::Level;

/// Which records are wanted, in which order and how many. All conditions must hold.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// At least this level.
    pub min_level: Option<Level>,
    /// One of these loggers, or a logger under one: `myapp.area2` takes `myapp.area2.sub`, not `myapp.area21`. None: all.
    pub names: Vec<String>,
    /// `created` at or after this, in nanoseconds since the Unix epoch.
    pub since_ns: Option<i64>,
    /// `created` at or before this, in nanoseconds since the Unix epoch.
    pub until_ns: Option<i64>,
    /// One of these host names. None: all.
    pub hosts: Vec<String>,
    /// One of these processes, by id or by name. None: all.
    pub processes: Vec<String>,
    /// One of these threads, by identifier or by name. None: all.
    pub threads: Vec<String>,
    /// Extra fields that must have these values.
    pub fields: Vec<FieldFilter>,
    /// A pattern that must match somewhere in the message, traceback, stack or a text of the extra fields.
    pub grep: Option<regex::Regex>,
    /// Texts that must all occur in the message, traceback, stack or texts of the extra fields, in any case.
    pub words: Vec<String>,
    /// Only records whose id is greater: what has arrived since.
    pub after_id: Option<i64>,
    /// Only the newest so many.
    pub limit: Option<usize>,
    /// In which order they come.
    pub order: Order,
}

/// The order of an answer, by `created`, then `id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The oldest first, as a log reads.
    #[default]
    OldestFirst,
    /// The newest first.
    NewestFirst,
}

/// An extra field and the value that it must have: `KEY=VALUE`. A dot in the key goes into nested objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldFilter {
    /// The key, with dots for nested objects.
    pub key: String,
    /// The value as text; a number equals any spelling of the same number.
    pub value: String,
}

impl std::str::FromStr for FieldFilter {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(FieldFilter {
                key: key.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err(QueryError::Field {
                text: text.to_owned(),
            }),
        }
    }
}
