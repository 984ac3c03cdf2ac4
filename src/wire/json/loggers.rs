//! Lines as the common loggers of many languages really write them.

use serde_json::{Value, json};

use super::tests::check;

const SECOND: i64 = 1_795_364_425_000_000_000;

/// What they have in common: the message, the moment of 123 ms past the second, and a level.
fn hello(levelno: i32, levelname: &str, more: &Value) -> Value {
    let mut all = json!({"created_ns": SECOND + 123_000_000, "levelno": levelno, "levelname": levelname, "message": "hello"});
    let own = more.as_object().expect("fields are given as an object");
    all.as_object_mut().expect("it is one").extend(own.clone());
    all
}

#[test]
fn pino_without_pid_or_with_a_time_in_words() {
    check(
        r#"{"level":30,"time":1795364425123,"msg":"hello"}"#,
        &hello(20, "INFO", &json!({})),
        &json!({}),
    );
    check(
        r#"{"level":40,"time":"2026-11-22T16:20:25.123Z","pid":7,"hostname":"h","msg":"hello"}"#,
        &hello(30, "WARNING", &json!({"process": 7, "hostname": "h"})),
        &json!({}),
    );
    // Anybody's: with seconds, or without what pino has besides.
    check(
        r#"{"level":30,"time":1795364425.123,"msg":"hello"}"#,
        &hello(30, "WARNING", &json!({})),
        &json!({}),
    );
    check(
        r#"{"level":30,"time":1795364425123,"message":"hello"}"#,
        &hello(30, "WARNING", &json!({})),
        &json!({}),
    );
}

#[test]
fn tracing_subscriber() {
    check(
        r#"{"timestamp":"2026-11-22T16:20:25.123Z","level":"WARN","fields":{"message":"hello","user":"ada","n":3},"target":"shop::cart",
            "filename":"src/cart.rs","line_number":42,"span":{"id":7,"name":"request"},"spans":[{"id":7,"name":"request"}],
            "threadName":"main","threadId":"ThreadId(1)"}"#,
        &hello(
            30,
            "WARN",
            &json!({"name": "shop::cart", "pathname": "src/cart.rs", "lineno": 42, "threadName": "main"}),
        ),
        &json!({"user": "ada", "n": 3, "span": {"id": 7, "name": "request"}, "spans": [{"id": 7, "name": "request"}],
            "threadId": "ThreadId(1)"}),
    );
    // A field that is called like another stays where it is, and with it the rest.
    check(
        r#"{"timestamp":"2026-11-22T16:20:25.123Z","level":"INFO","fields":{"message":"hello","span":"x","n":3},"span":{"name":"r"}}"#,
        &hello(20, "INFO", &json!({})),
        &json!({"fields": {"span": "x", "n": 3}, "span": {"name": "r"}}),
    );
    // Filebeat's fields are none of an event.
    check(
        r#"{"timestamp":"2026-11-22T16:20:25.123Z","level":"INFO","message":"hello","fields":{"env":"prod"}}"#,
        &hello(20, "INFO", &json!({})),
        &json!({"fields": {"env": "prod"}}),
    );
}

#[test]
fn serilog() {
    check(
        r#"{"@t":"2026-11-22T16:20:25.1230000Z","@mt":"hello","@l":"Warning","@x":"System.Exception: boom\r\n   at P.Main()","@i":"a1b2",
            "SourceContext":"Shop.Cart","User":"ada"}"#,
        &hello(
            30,
            "Warning",
            &json!({"name": "Shop.Cart", "exc_text": "System.Exception: boom\r\n   at P.Main()"}),
        ),
        &json!({"@i": "a1b2", "User": "ada"}),
    );
    check(
        r#"{"@t":"2026-11-22T16:20:25.1230000Z","@m":"hello","@mt":"hel{X}","X":"lo"}"#,
        &hello(20, "INFO", &json!({})),
        &json!({"@mt": "hel{X}", "X": "lo"}),
    );
    check(
        r#"{"Timestamp":"2026-11-22T17:20:25.1230000+01:00","Level":"Fatal","MessageTemplate":"hel{X}","RenderedMessage":"hello",
            "Exception":"System.Exception: boom","Properties":{"X":"lo","SourceContext":"Shop.Cart"}}"#,
        &hello(
            50,
            "Fatal",
            &json!({"name": "Shop.Cart", "exc_text": "System.Exception: boom"}),
        ),
        &json!({"MessageTemplate": "hel{X}", "Properties": {"X": "lo"}}),
    );
}

#[test]
fn zap_with_short_keys() {
    check(
        r#"{"L":"WARN","T":"2026-11-22T16:20:25.123Z","N":"app.db","C":"db/pool.go:42","M":"hello","S":"main.main\n\t/a.go:9","pid":7,"ms":1.5}"#,
        &hello(
            30,
            "WARN",
            &json!({"name": "app.db", "pathname": "db/pool.go", "lineno": 42, "process": 7, "exc_text": "main.main\n\t/a.go:9"}),
        ),
        &json!({"ms": 1.5}),
    );
    // Elsewhere such keys are anything.
    check(
        r#"{"msg":"hello","ts":1795364425.123,"T":"warm","L":"INFO","C":"x"}"#,
        &hello(0, "NOTSET", &json!({})),
        &json!({"T": "warm", "L": "INFO", "C": "x"}),
    );
}

