//! `GET /api/stream`: the live tail, from a real client's `emit` to an event on the line.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::ops::RangeInclusive;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use logstore::{Level, LogRecord, SQLiteQueueHandler, Site};
use serde_json::{Value, json};

use crate::requests::request;
use crate::support::{Server, Store, frame, send, wait_until};

/// How long a listener may hear nothing. Only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came, and when.
#[derive(Debug)]
struct Event {
    came: SystemTime,
    kind: String,
    /// As it came, and the number in it.
    whole_id: String,
    id: Option<i64>,
    data: Value,
}

/// Somebody who listens until the test ends.
pub(crate) struct Listener {
    stream: TcpStream,
    /// Ends with the stream.
    events: Receiver<Event>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Asks for a stream, and reads nothing. HTTP/1.0, so that the answer is not cut into chunks.
fn ask(address: SocketAddr, query: &str, headers: &[&str]) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut head = format!("GET /api/stream{query} HTTP/1.0\r\nHost: {address}\r\n");
    for header in headers {
        head += header;
        head += "\r\n";
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// The events that come, until the stream ends.
fn events(stream: TcpStream) -> impl Iterator<Item = Event> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let status = lines.next().expect("there is an answer");
    assert!(status.contains("200"), "{status}");
    let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    let kind = "content-type: text/event-stream";
    assert!(
        head.iter().any(|line| line.eq_ignore_ascii_case(kind)),
        "{head:?}"
    );
    let mut fields = BTreeMap::new();
    std::iter::from_fn(move || {
        loop {
            let line = lines.next()?;
            if let Some((name, value)) = line.split_once(": ") {
                fields.insert(name.to_owned(), value.to_owned());
            } else if line.is_empty()
                && let Some(data) = fields.remove("data")
            {
                let whole_id = fields.remove("id").unwrap_or_default();
                return Some(Event {
                    came: SystemTime::now(),
                    kind: fields.remove("event").unwrap_or_default(),
                    id: whole_id.split('@').next().and_then(|id| id.parse().ok()),
                    whole_id,
                    data: serde_json::from_str(&data).unwrap(),
                });
            }
        }
    })
}

impl Listener {
    /// Begins to listen, and waits until it does.
    pub(crate) fn start(server: &Server, query: &str, headers: &[&str]) -> Self {
        let stream = ask(server.address(), query, headers);
        let (sender, receiver) = channel();
        let read = stream.try_clone().unwrap();
        std::thread::spawn(move || {
            for event in events(read) {
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        let listener = Listener {
            stream,
            events: receiver,
        };
        let open = listener.next();
        assert_eq!(open.kind, "open", "{open:?}");
        assert!(
            open.id.is_some() && open.data["last_id"].is_i64(),
            "{open:?}"
        );
        listener
    }

    fn next(&self) -> Event {
        self.events.recv_timeout(PATIENCE).expect("an event comes")
    }

    /// The ids of the next records, so many.
    pub(crate) fn ids(&self, count: usize) -> Vec<i64> {
        let records = std::iter::repeat_with(|| self.next()).take(count);
        records
            .map(|event| {
                assert_eq!(
                    (event.kind.as_str(), event.data["id"].as_i64()),
                    ("", event.id)
                );
                event.id.unwrap()
            })
            .collect()
    }

    /// The messages of the next records, so many.
    fn messages(&self, count: usize) -> Vec<String> {
        let records = std::iter::repeat_with(|| self.next()).take(count);
        let message = |event: Event| event.data["message"].as_str().unwrap().to_owned();
        records.map(message).collect()
    }

    /// Whether nothing more comes, and the stream has ended.
    fn has_ended(&self) -> bool {
        self.events.recv_timeout(PATIENCE).is_err()
    }
}

fn all(ids: RangeInclusive<i64>) -> Vec<i64> {
    ids.collect()
}

#[test]
fn a_record_is_heard_within_300_ms_of_its_emit() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let every = Listener::start(&server, "", &[]);
    let few = Listener::start(&server, "?q=name:steady%201*&level=info", &[]);
    server.python("steady.py", &["10", "2"]);
    let mut delays: Vec<Duration> = (0..20)
        .map(|number| {
            let Event { came, data, .. } = every.next();
            assert_eq!(data["message"], number.to_string());
            assert!(
                data["cursor"].is_string() && data["hostname"].is_string(),
                "{data}"
            );
            let created = Duration::from_nanos(data["created_ns"].as_u64().unwrap());
            came.duration_since(UNIX_EPOCH + created).unwrap()
        })
        .collect();
    delays.sort_unstable();
    assert!(delays[10] < Duration::from_millis(300), "{delays:?}");
    let expected = [
        "1", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19",
    ];
    assert_eq!(few.messages(11), expected);
    server.terminate();
    assert!(every.has_ended() && few.has_ended());
}

/// Whoever writes to the file, and whatever the times of the records: what has an id is heard once.
#[test]
fn a_stream_is_resumed_without_a_gap_also_at_another_server() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    let mut logged = 0;
    let mut log = |server: &Server| {
        let other = std::thread::scope(|scope| {
            let sender = scope.spawn(|| server.python("plain.py", &["50"]));
            for number in 0..50_i64 {
                let mut record = LogRecord::new(Site::new("own", Level::INFO), "x");
                record.created_ns -= number * 1_000_000_000;
                handler.emit(&record).unwrap();
                handler.flush().unwrap();
            }
            sender.join().is_ok()
        });
        assert!(other);
        logged += 100;
        wait_until("all records", || store.count() == logged);
    };
    let first = Listener::start(&server, "", &[]);
    log(&server);
    assert_eq!(first.ids(100), all(1..=100));
    drop(first);
    log(&server);
    // Where a browser was cut off, and as anybody may ask.
    let second = Listener::start(&server, "?after-id=7", &["Last-Event-ID: 90"]);
    let third = Listener::start(&server, "?after-id=90", &[]);
    for listener in [&second, &third] {
        assert_eq!(listener.ids(110), all(91..=200));
    }
    log(&server);
    assert_eq!(second.ids(60), all(201..=260));
    server.terminate();
    let server = Server::start(&store.db);
    let again = Listener::start(&server, "?host=*", &["Last-Event-ID: 260"]);
    log(&server);
    assert_eq!(again.ids(140), all(261..=400));
    // An id that there has not been is of another file.
    let other = Listener::start(&server, "?name=own", &["Last-Event-ID: 4000"]);
    assert_eq!(other.ids(200).len(), 200);
    handler.close().unwrap();
    server.terminate();
}

#[test]
fn what_is_left_out_is_not_heard() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let questions = ["?q=-odd+-level:error", "?q=-name:noisy+-/^odd/"];
    let listeners = questions.map(|q| Listener::start(&server, q, &[]));
    let mut frames = Vec::new();
    for number in 0..200 {
        let word = if number % 2 == 1 { "odd" } else { "even" };
        let (name, level) = if number % 3 == 0 {
            ("noisy.db", 40)
        } else {
            ("plain", 20)
        };
        frames.extend(frame(name, level, &format!("{word} {number}")));
    }
    send(server.address(), &frames);
    let wanted = (0..200).filter(|number| number % 2 == 0 && number % 3 != 0);
    let wanted: Vec<String> = wanted.map(|number| format!("even {number}")).collect();
    for listener in listeners {
        assert_eq!(listener.messages(wanted.len()), wanted);
    }
    server.terminate();
}

/// The file is moved away while records come: what has gone into the old one is heard before the first of the new one.
#[test]
fn nothing_is_missed_when_the_file_is_moved() {
    const ROUNDS: usize = 5;
    const RECORDS: usize = 600;
    let store = Store::new();
    let server = Server::start(&store.db);
    let questions = ["", "?q=name:a", "?not-name=b", "?q=-name:b+-x"];
    let listeners = questions.map(|q| Listener::start(&server, q, &[]));
    let mut way = TcpStream::connect(server.address()).unwrap();
    let sender = std::thread::spawn(move || {
        for number in 0..ROUNDS * RECORDS {
            let bytes = frame("a", 20, &number.to_string());
            way.write_all(&bytes).unwrap();
            // A pace at which some are stored and not heard yet at any time.
            std::thread::sleep(Duration::from_micros(500));
        }
    });
    for round in 0..ROUNDS {
        let first = round * RECORDS;
        for listener in &listeners {
            let expected = (first..first + RECORDS).map(|number| number.to_string());
            assert!(expected.eq(listener.messages(RECORDS)), "{round}");
        }
        std::fs::rename(&store.db, store.file(&format!("old{round}.sqlite"))).unwrap();
    }
    sender.join().unwrap();
    server.terminate();
}

/// The next file has as many ids as the last one had: an id of that is not taken for one of this.
#[test]
fn a_stream_of_a_file_that_was_moved_is_resumed_with_the_first_record_of_the_next() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let log = |count: usize| {
        let frames: Vec<u8> = (0..count).flat_map(|_| frame("a", 20, "x")).collect();
        send(server.address(), &frames);
        wait_until("all records", || {
            let meta = request(server.address(), "GET /api/meta", &[], b"");
            meta.status == 200 && meta.json()["last_id"] == count
        });
    };
    let hear = |count: usize, last_id: &str| {
        let header = format!("Last-Event-ID: {last_id}");
        let listener = Listener::start(&server, "?after-id=0", &[&header]);
        let heard = std::iter::repeat_with(|| listener.next()).take(count);
        let heard: Vec<Event> = heard.collect();
        let last = heard.last().unwrap();
        (
            heard[0].id.unwrap()..=last.id.unwrap(),
            last.whole_id.clone(),
        )
    };
    log(30);
    let (ids, last_of_old) = hear(30, "0");
    assert_eq!(ids, 1..=30);
    std::fs::rename(&store.db, store.file("old.sqlite")).unwrap();
    log(40);
    let (ids, last_of_new) = hear(40, &last_of_old);
    assert_eq!(ids, 1..=40);
    assert_ne!(
        last_of_new.split_once('@').unwrap().1,
        last_of_old.split_once('@').unwrap().1
    );
    let in_the_midst = last_of_new.replace("40@", "30@");
    for same in ["30", &in_the_midst] {
        assert_eq!(hear(10, same).0, 31..=40, "{same}");
    }
    server.terminate();
}

