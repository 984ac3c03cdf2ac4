//! `ServerContext`: receiver, queue and store, started together and stopped in reverse, losing nothing.

mod figures;
mod own;
mod page;
mod summary;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use crate::batch::Batch;
use crate::error::{Error, ServerError};
use crate::handler::{HandlerBuilder, SQLiteQueueHandler};
use crate::net::{
    DEFAULT_MAX_CONNECTIONS, LogRecordSocketReceiver, ReceiverCounters, Stop, TlsFiles, Tokens,
};
use crate::queue::Overflow;
use crate::report::{Report, Reporter};
use crate::wire::{DEFAULT_FRAME_LIMIT, Protocol};

pub use figures::Figures;
pub use own::OwnRecords;
use page::Measured;
pub use summary::Summary;

/// Python's `logging.handlers.DEFAULT_TCP_LOGGING_PORT`.
pub const DEFAULT_PORT: u16 = 9020;

/// A running server. It is stopped by [`ServerContext::close`], or by being dropped.
///
/// ```
/// use logstore::ServerContext;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("runs.sqlite");
/// let mut server = ServerContext::builder().port(0).start(&path)?;
/// println!("point a SocketHandler at {}", server.local_addr());
/// let summary = server.close()?;
/// assert_eq!(summary.records.dropped, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ServerContext {
    local_addr: SocketAddr,
    measured: Arc<Measured>,
    own_records: OwnRecords,
    stop: Stop,
    receiver: Option<JoinHandle<Result<(), ServerError>>>,
}

impl ServerContext {
    /// Settings to choose before the server is started.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::default()
    }

    /// The address that the server listens on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The handler behind the receiver: the same process can log through it, too.
    #[must_use]
    pub fn handler(&self) -> &SQLiteQueueHandler {
        &self.measured.handler
    }

    /// What the server has done so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let handler = &self.measured.handler;
        Summary::of(
            handler.counters(),
            handler.removed(),
            &self.measured.counters,
        )
    }

    /// What the server has measured so far, and what its files have.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures::of(&self.measured)
    }

    /// What the server counts and measures, in the text format of Prometheus: what `GET /metrics` answers.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.measured.page()
    }

    /// Whether the receiver still runs and takes records: it ends by [`ServerContext::close`], or by a fault.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.receiver
            .as_ref()
            .is_some_and(|receiver| !receiver.is_finished())
            && self.measured.handler.is_open()
    }

    /// Whether its threads have moved within so long: the receiver's, and the writer's while records wait to be stored. One that tries in
    /// vain moves.
    #[must_use]
    pub fn has_moved_within(&self, patience: Duration) -> bool {
        let handler = &self.measured.handler;
        let writer_hangs =
            handler.counters().queued > 0 && handler.metrics().tries.rests_for() > patience;
        !writer_hangs && self.measured.counters.turns.rests_for() <= patience
    }

    /// Stops: accepts no more, reads what has arrived, stores all of it. Closing again does nothing.
    ///
    /// # Errors
    ///
    /// When records could not be stored, or the receiver could not run; [`ServerContext::summary`] tells the numbers also then.
    pub fn close(&mut self) -> Result<Summary, Error> {
        self.stop.stop();
        let received = match self.receiver.take() {
            Some(receiver) => receiver.join().unwrap_or_else(|_| {
                Err(ServerError::Thread(std::io::Error::other(
                    "the receiver thread has panicked",
                )))
            }),
            None => Ok(()),
        };
        let handler = &self.measured.handler;
        if self.own_records == OwnRecords::On && handler.is_open() {
            let measured = Arc::clone(&self.measured);
            handler.say_last(move |records| {
                let removed = measured.handler.removed();
                own::stopped(&Summary::of(*records, removed, &measured.counters))
            });
        }
        handler.close()?;
        received?;
        Ok(self.summary())
    }
}

