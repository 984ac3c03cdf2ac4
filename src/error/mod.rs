//! What can go wrong, and what to do about it: one enum for each family of operations, joined in [`Error`].

mod query;
mod retention;
mod store;

use std::path::PathBuf;
use std::time::Duration;

pub use query::{QueryError, SearchError, SqlError};
pub use retention::RetentionError;
pub use store::StoreError;

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
    /// Records cannot be kept as it was asked.
    #[error(transparent)]
    Retention(#[from] RetentionError),
    /// SQL could not be answered.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The `log` crate has a logger already, and takes only one in a program's life.
    #[cfg(feature = "log")]
    #[error("a logger is installed already; install one, and only once")]
    Logger(#[from] log::SetLoggerError),
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
    /// A line is longer than the limit. It is passed over.
    #[error(
        "a line of more than {limit} bytes is over the limit; raise --frame-limit to take such lines"
    )]
    LineTooLong {
        /// The limit in force, in bytes.
        limit: usize,
    },
    /// A request's body is longer than the limit when it is unpacked. Nothing of it is taken.
    #[error(
        "the body has {bytes} bytes when unpacked, over the limit of {limit}; send fewer records in one request, or raise --frame-limit"
    )]
    BodyTooLong {
        /// How many bytes it says that it has.
        bytes: usize,
        /// The limit in force, in bytes.
        limit: usize,
    },
    /// What came is no frame, and nothing else that is understood.
    #[error("{found}, none of the protocols that are taken here; the connection was closed")]
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
    /// A message, frame or body did not come to its end in time.
    #[error("a message was not complete after {limit:?}; the connection was closed")]
    TooSlow {
        /// How long it was waited for.
        limit: Duration,
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
    /// A message that is none of its protocol.
    #[error("not {protocol}: {reason}")]
    Message {
        /// What it should have been: `JSON`, `syslog`, `GELF`.
        protocol: &'static str,
        /// What was wrong, and where.
        reason: String,
    },
    /// A client and the server could not agree on TLS, or one of them broke it off.
    #[error("no TLS connection: {reason}")]
    Tls {
        /// What went wrong.
        reason: String,
    },
    /// A client came without TLS where all have to show a certificate.
    #[error("no TLS, where clients have to show a certificate; the connection was closed")]
    NotTls,
    /// A token is demanded of who comes from another machine, and only HTTP can bring it.
    #[error(
        "neither a certificate nor HTTP, which alone can bring the token that is demanded of other machines"
    )]
    Unproven,
    /// An HTTP request that could not be served.
    #[error("HTTP: {reason}")]
    Http {
        /// What was wrong with it.
        reason: String,
    },
    /// The pickle is sound but holds something else than a record's dict.
    #[error("the pickle holds {found}, not the dict of a LogRecord")]
    NotARecord {
        /// What it holds instead.
        found: &'static str,
    },
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
    /// A client's TLS cannot be set up.
    #[cfg(feature = "net")]
    #[error("cannot use {what} for TLS: {reason}")]
    Tls {
        /// A file, the server's name, or the system's certificates.
        what: String,
        /// What was wrong with it.
        reason: String,
    },
    /// The writer thread could not be started.
    #[error("cannot start the writer thread")]
    Thread(#[source] std::io::Error),
    /// What an earlier process has left in the spill cannot be read.
    #[error("cannot read {path} and what is beside it under that name", path = path.display())]
    Spill {
        /// The spill's first file.
        path: PathBuf,
        /// What was wrong.
        source: std::io::Error,
    },
    /// Records are to be spilled, and there is no place for them.
    #[error("overflow spill needs a file to put records into; name one with spill_path")]
    NoSpill,
    /// The writer thread ended without being asked to.
    #[error("the writer thread has stopped unexpectedly")]
    WriterGone,
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
    /// A file for TLS cannot be used.
    #[error("cannot use {path} for TLS: {reason}", path = path.display())]
    Tls {
        /// The file.
        path: std::path::PathBuf,
        /// What was wrong with it.
        reason: String,
    },
    /// A file of tokens cannot be used.
    #[error("cannot take tokens from {path}: {reason}", path = path.display())]
    Tokens {
        /// The file.
        path: std::path::PathBuf,
        /// What was wrong with it.
        reason: String,
    },
    /// Clients have to show certificates, which datagrams have no place for.
    #[error(
        "datagrams (--udp) cannot show the certificate that --client-ca demands; leave one of the two out"
    )]
    UdpIsUnproven,
    /// The one protocol that is spoken is none of datagrams.
    #[error("there is no HTTP in datagrams; leave out --udp or --protocol")]
    UdpHasNoHttp,
    /// Other machines could reach the server, and nobody would have to prove anything.
    #[error(
        "{host} can be reached from other machines, and anybody there could write to the log; demand certificates \
         with --tls-cert, --tls-key and --client-ca, or a token with --token-file, or allow it with --insecure"
    )]
    Exposed {
        /// The address to listen on.
        host: String,
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
