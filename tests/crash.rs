//! A server that is killed again and again under load: what was acknowledged is there, once, in order, and no transaction is torn.
//!
//! `LOGSTORE_TEST_KILLS` says how often it is killed: 200 times take some minutes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;

/// How many records a request brings: they are stored in one transaction.
const BATCH: u64 = 50;

/// The fields by which the server knows what comes twice.
const NUMBERED: [&str; 2] = ["client", "seq"];

struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(db: &Path) -> Self {
        let began = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_logstore"))
            .args(["serve", "--port", "0", "--queue-capacity", "500", "--db"])
            .arg(db)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            let line = line.unwrap();
            let rest = line.split_once("listening on ")?.1;
            rest.split_once(',')?.0.parse().ok()
        });
        // Nobody reads what else it says, but the pipe must not end.
        std::thread::spawn(move || lines.for_each(drop));
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{:?}",
            began.elapsed()
        );
        Server {
            child,
            address: address.unwrap(),
        }
    }

    fn end(mut self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", signal, &id])
                .status()
                .unwrap()
                .success()
        );
        self.child.wait().unwrap();
    }
}

/// A client that sends its next batch when the last one was acknowledged, and sends again what was not.
struct Client {
    name: String,
    /// What its name and its numbers are called: by those of [`NUMBERED`] the server knows what comes twice.
    fields: [&'static str; 2],
    /// How many batches were acknowledged.
    acknowledged: u64,
}

impl Client {
    /// Sends until the server is gone, or so many batches are acknowledged.
    fn run(&mut self, address: SocketAddr, most: u64, stop: &AtomicBool) {
        let Ok(stream) = TcpStream::connect(address) else {
            return;
        };
        let mut answers = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        while self.acknowledged < most && !stop.load(Ordering::Relaxed) {
            let mut body = String::new();
            for number in 1..=BATCH {
                let seq = self.acknowledged * BATCH + number;
                let (own, [name, number]) = (&self.name, self.fields);
                let _ = writeln!(
                    body,
                    "{{\"msg\":\"{seq}\",\"{name}\":\"{own}\",\"{number}\":{seq}}}"
                );
            }
            let head = format!(
                "POST /ingest HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let sent = stream.write_all((head + &body).as_bytes());
            if sent.is_err() || !is_taken(&mut answers) {
                return;
            }
            self.acknowledged += 1;
        }
    }
}

/// Reads an answer: whether it is a 200.
fn is_taken(answers: &mut BufReader<TcpStream>) -> bool {
    let (mut first, mut length) = (String::new(), 0);
    if answers.read_line(&mut first).is_err() || !first.starts_with("HTTP/1.1 200") {
        return false;
    }
    loop {
        let mut line = String::new();
        if answers.read_line(&mut line).is_err() || line.is_empty() {
            return false;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            return answers.read_exact(&mut vec![0; length]).is_ok();
        }
    }
}

/// The numbers of each client's records, in the order in which they were stored.
fn stored(db: &Path) -> BTreeMap<String, Vec<u64>> {
    let connection = Connection::open(db).unwrap();
    let sound: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
    let mut statement = connection
        .prepare(
            "SELECT coalesce(extra ->> 'client', extra ->> 'who') AS who, coalesce(extra ->> 'seq', extra ->> 'nr') \
             FROM record WHERE who IS NOT NULL ORDER BY id",
        )
        .unwrap();
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?)))
        .unwrap();
    let mut stored: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for row in rows {
        let (client, seq): (String, i64) = row.unwrap();
        stored.entry(client).or_default().push(seq.cast_unsigned());
    }
    stored
}

/// What is there of each client is all that was acknowledged, in order, and whole batches: each once or, where nothing tells what comes
/// twice, again only where it was sent again, right behind itself.
fn check(db: &Path, clients: &[Client]) {
    let stored = stored(db);
    for client in clients {
        let name = &client.name;
        let none = Vec::new();
        let mut batches = 0;
        for seqs in stored
            .get(name)
            .unwrap_or(&none)
            .chunks(usize::try_from(BATCH).unwrap())
        {
            let batch = seqs[0] / BATCH;
            let whole: Vec<u64> = (1..=BATCH).map(|number| batch * BATCH + number).collect();
            assert_eq!(seqs, whole, "{name}");
            let is_again = client.fields != NUMBERED && batch + 1 == batches;
            assert!(
                batch == batches || is_again,
                "{name}: {batch} behind {batches}"
            );
            batches = batch + 1;
        }
        assert!(
            batches >= client.acknowledged,
            "{name}: {batches} of {}",
            client.acknowledged
        );
    }
}

#[test]
fn what_was_acknowledged_before_a_kill_is_there_once() {
    let kills: u64 =
        std::env::var("LOGSTORE_TEST_KILLS").map_or(15, |kills| kills.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("logs.sqlite");
    let mut clients: Vec<Client> = (0..4)
        .map(|number| Client {
            name: format!("client-{number}"),
            fields: if number < 2 { NUMBERED } else { ["who", "nr"] },
            acknowledged: 0,
        })
        .collect();
    for kill in 0..kills {
        let server = Server::start(&db);
        let address = server.address;
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for client in &mut clients {
                scope.spawn(|| client.run(address, u64::MAX, &stop));
            }
            // Every moment of a transaction has its turn: the pauses are spread evenly, by the golden ratio.
            std::thread::sleep(Duration::from_micros(kill * 61_803 % 150_000));
            server.end("KILL");
        });
        check(&db, &clients);
    }
    // Who has heard nothing sends again.
    let server = Server::start(&db);
    let most = clients
        .iter()
        .map(|client| client.acknowledged)
        .max()
        .unwrap()
        + 1;
    for client in &mut clients {
        client.run(server.address, most, &AtomicBool::new(false));
        assert_eq!(client.acknowledged, most);
    }
    server.end("TERM");
    check(&db, &clients);
    assert!(
        most > kills / 2,
        "only {most} batches of each client were acknowledged"
    );
    let names: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        !names
            .iter()
            .any(|name| name.to_string_lossy().contains("spill")),
        "{names:?}"
    );
}
