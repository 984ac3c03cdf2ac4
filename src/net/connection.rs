//! One client's connection, and what all of them share.
//!
//! Tasks of one thread share a read buffer and a decoder, so that an idle connection costs its socket and little more. No task
//! reads before the sink has room: a full queue pushes back to the clients through their sockets.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout_at};

use super::complaints::Complaints;
use super::receiver::ReceiverCounters;
use super::stream::LogRecordStreamHandler;
use crate::batch::Batch;
use crate::error::WireError;
use crate::record::machine_name;
use crate::report::{Report, Reporter};
use crate::sink::RecordSink;
use crate::time::now_ns;
use crate::wire::Context;
use crate::wire::pickle::Decoder;

/// What one read brings at most.
const READ_BYTES: usize = 256 << 10;

/// What the incomplete frames of all connections may hold together: one of the largest frames, or many small ones.
const MAX_PARTIAL_BYTES: usize = 256 << 20;

/// How long connections are read on after a stop while their clients go on sending. What had arrived before takes far less.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// How long nothing must come after a stop until all has been read. Reading makes room in our socket, and the client's system needs a
/// moment to fill it with what its socket still holds, perhaps of a client that has ended.
const STOP_SILENCE: Duration = Duration::from_millis(100);
const STOP_POLL: Duration = Duration::from_millis(2);

/// How much of what has arrived is read after a stop whether the queue has room or not: as much as a socket holds for us. So that
/// all of it is accounted for, also when the store stays locked until the end.
const STOP_ARRIVED_BYTES: usize = 8 << 20;

/// Sees records on their way to the sink.
pub type Tap = Box<dyn Fn(&Batch)>;

/// What all connections share.
pub(super) struct Shared {
    sink: Arc<dyn RecordSink>,
    tap: Option<Tap>,
    counters: Arc<ReceiverCounters>,
    reporter: Reporter,
    frame_limit: usize,
    desk: RefCell<Desk>,
    complaints: RefCell<Complaints>,
    /// What the incomplete frames of all connections hold together.
    partial_bytes: Cell<usize>,
}

/// What one connection at a time works with, between two awaits.
struct Desk {
    decoder: Decoder,
    buffer: Vec<u8>,
}

impl Shared {
    pub(super) fn new(
        sink: Arc<dyn RecordSink>,
        tap: Option<Tap>,
        counters: Arc<ReceiverCounters>,
        reporter: &Reporter,
        frame_limit: usize,
    ) -> Self {
        Shared {
            sink,
            tap,
            counters,
            reporter: Arc::clone(reporter),
            frame_limit,
            desk: RefCell::new(Desk {
                decoder: Decoder::new(),
                buffer: vec![0; READ_BYTES],
            }),
            complaints: RefCell::new(Complaints::new(Arc::clone(reporter))),
            partial_bytes: Cell::new(0),
        }
    }

    /// Starts reading from a client, until the stop.
    pub(super) fn serve(
        self: &Rc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        stop: &watch::Receiver<bool>,
    ) {
        self.counters.connections.fetch_add(1, Ordering::Relaxed);
        let connection = Connection {
            hostname: if peer.ip().to_canonical().is_loopback() {
                machine_name().to_owned()
            } else {
                peer.ip().to_canonical().to_string()
            },
            handler: LogRecordStreamHandler::new(self.frame_limit),
            counted_bytes: 0,
            shared: Rc::clone(self),
            peer,
        };
        tokio::task::spawn_local(connection.run(stream, stop.clone()));
    }

    fn reject(&self, peer: SocketAddr, error: WireError) {
        self.counters.bad_frames.fetch_add(1, Ordering::Relaxed);
        self.complaints.borrow_mut().note(peer, error);
    }

    /// Says what has been held back, once a second.
    pub(super) async fn complain_now_and_then(self: Rc<Self>) {
        loop {
            sleep(Duration::from_secs(1)).await;
            self.complaints.borrow_mut().tick();
        }
    }

    /// Says the rest.
    pub(super) fn finish(&self) {
        self.complaints.borrow_mut().finish();
    }

    pub(super) fn report(&self, report: &Report) {
        (self.reporter)(report);
    }
}

/// Resolves at the stop, also when it came before.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stopped| *stopped).await;
}

/// One client.
struct Connection {
    shared: Rc<Shared>,
    peer: SocketAddr,
    /// For records that bring none.
    hostname: String,
    handler: LogRecordStreamHandler,
    /// What of the shared count of incomplete frames is this connection's.
    counted_bytes: usize,
}

