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
mod time;
#[cfg_attr(not(test), expect(dead_code, reason = "the decoder that uses it follows"))]
mod wire;

pub use batch::{Batch, RecordRef, Texts};
pub use error::{Error, QueryError, QueueError, StoreError, WireError};
#[cfg(feature = "net")]
pub use error::ServerError;
pub use level::{Level, ParseLevelError};
pub use record::{LogRecord, Origin, Site, StoredRecord, machine_name};
pub use time::now_ns;
