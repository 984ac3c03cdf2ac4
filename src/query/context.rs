//! The records around those that a query wants, as plain data.

use crate::record::StoredRecord;

/// How many records are wanted around each match, and whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Context {
    /// How many that are older than the match.
    pub before: usize,
    /// How many that are newer.
    pub after: usize,
    /// Whose records count.
    pub of: ContextOf,
}

/// Whose records are the context of a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContextOf {
    /// Those of its [`Origin`](crate::Origin): the same thread of the same process.
    #[default]
    SameOrigin,
    /// Those of everybody.
    Any,
}

/// A record of an answer with context.
#[derive(Debug, Clone, PartialEq)]
pub struct ContextRecord {
    /// The record.
    pub stored: StoredRecord,
    /// What it is there for.
    pub role: Role,
    /// The number of its group in the answer, from 1. A group is a run of records with no other between them.
    pub group: u64,
}

/// What a record of an answer with context is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The query wants it.
    Match,
    /// It is near one that the query wants.
    Context,
}
