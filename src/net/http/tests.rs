//! Requests of clients that are elsewhere, or slow, as no test can be: over a line within the process.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::Read as _;
use std::sync::Arc;

use flate2::read::GzDecoder;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::task::LocalSet;
use tokio::time::sleep;

use super::*;
use crate::handler::SQLiteQueueHandler;
use crate::level::Level;
use crate::net::access::Access;
use crate::net::counters::ReceiverCounters;
use crate::net::shared::Rules;
use crate::record::{LogRecord, Site};
use crate::report::Reporter;
use crate::store::RoomSettings;

/// A receiver of a store with a thousand records, with its directory.
fn receiver() -> (TempDir, Rc<Shared>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let handler = SQLiteQueueHandler::open(&path).unwrap();
    let padding = "x".repeat(100);
    for number in 0..1000 {
        let message = format!("no {number} {padding}");
        let record = LogRecord::new(Site::new("app", Level::INFO), message);
        handler.emit(&record).unwrap();
    }
    handler.flush().unwrap();
    let room = RoomSettings::default();
    let rules = Rules {
        frame_limit: 1 << 20,
        protocol: None,
        tls: None,
        access: Access::new(None, ([192, 0, 2, 1], 80).into()),
        proof_demanded: false,
        max_connections: 1,
        idle_timeout: None,
        message_timeout: Duration::from_mins(1),
        metrics: None,
        questions: Some(Questions::new(path.clone(), room, DEFAULT_QUERY_TIMEOUT)),
        live: Some(Hub::new(path)),
    };
    let counters = Arc::new(ReceiverCounters::default());
    let reporter: Reporter = Arc::new(|_| {});
    let shared = Shared::new(Arc::new(handler), None, counters, &reporter, rules);
    (dir, Rc::new(shared))
}

/// Runs what needs the receiver's thread.
fn run<T>(act: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, act)
}

/// What a client at this address is answered, head and body, if it takes so many bytes at a time and rests for a moment between.
async fn asked(shared: &Rc<Shared>, peer: &str, target: &str, bytes: usize) -> (String, Vec<u8>) {
    let request =
        format!("GET {target} HTTP/1.0\r\nHost: 192.0.2.1\r\nAccept-Encoding: gzip\r\n\r\n");
    let haste = Haste {
        silence: Duration::from_mins(1),
        // So few that a machine with other work is no slow client.
        bytes_per_second: 500,
        over: Duration::from_millis(100),
    };
    let (ours, mut theirs) = duplex(1 << 10);
    let (_stop, stopped) = watch::channel(false);
    let peer = peer.parse().unwrap();
    let is_over = Cell::new(false);
    let serving = async {
        serve_in_haste(shared, ours, peer, Channel::Plain, stopped, haste).await;
        is_over.set(true);
    };
    let listening = async {
        theirs.write_all(request.as_bytes()).await.unwrap();
        let (mut answer, mut buffer) = (Vec::new(), vec![0; bytes]);
        while let read @ 1.. = theirs.read(&mut buffer).await.unwrap() {
            answer.extend_from_slice(&buffer[..read]);
            if bytes < ALL && !is_over.get() {
                sleep(Duration::from_millis(100)).await;
            }
        }
        answer
    };
    let answer = tokio::join!(serving, listening).1;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let (head, body) = answer.split_at(end.unwrap() + 4);
    let head = String::from_utf8(head.to_ascii_lowercase()).unwrap();
    assert!(head.starts_with("http/1.0 200"), "{head}");
    (head, body.to_vec())
}

fn headers(head: &str) -> HashMap<&str, &str> {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.collect()
}

/// How much is taken at a time of who takes all.
const ALL: usize = 64 << 10;

const ELSEWHERE: &str = "192.0.2.7:4711";

#[test]
fn whole_answers_are_packed_for_clients_elsewhere_and_exports_are_not() {
    let (_dir, shared) = receiver();
    let target = "/api/records?limit=1000";
    let (head, body) = run(asked(&shared, ELSEWHERE, target, ALL));
    let packed = headers(&head);
    assert_eq!(packed["content-encoding"], "gzip");
    assert_eq!(packed["vary"], "accept-encoding");
    assert_eq!(packed["content-length"], body.len().to_string());
    let mut unpacked = String::new();
    GzDecoder::new(&body[..])
        .read_to_string(&mut unpacked)
        .unwrap();
    let (head, plain) = run(asked(&shared, "127.0.0.1:4711", target, ALL));
    assert!(!head.contains("content-encoding"), "{head}");
    assert_eq!(headers(&head)["vary"], "accept-encoding");
    assert!(plain.len() > 4 * body.len(), "{}", body.len());
    let messages = |text: &str| text.matches("\"message\":\"no ").count();
    let plain = String::from_utf8(plain).unwrap();
    assert_eq!((messages(&unpacked), messages(&plain)), (1000, 1000));
    let (head, _) = run(asked(&shared, ELSEWHERE, "/api/export", ALL));
    assert!(!head.contains("content-encoding"), "{head}");
}

#[test]
fn an_export_that_is_hardly_taken_is_broken_off_and_leaves_its_place() {
    let (_dir, shared) = receiver();
    let whole = run(asked(&shared, ELSEWHERE, "/api/export", ALL)).1;
    assert_eq!(whole.split_inclusive(|byte| *byte == b'\n').count(), 1000);
    for format in ["jsonl", "csv", "sqlite"] {
        let target = format!("/api/export?format={format}");
        // There are two places.
        let (_, part) = run(asked(&shared, ELSEWHERE, &target, 10));
        assert!(part.len() < whole.len() / 2, "{format}: {}", part.len());
    }
    let again = run(asked(&shared, ELSEWHERE, "/api/export", ALL)).1;
    assert!(again == whole);
}