impl Drop for Connection {
    fn drop(&mut self) {
        let others = self.shared.partial_bytes.get() - self.counted_bytes;
        self.shared.partial_bytes.set(others);
    }
}

/// What a read came to.
enum Read {
    /// So many bytes of records, or of parts of one.
    Some(usize),
    /// Nothing for now.
    Nothing,
    /// The connection has ended, or its framing is lost.
    End,
}

impl Connection {
    async fn run(mut self, stream: TcpStream, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                biased;
                () = stopped(&mut stop) => break,
                () = self.wait_for_more(&stream) => {}
            }
            match self.read(|buffer| stream.try_read(buffer)) {
                Read::Some(_) | Read::Nothing => {}
                Read::End => return,
            }
            // One client that sends without a pause must not keep the others waiting.
            tokio::task::yield_now().await;
        }
        // What has arrived is read; whoever goes on sending is cut off after a while. The system is asked itself: the event loop
        // may not have heard of the newest bytes yet.
        let Ok(mut stream) = stream.into_std() else {
            return self.end();
        };
        let deadline = Instant::now() + STOP_TIMEOUT;
        let mut heard = Instant::now();
        let mut read_bytes = 0;
        while Instant::now() < deadline {
            if read_bytes >= STOP_ARRIVED_BYTES && timeout_at(deadline, self.room()).await.is_err()
            {
                break;
            }
            match self.read(|buffer| stream.read(buffer)) {
                Read::Some(bytes) => {
                    read_bytes += bytes;
                    heard = Instant::now();
                    tokio::task::yield_now().await;
                }
                Read::Nothing if heard.elapsed() < STOP_SILENCE => sleep(STOP_POLL).await,
                Read::Nothing => break,
                Read::End => return,
            }
        }
        self.end();
    }

    /// Until there is something to read, or the connection has failed, which the read will tell; and room for it.
    async fn wait_for_more(&self, stream: &TcpStream) {
        let _ = stream.readable().await;
        self.room().await;
    }

    async fn room(&self) {
        poll_fn(|context| self.shared.sink.poll_ready(context)).await;
    }

    /// Reads once and queues what came. Nothing is awaited here, so that one buffer serves all.
    fn read(&mut self, mut read: impl FnMut(&mut [u8]) -> io::Result<usize>) -> Read {
        let shared = Rc::clone(&self.shared);
        let mut desk = shared.desk.borrow_mut();
        let Desk { decoder, buffer } = &mut *desk;
        let len = match read(buffer) {
            Ok(0) => {
                self.end();
                return Read::End;
            }
            Ok(len) => len,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Read::Nothing,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Read::Some(0),
            Err(error) => {
                let reason = error.to_string();
                shared.report(&Report::ConnectionLost {
                    peer: self.peer,
                    reason,
                });
                self.end();
                return Read::End;
            }
        };
        let context = Context {
            hostname: &self.hostname,
            now_ns: now_ns(),
        };
        let mut batch = shared.sink.spare_batch();
        let peer = self.peer;
        let received =
            self.handler
                .receive(&buffer[..len], decoder, &context, &mut batch, |error| {
                    shared.reject(peer, error);
                });
        if let Some(tap) = &shared.tap
            && !batch.is_empty()
        {
            tap(&batch);
        }
        // The queue is closed only after this thread has ended, but whoever shares the handler may have closed it.
        if shared.sink.emit_batch(batch).is_err() {
            return Read::End;
        }
        let received = received.and_then(|()| self.account());
        match received {
            Ok(()) => Read::Some(len),
            Err(lost) => {
                shared.reject(peer, lost);
                Read::End
            }
        }
    }

    /// Counts what this connection's incomplete frame holds now. The one that brings all of them over the limit has to go, unless
    /// its own part is small.
    fn account(&mut self) -> Result<(), WireError> {
        let own = self.handler.partial_bytes();
        let all = self.shared.partial_bytes.get() - self.counted_bytes + own;
        self.shared.partial_bytes.set(all);
        self.counted_bytes = own;
        if all > MAX_PARTIAL_BYTES && own > READ_BYTES {
            return Err(WireError::TooManyPartialFrames {
                limit: MAX_PARTIAL_BYTES,
            });
        }
        Ok(())
    }

    /// The connection ends; half a frame is reported.
    fn end(&self) {
        if let Err(error) = self.handler.finish() {
            self.shared.reject(self.peer, error);
        }
    }
}
