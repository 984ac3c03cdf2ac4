//! `SQLiteQueueHandler`: what a program logs through.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::batch::{Batch, extra_json, texts_of};
use crate::error::{Error, QueueError};
#[cfg(feature = "net")]
use crate::metrics::StoreMetrics;
use crate::paths::{beside, real};
#[cfg(feature = "net")]
use crate::queue::Fill;
use crate::queue::{Counters, Limits, Overflow, Portion, Queue, Spiller, Urgency};
use crate::record::LogRecord;
use crate::report::{Report, Reporter};
use crate::retention::Retention;
use crate::sink::{RecordHandler, RecordSink, Ticket};
use crate::spill::Spill;
use crate::store::{Durability, RecordStore, RoomSettings, SqliteStore, foreign_reserve};
use crate::writer::{Retry, Writer};

/// Takes records from any number of threads, queues them, and has one writer thread store them in batches.
///
/// ```
/// use logstore::{Level, LogRecord, SQLiteQueueHandler, Site};
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("runs.sqlite");
/// let handler = SQLiteQueueHandler::open(&path)?;
/// let site = Site::new("myapp.area1", Level::INFO).at(file!(), line!(), "main");
/// handler.emit(&LogRecord::new(site, "How quickly daft jumping zebras vex."))?;
/// handler.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SQLiteQueueHandler {
    queue: Arc<Queue>,
    writer: Mutex<Option<JoinHandle<()>>>,
    removed: Arc<AtomicU64>,
}

impl SQLiteQueueHandler {
    /// Opens a store with the default settings; see [`HandlerBuilder`].
    ///
    /// # Errors
    ///
    /// When the file cannot be opened for writing.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::builder().open(path)
    }

    /// Settings to choose before a store is opened.
    pub fn builder() -> HandlerBuilder {
        HandlerBuilder::default()
    }

    /// Queues a record. It is copied, so that a caller may fill the same one again.
    ///
    /// When the queue is full, the [overflow rule](Overflow) decides: by default this waits until there is room.
    ///
    /// # Errors
    ///
    /// When the handler is closed, or the record is larger than [`Batch::MAX_RECORD_BYTES`].
    pub fn emit(&self, record: &LogRecord) -> Result<(), QueueError> {
        let extra = extra_json(record);
        self.emit_with(Batch::MAX_RECORD_BYTES, record, extra.as_deref())
    }

    /// Queues a record with so many bytes of text at the most, and with these extra fields.
    pub(crate) fn emit_with(
        &self,
        limit: usize,
        record: &LogRecord,
        extra: Option<&str>,
    ) -> Result<(), QueueError> {
        let texts = texts_of(record, extra);
        let bytes = texts.len();
        if bytes > limit {
            return Err(QueueError::RecordTooLarge { bytes, limit });
        }
        self.queue.push(record, &texts)
    }

    /// Waits until everything queued before is committed.
    ///
    /// # Errors
    ///
    /// [`QueueError::Stalled`] when the store refuses; the records stay queued and are tried again.
    /// [`QueueError::Lost`] when some of them were given up because the handler was closed meanwhile.
    pub fn flush(&self) -> Result<(), QueueError> {
        self.queue.flush(None)
    }

    /// As [`SQLiteQueueHandler::flush`], but for so long, also while the store refuses.
    ///
    /// # Errors
    ///
    /// [`QueueError::Stalled`] when the time is over; the records stay queued and are tried again.
    /// [`QueueError::Lost`] when some of them were given up because the handler was closed meanwhile.
    pub fn flush_within(&self, patience: Duration) -> Result<(), QueueError> {
        self.queue.flush(Some(patience))
    }

    /// Takes no more records, stores what is queued and ends the writer thread. Closing again does nothing.
    ///
    /// # Errors
    ///
    /// [`QueueError::Lost`] when the store refused until the [close timeout](HandlerBuilder::close_timeout), with the reason;
    /// [`QueueError::WriterGone`] when the writer thread has panicked.
    pub fn close(&self) -> Result<(), QueueError> {
        self.queue.close();
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(writer) = writer else { return Ok(()) };
        writer.join().map_err(|_| QueueError::WriterGone)?;
        self.queue.outcome()
    }

    /// Whether it still takes records.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.queue.is_open()
    }

    /// Has a record of our own stored, soon; it is in no count.
    #[cfg(feature = "net")]
    pub(crate) fn note(&self, record: &LogRecord) {
        self.queue.note(record);
    }

    /// Has a record of our own stored behind all others, made of their numbers, when it is closed.
    #[cfg(feature = "net")]
    pub(crate) fn say_last(&self, words: impl FnOnce(&Counters) -> LogRecord + Send + 'static) {
        self.queue.say_last(Box::new(words));
    }

    /// What the writer measures.
    #[cfg(feature = "net")]
    pub(crate) fn metrics(&self) -> &StoreMetrics {
        &self.queue.metrics
    }

    #[cfg(feature = "net")]
    pub(crate) fn queue_fill(&self) -> Fill {
        self.queue.fill()
    }

    /// What went in and came out so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.queue.counters()
    }

    /// How many records [retention](HandlerBuilder::retention) has removed so far.
    #[must_use]
    pub fn removed(&self) -> u64 {
        self.removed.load(Ordering::Relaxed)
    }
}

