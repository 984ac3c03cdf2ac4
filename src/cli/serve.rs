//! `logstore serve`: collects records until it is told to stop.

use std::io::{self, IsTerminal};
use std::net::IpAddr;
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum, value_parser};
use logstore::wire::{DEFAULT_FRAME_LIMIT, MAX_FRAME_LIMIT, Protocol};
use logstore::{
    DEFAULT_BATCH_SIZE, DEFAULT_MAX_CONNECTIONS, DEFAULT_PORT, DEFAULT_QUEUE_CAPACITY, Durability,
    Level, Overflow, OwnRecords, RoomSettings, SQLiteQueueHandler, ServerBuilder, ServerContext,
    TlsFiles, Tokens,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;
use signal_hook::iterator::Signals;

use super::console::{Background, Talk};
use super::notify::Manager;
use super::retention::RetentionArguments;
use super::size::{parse_size, parse_span};
use super::so_far::SoFar;
use super::{Database, console, echo, open_files};

/// Signals that come together are one request to stop.
const ONE_REQUEST: Duration = Duration::from_millis(300);

/// How long the database is tried at the stop: all of it takes less than ten seconds, and the receiver may need three.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(4);

/// A thread that has not moved for so long hangs. No transaction takes as long.
const HANGS_AFTER: Duration = Duration::from_mins(1);

/// How often a running server looks whether its threads still run.
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP)]
pub(super) struct ServeArguments {
    #[command(flatten)]
    database: Database,

    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    host: String,

    /// The port to listen on; 0 takes any free one and says which
    #[arg(long, default_value_t = DEFAULT_PORT)]
    port: u16,

    /// The one protocol that clients speak: python, json, syslog or http [default: the first byte of each connection tells]
    #[arg(long, value_name = "NAME", value_parser = value_parser!(Protocol))]
    protocol: Option<Protocol>,

    /// Take datagrams on the same port of UDP: syslog, GELF, frames of Python's logging
    #[arg(long, conflicts_with = "client_ca")]
    udp: bool,

    /// The server's certificate and those that vouch for it, in PEM: clients may come with TLS
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// The certificate's private key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// Certificates of who vouches for clients, in PEM: only those with TLS and a certificate of theirs come in
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    client_ca: Option<PathBuf>,

    /// Serve only HTTP requests that bring one of the tokens in this file, one a line
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,

    #[command(flatten)]
    allowed: Allowed,

    /// What a commit survives
    #[arg(long, value_enum, default_value_t = DurabilityChoice::Normal)]
    durability: DurabilityChoice,

    /// How many records may wait to be stored
    #[arg(long, value_name = "RECORDS", default_value_t = DEFAULT_QUEUE_CAPACITY, value_parser = at_least_one)]
    queue_capacity: usize,

    /// How many records one transaction gathers
    #[arg(long, value_name = "RECORDS", default_value_t = DEFAULT_BATCH_SIZE, value_parser = at_least_one)]
    batch_size: usize,

    /// A file of this size beside the database that is given up when the disk is full, so that old records can still be removed; 0 for none
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = parse_size)]
    reserve: u64,

    /// Keep so much of the disk free: with --max-size old records go for it, else new ones of low levels are left out
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    min_free: Option<u64>,

    /// What happens when the queue is full
    #[arg(long, value_enum, default_value_t = OverflowChoice::Spill)]
    overflow: OverflowChoice,

    /// What may be written to the spill files, in bytes or as 64MiB, 1GiB
    #[arg(long, value_name = "SIZE", default_value = "1GiB", value_parser = parse_size)]
    spill_max: u64,

    /// The longest frame a client may send, in bytes or as 64KiB, 16MiB; up to 256MiB
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = frame_limit)]
    frame_limit: usize,

    /// How many connections may be open; one more is closed at once
    #[arg(long, value_name = "CONNECTIONS", default_value_t = DEFAULT_MAX_CONNECTIONS, value_parser = at_least_one)]
    max_connections: usize,

    /// Close connections that have sent nothing for so long: 30s, 12h [default: never]; over HTTP two minutes are the limit. Python's
    /// `SocketHandler` does not notice, and loses the first record after that
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    idle_timeout: Option<Duration>,

    /// How long a question over HTTP may take: 30s, 5m
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_span)]
    query_timeout: Duration,

    /// Say on stderr every so often what has come and what became of it: 10s, 1h
    #[arg(long, value_name = "DURATION", value_parser = parse_span)]
    report_every: Option<Duration>,

    /// Keep records of the server's own, of the logger `logstore`: its starts and stops, and when it could not store
    #[arg(long, value_enum, default_value_t = OwnRecordsChoice::On)]
    own_records: OwnRecordsChoice,

    /// Show arriving records on stdout, of this level and above or all [default: on a terminal all]
    #[arg(long, value_name = "LEVEL", num_args = 0..=1, default_missing_value = "notset", value_parser = value_parser!(Level))]
    echo: Option<Level>,

    /// Show no records
    #[arg(short, long, conflicts_with = "echo")]
    quiet: bool,

    #[command(flatten)]
    retention: RetentionArguments,
}

