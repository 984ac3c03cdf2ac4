//! Bad input: exit code 2, nothing on stdout, and on stderr the value that was wrong and the way out.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use logstore::{Level, LogRecord, SCHEMA_VERSION, SQLiteQueueHandler, Site};
use rusqlite::Connection;

use crate::support::{Server, Store, logstore};

/// The command fails as it should, and what it says holds all of these.
#[track_caller]
fn refused(mut command: Command, expected: &[&str]) {
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{command:?}: {said}");
    assert!(output.stdout.is_empty(), "{command:?}");
    for text in expected {
        assert!(said.contains(text), "no {text:?} from {command:?}: {said}");
    }
}

fn query(db: &Path, arguments: &[&str]) -> Command {
    let mut command = logstore(["query", "--db"]);
    command.arg(db).args(arguments);
    command
}

fn serve(db: &Path, arguments: &[&str]) -> Command {
    let mut command = logstore(["serve", "--db"]);
    command.arg(db).args(["--port", "0"]).args(arguments);
    command
}

/// A store of one record.
fn small_store() -> Store {
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    let record = LogRecord::new(Site::new("a", Level::INFO), "one");
    handler.emit(&record).unwrap();
    handler.close().unwrap();
    store
}

fn sql(path: &Path, statements: &str) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(statements).unwrap();
    connection
}

#[test]
fn a_question_that_cannot_be_understood_is_refused_with_the_way_out() {
    let store = small_store();
    for (arguments, expected) in [
        (&["--levle", "info"][..], &["--levle", "--level"][..]),
        (&["--level", "loud"], &["loud", "critical", "number"]),
        (
            &["--since", "fortnight"],
            &["--since", "fortnight", "2026-11-22", "1h"],
        ),
        (
            &["--since", "2026-02-30"],
            &["2026-02-30", "there is no day"],
        ),
        (
            &["--until", "5 parsecs"],
            &["--until", "5 parsecs", "parsecs", "30 min ago"],
        ),
        (&["--until", ""], &["--until", "empty"]),
        (&["--until", "5 parsecs"], &["\n    5 parsecs\n      ^\n"]),
        (
            &["--grep", "a(b"],
            &["--grep", "unclosed group", "\n    a(b\n     ^\n", "\\("],
        ),
        (&["--ignore-case"], &["--grep"]),
        (
            &["--field", "=7"],
            &["--field", "no key", "\n    =7\n    ^\n", "KEY=VALUE"],
        ),
        (&["--field", "ms>"], &["\n    ms>\n       ^\n", "KEY>VALUE"]),
        (&["--field", "a~["], &["--field", "\n    [\n    ^\n"]),
        (
            &["a \"connection reset"],
            &[
                "not closed",
                "\n    a \"connection reset\n      ^\n",
                "\"connection reset\" or",
            ],
        ),
        (&["a \"\""], &["no words", "\n    a \"\"\n      ^\n"]),
        (&[""], &["no words"]),
        (&["time *"], &["*", "\n    time *\n         ^\n", "time*"]),
        (
            &["--max-level", "loud"],
            &["--max-level", "loud", "critical"],
        ),
        (
            &["--level", "error", "--max-level", "info"],
            &["--level is above --max-level"],
        ),
        (
            &["--exact-level", "info", "--level", "info"],
            &["--exact-level", "--level"],
        ),
        (&["--after-id", "-1"], &["--after-id", "-1"]),
        (
            &["--after-id", "1", "--cursor-file", "seen"],
            &["--after-id", "--cursor-file"],
        ),
        (&["-n", "many"], &["many", "--limit"]),
        (&["-n", "-1"], &["-1"]),
        (&["-o", "xml"], &["xml", "json", "logfmt"]),
        (
            &["--format", "%(message"],
            &["--format", "%(message", "position"],
        ),
        (
            &["--format", "%(message)y"],
            &["--format", "%(message)y", "position"],
        ),
        (&["--format", "no field"], &["--format", "no field"]),
        (
            &["--format", "%(message)s", "-o", "csv"],
            &["--format", "--output"],
        ),
        (&["--color", "pink"], &["pink", "always", "never"]),
        (&["-f", "--reverse"], &["--follow", "--reverse"]),
        (
            &["-q", "ä😀 level:loud x"],
            &["--search", "\n    ä😀 level:loud x\n             ^^^^\n"],
        ),
        (
            &["--search=-since:-1h"],
            &["cannot be left out", "\n    -since:-1h\n    ^^^^^^^^^^\n"],
        ),
        (&["-q", "\"a b"], &["not closed", "\n    ^^^^\n"]),
        (
            &["-q", "logger:a"],
            &["logger: is no key here", "name:", "\n    ^^^^^^^\n"],
        ),
        (&["-q", "a", "-q", "b"], &["--search", "multiple"]),
        (&["-f", "-q", "until:now"], &["--follow", "until:"]),
    ] {
        refused(query(&store.db, arguments), expected);
    }
}

