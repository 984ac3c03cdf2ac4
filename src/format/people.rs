//! A record as people read it.

use serde_json::{Map, Value};

use super::escape::{INDENT, Lines, put_escaped, put_json, put_key, put_value};
use super::field::put_int;
use crate::level::Level;
use crate::query::Role;
use crate::record::LogRecord;
use crate::time::{Clock, Zone};

/// Whether text has colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Coloring {
    /// It has none.
    #[default]
    Never,
    /// The level by its severity, time and extra fields dimmed.
    Always,
}

const DIM: &[u8] = b"\x1b[2m";
const RESET: &[u8] = b"\x1b[0m";

/// From which level on which color: bold red, red, yellow, green; blue below.
const COLORS: [(Level, &[u8]); 4] = [
    (Level::CRITICAL, b"\x1b[1;31m"),
    (Level::ERROR, b"\x1b[31m"),
    (Level::WARNING, b"\x1b[33m"),
    (Level::INFO, b"\x1b[32m"),
];

/// `2026-11-22 17:20:25.123+01:00 WARNING  myapp.area2 node1[4242]: message  elapsed=5`, and below it, indented,
/// traceback and stack.
#[derive(Debug)]
pub(super) struct People {
    clock: Clock,
    coloring: Coloring,
}

impl People {
    pub(super) fn new(zone: Zone, coloring: Coloring) -> Self {
        People {
            clock: Clock::new(zone),
            coloring,
        }
    }

    /// As a match, or as the context of one.
    pub(super) fn write(&mut self, record: &LogRecord, role: Role, out: &mut Vec<u8>) {
        let coloring = self.coloring;
        if role == Role::Match || coloring == Coloring::Never {
            return self.put(record, role, out);
        }
        let mut plain = Vec::new();
        self.coloring = Coloring::Never;
        self.put(record, role, &mut plain);
        self.coloring = coloring;
        // A pager forgets at a line's end what color it was.
        let lines = plain.strip_suffix(b"\n").unwrap_or(&plain);
        for line in lines.split(|byte| *byte == b'\n') {
            self.styled(DIM, out, |_, out| out.extend_from_slice(line));
            out.push(b'\n');
        }
    }

    fn put(&mut self, record: &LogRecord, role: Role, out: &mut Vec<u8>) {
        self.styled(DIM, out, |people, out| {
            people.clock.put_display(record.created_ns, out);
        });
        out.push(b' ');
        self.styled(color_of(record.site.level), out, |_, out| {
            put_escaped(&record.site.level_name, Lines::One, out);
        });
        let width = record.site.level_name.chars().count();
        out.extend(std::iter::repeat_n(
            b' ',
            9_usize.saturating_sub(width).max(1),
        ));
        put_source(record, role, out);
        put_escaped(&record.message, Lines::Indented, out);
        let numbered = is_numbered(&record.extra);
        let is_shown = |key: &str| !(numbered && NUMBERING.contains(&key));
        let mut shown = record
            .extra
            .iter()
            .filter(|(key, _)| is_shown(key))
            .peekable();
        if shown.peek().is_some() {
            out.extend(b"  ");
            self.styled(DIM, out, |_, out| put_extra(shown, out));
        }
        out.push(b'\n');
        for text in [&record.exc_text, &record.stack_info].into_iter().flatten() {
            let text = text.trim_end_matches('\n');
            if !text.is_empty() {
                out.extend_from_slice(INDENT);
                put_escaped(text, Lines::Indented, out);
                out.push(b'\n');
            }
        }
    }

    fn styled(
        &mut self,
        style: &[u8],
        out: &mut Vec<u8>,
        put: impl FnOnce(&mut Self, &mut Vec<u8>),
    ) {
        if self.coloring == Coloring::Never {
            return put(self, out);
        }
        out.extend_from_slice(style);
        put(self, out);
        out.extend_from_slice(RESET);
    }
}

fn color_of(level: Level) -> &'static [u8] {
    COLORS
        .iter()
        .find(|(from, _)| level >= *from)
        .map_or(b"\x1b[34m", |(_, color)| color)
}

/// `myapp.area2 node1[4242]: `, without what is not known; of context with `- `.
fn put_source(record: &LogRecord, role: Role, out: &mut Vec<u8>) {
    let (name, origin) = (&record.site.name, &record.origin);
    let start = out.len();
    put_escaped(name, Lines::One, out);
    if !name.is_empty() && (!origin.hostname.is_empty() || origin.process.is_some()) {
        out.push(b' ');
    }
    put_escaped(&origin.hostname, Lines::One, out);
    if let Some(process) = origin.process {
        out.push(b'[');
        put_int(process, out);
        out.push(b']');
    }
    if out.len() > start {
        out.extend(match role {
            Role::Match => b": ",
            Role::Context => b"- ",
        });
    }
}

/// The fields by which `SocketHandler` numbers records.
const NUMBERING: [&str; 2] = ["client", "seq"];

/// Whether a record was numbered by `SocketHandler`, which nobody wants to read in each line: its clients end in eight digits to the
/// base of 16.
fn is_numbered(extra: &Map<String, Value>) -> bool {
    let client = extra.get("client").and_then(Value::as_str);
    let chance = client.and_then(|client| client.rsplit('-').next());
    extra.get("seq").is_some_and(Value::is_u64)
        && chance.is_some_and(|chance| {
            chance.len() == 8 && chance.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
}

/// `elapsed=5 user=ada tags=["a","b"]`: as logfmt, but nested values as bare JSON, which is easier on the eye.
fn put_extra<'a>(extra: impl Iterator<Item = (&'a String, &'a Value)>, out: &mut Vec<u8>) {
    for (i, (key, value)) in extra.enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        put_key(key, out);
        out.push(b'=');
        match value {
            Value::String(text) => put_value(text, out),
            _ => put_json(value, out),
        }
    }
}
