//! Who may come in: tokens, pages in a browser, other machines.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use crate::requests::{JSON, messages, post, request};
use crate::support::{Server, Store, logstore, send};

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
        for path in ["/ingest", "/loki/api/v1/push", "/elasticsearch/_bulk"] {
            let answer = post(&server, path, headers, body);
            assert_eq!(answer.status, status, "{path}, {headers:?}: {answer:?}");
            assert!(!answer.head.contains("access-control"), "{answer:?}");
        }
    }
    let form = ["Content-Type: application/x-www-form-urlencoded"];
    let answer = post(&server, "/elasticsearch/_bulk", &form, body);
    assert_eq!(answer.status, 415, "{answer:?}");
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
    // The answer comes through although nobody wants the body.
    let answer = post(&server, "/ingest", &[JSON], &vec![b' '; 8 << 20]);
    assert_eq!(answer.status, 401, "{answer:?}");
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
