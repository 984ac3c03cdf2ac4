//! JSON lines and GELF as real clients write them, and as nobody should.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::JsonDecoder;
use crate::batch::Batch;
use crate::error::WireError;
use crate::level::Level;
use crate::record::LogRecord;
use crate::wire::Context;

const NOW: i64 = 1_795_364_425_500_000_000;
const CONTEXT: Context<'_> = Context {
    hostname: "peer",
    now_ns: NOW,
};

fn try_decode(line: &[u8]) -> Result<LogRecord, WireError> {
    let mut batch = Batch::new();
    JsonDecoder::new().decode(line, &CONTEXT, &mut batch)?;
    let record = batch.iter().next().expect("no error means one record");
    Ok(batch.to_record(&record))
}

fn decode(line: &str) -> LogRecord {
    try_decode(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"))
}

/// A record in the keys of `-o json`: what it has, and the extra fields.
fn shown(line: &str) -> (Value, Value) {
    let record = decode(line);
    let (site, origin) = (&record.site, &record.origin);
    let all = json!({
        "created_ns": record.created_ns,
        "name": site.name,
        "levelno": site.level.0,
        "levelname": site.level_name,
        "message": record.message,
        "hostname": origin.hostname,
        "process": origin.process,
        "processName": origin.process_name,
        "thread": origin.thread,
        "threadName": origin.thread_name,
        "started_ms": origin.started_ms,
        "taskName": record.task_name,
        "pathname": site.pathname,
        "filename": site.other_filename,
        "module": site.other_module,
        "lineno": site.lineno,
        "funcName": site.func_name,
        "exc_text": record.exc_text,
        "stack_info": record.stack_info,
    });
    let Value::Object(mut all) = all else {
        unreachable!("it is one");
    };
    all.retain(|_, value| !value.is_null() && *value != "");
    // What is said when nothing is.
    for (key, silent) in [
        ("created_ns", json!(NOW)),
        ("name", json!("root")),
        ("hostname", json!("peer")),
    ] {
        if all[key] == silent {
            all.remove(key);
        }
    }
    (Value::Object(all), Value::Object(record.extra))
}

#[track_caller]
pub(super) fn check(line: &str, expected: &Value, extra: &Value) {
    let (found, found_extra) = shown(line);
    assert_eq!(found, *expected, "{line}");
    assert_eq!(found_extra, *extra, "{line}");
}

#[test]
fn pino_and_bunyan() {
    check(
        r#"{"level":30,"time":1795364425123,"pid":41873,"hostname":"node7","reqId":"a1","msg":"hello"}"#,
        &json!({"created_ns": 1_795_364_425_123_000_000_i64, "levelno": 20, "levelname": "INFO", "message": "hello",
            "hostname": "node7", "process": 41873}),
        &json!({"reqId": "a1"}),
    );
    check(
        r#"{"level":50,"time":1795364425123,"pid":1,"hostname":"h","err":{"type":"Error","message":"boom","stack":"Error: boom\n    at x"},"msg":"boom"}"#,
        &json!({"created_ns": 1_795_364_425_123_000_000_i64, "levelno": 40, "levelname": "ERROR", "message": "boom",
            "hostname": "h", "process": 1, "exc_text": "Error: boom\n    at x"}),
        &json!({"err": {"type": "Error", "message": "boom"}}),
    );
    check(
        r#"{"name":"myapp","hostname":"banana.local","pid":40161,"level":35,"msg":"hi","time":"2026-11-22T16:20:25.233Z","v":0}"#,
        &json!({"created_ns": 1_795_364_425_233_000_000_i64, "name": "myapp", "levelno": 25, "levelname": "NOTICE",
            "message": "hi", "hostname": "banana.local", "process": 40161}),
        &json!({"v": 0}),
    );
}

#[test]
fn zap_and_logrus() {
    check(
        r#"{"level":"warn","ts":1795364425.1234567,"logger":"app.db","caller":"db/pool.go:42","msg":"slow","ms":12.5,"stacktrace":"main.main\n\t/src/main.go:9"}"#,
        &json!({"created_ns": 1_795_364_425_123_456_700_i64, "name": "app.db", "levelno": 30, "levelname": "warn",
            "message": "slow", "pathname": "db/pool.go", "lineno": 42, "exc_text": "main.main\n\t/src/main.go:9"}),
        &json!({"ms": 12.5}),
    );
    check(
        r#"{"animal":"walrus","file":"/go/src/a.go:15","func":"main.main","level":"info","msg":"A walrus appears","time":"2026-11-22T17:20:25+01:00"}"#,
        &json!({"created_ns": 1_795_364_425_000_000_000_i64, "levelno": 20, "levelname": "info",
            "message": "A walrus appears", "pathname": "/go/src/a.go", "lineno": 15, "funcName": "main.main"}),
        &json!({"animal": "walrus"}),
    );
}

#[test]
fn structlog_and_python_json_logger() {
    check(
        r#"{"user": "ada", "event": "logged in", "level": "info", "timestamp": "2026-11-22T16:20:25.123456Z", "exception": "Traceback (most recent call last):\n  x"}"#,
        &json!({"created_ns": 1_795_364_425_123_456_000_i64, "levelno": 20, "levelname": "info",
            "message": "logged in", "exc_text": "Traceback (most recent call last):\n  x"}),
        &json!({"user": "ada"}),
    );
    // Another message key makes of the event what it is elsewhere.
    check(
        r#"{"event": "login", "message": "m"}"#,
        &json!({"levelno": 0, "levelname": "NOTSET", "message": "m"}),
        &json!({"event": "login"}),
    );
    check(
        r#"{"created": 1795364425.123, "levelname": "LOUD", "levelno": 35, "name": "a.b", "message": "m", "taskName": null,
            "exc_info": "Traceback (most recent call last)", "processName": "MainProcess", "process": 7, "thread": 140280481094528,
            "threadName": "MainThread", "pathname": "/srv/a.py", "filename": "a.py", "module": "a", "lineno": 3, "funcName": "f",
            "relativeCreated": 1123.4, "n": NaN, "ok": [1, Infinity]}"#,
        &json!({"created_ns": 1_795_364_425_123_000_000_i64, "levelno": 35, "levelname": "LOUD", "name": "a.b",
            "message": "m", "exc_text": "Traceback (most recent call last)", "processName": "MainProcess", "process": 7,
            "thread": 140_280_481_094_528_i64, "threadName": "MainThread", "pathname": "/srv/a.py", "lineno": 3, "funcName": "f",
            "started_ms": 1_795_364_424_000_i64}),
        &json!({"n": "NaN", "ok": [1, "Infinity"]}),
    );
}

