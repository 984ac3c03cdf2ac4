//! Unmodified Python programs log to a server, and everything comes back.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Server, Store, python, python_of};

/// "TEXT 0", "TEXT 1", ..., a line each.
fn numbered(text: &str, count: usize) -> String {
    let lines: Vec<String> = (0..count)
        .map(|number| format!("{text} {number}\n"))
        .collect();
    lines.concat()
}

#[test]
fn every_record_of_a_plain_socket_handler_arrives_in_order() {
    let store = Store::new();
    let server = Server::start(&store.db);
    server.python("plain.py", &["5000"]);
    let ended = server.terminate();
    assert!(
        ended
            .stderr
            .contains("5000 records received over 1 connection, 5000 stored, 0 dropped"),
        "{}",
        ended.stderr
    );
    assert_eq!(
        store.query(&["--format", "%(message)s"]),
        numbered("record", 5000)
    );
}

#[test]
fn the_cookbooks_loggers_come_back_by_level_and_name() {
    let store = Store::new();
    let server = Server::start(&store.db);
    server.python("cookbook.py", &[]);
    server.terminate();
    assert_eq!(
        store.query(&["--format", "%(name)s|%(levelname)s|%(message)s"]),
        "root|INFO|Jackdaws love my big sphinx of quartz.\n\
         myapp.area1|DEBUG|Quick zephyrs blow, vexing daft Jim.\n\
         myapp.area1|INFO|How quickly daft jumping zebras vex.\n\
         myapp.area2|WARNING|Jail zesty vixen who grabbed pay from quack.\n\
         myapp.area2|ERROR|The five boxing wizards jump quickly.\n"
    );
    assert_eq!(
        store.query(&[
            "--level",
            "warning",
            "--name",
            "myapp.area2",
            "--format",
            "%(message)s"
        ]),
        "Jail zesty vixen who grabbed pay from quack.\nThe five boxing wizards jump quickly.\n"
    );
}

#[test]
fn a_record_says_where_and_by_whom_it_was_made() {
    let store = Store::new();
    let server = Server::start(&store.db);
    server.python("cookbook.py", &[]);
    server.terminate();
    let record = &store.records(&["sphinx"])[0];
    for (key, expected) in [
        ("module", json!("cookbook")),
        ("filename", json!("cookbook.py")),
        ("funcName", json!("<module>")),
        ("lineno", json!(12)),
        ("processName", json!("MainProcess")),
        ("threadName", json!("MainThread")),
        ("levelno", json!(20)),
        ("hostname", json!(logstore::machine_name())),
        ("extra", Value::Null),
        ("exc_text", Value::Null),
    ] {
        assert_eq!(record[key], expected, "{key} of {record}");
    }
    assert!(record["process"].as_i64().unwrap() > 1);
    assert!(record["thread"].as_i64().unwrap() > 1);
    let pathname = record["pathname"].as_str().unwrap();
    assert!(pathname.ends_with("tests/clients/cookbook.py"));
    let age_ns = logstore::now_ns() - record["created_ns"].as_i64().unwrap();
    assert!((0..60_000_000_000).contains(&age_ns), "{age_ns}");
}

#[test]
fn a_program_set_up_by_dict_config_sends_what_its_levels_let_through() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let console = server.python("dictconfig.py", &[]);
    assert!(console.contains("INFO order A-7 of 12.50 EUR"));
    server.terminate();
    let records = store.records(&[]);
    let messages: Vec<_> = records.iter().map(|record| &record["message"]).collect();
    assert_eq!(messages, ["order A-7 of 12.50 EUR", "3 left of thé"]);
    // The console's format has left its traces in the record; they are no extra fields.
    assert_eq!(records[0]["extra"], Value::Null);
}

#[test]
fn a_queue_handler_may_stand_in_front() {
    let store = Store::new();
    let server = Server::start(&store.db);
    server.python("queue_listener.py", &["4", "500"]);
    server.terminate();
    assert_eq!(store.count(), 4 * 500 + 1);
    for worker in 0..4 {
        let name = format!("worker-{worker}");
        assert_eq!(
            store.query(&["--thread", &name, "--format", "%(message)s"]),
            numbered(&format!("{name} at"), 500)
        );
    }
    let failed = store.query(&["--level", "error"]);
    assert!(failed.contains("lookup failed\n    Traceback (most recent call last):\n"));
    assert!(failed.ends_with("KeyError: 'missing'\n"), "{failed}");
}

