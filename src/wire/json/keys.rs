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

/// The rank of `created_ns`, which has nanoseconds.
pub(super) const CREATED_NS: u8 = 0;

/// Messages of this rank or behind are so only as a text: an object there is something else.
pub(super) const MESSAGE_IF_TEXT: u8 = 4;

/// The rank of Docker's `log`, which keeps the line end.
pub(super) const DOCKER_LOG: u8 = 6;

/// The rank of a `thread` that is a name.
pub(super) const THREAD_AS_NAME: u8 = 9;

/// The rank of GELF's `full_message`.
pub(super) const FULL_MESSAGE: u8 = 100;

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
    ("name", (Field::Name, 0)),
    ("logger", (Field::Name, 1)),
    ("target", (Field::Name, 2)),
    ("log.logger", (Field::Name, 3)),
    ("logger_name", (Field::Name, 4)),
    ("loggerName", (Field::Name, 5)),
    ("channel", (Field::Name, 6)),
    ("message", (Field::Message, 0)),
    ("msg", (Field::Message, 1)),
    ("_msg", (Field::Message, 2)),
    ("short_message", (Field::Message, 3)),
    ("body", (Field::Message, MESSAGE_IF_TEXT)),
    ("event", (Field::Message, 5)),
    ("log", (Field::Message, DOCKER_LOG)),
    ("hostname", (Field::Hostname, 0)),
    ("host", (Field::Hostname, 1)),
    ("host.name", (Field::Hostname, 2)),
    ("host.hostname", (Field::Hostname, 3)),
    ("process", (Field::Process, 0)),
    ("pid", (Field::Process, 1)),
    ("process_id", (Field::Process, 2)),
    ("process.pid", (Field::Process, 3)),
    ("processName", (Field::ProcessName, 0)),
    ("process_name", (Field::ProcessName, 1)),
    ("process.name", (Field::ProcessName, 2)),
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
    ("stack_info", (Field::StackInfo, 0)),
    ("pathname", (Field::Pathname, 0)),
    ("file", (Field::Pathname, 1)),
    ("caller", (Field::Pathname, 2)),
    ("log.origin.file.name", (Field::Pathname, 3)),
    ("lineno", (Field::Lineno, 0)),
    ("line", (Field::Lineno, 1)),
    ("log.origin.file.line", (Field::Lineno, 2)),
    ("funcName", (Field::FuncName, 0)),
    ("func", (Field::FuncName, 1)),
    ("function", (Field::FuncName, 2)),
    ("log.origin.function", (Field::FuncName, 3)),
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
    )
}

/// The longest key of a field.
pub(super) const LONGEST: usize = 20;

/// A key that tells who writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    CreatedNs,
    GelfVersion,
    ShortMessage,
    Pid,
    Hostname,
    NumericTime,
}

impl Hint {
    /// All that this key with this value, as it stands, says; `v` is bunyan's version, as telling as pino's time.
    pub(super) fn of(key: &[u8], raw: &str) -> Option<Hint> {
        let number = raw.starts_with(|c: char| c.is_ascii_digit());
        Some(match key {
            b"created_ns" if number => Hint::CreatedNs,
            b"version" if matches!(raw, "\"1.0\"" | "\"1.1\"") => Hint::GelfVersion,
            b"short_message" => Hint::ShortMessage,
            b"pid" => Hint::Pid,
            b"hostname" => Hint::Hostname,
            b"time" | b"v" if number => Hint::NumericTime,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_one_place_and_no_place_two_keys() {
        for keys in [KEYS, GELF_KEYS] {
            assert_eq!(table(keys).len(), keys.len());
            let mut places: Vec<_> = keys
                .iter()
                .map(|(_, (field, rank))| (*field as u8, *rank))
                .collect();
            places.sort_unstable();
            places.dedup();
            assert_eq!(places.len(), keys.len());
        }
        let longest = KEYS.iter().map(|(key, _)| key.len()).max();
        assert_eq!(longest, Some(LONGEST));
    }
}