#[test]
fn ecs_nested_and_flat() {
    let fields = json!({"created_ns": 1_795_364_425_123_000_000_i64, "levelno": 40, "levelname": "error",
        "name": "app", "message": "m", "hostname": "h", "process": 5, "processName": "java", "thread": 7, "threadName": "main",
        "pathname": "A.java", "lineno": 9, "funcName": "run", "exc_text": "st"});
    check(
        r#"{"@timestamp":"2026-11-22T16:20:25.123Z","log":{"level":"error","logger":"app","origin":{"file":{"name":"A.java","line":9},"function":"run"}},
            "message":"m","host":{"name":"h"},"process":{"pid":5,"name":"java","thread":{"id":7,"name":"main"}},
            "error":{"stack_trace":"st","type":"E"},"ecs":{"version":"1.6.0"}}"#,
        &fields,
        &json!({"error": {"type": "E"}, "ecs": {"version": "1.6.0"}}),
    );
    check(
        r#"{"@timestamp":"2026-11-22T16:20:25.123Z","log.level":"error","log.logger":"app","log.origin":{"file.name":"A.java","file":{"line":9},"function":"run","x":{}},
            "message":"m","host.name":"h","process.pid":5,"process":{"name":"java","args":[]},"process.thread.id":7,"process.thread.name":"main",
            "error.stack_trace":"st","log":{}}"#,
        &fields,
        &json!({"log.origin": {"x": {}}, "process": {"args": []}, "log": {}}),
    );
}