#[test]
fn a_server_that_cannot_be_set_up_so_is_refused_with_the_way_out() {
    let store = Store::new();
    for (arguments, expected) in [
        (&["--prot", "1"][..], &["--prot", "--port"][..]),
        (&["--port", "65536"], &["65536", "--port"]),
        (
            &["--queue-capacity", "0"],
            &["--queue-capacity", "0", "at least 1"],
        ),
        (&["--batch-size", "few"], &["--batch-size", "few"]),
        (&["--durability", "forever"], &["forever", "normal", "full"]),
        (
            &["--overflow", "explode"],
            &["explode", "block", "drop-oldest"],
        ),
        (&["--udp", "--protocol", "http"], &["--udp", "HTTP"]),
        (&["--frame-limit", "1 parsec"], &["parsec", "use KiB, MiB"]),
        (&["--frame-limit", "1GiB"], &["1GiB", "268435456"]),
        (&["--spill-max", "1parsec"], &["parsec", "use KiB, MiB"]),
        (&["--frame-limit", "300MiB"], &["300MiB", "268435456"]),
        (&["--echo", "loud"], &["loud", "critical"]),
        (&["--echo", "--quiet"], &["--echo", "--quiet"]),
    ] {
        let mut command = logstore(["serve", "--db"]);
        command.arg(&store.db).args(arguments);
        refused(command, expected);
    }
    assert!(!store.db.exists());
}

#[test]
fn no_command_or_an_unknown_one_is_refused() {
    refused(logstore::<&str>([]), &["Usage", "serve", "query"]);
    refused(logstore(["sreve"]), &["sreve", "serve"]);
}

#[test]
fn a_missing_database_is_told_and_not_made() {
    let store = Store::new();
    let db = store.db.to_str().unwrap();
    refused(
        query(&store.db, &[]),
        &["no database at", db, "logstore serve", "--db"],
    );
    assert!(!store.db.exists());
    let nowhere = store.file("no/such/directory/runs.sqlite");
    let path = nowhere.to_str().unwrap();
    refused(query(&nowhere, &[]), &[path, "--db"]);
    refused(
        serve(&nowhere, &[]),
        &["cannot make", path, "there is no directory", "--db"],
    );
}

#[test]
fn a_directory_is_no_database() {
    let store = Store::new();
    let directory = store.file("");
    let name = directory.to_str().unwrap();
    for command in [query(&directory, &[]), serve(&directory, &[])] {
        refused(command, &["cannot open", name, "directory", "--db"]);
    }
}

#[test]
fn a_database_in_memory_alone_is_refused() {
    for command in [
        query(Path::new(":memory:"), &[]),
        serve(Path::new(":memory:"), &[]),
    ] {
        refused(command, &[":memory:", "it is memory", "--db"]);
    }
}

