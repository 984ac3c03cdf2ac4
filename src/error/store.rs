//! Why the database file could not be opened, written or read.

use std::path::PathBuf;
use std::time::Duration;

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
    /// Other users of the machine could change the file or put another in its place.
    #[error(
        "will not write to {path}: {place} {reason}; {way_out}, or name another file with --db, or allow it with --insecure-directory",
        path = path.display(), place = place.display()
    )]
    UnsafePlace {
        /// The database file.
        path: PathBuf,
        /// What is not safe: one of its files, or a directory above them.
        place: PathBuf,
        /// What is wrong with that.
        reason: String,
        /// What to do about it.
        way_out: String,
    },
    /// More is to stay free than there is.
    #[error(
        "cannot keep {wanted} bytes of the disk free at {path}: it has {disk_bytes} in all; ask for less with --min-free",
        path = path.display()
    )]
    SmallDisk {
        /// The database file.
        path: PathBuf,
        /// How many bytes were to stay free.
        wanted: u64,
        /// How many the disk has.
        disk_bytes: u64,
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
    /// The file is no longer at its path, and somebody reads it still.
    #[error(
        "{path} was moved or deleted while another program reads it; records go on into the file where it is now, until that program is \
         done, and then into a new one at this path",
        path = path.display()
    )]
    Moved {
        /// Where the file was.
        path: PathBuf,
    },
    /// A backup cannot be put there.
    #[error("cannot make a backup at {path}: {reason}", path = path.display())]
    Target {
        /// Where it was to be.
        path: PathBuf,
        /// Why not, and the way out.
        reason: String,
    },
    /// A repair finds something that is not ours under a name of ours, and removes nothing that may hold what somebody needs.
    #[error("cannot repair {path}: {what} of that name; look with `sqlite3 {path}` what it holds, rename or drop it, and repair again", path = path.display())]
    InTheWay {
        /// The file.
        path: PathBuf,
        /// What is in the place of what.
        what: String,
    },
    /// A backup was [told to stop](crate::Progress::stop).
    #[error("the backup was broken off: there is none at {path}", path = path.display())]
    BrokenOff {
        /// Where it was to be.
        path: PathBuf,
    },
    /// Records could not be sent to a server.
    #[error("cannot {doing} {server}")]
    Server {
        /// What was being done, as a verb that an address can follow: "reach", "send to".
        doing: &'static str,
        /// The server's host and port.
        server: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// No reader connection could be had from the pool.
    #[error("cannot open another reader of {path}", path = path.display())]
    Pool {
        /// The file.
        path: PathBuf,
        /// What the pool said.
        source: r2d2::Error,
    },
    /// Whoever asked [took the question back](crate::Cancel).
    #[error("the question was taken back before it was answered")]
    Cancelled,
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
    /// Whether the disk is full.
    pub(crate) fn is_for_want_of_room(&self) -> bool {
        match self {
            StoreError::Sqlite { source, .. } => {
                source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
            }
            StoreError::Io { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
            _ => false,
        }
    }

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
