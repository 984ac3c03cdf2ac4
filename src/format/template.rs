//! A user's own format, as Python's `logging.Formatter` reads it.

use serde_json::Value;

use super::escape::{Controls, INDENT, Lines, put_escaped};
use super::repr::{put_ascii, put_repr};
use crate::error::QueryError;
use crate::percent::{Piece, Spec, parse};
use crate::record::{LogRecord, extra_at};
use crate::time::{Clock, Datefmt, Zone};

/// A format that was read once, to be filled in for each record.
#[derive(Debug)]
pub(super) struct Template {
    parts: Vec<Part>,
    datefmt: Option<Datefmt>,
    clock: Clock,
    pub(super) controls: Controls,
    /// One value as it is formatted, before its control characters are seen to.
    scratch: String,
}

#[derive(Debug)]
enum Part {
    Literal(String),
    Value { key: Key, spec: Spec },
}

/// What stands in the parentheses.
#[derive(Debug, Clone)]
enum Key {
    Name,
    Levelno,
    Levelname,
    Pathname,
    Filename,
    Module,
    Lineno,
    FuncName,
    Created,
    Asctime,
    Msecs,
    RelativeCreated,
    Thread,
    ThreadName,
    Process,
    ProcessName,
    TaskName,
    Message,
    Hostname,
    ExcText,
    StackInfo,
    Extra(String),
}

impl Key {
    fn new(text: &str) -> Self {
        match text {
            "name" => Key::Name,
            "levelno" => Key::Levelno,
            "levelname" => Key::Levelname,
            "pathname" => Key::Pathname,
            "filename" => Key::Filename,
            "module" => Key::Module,
            "lineno" => Key::Lineno,
            "funcName" => Key::FuncName,
            "created" => Key::Created,
            "asctime" => Key::Asctime,
            "msecs" => Key::Msecs,
            "relativeCreated" => Key::RelativeCreated,
            "thread" => Key::Thread,
            "threadName" => Key::ThreadName,
            "process" => Key::Process,
            "processName" => Key::ProcessName,
            "taskName" => Key::TaskName,
            // By the time a record is shown, its arguments are merged.
            "message" | "msg" => Key::Message,
            "hostname" => Key::Hostname,
            "exc_text" => Key::ExcText,
            "stack_info" => Key::StackInfo,
            _ => Key::Extra(text.to_owned()),
        }
    }
}

/// What a record has under a key.
enum Found<'a> {
    Nothing,
    Text(&'a str),
    Int(i64),
    Float(f64),
    Extra(&'a Value),
}

impl Template {
    pub(super) fn new(format: &str, datefmt: Option<&str>, zone: Zone) -> Result<Self, QueryError> {
        let wrong = |format: &str, reason: String, at| {
            Err(QueryError::Format {
                format: format.to_owned(),
                reason,
                at,
            })
        };
        let pieces = match parse(format) {
            Ok(pieces) => pieces,
            Err(error) => return wrong(format, error.reason, error.at),
        };
        let mut parts = Vec::with_capacity(pieces.len());
        for piece in pieces {
            parts.push(match piece {
                Piece::Literal(text) => Part::Literal(text.to_owned()),
                Piece::Percent => Part::Literal("%".to_owned()),
                Piece::Field {
                    key: Some(key),
                    spec,
                } => Part::Value {
                    key: Key::new(key),
                    spec,
                },
                Piece::Field { key: None, spec } => {
                    let at = unnamed(format);
                    let reason = format!("name the value: %(message){}", spec.conversion);
                    return wrong(format, reason, at);
                }
            });
        }
        if !parts.iter().any(|part| matches!(part, Part::Value { .. })) {
            return wrong(format, "it names no value such as %(message)s".into(), 0);
        }
        let datefmt = match datefmt.map(|text| (text, Datefmt::new(text))) {
            Some((text, None)) => {
                return wrong(text, "it has a conversion that strftime lacks".into(), 0);
            }
            Some((_, read)) => read,
            None => None,
        };
        let (clock, controls) = (Clock::new(zone), Controls::default());
        Ok(Template {
            parts,
            datefmt,
            clock,
            controls,
            scratch: String::new(),
        })
    }

    pub(super) fn write(&mut self, record: &LogRecord, out: &mut Vec<u8>) {
        let start = out.len();
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Part::Value {
                    key: Key::Asctime,
                    spec,
                } => {
                    let asctime = asctime(&mut self.clock, self.datefmt.as_ref(), record);
                    self.scratch.clear();
                    put_str(&asctime, spec, &mut self.scratch);
                    out.extend_from_slice(self.scratch.as_bytes());
                }
                Part::Value { key, spec } => {
                    self.scratch.clear();
                    put(&find(key, record), spec, &mut self.scratch);
                    put_text(&self.scratch, self.controls, out);
                }
            }
        }
        for text in [&record.exc_text, &record.stack_info].into_iter().flatten() {
            if !text.is_empty() {
                if out[start..].last() != Some(&b'\n') {
                    out.push(b'\n');
                }
                if self.controls == Controls::Escaped {
                    out.extend_from_slice(INDENT);
                }
                put_text(text, self.controls, out);
            }
        }
        out.push(b'\n');
    }
}

