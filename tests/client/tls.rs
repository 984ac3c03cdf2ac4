//! `SocketHandler` inside of TLS: against logstore's server, CPython's `ssl`, and such as end it too early.

use std::collections::HashSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use logstore::{
    ClientTls, Overflow, QueueError, ServerBuilder, ServerContext, SocketHandlerBuilder, TlsFiles,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, date_time_ymd};
use rusqlite::Connection;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::certificates::Authority;
use crate::receiver::{Receiver, messages};
use crate::server::stored;
use crate::{PATIENCE, builder, numbered, record};

/// A directory with certificates in it.
struct Place {
    dir: tempfile::TempDir,
    authority: Authority,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::new(dir.path(), "ca");
        Place { dir, authority }
    }

    fn db(&self) -> std::path::PathBuf {
        self.dir.path().join("logs.sqlite")
    }

    /// Who trusts the authority.
    fn trusting(&self) -> ClientTls {
        ClientTls {
            ca: Some(self.authority.ca.clone()),
            server_name: Some("localhost".into()),
            ..ClientTls::default()
        }
    }

    /// The same with a certificate of this authority.
    fn showing(&self, authority: &Authority) -> ClientTls {
        let [cert, key] = authority.pair("client", |_| {});
        ClientTls {
            cert: Some(cert),
            key: Some(key),
            ..self.trusting()
        }
    }

    /// The files of a server.
    fn files(&self, client_ca: Option<&Path>) -> TlsFiles {
        let [cert, key] = self.authority.pair("server", |_| {});
        TlsFiles {
            cert,
            key,
            client_ca: client_ca.map(Path::to_owned),
        }
    }

    fn serve(&self, builder: ServerBuilder) -> ServerContext {
        builder.start(self.db()).unwrap()
    }
}

fn server() -> ServerBuilder {
    ServerContext::builder().port(0)
}

/// What a flush has to say of a server that does not take the record.
fn refusal(builder: SocketHandlerBuilder) -> String {
    let handler = builder.close_timeout(Duration::ZERO).start().unwrap();
    handler.emit(&record("0")).unwrap();
    let error = handler.flush(Duration::from_millis(500)).unwrap_err();
    let QueueError::Stalled { queued: 1, reason } = error else {
        panic!("{error}");
    };
    assert_eq!(handler.counters().stored, 0);
    reason
}

#[test]
fn what_a_flush_has_confirmed_is_stored_with_and_without_a_certificate() {
    let place = Place::new();
    let ca = place.authority.ca.as_path();
    let ways = [
        (None, place.trusting()),
        (Some(ca), place.showing(&place.authority)),
    ];
    for (i, (client_ca, tls)) in ways.into_iter().enumerate() {
        let mut server = place.serve(server().tls(place.files(client_ca)));
        let handler = builder(server.local_addr().port());
        let handler = handler.tls(tls).start().unwrap();
        for number in 0..1000 {
            handler.emit(&record(number.to_string())).unwrap();
        }
        handler.flush(PATIENCE).unwrap();
        // The server has not been asked to store anything by anybody else.
        assert_eq!(stored(&place.db()).len(), (i + 1) * 1000);
        handler.close().unwrap();
        assert_eq!(server.close().unwrap().bad_frames, 0);
    }
}

#[test]
fn nothing_is_confirmed_before_the_commit() {
    let place = Place::new();
    let running = place.serve(server().tls(place.files(None)));
    let handler = builder(running.local_addr().port());
    let handler = handler.tls(place.trusting()).start().unwrap();
    let lock = Connection::open(place.db()).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    handler.emit(&record("0")).unwrap();
    handler.flush(Duration::from_millis(300)).unwrap_err();
    assert_eq!(handler.counters().stored, 0);
    drop(lock);
    handler.flush(PATIENCE).unwrap();
    assert_eq!(stored(&place.db()).len(), 1);
}

