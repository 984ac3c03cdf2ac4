//! As a service: what systemd is told, where the file may be and whose it is, and the unit in `dist/`.

use std::fs::{self, Permissions};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::{Server, Store, logstore, wait_until};

/// systemd, as a service sees it.
struct Manager(UnixDatagram);

impl Manager {
    fn new(socket: UnixDatagram) -> Self {
        let patience = Some(Duration::from_secs(30));
        socket.set_read_timeout(patience).unwrap();
        Manager(socket)
    }

    fn next(&self) -> String {
        let mut buffer = [0; 4096];
        let len = self.0.recv(&mut buffer).expect("the server tells nothing");
        String::from_utf8(buffer[..len].to_vec()).unwrap()
    }

    /// Reads on until this comes.
    fn wait_for(&self, line: &str) -> String {
        let told = std::iter::repeat_with(|| self.next()).take(1000);
        let mut told = told.filter(|told| told.lines().any(|told| told.starts_with(line)));
        told.next()
            .expect("it is told something else again and again")
    }
}

fn serve(store: &Store, variables: &[(&str, &str)]) -> Child {
    logstore(["serve", "--port", "0", "--db"])
        .arg(&store.db)
        .envs(variables.iter().copied())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-s", name, &id]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn systemd_is_told_of_start_life_and_end() {
    let store = Store::new();
    let path = store.file("notify");
    let manager = Manager::new(UnixDatagram::bind(&path).unwrap());
    let variables = [
        ("NOTIFY_SOCKET", path.to_str().unwrap()),
        ("WATCHDOG_USEC", "100000"),
    ];
    let mut server = serve(&store, &variables);
    let told = manager.next();
    assert!(
        told.starts_with("READY=1\nSTATUS=listening on 127.0.0.1:"),
        "{told}"
    );
    manager.wait_for("STATUS=0 records received");
    for _ in 0..5 {
        manager.wait_for("WATCHDOG=1");
    }
    // A server that hangs says nothing.
    signal(&server, "STOP");
    manager
        .0
        .set_read_timeout(Some(Duration::from_millis(400)))
        .unwrap();
    while manager.0.recv(&mut [0; 100]).is_ok() {}
    manager
        .0
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    signal(&server, "CONT");
    manager.wait_for("WATCHDOG=1");
    signal(&server, "TERM");
    manager.wait_for("STOPPING=1");
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

#[test]
fn the_watchdog_of_another_process_is_left_alone_and_abstract_names_are_known() {
    let store = Store::new();
    let name = format!("logstore-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let manager = Manager::new(UnixDatagram::bind_addr(&address).unwrap());
    let socket = format!("@{name}");
    let variables = [
        ("NOTIFY_SOCKET", socket.as_str()),
        ("WATCHDOG_USEC", "1000"),
        ("WATCHDOG_PID", "1"),
    ];
    let mut server = serve(&store, &variables);
    manager.wait_for("READY=1");
    signal(&server, "TERM");
    loop {
        let told = manager.next();
        assert!(!told.contains("WATCHDOG"), "{told}");
        if told.contains("STOPPING=1") {
            break;
        }
    }
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

#[test]
fn a_manager_that_is_not_there_keeps_nobody_from_serving() {
    let store = Store::new();
    for socket in ["/no/such/socket", "@nobody-listens", "nonsense"] {
        let mut server = serve(&store, &[("NOTIFY_SOCKET", socket)]);
        wait_until("the file is there", || store.db.exists());
        signal(&server, "TERM");
        assert_eq!(server.wait().unwrap().code(), Some(0), "{socket}");
        fs::remove_file(&store.db).unwrap();
    }
}

#[test]
fn a_directory_where_everybody_can_replace_files_is_refused_unless_told() {
    let store = Store::new();
    let directory = store.file("open");
    fs::create_dir(&directory).unwrap();
    fs::set_permissions(&directory, Permissions::from_mode(0o777)).unwrap();
    let db = directory.join("runs.sqlite");
    let output = logstore(["serve", "--port", "0", "--db"])
        .arg(&db)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    for text in [
        "open is a directory where everybody",
        "chmod o-w",
        "--insecure-directory",
    ] {
        assert!(said.contains(text), "{said}");
    }
    assert!(!db.exists());
    Server::start_with(&db, &["--insecure-directory"]).terminate();
    // As /tmp is.
    fs::set_permissions(&directory, Permissions::from_mode(0o1777)).unwrap();
    Server::start(&db).terminate();
}

#[test]
fn the_files_are_as_the_umask_has_it() {
    for (umask, expected) in [("077", 0o600), ("027", 0o640), ("022", 0o644)] {
        let store = Store::new();
        let shell = format!("umask {umask}; exec \"$0\" serve --port 0 --db \"$1\"");
        let mut server = Command::new("sh")
            .args(["-c", &shell, env!("CARGO_BIN_EXE_logstore")])
            .arg(&store.db)
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        for name in ["runs.sqlite", "runs.sqlite-wal", "runs.sqlite-shm"] {
            let file = store.file(name);
            wait_until(name, || file.exists());
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, expected, "{name}");
        }
        signal(&server, "TERM");
        server.wait().unwrap();
    }
}

fn unit() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist/logstore.service");
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_unit_starts_the_server_with_flags_that_there_are() {
    let unit = unit();
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="));
    let mut words = line.unwrap().split(' ');
    assert_eq!(words.next(), Some("/usr/local/bin/logstore"));
    assert_eq!(words.next(), Some("serve"));
    let help = logstore(["serve", "--help"]).output().unwrap().stdout;
    let help = String::from_utf8(help).unwrap();
    for flag in words.filter(|word| word.starts_with("--")) {
        assert!(help.contains(flag), "{flag}");
    }
    for setting in [
        "Type=notify",
        "WatchdogSec=",
        "DynamicUser=yes",
        "StateDirectory=logstore",
        "ProtectSystem=strict",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=\n",
        "MemoryMax=",
        "TimeoutStopSec=",
    ] {
        assert!(unit.contains(setting), "{setting}");
    }
}

#[test]
fn systemd_finds_no_fault_with_the_unit() {
    let store = Store::new();
    let path = store.file("logstore.service");
    // What it starts has to be there.
    let unit = unit().replace("/usr/local/bin/logstore", env!("CARGO_BIN_EXE_logstore"));
    fs::write(&path, unit).unwrap();
    let verify = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&path)
        .output();
    let Ok(output) = verify else {
        // It is a test for machines that have systemd.
        return;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("logstore.service:"), "{said}");
}
