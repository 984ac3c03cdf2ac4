//! Requests of clients that are elsewhere, as no test can be: over a line within the process.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::Arc;

use flate2::read::GzDecoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};
use tokio::task::LocalSet;

use super::*;
use crate::handler::SQLiteQueueHandler;
use crate::level::Level;
use crate::net::access::Access;
use crate::net::counters::ReceiverCounters;
use crate::net::shared::Rules;
use crate::record::{LogRecord, Site};
use crate::store::RoomSettings;

/// What a client at this address is answered, its head in lower case.
fn asked(peer: &str, target: &str) -> (HashMap<String, String>, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let handler = SQLiteQueueHandler::open(&path).unwrap();
    for number in 0..1000 {
        let record = LogRecord::new(Site::new("app", Level::INFO), format!("no {number}"));
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
    let reporter: crate::report::Reporter = Arc::new(|_| {});
    let shared = Rc::new(Shared::new(
        Arc::new(handler),
        None,
        counters,
        &reporter,
        rules,
    ));
    let request =
        format!("GET {target} HTTP/1.0\r\nHost: 192.0.2.1\r\nAccept-Encoding: gzip\r\n\r\n");
    let (ours, mut theirs) = duplex(1 << 10);
    let (_stop, stopped) = watch::channel(false);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let tasks = LocalSet::new();
    let answer = tasks.block_on(&runtime, async {
        let peer = peer.parse().unwrap();
        let serving = serve(&shared, ours, peer, Channel::Plain, stopped);
        let listening = async {
            theirs.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            theirs.read_to_end(&mut answer).await.unwrap();
            answer
        };
        tokio::join!(serving, listening).1
    });
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let (head, body) = answer.split_at(end.unwrap() + 4);
    let head = String::from_utf8(head.to_ascii_lowercase()).unwrap();
    assert!(head.starts_with("http/1.0 200"), "{head}");
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let headers = lines.map(|(name, value)| (name.to_owned(), value.to_owned()));
    (headers.collect(), body.to_vec())
}

#[test]
fn whole_answers_are_packed_for_clients_elsewhere_and_exports_are_not() {
    let target = "/api/records?limit=1000";
    let (headers, body) = asked("192.0.2.7:4711", target);
    assert_eq!(headers["content-encoding"], "gzip");
    assert_eq!(headers["vary"], "accept-encoding");
    assert_eq!(headers["content-length"], body.len().to_string());
    let mut unpacked = String::new();
    GzDecoder::new(&body[..])
        .read_to_string(&mut unpacked)
        .unwrap();
    let (headers, plain) = asked("127.0.0.1:4711", target);
    assert!(!headers.contains_key("content-encoding"), "{headers:?}");
    assert_eq!(headers["vary"], "accept-encoding");
    assert!(plain.len() > 4 * body.len(), "{}", body.len());
    let messages = |text: &str| text.matches("\"message\":\"no ").count();
    let plain = String::from_utf8(plain).unwrap();
    assert_eq!((messages(&unpacked), messages(&plain)), (1000, 1000));
    let (headers, _) = asked("192.0.2.7:4711", "/api/export");
    assert!(!headers.contains_key("content-encoding"), "{headers:?}");
}