#[test]
fn two_thousand_records_arrive_though_the_server_is_started_anew() {
    let place = Place::new();
    let mut running = place.serve(server().tls(place.files(None)));
    let port = running.local_addr().port();
    let handler = builder(port)
        .tls(place.trusting())
        .overflow(Overflow::Block)
        .queue_capacity(100)
        .start()
        .unwrap();
    for number in 0..2000 {
        handler.emit(&record(number.to_string())).unwrap();
        if number % 400 == 399 {
            running.close().unwrap();
            running = place.serve(server().port(port).tls(place.files(None)));
        }
    }
    handler.close().unwrap();
    assert_eq!(running.close().unwrap().bad_frames, 0);
    let arrived = stored(&place.db()).into_iter();
    let arrived: HashSet<String> = arrived.map(|record| record.message).collect();
    assert_eq!(arrived, numbered(0..2000));
}

#[test]
fn python_receives_what_was_sent_inside_of_tls() {
    let place = Place::new();
    let files = place.files(None);
    let [cert, key] = [&files.cert, &files.key].map(|path| path.to_str().unwrap());
    let receiver = Receiver::start_with(&["0", "0", cert, key]);
    let handler = builder(receiver.port).tls(place.trusting());
    let handler = handler.start().unwrap();
    for number in 0..500 {
        handler.emit(&record(number.to_string())).unwrap();
        if number % 100 == 0 {
            handler.flush(PATIENCE).unwrap();
        }
    }
    handler.close().unwrap();
    let records = receiver.kill();
    assert_eq!(records.len(), 500);
    assert_eq!(messages(&records), numbered(0..500));
}

#[test]
fn who_cannot_be_trusted_is_told_with_the_way_out() {
    let place = Place::new();
    let port = |builder: ServerBuilder, name: &str| {
        let path = place.dir.path().join(name);
        let server = builder.start(path).unwrap();
        (server.local_addr().port(), server)
    };
    let other = Authority::new(place.dir.path(), "other");
    let showing = |name: &str, change: fn(&mut CertificateParams)| {
        let [cert, key] = place.authority.pair(name, change);
        let client_ca = None;
        let files = TlsFiles {
            cert,
            key,
            client_ca,
        };
        port(server().tls(files), &format!("{name}.sqlite"))
    };
    let (old, _old) = showing("old", |params| {
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 2, 3);
    });
    let (lofty, _lofty) = showing("lofty", |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    let (nameless, _nameless) = showing("nameless", |params| params.subject_alt_names.clear());
    let (plain, _plain) = port(server(), "plain");
    let (good, _good) = port(server().tls(place.files(None)), "good");
    let demanding = server().tls(place.files(Some(&place.authority.ca)));
    let (demanding, _demanding) = port(demanding, "demanding");
    let stranger = ClientTls {
        ca: Some(other.ca.clone()),
        ..place.trusting()
    };
    let misled = ClientTls {
        server_name: None,
        ..place.trusting()
    };
    for (port, tls, expected) in [
        (
            good,
            Some(stranger),
            "nobody who is trusted vouches for its certificate; name the file of who does (--tls-ca, ClientTls::ca)",
        ),
        (
            good,
            Some(misled),
            "its certificate is for localhost, not for 127.0.0.1; connect by that name (--host), or expect it (ClientTls::server_name)",
        ),
        (
            old,
            Some(place.trusting()),
            "its certificate has expired at 2001-02-03 00:00:00.000Z",
        ),
        (
            lofty,
            Some(place.trusting()),
            "it shows the certificate of a CA, which has to sign another one for the server",
        ),
        (
            nameless,
            Some(place.trusting()),
            "its certificate has no subjectAltName; it needs one with the server's name",
        ),
        (
            plain,
            Some(place.trusting()),
            "it broke the connection off when TLS began; perhaps it speaks none",
        ),
        (
            demanding,
            Some(place.trusting()),
            "it demands a client's certificate; show one (--tls-cert and --tls-key, ClientTls::cert and key)",
        ),
        (
            demanding,
            Some(place.showing(&other)),
            "it does not accept the client's certificate: UnknownCA",
        ),
        (
            demanding,
            None,
            "it demands TLS; give the handler TLS (logstore send --tls or --tls-ca)",
        ),
    ] {
        let handler = builder(port);
        let reason = refusal(match tls {
            Some(tls) => handler.tls(tls),
            None => handler,
        });
        assert!(reason.ends_with(expected), "{reason}");
    }
}

