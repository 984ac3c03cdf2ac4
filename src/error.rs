//! What can go wrong, and what to do about it: one enum for each family of operations, joined in [`Error`].

use std::path::PathBuf;
use std::time::Duration;

use crate::level::ParseLevelError;
use crate::time::{Every, display_duration, rfc3339_utc};

/// Any error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Bytes from the wire could not be understood.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// The database file could not be opened, written or read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record could not be queued, or what was queued could not be stored.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// A question could not be understood.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// SQL could not be answered.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The server could not be set up.
    #[cfg(feature = "net")]
    #[error(transparent)]
    Server(#[from] ServerError),
}

/// An error with all its causes, on one line: what was being done, then why it failed.
///
/// A cause that only repeats what was said before is left out: `rusqlite` gives every reason twice.
#[must_use]
pub fn describe(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let reason = error.to_string();
        let known = text
            .rsplit(": ")
            .next()
            .is_some_and(|said| reason.ends_with(said));
        if !known {
            text.push_str(": ");
            text.push_str(&reason);
        }
        cause = error.source();
    }
    text
}

/// Why bytes from the wire gave no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// A frame is longer than the limit. It is passed over.
    #[error(
        "a frame of {claimed} bytes is over the limit of {limit}; raise --frame-limit to take such frames"
    )]
    FrameTooLong {
        /// The length in the frame's header, in bytes.
        claimed: u64,
        /// The limit in force, in bytes.
        limit: usize,
    },
    /// What came is no frame at all: its first bytes would be a length that no frame has.
    #[error("{found}, not the frame of a Python SocketHandler; the connection was closed")]
    NotAFrame {
        /// What it looks like.
        found: &'static str,
    },
    /// All connections together hold more of incomplete frames than the server keeps.
    #[error(
        "incomplete frames of all connections are over {limit} bytes; the connection was closed"
    )]
    TooManyPartialFrames {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The connection ended inside a frame.
    #[error("the connection ended after {got} of {expected} bytes of a frame")]
    PartialFrame {
        /// How many bytes of the frame, its header included, had arrived.
        got: usize,
        /// How many it should have had; 4 when even the length was cut.
        expected: usize,
    },
    /// The bytes are no pickle, or one that stops short.
    #[error("not a pickled record: {reason} at byte {at}")]
    Pickle {
        /// What was wrong.
        reason: &'static str,
        /// Offset into the frame's payload.
        at: usize,
    },
    /// The record's texts are larger than any store takes, which takes a frame of many megabytes full of bytes to be escaped.
    #[error("a record of {bytes} bytes is larger than the limit of {limit}")]
    RecordTooLarge {
        /// The record's size in bytes.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The pickle is sound but holds something else than a record's dict.
    #[error("the pickle holds {found}, not the dict of a LogRecord")]
    NotARecord {
        /// What it holds instead.
        found: &'static str,
    },
}

/// Why the database file could not be opened, written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no such file.
    #[error("no database at {path}; `logstore serve --db {path}` makes one, --db names another", path = path.display())]
    Missing {
        /// The file asked for.
        path: PathBuf,
    },
    /// There is no such directory to make the file in.
    #[error("cannot make {path}: there is no directory {directory}; make it, or name another file with --db", path = path.display(), directory = directory.display())]
    NoDirectory {
        /// The file asked for.
        path: PathBuf,
        /// The directory it would be in.
        directory: PathBuf,
    },
    /// The file is something else than a logstore database.
    #[error("cannot open {path}: {found}, not a logstore database; name another file with --db", path = path.display())]
    Foreign {
        /// The file asked for.
        path: PathBuf,
        /// What it seems to be.
        found: String,
    },
    /// The file was written by the ancestor, `dagrunner.utils.logger`.
    #[error(
        "cannot open {path}: it was written by dagrunner's logger (table logs); it is left as it is. \
         Log to a new file; `logstore import {path}` will take the old records over in a later version",
        path = path.display()
    )]
    Ancestor {
        /// The file asked for.
        path: PathBuf,
    },
    /// The file was written by a newer logstore.
    #[error(
        "cannot open {path}: it holds schema {found}, this logstore knows up to {known}; use a newer logstore",
        path = path.display()
    )]
    NewerSchema {
        /// The file asked for.
        path: PathBuf,
        /// The file's schema number.
        found: i64,
        /// The highest schema number that this program knows.
        known: i64,
    },
    /// Another process holds the file's write lock.
    #[error("{path} is locked by another process for longer than {waited:?}; stop that process or try again", path = path.display())]
    Busy {
        /// The file.
        path: PathBuf,
        /// How long was waited.
        waited: Duration,
    },
    /// What the file holds makes no sense to `SQLite`.
    #[error("cannot {doing} {path}: the file is damaged; `sqlite3 {path} .recover` saves what can still be read", path = path.display())]
    Damaged {
        /// What was being done, as a verb that a path can follow: "open", "write to".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What `SQLite` said.
        source: rusqlite::Error,
    },
    /// The system does not let this user write to the file, or to one of those that `SQLite` keeps beside it.
    #[error("cannot write to {path}: give this user the right to write to {file}", path = path.display(), file = file.display())]
    Permission {
        /// The database file.
        path: PathBuf,
        /// The file that cannot be written: itself, or its `-wal` or `-shm`.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// `SQLite` reported an error.
    #[error("cannot {doing} {path}", path = path.display())]
    Sqlite {
        /// What was being done, as a verb that a path can follow: "open", "write to".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What `SQLite` said.
        source: rusqlite::Error,
    },
    /// No reader connection could be had from the pool.
    #[error("cannot open another reader of {path}", path = path.display())]
    Pool {
        /// The file.
        path: PathBuf,
        /// What the pool said.
        source: r2d2::Error,
    },
    /// The operating system reported an error.
    #[error("cannot {doing} {path}", path = path.display())]
    Io {
        /// What was being done, as a verb that a path can follow.
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl StoreError {
    /// Whether the system, or `SQLite` for it, did not allow what was tried.
    pub(crate) fn is_for_want_of_rights(&self) -> bool {
        let StoreError::Sqlite { source, .. } = self else {
            return false;
        };
        matches!(
            source.sqlite_error_code(),
            Some(rusqlite::ErrorCode::ReadOnly | rusqlite::ErrorCode::CannotOpen)
        )
    }
}

/// Why a record was not queued, or what was queued is not stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueueError {
    /// The handler has been closed.
    #[error("the handler is closed; the record was not queued")]
    Closed,
    /// The record is too large for any store.
    #[error("a record of {bytes} bytes was not queued; the limit is {limit}")]
    RecordTooLarge {
        /// The record's size in bytes.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The store refuses what was queued. It stays queued and is tried again.
    #[error("{queued} records wait to be stored: {reason}")]
    Stalled {
        /// How many records wait.
        queued: u64,
        /// What the store said last.
        reason: String,
    },
    /// The handler was closed while the store refused what was queued.
    #[error("{failed} records could not be stored before the handler was closed: {reason}")]
    Lost {
        /// How many records were given up.
        failed: u64,
        /// What the store said last.
        reason: String,
    },
    /// The writer thread could not be started.
    #[error("cannot start the writer thread")]
    Thread(#[source] std::io::Error),
    /// The writer thread ended without being asked to.
    #[error("the writer thread has stopped unexpectedly")]
    WriterGone,
}

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

/// Why the server could not be set up.
#[cfg(feature = "net")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// The host's name gives no address.
    #[error(
        "cannot find the address of host {host:?}; use an address of this machine such as 127.0.0.1 or ::1, and --port for the port"
    )]
    Host {
        /// What was given.
        host: String,
        /// What the resolver said.
        source: std::io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {host}:{port}{way_out}", way_out = listen_way_out(source, *port))]
    Listen {
        /// The host that was given.
        host: String,
        /// The port that was given.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// A thread or its event loop could not be started.
    #[error("cannot start the receiver thread")]
    Thread(#[source] std::io::Error),
}

#[cfg(feature = "net")]
fn listen_way_out(error: &std::io::Error, port: u16) -> String {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!(
                "; another program listens on port {port}, choose another with --port (0: any free one)"
            )
        }
        std::io::ErrorKind::PermissionDenied => "; choose a --port of 1024 or above".into(),
        std::io::ErrorKind::AddrNotAvailable => {
            "; --host must be an address of this machine".into()
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_given_once() {
        let failure = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_READ);
        let source = rusqlite::Error::SqliteFailure(failure, Some("disk I/O error".into()));
        let error = StoreError::Sqlite {
            doing: "write to",
            path: "a.sqlite".into(),
            source,
        };
        assert_eq!(describe(&error), "cannot write to a.sqlite: disk I/O error");
    }
}
