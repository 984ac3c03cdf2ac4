//! On a terminal: pagers, colors, control characters, and progress while somebody waits.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use logstore::{Level, LogRecord, SQLiteQueueHandler, Site};
use serde_json::{Value, json};

use crate::support::{Store, ZONE, python, python_of};

/// A store of so many records, numbered from 1.
fn store(records: usize) -> Store {
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    for number in 1..=records {
        let record = LogRecord::new(Site::new("a", Level::ERROR), format!("no {number}\x07"));
        handler.emit(&record).unwrap();
    }
    handler.close().unwrap();
    store
}

/// Runs a shell's command under a terminal, where `$LOGSTORE` is the program and `$DB` the store. Each step waits for a text and
/// types another. Gives what the terminal showed, with line feeds for its line ends.
#[track_caller]
fn terminal(
    store: &Store,
    command: &str,
    variables: &[(&str, &str)],
    steps: &[(&str, &str)],
) -> String {
    let path = std::env::var("PATH").unwrap();
    let mut environment = BTreeMap::from([
        ("PATH", path.as_str()),
        ("LOGSTORE", env!("CARGO_BIN_EXE_logstore")),
        ("LOGSTORE_DB", store.db.to_str().unwrap()),
        ("TERM", "xterm-256color"),
        ("TZ", ZONE),
    ]);
    environment.extend(variables.iter().copied());
    let task = json!({
        "command": ["sh", "-c", format!("{command}; echo \"ended with $?\"")],
        "environment": environment,
        "steps": steps,
    });
    let ended = python_of(&python(), "terminal.py", [task.to_string()]);
    let ended: Value = serde_json::from_str(&ended).unwrap();
    let shown = ended["shown"].as_str().unwrap().replace("\r\n", "\n");
    assert_eq!(ended["status"], 0, "{command}: {shown:?}");
    assert_eq!(ended["missed"], json!([]), "{command}: {shown:?}");
    shown
}

/// A pager that marks what passes through it.
const MARKING: &str = "sed 's/^/paged: /'";

const QUERY: &str = "\"$LOGSTORE\" query";

#[test]
fn an_answer_goes_through_the_pager_with_colors_and_without_control_characters() {
    let store = store(3);
    for variables in [
        &[("PAGER", MARKING)][..],
        &[("LOGSTORE_PAGER", MARKING), ("PAGER", "false")],
    ] {
        let shown = terminal(&store, QUERY, variables, &[]);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines.len(), 4, "{shown}");
        for (number, line) in (1..).zip(&lines[..3]) {
            assert!(line.starts_with("paged: \x1b[2m"), "{line:?}");
            assert!(line.contains(" \x1b[31mERROR\x1b[0m "), "{line:?}");
            assert!(line.ends_with(&format!(": no {number}\\x07")), "{line:?}");
        }
        assert_eq!(lines[3], "ended with 0");
    }
    let variables = [("PAGER", MARKING), ("NO_COLOR", "1")];
    let shown = terminal(&store, &format!("{QUERY} -n 1"), &variables, &[]);
    assert!(!shown.contains('\x1b'), "{shown:?}");
    let said = shown.lines().nth(1).unwrap();
    assert!(
        said.starts_with("logstore: the newest 1 of"),
        "after the answer: {shown}"
    );
}

