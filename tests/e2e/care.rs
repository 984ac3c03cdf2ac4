//! Care for the file: `logstore check` and `logstore backup`.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use logstore::{Level, LogRecord, SQLiteQueueHandler, Site};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::requests::request;
use crate::support::{Server, Store, frame, logstore, python, query, send, wait_until};

fn run(command: &str, db: &Path, arguments: &[&OsStr]) -> Output {
    let start = [OsStr::new(command), OsStr::new("--db"), db.as_os_str()];
    logstore(start).args(arguments).output().unwrap()
}

fn check(db: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
    let output = run("check", db, &arguments);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// A store of so many records in file.
fn store(records: usize) -> Store {
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    for number in 0..records {
        let record = LogRecord::new(Site::new("a", Level::INFO), format!("no {number}"));
        handler.emit(&record).unwrap();
    }
    handler.close().unwrap();
    store
}

#[test]
fn a_check_tells_what_is_wrong_and_a_repair_what_is_left() {
    let store = store(5000);
    let sound = "sound: 5000 records, 1 blocks\n";
    assert_eq!(
        check(&store.db, &[]),
        (Some(0), sound.into(), String::new())
    );
    assert_eq!(check(&store.db, &["--quick"]).1, sound);
    let sql = Connection::open(&store.db).unwrap();
    sql.execute_batch("DELETE FROM origin; UPDATE block SET sites = x'00'; DROP VIEW records")
        .unwrap();
    drop(sql);
    let (code, found, said) = check(&store.db, &[]);
    assert_eq!(code, Some(1));
    let expected = "\
tables, indexes, views or triggers that are not as they were made: 1 (view records is missing)
records whose origin is lost: 5000 (1, 2, 3, 4, 5, ...)
blocks that are not as they were written: 1 (1)
";
    assert_eq!(found, expected);
    assert!(said.contains("--repair"), "{said}");
    let (_, json, _) = check(&store.db, &["-o", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["records"], 5000);
    assert_eq!(
        json["problems"][2],
        json!({"fault": "damaged_block", "count": 1, "first": ["1"]})
    );
    let (code, found, said) = check(&store.db, &["--repair"]);
    // With one more block, of the newest records, which have waited for it.
    let sound = "sound: 5000 records, 2 blocks\n";
    assert_eq!((code, found), (Some(0), format!("{expected}{sound}")));
    assert!(said.contains("repaired"), "{said}");
    assert_eq!(
        query(&store.db, &["-n", "1", "--format", "%(hostname)s"]),
        "?\n"
    );
}

#[test]
fn what_cannot_be_repaired_is_said_with_the_way_out() {
    let store = store(20_000);
    let mut bytes = std::fs::read(&store.db).unwrap();
    let text = b"no 10000";
    let at = bytes.windows(text.len()).position(|found| found == text);
    let page = at.unwrap() / 8192 * 8192;
    bytes[page..page + 8192].fill(0xa5);
    std::fs::write(&store.db, bytes).unwrap();
    let (code, found, said) = check(&store.db, &["--repair"]);
    assert!(found.contains("SQLite's own check"), "{found}");
    // A page of a block's could be made again.
    assert!(code != Some(0), "{found}{said}");
    assert!(said.contains(".recover"), "{said}");
}

fn backup(db: &Path, to: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let arguments = arguments.iter().map(OsStr::new);
    let arguments: Vec<&OsStr> = [to.as_os_str()].into_iter().chain(arguments).collect();
    let output = run("backup", db, &arguments);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// The names of the files beside the store and what SQLite keeps for those who read it.
fn names(store: &Store) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(store.file(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("runs.sqlite"))
        .collect();
    names.sort();
    names
}

#[test]
fn a_backup_is_one_file_with_all_records_that_nobody_else_can_read() {
    let store = store(5000);
    fs::set_permissions(&store.db, Permissions::from_mode(0o644)).unwrap();
    let copy = store.file("copy.sqlite");
    let (code, made, said) = backup(&store.db, &copy, &[]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(made.contains("copy.sqlite: 5000 records, "), "{made}");
    assert_eq!(names(&store), ["copy.sqlite"]);
    assert_eq!(query(&copy, &["-n", "9"]), store.query(&["-n", "9"]));
    assert_eq!(check(&copy, &[]).0, Some(0));
    let rights = copy.metadata().unwrap().permissions().mode();
    assert_eq!(rights & 0o777, 0o600);

    let directory = store.file("backups");
    fs::create_dir(&directory).unwrap();
    let (code, made, _) = backup(&store.db, &directory, &[]);
    assert_eq!(code, Some(0));
    let name = fs::read_dir(&directory).unwrap().next().unwrap().unwrap();
    let name = name.file_name().into_string().unwrap();
    assert!(made.contains(&name), "{made}");
    assert!(
        name.starts_with("runs-20") && name.ends_with("Z.sqlite"),
        "{name}"
    );
    assert_eq!(name.len(), "runs-20261122T162025Z.sqlite".len());
}

#[test]
fn a_backup_takes_no_others_place_unless_told() {
    let store = store(3);
    let other = store.file("other");
    fs::write(&other, "precious").unwrap();
    let missing = store.file("no/such/copy.sqlite");
    let own = ["-wal", "-shm", ".reserve", ".spill", ".spill.3"];
    let own = own.map(|suffix| store.file(&format!("runs.sqlite{suffix}")));
    for to in &own {
        let (code, _, said) = backup(&store.db, to, &["--force"]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("belongs to the database"), "{said}");
    }
    for (to, arguments, expected) in [
        (&other, &[][..], "--force"),
        (&store.db, &[], "the database itself"),
        (&store.db, &["--force"], "the database itself"),
        (&missing, &[], "No such file"),
    ] {
        let (code, made, said) = backup(&store.db, to, arguments);
        assert_eq!((code, made.as_str()), (Some(2), ""), "{said}");
        assert!(said.contains(expected), "{said}");
    }
    assert_eq!(fs::read_to_string(&other).unwrap(), "precious");
    // What SQLite would take for the copy's newest records.
    let wal = store.file("other-wal");
    fs::write(&wal, "frames").unwrap();
    let (code, _, said) = backup(&store.db, &other, &["--force"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("other-wal"), "{said}");
    fs::remove_file(wal).unwrap();
    assert_eq!(backup(&store.db, &other, &["--force"]).0, Some(0));
    assert_eq!(names(&store), ["other"]);
    assert_eq!(check(&other, &[]).1, "sound: 3 records, 0 blocks\n");
}

#[test]
fn a_signal_ends_a_backup_and_leaves_nothing_behind() {
    let store = store(3);
    // What takes a while to copy.
    let sql = Connection::open(&store.db).unwrap();
    sql.execute_batch("CREATE TABLE filler AS SELECT zeroblob(200000000) AS bytes")
        .unwrap();
    drop(sql);
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let child = logstore(["backup", "--db"])
            .args([&store.db, &store.file("copy.sqlite")])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let signal = |name| {
            let id = child.id().to_string();
            let sent = Command::new("kill").args(["-s", name, &id]).status();
            assert!(sent.unwrap().success());
        };
        wait_until("it has begun", || !names(&store).is_empty());
        signal("STOP");
        assert!(names(&store)[0].ends_with(".partial"), "it is done already");
        signal(name);
        signal("CONT");
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains("broken off"), "{said}");
        assert!(names(&store).is_empty(), "{:?}", names(&store));
    }
}

#[test]
fn a_backup_of_an_older_schema_stays_of_that_schema() {
    let store = Store::new();
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/schema1.db");
    fs::copy(old, &store.db).unwrap();
    let copy = store.file("copy.sqlite");
    assert_eq!(backup(&store.db, &copy, &[]).0, Some(0));
    assert_eq!(query(&copy, &[]), store.query(&[]));
    let version: i64 = Connection::open(&copy)
        .unwrap()
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    assert_eq!(version, 1);
}

/// Ends what somebody does in a loop, also when the test fails.
struct StopAtEnd<'s>(&'s AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A backup begins again when somebody has written meanwhile, and never ends under constant writing unless it holds a snapshot.
#[test]
fn backups_and_checks_end_while_records_keep_coming() {
    let store = store(20_000);
    let copy = store.file("copy.sqlite");
    let server = Server::start(&store.db);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let frames = frame("a", 20, "more").repeat(50);
            let mut client = TcpStream::connect(server.address()).unwrap();
            while !stop.load(Ordering::Relaxed) {
                client.write_all(&frames).unwrap();
            }
        });
        let _stop = StopAtEnd(&stop);
        wait_until("records come", || store.count() > 20_000);
        wait_until("a backup was made while others wrote", || {
            let before = store.count();
            let (code, made, said) = backup(&store.db, &copy, &["--force"]);
            assert_eq!(code, Some(0), "{said}");
            let records = made
                .split_once(": ")
                .and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
            let after = store.count();
            assert!((before..=after).contains(&records.unwrap()), "{made}");
            before < after
        });
        let (code, found, said) = check(&store.db, &[]);
        assert_eq!(code, Some(0), "{found}{said}");
    });
    server.terminate();
    let (code, found, said) = check(&copy, &[]);
    assert_eq!(code, Some(0), "{found}{said}");
}

