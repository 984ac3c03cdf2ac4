//! The keys under which JSON clients send a record's fields.

use std::collections::HashMap;
use std::sync::LazyLock;

use foldhash::fast::FixedState;

/// A field of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Created,
    LevelNumber,
    LevelName,
    Name,
    Message,
    Hostname,
    Process,
    ProcessName,
    Thread,
    ThreadName,
    ExcText,
    StackInfo,
    Pathname,
    Lineno,
    FuncName,
    Filename,
    Module,
    TaskName,
    RelativeCreated,
}

/// How many there are.
pub(super) const FIELDS: usize = Field::RelativeCreated as usize + 1;

/// A field, and how far down among its keys this one is: the lowest number that is there wins.
pub(super) type Place = (Field, u8);

/// Whose numbers a `levelno` is, or a `severity_number`; any other number may be anybody's.
pub(super) const LEVELNO: u8 = 0;
pub(super) const SEVERITY_NUMBERS: [u8; 2] = [1, 2];

/// That of the systemd journal, whose numbers are syslog's.
pub(super) const JOURNAL_PRIORITY: u8 = 10;

/// That of Serilog, who writes names alone: elsewhere a number under such a key is of something else.
pub(super) const LEVEL_AS_NAME: u8 = 12;

/// The rank of `created_ns`, which has nanoseconds.
pub(super) const CREATED_NS: u8 = 0;

/// Messages of this rank or behind are so only as a text: an object there is something else.
pub(super) const MESSAGE_IF_TEXT: u8 = 4;

/// The rank of Docker's `log`, which keeps the line end.
pub(super) const DOCKER_LOG: u8 = 6;

/// The rank of the message that tracing-subscriber puts among an event's other fields.
pub(super) const FIELDS_MESSAGE: u8 = 7;

/// The rank of a `thread` that is a name.
pub(super) const THREAD_AS_NAME: u8 = 9;

/// The rank of GELF's `full_message`.
pub(super) const FULL_MESSAGE: u8 = 100;

/// The rank of Loguru's `text`: the record once more, with its traceback behind it.
pub(super) const LOGURU_TEXT: u8 = 101;

