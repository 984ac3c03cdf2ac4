//! `serve --keep` and `--max-size`, `prune`, and what `stats` says of them.

use logstore::{Level, LogRecord, SQLiteQueueHandler, Site, now_ns};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{Server, Store, frame, send, wait_until};

const DAY_NS: i64 = 86_400_000_000_000;

/// So many records, one a day, the last of them just now; each tenth is an error, of another logger.
fn daily(records: i64) -> Store {
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    for day in (0..records).rev() {
        let (name, level) = match day % 10 {
            9 => ("bad", Level::ERROR),
            _ => ("good", Level::INFO),
        };
        let mut record = LogRecord::new(Site::new(name, level), format!("{day} days ago"));
        record.created_ns = now_ns() - day * DAY_NS;
        handler.emit(&record).unwrap();
    }
    handler.close().unwrap();
    store
}

#[test]
fn a_server_removes_what_it_does_not_keep_and_the_file_says_so() {
    let store = daily(100);
    let server = Server::start_with(&store.db, &["--keep", "30d,error=50d", "--max-size", "1GB"]);
    wait_until("retention has been there", || store.count() < 100);
    send(server.address(), &frame("late", 20, "still here"));
    wait_until("the new record is stored", || {
        store.records(&["--name", "late"]).len() == 1
    });
    let stats = store.answer("stats", &[]);
    let line = "\nkeeps      30d, error=50d; at most 1.0 GiB\n";
    assert!(stats.contains(line), "{stats}");
    let json: Value = serde_json::from_str(&store.answer("stats", &["-o", "json"])).unwrap();
    assert_eq!(json["keep"], json!(["30d", "error=50d"]));
    assert_eq!(json["max_bytes"], 1 << 30);
    let ended = server.terminate();
    assert!(ended.status.success());
    // Of the errors five, of the others those of the 30th day and before.
    let removed = "; 68 records removed by retention\n";
    assert!(ended.stderr.contains(removed), "{}", ended.stderr);
    let kept = store.records(&["--level", "error"]);
    assert_eq!(kept.len(), 5);

    let server = Server::start(&store.db);
    assert!(!store.answer("stats", &[]).contains("keeps"));
    assert!(!server.terminate().stderr.contains("retention"));
    assert_eq!(store.count(), 33);
}

#[test]
fn a_prune_does_what_its_dry_run_said() {
    let store = daily(100);
    let count = || store.count();
    let dry = store.answer("prune", &["--dry-run", "--keep", "10d,name:bad=90d"]);
    assert!(
        dry.starts_with("82 records would be removed: about "),
        "{dry}"
    );
    assert_eq!(count(), 100);
    let done = store.answer("prune", &["--keep", "10d", "--keep", "name:bad=90d"]);
    assert!(
        done.starts_with("82 records removed; the file had "),
        "{done}"
    );
    assert_eq!(count(), 18);
    let before = store.answer("prune", &["--before", "-5d"]);
    assert!(before.starts_with("13 records removed; "), "{before}");
    assert_eq!(store.records(&[]).len(), 5);
    let nothing = store.answer("prune", &["-n", "--before", "1970-01-01", "--utc"]);
    assert!(
        nothing.starts_with("0 records would be removed"),
        "{nothing}"
    );
}

#[test]
fn a_prune_without_a_policy_takes_that_of_the_file() {
    let store = daily(40);
    let output = store.run("prune", &[]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("give --keep 30d, --max-size 10GB or --before"),
        "{said}"
    );
    let handler = SQLiteQueueHandler::builder();
    let retention = logstore::Retention {
        keep: vec!["30d".parse().unwrap()],
        max_bytes: None,
    };
    drop(handler.retention(retention).open(&store.db).unwrap());
    let done = store.answer("prune", &[]);
    assert!(done.contains("removed; the file had"), "{done}");
    assert_eq!(store.count(), 30);
}

#[test]
fn a_prune_while_a_server_writes_loses_nothing_new() {
    let store = daily(2000);
    let server = Server::start(&store.db);
    let address = server.address();
    let sender = std::thread::spawn(move || {
        for run in 0..40 {
            let frames = (0..250).flat_map(|i| frame("new", 20, &format!("{run}:{i}")));
            send(address, &frames.collect::<Vec<u8>>());
        }
    });
    for _ in 0..3 {
        store.answer("prune", &["--keep", "10d"]);
    }
    sender.join().unwrap();
    let ended = server.terminate();
    assert!(ended.stderr.contains(" 0 dropped"), "{}", ended.stderr);
    let count = |arguments: &[&str]| store.answer("count", arguments);
    assert_eq!(count(&["--name", "new"]), "10000\n");
    assert_eq!(count(&[]), "10010\n");
}

