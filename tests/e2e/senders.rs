//! Real clients of every protocol, pointed at the one port: their records are found by `logstore query`.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::certificates::Authority;
use crate::support::{Server, Store, python_of, wait_until};

/// A Python with the packages of `tests/clients/requirements.txt`, which `tests/run` sets up.
pub(crate) fn python() -> String {
    let path = unpacked("clients/bin/python");
    path.to_str().unwrap().to_owned()
}

/// A file that `tests/run` has put under `target`.
fn unpacked(path: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target")
        .join(path);
    assert!(
        path.exists(),
        "{} is missing; tests/run sets it up",
        path.display()
    );
    path
}

/// The one record with this message.
#[track_caller]
fn only<'r>(records: &'r [Value], message: &str) -> &'r Value {
    let mut found = records.iter().filter(|record| record["message"] == message);
    let record = found
        .next()
        .unwrap_or_else(|| panic!("no {message:?} in {records:#?}"));
    assert!(found.next().is_none(), "{message:?} is there twice");
    record
}

/// Fails unless the record has these values.
#[track_caller]
fn assert_has(record: &Value, expected: &Value) {
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&record[key], value, "{key} of {record:#}");
    }
}

#[test]
fn syslog_of_python_over_tcp_and_udp() {
    for kind in ["tcp", "udp"] {
        let store = Store::new();
        let server = Server::start_with(&store.db, &["--udp"]);
        server.python("syslog_handler.py", &[kind]);
        wait_until("all four are there", || store.count() == 4);
        let records = store.records(&[]);
        for (message, levelno) in [
            ("fine print", 10),
            ("disk of 多 at 93 %", 30),
            ("two\nlines", 40),
            ("out of cheese", 50),
        ] {
            let expected = json!({"levelno": levelno, "extra": {"facility": "user"}});
            assert_has(only(&records, message), &expected);
        }
        server.terminate();
    }
}

#[test]
fn gelf_of_pygelf_and_graypy() {
    let store = Store::new();
    let server = Server::start_with(&store.db, &["--udp"]);
    python_of(&python(), "gelf.py", [server.port()]);
    let names = [
        "pygelf.tcp",
        "pygelf.udp",
        "pygelf.http",
        "graypy.tcp",
        "graypy.udp",
        "graypy.http",
    ];
    wait_until("three of each are there", || {
        store.count() == 3 * names.len()
    });
    let records = store.records(&[]);
    for name in names {
        let record = only(&records, &format!("hello from {name}"));
        assert_eq!(record["levelno"], 20, "{record:#}");
        assert_eq!(record["extra"]["user"], "ada", "{record:#}");
    }
    let long = |record: &&Value| record["message"].as_str().unwrap().len() == 20_000;
    assert_eq!(records.iter().filter(long).count(), names.len());
    let traced = |record: &&Value| record.to_string().contains("ZeroDivisionError");
    assert_eq!(records.iter().filter(traced).count(), names.len());
    server.terminate();
}

#[test]
fn the_opentelemetry_sdk() {
    for compression in ["none", "gzip"] {
        let store = Store::new();
        let server = Server::start(&store.db);
        python_of(&python(), "otlp.py", [&server.port(), compression]);
        // The exporter returns when it was told that they are stored.
        let records = store.records(&["--name", "shop.cart"]);
        let added = only(&records, "item 7 added");
        assert_has(
            added,
            &json!({"levelname": "INFO", "levelno": 20, "hostname": "node7"}),
        );
        assert_eq!(added["extra"]["user"], "ada");
        assert_eq!(added["extra"]["price"], 9.5);
        assert!(
            added["pathname"].as_str().unwrap().ends_with("otlp.py"),
            "{added:#}"
        );
        assert_eq!(only(&records, "stock is low")["levelno"], 30);
        let broken = only(&records, "no such item");
        assert!(
            broken["exc_text"].as_str().unwrap().contains("IndexError"),
            "{broken:#}"
        );
        server.terminate();
    }
}