const AFTER_HELP: &str = "\
Ctrl-C and SIGTERM stop it: what has arrived is stored before. So does SIGHUP on a terminal; elsewhere it does nothing, since there is nothing to \
open anew: a file that is moved or deleted is followed by itself.";

/// What is refused unless it is asked for.
#[derive(Debug, Args)]
struct Allowed {
    /// Let other machines come in without a certificate or a token
    #[arg(long)]
    insecure: bool,

    /// Write also where other users of this machine could change the file or put another in its place
    #[arg(long)]
    insecure_directory: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DurabilityChoice {
    /// The end of the process at any moment; the last commits may be lost when the power goes
    Normal,
    /// A power cut: every commit waits for the disk
    Full,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OwnRecordsChoice {
    /// They are kept, and in no count
    On,
    /// Only drops are noted
    Off,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OverflowChoice {
    /// Clients wait until there is room; for a database that does not move, records go to files beside it and come back in order
    Spill,
    /// Clients wait until there is room
    Block,
    /// What arrives is dropped, counted and noted in the log
    DropNewest,
    /// What has waited longest is dropped, counted and noted in the log
    DropOldest,
}

pub(super) fn run(arguments: &ServeArguments) -> anyhow::Result<()> {
    let ServeArguments {
        database,
        host,
        port,
        ..
    } = arguments;
    // First of all, so that a signal during the start is not lost.
    let signals = signals().context("cannot listen for signals")?;
    let (talk, talking) = Talk::start().context("cannot start a thread")?;
    let reports = talk.clone();
    let handler = SQLiteQueueHandler::builder()
        .queue_capacity(arguments.queue_capacity)
        .batch_size(arguments.batch_size)
        .close_timeout(CLOSE_TIMEOUT)
        .spill_max_bytes(arguments.spill_max)
        .room(RoomSettings {
            reserve_bytes: arguments.reserve,
            min_free_bytes: arguments.min_free.unwrap_or(0),
        })
        .retention(arguments.retention.retention()?)
        .durability(match arguments.durability {
            DurabilityChoice::Normal => Durability::Normal,
            DurabilityChoice::Full => Durability::Full,
        })
        .overflow(match arguments.overflow {
            OverflowChoice::Spill => Overflow::Spill,
            OverflowChoice::Block => Overflow::Block,
            OverflowChoice::DropNewest => Overflow::DropNewest,
            OverflowChoice::DropOldest => Overflow::DropOldest,
        });
    let mut builder = ServerContext::builder()
        .host(host)
        .port(*port)
        .frame_limit(arguments.frame_limit)
        .own_records(match arguments.own_records {
            OwnRecordsChoice::On => OwnRecords::On,
            OwnRecordsChoice::Off => OwnRecords::Off,
        })
        .handler(handler)
        .on_report(move |report| reports.say(report.to_string()));
    builder = arguments.open_doors(builder)?;
    let room = open_files::make_room(arguments.max_connections);
    if let Err(fit) = room {
        builder = builder.max_connections(fit);
    }
    let mut echo = None;
    if let Some(level) = arguments.echo_level() {
        let (writer, tap) = echo::start(level).context("cannot start the echo")?;
        echo = Some(writer);
        builder = builder.on_batch(tap);
    }
    let mut server = builder.start(&database.db)?;

    let address = server.local_addr();
    talk.say(format!(
        "listening on {address}, writing to {}; stop with Ctrl-C or SIGTERM",
        database.db.display()
    ));
    if let Err(fit) = room {
        talk.say(format!(
            "only {fit} connections fit into the limit of open files, not {}; `ulimit -n` raises it",
            arguments.max_connections
        ));
    }
    if arguments.allowed.insecure && !is_loopback(address.ip()) {
        talk.say("everybody who reaches this address can send records");
    }
    let mut manager = Manager::from_environment();
    manager.ready(&format!("listening on {address}"));
    let mut so_far = SoFar::new(arguments.report_every);
    let stopped = wait(&signals, &server, &mut manager, || {
        if let Some(text) = so_far.due(&server) {
            talk.say(text);
        }
    });
    manager.stopping();
    let closed = server.close();
    if let Some(echo) = echo {
        echo.finish();
    }
    talk.say(format!("stopped: {}", server.summary()));
    drop((server, talk));
    talking.finish();
    closed?;
    stopped
}

impl ServeArguments {
    /// Which protocols are spoken, and who may come in.
    fn open_doors(&self, mut builder: ServerBuilder) -> anyhow::Result<ServerBuilder> {
        builder = builder
            .max_connections(self.max_connections)
            .query_timeout(self.query_timeout);
        if let Some(timeout) = self.idle_timeout {
            builder = builder.idle_timeout(timeout);
        }
        if let Some(protocol) = self.protocol {
            builder = builder.protocol(protocol);
        }
        if self.udp {
            builder = builder.udp();
        }
        if let (Some(cert), Some(key)) = (&self.tls_cert, &self.tls_key) {
            builder = builder.tls(TlsFiles {
                cert: cert.clone(),
                key: key.clone(),
                client_ca: self.client_ca.clone(),
            });
        }
        if let Some(path) = &self.token_file {
            builder = builder.tokens(Tokens::read(path)?);
        }
        if self.allowed.insecure {
            builder = builder.insecure();
        }
        if self.allowed.insecure_directory {
            builder = builder.insecure_directory();
        }
        Ok(builder)
    }

    fn echo_level(&self) -> Option<Level> {
        match self.echo {
            Some(level) => Some(level),
            None if !self.quiet && io::stdout().is_terminal() => Some(Level::NOTSET),
            None => None,
        }
    }
}

/// The first signal that asks for a stop, when it comes. The second one ends the process at once. A terminal that is closed
/// (SIGHUP) asks for a stop like the others; without one it is the habit by which daemons are made to open their files anew, which is
/// never needed here: the store follows its path.
fn signals() -> io::Result<Receiver<()>> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    // The limit of a file's size (`ulimit -f`): the write fails then, as on a full disk, and the process goes on.
    flag::register(SIGXFSZ, Arc::default())?;
    if !has_terminal() {
        flag::register(SIGHUP, Arc::default())?;
    } else if !is_hangup_ignored() {
        signals.add_signal(SIGHUP)?;
    }
    let (sender, receiver) = channel();
    std::thread::Builder::new()
        .name("logstore-signals".into())
        .spawn(move || {
            let mut signals = signals.forever();
            signals.next();
            // Nobody listens any more: the server has failed by itself and is about to end.
            let _ = sender.send(());
            let first = Instant::now();
            // One request may come as several signals: `timeout` sends one to its child, and one to all of its group.
            while signals.next().is_some() && first.elapsed() < ONE_REQUEST {}
            let last_words = || console::say("stopped at once; what was still queued is lost");
            if let Ok(thread) = Background::start("logstore-last-words", last_words) {
                thread.finish();
            }
            process::exit(2);
        })?;
    Ok(receiver)
}

fn has_terminal() -> bool {
    io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal()
}

/// Whether whoever started us, `nohup` for one, wants us to outlive the terminal. Only Linux tells.
pub(super) fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (SIGHUP - 1)) != 0)
}