#[test]
fn a_span_of_time_that_ends_before_it_begins_is_refused() {
    let store = small_store();
    let span = ["--since", "now", "--until", "-1h"];
    refused(query(&store.db, &span), &["--since is later than --until"]);
    refused(
        query(&store.db, &["-f", "--until", "now"]),
        &["--follow", "--until"],
    );
}

#[test]
fn what_is_no_regular_file_is_refused() {
    for path in ["/dev/null", "file:a.sqlite?mode=memory"] {
        for command in [query(Path::new(path), &[]), serve(Path::new(path), &[])] {
            refused(command, &["cannot open", path, "--db"]);
        }
    }
}

#[test]
fn an_empty_database_of_another_application_is_refused() {
    for mark in [
        "PRAGMA user_version = 1",
        "PRAGMA application_id = 1196444487",
    ] {
        let store = Store::new();
        drop(sql(&store.db, &format!("{mark}; VACUUM")));
        refused(serve(&store.db, &[]), &["another application", "--db"]);
    }
}

/// The same command by a user who owns nothing; `None` where that cannot be tried.
pub(crate) fn by_nobody(command: &Command) -> Option<Command> {
    let mut nobody = Command::new("setpriv");
    nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    let may = nobody.arg(command.get_program()).arg("--version").output();
    let may = may.is_ok_and(|output| output.status.success());
    let mut nobody = Command::new("setpriv");
    nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    nobody.arg(command.get_program()).args(command.get_args());
    may.then_some(nobody)
}

#[test]
fn a_file_that_this_user_may_only_read_is_read_and_not_served() {
    let store = small_store();
    let directory = store.db.parent().unwrap();
    std::fs::set_permissions(directory, Permissions::from_mode(0o755)).unwrap();
    let (serving, asking) = (serve(&store.db, &[]), query(&store.db, &["one"]));
    let Some((serving, mut asking)) = by_nobody(&serving).zip(by_nobody(&asking)) else {
        return;
    };
    let name = store.db.to_str().unwrap();
    refused(
        serving,
        &[
            "cannot write to",
            name,
            "right to write",
            "Permission denied",
        ],
    );
    let output = asking.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8(output.stdout).unwrap().contains("one"));
}

#[test]
fn a_file_of_somebody_else_is_refused_and_left_as_it_is() {
    let store = Store::new();
    let recipes = store.file("recipes.sqlite");
    drop(sql(
        &recipes,
        "CREATE TABLE recipes (id); CREATE TABLE cooks (id)",
    ));
    let text = store.file("notes.txt");
    std::fs::write(
        &text,
        "a line of a text file, again and again\n".repeat(100),
    )
    .unwrap();
    let short = store.file("short.txt");
    std::fs::write(&short, "short\n").unwrap();
    for (path, found) in [
        (&recipes, "other tables (recipes, cooks)"),
        (&text, "no SQLite database"),
        (&short, "no SQLite database"),
    ] {
        let before = std::fs::read(path).unwrap();
        let name = path.to_str().unwrap();
        for command in [query(path, &[]), serve(path, &[])] {
            refused(command, &[name, found, "not a logstore database", "--db"]);
        }
        assert!(std::fs::read(path).unwrap() == before, "{name} has changed");
    }
}

#[test]
fn an_empty_file_becomes_a_store_by_serving_and_has_no_answers() {
    let store = Store::new();
    std::fs::write(&store.db, "").unwrap();
    refused(query(&store.db, &[]), &["it is empty", "--db"]);
    Server::start(&store.db).terminate();
    assert_eq!(store.query(&[]), "");
}

#[test]
fn the_ancestors_file_is_refused_by_its_name_with_what_will_take_it_over() {
    let store = Store::new();
    drop(sql(
        &store.db,
        "CREATE TABLE logs (created TEXT, name TEXT, level TEXT, message TEXT, hostname TEXT, \
         process TEXT, thread TEXT)",
    ));
    for command in [query(&store.db, &[]), serve(&store.db, &[])] {
        let db = store.db.to_str().unwrap();
        refused(
            command,
            &[db, "dagrunner", "logstore import", "left as it is"],
        );
    }
}

