//! `GET /api/export?format=sqlite`: a store of its own, and where it is made.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use serde_json::Value;

use crate::api;
use crate::export::{self, get};
use crate::faults::SmallDisk;
use crate::requests::ask;
use crate::support::{Server, Store, frame, logstore, send, wait_until};

const EXPORT: &str = "/api/export?format=sqlite";

/// The directories beside a database in which exports are made.
fn made_beside(db: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(db.parent().unwrap()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_made = |path: &PathBuf| path.to_str().unwrap().contains("/.runs.sqlite.export-");
    paths.filter(is_made).collect()
}

/// Records of ten kilobytes each.
fn fill(server: &Server, db: &Path, records: usize) {
    let padding = "x".repeat(10_000);
    let frames: Vec<u8> = (0..records)
        .flat_map(|number| frame("a", 50, &format!("{number} {padding}")))
        .collect();
    send(server.address(), &frames);
    wait_until("all records", || {
        let count = Connection::open(db).unwrap();
        let count = count.query_row("SELECT count(*) FROM record", [], |row| row.get(0));
        count == Ok(i64::try_from(records).unwrap())
    });
}

#[test]
fn a_store_holds_what_was_asked_for_and_every_command_works_on_it() {
    let store = api::store(200);
    let server = Server::start(&store.db);
    let copy = store.file("copy.sqlite");
    let (_, body) = get(&server, &format!("{EXPORT}&name=other&order=newest"));
    fs::write(&copy, &body).unwrap();
    // Nothing of others: all of the loggers asked for are on one host.
    for other in ["app.db", "app.web", "node0"] {
        let found = body.windows(other.len()).any(|at| at == other.as_bytes());
        assert!(!found, "{other} is in the file");
    }
    let answer = |command: &str, arguments: &[&str]| {
        let mut program = logstore([command, "--db", copy.to_str().unwrap()]);
        let output = program.args(arguments).output().unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let lines = answer("query", &["-o", "json"]);
    let found: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(found.len(), 50);
    // Ids follow time, whatever the order of what was copied.
    let keys = found.iter().map(|record| &record["id"]);
    let expected: Vec<Value> = (1..=50).map(Value::from).collect();
    assert!(keys.eq(&expected), "{lines}");
    for (command, arguments, said) in [
        ("count", &["--by", "name,host"][..], "other"),
        ("stats", &[], "100.0%"),
        ("gaps", &[], ""),
        ("check", &[], "50 records"),
        ("query", &["-C", "1", "--level", "error"], "WARNING"),
        (
            "sql",
            &["SELECT count(*) AS all_of_them FROM records"],
            "50",
        ),
        ("query", &["request", "--name", "other"], "request 3 "),
    ] {
        let answer = answer(command, arguments);
        assert!(answer.contains(said), "{command}: {answer}");
    }
    server.terminate();
}

/// A store that leaves no room is refused, and nothing of it stays.
#[track_caller]
fn refused(server: &Server, db: &Path) {
    let answer = ask(server.address(), &format!("GET {EXPORT}"), &[]);
    assert_eq!(answer.status, 507, "{answer:?}");
    let problem = answer.json();
    let detail = problem["detail"].as_str().unwrap();
    for said in ["MiB free", "--min-free", "jsonl or csv"] {
        assert!(detail.contains(said), "{detail}");
    }
    assert_eq!(made_beside(db), [""; 0].map(PathBuf::from));
    let text = ask(server.address(), "GET /api/export", &[]);
    assert_eq!(text.status, 200, "{}", text.head);
}

#[test]
fn what_the_server_keeps_free_is_left_free() {
    let store = Store::new();
    let disk = rustix::fs::statvfs(store.db.parent().unwrap()).unwrap();
    let least = (disk.f_blocks * disk.f_frsize - 1).to_string();
    let server = Server::start_with(&store.db, &["--min-free", &least]);
    fill(&server, &store.db, 10);
    refused(&server, &store.db);
    server.terminate();
}

#[test]
fn a_store_that_would_fill_the_disk_is_given_up_half_way() {
    let store = Store::new();
    let Some(disk) = SmallDisk::mount(store.file("disk"), 256 << 20) else {
        return;
    };
    let db = disk.at.join("runs.sqlite");
    let server = Server::start_with(&db, &["--reserve", "0"]);
    fill(&server, &db, 3000);
    // There is room for some of it.
    let free = || {
        let found = rustix::fs::statvfs(&disk.at).unwrap();
        found.f_bavail * found.f_frsize
    };
    let ballast = free() - (140 << 20);
    fs::write(
        disk.at.join("ballast"),
        vec![0; usize::try_from(ballast).unwrap()],
    )
    .unwrap();
    let before = free();
    refused(&server, &db);
    assert!(free() >= before - (1 << 20), "{} of {before}", free());
    fs::remove_file(disk.at.join("ballast")).unwrap();
    let (head, _) = get(&server, EXPORT);
    assert!(head.starts_with("http/1.0 200"), "{head}");
    server.terminate();
}

#[test]
fn what_a_killed_server_leaves_is_gone_after_the_next_start() {
    let store = Store::new();
    let server = Server::start(&store.db);
    fill(&server, &store.db, 3000);
    let _asking = export::ask(&server, EXPORT);
    wait_until("it is being made", || !made_beside(&store.db).is_empty());
    server.signal("KILL");
    server.wait();
    let server = Server::start(&store.db);
    wait_until("it is gone", || made_beside(&store.db).is_empty());
    // What is sent has no name any more.
    get(&server, EXPORT);
    assert_eq!(made_beside(&store.db), [""; 0].map(PathBuf::from));
    server.terminate();
}
