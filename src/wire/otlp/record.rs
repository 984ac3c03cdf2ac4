//! The fields of an OTLP log record get their places in a record.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::value::{Members, Value, put_object};
use crate::batch::Texts;
use crate::error::WireError;
use crate::level::Level;
use crate::percent::put_hex;
use crate::wire::intern::{Interner, MAX_NAME_BYTES, OriginKey, SiteKey};
use crate::wire::members::put_key;
use crate::wire::record::WireRecord;
use crate::wire::request::Request;
use crate::wire::severity::{level_of_severity, tells_severity};

/// A log record as it was sent, whether in protobuf or in JSON. What was not sent is 0 or empty.
#[derive(Debug, Default)]
pub(super) struct LogRecord<'a> {
    pub(super) time_unix_nano: u64,
    pub(super) observed_time_unix_nano: u64,
    pub(super) severity_number: i64,
    pub(super) severity_text: Cow<'a, str>,
    pub(super) body: Value<'a>,
    pub(super) attributes: Members<'a>,
    pub(super) dropped_attributes_count: u64,
    pub(super) flags: u32,
    pub(super) trace_id: Id<'a>,
    pub(super) span_id: Id<'a>,
    pub(super) event_name: Cow<'a, str>,
}

/// The id of a trace or a span.
#[derive(Debug)]
pub(super) enum Id<'a> {
    Bytes(&'a [u8]),
    Hex(Cow<'a, str>),
}

impl Default for Id<'_> {
    fn default() -> Self {
        Id::Bytes(&[])
    }
}

impl Id<'_> {
    /// An id of nothing but zeros is none.
    fn is_none(&self) -> bool {
        match self {
            Id::Bytes(bytes) => bytes.iter().all(|byte| *byte == 0),
            Id::Hex(text) => text.bytes().all(|digit| digit == b'0'),
        }
    }

    fn put_json(&self, out: &mut String) {
        match self {
            Id::Bytes(bytes) => {
                out.push('"');
                for byte in *bytes {
                    put_hex("", (*byte).into(), 1, out);
                }
                out.push('"');
            }
            Id::Hex(text) => Value::Text(text.to_ascii_lowercase().into()).put_json(out),
        }
    }
}

/// Whose records they are.
#[derive(Debug, Default)]
pub(super) struct Resource<'a> {
    service_name: String,
    hostname: Cow<'a, str>,
    process: Option<i64>,
    process_name: Cow<'a, str>,
    /// The rest as the member `resource`; empty when there is none.
    json: String,
}

impl<'a> Resource<'a> {
    pub(super) fn new(mut attributes: Members<'a>) -> Self {
        let mut resource = Resource::default();
        attributes.retain_mut(|(key, value)| {
            match (&**key, &mut *value) {
                ("host.name", Value::Text(text)) if fits(text, &resource.hostname) => {
                    resource.hostname = std::mem::take(text);
                }
                ("process.pid", Value::Int(pid)) => resource.process = Some(*pid),
                ("process.executable.name", Value::Text(text))
                    if fits(text, &resource.process_name) =>
                {
                    resource.process_name = std::mem::take(text);
                }
                ("service.name", Value::Text(text)) => {
                    resource.service_name = text.to_string();
                    return true;
                }
                _ => return true,
            }
            false
        });
        if !attributes.is_empty() {
            put_key("resource", &mut resource.json);
            put_object(&attributes, &mut resource.json);
        }
        resource
    }
}

/// Whether a name can go to its place: it says something, nothing stands there, and nothing of it would be cut.
fn fits(name: &str, place: &str) -> bool {
    !name.is_empty() && place.is_empty() && name.len() <= MAX_NAME_BYTES
}

/// What made the records: an instrumented library, or a logger.
#[derive(Debug, Default)]
pub(super) struct Scope<'a> {
    name: Cow<'a, str>,
    /// Version and attributes as the member `scope`; empty when there is none.
    json: String,
}

impl<'a> Scope<'a> {
    pub(super) fn new(name: Cow<'a, str>, version: &str, attributes: &Members<'_>) -> Self {
        let mut json = String::new();
        if !version.is_empty() || !attributes.is_empty() {
            put_key("scope", &mut json);
            json.push('{');
            if !version.is_empty() {
                put_key("version", &mut json);
                Value::Text(version.into()).put_json(&mut json);
            }
            if !attributes.is_empty() {
                put_key("attributes", &mut json);
                put_object(attributes, &mut json);
            }
            json.push('}');
        }
        Scope { name, json }
    }
}

/// The attributes that have a place of their own in a record.
#[derive(Debug, Default)]
struct Columns<'a> {
    pathname: &'a str,
    lineno: Option<i64>,
    func_name: &'a str,
    thread: Option<i64>,
    thread_name: &'a str,
    exc_text: Option<&'a str>,
}

impl<'a> Columns<'a> {
    /// Takes an attribute for its place; `false` when it has none, or its value does not fit there.
    fn take(&mut self, key: &str, value: &'a Value<'_>) -> bool {
        let name = match key {
            "code.file.path" | "code.filepath" => &mut self.pathname,
            "code.function.name" | "code.function" => &mut self.func_name,
            "thread.name" => &mut self.thread_name,
            "code.line.number" | "code.lineno" => return take(&mut self.lineno, value.int()),
            "thread.id" => return take(&mut self.thread, value.int()),
            "exception.stacktrace" => return take(&mut self.exc_text, value.text()),
            _ => return false,
        };
        let text = value.text().filter(|text| fits(text, name));
        if let Some(text) = text {
            *name = text;
        }
        text.is_some()
    }
}

fn take<T>(place: &mut Option<T>, value: Option<T>) -> bool {
    let takes = place.is_none() && value.is_some();
    if takes {
        *place = value;
    }
    takes
}