#[test]
fn loguru_structlog_and_the_other_handlers_of_python() {
    let store = Store::new();
    let server = Server::start_with(&store.db, &["--udp"]);
    python_of(&python(), "others.py", [server.port()]);
    wait_until("all five are there", || store.count() == 5);
    let records = store.records(&[]);
    let hello = only(&records, "loguru says hello");
    assert_has(hello, &json!({"levelname": "SUCCESS", "levelno": 25}));
    assert_eq!(hello["extra"]["user"], "ada", "{hello:#}");
    let broke = records.iter().find(|record| {
        let message = record["message"].as_str().unwrap();
        message.starts_with("loguru broke\nTraceback")
    });
    assert!(broke.unwrap()["exc_text"].is_null(), "{broke:#?}");
    let said = only(&records, "structlog says hello");
    assert_eq!(said["extra"]["items"], json!([1, 2]));
    for message in ["over http: 100% & more", "over udp"] {
        let record = only(&records, message);
        assert_has(
            record,
            &json!({"levelname": "ERROR", "levelno": 40, "funcName": "<module>"}),
        );
        assert_eq!(record["extra"]["user"], "ada", "{record:#}");
    }
    server.terminate();
}

/// Util-linux's logger(1), in the ways that it can send.
#[test]
fn logger_of_the_shell() {
    let store = Store::new();
    let server = Server::start_with(&store.db, &["--udp"]);
    let port = server.port();
    for (i, way) in [
        &["--tcp", "--rfc5424"][..],
        &["--tcp", "--rfc3164"],
        &["--tcp", "--octet-count", "--rfc5424"],
        &["--udp", "--rfc5424"],
        &["--udp", "--rfc3164"],
    ]
    .into_iter()
    .enumerate()
    {
        let sent = Command::new("logger")
            .args([
                "--server",
                "127.0.0.1",
                "--port",
                &port,
                "--id=4321",
                "-t",
                "backup",
                "-p",
                "daemon.warning",
            ])
            .args(way)
            .arg(format!("tape {i} is full"))
            .status();
        assert!(sent.unwrap().success());
        wait_until("it is there", || store.count() == i + 1);
        let records = store.records(&["--name", "backup"]);
        let record = only(&records, &format!("tape {i} is full"));
        assert_has(record, &json!({"levelno": 30, "process": 4321}));
        assert_eq!(record["extra"]["facility"], "daemon", "{way:?}: {record:#}");
    }
    server.terminate();
}

/// A program that is killed when the test ends.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Daemon {
    fn start(
        program: impl AsRef<OsStr>,
        arguments: &[&OsStr],
        environment: &[(&str, &OsStr)],
    ) -> Self {
        let child = Command::new(program)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        Daemon(child.unwrap())
    }
}

#[test]
fn rsyslog_forwards_in_both_of_its_formats() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let port = server.port();
    let (config, input) = (store.file("rsyslog.conf"), store.file("input"));
    std::fs::write(&input, "").unwrap();
    let text = format!(
        "global(workDirectory=\"{dir}\")\n\
         module(load=\"imfile\" mode=\"polling\" pollingInterval=\"1\")\n\
         input(type=\"imfile\" file=\"{input}\" tag=\"shop[77]:\" severity=\"error\" facility=\"local3\")\n\
         action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\" template=\"RSYSLOG_SyslogProtocol23Format\")\n\
         action(type=\"omfwd\" target=\"127.0.0.1\" port=\"{port}\" protocol=\"tcp\" template=\"RSYSLOG_ForwardFormat\" TCP_Framing=\"octet-counted\")\n",
        dir = store.file("").display(),
        input = input.display(),
    );
    std::fs::write(&config, text).unwrap();
    let pid = store.file("pid");
    let arguments = [
        "-n",
        "-f",
        config.to_str().unwrap(),
        "-i",
        pid.to_str().unwrap(),
    ]
    .map(OsStr::new);
    let _rsyslog = Daemon::start("rsyslogd", &arguments, &[]);
    // Its own greetings come first; then a line of ours, in each format.
    std::fs::write(&input, "cart is empty\n").unwrap();
    wait_until("both are there", || {
        store.query(&["--name", "shop"]).lines().count() == 2
    });
    for record in store.records(&["--name", "shop"]) {
        let expected = json!({"message": "cart is empty", "levelno": 40, "process": 77});
        assert_has(&record, &expected);
        assert_eq!(record["extra"]["facility"], "local3");
    }
    server.terminate();
}

