//! A file that is moved or deleted while it is open: `SQLite` does not notice, and would write on into what nobody finds.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use rusqlite::Connection;

use super::append::SqliteStore;
use super::schema;
use crate::error::StoreError;
use crate::paths::beside;

/// Which file is meant by a path: its device and its number there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileId(u64, u64);

#[cfg(unix)]
pub(super) fn file_id(path: &Path) -> io::Result<FileId> {
    use std::os::unix::fs::MetadataExt as _;
    let found = path.metadata()?;
    Ok(FileId(found.dev(), found.ino()))
}

#[cfg(not(unix))]
pub(super) fn file_id(_: &Path) -> io::Result<FileId> {
    Err(ErrorKind::Unsupported.into())
}

impl SqliteStore {
    /// Sees to it that what is written goes to the file that the path means. When that is another than the open one, since somebody
    /// has moved or deleted it, the open one is completed and left, and the path opened anew, which makes a file where there is none.
    /// `false` while that has to wait, since somebody reads the open one.
    ///
    /// # Errors
    ///
    /// When there can be no file at the path. The open one has been left then, and the next call tries again.
    pub(super) fn follow_path(&mut self) -> Result<bool, StoreError> {
        let is_there = match file_id(&self.path) {
            Ok(found) => Some(found) == self.file_id,
            // Whatever else the system says may pass, and does not mean that the file has gone.
            Err(error) => error.kind() != ErrorKind::NotFound && !self.is_left,
        };
        if is_there {
            return Ok(true);
        }
        if !self.is_left && !self.leave()? {
            return Ok(false);
        }
        self.connection = schema::open_writer(&self.path, self.durability)?;
        self.file_id = file_id(&self.path).ok();
        self.is_left = false;
        self.reopened = true;
        self.keep_settings();
        Ok(true)
    }

    /// Closes the open file with all that belongs to it; `false` when it is still needed.
    fn leave(&mut self) -> Result<bool, StoreError> {
        // At its end SQLite would leave the log as it is, since the file is not where it was. What is in it belongs to that file
        // and to no other at the path.
        let is_complete = self
            .connection
            .busy_timeout(std::time::Duration::ZERO)
            .and_then(|()| {
                self.connection
                    .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
                        row.get::<_, i64>(0)
                    })
            })
            .is_ok_and(|busy| busy == 0);
        if !is_complete && !self.is_deleted() {
            // Somebody reads an older state. Until they are done, records go on into the file where it is now.
            let _ = self.connection.busy_timeout(schema::BUSY_TIMEOUT);
            return Ok(false);
        }
        let failed = |source| schema::failed_to("leave", &self.path, source);
        let nothing = Connection::open_in_memory().map_err(failed)?;
        drop(std::mem::replace(&mut self.connection, nothing));
        self.file_id = None;
        self.is_left = true;
        self.forget_all();
        let wal = beside(&self.path, "-wal");
        if !is_complete || wal.metadata().is_ok_and(|wal| wal.len() == 0) {
            // They are of the file that has gone. Whoever still reads that has them open.
            let _ = fs::remove_file(wal);
            let _ = fs::remove_file(beside(&self.path, "-shm"));
        }
        Ok(true)
    }

    /// Whether the open file has no name any more. Only Linux tells.
    fn is_deleted(&self) -> bool {
        let Ok(open) = fs::read_dir("/proc/self/fd") else {
            return false;
        };
        // Looked at by its name there: to close it would release SQLite's locks.
        open.flatten()
            .any(|entry| is_nameless(&entry.path(), self.file_id))
    }
}

#[cfg(unix)]
fn is_nameless(open: &Path, id: Option<FileId>) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    file_id(open).ok() == id && open.metadata().is_ok_and(|found| found.nlink() == 0)
}

#[cfg(not(unix))]
fn is_nameless(_: &Path, _: Option<FileId>) -> bool {
    false
}
