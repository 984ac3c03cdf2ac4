//! Moments: nanoseconds since the Unix epoch, how people write them, and how they are shown.

use std::time::{SystemTime, UNIX_EPOCH};

/// This moment, in nanoseconds since the Unix epoch, UTC. Saturates in the years 1677 and 2262.
#[must_use]
pub fn now_ns() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
    }
}
