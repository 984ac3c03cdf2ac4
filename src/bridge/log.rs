//! The `log` crate's records.

use log::kv::{self, VisitSource, VisitValue};
use log::{Log, Metadata, Record};
use serde_json::{Map, Value};

use super::{float, integer, is_own, put, site};
use crate::error::describe;
use crate::level::Level;
use crate::record::LogRecord;
use crate::sink::RecordHandler;

/// A logger for the `log` crate over a handler of logstore's, or over an [`Arc`](std::sync::Arc) of one.
///
/// The target is the logger's name, with `.` for `::`, so that `--name myapp` finds all of a crate; key-values become extra fields.
/// What logstore itself logs is passed over, and a record that the handler refuses is lost: a macro has nobody to tell.
///
/// ```
/// use logstore::{LogBridge, Query, Reader, SQLiteQueueHandler};
/// use std::sync::Arc;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("runs.sqlite");
/// let handler = Arc::new(SQLiteQueueHandler::open(&path)?);
/// log::set_boxed_logger(Box::new(LogBridge::new(Arc::clone(&handler))))?;
/// log::set_max_level(log::LevelFilter::Debug);
///
/// log::warn!(target: "myapp::area2", attempt = 3; "Jail zesty vixen who grabbed pay from quack.");
/// handler.close()?;
///
/// let stored = Reader::open(&path)?.query(&Query::default())?.next().unwrap()?;
/// assert_eq!(stored.record.site.name, "myapp.area2");
/// assert_eq!(stored.record.extra["attempt"], 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LogBridge<H> {
    handler: H,
}

impl<H: RecordHandler> LogBridge<H> {
    /// A logger over this handler.
    pub fn new(handler: H) -> Self {
        LogBridge { handler }
    }
}

impl<H: RecordHandler> Log for LogBridge<H> {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        !is_own(metadata.target())
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let _ = self.handler.handle(&to_record(record));
        }
    }

    fn flush(&self) {
        let _ = self.handler.flush_all();
    }
}

fn to_record(record: &Record<'_>) -> LogRecord {
    let site = site(
        record.target(),
        level(record.level()),
        record.file(),
        record.line(),
        record.module_path(),
    );
    let mut made = LogRecord::new(site, record.args().to_string());
    // A source of key-values that fails keeps what it gave before.
    let _ = record.key_values().visit(&mut Extra(&mut made.extra));
    made
}

fn level(level: log::Level) -> Level {
    match level {
        log::Level::Error => Level::ERROR,
        log::Level::Warn => Level::WARNING,
        log::Level::Info => Level::INFO,
        log::Level::Debug => Level::DEBUG,
        log::Level::Trace => Level::TRACE,
    }
}

/// Gathers key-values.
struct Extra<'a>(&'a mut Map<String, Value>);

impl<'kvs> VisitSource<'kvs> for Extra<'_> {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        let mut json = Json(Value::Null);
        value.visit(&mut json)?;
        put(self.0, key.as_str(), json.0);
        Ok(())
    }
}

/// One value, with its type.
struct Json(Value);

impl Json {
    #[expect(
        clippy::unnecessary_wraps,
        reason = "it ends every method of VisitValue"
    )]
    fn set(&mut self, value: impl Into<Value>) -> Result<(), kv::Error> {
        self.0 = value.into();
        Ok(())
    }
}

impl VisitValue<'_> for Json {
    fn visit_any(&mut self, value: kv::Value<'_>) -> Result<(), kv::Error> {
        self.set(value.to_string())
    }

    fn visit_null(&mut self) -> Result<(), kv::Error> {
        self.set(Value::Null)
    }

    fn visit_u64(&mut self, value: u64) -> Result<(), kv::Error> {
        self.set(value)
    }

    fn visit_i64(&mut self, value: i64) -> Result<(), kv::Error> {
        self.set(value)
    }

    fn visit_u128(&mut self, value: u128) -> Result<(), kv::Error> {
        self.set(integer(value))
    }

    fn visit_i128(&mut self, value: i128) -> Result<(), kv::Error> {
        self.set(integer(value))
    }

    fn visit_f64(&mut self, value: f64) -> Result<(), kv::Error> {
        self.set(float(value))
    }

    fn visit_bool(&mut self, value: bool) -> Result<(), kv::Error> {
        self.set(value)
    }

    fn visit_str(&mut self, value: &str) -> Result<(), kv::Error> {
        self.set(value)
    }

    fn visit_error(&mut self, error: &(dyn std::error::Error + 'static)) -> Result<(), kv::Error> {
        self.set(describe(error))
    }
}
