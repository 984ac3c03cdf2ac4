//! What a machine does to a running server: a full disk, a file moved or deleted, a directory that cannot be written.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use logstore::{Batch, Durability, Level, LogRecord, RecordStore as _, Site, SqliteStore};
use rusqlite::Connection;

use crate::refusals::by_nobody;
use crate::requests::request;
use crate::support::{Server, Store, frame, logstore, send, wait_until};

/// Sends records with these numbers in their messages.
fn send_numbered(server: &Server, numbers: std::ops::Range<usize>) {
    let frames: Vec<u8> = numbers
        .flat_map(|number| frame("a", 20, &format!("no {number} {}", "x".repeat(100))))
        .collect();
    send(server.address(), &frames);
}

/// The numbers of the records in a file, each of which is there once; none while there is no such table.
fn numbers(db: &Path) -> BTreeSet<usize> {
    let Ok(sql) = Connection::open_with_flags(db, rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE)
    else {
        return BTreeSet::new();
    };
    let Ok(mut statement) = sql.prepare("SELECT message FROM record WHERE message LIKE 'no %'")
    else {
        return BTreeSet::new();
    };
    let mut found = BTreeSet::new();
    for message in statement
        .query_map([], |row| row.get::<_, String>(0))
        .unwrap()
    {
        let message = message.unwrap();
        let number = message.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(found.insert(number), "{number} is there twice");
    }
    found
}

fn wait_for(db: &Path, expected: std::ops::Range<usize>) {
    let expected: BTreeSet<usize> = expected.collect();
    wait_until("the records are stored", || numbers(db) == expected);
}

const MOVED: &str = "the database file was moved or deleted";

#[test]
fn a_file_that_is_moved_keeps_its_records_and_the_next_go_into_a_new_one() {
    let store = Store::new();
    let server = Server::start(&store.db);
    for round in 0..3 {
        send_numbered(&server, round * 500..(round + 1) * 500);
        wait_for(&store.db, round * 500..(round + 1) * 500);
        // As a rotation by name alone does it.
        fs::rename(&store.db, store.file(&format!("old{round}.sqlite"))).unwrap();
    }
    send_numbered(&server, 1500..1600);
    wait_for(&store.db, 1500..1600);
    server.wait_until_said(MOVED);
    let ended = server.terminate();
    assert!(
        ended.stderr.contains("1600 stored, 0 dropped"),
        "{}",
        ended.stderr
    );
    for round in 0..3 {
        let old = store.file(&format!("old{round}.sqlite"));
        // All in this one file: nothing of it has stayed in a log at the old path.
        assert!(!store.file(&format!("old{round}.sqlite-wal")).exists());
        assert_eq!(numbers(&old), (round * 500..(round + 1) * 500).collect());
        sound(&old);
    }
    sound(&store.db);
}

fn sound(db: &Path) {
    let output = logstore(["check", "--db"]).arg(db).output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}: {output:?}",
        db.display()
    );
}

#[test]
fn a_file_that_is_deleted_is_made_anew_at_once() {
    let store = Store::new();
    let server = Server::start(&store.db);
    for names in [
        &["runs.sqlite"][..],
        &["runs.sqlite", "runs.sqlite-wal", "runs.sqlite-shm"],
    ] {
        send_numbered(&server, 0..100);
        wait_for(&store.db, 0..100);
        for name in names {
            fs::remove_file(store.file(name)).unwrap();
        }
        // Also when nothing comes.
        wait_until("there is a file again", || store.db.exists());
    }
    send_numbered(&server, 100..200);
    wait_for(&store.db, 100..200);
    server.wait_until_said(MOVED);
    server.terminate();
    assert_eq!(numbers(&store.db), (100..200).collect());
    sound(&store.db);
}

#[test]
fn a_file_that_another_takes_the_place_of_is_left_and_the_other_written() {
    let store = Store::new();
    let copy = store.file("copy.sqlite");
    let server = Server::start(&store.db);
    send_numbered(&server, 0..100);
    wait_for(&store.db, 0..100);
    let backup = logstore(["backup", "--db"])
        .arg(&store.db)
        .arg(&copy)
        .output()
        .unwrap();
    assert!(backup.status.success());
    send_numbered(&server, 500..600);
    wait_until("the records are stored", || store.count() == 200);
    fs::rename(&copy, &store.db).unwrap();
    send_numbered(&server, 100..200);
    wait_for(&store.db, 0..200);
    server.terminate();
    sound(&store.db);
}

