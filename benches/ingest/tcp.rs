//! Part (c): `logstore serve` and a client that sends frames, made beforehand, as fast as the server takes them.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use logstore::LogRecord;
use rusqlite::{Connection, OpenFlags};

use crate::Result;
use crate::frame::write_frame;
use crate::measure::{Outcome, Process, Stopwatch};
use crate::workload::Workload;

/// How often the file is asked how far it is.
const POLL: Duration = Duration::from_millis(3);

/// A server that commits nothing for so long has lost something.
const STALLED: Duration = Duration::from_secs(30);

/// From the first byte on these connections to the last commit.
pub(crate) fn run(path: &Path, records: usize, connections: usize) -> Result<Outcome> {
    send(path, records, &streams(records, connections, write_frame))
}

/// The same of text, from one connection.
pub(crate) fn run_lines(
    path: &Path,
    records: usize,
    line: fn(&LogRecord) -> String,
) -> Result<Outcome> {
    let write = |record: &LogRecord, stream: &mut Vec<u8>| {
        stream.extend_from_slice(line(record).as_bytes());
        stream.push(b'\n');
    };
    send(path, records, &streams(records, 1, write))
}

fn send(path: &Path, records: usize, streams: &[Vec<u8>]) -> Result<Outcome> {
    let server = Server::start(path)?;
    let sockets: Vec<TcpStream> = streams
        .iter()
        .map(|_| TcpStream::connect(&server.address))
        .collect::<std::io::Result<_>>()?;

    let process = Process::of(server.child.id());
    let server_cpu = process.cpu_seconds();
    let watch = Stopwatch::start();
    thread::scope(|scope| -> Result<()> {
        let mut senders = Vec::new();
        for (mut socket, stream) in sockets.iter().zip(streams) {
            let send = move || socket.write_all(stream);
            senders.push(
                thread::Builder::new()
                    .name("sender".into())
                    .spawn_scoped(scope, send)?,
            );
        }
        let committed = wait_for(path, records);
        for socket in &sockets {
            // Wakes a sender whose server has stopped reading; the others are done.
            socket.shutdown(std::net::Shutdown::Both)?;
        }
        for sender in senders {
            sender.join().map_err(|_| "a sender panicked")??;
        }
        committed
    })?;
    let client = watch.stop();
    let server_cpu_seconds = process.cpu_seconds() - server_cpu;
    let peak_bytes = process.peak_bytes();
    server.stop()?;
    Ok(Outcome {
        seconds: client.seconds,
        cpu_seconds: client.cpu_seconds + server_cpu_seconds,
        server_cpu_seconds,
        peak_bytes,
        ..Outcome::UNKNOWN
    })
}

/// What each connection sends. As with real clients all records of a process take one connection.
fn streams(
    records: usize,
    connections: usize,
    write: impl Fn(&LogRecord, &mut Vec<u8>),
) -> Vec<Vec<u8>> {
    let mut processes = HashMap::new();
    let mut streams = vec![Vec::new(); connections];
    for record in Workload::new(records).take(records) {
        let next = processes.len();
        let process = *processes.entry(record.origin.process).or_insert(next);
        write(&record, &mut streams[process % connections]);
    }
    streams
}

/// Waits until so many records are committed.
fn wait_for(path: &Path, records: usize) -> Result<()> {
    let reader = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let mut newest = reader.prepare("SELECT coalesce(max(id), 0) FROM record")?;
    let mut progress = (0, Instant::now());
    loop {
        let committed: i64 = newest.query_row([], |row| row.get(0))?;
        if usize::try_from(committed)? >= records {
            return Ok(());
        }
        if committed > progress.0 {
            progress = (committed, Instant::now());
        } else if progress.1.elapsed() > STALLED {
            return Err(format!("the server stopped at {committed} of {records} records").into());
        }
        thread::sleep(POLL);
    }
}

/// The built binary, serving; killed when dropped before [`Server::stop`].
struct Server {
    child: Child,
    /// What it says on stderr; dropping it would close the pipe that the server writes to.
    talk: BufReader<ChildStderr>,
    address: String,
}

impl Server {
    fn start(path: &Path) -> Result<Server> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_logstore"))
            .args([
                "serve",
                "--host",
                "127.0.0.1",
                "--port",
                "0",
                "--quiet",
                "--db",
            ])
            .arg(path)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let talk = BufReader::new(child.stderr.take().ok_or("the server has no stderr")?);
        let mut server = Server {
            child,
            talk,
            address: String::new(),
        };
        let mut said = String::new();
        while server.talk.read_line(&mut said)? > 0 {
            if let Some((_, address)) = said.split_once("listening on ") {
                let end = address.find([',', '\n']).unwrap_or(address.len());
                address[..end].clone_into(&mut server.address);
                return Ok(server);
            }
        }
        Err(format!("the server did not start: {said}").into())
    }

    /// Asks it to end and waits until it has.
    fn stop(mut self) -> Result<()> {
        // The standard library can only kill.
        Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()?;
        let mut said = String::new();
        self.talk.read_to_string(&mut said)?;
        let status = self.child.wait()?;
        if !status.success() {
            return Err(format!("the server ended with {status}: {said}").into());
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail when it has ended already, as it should have.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