#[test]
fn eight_processes_at_once_lose_and_mix_up_nothing() {
    const COUNT: usize = 3000;
    let store = Store::new();
    let server = Server::start(&store.db);
    server.python("processes.py", &["8", &COUNT.to_string()]);
    let ended = server.terminate();
    assert!(ended.stderr.contains("24000 stored, 0 dropped"));
    let mut by_process: BTreeMap<(String, i64), Vec<usize>> = BTreeMap::new();
    for record in store.records(&[]) {
        let process = record["processName"].as_str().unwrap().to_owned();
        let number = record["message"].as_str().unwrap().parse().unwrap();
        by_process
            .entry((process, record["process"].as_i64().unwrap()))
            .or_default()
            .push(number);
    }
    assert_eq!(by_process.len(), 8);
    for (process, numbers) in by_process {
        assert!(numbers.iter().copied().eq(0..COUNT), "{process:?}");
    }
    let errors = store.query(&[
        "--name",
        "farm",
        "--level",
        "error",
        "--format",
        "x%(lineno)d",
    ]);
    assert_eq!(errors.lines().count(), 8 * COUNT * 2 / 5);
}

#[test]
fn exceptions_stacks_and_extra_fields_of_all_types_are_kept() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let sent: Value = serde_json::from_str(&server.python("extras.py", &[])).unwrap();
    server.terminate();
    let records = store.records(&[]);
    let [failed, stack, plain, known, unknown, last] = &records[..] else {
        panic!("{records:?}")
    };
    assert_eq!(failed["message"], "it failed for ada");
    assert_eq!(failed["exc_text"], sent["exception"]);
    let stack = stack["stack_info"].as_str().unwrap();
    assert!(stack.starts_with("Stack (most recent call last):\n"));
    assert!(stack.contains("where am I"));

    let extra = &plain["extra"];
    for (key, expected) in [
        ("number", json!(5)),
        ("ratio", json!(0.1)),
        ("yes", json!(true)),
        ("nothing", Value::Null),
        ("text", json!("a ✓ 🦀\0\n\"quoted\"")),
        (
            "nested",
            json!({"user": {"id": 7, "tags": ["a", "b"]}, "3": [1, 2]}),
        ),
    ] {
        assert_eq!(extra[key], expected, "{key} of {extra}");
    }
    // No number of JSON that every reader takes.
    let large = extra["large"].to_string();
    assert!(large.contains("1267650600228229401496703205376"), "{large}");
    assert!(!extra["inf"].is_null());

    let extra = &known["extra"];
    for (key, expected) in [
        ("moment", json!("2026-11-22T16:20:25.123456+00:00")),
        ("local", json!("2026-11-22T16:20:25")),
        ("day", json!("2026-11-22")),
        ("price", json!("12.50")),
        ("uuid", json!("12345678-1234-5678-1234-567812345678")),
        ("path", json!("/srv/app/x.txt")),
        ("set", json!([3])),
    ] {
        assert_eq!(extra[key], expected, "{key} of {extra}");
    }
    for key in ["length", "bytes", "complex"] {
        assert!(extra[key].is_string(), "{key} of {extra}");
    }
    // The wire has the class and what it was made from, nothing that tells an enum or a named tuple from another class.
    for (key, class) in [("color", "Color"), ("point", "Point")] {
        assert!(extra[key].to_string().contains(class), "{key} of {extra}");
    }

    let extra = &unknown["extra"];
    assert!(extra["order"].to_string().contains("Order"), "{extra}");
    assert_eq!(extra["after"], "kept");
    assert_eq!(last["name"], "extras.last");
}

#[test]
fn levels_of_the_programs_own_keep_name_and_number() {
    let store = Store::new();
    let server = Server::start(&store.db);
    server.python("levels.py", &[]);
    server.terminate();
    assert_eq!(
        store.query(&["--format", "%(levelno)d %(levelname)s"]),
        "5 TRACE\n12 Level 12\n30 Warnung\n35 AUDIT\n70 Level 70\n"
    );
    assert_eq!(
        store.query(&["--level", "31", "--format", "%(message)s"]),
        "at 35\nat 70\n"
    );
}

