//! `serve --echo`: arriving records on the console, in the ancestor's format.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use regex::Regex;

use crate::support::{Server, Store, frame, listening_address, logstore, send, wait_until};

/// What a server writes to stdout while the cookbook's client sends to it.
fn echoed(arguments: &[&str]) -> String {
    let store = Store::new();
    let path = store.file("echo.txt");
    let stdout = File::create(&path).unwrap();
    let server = Server::start_to(stdout.into(), &store.db, arguments);
    server.python("cookbook.py", &[]);
    server.terminate();
    assert_eq!(store.count(), 5);
    fs::read_to_string(path).unwrap()
}

#[test]
fn arriving_records_are_shown_in_the_ancestors_format() {
    let text = echoed(&["--echo"]);
    assert_eq!(text.lines().count(), 5, "{text}");
    // %(relativeCreated)5d %(name)-15s %(levelname)-8s %(hostname)s %(process)d %(asctime)s %(message)s
    let host = regex::escape(logstore::machine_name());
    let line = Regex::new(&format!(
        r"(?m)^ *\d+ myapp\.area2     WARNING  {host} \d+ \d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d Jail zesty vixen who grabbed pay from quack\.$"
    ));
    assert!(line.unwrap().is_match(&text), "{text}");
}

#[test]
fn a_level_chooses_what_is_shown_and_quiet_shows_nothing() {
    let warnings = echoed(&["--echo", "warning"]);
    assert_eq!(warnings.lines().count(), 2, "{warnings}");
    assert_eq!(echoed(&["--quiet"]), "");
    assert_eq!(echoed(&[]), "", "a file is no terminal");
}

#[test]
fn a_console_that_has_gone_holds_no_record_up() {
    let store = Store::new();
    let (gone, pipe) = std::io::pipe().unwrap();
    drop(gone);
    let server = Server::start_to(pipe.into(), &store.db, &["--echo"]);
    send(server.address(), &frame("a", 20, "one"));
    wait_until("the first record", || store.count() == 1);
    send(server.address(), &frame("a", 20, "two"));
    server.terminate();
    assert_eq!(store.count(), 2);
}

#[test]
fn a_console_that_hangs_holds_up_neither_records_nor_the_end() {
    let store = Store::new();
    let (hanging, pipe) = std::io::pipe().unwrap();
    let server = Server::start_to(pipe.into(), &store.db, &["--echo"]);
    let mut client = TcpStream::connect(server.address()).unwrap();
    let text = "x".repeat(1000);
    // Many times what the pipe and the echo's own queue hold.
    for _ in 0..20_000 {
        client.write_all(&frame("a", 20, &text)).unwrap();
    }
    drop(client);
    wait_until("all records", || store.count() == 20_000);
    let ended = server.terminate();
    assert!(ended.took < Duration::from_secs(10), "{:?}", ended.took);
    drop(hanging);
}

/// How much a pipe holds on Linux before who writes to it must wait.
const PIPE_BYTES: usize = 64 << 10;

#[test]
fn talk_that_nobody_reads_holds_up_neither_records_nor_the_end() {
    let store = Store::new();
    let (stderr, mut full) = std::io::pipe().unwrap();
    let mut child = logstore(["serve", "--port", "0", "--own-records", "off", "--db"])
        .arg(&store.db)
        .stdout(Stdio::null())
        .stderr(full.try_clone().unwrap())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::with_capacity(1, stderr);
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    let address = listening_address(&line).unwrap();
    full.write_all(&vec![b'x'; PIPE_BYTES]).unwrap();

    // A report for the bad frame finds no room, and the records of all clients come behind it.
    send(address, &[0xff; 4]);
    send(address, &frame("a", 20, "still served"));
    wait_until("the record", || store.count() == 1);
    let id = child.id().to_string();
    Command::new("kill")
        .args(["-s", "TERM", &id])
        .status()
        .unwrap();
    let mut ended = None;
    wait_until("the end", || {
        ended = child.try_wait().unwrap();
        ended.is_some()
    });
    assert!(ended.unwrap().success());
}
