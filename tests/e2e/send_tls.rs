//! `logstore send` inside of TLS, and what it says when that does not come about.

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use crate::certificates::Authority;
use crate::send::said;
use crate::support::{Server, Store, logstore};

/// `logstore send ARGUMENTS`, where the system trusts this authority alone.
fn send(trusted: &Path, arguments: &[&str]) -> Output {
    let mut command = logstore(["send"]);
    command
        .args(arguments)
        .env("SSL_CERT_FILE", trusted)
        .env_remove("SSL_CERT_DIR");
    command.output().unwrap()
}

/// Server and client, with certificates of the same authority.
struct Place {
    store: Store,
    ca: String,
    flags: Vec<String>,
    client: [String; 2],
}

impl Place {
    fn new() -> Self {
        let store = Store::new();
        let authority = Authority::new(store.db.parent().unwrap(), "ca");
        let text = |path: std::path::PathBuf| path.to_str().unwrap().to_owned();
        let pair = |name| authority.pair(name, |_| {}).map(text);
        let [cert, key] = pair("server");
        Place {
            flags: vec!["--tls-cert".into(), cert, "--tls-key".into(), key],
            client: pair("client"),
            ca: text(authority.ca),
            store,
        }
    }

    fn serve(&self, more: &[&str]) -> Server {
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        Server::start_with(&self.store.db, &[&flags, more].concat())
    }
}

#[test]
fn records_are_stored_when_it_ends() {
    let place = Place::new();
    let Place { store, ca, .. } = &place;
    let nobody = store.file("none");
    let server = place.serve(&[]);
    let port = server.port();
    let to = ["--host", "localhost", "--port", &port];
    let output = send(&nobody, &[&to[..], &["--tls-ca", ca, "one"]].concat());
    assert_eq!(said(&output, 0), "");
    assert_eq!(store.count(), 1);
    let output = send(Path::new(ca), &[&to[..], &["--tls", "two"]].concat());
    assert_eq!(said(&output, 0), "");
    assert_eq!(store.count(), 2);
    server.terminate();

    let server = place.serve(&["--client-ca", ca]);
    let port = server.port();
    let [cert, key] = &place.client;
    let output = send(
        Path::new(ca),
        &[
            "--host",
            "localhost",
            "--port",
            &port,
            "--tls-cert",
            cert,
            "--tls-key",
            key,
            "three",
        ],
    );
    assert_eq!(said(&output, 0), "");
    assert_eq!(store.count(), 3);
    assert!(!server.terminate().stderr.contains("TLS"));
}

#[test]
fn what_keeps_it_from_the_server_is_told_with_the_way_out() {
    let place = Place::new();
    let Place { store, ca, .. } = &place;
    let nobody = store.file("none");
    let other = Authority::new(store.db.parent().unwrap(), "other");
    let server = place.serve(&["--client-ca", ca]);
    let port = server.port();
    for (arguments, expected) in [
        (
            &["--host", "localhost"][..],
            "it demands TLS; give the handler TLS (logstore send --tls or --tls-ca)",
        ),
        (
            &["--host", "localhost", "--tls-ca", ca],
            "it demands a client's certificate; show one (--tls-cert and --tls-key, ClientTls::cert and key)",
        ),
        (
            &["--host", "127.0.0.1", "--tls-ca", ca],
            "its certificate is for localhost, not for 127.0.0.1; connect by that name (--host), or expect it (ClientTls::server_name)",
        ),
        (
            &["--host", "localhost", "--tls"],
            "nobody who is trusted vouches for its certificate; name the file of who does (--tls-ca, ClientTls::ca)",
        ),
    ] {
        let rest = ["--port", &port, "--timeout", "300ms", "x"];
        let output = send(&other.ca, &[arguments, &rest].concat());
        let said = said(&output, 2);
        assert!(said.contains(expected), "{said}");
        assert!(said.contains("records not confirmed: 1 of 1"), "{said}");
    }
    assert_eq!(store.count(), 0);

    let began = Instant::now();
    for (arguments, expected) in [
        (
            &["--tls-ca", "/missing.pem"][..],
            "cannot use /missing.pem for TLS: ",
        ),
        (
            &["--tls"],
            "cannot use the system's certificates for TLS: there are none",
        ),
        (&["--tls-cert", "a.pem"], "--tls-key"),
        (&["--tls-key", "a.key"], "--tls-cert"),
        (&["--tls", "--db", "a.sqlite"], "--db"),
        (&["--tls-ca", "a.pem", "--db", "a.sqlite"], "--db"),
    ] {
        let said = said(&send(&nobody, &[arguments, &["x"]].concat()), 2);
        assert!(said.contains(expected), "{said}");
    }
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "nothing was waited for"
    );
    server.terminate();
}
