//! What other tools have for what is written otherwise here: as it stands it would find nothing, and nobody would know why.

use crate::words::is_word_char;

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
        "the words alone, \"a phrase\" or message~regex",
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

/// What to write instead of a condition on a field of this name, which records do not have by it.
pub(super) fn foreign_condition(key: &str) -> Option<&'static str> {
    match key {
        "level" => Some("level:warning (at least), level:<=info or level:=error"),
        "host" => Some("host:node1"),
        "logger" => Some("name:myapp.area2"),
        _ => None,
    }
}

/// What to write instead of an operator of other tools.
pub(super) fn foreign_word(bare: &str) -> Option<String> {
    let way_out = match bare {
        "AND" => "all terms must hold anyway, without AND",
        "OR" => "all terms must hold; /one|other/ finds either",
        "NOT" => "a - right before a term leaves it out: -word",
        ">" | ">=" | "<" | "<=" | "=" | "!=" | "~" => "no blanks around an operator: elapsed>5",
        _ => {
            let begins = |c: char| is_word_char(c) || matches!(c, '"' | '/');
            let is_negation = bare.strip_prefix('!')?.starts_with(begins);
            let way_out = "a - instead of the ! leaves out what is behind it: -word; in quotes a ! is a character: \"!word\"";
            return is_negation.then(|| way_out.to_owned());
        }
    };
    Some(format!("{way_out}; in quotes it is a word: \"{bare}\""))
}
