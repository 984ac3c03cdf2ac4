//! Part (c): `logstore serve` and a client that sends frames, made beforehand, as fast as the server takes them.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use logstore::LogRecord;
use rusqlite::{Connection, OpenFlags};

use crate::Result;
use crate::frame::write_frame;
use crate::measure::{Outcome, Process, Stopwatch};
use crate::server::Server;
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

    let process = Process::of(server.id());
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
