//! What becomes of records that find the queue full, and how all are counted.

/// What happens to a record when the queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Overflow {
    /// Whoever brings it waits for room.
    #[default]
    Block,
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
            Overflow::DropNewest => "drop-newest",
            Overflow::DropOldest => "drop-oldest",
        }
    }
}

/// What went in and came out so far. `accepted` equals the sum of the others, `queued_bytes` apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Records that were handed over.
    pub accepted: u64,
    /// Records that are committed.
    pub stored: u64,
    /// Records that the overflow rule gave up.
    pub dropped: u64,
    /// Records that were given up because the store did not take them until the end.
    pub failed: u64,
    /// Records that wait, those being stored right now included.
    pub queued: u64,
    /// What waits in the queue, in bytes.
    pub queued_bytes: u64,
}