/// Runs of records go in as a whole. [`RecordSink::poll_ready`] tells when there is room; without asking, a run is taken all the
/// same, whatever the queue's bound, unless the overflow rule is to drop.
impl RecordSink for SQLiteQueueHandler {
    fn emit_batch(&self, batch: Batch) -> Result<(), QueueError> {
        self.queue.push_batch(batch, Urgency::None).map(drop)
    }

    fn submit(&self, batch: Batch) -> Result<Ticket, QueueError> {
        self.queue.push_batch(batch, Urgency::AtOnce)
    }

    fn poll_stored(
        &self,
        ticket: Ticket,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), QueueError>> {
        self.queue.poll_settled(ticket, context)
    }

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        self.queue.poll_ready(context)
    }

    fn is_open(&self) -> bool {
        self.queue.is_open()
    }

    #[cfg(feature = "net")]
    fn trouble(&self) -> Option<String> {
        self.queue.trouble()
    }

    fn spare_batch(&self) -> Batch {
        self.queue.spare()
    }
}

impl RecordHandler for SQLiteQueueHandler {
    fn handle(&self, record: &LogRecord) -> Result<(), QueueError> {
        self.emit(record)
    }

    fn flush_all(&self) -> Result<(), QueueError> {
        self.flush()
    }
}

/// Closes the handler as well as it can: an error has nobody to go to.
impl Drop for SQLiteQueueHandler {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

impl std::fmt::Debug for SQLiteQueueHandler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SQLiteQueueHandler")
            .field("counters", &self.counters())
            .finish_non_exhaustive()
    }
}

/// Settings of a [`SQLiteQueueHandler`].
#[derive(Clone)]
#[must_use]
pub struct HandlerBuilder {
    queue_capacity: usize,
    queue_bytes: usize,
    batch_size: usize,
    longest_delay: Duration,
    overflow: Overflow,
    durability: Durability,
    retention: Option<Retention>,
    pub(crate) close_timeout: Duration,
    reporter: Reporter,
    pub(crate) retry: Retry,
    pub(crate) thread: &'static str,
    spill_path: Option<PathBuf>,
    spill_max_bytes: u64,
    pub(crate) room: Option<RoomSettings>,
    /// Whether the log itself shall tell when the store takes records again.
    pub(crate) notes_reports: bool,
}

/// How many records may wait by default.
pub const DEFAULT_QUEUE_CAPACITY: usize = 32_768;

/// How many bytes may wait by default.
pub const DEFAULT_QUEUE_BYTES: usize = 64 << 20;

