//! Why a question could not be understood, or SQL not be answered.

use std::time::Duration;

use super::StoreError;
use crate::level::ParseLevelError;
use crate::time::{Every, display_duration, rfc3339_utc};

/// Why a question could not be understood.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// A level that is none.
    #[error(transparent)]
    Level(#[from] ParseLevelError),
    /// A time that is none.
    #[error(
        "cannot read {text:?} as a time: {reason}{place}\nuse 2026-11-22, '2026-11-22 16:20', RFC 3339, today, yesterday, now, 1h, '30 min ago' or epoch seconds",
        place = marked(text, *at)
    )]
    Time {
        /// What was given.
        text: String,
        /// Where what is wrong begins: an offset in bytes.
        at: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A zone of time that is not known.
    #[error("unknown zone {text:?}; use {}", known_zones())]
    Zone {
        /// What was given.
        text: String,
    },
    /// A length of time that is none.
    #[error(
        "cannot read {text:?} as a length of time: {reason} at position {at}; use 30s, 5m, '5 min', 1h, 1d or 1w"
    )]
    Duration {
        /// What was given.
        text: String,
        /// What is wrong with it.
        reason: String,
        /// Offset in bytes.
        at: usize,
    },
    /// A width that buckets of time cannot have.
    #[error(
        "cannot count in steps of {width}: {reason}; use 30s, 5m, 1h, 1d or 1w",
        width = display_duration(*width_ns)
    )]
    Every {
        /// What was given, in nanoseconds.
        width_ns: i64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// More buckets of time than anybody wants to see.
    #[error(
        "steps of {every} from {first} to {last} are {buckets}, the limit is {limit}; use {fitting} or more, or a shorter span of time",
        first = rfc3339_utc(*first_ns), last = rfc3339_utc(*last_ns)
    )]
    TooManyBuckets {
        /// What was given.
        every: Every,
        /// When the oldest of the records was made, in nanoseconds since the Unix epoch.
        first_ns: i64,
        /// When the newest was made.
        last_ns: i64,
        /// How many buckets that would be.
        buckets: u64,
        /// How many there may be.
        limit: usize,
        /// A width that would do.
        fitting: Every,
    },
    /// More groups than a reader [may count](crate::Reader::with_max_groups).
    #[error(
        "there are more than {limit} groups, or their texts are too long; count by something that has fewer values, or fewer records"
    )]
    TooManyGroups {
        /// How many there may be.
        limit: usize,
    },
    /// A grouping that is nearly one of the known ones.
    #[error(
        "unknown grouping {text:?}; did you mean {known}? An extra field of that name is extra.{text}"
    )]
    NearlyGroup {
        /// What was given.
        text: String,
        /// What it resembles.
        known: &'static str,
    },
    /// A grouping without a name.
    #[error(
        "a grouping is missing; use level, name, host, process, thread, site or the name of an extra field"
    )]
    NoGroup,
    /// A regular expression that is none.
    #[error(
        "cannot read {pattern:?} as a regular expression: {reason}{place}\na backslash makes a character stand for itself: \\( \\[ \\* \\?",
        place = marked(pattern, *at)
    )]
    Pattern {
        /// What was given.
        pattern: String,
        /// Where what is wrong begins: an offset in bytes.
        at: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// A phrase that is none.
    #[error(
        "cannot read the words to search for: {reason}{place}\nuse timeout, \"connection reset\" or the beginning of a word as time*; a quote itself is \\\"",
        place = marked(text, *at)
    )]
    Phrase {
        /// What was given.
        text: String,
        /// Where what is wrong begins: an offset in bytes.
        at: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A condition on a field that is none.
    #[error(
        "cannot read {text:?} as a condition on a field: {reason}{place}\nuse KEY, KEY=VALUE, KEY!=VALUE, KEY>VALUE, >=, <, <= or KEY~REGEX; a dot goes into nested fields: user.id=7",
        place = marked(text, *at)
    )]
    Field {
        /// What was given.
        text: String,
        /// Where what is wrong begins: an offset in bytes.
        at: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A search text that is none.
    #[error("{error}{place}", place = marked_between(text, error.from, error.to))]
    Search {
        /// What was given.
        text: String,
        /// What is wrong with it, and where.
        error: SearchError,
    },
    /// One of the [filters](crate::Filters) cannot be read.
    #[error("{filter}")]
    Filter {
        /// Its name, as `max-level`.
        filter: &'static str,
        /// What is wrong with it.
        source: Box<QueryError>,
    },
    /// Two filters that leave nothing between them.
    #[error("{low} {how} {high}: nothing can be between them")]
    Crossed {
        /// The name of the lower one.
        low: &'static str,
        /// What it is to the other: "is above".
        how: &'static str,
        /// The name of the upper one.
        high: &'static str,
    },
    /// The place of a record that is none.
    #[error(
        "cannot read {text:?} as the place of a record: use created_ns-id, two whole numbers as an answer gives them: 1795407734244875952-17"
    )]
    Key {
        /// What was given.
        text: String,
    },
    /// An output format that is none.
    #[error("unknown output {text:?}; use text, json, csv or logfmt")]
    Output {
        /// What was given.
        text: String,
    },
    /// A `--format` that cannot be used.
    #[error("cannot use the format {format:?}: {reason} at position {at}")]
    Format {
        /// What was given.
        format: String,
        /// What is wrong with it.
        reason: String,
        /// Offset in bytes.
        at: usize,
    },
}

