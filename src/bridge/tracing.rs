//! The `tracing` crate's events, with the spans around them.

use std::error::Error;
use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, Scope};

use super::{float, integer, is_own, put, site};
use crate::error::describe;
use crate::level::Level;
use crate::record::LogRecord;
use crate::sink::RecordHandler;

/// A layer for the `tracing` crate over a handler of logstore's, or over an [`Arc`](std::sync::Arc) of one.
///
/// An event becomes a record: the target is the logger's name, with `.` for `::`, so that `--name myapp` finds all of a crate; the
/// event's fields become extra fields. The spans around it are in `spans`, outermost first, each with its name and fields, and their
/// names in `span_path`: `night:import`. What logstore itself logs is passed over, and a record that the handler refuses is
/// lost: a macro has nobody to tell.
///
/// ```
/// use logstore::{Query, Reader, SQLiteQueueHandler, TracingBridge};
/// use std::sync::Arc;
/// use tracing_subscriber::layer::SubscriberExt;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("runs.sqlite");
/// let handler = Arc::new(SQLiteQueueHandler::open(&path)?);
/// let subscriber = tracing_subscriber::registry().with(TracingBridge::new(Arc::clone(&handler)));
/// tracing::subscriber::with_default(subscriber, || {
///     let _run = tracing::info_span!("night", run = 7).entered();
///     tracing::warn!(attempt = 3, "Jail zesty vixen who grabbed pay from quack.");
/// });
/// handler.close()?;
///
/// let extra = Reader::open(&path)?.query(&Query::default())?.next().unwrap()?.record.extra;
/// assert_eq!(extra["attempt"], 3);
/// assert_eq!(extra["spans"][0]["run"], 7);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TracingBridge<H> {
    handler: H,
}

impl<H: RecordHandler> TracingBridge<H> {
    /// A layer over this handler.
    pub fn new(handler: H) -> Self {
        TracingBridge { handler }
    }
}

impl<S, H> Layer<S> for TracingBridge<H>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    H: RecordHandler + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = SpanFields::default();
        attributes.record(&mut Fields(&mut fields.0));
        // Another bridge may have put the same there already.
        span.extensions_mut().replace(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<SpanFields>() {
            values.record(&mut Fields(&mut fields.0));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let about = event.metadata();
        if is_own(about.target()) {
            return;
        }
        let site = site(
            about.target(),
            level(*about.level()),
            about.file(),
            about.line(),
            about.module_path(),
        );
        let mut fields = Map::new();
        event.record(&mut Fields(&mut fields));
        let message = match fields.shift_remove("message") {
            Some(Value::String(message)) => message,
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let mut record = LogRecord::new(site, message);
        record.extra = fields;
        if let Some(scope) = context.event_scope(event) {
            put_spans(scope, &mut record.extra);
        }
        let _ = self.handler.handle(&record);
    }
}

/// The fields of a span, kept with it.
#[derive(Default)]
struct SpanFields(Map<String, Value>);

fn put_spans<'a, S: LookupSpan<'a>>(scope: Scope<'a, S>, extra: &mut Map<String, Value>) {
    let mut spans = Vec::new();
    let mut path = Vec::new();
    for span in scope.from_root() {
        path.push(span.name());
        let mut about = Map::from_iter([("name".to_owned(), Value::from(span.name()))]);
        if let Some(SpanFields(fields)) = span.extensions().get() {
            for (key, value) in fields {
                put(&mut about, key, value.clone());
            }
        }
        spans.push(Value::Object(about));
    }
    put(extra, "spans", spans.into());
    put(extra, "span_path", path.join(":").into());
}

fn level(level: tracing::Level) -> Level {
    match level {
        tracing::Level::ERROR => Level::ERROR,
        tracing::Level::WARN => Level::WARNING,
        tracing::Level::INFO => Level::INFO,
        tracing::Level::DEBUG => Level::DEBUG,
        tracing::Level::TRACE => Level::TRACE,
    }
}

/// Gathers fields, with their types. A field that is recorded again has its new value.
struct Fields<'a>(&'a mut Map<String, Value>);

impl Fields<'_> {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, format!("{value:?}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, float(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.set(field, integer(value));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.set(field, integer(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_error(&mut self, field: &Field, error: &(dyn Error + 'static)) {
        self.set(field, describe(error));
    }
}
