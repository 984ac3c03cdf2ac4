//! The `SQLite` file: the only place that knows SQL.

mod answer;
mod append;
mod around;
#[cfg(feature = "net")]
mod arrivals;
mod backup;
mod block;
mod check;
mod context;
mod count;
mod dictionary;
mod filter;
mod groups;
mod histogram;
mod index;
mod insert;
mod moved;
mod neighbours;
mod overview;
mod parallel;
#[cfg(all(unix, feature = "net"))]
mod place;
mod plan;
mod prune;
mod reader;
mod reserve;
mod room;
mod rows;
mod scan;
mod schema;
mod sequence;
mod setting;
mod silence;
mod sql;
mod stats;
mod stream;
mod sweep;

pub use answer::Records;
pub use append::SqliteStore;
pub use around::Around;
#[cfg(feature = "net")]
pub(crate) use arrivals::Arrivals;
pub use backup::{Existing, Saved};
pub use check::{Checked, Depth, Fault, Problem};
pub use context::ContextRecords;
pub use index::Maintained;
pub use overview::{LevelHistogram, Overview, OverviewGroup};
#[cfg(all(unix, feature = "net"))]
pub(crate) use place::check_place;
pub use prune::{Prune, PruneEstimate, Pruned, Retained};
pub use reader::Reader;
pub(crate) use reserve::foreign_reserve;
pub use room::RoomSettings;
pub use schema::SCHEMA_VERSION;
pub use stats::StoreStats;
#[cfg(feature = "net")]
pub(crate) use stats::file_sizes;

use crate::batch::Batch;
use crate::error::StoreError;
use crate::spill::SpillMark;

/// What stores records. The writer thread needs no more of a database than this, so that a test can put a faulty one in.
pub trait RecordStore: Send {
    /// Stores all records of these batches, in order, or none of them: after an error the same batches may be tried again.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] when another process holds the write lock, which passes by itself; anything else when the store
    /// refuses.
    fn append(&mut self, batches: &[Batch]) -> Result<(), StoreError>;

    /// As [`RecordStore::append`], for the next records of a spill file: the store notes in the same transaction how far the file is
    /// stored. One that cannot do so stores some records twice when the process is ended at the wrong moment.
    ///
    /// # Errors
    ///
    /// As for [`RecordStore::append`].
    fn append_spilled(&mut self, batches: &[Batch], mark: &SpillMark) -> Result<(), StoreError> {
        let _ = mark;
        self.append(batches)
    }

    /// The number of the last frame of a spill file that is stored; 0 when none is known to be.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    fn spilled_through(&mut self, file: u64) -> Result<u64, StoreError> {
        let _ = file;
        Ok(0)
    }

    /// Whether everything appended is stored for good. A store that only finds out later says no and has [`RecordStore::confirm`].
    fn is_certain(&self) -> bool {
        true
    }

    /// Makes sure of everything appended: called when somebody waits for it, in idle moments and at the end.
    ///
    /// # Errors
    ///
    /// As for [`RecordStore::append`]. What was appended is kept, and the next call tries again.
    fn confirm(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Gives up whatever room it holds back on the disk: something has to be kept, and there is none.
    fn give_way(&mut self) {}

    /// What was taken and not stored, since it was last asked.
    fn left_out(&mut self) -> LeftOut {
        LeftOut::default()
    }

    /// Does a small piece of what can wait until nothing else is to be done. It is called again while there is more.
    ///
    /// # Errors
    ///
    /// When the store refuses. Nothing is lost then, and the next call tries again.
    fn maintain(&mut self) -> Result<Maintained, StoreError> {
        Ok(Maintained::default())
    }

    /// Removes a small piece of what is not to be kept any longer. It is called after each transaction, in idle moments, and again
    /// while there is more.
    ///
    /// # Errors
    ///
    /// When the store refuses. Nothing is lost then, and the next call tries again.
    fn retain(&mut self) -> Result<Retained, StoreError> {
        Ok(Retained::default())
    }
}

/// Records that a store has taken and not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LeftOut {
    /// How many were there already.
    pub twice: u64,
    /// How many had too low a level for a disk that is nearly full.
    pub shed: u64,
}

/// How much a commit promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// A committed record survives the end of the process at any moment. The last commits may be lost when the power goes;
    /// the file stays sound (`synchronous=NORMAL` in WAL mode).
    #[default]
    Normal,
    /// A committed record survives a power cut, too: every commit waits for the disk (`synchronous=FULL`).
    Full,
}