#[test]
fn a_repair_makes_blocks_that_are_missing() {
    let store = store(5000);
    let sql = Connection::open(&store.db).unwrap();
    sql.execute("DELETE FROM record WHERE id = 7", []).unwrap();
    drop(sql);
    let (code, found, _) = check(&store.db, &[]);
    assert_eq!(
        (code, found.as_str()),
        (Some(0), "sound: 4999 records, 0 blocks\n")
    );
    let (code, found, _) = check(&store.db, &["--repair"]);
    assert_eq!(
        (code, found.as_str()),
        (Some(0), "sound: 4999 records, 2 blocks\n")
    );
}

#[test]
fn who_asks_a_server_leaves_its_hold_on_the_file() {
    let store = Store::new();
    let server = Server::start(&store.db);
    send(server.address(), &frame("a", 20, "before"));
    wait_until("it is stored", || store.count() == 1);
    let answer = request(server.address(), "GET /api/records", &[], b"");
    assert_eq!(answer.status, 200);
    // The last one to close a file takes its log away: others must not take themselves for that.
    let look = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); \
                c.execute('SELECT count(*) FROM record').fetchone(); c.close()";
    let mut other = Command::new(python());
    let other = other.args(["-c", look]).arg(&store.db).status().unwrap();
    assert!(other.success());
    assert!(store.file("runs.sqlite-wal").exists());
    let posted = request(
        server.address(),
        "POST /ingest",
        &["Content-Type: application/json"],
        b"{\"msg\":\"behind\"}",
    );
    assert_eq!(posted.status, 200);
    server.signal("KILL");
    server.wait();
    assert_eq!(store.count(), 2);
}