#[test]
fn records_wait_for_a_directory_that_has_gone() {
    let store = Store::new();
    let directory = store.file("away");
    fs::create_dir(&directory).unwrap();
    let db = directory.join("runs.sqlite");
    let server = Server::start(&db);
    send_numbered(&server, 0..100);
    wait_for(&db, 0..100);
    let elsewhere = store.file("elsewhere");
    fs::rename(&directory, &elsewhere).unwrap();
    send_numbered(&server, 100..200);
    server.wait_until_said("there is no directory");
    fs::create_dir(&directory).unwrap();
    wait_for(&db, 100..200);
    server.terminate();
    let old = elsewhere.join("runs.sqlite");
    assert_eq!(numbers(&old), (0..100).collect());
    sound(&old);
}

#[test]
fn a_moved_file_that_somebody_reads_is_written_until_they_are_done() {
    let store = Store::new();
    let mut writer = SqliteStore::open(&store.db, Durability::Normal).unwrap();
    let append = |writer: &mut SqliteStore, number: usize| {
        let record = LogRecord::new(Site::new("a", Level::INFO), format!("no {number}"));
        let batch: Batch = [&record].into_iter().collect();
        writer.append(&[batch]).unwrap();
    };
    append(&mut writer, 0);
    let reader = Connection::open(&store.db).unwrap();
    let count = "SELECT count(*) FROM record";
    reader.execute_batch("BEGIN").unwrap();
    let before: i64 = reader.query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(before, 1);
    append(&mut writer, 1);
    let old = store.file("old.sqlite");
    fs::rename(&store.db, &old).unwrap();
    append(&mut writer, 2);
    assert!(!store.db.exists());
    let waits = writer.maintain().unwrap_err().to_string();
    assert!(waits.contains("another program reads it"), "{waits}");
    reader.execute_batch("COMMIT").unwrap();
    append(&mut writer, 3);
    assert_eq!(numbers(&store.db), [3].into());
    assert!(writer.maintain().unwrap().reopened);
    drop(reader);
    assert_eq!(numbers(&old), [0, 1, 2].into());
    sound(&old);
}

#[test]
fn a_directory_that_cannot_be_written_is_told() {
    let store = Store::new();
    drop(SqliteStore::open(&store.db, Durability::Normal).unwrap());
    fs::set_permissions(store.file(""), Permissions::from_mode(0o755)).unwrap();
    for db in [store.db.clone(), store.file("new.sqlite")] {
        // Only root can give files away, and be refused in another's name.
        if db.exists() && chown(&db, Some(65_534), None).is_err() {
            return;
        }
        let mut command = logstore(["serve", "--port", "0", "--db"]);
        command.arg(&db);
        let Some(mut command) = by_nobody(&command) else {
            return;
        };
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains("give this user the right to write to"),
            "{said}"
        );
    }
}

/// A file system of so many bytes, for as long as the test runs.
pub(crate) struct SmallDisk {
    pub(crate) at: PathBuf,
}