#[test]
fn the_journal_of_systemd() {
    check(
        r#"{"__REALTIME_TIMESTAMP":"1795364425123000","_HOSTNAME":"node7","_PID":"41","_COMM":"nginx","SYSLOG_IDENTIFIER":"web",
            "PRIORITY":"4","MESSAGE":"hello","CODE_FILE":"a.c","CODE_LINE":"9","CODE_FUNC":"run","_UID":"0"}"#,
        &hello(
            30,
            "WARNING",
            &json!({"name": "web", "hostname": "node7", "process": 41, "processName": "nginx", "pathname": "a.c", "lineno": 9,
                "funcName": "run"}),
        ),
        &json!({"_UID": "0"}),
    );
    check(
        r#"{"__REALTIME_TIMESTAMP":"1795364425123000","PRIORITY":"1","MESSAGE":"hello"}"#,
        &hello(50, "CRITICAL", &json!({})),
        &json!({"PRIORITY": "1"}),
    );
}

#[test]
fn slog_and_logrus_of_go() {
    check(
        r#"{"time":"2026-11-22T17:20:25.123+01:00","level":"ERROR+2","source":{"function":"main.main","file":"/a/main.go","line":7},"msg":"hello","n":3}"#,
        &hello(
            45,
            "ERROR+2",
            &json!({"pathname": "/a/main.go", "lineno": 7, "funcName": "main.main"}),
        ),
        &json!({"n": 3}),
    );
    check(
        r#"{"level":"warning","msg":"hello","time":"2026-11-22T16:20:25.123Z","error":"boom"}"#,
        &hello(30, "warning", &json!({})),
        &json!({"error": "boom"}),
    );
}

#[test]
fn winston_with_colours_and_python_json_logger() {
    check(
        r#"{"level":"\u001b[33mwarn\u001b[39m","message":"hello","timestamp":"2026-11-22T16:20:25.123Z","service":"shop"}"#,
        &hello(30, "warn", &json!({})),
        &json!({"service": "shop"}),
    );
    check(
        r#"{"asctime": "2026-11-22 16:20:25.123Z", "levelname": "INFO", "name": "a.b", "message": "hello", "exc_info": ""}"#,
        &hello(20, "INFO", &json!({"name": "a.b"})),
        &json!({}),
    );
}

#[test]
fn keys_of_loggers_may_be_anything_elsewhere() {
    let nothing = json!({"levelno": 0, "levelname": "NOTSET"});
    check(
        r#"{"text":"said","record":{"id":7,"message":"x","extra":{"a":1}}}"#,
        &nothing,
        &json!({"text": "said", "record": {"id": 7, "message": "x", "extra": {"a": 1}}}),
    );
    check(r#"{"Level":3}"#, &nothing, &json!({"Level": 3}));
}

/// A line of Loguru's `serialize=True`.
fn loguru(text: &str, extra: &Value, exception: &Value) -> String {
    json!({"text": text, "record": {
        "elapsed": {"repr": "0:00:00.005", "seconds": 0.005}, "exception": exception, "extra": extra,
        "file": {"name": "a.py", "path": "/srv/a.py"}, "function": "run", "level": {"icon": "!", "name": "SUCCESS", "no": 25},
        "line": 3, "message": "hello", "module": "a", "name": "shop.a", "process": {"id": 7, "name": "MainProcess"},
        "thread": {"id": 9, "name": "MainThread"},
        "time": {"repr": "2026-11-22 17:20:25.123000+01:00", "timestamp": 1_795_364_425.123}}})
    .to_string()
}

#[test]
fn loguru_serialized() {
    let fields = json!({"name": "shop.a", "process": 7, "processName": "MainProcess", "thread": 9, "threadName": "MainThread",
        "pathname": "/srv/a.py", "lineno": 3, "funcName": "run"});
    let rest =
        json!({"elapsed": {"repr": "0:00:00.005", "seconds": 0.005}, "level": {"icon": "!"}});
    check(
        &loguru("... - hello\n", &json!({"user": "ada"}), &Value::Null),
        &hello(25, "SUCCESS", &fields),
        &json!({"record": rest, "user": "ada"}),
    );
    let exception = json!({"type": "E", "value": "boom", "traceback": true});
    let mut with_traceback = fields;
    with_traceback["exc_text"] = "Traceback (most recent call last):\n  x\nE: boom\n".into();
    let mut with_exception = rest;
    with_exception["exception"] = exception.clone();
    check(
        &loguru(
            "... - hello\nTraceback (most recent call last):\n  x\nE: boom\n",
            &json!({}),
            &exception,
        ),
        &hello(25, "SUCCESS", &with_traceback),
        &json!({"record": with_exception}),
    );
}
