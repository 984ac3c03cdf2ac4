//! Keys that other tools have for what is called otherwise here: as words they would find nothing, and nobody would know why.

/// What people type before a `:` elsewhere, and what they write here.
const FOREIGN: [(&[&str], &str); 11] = [
    (
        &["logger", "logger_name", "loggername", "logname"],
        "name:myapp.area2",
    ),
    (
        &[
            "severity",
            "lvl",
            "loglevel",
            "log_level",
            "levelname",
            "levelno",
        ],
        "level:warning",
    ),
    (&["hostname", "machine"], "host:node1"),
    (
        &["pid", "process_name", "processname", "service"],
        "process:4711, with an id or a name",
    ),
    (
        &["tid", "thread_name", "threadname"],
        "thread:MainThread, with an id or a name",
    ),
    (&["from", "after"], "since:-1h"),
    (&["to", "before"], "until:-1h"),
    (
        &["time", "timestamp", "@timestamp", "ts", "date", "created"],
        "since:-1h, until:-5m",
    ),
    (
        &["message", "msg", "text", "body"],
        "the words alone, or \"a phrase\"",
    ),
    (
        &["extra", "field", "fields"],
        "key=value, as user.id=7, or has:user.id",
    ),
    (&["exists", "_exists_"], "has:user.id"),
];

/// The key of a term that is of another tool, and what to write instead.
pub(super) fn foreign_key(bare: &str) -> Option<(&str, &'static str)> {
    let (key, _) = bare.split_once(':')?;
    let mut known = FOREIGN.into_iter();
    let (_, way_out) = known.find(|(keys, _)| keys.contains(&key))?;
    Some((key, way_out))
}
