//! What a running store has to say besides its answers: losses, faults and recoveries, for whoever listens.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::error::WireError;

/// Something an operator should know. Its `Display` is one line of plain text.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Report {
    /// Another process holds the file's write lock. First after a second, then once a minute.
    StoreBusy {
        /// For how long so far.
        waited: Duration,
        /// How many records wait, those being stored included.
        waiting: u64,
    },
    /// The store refuses records; they are kept and tried again. At the first failure, then at most once a minute.
    StoreFailing {
        /// What it said.
        reason: String,
        /// How many records wait, those being stored included.
        waiting: u64,
    },
    /// The store takes records again.
    StoreRecovered {
        /// How long it had not.
        after: Duration,
    },
    /// The database file was moved, deleted or replaced. Records go on in the file that is now at its path.
    StoreReopened,
    /// A server takes records again; its failing was reported as [`Report::StoreFailing`].
    ServerReached {
        /// Its host and port.
        server: String,
        /// How long it had not.
        after: Duration,
    },
    /// A server did not take all that it was sent. It will not take it when it is sent again, so it is not.
    RecordsRefused {
        /// Its host and port.
        server: String,
        /// What it says.
        notice: String,
    },
    /// The store does not move, and records go to the spill. At most once a minute.
    Spilling {
        /// The spill's first file.
        path: PathBuf,
        /// How many records wait, those in the spill included.
        waiting: u64,
    },
    /// The spill takes no more: those who bring records have to wait. At most once a minute.
    SpillFailing {
        /// The spill's first file.
        path: PathBuf,
        /// What was wrong.
        reason: String,
        /// How many records wait, those in the spill included.
        waiting: u64,
    },
    /// An earlier process has left records in the spill. They are stored before all others.
    SpillFound {
        /// The spill's first file.
        path: PathBuf,
        /// How many.
        records: u64,
    },
    /// A spill file is damaged; what follows the damage in it was not read. When what is sound is stored it gets this name, and stays.
    SpillUnreadable {
        /// Its new name.
        path: PathBuf,
    },
    /// Records of the spill are not as they had been written, and are lost.
    SpillDamaged {
        /// How many.
        records: u64,
    },
    /// The store took not all until the end: the spill keeps the rest for the next process.
    SpillKept {
        /// The spill's first file.
        path: PathBuf,
        /// How many records.
        records: u64,
    },
    /// Blocks of the index were not as they had been written. They are made anew of the records, which were not touched.
    BlocksDamaged {
        /// How many.
        count: u64,
    },
    /// The index cannot be kept up at the moment, or old records cannot be removed: questions take longer, the file grows, and nothing
    /// is lost. At most once a minute.
    UpkeepFailing {
        /// What the store said.
        reason: String,
    },
    /// The queue was full and its overflow rule gave records up. At most once a second.
    RecordsDropped {
        /// How many since the last report.
        count: u64,
        /// By which rule.
        rule: &'static str,
    },
    /// The disk is nearly full, and records of low levels were left out. At most once in ten seconds.
    RecordsShed {
        /// How many since the last report.
        count: u64,
    },
    /// The disk lacks room, and the oldest records went before their time. At most once a minute.
    RoomMade {
        /// How many since the last report.
        count: u64,
    },
    /// A file that is no reserve has the name of one: it is left alone, and there is no reserve. Once, at the start.
    ReserveForeign {
        /// That file.
        path: PathBuf,
    },
    /// Frames of a client could not be decoded. At most once a second for each peer's address and kind of error.
    BadFrames {
        /// Who sent them.
        peer: SocketAddr,
        /// How many since the last such report about this peer.
        count: u64,
        /// What was wrong with the last one.
        error: WireError,
    },
    /// A connection was given up.
    ConnectionLost {
        /// Whose.
        peer: SocketAddr,
        /// What the system said.
        reason: String,
    },
    /// Connections were closed at once, since as many were open as may be. At most once a minute.
    TooManyConnections {
        /// How many may be open.
        limit: usize,
        /// How many were turned away since the last such report.
        count: u64,
    },
    /// New connections cannot be accepted at the moment; it is tried again.
    AcceptFailing {
        /// What the system said.
        reason: String,
    },
}