/// One of three takes nothing: the others hear everything at once, and it is told where to go on.
#[test]
fn who_does_not_keep_up_is_told_and_others_go_on() {
    const RECORDS: i64 = 4000;
    let store = Store::new();
    let server = Server::start(&store.db);
    let others = [0, 1].map(|_| Listener::start(&server, "", &[]));
    let stalled = ask(server.address(), "", &[]);
    // It listens once there is an answer.
    let mut one = [0];
    stalled.peek(&mut one).unwrap();
    wait_until("the stream is open", || {
        stalled.peek(&mut [0; 256]).unwrap() > 100
    });
    let padding = "x".repeat(10_000);
    let frames: Vec<u8> = (0..RECORDS)
        .flat_map(|number| frame("a", 20, &format!("{number} {padding}")))
        .collect();
    send(server.address(), &frames);
    let count = usize::try_from(RECORDS).unwrap();
    for other in &others {
        assert_eq!(other.ids(count), all(1..=RECORDS));
    }
    let mut heard: Vec<Event> = events(stalled).skip(1).collect();
    let behind = heard.pop().unwrap();
    assert_eq!(behind.kind, "behind", "{behind:?}");
    let last = heard.last().and_then(|event| event.id).unwrap();
    assert_eq!(heard.len(), usize::try_from(last).unwrap());
    assert_eq!(behind.whole_id, heard.last().unwrap().whole_id);
    assert_eq!(behind.data["resume_after"], last);
    assert_eq!(behind.data["missed_from"], last + 1);
    let resumed = Listener::start(
        &server,
        "",
        &[&format!("Last-Event-ID: {}", behind.whole_id)],
    );
    assert_eq!(resumed.ids(count - heard.len()), all(last + 1..=RECORDS));
    server.terminate();
}

