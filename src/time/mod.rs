//! Moments: nanoseconds since the Unix epoch, how people write them, and how they are shown.

mod calendar;
mod duration;
mod every;
mod local;
mod parse;
#[cfg(feature = "net")]
mod rules;
mod show;
mod zone;

use std::time::{SystemTime, UNIX_EPOCH};

pub use duration::{display_duration, parse_duration};
pub(crate) use every::Buckets;
pub use every::Every;
pub(crate) use local::LocalTimes;
pub use parse::{parse_since, parse_until};
#[cfg(feature = "net")]
pub use rules::NamedZone;
pub(crate) use show::{Clock, Datefmt};
pub use show::{asctime, display_time, put_rfc3339_utc, rfc3339_utc};
pub use zone::Zone;
use zone::in_zone;

/// This moment, in nanoseconds since the Unix epoch, UTC. Saturates in the years 1677 and 2262.
#[must_use]
pub fn now_ns() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_nanos()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_nanos()).map_or(i64::MIN, |ns| -ns),
    }
}