/// Reused from record to record.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    message: String,
    extra: String,
    /// The record's own fields among the extra ones, which stand behind its attributes.
    own: String,
    own_keys: Vec<&'static str>,
}

/// How much memory a buffer keeps from an unusually large record.
const KEPT_BYTES: usize = 64 << 10;

impl Scratch {
    fn clear(&mut self) {
        for text in [&mut self.message, &mut self.extra, &mut self.own] {
            text.clear();
            text.shrink_to(KEPT_BYTES);
        }
        self.own_keys.clear();
    }

    fn put_own(&mut self, key: &'static str, put: impl FnOnce(&mut String)) {
        put_key(key, &mut self.own);
        put(&mut self.own);
        self.own_keys.push(key);
    }

    fn put_number(&mut self, key: &'static str, number: impl std::fmt::Display) {
        self.put_own(key, |out| {
            write!(out, "{number}").expect("a String takes everything");
        });
    }

    /// Adds members that are JSON already.
    fn put_shared(&mut self, key: &'static str, json: &str) {
        if !json.is_empty() {
            if !self.own.is_empty() {
                self.own.push(',');
            }
            self.own.push_str(json);
            self.own_keys.push(key);
        }
    }
}

impl LogRecord<'_> {
    /// Adds the record to the request's batch.
    pub(super) fn put<R: FnMut(WireError)>(
        &self,
        resource: &Resource<'_>,
        scope: &Scope<'_>,
        request: &mut Request<'_, R>,
        interner: &mut Interner,
        scratch: &mut Scratch,
    ) {
        // Before anything is copied for a record that has no room.
        if let Err(error) = request.room_for(resource.json.len() + scope.json.len()) {
            return request.reject(error);
        }
        scratch.clear();
        let created_ns = self.put_own(resource, scope, scratch);
        let columns = self.put_attributes(scratch);
        if !matches!(self.body, Value::Text(_)) {
            self.body.put_message(&mut scratch.message);
        }
        let level = self.level();
        let name = if scope.name.is_empty() {
            &resource.service_name
        } else {
            &*scope.name
        };
        let record = WireRecord {
            created_ns,
            site: SiteKey {
                name: name.as_bytes(),
                level,
                level_name: self.severity_text.as_bytes(),
                pathname: columns.pathname.as_bytes(),
                lineno: columns.lineno,
                func_name: columns.func_name.as_bytes(),
                ..SiteKey::default()
            },
            origin: OriginKey {
                hostname: resource.hostname.as_bytes(),
                process: resource.process,
                process_name: resource.process_name.as_bytes(),
                thread: columns.thread,
                thread_name: columns.thread_name.as_bytes(),
                ..OriginKey::default()
            },
            texts: Texts {
                message: self.body.text().unwrap_or(&scratch.message),
                exc_text: columns.exc_text,
                extra: (!scratch.extra.is_empty()).then_some(scratch.extra.as_str()),
                ..Texts::default()
            },
        };
        request.put(&record, interner);
    }

    /// Notes the extra fields that are no attributes, and gives the time: of the record, or else when it was observed.
    fn put_own(
        &self,
        resource: &Resource<'_>,
        scope: &Scope<'_>,
        own: &mut Scratch,
    ) -> Option<i64> {
        let (time, observed) = (self.time_unix_nano, self.observed_time_unix_nano);
        if !self.event_name.is_empty() {
            own.put_own("event_name", |out| {
                Value::Text(Cow::Borrowed(&*self.event_name)).put_json(out);
            });
        }
        for (key, id) in [("trace_id", &self.trace_id), ("span_id", &self.span_id)] {
            if !id.is_none() {
                own.put_own(key, |out| id.put_json(out));
            }
        }
        if self.flags != 0 {
            own.put_number("trace_flags", self.flags);
        }
        let of_record = i64::try_from(time).ok().filter(|time| *time != 0);
        if time != 0 && of_record.is_none() {
            own.put_number("time_unix_nano", time);
        }
        let of_observer = i64::try_from(observed).ok().filter(|time| *time != 0);
        let is_created = of_record.or(of_observer) == of_observer;
        if observed != 0 && (!is_created || of_observer.is_none()) {
            own.put_number("observed_time_unix_nano", observed);
        }
        // 0 is what none says.
        if self.severity_number != 0 && !tells_severity(self.severity_number) {
            own.put_number("severity_number", self.severity_number);
        }
        if self.dropped_attributes_count != 0 {
            own.put_number("dropped_attributes_count", self.dropped_attributes_count);
        }
        own.put_shared("scope", &scope.json);
        own.put_shared("resource", &resource.json);
        of_record.or(of_observer)
    }

    /// Writes the extra fields, and gives the attributes that are none.
    fn put_attributes(&self, scratch: &mut Scratch) -> Columns<'_> {
        let mut columns = Columns::default();
        let extra = &mut scratch.extra;
        for (key, value) in &self.attributes {
            if columns.take(key, value) {
                continue;
            }
            if extra.is_empty() {
                extra.push('{');
            }
            // One that is called like a field of the record must not hide it.
            if scratch.own_keys.iter().any(|own| own == key) {
                put_key(&format!("attributes.{key}"), extra);
            } else {
                put_key(key, extra);
            }
            value.put_json(extra);
        }
        if !scratch.own.is_empty() {
            extra.push(if extra.is_empty() { '{' } else { ',' });
            extra.push_str(&scratch.own);
        }
        if !extra.is_empty() {
            extra.push('}');
        }
        columns
    }

    /// The level by the number; without one the text decides.
    fn level(&self) -> Level {
        let named = || self.severity_text.parse().unwrap_or(Level::NOTSET);
        level_of_severity(self.severity_number).unwrap_or_else(named)
    }
}