#[test]
fn a_server_of_another_kind_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let says = Arc::new(Mutex::new(Some(&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..])));
    let answer = Arc::clone(&says);
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1000]);
            if let Some(answer) = *answer.lock().unwrap() {
                let _ = stream.write_all(answer);
            }
            kept.push(stream);
        }
    });
    let place = Place::new();
    let reason = refusal(builder(port).tls(place.trusting()));
    assert!(reason.ends_with("it speaks no TLS"), "{reason}");
    *says.lock().unwrap() = None;
    let impatient = builder(port).connect_timeout(Duration::from_millis(50));
    let reason = refusal(impatient.tls(place.trusting()));
    assert!(reason.ends_with("perhaps it speaks none"), "{reason}");
}

#[test]
fn files_that_cannot_be_used_are_told_at_the_start() {
    let place = Place::new();
    let [cert, key] = place.authority.pair("client", |_| {});
    let [_, other_key] = place.authority.pair("other", |_| {});
    let missing = place.dir.path().join("missing.pem");
    let with = |ca, cert, key| ClientTls {
        ca,
        cert,
        key,
        server_name: None,
    };
    let ca = Some(place.authority.ca.clone());
    for (tls, what, reason) in [
        (
            with(Some(missing), None, None),
            "missing.pem",
            "No such file",
        ),
        (
            with(Some(key.clone()), None, None),
            "client.key",
            "no certificate in PEM",
        ),
        (
            with(ca.clone(), Some(cert.clone()), None),
            "client.pem",
            "its key is needed",
        ),
        (
            with(ca.clone(), None, Some(key)),
            "client.key",
            "its certificate is needed",
        ),
        (
            with(ca.clone(), Some(cert.clone()), Some(cert.clone())),
            "client.pem",
            "no private key in PEM",
        ),
        (
            with(ca, Some(cert), Some(other_key)),
            "client.pem",
            "it does not fit the key",
        ),
    ] {
        let error = builder(1).tls(tls).start().unwrap_err().to_string();
        assert!(error.starts_with("cannot use /"), "{error}");
        assert!(
            error.contains(&format!("{what} for TLS: ")) && error.contains(reason),
            "{error}"
        );
    }
    let unnamed = ClientTls {
        server_name: Some("two words".into()),
        ..place.trusting()
    };
    let error = builder(1).tls(unnamed).start().unwrap_err().to_string();
    assert!(error.contains("\"two words\" for TLS"), "{error}");
}

/// A server that says goodbye to TLS or does not, after it has read a whole connection.
struct Abrupt {
    port: u16,
    is_polite: Arc<AtomicBool>,
    /// What came over each connection.
    read: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Abrupt {
    fn start(files: &TlsFiles) -> Self {
        let chain = CertificateDer::pem_file_iter(&files.cert).unwrap();
        let chain = chain.map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(&files.key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key);
        let config = Arc::new(config.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Abrupt {
            port: listener.local_addr().unwrap().port(),
            is_polite: Arc::default(),
            read: Arc::default(),
        };
        let (is_polite, heard) = (Arc::clone(&server.is_polite), Arc::clone(&server.read));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let session = ServerConnection::new(Arc::clone(&config)).unwrap();
                let mut stream = StreamOwned::new(session, stream.unwrap());
                let mut read = Vec::new();
                let ended = stream.read_to_end(&mut read);
                heard.lock().unwrap().push(read);
                if ended.is_ok() && is_polite.load(Ordering::SeqCst) {
                    goodbye(stream);
                }
            }
        });
        server
    }
}

fn goodbye(mut stream: StreamOwned<ServerConnection, TcpStream>) {
    stream.conn.send_close_notify();
    let _ = stream.flush();
}

#[test]
fn an_end_without_goodbye_confirms_nothing_and_all_is_sent_again() {
    let place = Place::new();
    let server = Abrupt::start(&place.files(None));
    let handler = builder(server.port).tls(place.trusting()).start().unwrap();
    for number in 0..10 {
        handler.emit(&record(number.to_string())).unwrap();
    }
    let error = handler.flush(Duration::from_millis(500)).unwrap_err();
    let expected = "it broke the connection off without ending TLS (close_notify)";
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(handler.counters().stored, 0);
    server.is_polite.store(true, Ordering::SeqCst);
    handler.flush(PATIENCE).unwrap();
    assert_eq!(handler.counters().stored, 10);
    let read = server.read.lock().unwrap();
    assert!(read.len() > 1);
    assert!(read[0].len() > 1000 && read.iter().all(|frames| frames.starts_with(&read[0])));
}