#[test]
fn a_server_killed_while_it_removes_leaves_a_sound_file() {
    let store = daily(3000);
    for _ in 0..4 {
        let server = Server::start_with(&store.db, &["--keep", "5d,name:bad=1000d"]);
        send(server.address(), &frame("new", 20, "hello"));
        server.signal("KILL");
        drop(server);
        let sql = Connection::open(&store.db).unwrap();
        let sound: String = sql
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .unwrap();
        assert_eq!(sound, "ok");
    }
    store.answer("prune", &["--keep", "5d,name:bad=1000d"]);
    let count = |arguments: &[&str]| store.answer("count", arguments);
    assert_eq!(count(&["--name", "bad"]), "100\n");
    assert_eq!(count(&["--name", "good"]), "5\n");
}

#[test]
fn what_cannot_be_kept_is_refused_before_the_file_is_made() {
    let store = Store::new();
    for (arguments, part) in [
        (&["--keep", "loud=3d"][..], "unknown level \"loud\""),
        (&["--keep", "0d"], "no time at all"),
        (&["--keep", "30"], "a duration needs a unit"),
        (
            &["--keep", "1d,debug=1d", "--keep", "debug=2d"],
            "--keep: there are two rules for debug",
        ),
        (&["--keep", "-1d"], "'--keep <RULE>'"),
        (&["--max-size", "50%"], "a number of bytes is wanted"),
        (&["--keep", "name:=1d"], "is no name for a rule"),
        (&["--max-size", "1000"], "allow at least 1MiB"),
        (&["--max-size", "10 parsecs"], "unknown unit \"parsecs\""),
    ] {
        for command in ["serve", "prune"] {
            let output = store.run(command, arguments);
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
            // A prune needs a file first of all, unless it is the argument itself that is bad.
            let missing = command == "prune" && said.contains("no database");
            assert!(
                missing || said.contains(part),
                "{command} {arguments:?}: {said}"
            );
        }
    }
    assert!(!store.db.exists());
}

#[test]
fn a_disk_with_too_little_room_gets_only_what_matters_most() {
    let store = Store::new();
    // Nearly all of the disk, which is never free: of what comes only errors are stored.
    let stat = rustix::fs::statvfs(store.db.parent().unwrap()).unwrap();
    let all = stat.f_blocks * stat.f_frsize;
    let min_free = (all - 1).to_string();
    let server = Server::start_with(&store.db, &["--min-free", &min_free]);
    for (level, message) in [(10, "debug"), (20, "info"), (30, "warning"), (40, "error")] {
        send(server.address(), &frame("a", level, message));
    }
    wait_until("the error", || store.records(&["--name", "a"]).len() == 1);
    server.wait_until_said("left out");
    let ended = server.terminate();
    assert_eq!(store.records(&["--name", "a"])[0]["message"], "error");
    let told = "4 records received over 4 connections, 1 stored, 0 dropped, 3 left out";
    assert!(ended.stderr.contains(told), "{}", ended.stderr);
    let notes = store.records(&["--name", "logstore", "--field", "shed"]);
    let shed: i64 = notes
        .iter()
        .filter_map(|note| note["extra"]["shed"].as_i64())
        .sum();
    assert_eq!(shed, 3, "{notes:?}");
}

#[test]
fn more_free_room_than_the_disk_has_is_refused() {
    let store = Store::new();
    let output = store.run("serve", &["--port", "0", "--min-free", "1000000TiB"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("in all; ask for less with --min-free"),
        "{said}"
    );
}

#[test]
fn a_server_whose_names_a_prune_has_swept_stores_them_anew() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let names = |count: &str| -> i64 {
        let sql = Connection::open(&store.db).unwrap();
        sql.query_row(&format!("SELECT count({count}) FROM site"), [], |row| {
            row.get(0)
        })
        .unwrap()
    };
    let frames: Vec<u8> = (0..50)
        .flat_map(|job| frame(&format!("job{job}"), 20, "hello"))
        .collect();
    for run in 0..3 {
        send(server.address(), &frames);
        wait_until("all are stored", || store.count() == 50);
        assert_eq!(names("DISTINCT name"), 50);
        if run < 2 {
            let pruned = store.answer("prune", &["--before", "now"]);
            assert!(pruned.starts_with("50 records removed"), "{pruned}");
            assert_eq!(names("*"), 1);
        }
    }
    let by_name = store.answer("count", &["--by", "name"]);
    assert!(
        (0..50).all(|job| by_name.contains(&format!("job{job} "))
            || by_name.contains(&format!("job{job}\n"))),
        "{by_name}"
    );
    server.terminate();
    store.answer("check", &[]);
}