/// Stops the server as well as it can: an error has nobody to go to.
impl Drop for ServerContext {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

/// A tap on its way to the receiver's thread.
type SendTap = Box<dyn Fn(&Batch) + Send>;

/// Settings of a [`ServerContext`].
#[must_use]
pub struct ServerBuilder {
    host: String,
    port: u16,
    frame_limit: usize,
    handler: HandlerBuilder,
    reporter: Reporter,
    tap: Option<SendTap>,
    protocol: Option<Protocol>,
    udp: bool,
    tls: Option<TlsFiles>,
    tokens: Option<Tokens>,
    insecure: bool,
    insecure_directory: bool,
    max_connections: usize,
    idle_timeout: Option<Duration>,
    message_timeout: Option<Duration>,
    query_timeout: Option<Duration>,
    own_records: OwnRecords,
}

impl Default for ServerBuilder {
    fn default() -> Self {
        ServerBuilder {
            host: "127.0.0.1".into(),
            port: DEFAULT_PORT,
            frame_limit: DEFAULT_FRAME_LIMIT,
            handler: HandlerBuilder::default().overflow(Overflow::Spill),
            reporter: Arc::new(|_| {}),
            tap: None,
            protocol: None,
            udp: false,
            tls: None,
            tokens: None,
            insecure: false,
            insecure_directory: false,
            max_connections: DEFAULT_MAX_CONNECTIONS,
            idle_timeout: None,
            message_timeout: None,
            query_timeout: None,
            own_records: OwnRecords::default(),
        }
    }
}

impl ServerBuilder {
    /// The address to listen on: 127.0.0.1 by default.
    pub fn host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// The port to listen on: [`DEFAULT_PORT`] by default, 0 for any free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// How many bytes a frame may have; at most [`MAX_FRAME_LIMIT`](crate::wire::MAX_FRAME_LIMIT).
    pub fn frame_limit(mut self, bytes: usize) -> Self {
        self.frame_limit = bytes.min(crate::wire::MAX_FRAME_LIMIT);
        self
    }

    /// The one protocol that clients speak; by default the first byte tells.
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.protocol = Some(protocol);
        self
    }

    /// Takes datagrams on the same port of UDP, too: syslog, GELF and the frames of Python's `DatagramHandler`.
    pub fn udp(mut self) -> Self {
        self.udp = true;
        self
    }

    /// Greets TLS clients on the same port, too; only those, when they have to show certificates.
    pub fn tls(mut self, files: TlsFiles) -> Self {
        self.tls = Some(files);
        self
    }

    /// Serves only those HTTP requests that bring one of these tokens.
    pub fn tokens(mut self, tokens: Tokens) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// Lets other machines reach the server although nobody has to prove anything: neither a certificate nor a token is demanded.
    pub fn insecure(mut self) -> Self {
        self.insecure = true;
        self
    }

    /// Writes also where other users of the machine could change the file or put another in its place.
    pub fn insecure_directory(mut self) -> Self {
        self.insecure_directory = true;
        self
    }

