//! `ServerContext`: receiver, queue and store, started together and stopped in reverse, losing nothing.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use crate::batch::Batch;
use crate::error::{Error, ServerError};
use crate::handler::{HandlerBuilder, SQLiteQueueHandler};
use crate::net::{LogRecordSocketReceiver, ReceiverCounters, Stop, TlsFiles, Tokens};
use crate::queue::{Counters, Overflow};
use crate::report::{Report, Reporter, counted};
use crate::wire::{DEFAULT_FRAME_LIMIT, Protocol};

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
    handler: Arc<SQLiteQueueHandler>,
    counters: Arc<ReceiverCounters>,
    stop: Stop,
    receiver: Option<JoinHandle<Result<(), ServerError>>>,
}

/// What a server has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// What became of the records.
    pub records: Counters,
    /// How many connections were accepted.
    pub connections: u64,
    /// How many frames could not be decoded or did not arrive completely.
    pub bad_frames: u64,
    /// How many records retention has removed.
    pub removed: u64,
}

/// One line: what was received and what became of it.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counters {
            accepted,
            stored,
            dropped,
            failed,
            spilled,
            duplicates,
            shed,
            ..
        } = self.records;
        write!(
            f,
            "{} received over {}, {stored} stored, {dropped} dropped",
            counted(accepted, "record", "records"),
            counted(self.connections, "connection", "connections"),
        )?;
        if shed > 0 {
            write!(f, ", {shed} left out for want of room on the disk")?;
        }
        if duplicates > 0 {
            write!(f, ", {duplicates} came twice")?;
        }
        if spilled > 0 {
            write!(f, ", {spilled} kept in the spill file")?;
        }
        if failed > 0 {
            write!(f, ", {failed} could not be stored")?;
        }
        if self.bad_frames > 0 {
            let frames = counted(self.bad_frames, "frame", "frames");
            write!(f, "; {frames} could not be decoded")?;
        }
        if self.removed > 0 {
            let records = counted(self.removed, "record", "records");
            write!(f, "; {records} removed by retention")?;
        }
        Ok(())
    }
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
        &self.handler
    }

    /// What the server has done so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary {
            records: self.handler.counters(),
            connections: self.counters.connections.load(Ordering::Relaxed),
            bad_frames: self.counters.bad_frames.load(Ordering::Relaxed),
            removed: self.handler.removed(),
        }
    }

    /// Whether the receiver still runs and takes records: it ends by [`ServerContext::close`], or by a fault.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.receiver
            .as_ref()
            .is_some_and(|receiver| !receiver.is_finished())
            && self.handler.is_open()
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
        self.handler.close()?;
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
            .protocol(self.protocol);
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
        let handler = self.handler.also_report(Arc::clone(&reporter));
        let handler = handler.or_keep_all().open(path)?;
        let handler = Arc::new(handler);
        let counters = Arc::new(ReceiverCounters::default());
        let stop = Stop::default();
        let thread = {
            let (sink, counters) = (Arc::clone(&handler), Arc::clone(&counters));
            let (tap, stop) = (self.tap, stop.clone());
            std::thread::Builder::new()
                .name("logstore-receiver".into())
                .spawn(move || {
                    let tap = tap.map(|tap| -> Box<dyn Fn(&Batch)> { tap });
                    receiver.serve(sink, tap, &reporter, counters, &stop)
                })
        };
        let thread = thread.map_err(ServerError::Thread)?;
        Ok(ServerContext {
            local_addr,
            handler,
            counters,
            stop,
            receiver: Some(thread),
        })
    }
}