#[test]
fn sql_goes_through_the_pager_too() {
    let store = store(2);
    let command = "\"$LOGSTORE\" sql 'SELECT message FROM records' -o";
    let pager = [("PAGER", MARKING)];
    assert_eq!(
        terminal(&store, &format!("{command} table"), &pager, &[]),
        "paged: message\npaged: ----------\npaged: no 1\\x07\npaged: no 2\\x07\nended with 0\n"
    );
    let csv = terminal(&store, &format!("{command} csv"), &pager, &[]);
    assert!(csv.contains("paged: no 2\\x07"), "{csv:?}");
    let long = "WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c) SELECT x FROM c";
    let long = terminal(&store, &format!("\"$LOGSTORE\" sql '{long}'"), &pager, &[]);
    assert!(
        long.contains("paged: 10000\nlogstore: only the first 10000 rows"),
        "{long:?}"
    );
    let json = terminal(&store, &format!("{command} json"), &pager, &[]);
    assert!(
        json.contains(r#"paged: {"message":"no 2\u0007"}"#),
        "{json:?}"
    );
}

#[test]
fn there_is_no_pager_for_who_wants_none() {
    let store = store(1);
    for (command, variables) in [
        ("query --no-pager", &[("PAGER", MARKING)][..]),
        (
            "sql --no-pager 'SELECT message FROM records'",
            &[("PAGER", MARKING)],
        ),
        ("query", &[("PAGER", "cat")]),
        ("query", &[("PAGER", "")]),
        ("query", &[("LOGSTORE_PAGER", ""), ("PAGER", MARKING)]),
        ("query | cat", &[("PAGER", MARKING)]),
    ] {
        let shown = terminal(&store, &format!("\"$LOGSTORE\" {command}"), variables, &[]);
        assert!(
            shown.contains("no 1") && !shown.contains("paged"),
            "{command}: {shown}"
        );
        assert!(shown.ends_with("ended with 0\n"), "{command}: {shown}");
    }
}

#[test]
fn less_is_the_pager_when_none_is_named() {
    let store = store(1);
    let less = store.file("less");
    std::fs::write(
        &less,
        "#!/bin/sh\necho \"$0 $* LESS=$LESS LV=$LV\"\nexec cat\n",
    )
    .unwrap();
    std::fs::set_permissions(&less, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!(
        "{}:{}",
        store.file("").display(),
        std::env::var("PATH").unwrap()
    );
    let shown = terminal(&store, QUERY, &[("PATH", &path), ("LESS", "S")], &[]);
    assert!(shown.contains("/less -FRX LESS=S LV=-c\n"), "{shown}");
    assert!(shown.contains("no 1"), "{shown}");
    let shown = terminal(&store, QUERY, &[("PATH", &path), ("PAGER", "less -S")], &[]);
    assert!(shown.contains("/less -S LESS=FRX LV=-c\n"), "{shown}");
}

#[test]
fn an_answer_is_shown_without_a_pager_that_cannot_be_started() {
    for records in [3, 3000] {
        let store = store(records);
        let pager = [("PAGER", "no-such-pager --really")];
        let shown = terminal(&store, QUERY, &pager, &[]);
        assert!(
            shown.contains("no-such-pager"),
            "the shell says so: {shown}"
        );
        let numbers = shown.lines().filter_map(|line| line.split(": no ").nth(1));
        let expected: Vec<String> = (1..=records)
            .map(|number| format!("{number}\\x07"))
            .collect();
        assert!(numbers.eq(&expected), "{shown}");
        assert!(shown.ends_with("ended with 0\n"), "{shown}");
    }
}

#[test]
fn leaving_the_pager_early_ends_quietly() {
    // More than any pipe holds.
    let store = store(3000);
    let shown = terminal(&store, QUERY, &[("PAGER", "true")], &[]);
    assert_eq!(shown, "ended with 0\n");
    let shown = terminal(&store, QUERY, &[("PAGER", "head -n 2")], &[]);
    assert_eq!(shown.lines().count(), 3, "{shown}");
    assert!(shown.ends_with("ended with 0\n"), "{shown}");
}

#[test]
fn ctrl_c_is_for_the_pager_to_answer() {
    let store = store(1);
    let pager = "trap '' INT; cat; echo pager listens; read key < /dev/tty; echo pager ends";
    let shown = terminal(
        &store,
        &format!("trap : INT; {QUERY}"),
        &[("PAGER", pager)],
        &[("pager listens", "\x03"), ("^C", "\n")],
    );
    assert!(shown.ends_with("pager ends\nended with 0\n"), "{shown}");
}

#[test]
fn who_waits_on_a_terminal_sees_progress() {
    let store = store(1);
    let sql = "\"$LOGSTORE\" sql --timeout 1s 'WITH RECURSIVE c(x) AS (VALUES(1) UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c'";
    for command in [sql, &format!("{sql} | cat")] {
        let shown = terminal(&store, command, &[], &[]);
        let (progress, said) = shown.rsplit_once("\x1b[2K").unwrap();
        assert!(progress.contains("searching"), "{shown:?}");
        assert!(
            said.starts_with("logstore: no answer within 1s"),
            "{shown:?}"
        );
    }
    for quick in [
        &format!("{sql} 2>&1 | cat"),
        "\"$LOGSTORE\" query --no-pager",
    ] {
        let shown = terminal(&store, quick, &[], &[]);
        assert!(!shown.contains("searching"), "{shown:?}");
    }
}

#[test]
fn the_end_of_its_terminal_stops_a_server() {
    let store = store(1);
    let shown = terminal(
        &store,
        "$LOGSTORE serve --port 0 & server=$!; read line; kill -HUP $server; wait $server",
        &[],
        &[("listening on", "\n")],
    );
    assert!(shown.contains("stopped: "), "{shown}");
    assert!(shown.contains("ended with 0"), "{shown}");
}
