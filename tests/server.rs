//! `ServerContext` inside a program: connections, limits, and an end that neither loses nor hangs.

#![cfg(feature = "net")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use logstore::{
    Error, Query, QueueError, Reader, Report, SQLiteQueueHandler, ServerContext, WireError,
};

/// A frame whose record has this message.
fn frame(message: &str) -> Vec<u8> {
    let mut pickle = b"}(".to_vec();
    for text in ["name", "myapp", "msg", message] {
        pickle.push(b'X');
        pickle.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
        pickle.extend(text.as_bytes());
    }
    pickle.extend(b"u.");
    [
        &u32::try_from(pickle.len()).unwrap().to_be_bytes()[..],
        &pickle,
    ]
    .concat()
}

fn messages(path: &std::path::Path) -> Vec<String> {
    let reader = Reader::open(path).unwrap();
    reader
        .query(&Query::default())
        .unwrap()
        .map(|stored| stored.unwrap().record.message)
        .collect()
}

fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::yield_now();
    }
}

#[test]
fn what_was_sent_before_the_close_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let mut server = ServerContext::builder().port(0).start(&path).unwrap();
    let mut clients = Vec::new();
    for client in 0..20 {
        // Some stay connected, some are gone, some may still wait to be accepted.
        let mut stream = TcpStream::connect(server.local_addr()).unwrap();
        for i in 0..100 {
            stream.write_all(&frame(&format!("{client}:{i}"))).unwrap();
        }
        if client % 2 == 0 {
            clients.push(stream);
        }
    }
    let summary = server.close().unwrap();
    assert_eq!(
        (
            summary.records.stored,
            summary.connections,
            summary.bad_frames
        ),
        (2000, 20, 0)
    );
    assert_eq!(messages(&path).len(), 2000);
    assert!(!server.is_running());
}

#[test]
fn frames_that_cannot_be_read_are_told_and_the_others_stored() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&heard);
    let mut server = ServerContext::builder()
        .port(0)
        .frame_limit(1000)
        .on_report(move |report| listener.lock().unwrap().push(report.clone()))
        .start(&path)
        .unwrap();

    let mut stream = TcpStream::connect(server.local_addr()).unwrap();
    let garbage = [&[0, 0, 0, 3][..], b"abc"].concat();
    stream
        .write_all(&[frame("one"), garbage, frame("two"), vec![0xff; 4]].concat())
        .unwrap();
    // The framing is lost: the server ends the connection.
    assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0);
    let mut stream = TcpStream::connect(server.local_addr()).unwrap();
    stream.write_all(&frame("three")).unwrap();
    stream.write_all(&frame("half")[..9]).unwrap();
    drop(stream);
    wait_until("all three are told", || server.summary().bad_frames == 3);
    server.close().unwrap();
    assert_eq!(messages(&path), ["one", "two", "three"]);

    let heard = heard.lock().unwrap();
    let told: u64 = heard
        .iter()
        .map(|report| match report {
            Report::BadFrames { count, .. } => *count,
            _ => 0,
        })
        .sum();
    assert_eq!(told, 3, "{heard:?}");
    assert!(matches!(
        heard.last(),
        Some(Report::BadFrames {
            error: WireError::PartialFrame { got: 9, .. },
            ..
        })
    ));
}

#[test]
fn a_full_queue_holds_the_client_back_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let handler = SQLiteQueueHandler::builder().queue_capacity(10);
    let mut server = ServerContext::builder()
        .port(0)
        .handler(handler)
        .start(&path)
        .unwrap();
    let lock = rusqlite::Connection::open(&path).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    // More than all socket buffers on the way hold.
    let message = "x".repeat(10_000);
    let address = server.local_addr();
    let sent = 3000;
    let client = std::thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        for _ in 0..sent {
            stream.write_all(&frame(&message)).unwrap();
        }
    });
    wait_until("the queue is full", || {
        server.summary().records.queued >= 10
    });
    // A read is queued as a whole, so that what waits may be one read more than the bound.
    assert!(server.summary().records.queued < 100);
    assert!(!client.is_finished());
    lock.execute_batch("ROLLBACK").unwrap();
    client.join().unwrap();
    server.close().unwrap();
    assert_eq!(messages(&path).len(), sent);
}

