//! What becomes of records that find the queue full, and how all are counted.

#[cfg(feature = "net")]
use std::time::Duration;

#[cfg(feature = "net")]
use super::Queue;

/// How long a full queue may stand still before that is trouble. A transaction takes a fraction of a second.
#[cfg(feature = "net")]
const STANDSTILL: Duration = Duration::from_secs(5);

/// What happens to a record when the queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Overflow {
    /// Whoever brings it waits for room.
    #[default]
    Block,
    /// Whoever brings it waits, but not for long: what waits for a store that has not moved for 300 ms goes to a file beside the database,
    /// from where it comes back in order.
    Spill,
    /// It is dropped.
    DropNewest,
    /// The records that have waited longest are dropped.
    DropOldest,
}

impl Overflow {
    /// The rule's name on the command line and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Overflow::Block => "block",
            Overflow::Spill => "spill",
            Overflow::DropNewest => "drop-newest",
            Overflow::DropOldest => "drop-oldest",
        }
    }
}

/// How full the queue is.
#[cfg(feature = "net")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fill {
    pub(crate) records: usize,
    pub(crate) capacity_records: usize,
    pub(crate) bytes: usize,
    pub(crate) capacity_bytes: usize,
}

/// What went in and came out so far. `accepted` equals `stored`, `duplicates`, `shed`, `dropped`, `failed` and
/// `queued` together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Records that were handed over, and those that an earlier process had left in the spill.
    pub accepted: u64,
    /// Those of them that an earlier process had left in the spill.
    pub left_behind: u64,
    /// Records that are committed.
    pub stored: u64,
    /// Records that were there already: they are stored once.
    pub duplicates: u64,
    /// Records whose level was too low for a disk that was nearly full.
    pub shed: u64,
    /// Records that the overflow rule gave up.
    pub dropped: u64,
    /// Records that were given up because the store did not take them until the end.
    pub failed: u64,
    /// Records that wait, those being stored right now and those in the spill included.
    pub queued: u64,
    /// Records that wait in the spill.
    pub spilled: u64,
    /// What waits in the queue, in bytes.
    pub queued_bytes: u64,
}

#[cfg(feature = "net")]
impl Queue {
    pub(crate) fn fill(&self) -> Fill {
        let state = self.lock();
        Fill {
            records: state.records,
            capacity_records: self.limits.records,
            bytes: state.bytes,
            capacity_bytes: self.limits.bytes,
        }
    }

    /// Why nothing can be stored: what the store said while it refuses, or that the queue is full and stands still.
    pub(crate) fn trouble(&self) -> Option<String> {
        let state = self.lock();
        let stands = self.is_full(&state, 0) && self.metrics.takes.rests_for() > STANDSTILL;
        let standstill = || "the queue is full, and the database takes nothing".to_owned();
        state.fault.clone().or_else(|| stands.then(standstill))
    }
}
