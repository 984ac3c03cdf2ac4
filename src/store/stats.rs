//! What a store's file is, apart from the records in it.

use super::{Reader, schema};
use crate::error::StoreError;

/// What a store's file is, apart from the records in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoreStats {
    /// How many bytes the file has.
    pub file_bytes: u64,
    /// How many bytes its `-wal` has, where the newest records are until a checkpoint.
    pub wal_bytes: u64,
}

impl Reader {
    /// What the file is.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn stats(&self) -> Result<StoreStats, StoreError> {
        let failed = |source| StoreError::Io {
            doing: "look at",
            path: self.path.clone(),
            source,
        };
        // The file's -wal is beside it, not beside a link to it.
        let path = self.path.canonicalize().map_err(failed)?;
        let file_bytes = path.metadata().map_err(failed)?.len();
        let wal = schema::beside(&path, "-wal").metadata();
        Ok(StoreStats {
            file_bytes,
            // Nobody has the store open, or nobody has written yet.
            wal_bytes: wal.map_or(0, |wal| wal.len()),
        })
    }
}
