//! A persistent log store in one binary and one `SQLite` file.

mod batch;
mod error;
mod format;
mod handler;
mod level;
#[cfg(feature = "net")]
mod net;
mod percent;
mod query;
mod queue;
mod record;
mod report;
#[cfg(feature = "net")]
mod server;
mod sink;
mod store;
mod time;
pub mod wire;
mod writer;

pub use batch::{Batch, RecordRef, Texts};
#[cfg(feature = "net")]
pub use error::ServerError;
pub use error::{Error, QueryError, QueueError, StoreError, WireError};
pub use format::{
    Coloring, Controls, CsvFormat, JsonFormat, LogfmtFormat, Output, RecordFormat, TextFormat,
};
pub use handler::{
    DEFAULT_BATCH_SIZE, DEFAULT_QUEUE_BYTES, DEFAULT_QUEUE_CAPACITY, HandlerBuilder,
    SQLiteQueueHandler,
};
pub use level::{Level, ParseLevelError};
#[cfg(feature = "net")]
pub use net::{LogRecordSocketReceiver, LogRecordStreamHandler, ReceiverCounters, Stop, Tap};
pub use query::{FieldFilter, Order, Query};
pub use queue::{Counters, Overflow};
pub use record::{LogRecord, Origin, Site, StoredRecord, machine_name};
pub use report::{Report, Reporter};
#[cfg(feature = "net")]
pub use server::{DEFAULT_PORT, ServerBuilder, ServerContext, Summary};
pub use sink::RecordSink;
pub use store::{Durability, Reader, RecordStore, Records, SCHEMA_VERSION, SqliteStore};
pub use time::{
    Zone, asctime, display_time, now_ns, parse_since, parse_until, put_rfc3339_utc, rfc3339_utc,
};