#[test]
fn docker_and_opentelemetry() {
    check(
        r#"{"log":"plain text\n","stream":"stderr","time":"2026-11-22T16:20:25.123456789Z"}"#,
        &json!({"created_ns": 1_795_364_425_123_456_789_i64, "levelno": 0, "levelname": "NOTSET", "message": "plain text"}),
        &json!({"stream": "stderr"}),
    );
    check(
        r#"{"body":"b","severity_text":"WARN","severity_number":13,"attributes":{"a":1}}"#,
        &json!({"levelno": 30, "levelname": "WARN", "message": "b"}),
        &json!({"attributes": {"a": 1}}),
    );
    // The second number of ERROR: the level does not tell it.
    check(
        r#"{"body":{"b":1},"severityNumber":"18"}"#,
        &json!({"levelno": 40, "levelname": "ERROR"}),
        &json!({"body": {"b": 1}, "severityNumber": "18"}),
    );
}

#[test]
fn what_logstore_writes_comes_back() {
    let line = r#"{"id":7,"created_ns":1795364425123456789,"created":"2026-11-22T16:20:25.123456789Z","name":"a","levelno":25,"levelname":"SUCCESS","message":"m\n","hostname":"h","process":1,"processName":"P","thread":2,"threadName":"T","taskName":"Task-1","pathname":"/a/x.py","filename":"x.py","module":"x","lineno":3,"funcName":"f","exc_text":"e","stack_info":"s","extra":{"level":"inner","extra":{"k":1}}}"#;
    check(
        line,
        &json!({"created_ns": 1_795_364_425_123_456_789_i64, "name": "a", "levelno": 25, "levelname": "SUCCESS", "message": "m\n",
            "hostname": "h", "process": 1, "processName": "P", "thread": 2, "threadName": "T", "taskName": "Task-1",
            "pathname": "/a/x.py", "lineno": 3, "funcName": "f", "exc_text": "e", "stack_info": "s"}),
        &json!({"level": "inner", "extra": {"k": 1}}),
    );
    // As the server answers; and who else has such keys keeps them.
    for (line, extra) in [
        (r#"{"id":7,"created_ns":9,"cursor":"9-7"}"#, json!({})),
        (r#"{"created_ns":9,"id":7}"#, json!({"id": 7})),
        (
            r#"{"id":"x","created_ns":9,"cursor":"c"}"#,
            json!({"id": "x", "cursor": "c"}),
        ),
        (r#"{"id":7,"message":"m"}"#, json!({"id": 7})),
    ] {
        assert_eq!(shown(line).1, extra, "{line}");
    }
}

#[test]
fn gelf() {
    // graypy with a custom level, pygelf, gelf-pro.
    check(
        r#"{"version":"1.0","host":"h","short_message":"boom","full_message":"Traceback (most recent call last):\n  x","timestamp":1795364425.25,"level":35,"facility":"my.app","file":"/srv/a.py","line":9,"_function":"f","_pid":4,"_thread_name":"MainThread","_user":"ada"}"#,
        &json!({"created_ns": 1_795_364_425_250_000_000_i64, "name": "my.app", "levelno": 35, "levelname": "Level 35",
            "message": "boom", "hostname": "h", "process": 4, "threadName": "MainThread", "pathname": "/srv/a.py", "lineno": 9,
            "funcName": "f", "exc_text": "Traceback (most recent call last):\n  x"}),
        &json!({"user": "ada"}),
    );
    check(
        r#"{"version":"1.1","short_message":"m","timestamp":1795364425.25,"level":4,"host":"h","_file":"a.py","_line":9,"_module":"a","_func":"f","_logger_name":"my.app","facility":"web"}"#,
        &json!({"created_ns": 1_795_364_425_250_000_000_i64, "name": "my.app", "levelno": 30, "levelname": "WARNING",
            "message": "m", "hostname": "h", "pathname": "a.py", "lineno": 9, "funcName": "f"}),
        &json!({"facility": "web"}),
    );
    check(
        r#"{"facility":"node.js","level":1,"host":"h","version":"1.1","short_message":"Error: x","full_message":"more of it","_pid":"x"}"#,
        &json!({"name": "node.js", "levelno": 50, "levelname": "CRITICAL", "message": "Error: x", "hostname": "h"}),
        &json!({"level": 1, "full_message": "more of it", "pid": "x"}),
    );
    check(
        r#"{"version":"1.1","short_message":"m","full_message":"m","_a":1,"a":2}"#,
        &json!({"levelno": 0, "levelname": "NOTSET", "message": "m"}),
        &json!({"_a": 1, "a": 2}),
    );
}

#[test]
fn what_is_of_the_wrong_type_is_an_extra_field() {
    check(
        r#"{"message":{"a": [1]},"pid":"x","process":1.5,"process_id":"12","created":"soon","time":0.5,"ts":"1795364425","level":[],"name":7,"hostname":"","thread":"main","line":99999999999999999999,"exc_info":true,"stack":null}"#,
        &json!({"created_ns": 1_795_364_425_000_000_000_i64, "levelno": 0, "levelname": "NOTSET", "message": "{\"a\": [1]}",
            "process": 12, "threadName": "main"}),
        &json!({"pid": "x", "process": 1.5, "created": "soon", "time": 0.5, "level": [], "name": 7, "line": "99999999999999999999",
            "exc_info": true}),
    );
}

#[test]
fn a_second_key_is_kept_unless_it_says_the_same() {
    check(
        r#"{"msg":"a","message":"b","hostname":"h","host":"h","time":"2026-11-22T16:20:25Z","ts":1795364425,"timestamp":"2026-11-22T16:20:26Z","message":"c"}"#,
        &json!({"created_ns": 1_795_364_425_000_000_000_i64, "levelno": 0, "levelname": "NOTSET", "message": "c", "hostname": "h"}),
        &json!({"msg": "a", "message": "b", "timestamp": "2026-11-22T16:20:26Z"}),
    );
}

#[test]
fn a_level_is_a_number_or_a_name() {
    for (line, level, name) in [
        (r#"{"level":"30"}"#, Level::WARNING, "WARNING"),
        (
            r#"{"level":30,"levelname":"Achtung"}"#,
            Level::WARNING,
            "Achtung",
        ),
        (r#"{"levelno":10,"level":"info"}"#, Level::DEBUG, "info"),
        (r#"{"severity":"SUCCESS"}"#, Level::INFO, "SUCCESS"),
        (r#"{"lvl":"eror"}"#, Level::INFO, "eror"),
        (r#"{"log.level":"fatal"}"#, Level::CRITICAL, "fatal"),
        (r#"{"severityNumber":5}"#, Level::DEBUG, "DEBUG"),
        (r#"{"level":"ERROR+2"}"#, Level(45), "ERROR+2"),
        (
            r#"{"level":"\u001b[32minfo\u001b[39m"}"#,
            Level::INFO,
            "info",
        ),
        (r#"{"severity":"W"}"#, Level::WARNING, "W"),
        (r#"{"level":40.0}"#, Level::ERROR, "ERROR"),
        (r#"{"levelno":40.5,"level":"info"}"#, Level::INFO, "info"),
        (r#"{"a":1}"#, Level::NOTSET, "NOTSET"),
    ] {
        let site = decode(line).site;
        assert_eq!((site.level, &*site.level_name), (level, name), "{line}");
    }
}

#[test]
fn bytes_that_are_no_utf8_are_kept_escaped() {
    let record = try_decode(b"{\"msg\":\"caf\xe9\",\"k\xe9\":\"\xed\xb2\x80\"}").unwrap();
    assert_eq!(record.message, r"caf\xe9");
    assert_eq!(record.extra[r"k\xe9"], r"\udc80");
    assert_eq!(
        decode("\u{feff}{\"msg\":\"\\ud83d\\ude00\"}\r\n").message,
        "😀"
    );
}

#[test]
fn what_is_no_object_is_refused_with_its_place() {
    for (line, reason) in [
        (&b""[..], "the text ends too early at byte 0"),
        (b"hello", "an object begins with { at byte 0"),
        (b"[{}]", "an object begins with { at byte 0"),
        (b" {}", "the object is empty at byte 0"),
        (b"{\"a\":1}}", "something follows the object at byte 7"),
        (b"{\"msg\":\"a", "the text ends too early at byte 9"),
        (b"{\"log\":{\"level\":x}}", "a value is missing at byte 16"),
    ] {
        let expected = WireError::Message {
            protocol: "JSON",
            reason: reason.into(),
        };
        assert_eq!(try_decode(line), Err(expected));
    }
    assert_eq!(
        try_decode(b"x").unwrap_err().to_string(),
        "not JSON: an object begins with { at byte 0"
    );
}

#[test]
fn many_members_take_no_more_than_their_share() {
    let many = |key: &dyn Fn(usize) -> String| {
        let members: Vec<_> = (0..100_000)
            .map(|i| format!("\"{}\":\"x\"", key(i)))
            .collect();
        decode(&format!("{{{}}}", members.join(",")))
    };
    assert_eq!(many(&|i| format!("k{i}")).extra.len(), 100_000);
    // Each is a process id that is none.
    assert_eq!(many(&|_| "pid".into()).extra.len(), 1);
    assert_eq!(
        many(&|_| "log\":{\"level\":\"a\"},\"log".into())
            .site
            .level_name,
        "a"
    );
}

/// Any JSON value.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}|[0-9]{1,4}|2026-11-22T16:20:2[0-9]Z".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(key(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Any key, above all those of fields.
fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,6}",
        prop::sample::select(vec![
            "created",
            "time",
            "level",
            "levelno",
            "severity_number",
            "name",
            "msg",
            "message",
            "event",
            "log",
            "host",
            "process",
            "pid",
            "thread",
            "error",
            "stack",
            "file",
            "line",
            "logger",
            "origin",
            "short_message",
            "version",
            "extra",
            "hostname",
            "caller",
            "fields",
            "text",
            "record",
            "@t",
            "_pid",
            "_x",
            "full_message",
        ])
        .prop_map(str::to_owned),
    ]
}

/// The texts and numbers in a value, but for levels of other scales than Python's.
fn leaves(value: &Value) -> Vec<String> {
    let of_level = |key: &str, value: &Value| {
        matches!(key, "level" | "severity_number") && (value.is_number() || value.is_string())
    };
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, value)| !of_level(key, value))
            .flat_map(|(_, value)| leaves(value))
            .collect(),
        Value::Array(list) => list.iter().flat_map(leaves).collect(),
        Value::Null | Value::Bool(_) => Vec::new(),
        Value::Number(number) => vec![number.to_string()],
        Value::String(text) => vec![text.clone()],
    }
}

fn assert_nothing_is_lost(line: &Map<String, Value>) {
    let line_text = serde_json::to_string(line).unwrap();
    let (fields, extra) = shown(&line_text);
    for (key, value) in line {
        if super::keys::place_of(key.as_bytes()).is_none()
            && key.contains(|c: char| !c.is_ascii_lowercase() && c != '_')
            && !key.starts_with('_')
        {
            assert_eq!(extra.get(key), Some(value), "{line_text}");
        }
    }
    // A file and its line were one text.
    let path = fields["pathname"].as_str().unwrap_or_default();
    let place = format!("{path}:{}", fields["lineno"]);
    let kept = [leaves(&fields), leaves(&extra), vec![place]]
        .concat()
        .join("\n");
    for leaf in leaves(&Value::Object(line.clone())) {
        let is_moment = || {
            let moment = super::moment::moment(&leaf);
            moment.is_some_and(|ns| ns == fields["created_ns"].as_i64().unwrap_or(NOW))
        };
        // 40.0 is 40 where a whole number is wanted.
        let is_whole = || {
            let whole = leaf.strip_suffix(".0");
            whole.is_some_and(|whole| kept.contains(whole))
        };
        assert!(
            kept.contains(&leaf) || is_moment() || is_whole(),
            "{leaf} of {line_text} in {kept}"
        );
    }
}

proptest! {
    #[test]
    fn nothing_is_lost(members in prop::collection::hash_map(key(), value(), 1..10)) {
        assert_nothing_is_lost(&members.into_iter().collect());
    }

    #[test]
    fn nothing_is_lost_of_gelf(members in prop::collection::hash_map(key(), value(), 0..10)) {
        let mut line: Map<_, _> = members.into_iter().collect();
        line.insert("short_message".into(), "said in 1.1".into());
        line.insert("version".into(), "1.1".into());
        assert_nothing_is_lost(&line);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = try_decode(&bytes);
        let _ = try_decode(&[b"{\"msg\":\"", &bytes[..], b"\"}"].concat());
    }
}