/// Where the first value without a key stands, for the message.
fn unnamed(format: &str) -> usize {
    let mut at = 0;
    while let Some(next) = format[at..].find('%') {
        at += next;
        match format.as_bytes().get(at + 1) {
            Some(b'%') => at += 2,
            Some(b'(') => at += 1,
            _ => return at,
        }
    }
    0
}

fn asctime(clock: &mut Clock, datefmt: Option<&Datefmt>, record: &LogRecord) -> String {
    if let Some(datefmt) = datefmt {
        let mut text = String::new();
        clock.put_formatted(record.created_ns, datefmt, &mut text);
        return text;
    }
    let mut text = Vec::with_capacity(24);
    clock.put_asctime(record.created_ns, &mut text);
    String::from_utf8(text).expect("times are written in ASCII")
}

fn put_text(text: &str, controls: Controls, out: &mut Vec<u8>) {
    match controls {
        Controls::Escaped => put_escaped(text, Lines::Indented, out),
        Controls::Raw => out.extend_from_slice(text.as_bytes()),
    }
}

fn find<'a>(key: &Key, record: &'a LogRecord) -> Found<'a> {
    let said = |text: &'a str| {
        if text.is_empty() {
            Found::Nothing
        } else {
            Found::Text(text)
        }
    };
    let text = |text: &'a Option<String>| text.as_deref().map_or(Found::Nothing, Found::Text);
    let int = |number: Option<i64>| number.map_or(Found::Nothing, Found::Int);
    let (site, origin) = (&*record.site, &*record.origin);
    match key {
        Key::Name => said(&site.name),
        Key::Levelno => Found::Int(site.level.0.into()),
        Key::Levelname => said(&site.level_name),
        Key::Pathname => said(&site.pathname),
        Key::Filename => said(site.filename()),
        Key::Module => said(site.module()),
        Key::Lineno => int(site.lineno),
        Key::FuncName => said(&site.func_name),
        Key::Created => Found::Float(seconds(record.created_ns)),
        Key::Asctime => Found::Nothing,
        Key::Msecs => Found::Float(milliseconds(record.created_ns)),
        Key::RelativeCreated => record
            .relative_created_ms()
            .map_or(Found::Nothing, Found::Float),
        Key::Thread => int(origin.thread),
        Key::ThreadName => said(&origin.thread_name),
        Key::Process => int(origin.process),
        Key::ProcessName => said(&origin.process_name),
        Key::TaskName => text(&record.task_name),
        Key::Message => Found::Text(&record.message),
        Key::Hostname => said(&origin.hostname),
        Key::ExcText => text(&record.exc_text),
        Key::StackInfo => text(&record.stack_info),
        Key::Extra(key) => extra_at(&record.extra, key).map_or(Found::Nothing, Found::Extra),
    }
}

/// The float nearest to this many nanoseconds in seconds, so that it is again the float that a Python client sent.
fn seconds(ns: i64) -> f64 {
    let size = ns.unsigned_abs();
    let text = format!("{}.{:09}", size / 1_000_000_000, size % 1_000_000_000);
    let size: f64 = text.parse().expect("decimal digits");
    if ns < 0 { -size } else { size }
}

/// Whole milliseconds within the second, a float as in Python 3.11 and later.
fn milliseconds(ns: i64) -> f64 {
    let whole = ns.rem_euclid(1_000_000_000) / 1_000_000;
    u32::try_from(whole).expect("less than 1,000").into()
}

/// Appends a value as Python's `%` does, whose `%r` and `%a` show a text in quotes.
fn put(found: &Found<'_>, spec: &Spec, out: &mut String) {
    match found {
        Found::Nothing => spec.put_str("-", out),
        Found::Text(text) => put_str(text, spec, out),
        Found::Int(number) => spec.put_int((*number).into(), out),
        Found::Float(number) => spec.put_float(*number, out),
        Found::Extra(Value::String(text)) => put_str(text, spec, out),
        Found::Extra(Value::Number(number)) => match (number.as_i128(), number.as_f64()) {
            (Some(number), _) => spec.put_int(number, out),
            (None, Some(number)) => spec.put_float(number, out),
            (None, None) => spec.put_str(&number.to_string(), out),
        },
        Found::Extra(Value::Bool(truth)) if !matches!(spec.conversion, 's' | 'r' | 'a') => {
            spec.put_int((*truth).into(), out);
        }
        Found::Extra(value) => put_quoted(value, spec, out),
    }
}

fn put_str(text: &str, spec: &Spec, out: &mut String) {
    if matches!(spec.conversion, 'r' | 'a') {
        put_quoted(&Value::String(text.to_owned()), spec, out);
    } else {
        spec.put_str(text, out);
    }
}

fn put_quoted(value: &Value, spec: &Spec, out: &mut String) {
    let mut shown = String::new();
    if spec.conversion == 'a' {
        put_ascii(value, &mut shown);
    } else {
        put_repr(value, &mut shown);
    }
    spec.put_str(&shown, out);
}