#[test]
fn a_thousand_listeners_hear_everything() {
    const LISTENERS: usize = 1000;
    let store = Store::new();
    let server = Server::start(&store.db);
    let listeners: Vec<TcpStream> = (0..LISTENERS)
        .map(|number| {
            // Most want the same, some have a filter of their own.
            let query = match number % 10 {
                0 => format!("?name=plain&not-name=a{number}"),
                _ => String::new(),
            };
            ask(server.address(), &query, &[])
        })
        .collect();
    let mut listeners: Vec<_> = listeners.into_iter().map(events).collect();
    for listener in &mut listeners {
        assert_eq!(listener.next().unwrap().kind, "open");
    }
    server.python("plain.py", &["20"]);
    for listener in &mut listeners {
        let ids: Vec<i64> = listener.take(20).filter_map(|event| event.id).collect();
        assert_eq!(ids, all(1..=20));
    }
    let ended = server.terminate();
    assert!(ended.took < Duration::from_secs(10), "{:?}", ended.took);
}

#[test]
fn what_cannot_be_streamed_is_refused() {
    let store = Store::new();
    let server = Server::start(&store.db);
    for (line, headers, parameter) in [
        ("GET /api/stream?nam=a", &[][..], json!("nam")),
        ("GET /api/stream?level=loud", &[], json!("level")),
        ("GET /api/stream?limit=3", &[], json!("limit")),
        (
            "GET /api/stream",
            &["Last-Event-ID: x"],
            json!("Last-Event-ID"),
        ),
        (
            "GET /api/stream",
            &["Last-Event-ID: -1"],
            json!("Last-Event-ID"),
        ),
    ] {
        let answer = request(server.address(), line, headers, b"");
        assert_eq!(
            (answer.status, &answer.json()["parameter"]),
            (400, &parameter),
            "{answer:?}"
        );
    }
    let answer = request(server.address(), "POST /api/stream", &[], b"");
    assert_eq!(answer.status, 405, "{answer:?}");
    let answer = request(server.address(), "HEAD /api/stream", &[], b"");
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, ""),
        "{answer:?}"
    );
    // One who ends the connection is forgotten.
    let mut stream = ask(server.address(), "", &[]);
    stream.shutdown(Shutdown::Write).unwrap();
    let mut heard = String::new();
    let _ = stream.read_to_string(&mut heard);
    assert!(heard.contains("event: open"), "{heard}");
    server.terminate();
}