/// The keys of fields. Dots separate the keys of nested objects, or stand in the key itself. Levels have one order for numbers and
/// names.
const KEYS: &[(&str, Place)] = &[
    ("created_ns", (Field::Created, CREATED_NS)),
    ("created", (Field::Created, 1)),
    ("time", (Field::Created, 2)),
    ("timestamp", (Field::Created, 3)),
    ("ts", (Field::Created, 4)),
    ("@timestamp", (Field::Created, 5)),
    ("_time", (Field::Created, 6)),
    ("asctime", (Field::Created, 7)),
    ("@t", (Field::Created, 8)),
    ("Timestamp", (Field::Created, 9)),
    ("__REALTIME_TIMESTAMP", (Field::Created, 10)),
    ("levelno", (Field::LevelName, LEVELNO)),
    ("severity_number", (Field::LevelName, SEVERITY_NUMBERS[0])),
    ("severityNumber", (Field::LevelName, SEVERITY_NUMBERS[1])),
    ("level", (Field::LevelName, 3)),
    ("levelname", (Field::LevelName, 4)),
    ("severity", (Field::LevelName, 5)),
    ("lvl", (Field::LevelName, 6)),
    ("log.level", (Field::LevelName, 7)),
    ("severity_text", (Field::LevelName, 8)),
    ("severityText", (Field::LevelName, 9)),
    ("PRIORITY", (Field::LevelName, JOURNAL_PRIORITY)),
    ("@l", (Field::LevelName, 11)),
    ("Level", (Field::LevelName, LEVEL_AS_NAME)),
    ("name", (Field::Name, 0)),
    ("logger", (Field::Name, 1)),
    ("target", (Field::Name, 2)),
    ("log.logger", (Field::Name, 3)),
    ("logger_name", (Field::Name, 4)),
    ("loggerName", (Field::Name, 5)),
    ("channel", (Field::Name, 6)),
    ("SourceContext", (Field::Name, 7)),
    ("Properties.SourceContext", (Field::Name, 8)),
    ("SYSLOG_IDENTIFIER", (Field::Name, 9)),
    ("message", (Field::Message, 0)),
    ("msg", (Field::Message, 1)),
    ("_msg", (Field::Message, 2)),
    ("short_message", (Field::Message, 3)),
    ("body", (Field::Message, MESSAGE_IF_TEXT)),
    ("event", (Field::Message, 5)),
    ("log", (Field::Message, DOCKER_LOG)),
    ("fields.message", (Field::Message, FIELDS_MESSAGE)),
    ("@m", (Field::Message, 8)),
    ("@mt", (Field::Message, 9)),
    ("RenderedMessage", (Field::Message, 10)),
    ("MessageTemplate", (Field::Message, 11)),
    ("MESSAGE", (Field::Message, 12)),
    ("hostname", (Field::Hostname, 0)),
    ("host", (Field::Hostname, 1)),
    ("host.name", (Field::Hostname, 2)),
    ("host.hostname", (Field::Hostname, 3)),
    ("_HOSTNAME", (Field::Hostname, 4)),
    ("process", (Field::Process, 0)),
    ("pid", (Field::Process, 1)),
    ("process_id", (Field::Process, 2)),
    ("process.pid", (Field::Process, 3)),
    ("_PID", (Field::Process, 4)),
    ("processName", (Field::ProcessName, 0)),
    ("process_name", (Field::ProcessName, 1)),
    ("process.name", (Field::ProcessName, 2)),
    ("_COMM", (Field::ProcessName, 3)),
    ("thread", (Field::Thread, 0)),
    ("thread_id", (Field::Thread, 1)),
    ("process.thread.id", (Field::Thread, 2)),
    ("threadName", (Field::ThreadName, 0)),
    ("thread_name", (Field::ThreadName, 1)),
    ("thread.name", (Field::ThreadName, 2)),
    ("process.thread.name", (Field::ThreadName, 3)),
    ("exc_text", (Field::ExcText, 0)),
    ("stack", (Field::ExcText, 1)),
    ("exception", (Field::ExcText, 2)),
    ("error.stack_trace", (Field::ExcText, 3)),
    ("stack_trace", (Field::ExcText, 4)),
    ("stacktrace", (Field::ExcText, 5)),
    ("exc_info", (Field::ExcText, 6)),
    ("err.stack", (Field::ExcText, 7)),
    ("error.stack", (Field::ExcText, 8)),
    ("@x", (Field::ExcText, 9)),
    ("Exception", (Field::ExcText, 10)),
    ("stack_info", (Field::StackInfo, 0)),
    ("pathname", (Field::Pathname, 0)),
    ("file", (Field::Pathname, 1)),
    ("caller", (Field::Pathname, 2)),
    ("log.origin.file.name", (Field::Pathname, 3)),
    ("source.file", (Field::Pathname, 4)),
    ("CODE_FILE", (Field::Pathname, 5)),
    ("lineno", (Field::Lineno, 0)),
    ("line", (Field::Lineno, 1)),
    ("log.origin.file.line", (Field::Lineno, 2)),
    ("line_number", (Field::Lineno, 3)),
    ("source.line", (Field::Lineno, 4)),
    ("CODE_LINE", (Field::Lineno, 5)),
    ("funcName", (Field::FuncName, 0)),
    ("func", (Field::FuncName, 1)),
    ("function", (Field::FuncName, 2)),
    ("log.origin.function", (Field::FuncName, 3)),
    ("source.function", (Field::FuncName, 4)),
    ("CODE_FUNC", (Field::FuncName, 5)),
    ("filename", (Field::Filename, 0)),
    ("module", (Field::Module, 0)),
    ("taskName", (Field::TaskName, 0)),
    ("relativeCreated", (Field::RelativeCreated, 0)),
];

