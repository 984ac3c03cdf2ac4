//! What is no record: half frames, garbage, other protocols, pickles that want to run something. It is reported, nothing of it is
//! executed, and the others go on.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::support::{Server, Store, frame, framed, send, wait_until};

#[test]
fn a_client_that_vanishes_inside_a_frame_is_reported_and_the_others_go_on() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let mut other = TcpStream::connect(server.address()).unwrap();
    other.write_all(&frame("other", 20, "before")).unwrap();
    let whole = frame("vanishing", 20, "whole");
    let half = &whole[..whole.len() / 2];
    let client = TcpStream::connect(server.address()).unwrap();
    let peer = client.local_addr().unwrap();
    (&client).write_all(&[&whole, half].concat()).unwrap();
    drop(client);
    server.wait_until_said(&format!(
        "1 bad frame from {peer}: the connection ended after {} of {} bytes of a frame",
        half.len(),
        whole.len()
    ));
    other.write_all(&frame("other", 20, "after")).unwrap();
    drop(other);
    let ended = server.terminate();
    assert!(ended.stderr.contains("3 stored, 0 dropped; 1 frame"));
    assert_eq!(
        store.query(&["--format", "%(name)s %(message)s"]),
        "other before\nvanishing whole\nother after\n"
    );
}

#[test]
fn half_a_length_is_half_a_frame() {
    let store = Store::new();
    let server = Server::start(&store.db);
    send(server.address(), &[0, 0]);
    server.wait_until_said("the connection ended after 2 of 4 bytes of a frame");
    server.terminate();
}

#[test]
fn a_length_in_pieces_is_still_a_length() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let mut client = TcpStream::connect(server.address()).unwrap();
    client.set_nodelay(true).unwrap();
    for number in 0..3 {
        for piece in frame("slow", 20, &number.to_string()).chunks(3) {
            client.write_all(piece).unwrap();
        }
    }
    wait_until("three records", || store.count() == 3);
    server.terminate();
}

#[test]
fn other_protocols_and_absurd_lengths_are_turned_away_with_a_reason() {
    let store = Store::new();
    let server = Server::start(&store.db);
    for (bytes, found) in [
        (&b"\xff\xff\xff\xff and more"[..], "something else"),
        (b"\x16\x03\x01\x02\x00\x01\x00", "a TLS handshake"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "an SSH client"),
    ] {
        let mut client = TcpStream::connect(server.address()).unwrap();
        client.write_all(bytes).unwrap();
        // The server hangs up: nothing of what follows can be understood.
        let mut answer = Vec::new();
        let _ = client.read_to_end(&mut answer);
        assert!(answer.is_empty());
        server.wait_until_said(found);
    }
    server.python("plain.py", &["10"]);
    let ended = server.terminate();
    assert!(ended.stderr.contains("10 stored, 0 dropped; 3 frames"));
}

#[test]
fn a_frame_that_is_no_record_is_skipped_and_the_connection_goes_on() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let mut bytes = Vec::new();
    for payload in [
        &b""[..],
        b"\x80",
        b"hello",
        b"\x80\x02]q\x00.",
        b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7fx.",
        &[0xff; 1000],
    ] {
        bytes.extend(framed(payload));
        bytes.extend(frame("good", 20, "between"));
    }
    send(server.address(), &bytes);
    let ended = server.terminate();
    assert_eq!(store.records(&["--name", "good"]).len(), 6);
    assert!(
        ended.stderr.contains("6 stored, 0 dropped; 6 frames"),
        "{}",
        ended.stderr
    );
    // A report at most once a second for each address, but each is counted.
    let reports = ended.stderr.matches(" from 127.0.0.1:").count();
    assert!((1..6).contains(&reports), "{}", ended.stderr);
}

#[test]
fn a_frame_beyond_the_limit_is_passed_over_with_the_limit_and_the_flag() {
    let store = Store::new();
    let server = Server::start_with(&store.db, &["--frame-limit", "1KiB"]);
    // The records behind it come over the same connection.
    let bytes = [
        frame("long", 20, &"x".repeat(100_000)),
        frame("short", 20, "x"),
        frame("short", 20, "y"),
    ];
    send(server.address(), &bytes.concat());
    server.wait_until_said("bytes is over the limit of 1024; raise --frame-limit");
    server.terminate();
    assert_eq!(store.query(&["--format", "%(name)s"]), "short\nshort\n");
}

#[test]
fn a_pickle_that_runs_a_command_runs_nothing() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let marker = store.file("marker");
    let protocols: usize = server
        .python("hostile.py", &[marker.to_str().unwrap()])
        .trim()
        .parse()
        .unwrap();
    let ended = server.terminate();
    assert!(!marker.exists());
    // The bare object is no record. The others are, with a description of what was to be run.
    let hostile = store.records(&["--name", "hostile"]);
    assert_eq!(hostile.len(), 2 * protocols + 1, "{}", ended.stderr);
    let described = hostile
        .iter()
        .filter(|record| record["extra"]["evil"].to_string().contains("system"))
        .count();
    assert_eq!(described, protocols);
    assert!(ended.stderr.contains(&format!("; {protocols} frames")));
    assert_eq!(store.records(&["harmless"]).len(), 1);
}

#[test]
fn many_idle_connections_hold_nobody_up() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let idle: Vec<_> = (0..200)
        .map(|_| TcpStream::connect(server.address()).unwrap())
        .collect();
    send(server.address(), &frame("busy", 20, "among the idle"));
    wait_until("the record", || store.count() == 1);
    let ended = server.terminate();
    assert!(
        ended
            .stderr
            .contains("1 record received over 201 connections")
    );
    drop(idle);
}

#[test]
fn incomplete_frames_of_all_connections_are_bounded_together() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let almost = vec![0; (16 << 20) - 100];
    // Eighteen times sixteen mebibytes; a connection that goes too far is cut, so that its writes may fail.
    let held: Vec<TcpStream> = (0..18)
        .map(|_| {
            let mut client = TcpStream::connect(server.address()).unwrap();
            let _ = client.write_all(&(16_u32 << 20).to_be_bytes());
            let _ = client.write_all(&almost);
            client
        })
        .collect();
    server.wait_until_said("incomplete frames of all connections are over 134217728 bytes");
    let resident = server.resident_bytes();
    assert!(resident < 192 << 20, "{resident}");
    send(server.address(), &frame("good", 20, "still served"));
    wait_until("the record", || store.count() == 1);
    drop(held);
    server.terminate();
}
