//! Every protocol byte by byte on the one port, good and bad.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpStream, UdpSocket};
use std::time::Duration;

use crate::requests::{exchange, messages};
use crate::support::{Server, Store, frame, send, wait_until};

#[test]
fn the_first_byte_tells_the_protocol() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let to = server.address();
    send(to, &frame("py", 20, "a frame"));
    send(
        to,
        b"{\"msg\":\"a line\",\"level\":\"warn\"}\r\n\n{\"msg\":\"without an end\"}",
    );
    send(
        to,
        b"{\"version\":\"1.1\",\"host\":\"h\",\"short_message\":\"gelf\",\"level\":3}\0",
    );
    send(
        to,
        b"<11>1 2026-11-22T10:00:00Z h app 7 - - five\n<14>Nov 22 10:00:00 h app[7]: three\n",
    );
    send(
        to,
        b"42 <11>1 2026-11-22T10:00:00Z h app 7 - - one30 <14>Nov 22 10:00:00 h app: two",
    );
    send(to, "\u{feff}<14>marked\n".as_bytes());
    send(to, "\u{feff}{\"msg\":\"marked, too\"}\n".as_bytes());
    wait_until("all are there", || store.count() == 10);
    assert_eq!(
        messages(&store),
        [
            "a frame",
            "a line",
            "five",
            "gelf",
            "marked",
            "marked, too",
            "one",
            "three",
            "two",
            "without an end"
        ]
    );
    let ended = server.terminate();
    assert!(
        ended.stderr.contains(
            "10 records received over 7 connections (python 1, json 4, syslog 5), 10 stored"
        ),
        "{}",
        ended.stderr
    );
}

#[test]
fn bad_lines_leave_the_good_ones_around_them() {
    let store = Store::new();
    let server = Server::start_with(&store.db, &["--frame-limit", "1000"]);
    let long = "x".repeat(5000);
    let lines = format!(
        "{{\"msg\":\"first\"}}\nnot json\n{{\"msg\":\"{long}\"}}\n{{\"msg\":\"caf\u{e9}\"}}\n{{\"msg\":\n{{\"msg\":\"last\"}}\n"
    );
    send(server.address(), lines.as_bytes());
    send(server.address(), b"{\"msg\":\"caf\xe9 in Latin-1\"}\n");
    wait_until("all good ones are there", || store.count() == 4);
    assert_eq!(
        messages(&store),
        ["caf\\xe9 in Latin-1", "caf\u{e9}", "first", "last"]
    );
    // A wrong count: what follows cannot be told apart any more.
    send(server.address(), b"12x <14>hello\n");
    let ended = server.terminate();
    assert!(
        ended.stderr.contains("4 frames could not be decoded"),
        "{}",
        ended.stderr
    );
}

#[test]
fn who_waits_for_the_end_is_told_what_was_not_taken() {
    let store = Store::new();
    let server = Server::start(&store.db);
    assert_eq!(exchange(server.address(), b"{\"msg\":\"a\"}\n"), "");
    assert_eq!(store.count(), 1);
    let told = exchange(server.address(), b"{\"msg\":\"b\"}\nnonsense\n{}\n");
    assert!(
        told.starts_with("logstore: 2 messages were not taken, the last one: not JSON"),
        "{told}"
    );
    assert_eq!(store.count(), 2);
    // Where nobody knows what follows, there is no end in good order.
    let mut lost = TcpStream::connect(server.address()).unwrap();
    lost.write_all(b"12a <13>x\n<13>y\n").unwrap();
    let error = lost.read_to_end(&mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    server.terminate();
}

#[test]
fn a_byte_order_mark_may_come_by_itself() {
    let store = Store::new();
    let server = Server::start(&store.db);
    for (first, rest) in [
        (&b"\xEF\xBB\xBF"[..], &b"{\"msg\":\"a\"}"[..]),
        (b"\xEF", b"\xBB\xBF<14>b"),
    ] {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.write_all(first).unwrap();
        // Nothing shows that the server has read it.
        std::thread::sleep(Duration::from_millis(50));
        stream.write_all(rest).unwrap();
    }
    wait_until("both are there", || store.count() == 2);
    assert_eq!(messages(&store), ["a", "b"]);
    server.terminate();
}

#[test]
fn what_no_protocol_begins_with_is_told_and_closed() {
    for (bytes, found) in [
        (&b"\x16\x03\x01\x02\x00\x01\x00\x01"[..], "a TLS handshake"),
        (b"hello", "text"),
        (b"\xff\xfe\xfd\xfc", "something else"),
    ] {
        // One server says no more than one of these a second.
        let store = Store::new();
        let server = Server::start(&store.db);
        assert_eq!(exchange(server.address(), bytes), "");
        server.wait_until_said(found);
        server.terminate();
    }
}

#[test]
fn a_protocol_that_is_named_is_not_guessed() {
    let store = Store::new();
    let server = Server::start_with(&store.db, &["--protocol", "syslog"]);
    send(server.address(), b"{\"msg\":\"text to syslog\"}\n");
    wait_until("it is there", || store.count() == 1);
    assert_eq!(messages(&store), ["{\"msg\":\"text to syslog\"}"]);
    server.terminate();
}

#[test]
fn a_protocol_that_is_named_is_that_of_datagrams_too() {
    let chunk = b"\x1e\x0f12345678\x00\x01{\"short_message\":\"from a chunk\"}";
    for (protocol, expected) in [("json", "from a chunk"), ("syslog", "from a chunk\"}")] {
        let store = Store::new();
        let server = Server::start_with(&store.db, &["--udp", "--protocol", protocol]);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.send_to(chunk, server.address()).unwrap();
        wait_until("it is there", || store.count() == 1);
        let [message] = messages(&store).try_into().unwrap();
        assert!(message.ends_with(expected), "{message}");
        server.terminate();
    }
}