impl Report {
    /// Whether the log itself should tell: what became of records or of their file. Losses by an overflow rule are told there anyway.
    pub(crate) fn is_for_the_log(&self) -> bool {
        matches!(
            self,
            Report::StoreRecovered { .. }
                | Report::StoreReopened
                | Report::SpillFound { .. }
                | Report::SpillUnreadable { .. }
                | Report::SpillDamaged { .. }
                | Report::BlocksDamaged { .. }
                | Report::RoomMade { .. }
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Report::StoreBusy { waited, waiting } => write!(
                f,
                "the database has been locked by another process for {waited:.0?}; {} to be stored",
                counted(*waiting, "record waits", "records wait")
            ),
            Report::StoreFailing { reason, waiting } => write!(
                f,
                "{reason}; {} and will be tried again",
                counted(*waiting, "record waits", "records wait")
            ),
            Report::StoreRecovered { after } => {
                write!(f, "the database takes records again after {after:.1?}")
            }
            Report::StoreReopened => f.write_str(
                "the database file was moved or deleted: what was stored before is where it went, and records go on in a new \
                 file at the old path",
            ),
            Report::ServerReached { server, after } => {
                write!(f, "records reach {server} again after {after:.1?}")
            }
            Report::RecordsShed { count } => write!(
                f,
                "{} of low level left out: the disk is nearly full",
                counted(*count, "record", "records")
            ),
            Report::RoomMade { count } => write!(
                f,
                "{} removed before their time: the disk lacks room",
                counted(*count, "record was", "records were")
            ),
            Report::RecordsRefused { server, notice } => write!(f, "{server} says: {notice}"),
            Report::Spilling { .. }
            | Report::SpillFailing { .. }
            | Report::SpillFound { .. }
            | Report::SpillUnreadable { .. }
            | Report::SpillDamaged { .. }
            | Report::SpillKept { .. } => self.fmt_of_spill(f),
            Report::BlocksDamaged { count } => write!(
                f,
                "damaged blocks of the index: {count}; they are made anew of the records, which are untouched"
            ),
            Report::UpkeepFailing { reason } => write!(
                f,
                "{reason}; nothing is lost, and it is tried again after the next records"
            ),
            Report::ReserveForeign { path } => write!(
                f,
                "{} is no reserve of ours and is left alone, and so nothing is held back for a full disk; move it away",
                path.display()
            ),
            Report::RecordsDropped { count, rule } => write!(
                f,
                "{} dropped: the queue was full (overflow {rule})",
                counted(*count, "record", "records")
            ),
            Report::BadFrames {
                peer,
                count: 1,
                error,
            } => {
                write!(f, "1 bad {} from {peer}: {error}", unit_of(error))
            }
            Report::BadFrames { peer, count, error } => {
                let (address, port, unit) = (peer.ip(), peer.port(), unit_of(error));
                write!(
                    f,
                    "{count} bad {unit}s from {address}; the last, from port {port}: {error}"
                )
            }
            Report::ConnectionLost { peer, reason } => {
                write!(f, "connection of {peer} lost: {reason}")
            }
            Report::TooManyConnections { limit, count } => {
                write!(
                    f,
                    "{} turned away: {limit} are open; --max-connections lets in more",
                    counted(*count, "connection", "connections")
                )
            }
            Report::AcceptFailing { reason } => {
                write!(
                    f,
                    "cannot accept new connections at the moment: {reason}; \
                     `ulimit -n` raises the number of open files"
                )
            }
        }
    }
}

/// What it is that was bad.
fn unit_of(error: &WireError) -> &'static str {
    match error {
        WireError::Http { .. } => "request",
        WireError::NotAFrame { .. }
        | WireError::TooManyPartialFrames { .. }
        | WireError::TooSlow { .. }
        | WireError::Tls { .. }
        | WireError::NotTls
        | WireError::Unproven => "connection",
        WireError::Message { .. } | WireError::LineTooLong { .. } => "message",
        _ => "frame",
    }
}

impl Report {
    /// What there is to say of the spill; of all else nothing.
    fn fmt_of_spill(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Report::Spilling { path, waiting } => write!(
                f,
                "the database does not take records fast enough; {} in memory and in {}",
                counted(*waiting, "record waits", "records wait"),
                path.display()
            ),
            Report::SpillFailing {
                path,
                reason,
                waiting,
            } => write!(
                f,
                "cannot write more records to {}: {reason}; {}, and clients have to wait",
                path.display(),
                counted(*waiting, "record waits", "records wait")
            ),
            Report::SpillFound { path, records } => write!(
                f,
                "{} left in {} by an earlier server; storing them first",
                counted(*records, "record was", "records were"),
                path.display()
            ),
            Report::SpillUnreadable { path } => write!(
                f,
                "a spill file is damaged, and some of it could not be read; it is kept as {}",
                path.display()
            ),
            Report::SpillDamaged { records } => write!(
                f,
                "{} of the spill file could not be read any more and are lost",
                counted(*records, "record", "records")
            ),
            Report::SpillKept { path, records } => write!(
                f,
                "{} kept in {}; the next server on this database stores them first",
                counted(*records, "record is", "records are"),
                path.display()
            ),
            _ => Ok(()),
        }
    }
}

/// A number of things, in words.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Who listens. Called from the writer's and the receiver's thread: it must not block.
pub type Reporter = Arc<dyn Fn(&Report) + Send + Sync>;
