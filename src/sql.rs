//! An answer to SQL, as plain data.

use std::borrow::Cow;
use std::time::Duration;

/// How a statement is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SqlOptions {
    /// After how long it is given up; `None`: never.
    pub timeout: Option<Duration>,
}

/// One row of an answer.
#[derive(Debug, Clone, Copy)]
pub struct SqlRow<'a> {
    /// The names of the columns as `SQLite` gives them: two may be the same.
    pub columns: &'a [String],
    /// A value for each column.
    pub values: &'a [SqlValue<'a>],
}

/// A value of one of the five types that `SQLite` knows.
#[derive(Debug, Clone, PartialEq)]
pub enum SqlValue<'a> {
    /// NULL.
    Null,
    /// An integer.
    Integer(i64),
    /// A floating-point number, perhaps infinite, never NaN.
    Real(f64),
    /// A text. What is no UTF-8 in it has been replaced.
    Text(Cow<'a, str>),
    /// Bytes.
    Blob(&'a [u8]),
}