/// Why a [search text](crate::parse_search) could not be understood, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SearchError {
    /// What is wrong, and the way out.
    pub message: String,
    /// Where the wrong part of the text begins, and
    pub from: usize,
    /// where it ends: offsets in units of UTF-16, which are the indices of `JavaScript`'s strings.
    pub to: usize,
}

/// Why SQL was not answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SqlError {
    /// The statement would do anything but read.
    #[error("denied: {what}; SQL here only reads, and the file is open read-only")]
    Denied {
        /// What it would do.
        what: String,
    },
    /// The statement makes no sense to `SQLite`.
    #[error("cannot answer this SQL: {reason}{place}")]
    Statement {
        /// What `SQLite` said.
        reason: String,
        /// Where, when that is known: the line and a caret below it, each behind a line feed.
        place: String,
    },
    /// There is no statement.
    #[error("there is no statement; try SELECT * FROM records LIMIT 10")]
    Empty,
    /// There is more than one statement.
    #[error("there is more than one statement; give one at a time")]
    Several,
    /// The statement has parameters such as `?1`.
    #[error("the statement has parameters ({wanted}) that nothing fills; write the values into it")]
    Parameters {
        /// How many.
        wanted: usize,
    },
    /// The statement took too long.
    #[error("no answer within {timeout:?}; --timeout 10m allows more, --timeout 0 any time")]
    Timeout {
        /// How long it had.
        timeout: Duration,
    },
    /// The file could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Which zones there are to choose from.
fn known_zones() -> &'static str {
    if cfg!(feature = "net") {
        "local, utc or a name of the IANA database, such as Europe/Berlin"
    } else {
        "local or utc"
    }
}

/// The text on a line of its own, and on the next a caret under the character at this offset in bytes.
fn marked(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text).chars().count();
    // A line break or a tab would move the caret away.
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    format!("\n    {line}\n    {:before$}^", "")
}

/// As [`marked`], with a caret under each character between two offsets in units of UTF-16.
fn marked_between(text: &str, from: usize, to: usize) -> String {
    let before = |units: usize| {
        let mut left = units;
        text.chars().take_while(move |c| {
            let is_before = left > 0;
            left = left.saturating_sub(c.len_utf16());
            is_before
        })
    };
    let at = before(from).map(char::len_utf8).sum();
    let width = before(to).count() - before(from).count();
    marked(text, at) + &"^".repeat(width.saturating_sub(1))
}