#[test]
fn a_store_that_stays_locked_does_not_hold_up_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let handler = SQLiteQueueHandler::builder()
        .queue_capacity(10)
        .close_timeout(Duration::from_millis(100));
    let mut server = ServerContext::builder()
        .port(0)
        .handler(handler)
        .start(&path)
        .unwrap();
    let lock = rusqlite::Connection::open(&path).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut stream = TcpStream::connect(server.local_addr()).unwrap();
    for i in 0..1000 {
        stream.write_all(&frame(&i.to_string())).unwrap();
    }
    wait_until("the queue is full", || {
        server.summary().records.queued >= 10
    });
    let begin = Instant::now();
    let error = server.close().unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(10));
    let counters = server.summary().records;
    assert!(
        matches!(error, Error::Queue(QueueError::Lost { failed, .. }) if failed == counters.failed)
    );
    assert_eq!((counters.accepted, counters.stored), (counters.failed, 0));
}

#[test]
fn records_without_a_host_get_this_machines_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let mut server = ServerContext::builder().port(0).start(&path).unwrap();
    let mut stream = TcpStream::connect(server.local_addr()).unwrap();
    stream.write_all(&frame("hello")).unwrap();
    drop(stream);
    server.close().unwrap();
    let stored = Reader::open(&path)
        .unwrap()
        .query(&Query::default())
        .unwrap()
        .next()
        .unwrap();
    assert_eq!(
        stored.unwrap().record.origin.hostname,
        logstore::machine_name()
    );
}

#[test]
fn a_message_that_drips_is_given_up_and_one_that_comes_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let mut server = ServerContext::builder()
        .port(0)
        .message_timeout(Duration::from_millis(400))
        .start(&path)
        .unwrap();
    let mut dripping = TcpStream::connect(server.local_addr()).unwrap();
    let mut slow = TcpStream::connect(server.local_addr()).unwrap();
    let drops = frame(&"x".repeat(2000));
    let given_up = drops.chunks(1).any(|byte| {
        // Each of its messages has its own time, and between them it has all of it.
        slow.write_all(&frame("slow")).unwrap();
        std::thread::sleep(Duration::from_millis(10));
        dripping.write_all(byte).is_err()
    });
    assert!(given_up);
    let summary = server.summary();
    assert_eq!(summary.bad_frames, 1, "{summary:?}");
    slow.write_all(&frame("slow")).unwrap();
    let sent = summary.records.accepted;
    wait_until("one more", || server.summary().records.accepted > sent);
    server.close().unwrap();
    assert!(messages(&path).iter().all(|message| message == "slow"));
}

#[test]
fn a_thread_that_hangs_is_told_from_one_that_tries_in_vain() {
    let patience = Duration::from_secs(2);
    let bad_frame = [0, 0, 0, 1, b'x'];
    for (sent, is_locked) in [(frame("a"), true), (bad_frame.to_vec(), false)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs.sqlite");
        let gate = Arc::new(Mutex::new(()));
        let (shut, waits) = (gate.lock().unwrap(), Arc::clone(&gate));
        let server = ServerContext::builder()
            .port(0)
            .on_report(move |_| drop(waits.lock()))
            .start(&path)
            .unwrap();
        let lock = rusqlite::Connection::open(&path).unwrap();
        if is_locked {
            lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        }
        assert!(server.has_moved_within(patience));
        let mut client = TcpStream::connect(server.local_addr()).unwrap();
        client.write_all(&sent).unwrap();
        // What is said of the fault is waited for: the writer of the first, the receiver of the second.
        wait_until("it hangs", || !server.has_moved_within(patience));
        drop(shut);
        wait_until("it moves", || server.has_moved_within(patience));
        if is_locked {
            std::thread::sleep(patience + Duration::from_millis(500));
            assert!(server.has_moved_within(patience));
            lock.execute_batch("ROLLBACK").unwrap();
        }
    }
}
