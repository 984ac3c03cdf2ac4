//! A persistent log store in one binary and one `SQLite` file.

mod batch;
mod error;
mod level;
#[cfg_attr(
    not(test),
    expect(dead_code, unused_imports, reason = "the decoder and the formats that use it follow")
)]
mod percent;
mod record;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the formats that use it follow")
)]
#[expect(unused_imports, reason = "the formats that use it follow")]
mod time;

pub use batch::{Batch, RecordRef, Texts};
pub use error::{Error, QueryError, QueueError, StoreError, WireError};
#[cfg(feature = "net")]
pub use error::ServerError;
pub use level::{Level, ParseLevelError};
pub use record::{LogRecord, Origin, Site, StoredRecord, machine_name};
pub use time::{
    Zone, asctime, display_time, now_ns, parse_since, parse_until, put_rfc3339_utc, rfc3339_utc,
};
