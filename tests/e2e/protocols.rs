//! Every protocol byte by byte on the one port, over HTTP and without, good and bad.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::{Server, Store, frame, logstore, send, wait_until};

/// An answer to a request.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// Sends bytes and reads all that comes back.
fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    // The server may have answered and gone before it has read everything.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// One request on a connection of its own, with these lines in its head.
fn request(address: SocketAddr, line: &str, headers: &[&str], body: &[u8]) -> Answer {
    let mut head = format!(
        "{line} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n",
        body.len()
    );
    if !headers.iter().any(|header| header.starts_with("Host:")) {
        let _ = write!(head, "Host: {address}\r\n");
    }
    for header in headers {
        head += header;
        head += "\r\n";
    }
    let answer = exchange(address, &[head.as_bytes(), b"\r\n", body].concat());
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer: {answer:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head: head.to_ascii_lowercase(),
        body: body.to_owned(),
    }
}

fn post(server: &Server, path: &str, headers: &[&str], body: &[u8]) -> Answer {
    request(server.address(), &format!("POST {path}"), headers, body)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const JSON: &str = "Content-Type: application/json";

fn messages(store: &Store) -> Vec<String> {
    let records = store.records(&[]);
    let mut messages: Vec<String> = records
        .iter()
        .map(|record| record["message"].as_str().unwrap().to_owned())
        .collect();
    messages.sort();
    messages
}

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
    wait_until("all are there", || store.count() == 8);
    assert_eq!(
        messages(&store),
        [
            "a frame",
            "a line",
            "five",
            "gelf",
            "one",
            "three",
            "two",
            "without an end"
        ]
    );
    let ended = server.terminate();
    assert!(
        ended
            .stderr
            .contains("8 records received over 5 connections, 8 stored"),
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
fn json_lines_arrays_and_packed_bodies_are_ingested() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let lines = b"{\"msg\":\"a\",\"level\":\"error\",\"user\":\"ada\"}\n\n{\"msg\":\"b\"}";
    let answer = post(
        &server,
        "/ingest",
        &["Content-Type: application/x-ndjson"],
        lines,
    );
    assert_eq!(
        (answer.status, &answer.json()["accepted"]),
        (200, &json!(2)),
        "{answer:?}"
    );
    // Stored when it is answered.
    assert_eq!(store.count(), 2);
    let answer = post(
        &server,
        "/ingest",
        &[JSON],
        b" [{\"msg\":\"c\"},\n{\"msg\":\"d\"}]",
    );
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = post(
        &server,
        "/ingest",
        &[JSON, "Content-Encoding: gzip"],
        &gzip(b"{\"msg\":\"e\"}"),
    );
    assert_eq!(answer.status, 200, "{answer:?}");
    let zstd = zstd::encode_all(&b"{\"msg\":\"f\"}"[..], 1).unwrap();
    let answer = post(&server, "/ingest", &[JSON, "Content-Encoding: zstd"], &zstd);
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(messages(&store), ["a", "b", "c", "d", "e", "f"]);

    let mixed = b"{\"msg\":\"g\"}\nnonsense\n{\"msg\":\"h\"}\n";
    let answer = post(&server, "/ingest", &[JSON], mixed);
    assert_eq!(answer.status, 200);
    let told = answer.json();
    assert_eq!(
        (&told["accepted"], &told["rejected"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(told["errors"][0]["record"], 2);
    let answer = post(&server, "/ingest", &[JSON], b"{\"msg\":");
    assert_eq!(
        (answer.status, &answer.json()["rejected"]),
        (400, &json!(1)),
        "{answer:?}"
    );
    server.terminate();
}

#[test]
fn bodies_are_bounded_also_unpacked() {
    let store = Store::new();
    let server = Server::start_with(&store.db, &["--frame-limit", "64KiB"]);
    let bomb = gzip(&vec![b' '; 50 << 20]);
    assert!(bomb.len() < 64 << 10);
    let answer = post(&server, "/ingest", &[JSON, "Content-Encoding: gzip"], &bomb);
    assert_eq!(answer.status, 413, "{answer:?}");
    let answer = post(&server, "/ingest", &[JSON], &vec![b' '; 65 << 10]);
    assert_eq!(answer.status, 413);
    for (encoding, status) in [("gzip", 400), ("zstd", 400), ("br", 415)] {
        let encoding = format!("Content-Encoding: {encoding}");
        let answer = post(&server, "/ingest", &[JSON, &encoding], b"{\"msg\":\"x\"}");
        assert_eq!(answer.status, status, "{encoding}: {answer:?}");
    }
    assert_eq!(store.count(), 0);
    server.terminate();
}

#[test]
fn pages_in_a_browser_cannot_write_to_the_log() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let body = b"{\"msg\":\"from a page\"}";
    for (headers, status) in [
        (&["Host: evil.example", JSON][..], 403),
        (&["Origin: http://evil.example", JSON], 403),
        (&["Sec-Fetch-Site: cross-site", JSON], 403),
        (&["Content-Type: text/plain"], 415),
        (&["Content-Type: multipart/form-data; boundary=x"], 415),
    ] {
        let answer = post(&server, "/ingest", headers, body);
        assert_eq!(answer.status, status, "{headers:?}: {answer:?}");
        assert!(!answer.head.contains("access-control"), "{answer:?}");
    }
    let preflight = [
        "Origin: http://evil.example",
        "Access-Control-Request-Method: POST",
    ];
    let answer = request(server.address(), "OPTIONS /ingest", &preflight, b"");
    assert_eq!(answer.status, 403);
    assert_eq!(store.count(), 0);
    server.terminate();
}

#[test]
fn a_token_is_demanded_of_every_request() {
    let store = Store::new();
    let tokens = store.file("tokens");
    std::fs::write(&tokens, "sesame\n").unwrap();
    let server = Server::start_with(&store.db, &["--token-file", tokens.to_str().unwrap()]);
    for path in [
        "/ingest",
        "/v1/logs",
        "/loki/api/v1/push",
        "/elasticsearch/_bulk",
        "/healthz",
        "/",
    ] {
        for wrong in [
            &[][..],
            &["Authorization: Bearer sesam"],
            &["Authorization: Basic sesame"],
        ] {
            let answer = post(&server, path, wrong, b"{}");
            assert_eq!(answer.status, 401, "{path} {wrong:?}");
            assert!(
                answer.head.contains("www-authenticate: bearer"),
                "{answer:?}"
            );
        }
    }
    let right = "Authorization: Bearer sesame";
    assert_eq!(
        post(&server, "/ingest", &[right, JSON], b"{\"msg\":\"x\"}").status,
        200
    );
    assert_eq!(
        request(server.address(), "GET /healthz", &[right], b"").status,
        200
    );
    server.terminate();
}

#[test]
fn who_can_be_reached_from_elsewhere_demands_proof() {
    let store = Store::new();
    let tokens = store.file("tokens");
    std::fs::write(&tokens, "sesame\n").unwrap();
    let serve = |more: &[&str]| {
        let mut command = logstore(["serve", "--port", "0", "--host", "0.0.0.0", "--db"]);
        command.arg(&store.db).args(more);
        command
    };
    let output = serve(&[]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    for way in ["--client-ca", "--token-file", "--insecure"] {
        assert!(said.contains(way), "{said}");
    }
    assert!(!store.db.exists());
    for way in [
        &["--insecure"][..],
        &["--token-file", tokens.to_str().unwrap()],
    ] {
        let server = Server::start_with(&store.db, &[&["--host", "0.0.0.0"], way].concat());
        server.terminate();
    }
}

/// An address of this machine that others could reach it by, where it has one.
fn address_for_others() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: it only tells which address would be used.
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?.ip();
    (!address.is_loopback() && !address.is_unspecified()).then_some(address)
}

#[test]
fn with_a_token_other_machines_come_in_by_http_alone() {
    let Some(address) = address_for_others() else {
        return;
    };
    let store = Store::new();
    let tokens = store.file("tokens");
    std::fs::write(&tokens, "sesame\n").unwrap();
    let flags = ["--host", "0.0.0.0", "--udp", "--token-file"];
    let flags = [&flags[..], &[tokens.to_str().unwrap()]].concat();
    let server = Server::start_with(&store.db, &flags);
    let there = SocketAddr::new(address, server.address().port());
    send(there, b"{\"msg\":\"forged\"}\n");
    server.wait_until_said("neither a certificate nor HTTP");
    let socket = UdpSocket::bind((address, 0)).unwrap();
    socket.send_to(b"<14>forged", there).unwrap();
    let headers = ["Authorization: Bearer sesame", JSON];
    let answer = request(there, "POST /ingest", &headers, b"{\"msg\":\"true\"}");
    assert_eq!(answer.status, 200, "{answer:?}");
    let ended = server.terminate();
    assert!(
        ended.stderr.contains("2 frames could not be decoded"),
        "{}",
        ended.stderr
    );
    assert_eq!(messages(&store), ["true"]);
}

#[test]
fn datagrams_cannot_show_certificates() {
    let store = Store::new();
    let output = logstore([
        "serve",
        "--udp",
        "--tls-cert",
        "c",
        "--tls-key",
        "k",
        "--client-ca",
        "a",
        "--db",
    ])
    .arg(&store.db)
    .output()
    .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("--udp") && said.contains("--client-ca"),
        "{said}"
    );
}

#[test]
fn requests_wait_for_the_commit_and_are_sent_away_when_it_does_not_come() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let other = Connection::open(&store.db).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = post(&server, "/ingest", &[JSON], b"{\"msg\":\"x\"}");
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.head.contains("retry-after: "), "{answer:?}");
    other.execute_batch("ROLLBACK").unwrap();
    wait_until("it is stored all the same", || store.count() == 1);
    assert_eq!(
        post(&server, "/ingest", &[JSON], b"{\"msg\":\"y\"}").status,
        200
    );
    server.terminate();
}

