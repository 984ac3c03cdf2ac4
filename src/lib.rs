//! A persistent log store in one binary and one `SQLite` file.

mod batch;
mod error;
mod format;
mod level;
mod percent;
mod record;
mod time;

pub use batch::{Batch, RecordRef, Texts};
pub use error::{Error, QueryError, QueueError, StoreError, WireError};
#[cfg(feature = "net")]
pub use error::ServerError;
pub use format::{
    Coloring, Controls, CsvFormat, JsonFormat, LogfmtFormat, Output, RecordFormat, TextFormat,
};
pub use level::{Level, ParseLevelError};
pub use record::{LogRecord, Origin, Site, StoredRecord, machine_name};
pub use time::{
    Zone, asctime, display_time, now_ns, parse_since, parse_until, put_rfc3339_utc, rfc3339_utc,
};
