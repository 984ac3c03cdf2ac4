//! What all connections of a receiver share.
//!
//! Tasks of one thread share a read buffer and the decoders, so that an idle connection costs its socket and little more.

use std::cell::{Cell, RefCell, RefMut};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::access::Access;
use super::complaints::Complaints;
use super::counters::{ReceiverCounters, Source};
use super::http::{Hub, Questions};
use super::receiver::MetricsPage;
use super::tls::Tls;
use crate::batch::Batch;
use crate::error::{QueueError, WireError};
use crate::record::machine_name;
use crate::report::{Report, Reporter};
use crate::sink::{RecordSink, Ticket};
use crate::wire::Protocol;
use crate::wire::json::JsonDecoder;
use crate::wire::loki::LokiDecoder;
use crate::wire::otlp::OtlpDecoder;
use crate::wire::pickle;
use crate::wire::syslog::SyslogDecoder;

/// What one read brings at most.
pub(super) const READ_BYTES: usize = 256 << 10;

/// What the incomplete frames of all connections may hold together; with a larger `--frame-limit` one such frame.
const MAX_PARTIAL_BYTES: usize = 128 << 20;

/// How long nothing is said of connections that are turned away after a report.
const REFUSED_SILENCE: Duration = Duration::from_mins(1);

/// Sees records on their way to the sink.
pub type Tap = Box<dyn Fn(&Batch)>;

/// See the module's documentation.
pub(super) struct Shared {
    pub(super) sink: Arc<dyn RecordSink>,
    pub(super) tap: Option<Tap>,
    pub(super) counters: Arc<ReceiverCounters>,
    pub(super) reporter: Reporter,
    pub(super) rules: Rules,
    desk: RefCell<Desk>,
    complaints: RefCell<Complaints>,
    /// What the incomplete frames of all connections hold together.
    partial_bytes: Cell<usize>,
    /// When it was told last that connections are turned away, and how many had been by then.
    refused: Cell<(Option<Instant>, u64)>,
    /// How many bytes all connections have read since the stop.
    stop_bytes: Cell<usize>,
}

/// Who may say what.
pub(super) struct Rules {
    /// How many bytes a frame, a message or a request's body may have.
    pub(super) frame_limit: usize,
    /// The one protocol that is spoken; `None`: the first byte tells.
    pub(super) protocol: Option<Protocol>,
    pub(super) tls: Option<Tls>,
    pub(super) access: Access,
    /// Whoever comes from another machine has to show a certificate or, over HTTP, a token.
    pub(super) proof_demanded: bool,
    /// How many connections may be open.
    pub(super) max_connections: usize,
    /// How long a connection that does not speak HTTP may be silent; `None`: for ever.
    pub(super) idle_timeout: Option<Duration>,
    /// How long a client may take for one message or body.
    pub(super) message_timeout: Duration,
    pub(super) metrics: Option<MetricsPage>,
    /// Who answers what is asked of the store; `None`: nobody does.
    pub(super) questions: Option<Questions>,
    /// Who tells of what is stored from now on; `None`: nobody does.
    pub(super) live: Option<Hub>,
}

impl Rules {
    /// Whether a peer may speak a protocol that has no place for a token. One with a certificate has been let in before.
    pub(super) fn lets_in_unproven(&self, peer: SocketAddr) -> bool {
        let certified = self.tls.as_ref().is_some_and(|tls| tls.is_demanded);
        !self.proof_demanded || certified || peer.ip().to_canonical().is_loopback()
    }
}

/// What one connection at a time works with, between two awaits.
pub(super) struct Desk {
    pub(super) decoders: Decoders,
    pub(super) buffer: Vec<u8>,
}

/// One decoder for each kind of message. They remember sites and origins.
#[derive(Default)]
pub(super) struct Decoders {
    pub(super) pickle: pickle::Decoder,
    pub(super) json: JsonDecoder,
    pub(super) syslog: SyslogDecoder,
    pub(super) otlp: OtlpDecoder,
    pub(super) loki: LokiDecoder,
}

impl Shared {
    pub(super) fn new(
        sink: Arc<dyn RecordSink>,
        tap: Option<Tap>,
        counters: Arc<ReceiverCounters>,
        reporter: &Reporter,
        rules: Rules,
    ) -> Self {
        Shared {
            sink,
            tap,
            counters,
            reporter: Arc::clone(reporter),
            rules,
            desk: RefCell::new(Desk {
                decoders: Decoders::default(),
                buffer: vec![0; READ_BYTES],
            }),
            complaints: RefCell::new(Complaints::new(Arc::clone(reporter))),
            partial_bytes: Cell::new(0),
            refused: Cell::new((None, 0)),
            stop_bytes: Cell::new(0),
        }
    }

