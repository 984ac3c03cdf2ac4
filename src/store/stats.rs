//! What a store's file is, apart from the records in it.

use std::io;
use std::path::Path;

use rusqlite::Connection;

use super::{Reader, schema, setting};
use crate::error::StoreError;
use crate::paths::beside;
use crate::retention::Retention;

/// What a store's file is, apart from the records in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreStats {
    /// How many bytes the file has.
    pub file_bytes: u64,
    /// How many bytes its `-wal` has, where the newest records are until a checkpoint.
    pub wal_bytes: u64,
    /// How many blocks the index has, and how many records they summarise. Records without a block are read one by one: the newest
    /// few thousand, and in an old file all until somebody writes to it.
    pub blocks: u64,
    /// See [`StoreStats::blocks`].
    pub block_records: u64,
    /// What the server that writes to it keeps, or the last one that did.
    pub retention: Retention,
}

impl Reader {
    /// What the file is.
    ///
    /// # Errors
    ///
    /// When the system does not say, or the file cannot be read.
    pub fn stats(&self) -> Result<StoreStats, StoreError> {
        let failed = |source| StoreError::Io {
            doing: "look at",
            path: self.path.clone(),
            source,
        };
        let (file_bytes, wal_bytes) = file_sizes(&self.path).map_err(failed)?;
        let (blocks, block_records) = self.read(index_size)?;
        Ok(StoreStats {
            file_bytes,
            wal_bytes,
            blocks,
            block_records,
            retention: self.read(setting::retention)?,
        })
    }
}

/// How many bytes a store's file and its `-wal` have.
pub(crate) fn file_sizes(path: &Path) -> io::Result<(u64, u64)> {
    // The file's -wal is beside it, not beside a link to it.
    let path = path.canonicalize()?;
    let wal = beside(&path, "-wal").metadata();
    // Nobody has the store open, or nobody has written yet.
    let wal_bytes = wal.map_or(0, |wal| wal.len());
    Ok((path.metadata()?.len(), wal_bytes))
}

fn index_size(connection: &Connection) -> rusqlite::Result<(u64, u64)> {
    if !schema::has_blocks(connection)? {
        return Ok((0, 0));
    }
    let sizes: (i64, i64) = connection.query_row(
        "SELECT count(*), coalesce(sum(records), 0) FROM block",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    // Negative only when a foreign hand has been there.
    let [blocks, records] = [sizes.0, sizes.1].map(|size| u64::try_from(size).unwrap_or(0));
    Ok((blocks, records))
}
