//! `GET /api/export`: the whole answer as a file, equal to what the command line gives.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::requests::request;
use crate::support::{Server, Store, frame, query, send, wait_until};

/// Head and body of an answer, of a client that listens to its end.
pub(crate) fn get(server: &Server, path: &str) -> (String, Vec<u8>) {
    let mut stream = ask(server, path);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let end = end.expect("a head has an end");
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    (head.to_ascii_lowercase(), answer.split_off(end + 4))
}

/// HTTP/1.0, so that the answer is not cut into chunks.
pub(crate) fn ask(server: &Server, path: &str) -> TcpStream {
    let address = server.address();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    stream
}

/// How many [`fill`] sends.
const RECORDS: usize = 6 + 200 + 3000;

/// Several pieces, with everything that a record can have.
fn fill(store: &Store, server: &Server) {
    server.python("extras.py", &[]);
    server.python("plain.py", &["200"]);
    let padding = "é\n".repeat(150);
    let frames: Vec<u8> = (0..3000)
        .flat_map(|number| frame("many", 30, &format!("{number} {padding}")))
        .collect();
    send(server.address(), &frames);
    wait_until("all records", || store.count() == RECORDS);
}

/// Without its id.
fn without_id(mut record: Value) -> Value {
    record.as_object_mut().unwrap().remove("id");
    record
}

#[test]
fn an_export_is_what_the_command_line_gives() {
    let store = Store::new();
    let server = Server::start(&store.db);
    fill(&store, &server);
    for (parameters, flags) in [
        ("", &[][..]),
        ("&order=newest", &["--reverse"]),
        (
            "&level=warning&name=many&words=1*",
            &["--level", "warning", "--name", "many", "1*"],
        ),
        ("&name=nobody", &["--name", "nobody"]),
        (
            "&q=-level:error+-1*&not-host=nowhere",
            &["-q", "-1* -level:error"],
        ),
    ] {
        for (format, output, kind) in [
            ("jsonl", "json", "application/x-ndjson"),
            ("csv", "csv", "text/csv"),
        ] {
            let (head, body) = get(&server, &format!("/api/export?format={format}{parameters}"));
            assert!(head.starts_with("http/1.0 200"), "{head}");
            assert!(head.contains(&format!("content-type: {kind}")), "{head}");
            assert!(
                head.contains("content-disposition: attachment; filename=\"logstore-2"),
                "{head}"
            );
            assert!(head.contains(&format!("z.{format}\"")), "{head}");
            let expected = store.query(&[&["-o", output], flags].concat());
            assert!(body == expected.as_bytes(), "{format} {parameters}");
        }
        let (head, body) = get(&server, &format!("/api/export?format=sqlite{parameters}"));
        assert!(
            head.contains(&format!("content-length: {}\r", body.len())),
            "{head}"
        );
        let copy = store.file("copy.sqlite");
        std::fs::write(&copy, &body).unwrap();
        // Its records have numbers of their own.
        let lines = query(&copy, &["-o", "json"]);
        let found = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        let mut expected = store.records(flags);
        if parameters.contains("newest") {
            expected.reverse();
        }
        let found: Vec<Value> = found.map(without_id).collect();
        let expected: Vec<Value> = expected.into_iter().map(without_id).collect();
        assert!(found == expected, "{parameters}");
    }
    let plain = get(&server, "/api/export").1;
    assert_eq!(plain, store.query(&["-o", "json"]).as_bytes());
    server.terminate();
}

#[test]
fn a_client_that_takes_nothing_costs_no_memory_and_one_that_goes_is_forgotten() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let padding = "x".repeat(10_000);
    let frames: Vec<u8> = (0..4000)
        .flat_map(|number| frame("a", 20, &format!("{number} {padding}")))
        .collect();
    send(server.address(), &frames);
    wait_until("all records", || store.count() == 4000);
    // Both that there may be at a time.
    let mut waiting = [
        ask(&server, "/api/export"),
        ask(&server, "/api/export?format=csv"),
    ];
    for stream in &mut waiting {
        stream.read_exact(&mut [0; 1000]).unwrap();
    }
    let path = "/api/export?format=sqlite";
    let answer = request(server.address(), &format!("GET {path}"), &[], b"");
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.head.contains("retry-after: "), "{answer:?}");
    let before = server.resident_bytes();
    // Time in which it would grow.
    std::thread::sleep(Duration::from_millis(500));
    let grown = server.resident_bytes().saturating_sub(before);
    assert!(grown < 20 << 20, "{grown} bytes");
    // Others are answered meanwhile.
    assert_eq!(
        request(server.address(), "GET /api/meta", &[], b"").status,
        200
    );
    drop(waiting);
    wait_until("there is room again", || {
        get(&server, &format!("{path}&words=7"))
            .0
            .starts_with("http/1.0 200")
    });
    server.terminate();
}

#[test]
fn a_connection_goes_on_after_each_export() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let address = server.address();
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    for round in 0..30 {
        for (path, end) in [("export", "0\r\n\r\n"), ("meta", "}")] {
            let head = format!("GET /api/{path} HTTP/1.1\r\nHost: {address}\r\n\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            let mut answer = Vec::new();
            while !answer.ends_with(end.as_bytes()) {
                let mut bytes = [0; 4096];
                let read = stream.read(&mut bytes);
                let read = read.unwrap_or_else(|error| panic!("{path} in round {round}: {error}"));
                assert!(read > 0, "{path} in round {round}: {answer:?}");
                answer.extend_from_slice(&bytes[..read]);
            }
            assert!(answer.starts_with(b"HTTP/1.1 200"), "{path}: {answer:?}");
        }
    }
    server.terminate();
}

#[test]
fn what_cannot_be_exported_is_refused() {
    let store = Store::new();
    let server = Server::start(&store.db);
    for (query, parameter) in [
        ("format=xml", "format"),
        ("order=up", "order"),
        ("limit=3", "limit"),
        ("grep=(", "grep"),
    ] {
        let line = format!("GET /api/export?{query}");
        let answer = request(server.address(), &line, &[], b"");
        assert_eq!(
            (answer.status, &answer.json()["parameter"]),
            (400, &json!(parameter)),
            "{answer:?}"
        );
    }
    let answer = request(server.address(), "HEAD /api/export?format=sqlite", &[], b"");
    assert_eq!(answer.status, 200, "{answer:?}");
    let (_, body) = get(&server, "/api/export?format=sqlite");
    let copy = store.file("copy.sqlite");
    std::fs::write(&copy, body).unwrap();
    assert_eq!(query(&copy, &[]), "");
    server.terminate();
}