/// What [`Overflow::Spill`] may write to its files by default, in bytes.
pub const DEFAULT_SPILL_MAX_BYTES: u64 = 1 << 30;

/// How many bytes a transaction gathers at the most: the WAL grows by as much, which a disk that is nearly full has to have.
const TRANSACTION_BYTES: usize = 8 << 20;

/// How many records a transaction gathers by default.
pub const DEFAULT_BATCH_SIZE: usize = 8192;

impl Default for HandlerBuilder {
    fn default() -> Self {
        HandlerBuilder {
            queue_capacity: DEFAULT_QUEUE_CAPACITY,
            queue_bytes: DEFAULT_QUEUE_BYTES,
            batch_size: DEFAULT_BATCH_SIZE,
            longest_delay: Duration::from_millis(10),
            overflow: Overflow::default(),
            durability: Durability::default(),
            retention: None,
            close_timeout: Duration::from_secs(10),
            reporter: Arc::new(|_| {}),
            retry: Retry::default(),
            thread: "logstore-writer",
            spill_path: None,
            spill_max_bytes: DEFAULT_SPILL_MAX_BYTES,
            room: None,
            notes_reports: false,
        }
    }
}

impl HandlerBuilder {
    /// How many records may wait in the queue; at least 1. What the writer is just storing is not counted.
    pub fn queue_capacity(mut self, records: usize) -> Self {
        self.queue_capacity = records.max(1);
        self
    }

