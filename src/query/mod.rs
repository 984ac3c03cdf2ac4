//! What is asked of a store, as plain data.

mod context;
mod field;
mod filters;
mod pattern;
mod phrase;
mod required;

pub use context::{Context, ContextOf, ContextRecord, Role};
pub use field::{FieldFilter, FieldTest};
pub use filters::Filters;
pub use pattern::{Case, Pattern};
pub use phrase::Phrase;

use crate::level::Level;

/// Which records are wanted, in which order and how many. All conditions must hold.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// At least this level.
    pub min_level: Option<Level>,
    /// At most this level.
    pub max_level: Option<Level>,
    /// One of these levels. None: all.
    pub exact_levels: Vec<Level>,
    /// One of these loggers, or a logger under one: `myapp.area2` takes `myapp.area2.sub`, not `myapp.area21`. A `*` is any run of
    /// characters, dots included: `*.db` takes `myapp.db` and `myapp.db.pool`. None: all.
    pub names: Vec<String>,
    /// None of these loggers, nor one under them; written as [`names`](Self::names) are.
    pub not_names: Vec<String>,
    /// `created` at or after this, in nanoseconds since the Unix epoch.
    pub since_ns: Option<i64>,
    /// `created` at or before this, in nanoseconds since the Unix epoch.
    pub until_ns: Option<i64>,
    /// One of these host names; a `*` is any run of characters. None: all.
    pub hosts: Vec<String>,
    /// One of these processes, by id or by name; a `*` is any run of characters. None: all.
    pub processes: Vec<String>,
    /// One of these threads, by identifier or by name; a `*` is any run of characters. None: all.
    pub threads: Vec<String>,
    /// What must hold for extra fields.
    pub fields: Vec<FieldFilter>,
    /// A pattern that must match somewhere in the message, traceback, stack or a text of the extra fields.
    pub grep: Option<Pattern>,
    /// Phrases that must each occur in the message, traceback, stack or a text of the extra fields.
    pub phrases: Vec<Phrase>,
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
