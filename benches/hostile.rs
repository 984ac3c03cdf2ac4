//! What clients gone wild cost the others: `cargo bench --bench hostile`. With `--check` a missed bar is a failure.

mod frame;
mod server;

use std::error::Error;
use std::io::{self, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use logstore::{Level, LogRecord, Site};
use rusqlite::{Connection, OpenFlags};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use frame::write_frame;
use server::Server;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const IDLE_CONNECTIONS: usize = 10_000;
const SMALL_CLIENTS: usize = 50;
const ROUNDS: usize = 100;
const POLL: Duration = Duration::from_millis(2);

/// The bars: memory with the idle and in the flood, and how long the small clients' records take, for 99 of 100.
const IDLE_BYTES: u64 = 128 << 20;
const FLOOD_BYTES: u64 = 96 << 20;
const FLOOD_P99: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "hostile: {error}");
        ExitCode::from(2)
    })
}

fn run() -> Result<ExitCode> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised)?;
    let dir = tempfile::tempdir()?;
    let mut out = io::stdout();

    let idle_bytes = idle(&dir.path().join("idle.sqlite"), IDLE_CONNECTIONS)?;
    let mib = |bytes: u64| bytes >> 20;
    writeln!(
        out,
        "{} idle connections: {} MiB",
        IDLE_CONNECTIONS,
        mib(idle_bytes)
    )?;

    let flooded = flood(&dir.path().join("flood.sqlite"), ROUNDS)?;
    writeln!(
        out,
        "{} small clients beside a flood of {:.0} records/s, from their send to a reader: median {:.1?}, 99 % {:.1?}, slowest {:.1?}; {} MiB",
        SMALL_CLIENTS,
        flooded.rate,
        flooded.took_percent(50),
        flooded.took_percent(99),
        flooded.took_percent(100),
        mib(flooded.resident_bytes),
    )?;
    let missed = idle_bytes >= IDLE_BYTES
        || flooded.resident_bytes >= FLOOD_BYTES
        || flooded.took_percent(99) >= FLOOD_P99;
    Ok(
        if missed && std::env::args().any(|argument| argument == "--check") {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        },
    )
}

fn frame_of(name: &str, message: &str) -> Vec<u8> {
    let mut frame = Vec::new();
    let record = LogRecord::new(Site::new(name, Level::INFO), message);
    write_frame(&record, &mut frame);
    frame
}

fn resident_bytes(server: &Server) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.ok_or("no VmRSS")?.trim().trim_end_matches(" kB");
    Ok(kib.parse::<u64>()? << 10)
}

fn reader(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    Ok(Connection::open_with_flags(path, flags)?)
}

/// The server's memory with so many connections, each of which has sent one record, when one more has sent another.
fn idle(path: &Path, connections: usize) -> Result<u64> {
    let server = Server::start(path)?;
    let frame = frame_of("idle", "once");
    let mut clients = Vec::new();
    for _ in 0..connections {
        let mut client = TcpStream::connect(&server.address)?;
        client.write_all(&frame)?;
        clients.push(client);
    }
    let reader = reader(path)?;
    let mut busy = TcpStream::connect(&server.address)?;
    busy.write_all(&frame)?;
    let count = || {
        reader.query_row("SELECT count(*) FROM record", [], |row| {
            row.get::<_, i64>(0)
        })
    };
    while usize::try_from(count()?)? <= connections {
        thread::sleep(POLL);
    }
    let resident = resident_bytes(&server)?;
    drop(clients);
    server.stop()?;
    Ok(resident)
}

struct Flooded {
    /// From the send of each small record to its being there for a reader, in order.
    took: Vec<Duration>,
    resident_bytes: u64,
    /// How many records of the flood were stored in a second.
    rate: f64,
}

impl Flooded {
    fn took_percent(&self, percent: usize) -> Duration {
        self.took[(self.took.len() - 1) * percent / 100]
    }
}

fn flood(path: &Path, rounds: usize) -> Result<Flooded> {
    let server = Server::start(path)?;
    let flood = frame_of("flood", "a record of a client gone wild, as fast as it can").repeat(1000);
    let small = frame_of("small", "a little");
    let stop = AtomicBool::new(false);
    let flooded = thread::scope(|scope| {
        scope.spawn(|| -> io::Result<()> {
            let mut client = TcpStream::connect(&server.address)?;
            while !stop.load(Ordering::Relaxed) {
                client.write_all(&flood)?;
            }
            Ok(())
        });
        let flooded = beside_the_flood(&server, path, &small, rounds);
        stop.store(true, Ordering::Relaxed);
        flooded
    })?;
    server.stop()?;
    Ok(flooded)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nobody counts the digits of a rate"
)]
fn beside_the_flood(server: &Server, path: &Path, small: &[u8], rounds: usize) -> Result<Flooded> {
    let reader = reader(path)?;
    let last = || -> Result<i64> {
        let sql = "SELECT coalesce(max(id), 0) FROM record";
        Ok(reader.query_row(sql, [], |row| row.get(0))?)
    };
    // Until it runs.
    while last()? < 100_000 {
        thread::sleep(POLL);
    }
    let mut count = reader.prepare(
        "SELECT count(*) FROM record WHERE id > ?1 AND site IN (SELECT id FROM site WHERE name = 'small')",
    )?;
    let mut clients = Vec::new();
    for _ in 0..SMALL_CLIENTS {
        clients.push(TcpStream::connect(&server.address)?);
    }
    let (mut took, mut resident) = (Vec::new(), 0);
    let (began, first) = (Instant::now(), last()?);
    for _ in 0..rounds {
        let from = last()?;
        let sent = Instant::now();
        for client in &mut clients {
            client.write_all(small)?;
        }
        let mut seen = 0;
        while seen < SMALL_CLIENTS {
            let now: i64 = count.query_row([from], |row| row.get(0))?;
            let now = usize::try_from(now)?;
            took.extend(vec![sent.elapsed(); now - seen]);
            seen = now;
            thread::sleep(POLL);
        }
        resident = resident.max(resident_bytes(server)?);
    }
    took.sort();
    Ok(Flooded {
        took,
        resident_bytes: resident,
        rate: (last()? - first) as f64 / began.elapsed().as_secs_f64(),
    })
}