    /// How many bytes may wait in the queue. A single larger record is let in when nothing else waits.
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.queue_bytes = bytes.max(1);
        self
    }

    /// How many records one transaction gathers; at least 1. A run that was queued as a whole is stored as a whole.
    pub fn batch_size(mut self, records: usize) -> Self {
        self.batch_size = records.max(1);
        self
    }

    /// How long a record waits for others to share its transaction, at the most.
    pub fn longest_delay(mut self, delay: Duration) -> Self {
        self.longest_delay = delay;
        self
    }

    /// What happens when the queue is full.
    pub fn overflow(mut self, overflow: Overflow) -> Self {
        self.overflow = overflow;
        self
    }

    /// Where [`Overflow::Spill`] puts records: into files of this name and, with a number behind it, others beside it. By default it is that of the
    /// database, behind links, with `.spill` behind it.
    pub fn spill_path(mut self, path: impl Into<PathBuf>) -> Self {
        self.spill_path = Some(path.into());
        self
    }

    /// How many bytes of records [`Overflow::Spill`] may put there.
    pub fn spill_max_bytes(mut self, bytes: u64) -> Self {
        self.spill_max_bytes = bytes;
        self
    }

    /// How the disk is kept from running full.
    pub fn room(mut self, settings: RoomSettings) -> Self {
        self.room = Some(settings);
        self
    }

    /// How much a commit promises.
    pub fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// What is kept; the writer thread removes the rest between its transactions. The file says what is in force, so that others see
    /// it: what it said before is left there when this is not called.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = Some(retention);
        self
    }

    /// Everything is kept, and the file says so, unless it was said what is.
    #[cfg(feature = "net")]
    pub(crate) fn or_keep_all(mut self) -> Self {
        self.retention.get_or_insert_default();
        self
    }

    /// How long [`SQLiteQueueHandler::close`] tries to store what is queued when the store refuses.
    pub fn close_timeout(mut self, timeout: Duration) -> Self {
        self.close_timeout = timeout;
        self
    }

    /// Who is told of faults, losses and recoveries. Called from the writer thread: it must not block.
    pub fn on_report(mut self, reporter: impl Fn(&Report) + Send + Sync + 'static) -> Self {
        self.reporter = Arc::new(reporter);
        self
    }

    /// Who is told.
    pub(crate) fn reporter(&self) -> Reporter {
        Arc::clone(&self.reporter)
    }

    /// Somebody else who is told as well.
    #[cfg(feature = "net")]
    pub(crate) fn also_report(mut self, listener: Reporter) -> Self {
        let first = self.reporter;
        self.reporter = Arc::new(move |report| {
            first(report);
            listener(report);
        });
        self
    }

    /// Opens the file, makes it when there is none, and starts the writer thread.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened for writing, the retention makes no sense, or the thread cannot be started.
    pub fn open(mut self, path: impl AsRef<Path>) -> Result<SQLiteQueueHandler, Error> {
        let path: PathBuf = path.as_ref().into();
        let mut store = SqliteStore::open(&path, self.durability)?;
        let real = real(&path);
        self.spill_path
            .get_or_insert_with(|| beside(&real, ".spill"));
        if let Some(room) = self.room {
            store.keep_room(room)?;
            if let Some(path) = foreign_reserve(&real).filter(|_| room.reserve_bytes > 0) {
                (self.reporter)(&Report::ReserveForeign { path });
            }
        }
        if let Some(retention) = self.retention.take() {
            store.set_retention(retention)?;
        }
        Ok(self.start(store)?)
    }

    /// Starts the writer thread on a store of the caller's. [`Overflow::Spill`] needs a [path](HandlerBuilder::spill_path) for it.
    ///
    /// # Errors
    ///
    /// When a thread cannot be started, or the spill cannot be read.
    pub fn start(
        self,
        mut store: impl RecordStore + 'static,
    ) -> Result<SQLiteQueueHandler, QueueError> {
        let spill = match self.overflow {
            Overflow::Spill => Some(self.open_spill(&mut store)?),
            // What an earlier process has left there is stored under any rule.
            _ if self.spill_path.is_some() => self
                .open_spill(&mut store)
                .ok()
                .filter(|spill| spill.records() > 0),
            _ => None,
        };
        let found = spill.as_ref().map_or_else(Vec::new, Spill::found);
        let limits = Limits {
            records: self.queue_capacity,
            bytes: self.queue_bytes,
            overflow: self.overflow,
            batch: self.batch_size,
        };
        let queue = Arc::new(Queue::new(limits, spill));
        let reporter = if self.notes_reports {
            queue.noting(self.reporter)
        } else {
            self.reporter
        };
        for report in &found {
            reporter(report);
        }
        let spiller = Spiller {
            queue: Arc::clone(&queue),
            reporter: Arc::clone(&reporter),
        };
        let removed = Arc::new(AtomicU64::new(0));
        let writer = Writer {
            queue: Arc::clone(&queue),
            store: Box::new(store),
            // At most half of the queue, so that a writer that waits for more never waits for producers that wait for room.
            portion: Portion {
                records: self.batch_size.min(self.queue_capacity.div_ceil(2)),
                bytes: self.queue_bytes.div_ceil(2).min(TRANSACTION_BYTES),
                delay: self.longest_delay,
            },
            close_timeout: self.close_timeout,
            overflow: self.overflow.name(),
            reporter,
            retry: self.retry,
            removed: Arc::clone(&removed),
        };
        let writer = std::thread::Builder::new()
            .name(self.thread.into())
            .spawn(move || writer.run())
            .map_err(QueueError::Thread)?;
        if self.overflow == Overflow::Spill {
            let spilling = std::thread::Builder::new()
                .name("logstore-spill".into())
                .spawn(move || spiller.run());
            if let Err(error) = spilling {
                // The writer must not stay behind.
                queue.close();
                return Err(QueueError::Thread(error));
            }
        }
        Ok(SQLiteQueueHandler {
            queue,
            writer: Mutex::new(Some(writer)),
            removed,
        })
    }

    /// The spill, with what earlier processes have left in it.
    fn open_spill(&self, store: &mut impl RecordStore) -> Result<Spill, QueueError> {
        let path = self.spill_path.clone().ok_or(QueueError::NoSpill)?;
        let through = |file| store.spilled_through(file).map_err(std::io::Error::other);
        let opened = Spill::open(path.clone(), self.spill_max_bytes, through);
        opened.map_err(|source| QueueError::Spill { path, source })
    }
}
