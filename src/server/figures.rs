//! What a server measures, for who reports it now and then.

use std::time::Duration;

use super::page::Measured;
use crate::paths::free_bytes;
use crate::store::file_sizes;

/// What a server has measured so far, and what its files have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Figures {
    /// How many transactions stored records.
    pub transactions: u64,
    /// How long they took, all together.
    pub transaction_time: Duration,
    /// How old the newest record of each was when it was committed, all together.
    pub lag: Duration,
    /// Size of the database file, in bytes; like the others 0 where the system does not say.
    pub file_bytes: u64,
    /// Size of its write-ahead log, in bytes.
    pub wal_bytes: u64,
    /// Room that the file system of the database has for us, in bytes.
    pub free_bytes: u64,
}

impl Figures {
    pub(super) fn of(measured: &Measured) -> Self {
        let metrics = measured.handler.metrics();
        let (transactions, took_ns) = metrics.transaction_ns.totals();
        let (_, lag_ns) = metrics.lag_ns.totals();
        let (file_bytes, wal_bytes) = file_sizes(&measured.path).unwrap_or_default();
        Figures {
            transactions,
            transaction_time: Duration::from_nanos(took_ns),
            lag: Duration::from_nanos(lag_ns),
            file_bytes,
            wal_bytes,
            free_bytes: free_bytes(&measured.path).unwrap_or_default(),
        }
    }
}
