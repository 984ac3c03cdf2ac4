//! `SocketHandler`: what a program logs through when the store is elsewhere.

use std::fmt;
#[cfg(feature = "net")]
use std::sync::Arc;
use std::time::Duration;

use super::connection::Target;
use super::numbering::Numbering;
use super::store::SocketStore;
#[cfg(feature = "net")]
use super::tls::{ClientTls, Tls};
use crate::error::QueueError;
use crate::handler::{HandlerBuilder, SQLiteQueueHandler};
use crate::queue::{Counters, Overflow};
use crate::record::LogRecord;
use crate::report::Report;
use crate::sink::RecordHandler;
use crate::wire::MAX_FRAME_LIMIT;

/// Takes records from any number of threads and has one thread send them to a server: to logstore's, or to any other that takes
/// the frames of Python's `SocketHandler`.
///
/// Unlike Python's, it loses nothing when the server is slow, away for a while, or started anew: records wait in a bounded queue,
/// the connection is made again after pauses that double, and what was under way when it broke is sent again as a whole. So a
/// record may arrive **twice**, but not never: the ones sent since the last confirmation do, which is at most five seconds
/// or some megabyte of records ago.
///
/// Each record gets two extra fields, `client`, a name for this handler, and `seq`, its number from 1 on: logstore's server stores one that
/// comes twice once, and `logstore gaps` names those that have not come. One that has a field of either name gets neither.
///
/// A confirmation is the end of a connection: the handler ends its side, and a server that has read everything, logstore's also stored
/// it, closes the other. Hence
/// connections are short, and an idle handler has none. A server that does not close its side, as Python's and logstore's
/// do, is taken for one that fails. Dropping the handler closes it.
///
/// ```
/// use logstore::{Level, LogRecord, ServerContext, Site, SocketHandler};
/// use std::time::Duration;
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("runs.sqlite");
/// # #[cfg(feature = "net")] {
/// let mut server = ServerContext::builder().port(0).start(&path)?;
/// let handler = SocketHandler::builder("127.0.0.1", server.local_addr().port()).start()?;
/// handler.emit(&LogRecord::new(Site::new("myapp.area1", Level::INFO), "How quickly daft jumping zebras vex."))?;
/// handler.flush(Duration::from_secs(10))?;
/// assert_eq!(server.close()?.records.stored, 1);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SocketHandler {
    queue: SQLiteQueueHandler,
    numbering: Numbering,
    close_timeout: Duration,
}

/// The largest text of a record that is sent: its frame stays below what any receiver of logstore's can be set to take.
const MAX_RECORD_BYTES: usize = MAX_FRAME_LIMIT / 4;

impl SocketHandler {
    /// Settings to choose before the thread is started. The host is a name or an address; it is looked up at each connection.
    pub fn builder(host: impl Into<String>, port: u16) -> SocketHandlerBuilder {
        SocketHandlerBuilder::new(host.into(), port)
    }

    /// Queues a record. When the queue is full, the [overflow rule](SocketHandlerBuilder::overflow) decides.
    ///
    /// # Errors
    ///
    /// When the handler is closed, or the record has more than 64 MiB of text.
    pub fn emit(&self, record: &LogRecord) -> Result<(), QueueError> {
        let extra = self.numbering.extra_of(record);
        self.queue
            .emit_with(MAX_RECORD_BYTES, record, extra.as_deref())
    }

    /// Waits for so long until the server has confirmed everything queued before: logstore's has stored it then, Python's has read it.
    ///
    /// # Errors
    ///
    /// [`QueueError::Stalled`] when the time is over, with the reason; the records stay queued and are tried again.
    /// [`QueueError::Lost`] when some of them were given up because the handler was closed meanwhile.
    pub fn flush(&self, timeout: Duration) -> Result<(), QueueError> {
        self.queue.flush_within(timeout)
    }

    /// Takes no more records, sends what is queued and ends the thread. Closing again does nothing.
    ///
    /// # Errors
    ///
    /// [`QueueError::Lost`] when the server took or confirmed not all until the
    /// [close timeout](SocketHandlerBuilder::close_timeout), with the reason.
    pub fn close(&self) -> Result<(), QueueError> {
        self.queue.close()
    }

    /// What went in and came out so far. `stored` are the records that the server has confirmed.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.queue.counters()
    }
}

impl RecordHandler for SocketHandler {
    fn handle(&self, record: &LogRecord) -> Result<(), QueueError> {
        self.emit(record)
    }

    fn flush_all(&self) -> Result<(), QueueError> {
        self.flush(self.close_timeout)
    }
}

impl fmt::Debug for SocketHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketHandler")
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}

