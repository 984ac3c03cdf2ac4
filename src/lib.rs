//! A persistent log store in one binary and one `SQLite` file.

mod batch;
mod error;
mod level;
mod query;
mod record;
mod store;
mod time;
pub mod wire;

pub use batch::{Batch, RecordRef, Texts};
#[cfg(feature = "net")]
pub use error::ServerError;
pub use error::{Error, QueryError, QueueError, StoreError, WireError};
pub use level::{Level, ParseLevelError};
pub use query::{FieldFilter, Order, Query};
pub use record::{LogRecord, Origin, Site, StoredRecord, machine_name};
pub use store::{Durability, Reader, RecordStore, Records, SCHEMA_VERSION, SqliteStore};
pub use time::now_ns;