impl SmallDisk {
    /// Nothing, and the reason printed, where this cannot be had.
    pub(crate) fn mount(at: PathBuf, bytes: u32) -> Option<Self> {
        fs::create_dir(&at).unwrap();
        let size = format!("size={bytes}");
        let mut mount = Command::new("mount");
        let mount = mount
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(&at)
            .output();
        match mount {
            Ok(output) if output.status.success() => Some(SmallDisk { at }),
            other => {
                let reason =
                    format!("skipped: a file system can be mounted by root alone: {other:?}");
                std::io::Write::write_all(&mut std::io::stderr(), reason.as_bytes()).unwrap();
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}

#[test]
fn a_full_disk_is_told_and_waited_for_and_nothing_is_lost_or_stored_twice() {
    let store = Store::new();
    let Some(disk) = SmallDisk::mount(store.file("disk"), 4 << 20) else {
        return;
    };
    let db = disk.at.join("runs.sqlite");
    let ballast = disk.at.join("ballast");
    let server = Server::start(&db);
    send_numbered(&server, 0..100);
    wait_for(&db, 0..100);
    fs::write(&ballast, vec![1; 13 << 18]).unwrap();
    for start in (100..6000).step_by(100) {
        send_numbered(&server, start..start + 100);
    }
    server.wait_until_said("find room on the disk");
    assert!(
        server.said().contains("will be tried again"),
        "{}",
        server.said()
    );
    let stored = numbers(&db);
    assert_eq!(stored, (0..stored.len()).collect(), "stored in order");
    assert!(stored.len() < 6000);
    fs::remove_file(&ballast).unwrap();
    wait_for(&db, 0..6000);
    server.wait_until_said("takes records again");
    let ended = server.terminate();
    assert!(
        ended.stderr.contains("6000 stored, 0 dropped"),
        "{}",
        ended.stderr
    );
    sound(&db);
}

#[test]
fn a_backup_without_room_is_told_and_leaves_nothing_behind() {
    let store = Store::new();
    let Some(disk) = SmallDisk::mount(store.file("disk"), 1 << 20) else {
        return;
    };
    let server = Server::start(&store.db);
    send_numbered(&server, 0..8000);
    wait_for(&store.db, 0..8000);
    let mut backup = logstore(["backup", "--db"]);
    let output = backup.arg(&store.db).arg(&disk.at).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("find room on the disk for"), "{said}");
    assert_eq!(fs::read_dir(&disk.at).unwrap().count(), 0);
    server.terminate();
}

#[test]
fn with_a_size_limit_old_records_make_room_on_a_full_disk() {
    let store = Store::new();
    let Some(disk) = SmallDisk::mount(store.file("disk"), 120 << 20) else {
        return;
    };
    let db = disk.at.join("runs.sqlite");
    let server = Server::start_with(&db, &["--max-size", "1GB", "--reserve", "32MiB"]);
    let reserve = disk.at.join("runs.sqlite.reserve");
    assert_eq!(reserve.metadata().unwrap().len(), 32 << 20);
    // More than the disk holds.
    let text = "x".repeat(2000);
    let lines = format!("{{\"msg\":\"{text}\"}}\n").repeat(500);
    for _ in 0..120 {
        send(server.address(), lines.as_bytes());
    }
    wait_until("all are stored", || {
        let page = request(server.address(), "GET /metrics", &[], b"").body;
        page.contains("\nlogstore_records_stored_total 60000\n")
    });
    let ended = server.terminate();
    assert!(
        ended.stderr.contains("removed by retention"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("60000 stored, 0 dropped"),
        "{}",
        ended.stderr
    );
}

/// A server on a disk of this size, filled until it is full.
fn full(disk: &SmallDisk, flags: &[&str]) -> (Server, PathBuf) {
    let db = disk.at.join("runs.sqlite");
    let server = Server::start_with(&db, flags);
    let lines = format!("{{\"msg\":\"{}\"}}\n", "x".repeat(2000)).repeat(500);
    let mut client = TcpStream::connect(server.address()).unwrap();
    // Whoever is not read any more for so long has filled it.
    client
        .set_write_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    while client.write_all(lines.as_bytes()).is_ok() {}
    server.wait_until_said("find room on the disk");
    (server, db)
}

#[test]
fn a_full_disk_is_pruned_by_hand_with_the_help_of_the_reserve() {
    let store = Store::new();
    let Some(disk) = SmallDisk::mount(store.file("disk"), 90 << 20) else {
        return;
    };
    // Nothing is old enough: the reserve is not for what comes.
    let flags = ["--keep", "30d", "--queue-capacity", "2000"];
    let (server, db) = full(&disk, &flags);
    let reserve = disk.at.join("runs.sqlite.reserve");
    assert!(reserve.exists());
    let mut prune = logstore(["prune", "--before", "now", "--db"]);
    let output = prune.arg(&db).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    server.wait_until_said("takes records again");
    let ended = server.terminate();
    assert!(ended.status.success(), "{}", ended.stderr);
}

#[test]
fn a_stop_on_a_full_disk_keeps_what_waits_in_the_place_of_the_reserve() {
    let store = Store::new();
    let Some(disk) = SmallDisk::mount(store.file("disk"), 90 << 20) else {
        return;
    };
    let (server, db) = full(&disk, &["--queue-capacity", "2000"]);
    let ended = server.terminate();
    let said = &ended.stderr;
    assert!(said.contains("kept in the spill file"), "{said}");
    assert!(!said.contains("could not be stored"), "{said}");
    assert!(disk.at.join("runs.sqlite.spill").exists());
    assert!(db.exists());
}

#[test]
fn a_file_that_is_no_reserve_is_left_alone_and_told_and_an_old_reserve_goes() {
    let store = Store::new();
    let reserve = store.file("runs.sqlite.reserve");
    fs::write(&reserve, "precious").unwrap();
    let ended = Server::start(&store.db).terminate();
    assert!(
        ended.stderr.contains("runs.sqlite.reserve is no reserve"),
        "{}",
        ended.stderr
    );
    assert_eq!(fs::read_to_string(&reserve).unwrap(), "precious");
    fs::remove_file(&reserve).unwrap();
    for size in [1 << 20, 2 << 20, 0] {
        let flag = size.to_string();
        Server::start_with(&store.db, &["--reserve", &flag]).terminate();
        assert_eq!(reserve.metadata().map_or(0, |found| found.len()), size);
    }
    assert!(!reserve.exists());
}

#[test]
fn behind_a_link_everything_is_beside_the_file_itself() {
    let store = Store::new();
    let real = store.file("elsewhere");
    fs::create_dir(&real).unwrap();
    fs::write(real.join("real.sqlite"), "").unwrap();
    std::os::unix::fs::symlink(real.join("real.sqlite"), &store.db).unwrap();
    let server = Server::start(&store.db);
    assert!(real.join("real.sqlite.reserve").exists());
    let lock = Connection::open(&store.db).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    send_numbered(&server, 0..1);
    wait_until("it is spilled", || real.join("real.sqlite.spill").exists());
    drop(lock);
    server.terminate();
    wait_for(&store.db, 0..1);
    let names: Vec<_> = fs::read_dir(store.file("")).unwrap().collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

/// Waits until `/healthz` is answered with 503, and gives the reason.
fn failing(server: &Server) -> String {
    let mut reason = String::new();
    wait_until("the server says that it fails", || {
        let answer = request(server.address(), "GET /healthz", &[], b"");
        let told = answer.json();
        told["reason"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut reason);
        answer.status == 503 && told["status"] == "failing"
    });
    reason
}

fn wait_until_healthy(server: &Server) {
    wait_until("all is well", || {
        request(server.address(), "GET /healthz", &[], b"").status == 200
    });
}

#[test]
fn health_is_told_as_it_is() {
    let store = Store::new();
    let flags = ["--queue-capacity", "64", "--batch-size", "16"];
    let server = Server::start_with(&store.db, &[&flags[..], &["--spill-max", "0"]].concat());
    wait_until_healthy(&server);
    let lock = Connection::open(&store.db).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    send_numbered(&server, 0..1000);
    let reason = failing(&server);
    assert!(reason.contains("the queue is full"), "{reason}");
    lock.execute_batch("ROLLBACK").unwrap();
    wait_until_healthy(&server);
    wait_for(&store.db, 0..1000);
    drop(lock);
    // Somebody puts something else in its place.
    fs::rename(&store.db, store.file("old.sqlite")).unwrap();
    fs::write(&store.db, [b'x'; 9000]).unwrap();
    send_numbered(&server, 1000..1001);
    let reason = failing(&server);
    assert!(reason.contains("runs.sqlite"), "{reason}");
    fs::remove_file(&store.db).unwrap();
    wait_until_healthy(&server);
    wait_for(&store.db, 1000..1001);
    server.terminate();
}

#[test]
fn a_limit_of_file_sizes_is_a_store_that_refuses() {
    let store = Store::new();
    // 512 KiB or 1 MiB, as the shell has it.
    let flags = ["--reserve", "0", "--overflow", "block"];
    let server = Server::start_under(&store.db, "ulimit -f 1024", &flags);
    send_numbered(&server, 0..20_000);
    let reason = failing(&server);
    assert!(reason.contains("runs.sqlite"), "{reason}");
    server.signal("TERM");
    let ended = server.wait();
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("could not be stored"),
        "{}",
        ended.stderr
    );
}