/// Those of GELF, where additional fields begin with an underscore.
const GELF_KEYS: &[(&str, Place)] = &[
    ("timestamp", (Field::Created, 1)),
    ("level", (Field::LevelName, 3)),
    ("_level_name", (Field::LevelName, 4)),
    ("_levelname", (Field::LevelName, 5)),
    ("_name", (Field::Name, 0)),
    ("_logger", (Field::Name, 1)),
    ("_logger_name", (Field::Name, 2)),
    ("facility", (Field::Name, 3)),
    ("short_message", (Field::Message, 0)),
    ("host", (Field::Hostname, 0)),
    ("_process", (Field::Process, 0)),
    ("_pid", (Field::Process, 1)),
    ("_process_id", (Field::Process, 2)),
    ("_process_name", (Field::ProcessName, 0)),
    ("_processName", (Field::ProcessName, 1)),
    ("_thread", (Field::Thread, 0)),
    ("_thread_id", (Field::Thread, 1)),
    ("_thread_name", (Field::ThreadName, 0)),
    ("_threadName", (Field::ThreadName, 1)),
    ("_exc_text", (Field::ExcText, 0)),
    ("full_message", (Field::ExcText, FULL_MESSAGE)),
    ("_stack_info", (Field::StackInfo, 0)),
    ("_pathname", (Field::Pathname, 0)),
    ("_file", (Field::Pathname, 1)),
    ("file", (Field::Pathname, 2)),
    ("_lineno", (Field::Lineno, 0)),
    ("_line", (Field::Lineno, 1)),
    ("line", (Field::Lineno, 2)),
    ("_funcName", (Field::FuncName, 0)),
    ("_function", (Field::FuncName, 1)),
    ("_func", (Field::FuncName, 2)),
    ("_filename", (Field::Filename, 0)),
    ("_module", (Field::Module, 0)),
    ("_taskName", (Field::TaskName, 0)),
];

/// Those of zap's console configuration, besides the others.
const SHORT_KEYS: &[(&str, Place)] = &[
    ("T", (Field::Created, 20)),
    ("L", (Field::LevelName, 20)),
    ("N", (Field::Name, 20)),
    ("M", (Field::Message, 20)),
    ("S", (Field::ExcText, 20)),
    ("C", (Field::Pathname, 20)),
    ("F", (Field::FuncName, 20)),
];

/// Those of Loguru's `serialize=True`.
const LOGURU_KEYS: &[(&str, Place)] = &[
    ("record.time.timestamp", (Field::Created, 1)),
    ("record.time.repr", (Field::Created, 2)),
    ("record.level.no", (Field::LevelName, LEVELNO)),
    ("record.level.name", (Field::LevelName, 4)),
    ("record.name", (Field::Name, 0)),
    ("record.message", (Field::Message, 0)),
    ("record.process.id", (Field::Process, 0)),
    ("record.process.name", (Field::ProcessName, 0)),
    ("record.thread.id", (Field::Thread, 0)),
    ("record.thread.name", (Field::ThreadName, 0)),
    ("record.exception", (Field::ExcText, 0)),
    ("text", (Field::ExcText, LOGURU_TEXT)),
    ("record.file.path", (Field::Pathname, 0)),
    ("record.line", (Field::Lineno, 0)),
    ("record.function", (Field::FuncName, 0)),
    ("record.file.name", (Field::Filename, 0)),
    ("record.module", (Field::Module, 0)),
];

type Table = HashMap<&'static [u8], Place, FixedState>;