#[test]
fn syslog_ng_forwards_in_both_of_its_formats() {
    let root = unpacked("syslog-ng");
    let store = Store::new();
    let server = Server::start(&store.db);
    let port = server.port();
    let (config, input) = (store.file("syslog-ng.conf"), store.file("input"));
    std::fs::write(&input, "cart is empty\n").unwrap();
    let text = format!(
        "@version: 3.35\n\
         source s {{ file(\"{input}\" follow-freq(0.2) read-old-records(yes) program-override(\"shop\") \
            default-priority(error) default-facility(local3) flags(no-parse)); }};\n\
         destination new {{ syslog(\"127.0.0.1\" port({port}) transport(\"tcp\") persist-name(\"new\")); }};\n\
         destination old {{ network(\"127.0.0.1\" port({port}) transport(\"tcp\") persist-name(\"old\")); }};\n\
         log {{ source(s); destination(new); destination(old); }};\n",
        input = input.display(),
    );
    std::fs::write(&config, text).unwrap();
    let libraries = [
        "usr/lib/x86_64-linux-gnu",
        "lib/x86_64-linux-gnu",
        "usr/lib/syslog-ng",
    ];
    let libraries = libraries
        .map(|path| root.join(path).to_str().unwrap().to_owned())
        .join(":");
    let own = |option: &str, name: &str| format!("{option}={}", store.file(name).display());
    let arguments = [
        "--foreground".into(),
        "--no-caps".into(),
        format!(
            "--module-path={}",
            root.join("usr/lib/syslog-ng/3.38").display()
        ),
        own("--cfgfile", "syslog-ng.conf"),
        own("--persist-file", "persist"),
        own("--pidfile", "pid"),
        own("--control", "control"),
    ];
    let arguments: Vec<&OsStr> = arguments
        .iter()
        .map(|argument: &String| OsStr::new(argument))
        .collect();
    let program = root.join("usr/sbin/syslog-ng");
    let environment = [("LD_LIBRARY_PATH", OsStr::new(&libraries))];
    let _syslog_ng = Daemon::start(program, &arguments, &environment);
    wait_until("both are there", || {
        store.query(&["--name", "shop"]).lines().count() == 2
    });
    for record in store.records(&["--name", "shop"]) {
        assert_has(&record, &json!({"message": "cart is empty", "levelno": 40}));
        assert_eq!(record["extra"]["facility"], "local3");
    }
    server.terminate();
}

/// Certificates for `localhost` and for a client, and who vouches for both, as files.
struct Certificates {
    ca: PathBuf,
    server: [PathBuf; 2],
    client: [PathBuf; 2],
}

impl Certificates {
    fn make(store: &Store) -> Self {
        let authority = Authority::new(store.db.parent().unwrap(), "ca");
        Certificates {
            server: authority.pair("server", |_| {}),
            client: authority.pair("client", |_| {}),
            ca: authority.ca,
        }
    }

    fn flags(&self) -> Vec<&str> {
        let [cert, key] = &self.server;
        vec![
            "--tls-cert",
            cert.to_str().unwrap(),
            "--tls-key",
            key.to_str().unwrap(),
        ]
    }
}

#[test]
fn tls_and_certificates_of_clients() {
    let store = Store::new();
    let certificates = Certificates::make(&store);
    let ca = certificates.ca.to_str().unwrap();
    let [client_cert, client_key] = &certificates.client;
    let client = [
        ca,
        client_cert.to_str().unwrap(),
        client_key.to_str().unwrap(),
    ];

    // With and without TLS on the same port.
    let server = Server::start_with(&store.db, &certificates.flags());
    server.python("tls.py", &[ca]);
    server.python("cookbook.py", &[]);
    wait_until("all are there", || store.count() == 105);
    server.terminate();

    // Only those who show a certificate.
    let flags = [certificates.flags(), vec!["--client-ca", ca]].concat();
    let server = Server::start_with(&store.db, &flags);
    server.python("tls.py", &client);
    wait_until("all are there", || store.count() == 205);
    let openssl = |arguments: &[&str]| {
        let address = server.address().to_string();
        let mut child = Command::new("openssl")
            .args([
                "s_client",
                "-connect",
                &address,
                "-servername",
                "localhost",
                "-quiet",
                "-no_ign_eof",
                "-verify_return_error",
                "-CAfile",
                ca,
            ])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin
            .write_all(b"{\"msg\": \"by hand\", \"level\": \"error\"}\n")
            .unwrap();
        // It ends with its input or with the connection.
        drop(stdin);
        let _ = child.wait();
    };
    openssl(&["-cert", client[1], "-key", client[2]]);
    wait_until("it is there", || store.count() == 206);
    assert_eq!(
        only(&store.records(&["--level", "error"]), "by hand")["levelno"],
        40
    );
    openssl(&[]);
    server.wait_until_said("the client showed no certificate, which --client-ca demands");
    crate::support::send(server.address(), b"<14>hello\n");
    server.wait_until_said("no TLS, where clients have to show a certificate");
    assert_eq!(store.count(), 206);
    server.terminate();
}