/// Settings of a [`SocketHandler`].
#[derive(Clone)]
#[must_use]
pub struct SocketHandlerBuilder {
    target: Target,
    #[cfg(feature = "net")]
    tls: Option<ClientTls>,
    queue: HandlerBuilder,
}

impl SocketHandlerBuilder {
    /// How many records are sent with one write at the most.
    const PORTION: usize = 1024;

    fn new(host: String, port: u16) -> Self {
        let mut queue = SQLiteQueueHandler::builder()
            .batch_size(Self::PORTION)
            .overflow(Overflow::DropOldest)
            .close_timeout(Duration::from_secs(5));
        queue.retry.first = Duration::from_millis(100);
        queue.retry.longest = Duration::from_secs(30);
        queue.thread = "logstore-client";
        SocketHandlerBuilder {
            target: Target {
                host,
                port,
                connect_timeout: Duration::from_secs(5),
                send_timeout: Duration::from_secs(30),
                confirm_every: Duration::from_secs(5),
                greet: None,
            },
            #[cfg(feature = "net")]
            tls: None,
            queue,
        }
    }

    /// Sends inside of TLS. The server has to end TLS in good order, too: its `close_notify` is the confirmation, and an end without
    /// one is none. logstore's does so; a Python receiver has to call `unwrap` when it has read all.
    ///
    /// ```no_run
    /// use logstore::{ClientTls, SocketHandler};
    ///
    /// let tls = ClientTls { ca: Some("ca.pem".into()), ..ClientTls::default() };
    /// let handler = SocketHandler::builder("logs.example.org", 9020).tls(tls).start()?;
    /// # Ok::<(), logstore::QueueError>(())
    /// ```
    #[cfg(feature = "net")]
    pub fn tls(mut self, tls: ClientTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// How many records may wait in the queue; at least 1. What is just being sent is not counted.
    pub fn queue_capacity(mut self, records: usize) -> Self {
        self.queue = self.queue.queue_capacity(records);
        self
    }

    /// How many bytes may wait in the queue. A single larger record is let in when nothing else waits.
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.queue = self.queue.queue_bytes(bytes);
        self
    }

    /// What happens when the queue is full. By default the oldest records are dropped: a program goes on while its log server is
    /// away. With [`Overflow::Block`] it waits, and loses nothing.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.queue = self.queue.overflow(overflow);
        self
    }

    /// How long each address of the host gets to answer, and TLS to be agreed on: 5 seconds by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.target.connect_timeout = timeout.max(SHORTEST);
        self
    }

    /// For how long the server may take nothing before the connection is given up: 30 seconds by default. One that is only slow
    /// gets records twice when this is too short.
    pub fn send_timeout(mut self, timeout: Duration) -> Self {
        self.target.send_timeout = timeout.max(SHORTEST);
        self
    }

    /// The pauses between attempts to reach the server: the first one, doubling up to the longest; 100 ms and 30 s by default. Each is
    /// shortened by chance, by up to a half, so that the clients of a server do not all come back at once.
    pub fn retry_pauses(mut self, first: Duration, longest: Duration) -> Self {
        self.queue.retry.first = first.max(SHORTEST);
        self.queue.retry.longest = longest.max(first).max(SHORTEST);
        self
    }

    /// How long a connection lasts before its end confirms what was sent over it: 5 seconds by default. What a breaking connection
    /// sends twice is at most what came since.
    pub fn confirm_every(mut self, period: Duration) -> Self {
        self.target.confirm_every = period;
        self
    }

    /// How long [`SocketHandler::close`] tries to send what is queued when the server cannot be reached: 5 seconds by default. An attempt
    /// that has begun is not cut short.
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.queue = self.queue.close_timeout(timeout);
        self
    }

    /// Who is told of faults, losses and recoveries. Called from the sending thread: it must not block.
    pub fn on_report(mut self, reporter: impl Fn(&Report) + Send + Sync + 'static) -> Self {
        self.queue = self.queue.on_report(reporter);
        self
    }

    /// Starts the sending thread. Whether the server can be reached shows later: records wait for it.
    ///
    /// # Errors
    ///
    /// When the thread cannot be started, or a file for TLS cannot be used.
    pub fn start(self) -> Result<SocketHandler, QueueError> {
        let close_timeout = self.queue.close_timeout;
        let target = self.target;
        #[cfg(feature = "net")]
        let target = match &self.tls {
            Some(settings) => Target {
                greet: Some(Arc::new(Tls::load(settings, &target.host)?)),
                ..target
            },
            None => target,
        };
        let queue = {
            let reporter = self.queue.reporter();
            self.queue.start(SocketStore::new(target, reporter))?
        };
        Ok(SocketHandler {
            queue,
            numbering: Numbering::new(),
            close_timeout,
        })
    }
}

/// A socket takes no timeout of zero.
const SHORTEST: Duration = Duration::from_millis(1);