#[test]
fn paths_and_methods_that_are_not_there_say_what_is() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let to = server.address();
    assert_eq!(request(to, "GET /healthz", &[], b"").status, 200);
    let answer = request(to, "GET /nowhere", &[], b"");
    assert_eq!(answer.status, 404);
    assert!(answer.body.contains("/v1/logs"), "{answer:?}");
    assert_eq!(request(to, "GET /ingest", &[], b"").status, 405);
    assert_eq!(request(to, "DELETE /v1/logs", &[], b"").status, 405);
    server.terminate();
}

/// Requests whose length two readers might understand differently: none may become two.
#[test]
fn requests_cannot_be_smuggled_into_others() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let inner = "POST /ingest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 18\r\n\r\n{\"msg\":\"smuggled\"}";
    for head in [
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 6\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Content-Length: +5\r\n",
        "Content-Length : 5\r\n",
        "Transfer-Encoding\r\n: chunked\r\n",
    ] {
        let bytes =
            format!("POST /ingest HTTP/1.1\r\nHost: localhost\r\n{head}\r\n0\r\n\r\n{inner}");
        let answer = exchange(server.address(), bytes.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 4"), "{head:?}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{head:?}: {answer}");
    }
    // Both lengths: the chunks count, and the connection is not used for more.
    let both = format!(
        "POST /ingest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}"
    );
    exchange(server.address(), both.as_bytes());
    server.terminate();
    let smuggled = messages(&store).iter().any(|message| message == "smuggled");
    assert!(!smuggled);
}