    /// How many connections may be open: [`DEFAULT_MAX_CONNECTIONS`] by default, at least 1. One more is closed at once, counted and
    /// reported. As many files have to be allowed to the process, and some more.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections;
        self
    }

    /// How long a connection may be silent before it is closed in good order: for ever by default, as Python's `SocketHandler` may be.
    /// HTTP has limits of its own.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// How long a client may take for one frame, message or body: five minutes by default. Time in which it waits for us does not count.
    pub fn message_timeout(mut self, timeout: Duration) -> Self {
        self.message_timeout = Some(timeout);
        self
    }

    /// How long a question over HTTP may take: [`DEFAULT_QUERY_TIMEOUT`](crate::DEFAULT_QUERY_TIMEOUT) by default.
    pub fn query_timeout(mut self, timeout: Duration) -> Self {
        self.query_timeout = Some(timeout);
        self
    }

    /// Whether the server keeps records of its own, of the logger `logstore`: none by default.
    pub fn own_records(mut self, own_records: OwnRecords) -> Self {
        self.own_records = own_records;
        self
    }

    /// Settings of the queue and the store behind the receiver. Without them, what the store does not take is
    /// [spilled](Overflow::Spill): Python's `SocketHandler` loses records when nobody reads them for a second. Where no
    /// [`retention`](HandlerBuilder::retention) is among them, everything is kept, and the file says so.
    pub fn handler(mut self, handler: HandlerBuilder) -> Self {
        self.handler = handler;
        self
    }

    /// Who is told of bad frames, faults, losses and recoveries. Called from the server's threads: it must not block.
    pub fn on_report(mut self, reporter: impl Fn(&Report) + Send + Sync + 'static) -> Self {
        self.reporter = Arc::new(reporter);
        self
    }

    /// Who sees every run of records as it arrives. Called from the receiver's thread: it must not block.
    pub fn on_batch(mut self, tap: impl Fn(&Batch) + Send + 'static) -> Self {
        self.tap = Some(Box::new(tap));
        self
    }

    /// Opens the store, listens, and starts the threads.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened for writing or is [not safe](crate::StoreError::UnsafePlace) from other users, the address cannot be listened on, a file for TLS cannot be used, or
    /// [anybody could come in](ServerError::Exposed).
    pub fn start(self, path: impl AsRef<Path>) -> Result<ServerContext, Error> {
        // The port first: a second server on it must not touch the file.
        let mut receiver = LogRecordSocketReceiver::bind(&self.host, self.port, self.frame_limit)?
            .protocol(self.protocol)
            .max_connections(self.max_connections)
            .idle_timeout(self.idle_timeout);
        if let Some(timeout) = self.message_timeout {
            receiver = receiver.message_timeout(timeout);
        }
        if let Some(timeout) = self.query_timeout {
            receiver = receiver.query_timeout(timeout);
        }
        if let Some(files) = &self.tls {
            receiver = receiver.tls(files)?;
        }
        if let Some(tokens) = self.tokens {
            receiver = receiver.tokens(tokens);
        }
        if receiver.is_exposed() && !self.insecure {
            return Err(ServerError::Exposed { host: self.host }.into());
        }
        if self.insecure {
            receiver = receiver.insecure();
        }
        if self.udp && self.protocol == Some(Protocol::Http) {
            return Err(ServerError::UdpHasNoHttp.into());
        }
        if self.udp {
            if self.tls.is_some_and(|files| files.client_ca.is_some()) {
                return Err(ServerError::UdpIsUnproven.into());
            }
            receiver = receiver.udp()?;
        }
        let local_addr = receiver.local_addr();
        #[cfg(unix)]
        if !self.insecure_directory {
            crate::store::check_place(path.as_ref())?;
        }
        let reporter = self.reporter;
        let path = path.as_ref();
        let mut settings = self.handler.also_report(Arc::clone(&reporter));
        settings.notes_reports = self.own_records == OwnRecords::On;
        receiver = receiver.room(settings.room.unwrap_or_default());
        let handler = Arc::new(settings.or_keep_all().open(path)?);
        let counters = Arc::new(ReceiverCounters::default());
        if self.own_records == OwnRecords::On {
            handler.note(&own::started(local_addr, path));
        }
        let measured = Arc::new(Measured {
            handler: Arc::clone(&handler),
            counters: Arc::clone(&counters),
            max_connections: self.max_connections.max(1),
            path: path.to_owned(),
            started: SystemTime::now(),
        });
        let shown = Arc::clone(&measured);
        receiver = receiver.metrics(move || shown.page()).database(path);
        let stop = Stop::default();
        let thread = {
            let (tap, stop) = (self.tap, stop.clone());
            std::thread::Builder::new()
                .name("logstore-receiver".into())
                .spawn(move || {
                    let tap = tap.map(|tap| -> Box<dyn Fn(&Batch)> { tap });
                    receiver.serve(handler, tap, &reporter, counters, &stop)
                })
        };
        let thread = thread.map_err(ServerError::Thread)?;
        Ok(ServerContext {
            local_addr,
            measured,
            own_records: self.own_records,
            stop,
            receiver: Some(thread),
        })
    }
}
