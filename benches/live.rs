//! What live tails cost the writer: `cargo bench --bench live`. With `--check` a missed bar is a failure.

#[expect(
    dead_code,
    unused_imports,
    reason = "the benchmarks with a table need more of it"
)]
mod common;
mod frame;
mod server;

use std::fs;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use logstore::{Level, LogRecord, Site};
use rusqlite::{Connection, OpenFlags};

use common::{Result, middle, number, verdict};
use frame::write_frame;
use server::Server;

const LISTENERS: usize = 1000;
const ROUNDS: usize = 5;
const RECORDS: usize = 100_000;
/// One in so many is heard.
const HEARD: usize = 100;
/// Records come in so many bursts, with a rest behind each: as fast as a busy pipeline logs, not as fast as can be.
const BURSTS: usize = 100;
const REST: Duration = Duration::from_millis(40);
const POLL: Duration = Duration::from_millis(2);

/// The bar: the writer's time with listeners, of that without.
const MOST: f64 = 1.1;

fn main() -> ExitCode {
    common::end("live", run())
}

fn run() -> Result<ExitCode> {
    let dir = tempfile::tempdir()?;
    let (mut alone, mut listened, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let store = |name: &str| dir.path().join(format!("{name}{round}.sqlite"));
        let without = writer_ms(&store("alone"), 0)?;
        let with = writer_ms(&store("listened"), LISTENERS)?;
        ratios.push(with / without);
        alone.push(without);
        listened.push(with);
    }
    let ratio = middle(ratios);
    writeln!(
        io::stdout(),
        "{RECORDS} records: the writer takes {:.0} ms of CPU, {:.0} ms beside {LISTENERS} live tails that hear {} each; {}",
        middle(alone),
        middle(listened),
        RECORDS / HEARD,
        verdict(&format!("{ratio:.2} <= {MOST}"), ratio <= MOST),
    )?;
    let checks = std::env::args().any(|argument| argument == "--check");
    Ok(if checks && ratio > MOST {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// How long the writer runs for all records, in milliseconds, while so many listen.
fn writer_ms(path: &Path, listeners: usize) -> Result<f64> {
    let server = Server::start(path)?;
    let mut streams = Vec::new();
    for _ in 0..listeners {
        let mut stream = TcpStream::connect(&server.address)?;
        stream.write_all(b"GET /api/stream?level=warning HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")?;
        stream.read_exact(&mut [0])?;
        stream.set_nonblocking(true)?;
        streams.push(stream);
    }
    let (heard, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let took = thread::scope(|scope| {
        let hearing = scope.spawn(|| hear(&mut streams, &heard, &stop));
        let took = send(&server, path).and_then(|()| {
            let all = listeners * RECORDS / HEARD;
            let began = Instant::now();
            while heard.load(Ordering::Relaxed) < all {
                if began.elapsed() > Duration::from_mins(1) {
                    return Err("the listeners have not heard everything".into());
                }
                thread::sleep(POLL);
            }
            running_ms(&server)
        });
        stop.store(true, Ordering::Relaxed);
        hearing.join().map_err(|_| "the listener has panicked")??;
        took
    })?;
    server.stop()?;
    Ok(took)
}

/// Reads what comes and counts the events of records.
fn hear(streams: &mut [TcpStream], heard: &AtomicUsize, stop: &AtomicBool) -> io::Result<()> {
    let event = memchr::memmem::Finder::new("\ndata: {\"id\":");
    let mut buffer = vec![0; 1 << 20];
    while !stop.load(Ordering::Relaxed) {
        for stream in &mut *streams {
            match stream.read(&mut buffer) {
                // The server writes events as a whole; one that is read in two halves would be seen in neither.
                Ok(length) => {
                    let events = event.find_iter(&buffer[..length]).count();
                    heard.fetch_add(events, Ordering::Relaxed);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        thread::sleep(POLL);
    }
    Ok(())
}

/// Sends all records, and waits until they are stored.
fn send(server: &Server, path: &Path) -> Result<()> {
    let mut burst = Vec::new();
    for record in 0..RECORDS / BURSTS {
        let level = if record % HEARD == 0 {
            Level::WARNING
        } else {
            Level::INFO
        };
        let site = Site::new("pipeline.step", level);
        let message = format!(
            "step {record} took {} ms on node {}",
            record * 7 % 1000,
            record % 16
        );
        write_frame(&LogRecord::new(site, message), &mut burst);
    }
    let mut client = TcpStream::connect(&server.address)?;
    for _ in 0..BURSTS {
        client.write_all(&burst)?;
        thread::sleep(REST);
    }
    let reader = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let stored = || -> Result<i64> {
        let sql = "SELECT coalesce(max(id), 0) FROM record";
        Ok(reader.query_row(sql, [], |row| row.get(0))?)
    };
    while usize::try_from(stored()?)? < RECORDS {
        thread::sleep(POLL);
    }
    Ok(())
}

/// How long the writer's thread has run.
fn running_ms(server: &Server) -> Result<f64> {
    for task in fs::read_dir(format!("/proc/{}/task", server.id()))? {
        let task = task?.path();
        if fs::read_to_string(task.join("comm"))?.trim() == "logstore-writer" {
            // The first figure: nanoseconds on a processor.
            let schedstat = fs::read_to_string(task.join("schedstat"))?;
            let ran = schedstat.split(' ').next().unwrap_or_default();
            return Ok(number(ran.parse()?) / 1e6);
        }
    }
    Err("the server has no writer".into())
}
