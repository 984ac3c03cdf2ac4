//! Records over HTTP: what is ingested, what is refused, and what collectors are answered.

use rusqlite::Connection;
use serde_json::json;

use crate::requests::{JSON, exchange, gzip, messages, post, request};
use crate::support::{Server, Store, wait_until};

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

    let pretty = b"\xEF\xBB\xBF{\n  \"msg\": \"i\"\n}\n{\n  \"msg\": \"j\"\n}\n";
    let answer = post(&server, "/ingest", &[JSON], pretty);
    assert_eq!(answer.json()["accepted"], 2, "{answer:?}");
    let answer = post(&server, "/ingest", &[JSON], b"[{\"msg\":\"k\"},{},7]");
    let told = answer.json();
    assert_eq!((answer.status, &told["rejected"]), (200, &json!(2)));
    let error = told["errors"][0]["error"].as_str().unwrap();
    assert!(error.contains("the object is empty"), "{answer:?}");
    let error = told["errors"][1]["error"].as_str().unwrap();
    assert!(error.contains("a number, not an object"), "{answer:?}");

    // What is good in an array is stored around what is not, also when its end is missing.
    let array = b"[{\"msg\":\"x1\"},{bad}, 7,{\"msg\":\"x2\"}";
    let answer = post(&server, "/ingest", &[JSON], array);
    let told = answer.json();
    assert_eq!(
        (answer.status, &told["accepted"], &told["rejected"]),
        (200, &json!(2), &json!(3)),
        "{told:#}"
    );

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
    for bytes in [65 << 10, 20 << 20] {
        let answer = post(&server, "/ingest", &[JSON], &vec![b' '; bytes]);
        assert_eq!(answer.status, 413, "{answer:?}");
    }
    let bomb = snap::raw::Encoder::new()
        .compress_vec(&vec![b' '; 1 << 20])
        .unwrap();
    assert!(bomb.len() < 64 << 10);
    let protobuf = ["Content-Type: application/x-protobuf"];
    let answer = post(&server, "/loki/api/v1/push", &protobuf, &bomb);
    assert_eq!(answer.status, 413, "{answer:?}");
    for (encoding, status) in [("gzip", 400), ("zstd", 400), ("br", 415)] {
        let encoding = format!("Content-Encoding: {encoding}");
        let answer = post(&server, "/ingest", &[JSON, &encoding], b"{\"msg\":\"x\"}");
        assert_eq!(answer.status, status, "{encoding}: {answer:?}");
    }
    let answer = post(&server, "/ingest", &[JSON], &gzip(b"{\"msg\":\"x\"}"));
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("Content-Encoding: gzip"), "{answer:?}");
    assert_eq!(store.count(), 0);
    server.terminate();
}

#[test]
fn a_gelf_message_is_told_packed_by_its_bytes() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let message = b"{\"version\":\"1.1\",\"host\":\"h\",\"short_message\":\"m\",\"_user\":\"ada\"}";
    for headers in [&[][..], &[JSON, "Content-Encoding: gzip,deflate"]] {
        for body in [&message[..], &gzip(message)] {
            let answer = post(&server, "/gelf", headers, body);
            assert_eq!((answer.status, answer.body.as_str()), (202, ""));
        }
    }
    assert_eq!(store.count(), 4);
    assert_eq!(store.records(&[])[0]["extra"], json!({"user": "ada"}));
    for (headers, body, status) in [
        (&[][..], &b"hello"[..], 400),
        (&[], b"\x1f\x8bx", 400),
        (&["Content-Type: text/plain"], message, 415),
    ] {
        assert_eq!(post(&server, "/gelf", headers, body).status, status);
    }
    assert_eq!(request(server.address(), "GET /gelf", &[], b"").status, 405);
    assert_eq!(store.count(), 4);
    server.terminate();
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
    assert!(answer.body.contains("will be stored"), "{answer:?}");
    assert!(answer.body.contains("twice"), "{answer:?}");
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
        {\"create\":{\"_id\":7}}\n{\"message\":\"two\"}\n{\"delete\":{\"_id\":\"7\"}}\n{\"index\":{}}\n\"no object\"\n";
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
    let two = &store.records(&["--grep", "two"])[0];
    assert_eq!(two["extra"], json!({"_index": "logs", "_id": "7"}));
    server.terminate();
}