#[test]
fn a_newer_schema_is_refused_with_both_numbers() {
    let store = small_store();
    drop(sql(&store.db, "PRAGMA user_version = 99"));
    for command in [query(&store.db, &[]), serve(&store.db, &[])] {
        let known = format!("up to {SCHEMA_VERSION}");
        refused(command, &["schema 99", &known, "newer logstore"]);
    }
}

#[test]
fn a_damaged_file_is_an_error_and_no_panic() {
    let store = small_store();
    let mut bytes = std::fs::read(&store.db).unwrap();
    for byte in &mut bytes[100..] {
        *byte = 0xa5;
    }
    std::fs::write(&store.db, bytes).unwrap();
    let db = store.db.to_str().unwrap();
    refused(query(&store.db, &[]), &[db, "damaged"]);
    refused(serve(&store.db, &[]), &[db, "damaged"]);
}

#[test]
fn a_database_locked_for_good_is_told_after_a_while() {
    let store = small_store();
    let lock = sql(
        &store.db,
        "PRAGMA journal_mode = DELETE; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE",
    );
    let db = store.db.to_str().unwrap();
    let expected = &[db, "locked by another process", "try again"];
    refused(query(&store.db, &[]), expected);
    refused(serve(&store.db, &[]), expected);
    drop(lock);
    assert_eq!(store.query(&["--format", "%(message)s"]), "one\n");
}

#[test]
fn a_database_locked_for_a_moment_is_waited_for() {
    let store = small_store();
    let lock = sql(
        &store.db,
        "PRAGMA journal_mode = DELETE; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE",
    );
    let query = query(&store.db, &["--format", "%(message)s"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Long enough for it to meet the lock on most runs; it must succeed on every one.
    std::thread::sleep(Duration::from_millis(300));
    drop(lock);
    let output = query.wait_with_output().unwrap();
    assert!(output.status.success());
    assert_eq!(output.stdout, b"one\n");
}

#[test]
fn a_locked_database_can_still_be_read() {
    let store = small_store();
    let _lock = sql(&store.db, "BEGIN IMMEDIATE");
    let began = Instant::now();
    assert_eq!(store.query(&["--format", "%(message)s"]), "one\n");
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[test]
fn a_port_in_use_is_told_and_the_file_left_alone() {
    let store = Store::new();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let mut command = logstore(["serve", "--port", &port, "--db"]);
    command.arg(&store.db);
    refused(command, &["127.0.0.1", &port, "--port", "0: any free one"]);
    assert!(!store.db.exists());
}

#[test]
fn a_host_that_is_not_this_machine_is_told() {
    let store = Store::new();
    for (host, expected) in [
        ("203.0.113.7", "--host must be an address of this machine"),
        ("no.such.host.invalid", "cannot find the address of host"),
        ("", "address"),
    ] {
        refused(serve(&store.db, &["--host", host]), &[host, expected]);
    }
    assert!(!store.db.exists());
}

#[test]
fn the_database_is_named_by_flag_by_variable_or_by_default() {
    let store = small_store();
    let ask = |arguments: &[&str]| {
        let mut command = logstore(["query", "--format", "%(message)s"]);
        command.args(arguments).current_dir(store.file(""));
        command
    };
    let output = ask(&[]).env("LOGSTORE_DB", "runs.sqlite").output().unwrap();
    assert_eq!(output.stdout, b"one\n");
    let mut flag_wins = ask(&["--db", "runs.sqlite"]);
    let output = flag_wins
        .env("LOGSTORE_DB", "other.sqlite")
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"one\n");
    refused(ask(&[]), &["logs.sqlite"]);
}
