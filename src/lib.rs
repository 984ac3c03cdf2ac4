//! A persistent log store: records from any number of threads and Python programs, kept in one `SQLite` file.
//!
//! ```
//! use logstore::{Level, LogRecord, Query, Reader, SQLiteQueueHandler, Site};
//!
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("runs.sqlite");
//! // Log: any thread may emit, one writer thread stores in batches.
//! let handler = SQLiteQueueHandler::open(&path)?;
//! let site = Site::new("myapp.area2", Level::WARNING).at(file!(), line!(), "main");
//! handler.emit(&LogRecord::new(site, "Jail zesty vixen who grabbed pay from quack."))?;
//! handler.close()?;
//!
//! // Ask: the newest 100 warnings of myapp and everything under it.
//! let query = Query {
//!     min_level: Some(Level::WARNING),
//!     names: vec!["myapp".into()],
//!     limit: Some(100),
//!     ..Query::default()
//! };
//! for stored in Reader::open(&path)?.query(&query)? {
//!     assert_eq!(stored?.record.site.name, "myapp.area2");
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Layout
//!
//! - [`LogRecord`], [`Site`], [`Origin`], [`Level`]: what a record is; [`Batch`]: a run of them on its way.
//! - [`SQLiteQueueHandler`]: the bounded queue and its writer; [`RecordStore`]: what it writes to; [`SqliteStore`]: the file.
//! - [`SocketHandler`]: to a server instead, over any trouble on the way, with `ClientTls` (feature `net`) inside of TLS; [`RecordHandler`]:
//!   either of the two.
//! - `LogBridge`, `client_attach_socket_handler` (feature `log`), `TracingBridge` (feature `tracing`): for programs that use
//!   those crates' macros.
//! - [`Query`], or [`Filters`] as people write them, with its [`Phrase`], [`Pattern`], [`FieldFilter`]: what is asked; [`Reader`], [`Records`]: reading back;
//!   [`Context`], [`ContextRecords`], [`Around`]: with the records around; [`RecordFormat`], [`Output`]: as text; [`Progress`], [`Cancel`]: of a long search.
//! - [`Count`], [`Counts`]: how many records of each level, logger, host or hour; [`Overview`]: what a store holds.
//! - [`Reader::sql`], [`SqlRow`]: any question that only reads; [`RowFormat`]: its rows as text.
//! - [`Retention`], [`KeepRule`]: which records are kept, and for how long; [`Prune`]: removing the others by hand.
//! - [`Reader::check`], [`SqliteStore::repair`]: whether a file is sound, and what to do when not;
//!   [`Reader::backup`]: a copy of a file that others write to.
//! - [`wire`]: bytes to records, above all Python's pickles.
//! - `ServerContext`, `LogRecordSocketReceiver`, `LogRecordStreamHandler`, `MessageStream` (feature `net`): the server.
//! - [`Error`] joins the errors of all of them; [`Report`] is what a running handler or server has to say.
//!
//! # Features
//!
//! `bundled` compiles `SQLite` in, `net` is the server, `cli` the program; all are on by default. `log` and `tracing`
//! are the bridges from those crates, and off by default.

mod batch;
#[cfg(any(feature = "log", feature = "tracing"))]
mod bridge;
mod cancel;
mod chance;
mod client;
mod count;
mod error;
mod format;
mod gaps;
mod handler;
mod level;
mod metrics;
#[cfg(feature = "net")]
mod net;
mod paths;
mod percent;
mod progress;
mod query;
mod queue;
mod record;
mod report;
mod retention;
#[cfg(feature = "net")]
mod server;
mod sink;
mod spill;
mod sql;
mod store;
mod time;
pub mod wire;
mod words;
mod writer;

pub use batch::{Batch, RecordRef, Texts};
#[cfg(feature = "tracing")]
pub use bridge::TracingBridge;
#[cfg(feature = "log")]
pub use bridge::{AttachedHandler, LogBridge, client_attach_socket_handler};
pub use cancel::Cancel;
#[cfg(feature = "net")]
pub use client::ClientTls;
pub use client::{SocketHandler, SocketHandlerBuilder};
pub use count::{Count, CountRow, Counts, GroupBy};
#[cfg(feature = "net")]
pub use error::ServerError;
pub use error::{
    Error, QueryError, QueueError, RetentionError, SearchError, SqlError, StoreError, WireError,
    describe,
};
pub use format::{
    Coloring, Controls, CsvFormat, CsvRows, JsonFormat, JsonRows, LogfmtFormat, Output,
    RecordFormat, RowFormat, TextFormat, display_value, table_cell,
};
pub use gaps::ClientGaps;
pub use handler::{
    DEFAULT_BATCH_SIZE, DEFAULT_QUEUE_BYTES, DEFAULT_QUEUE_CAPACITY, DEFAULT_SPILL_MAX_BYTES,
    HandlerBuilder, SQLiteQueueHandler,
};
pub use level::{Level, ParseLevelError};
#[cfg(feature = "net")]
pub use net::{
    DEFAULT_MAX_CONNECTIONS, DEFAULT_QUERY_TIMEOUT, LogRecordSocketReceiver,
    LogRecordStreamHandler, MessageStream, ReceiverCounters, Source, SourceCounters, Stop, Tap,
    TlsFiles, Tokens,
};
pub use progress::Progress;
pub use query::{
    Case, Context, ContextOf, ContextRecord, FieldFilter, FieldTest, Filters, LimitTo, Order,
    Pattern, Phrase, Query, RecordKey, Role, parse_search,
};
pub use queue::{Counters, Overflow};
pub use record::{LogRecord, Origin, Site, StoredRecord, machine_name};
pub use report::{Report, Reporter};
pub use retention::{KeepOf, KeepRule, Retention};
#[cfg(feature = "net")]
pub use server::{DEFAULT_PORT, Figures, OwnRecords, ServerBuilder, ServerContext, Summary};
pub use sink::{RecordHandler, RecordSink, Ticket};
pub use spill::SpillMark;
pub use sql::{SqlOptions, SqlRow, SqlValue};
pub use store::{
    Around, Checked, ContextRecords, Depth, Durability, Existing, Fault, LeftOut, LevelHistogram,
    Maintained, Overview, OverviewGroup, Problem, Prune, PruneEstimate, Pruned, Reader,
    RecordStore, Records, Retained, RoomSettings, SCHEMA_VERSION, Saved, SqliteStore, StoreStats,
};
#[cfg(feature = "net")]
pub use time::NamedZone;
pub use time::{
    Every, Zone, asctime, display_duration, display_time, now_ns, parse_duration, parse_since,
    parse_until, put_rfc3339_utc, rfc3339_utc,
};

/// The examples of the README are tests, too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