fn table(keys: &[(&'static str, Place)]) -> Table {
    let by_bytes = |(key, place): &(&'static str, Place)| (key.as_bytes(), *place);
    keys.iter().map(by_bytes).collect()
}

/// The field of a key. Looked up, since comparing with all of them would be a third of the work for a record.
pub(super) fn place_of(key: &[u8]) -> Option<Place> {
    static TABLE: LazyLock<Table> = LazyLock::new(|| table(KEYS));
    TABLE.get(key).copied()
}

/// The field of a key of GELF.
pub(super) fn gelf_place_of(key: &[u8]) -> Option<Place> {
    static TABLE: LazyLock<Table> = LazyLock::new(|| table(GELF_KEYS));
    TABLE.get(key).copied()
}

/// The field of a key in zap's console configuration.
pub(super) fn short_place_of(key: &[u8]) -> Option<Place> {
    static TABLE: LazyLock<Table> = LazyLock::new(|| table(SHORT_KEYS));
    TABLE.get(key).copied().or_else(|| place_of(key))
}

/// The field of a key of Loguru.
pub(super) fn loguru_place_of(key: &[u8]) -> Option<Place> {
    static TABLE: LazyLock<Table> = LazyLock::new(|| table(LOGURU_KEYS));
    TABLE.get(key).copied()
}

/// Whether an object under this key may hold fields.
pub(super) fn holds_fields(key: &[u8]) -> bool {
    matches!(
        key,
        b"log"
            | b"log.origin"
            | b"log.origin.file"
            | b"host"
            | b"process"
            | b"process.thread"
            | b"thread"
            | b"error"
            | b"err"
            | b"fields"
            | b"source"
            | b"Properties"
    )
}

/// The same in what Loguru writes.
pub(super) fn loguru_holds_fields(key: &[u8]) -> bool {
    matches!(
        key,
        b"record"
            | b"record.time"
            | b"record.level"
            | b"record.process"
            | b"record.thread"
            | b"record.file"
            | b"record.extra"
    )
}

/// The longest key of a field.
pub(super) const LONGEST: usize = 24;

/// Bits for what keys tell of who writes.
pub(super) mod hint {
    pub(in super::super) const CREATED_NS: u16 = 1 << 0;
    pub(in super::super) const GELF_VERSION: u16 = 1 << 1;
    pub(in super::super) const SHORT_MESSAGE: u16 = 1 << 2;
    pub(in super::super) const PID: u16 = 1 << 3;
    pub(in super::super) const HOSTNAME: u16 = 1 << 4;
    /// A numeric `time`, or bunyan's version.
    pub(in super::super) const NUMERIC_TIME: u16 = 1 << 5;
    /// A `time` that is a whole number of milliseconds.
    pub(in super::super) const TIME_MS: u16 = 1 << 6;
    pub(in super::super) const MSG: u16 = 1 << 7;
    pub(in super::super) const SERILOG_TIME: u16 = 1 << 8;
    pub(in super::super) const SHORT_LEVEL: u16 = 1 << 9;
    pub(in super::super) const SHORT_TEXT: u16 = 1 << 10;
    pub(in super::super) const LOGURU_TEXT: u16 = 1 << 11;
    pub(in super::super) const LOGURU_RECORD: u16 = 1 << 12;
}

/// What this key of the outermost object with this value, as it stands, tells.
pub(super) fn hints_of(key: &[u8], raw: &str) -> u16 {
    let number = || raw.starts_with(|c: char| c.is_ascii_digit());
    let milliseconds = || raw.len() == 13 && raw.bytes().all(|c| c.is_ascii_digit());
    let if_so = |hint: u16, so: bool| if so { hint } else { 0 };
    match key {
        b"created_ns" => if_so(hint::CREATED_NS, number()),
        b"version" => if_so(hint::GELF_VERSION, matches!(raw, "\"1.0\"" | "\"1.1\"")),
        b"short_message" => hint::SHORT_MESSAGE,
        b"pid" => hint::PID,
        b"hostname" => hint::HOSTNAME,
        b"time" => if_so(hint::NUMERIC_TIME, number()) | if_so(hint::TIME_MS, milliseconds()),
        b"v" => if_so(hint::NUMERIC_TIME, number()),
        b"msg" => hint::MSG,
        b"@t" => hint::SERILOG_TIME,
        b"L" => if_so(hint::SHORT_LEVEL, raw.starts_with('"')),
        b"M" => if_so(hint::SHORT_TEXT, raw.starts_with('"')),
        b"text" => if_so(hint::LOGURU_TEXT, raw.starts_with('"')),
        b"record" => if_so(hint::LOGURU_RECORD, raw.starts_with('{')),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_one_place_and_no_place_two_keys() {
        for keys in [KEYS, GELF_KEYS, SHORT_KEYS, LOGURU_KEYS] {
            assert_eq!(table(keys).len(), keys.len());
            let mut places: Vec<_> = keys
                .iter()
                .map(|(_, (field, rank))| (*field as u8, *rank))
                .collect();
            places.sort_unstable();
            places.dedup();
            assert_eq!(places.len(), keys.len());
        }
        let longest = [KEYS, LOGURU_KEYS]
            .concat()
            .iter()
            .map(|(key, _)| key.len())
            .max();
        assert_eq!(longest, Some(LONGEST));
    }
}