#[test]
fn asyncio_tasks_have_their_names() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let names_tasks = server.python("tasks.py", &[]).trim() == "True";
    server.terminate();
    let tasks: Vec<_> = store
        .records(&[])
        .iter()
        .map(|record| record["taskName"].clone())
        .collect();
    if names_tasks {
        assert_eq!(tasks, [json!("ada"), json!("bob"), Value::Null]);
    } else {
        assert_eq!(tasks, [Value::Null, Value::Null, Value::Null]);
    }
}

#[test]
fn the_ancestors_seven_columns_are_read_with_pythons_sqlite3_while_the_server_runs() {
    let store = Store::new();
    let server = Server::start(&store.db);
    server.python("cookbook.py", &[]);
    crate::support::wait_until("the five records", || store.count() == 5);
    let read = |view: &str| -> Value {
        let db = store.db.to_str().unwrap();
        serde_json::from_str(&python_of(&python(), "read_back.py", [db, view])).unwrap()
    };
    let running = read("logs");
    assert_eq!(
        running["columns"],
        json!([
            "created", "name", "level", "message", "hostname", "process", "thread"
        ])
    );
    assert_eq!(running["types"], json!(["str"]));
    let rows = running["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 5);
    let record = &store.records(&["sphinx"])[0];
    // Local time, as datetime.isoformat(timespec="seconds") gives it.
    let local = store.query(&["sphinx", "--format", "%(asctime)s"]);
    let local = local.split(',').next().unwrap().replace(' ', "T");
    assert_eq!(
        rows[0],
        json!([
            local,
            "root",
            "INFO",
            "Jackdaws love my big sphinx of quartz.",
            logstore::machine_name(),
            record["process"].to_string(),
            record["thread"].to_string(),
        ])
    );
    let records = read("records");
    assert_eq!(
        records["columns"],
        json!([
            "id",
            "created_ns",
            "created",
            "name",
            "levelno",
            "levelname",
            "message",
            "hostname",
            "process",
            "processName",
            "thread",
            "threadName",
            "taskName",
            "pathname",
            "filename",
            "module",
            "lineno",
            "funcName",
            "exc_text",
            "stack_info",
            "extra"
        ])
    );
    server.terminate();
    assert_eq!(read("logs"), running);
    assert_eq!(read("records"), records);
}

/// The Pythons on the path that run: a name may be a shim with nothing behind it.
fn pythons() -> Vec<String> {
    ["2.7"]
        .into_iter()
        .map(String::from)
        .chain((6..=15).map(|minor| format!("3.{minor}")))
        .map(|version| format!("python{version}"))
        .filter(|name| {
            Command::new(name)
                .args(["-c", "import logging.handlers, socket, sqlite3"])
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        })
        .collect()
}

#[test]
fn every_python_at_hand_is_understood() {
    for python in pythons() {
        let store = Store::new();
        let server = Server::start(&store.db);
        python_of(&python, "plain.py", [&server.port(), "300"]);
        python_of(&python, "dictconfig.py", [server.port()]);
        if python != "python2.7" {
            python_of(&python, "extras.py", [server.port()]);
        }
        let marker = store.file("marker");
        let hostile = [server.port(), marker.display().to_string()];
        python_of(&python, "hostile.py", hostile);
        let ended = server.terminate();
        assert!(!marker.exists(), "{python}");
        let told = ended.stderr;
        let message = ["--format", "%(message)s"];
        assert_eq!(
            store.query(&[&["--name", "plain"], &message[..]].concat()),
            numbered("record", 300),
            "{python}: {told}"
        );
        assert_eq!(
            store.query(&[&["--name", "shop"], &message[..]].concat()),
            "order A-7 of 12.50 EUR\n3 left of thé\n",
            "{python}: {told}"
        );
        let extras = if python == "python2.7" { 0 } else { 6 };
        assert_eq!(
            store.records(&["--name", "extras"]).len(),
            extras,
            "{python}: {told}"
        );
        assert_eq!(store.records(&["harmless"]).len(), 1, "{python}: {told}");
    }
}
