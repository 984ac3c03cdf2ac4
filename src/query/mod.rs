//! What is asked of a store, as plain data.

mod context;
mod field;
mod filters;
mod key;
mod pattern;
mod phrase;
mod required;
mod search;

pub use context::{Context, ContextOf, ContextRecord, Role};
pub use field::{FieldFilter, FieldTest};
pub use filters::Filters;
pub use key::RecordKey;
pub use pattern::{Case, Pattern};
pub use phrase::Phrase;
pub use search::parse_search;
#[cfg(feature = "net")]
pub(crate) use search::parse_search_within;

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
    /// None of these levels.
    pub not_levels: Vec<Level>,
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
    /// None of these host names; written as [`hosts`](Self::hosts) are. A record that has none passes.
    pub not_hosts: Vec<String>,
    /// None of these processes; written as [`processes`](Self::processes) are. A record that has none passes.
    pub not_processes: Vec<String>,
    /// None of these threads; written as [`threads`](Self::threads) are. A record that has none passes.
    pub not_threads: Vec<String>,
    /// What must hold for fields, the record's own or extra ones.
    pub fields: Vec<FieldFilter>,
    /// What may hold for none of the fields: a record without the key passes.
    pub not_fields: Vec<FieldFilter>,
    /// A pattern that must match somewhere in the message, traceback, stack or a text of the extra fields.
    pub grep: Option<Pattern>,
    /// Phrases that must each occur in the message, traceback, stack or a text of the extra fields.
    pub phrases: Vec<Phrase>,
    /// Patterns that may match in none of the texts that [`grep`](Self::grep) looks into.
    pub not_patterns: Vec<Pattern>,
    /// Phrases that may occur in none of them.
    pub not_phrases: Vec<Phrase>,
    /// Only records whose id is greater: what has arrived since.
    pub after_id: Option<i64>,
    /// Only records before this one in time order: older ones, and of its own time those with a smaller id.
    pub before: Option<RecordKey>,
    /// Only records behind this one in time order.
    pub after: Option<RecordKey>,
    /// What else must hold: the conditions of all of these. Their limits and orders say nothing.
    pub also: Vec<Query>,
    /// Only so many.
    pub limit: Option<usize>,
    /// Which of more records the limit takes.
    pub limit_to: LimitTo,
    /// In which order they come.
    pub order: Order,
}

/// Which records a [`limit`](Query::limit) takes when there are more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LimitTo {
    /// The newest: the last ones, or those nearest [before](Query::before) a record.
    #[default]
    Newest,
    /// The oldest: the first ones, or those nearest [after](Query::after) a record.
    Oldest,
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

impl Query {
    /// What both want: the conditions of either must hold. Limit and order stay.
    ///
    /// ```
    /// use logstore::{Level, Query};
    ///
    /// let names = |name: &str| Query { names: vec![name.into()], ..Query::default() };
    /// let both = names("myapp").and(Query { min_level: Some(Level::WARNING), ..names("*.db") });
    /// assert_eq!(both.min_level, Some(Level::WARNING));
    /// assert_eq!((&both.names[0][..], &both.also[0].names[0][..]), ("myapp", "*.db"));
    /// ```
    #[must_use]
    pub fn and(mut self, mut other: Query) -> Query {
        fn narrow<T: Ord>(one: &mut Option<T>, other: &mut Option<T>, narrower: fn(T, T) -> T) {
            *one = match (one.take(), other.take()) {
                (Some(one), Some(other)) => Some(narrower(one, other)),
                (one, other) => one.or(other),
            };
        }
        /// Alternatives of both cannot be told as alternatives of one.
        fn join<T>(one: &mut Vec<T>, other: &mut Vec<T>) -> bool {
            if one.is_empty() {
                one.append(other);
            }
            other.is_empty()
        }
        narrow(&mut self.min_level, &mut other.min_level, Ord::max);
        narrow(&mut self.max_level, &mut other.max_level, Ord::min);
        narrow(&mut self.since_ns, &mut other.since_ns, Ord::max);
        narrow(&mut self.until_ns, &mut other.until_ns, Ord::min);
        narrow(&mut self.after_id, &mut other.after_id, Ord::max);
        narrow(&mut self.after, &mut other.after, Ord::max);
        narrow(&mut self.before, &mut other.before, Ord::min);
        self.not_levels.append(&mut other.not_levels);
        self.not_names.append(&mut other.not_names);
        self.not_hosts.append(&mut other.not_hosts);
        self.not_processes.append(&mut other.not_processes);
        self.not_threads.append(&mut other.not_threads);
        self.fields.append(&mut other.fields);
        self.not_fields.append(&mut other.not_fields);
        self.phrases.append(&mut other.phrases);
        self.not_phrases.append(&mut other.not_phrases);
        self.not_patterns.append(&mut other.not_patterns);
        self.also.append(&mut other.also);
        if self.grep.is_none() {
            self.grep = other.grep.take();
        }
        let joined = [
            join(&mut self.exact_levels, &mut other.exact_levels),
            join(&mut self.names, &mut other.names),
            join(&mut self.hosts, &mut other.hosts),
            join(&mut self.processes, &mut other.processes),
            join(&mut self.threads, &mut other.threads),
            other.grep.is_none(),
        ];
        if joined.contains(&false) {
            self.also.push(other);
        }
        self
    }

    /// This query and all that must hold besides.
    pub(crate) fn parts(&self) -> Vec<&Query> {
        let mut parts = vec![self];
        let mut at = 0;
        while let Some(part) = parts.get(at) {
            let also = &part.also;
            parts.extend(also);
            at += 1;
        }
        parts
    }

    /// In which order the records are found that the limit takes.
    pub(crate) fn search_order(&self) -> Order {
        match (self.limit, self.limit_to) {
            (None, _) => self.order,
            (Some(_), LimitTo::Newest) => Order::NewestFirst,
            (Some(_), LimitTo::Oldest) => Order::OldestFirst,
        }
    }
}