    pub(super) fn read_at_stop(&self, bytes: usize) {
        self.stop_bytes.set(self.stop_bytes.get() + bytes);
    }

    /// How many bytes all connections have read since the stop.
    pub(super) fn read_since_stop(&self) -> usize {
        self.stop_bytes.get()
    }

    /// The buffer and the decoders, until the next await.
    pub(super) fn desk(&self) -> RefMut<'_, Desk> {
        self.desk.borrow_mut()
    }

    pub(super) fn reject(&self, peer: SocketAddr, source: Source, error: WireError) {
        self.counters.rejected(source);
        self.complaints.borrow_mut().note(peer, error);
    }

    /// Until the sink takes more.
    pub(super) async fn room(&self) {
        poll_fn(|context| self.sink.poll_ready(context)).await;
    }

    /// Hands records over.
    pub(super) fn emit(&self, source: Source, batch: Batch) -> Result<(), QueueError> {
        let records = batch.len();
        self.show(&batch);
        self.sink.emit_batch(batch)?;
        self.counters.received(source, records);
        Ok(())
    }

    /// Hands records over for somebody who waits until they are stored.
    pub(super) fn submit(&self, source: Source, batch: Batch) -> Result<Ticket, QueueError> {
        let records = batch.len();
        self.show(&batch);
        let ticket = self.sink.submit(batch)?;
        self.counters.received(source, records);
        Ok(ticket)
    }

    fn show(&self, batch: &Batch) {
        if let Some(tap) = &self.tap
            && !batch.is_empty()
        {
            tap(batch);
        }
    }

    /// Says what has been held back, once a second, and that the thread has come to it.
    pub(super) async fn complain_now_and_then(self: Rc<Self>) {
        loop {
            sleep(Duration::from_secs(1)).await;
            self.counters.turns.moves();
            self.complaints.borrow_mut().tick();
        }
    }

    /// Says the rest.
    pub(super) fn finish(&self) {
        self.complaints.borrow_mut().finish();
    }

    /// Says that connections are turned away, at most once a minute.
    pub(super) fn tell_refused(&self) {
        let (told, before) = self.refused.get();
        if told.is_none_or(|told| told.elapsed() >= REFUSED_SILENCE) {
            let refused = self.counters.refused.load(Ordering::Relaxed);
            self.refused.set((Some(Instant::now()), refused));
            self.report(&Report::TooManyConnections {
                limit: self.rules.max_connections,
                count: refused - before,
            });
        }
    }

    pub(super) fn report(&self, report: &Report) {
        (self.reporter)(report);
    }
}

/// Resolves at the stop, also when it came before.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stopped| *stopped).await;
}

/// The host name for records of a peer that bring none.
pub(super) fn hostname_of(peer: SocketAddr) -> String {
    let address = peer.ip().to_canonical();
    if address.is_loopback() {
        machine_name().to_owned()
    } else {
        address.to_string()
    }
}

/// What one connection holds of an incomplete frame, counted with what the others do.
pub(super) struct Held {
    shared: Rc<Shared>,
    bytes: usize,
}

impl Held {
    pub(super) fn new(shared: &Rc<Shared>) -> Self {
        Held {
            shared: Rc::clone(shared),
            bytes: 0,
        }
    }

    /// It is so many bytes now. The one that brings all of them over the limit has to go, unless its own part is no more than its share:
    /// so all of them never hold more than twice the limit.
    ///
    /// # Errors
    ///
    /// [`WireError::TooManyPartialFrames`]
    pub(super) fn set(&mut self, bytes: usize) -> Result<(), WireError> {
        let all = self.shared.partial_bytes.get() - self.bytes + bytes;
        self.shared.partial_bytes.set(all);
        self.bytes = bytes;
        let open = self.shared.counters.open.load(Ordering::Relaxed).max(1);
        let limit = MAX_PARTIAL_BYTES.max(self.shared.rules.frame_limit);
        if all > limit && bytes as u64 > limit as u64 / open {
            return Err(WireError::TooManyPartialFrames { limit });
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let others = self.shared.partial_bytes.get() - self.bytes;
        self.shared.partial_bytes.set(others);
    }
}
