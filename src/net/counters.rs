//! What a receiver counts: connections, bytes, and the records of each way in.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::metrics::Beat;

/// The ways by which records come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// Frames of Python's `SocketHandler`.
    Python,
    /// JSON lines, GELF over TCP among them.
    Json,
    /// Syslog over TCP.
    Syslog,
    /// Datagrams, whatever they hold.
    Udp,
    /// `POST /ingest`.
    Ingest,
    /// `POST /gelf`.
    Gelf,
    /// `POST /v1/logs`.
    Otlp,
    /// `POST /loki/api/v1/push`.
    Loki,
    /// `POST /elasticsearch/_bulk`.
    Elastic,
    /// What was turned away before it was known what it is.
    Other,
}

impl Source {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Source; 10] = [
        Source::Python,
        Source::Json,
        Source::Syslog,
        Source::Udp,
        Source::Ingest,
        Source::Gelf,
        Source::Otlp,
        Source::Loki,
        Source::Elastic,
        Source::Other,
    ];

    /// What it is called in summaries and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Source::Python => "python",
            Source::Json => "json",
            Source::Syslog => "syslog",
            Source::Udp => "udp",
            Source::Ingest => "ingest",
            Source::Gelf => "gelf",
            Source::Otlp => "otlp",
            Source::Loki => "loki",
            Source::Elastic => "elastic",
            Source::Other => "other",
        }
    }
}

/// What came by one way.
#[derive(Debug, Default)]
pub struct SourceCounters {
    /// Records that were handed on to be stored.
    pub received: AtomicU64,
    /// Messages, frames and requests that could not be taken.
    pub rejected: AtomicU64,
}

/// What the receiver has seen so far.
#[derive(Debug, Default)]
pub struct ReceiverCounters {
    /// Connections accepted.
    pub connections: AtomicU64,
    /// Those of them that are open.
    pub open: AtomicU64,
    /// Connections that were closed at once, since too many were open.
    pub refused: AtomicU64,
    /// Connections that were closed since their clients had sent nothing for too long.
    pub idle: AtomicU64,
    /// Bytes of frames, messages, datagrams and bodies; of TLS what is inside, of packed bodies as they came.
    pub bytes: AtomicU64,
    sources: [SourceCounters; Source::ALL.len()],
    /// The receiver's thread turns to the next of its tasks.
    pub(crate) turns: Beat,
}

impl ReceiverCounters {
    /// What came by this way.
    #[must_use]
    pub fn of(&self, source: Source) -> &SourceCounters {
        &self.sources[source as usize]
    }

    /// Frames, messages and requests that could not be decoded or did not arrive completely.
    #[must_use]
    pub fn bad_frames(&self) -> u64 {
        let rejected = |source: &SourceCounters| source.rejected.load(Ordering::Relaxed);
        self.sources.iter().map(rejected).sum()
    }

    pub(super) fn received(&self, source: Source, records: usize) {
        let received = &self.of(source).received;
        received.fetch_add(records as u64, Ordering::Relaxed);
    }

    pub(super) fn rejected(&self, source: Source) {
        self.of(source).rejected.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection is closed since its client says nothing.
    pub(super) fn idled(&self) {
        self.idle.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_bytes(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}