#[test]
fn loki_and_elasticsearch_clients_are_answered_in_their_words() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let push = json!({"streams": [{
        "stream": {"job": "nginx", "level": "error", "host": "node3"},
        "values": [["1795276800000000001", "upstream timed out"], ["1795276800000000002", "again", {"user": "ada"}]]
    }]});
    let answer = post(
        &server,
        "/loki/api/v1/push",
        &[JSON],
        push.to_string().as_bytes(),
    );
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (204, ""),
        "{answer:?}"
    );
    let records = store.records(&["--name", "nginx", "--level", "error", "--host", "node3"]);
    assert_eq!(records.len(), 2);
    assert_eq!(records[0]["created_ns"], 1_795_276_800_000_000_001_i64);
    assert_eq!(records[1]["extra"]["user"], "ada");

    let root = request(server.address(), "GET /elasticsearch/", &[], b"");
    assert!(
        root.head.contains("x-elastic-product: elasticsearch"),
        "{root:?}"
    );
    assert_eq!(root.json()["tagline"], "You Know, for Search");
    let bulk = b"{\"index\":{\"_index\":\"app\"}}\n{\"message\":\"one\",\"log\":{\"level\":\"warn\"}}\n\
        {\"create\":{}}\n{\"message\":\"two\"}\n{\"delete\":{\"_id\":\"7\"}}\n{\"index\":{}}\n\"no object\"\n";
    let headers = ["Content-Type: application/x-ndjson"];
    let answer = post(&server, "/elasticsearch/logs/_bulk", &headers, bulk);
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.json();
    assert_eq!(told["errors"], true);
    let items = told["items"].as_array().unwrap();
    assert_eq!(items.len(), 4, "{told:#}");
    assert_eq!(items[0]["index"]["status"], 201);
    assert_eq!(items[1]["create"]["status"], 201);
    assert!(items[3]["index"]["status"].as_u64().unwrap() >= 400);
    assert_eq!(store.count(), 4);
    server.terminate();
}
