//! How large the file is, and giving space back to the file system.

use std::path::Path;

use rusqlite::Connection;

use crate::paths::beside;

/// How many pages are given back at a time.
const GIVEN_PER_STEP: i64 = 128;

/// So many free pages, and one for each so many in the file, are kept for what is just arriving.
const FREE_PAGES: i64 = 512;
const PAGES_PER_FREE: i64 = 20;

/// The pages of the file, as the connection sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Space {
    page_bytes: i64,
    pages: i64,
    free: i64,
}

impl Space {
    pub(super) fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let pragma = |sql| -> rusqlite::Result<i64> {
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_row([], |row| row.get(0))
        };
        Ok(Space {
            page_bytes: pragma("PRAGMA page_size")?,
            pages: pragma("PRAGMA page_count")?,
            free: pragma("PRAGMA freelist_count")?,
        })
    }

    /// The pages in use, in bytes.
    pub(super) fn used_bytes(self) -> u64 {
        self.bytes(self.pages - self.free)
    }

    pub(super) fn free_bytes(self) -> u64 {
        self.bytes(self.free)
    }

    fn bytes(self, pages: i64) -> u64 {
        u64::try_from(pages.saturating_mul(self.page_bytes)).unwrap_or(0)
    }

    pub(super) fn has_free(self) -> bool {
        self.free > 0
    }

    /// Whether more is free than what arrives next can do with.
    pub(super) fn has_much_free(self) -> bool {
        self.free > FREE_PAGES + self.pages / PAGES_PER_FREE
    }
}

/// Gives some free pages back; gives whether there are more. The file itself gets shorter at the next checkpoint.
pub(super) fn give_back(connection: &Connection) -> rusqlite::Result<bool> {
    let before = Space::of(connection)?.free;
    // Each step of the statement gives one page back.
    let mut statement =
        connection.prepare(&format!("PRAGMA incremental_vacuum({GIVEN_PER_STEP})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    drop(rows);
    let after = Space::of(connection)?.free;
    if after == 0 {
        checkpoint(connection);
    }
    // A file that somebody has made anew without incremental vacuum keeps its free pages.
    Ok(0 < after && after < before)
}

/// From how many bytes on the WAL is looked at. After a checkpoint it is shorter.
const LONG_WAL: u64 = 128 << 20;

/// Whether the WAL is long because somebody reads what was there long ago. What is removed now would make it longer still, and give
/// nothing back.
pub(in crate::store) fn is_held_back(connection: &Connection) -> rusqlite::Result<bool> {
    let path = Path::new(connection.path().unwrap_or_default());
    let wal = beside(path, "-wal").metadata();
    if !wal.is_ok_and(|wal| wal.len() >= LONG_WAL) {
        return Ok(false);
    }
    let frames = "PRAGMA wal_checkpoint(PASSIVE)";
    let (all, taken): (i64, i64) =
        connection.query_row(frames, [], |row| Ok((row.get(1)?, row.get(2)?)))?;
    Ok(taken < all)
}

/// Takes what is in the WAL over into the file. When somebody is in the way, a later checkpoint does it.
pub(in crate::store) fn checkpoint(connection: &Connection) {
    let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
}