/// Waits for the first signal. A server that has lost one of its threads does not go on pretending.
/// `now_and_then` is called meanwhile.
fn wait(
    signals: &Receiver<()>,
    server: &ServerContext,
    manager: &mut Manager,
    mut now_and_then: impl FnMut(),
) -> anyhow::Result<()> {
    loop {
        match signals.recv_timeout(manager.look_every(LOOK_EVERY)) {
            Ok(()) => return Ok(()),
            Err(RecvTimeoutError::Timeout) if server.is_running() => {
                manager.look(
                    || server.has_moved_within(HANGS_AFTER),
                    || server.summary().to_string(),
                );
                now_and_then();
            }
            Err(_) => bail!("the server has stopped unexpectedly; this is a bug"),
        }
    }
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least 1 is needed".into()),
        Ok(number) => Ok(number),
        Err(error) => Err(error.to_string()),
    }
}

fn frame_limit(text: &str) -> Result<usize, String> {
    let bytes = parse_size(text)?;
    match usize::try_from(bytes) {
        Ok(bytes @ 1..=MAX_FRAME_LIMIT) => Ok(bytes),
        _ => Err(format!(
            "a limit between 1 and {MAX_FRAME_LIMIT} bytes is needed; the default is {DEFAULT_FRAME_LIMIT}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frames_limit_has_limits_of_its_own() {
        assert_eq!(frame_limit("64KiB"), Ok(64 << 10));
        assert_eq!(frame_limit("256 mib"), Ok(256 << 20));
        for bad in ["0", "257MiB", "1GiB", "x", "-1", "99999999999999999999M"] {
            assert!(frame_limit(bad).is_err(), "{bad}");
        }
    }
}
