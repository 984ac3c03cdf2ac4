//! One client's connection: what it sends becomes records, until it goes or has been waited for too long.
//!
//! No task reads before the sink has room: a full queue pushes back to the clients through their sockets.

use std::future::poll_fn;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_rustls::server::TlsStream;

use super::patience::{Over, Patience};
use super::shared::{Decoders, Desk, Held, Shared, hostname_of, stopped};
use super::speech::{Refused, Speech};
use crate::batch::Batch;
use crate::error::WireError;
use crate::report::Report;
use crate::time::now_ns;
use crate::wire::Context;

/// How long connections are read on after a stop while their clients go on sending. What had arrived before takes far less.
pub(super) const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// How long nothing must come after a stop until all has been read. Reading makes room in our socket, and the client's system needs a
/// moment to fill it with what its socket still holds, perhaps of a client that has ended.
const STOP_SILENCE: Duration = Duration::from_millis(100);
const STOP_POLL: Duration = Duration::from_millis(2);

/// How much of what has arrived is read after a stop whether the queue has room or not: as much as a socket holds for us. So that
/// all of it is accounted for, also when the store stays locked until the end.
const STOP_ARRIVED_BYTES: usize = 8 << 20;

/// The same for all connections together: it is held in memory.
const STOP_ALL_ARRIVED_BYTES: usize = 128 << 20;

/// How long a connection that its client has ended waits for the commit of what came by it: a lock of some seconds is no reason to send
/// again.
const STORED_TIMEOUT: Duration = Duration::from_mins(1);

/// One client that sends frames or messages, one after the other.
pub(super) struct Connection {
    shared: Rc<Shared>,
    peer: SocketAddr,
    /// For records that bring none.
    hostname: String,
    speech: Speech,
    refused: Refused,
    /// How many records had been lost before it began.
    lost_before: u64,
    held: Held,
    patience: Patience,
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
    pub(super) fn new(shared: &Rc<Shared>, peer: SocketAddr) -> Self {
        Connection {
            hostname: hostname_of(peer),
            speech: Speech::default(),
            refused: Refused::default(),
            lost_before: shared
                .sink
                .submit(Batch::new())
                .map_or(0, |ticket| ticket.lost),
            held: Held::new(shared),
            patience: Patience::new(&shared.rules),
            shared: Rc::clone(shared),
            peer,
        }
    }

    pub(super) async fn run(mut self, stream: TcpStream, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                biased;
                () = stopped(&mut stop) => break,
                waited = self.wait_for_more(&stream) => if let Err(over) = waited {
                    self.give_up(over);
                    return self.confirm(stream, stop).await;
                },
            }
            match self.read(|buffer| stream.try_read(buffer)) {
                Read::Some(_) | Read::Nothing => {}
                Read::End => return self.confirm(stream, stop).await,
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
            if self.has_read_what_arrived(read_bytes)
                && timeout_at(deadline, self.shared.room()).await.is_err()
            {
                break;
            }
            match self.read(|buffer| stream.read(buffer)) {
                Read::Some(bytes) => {
                    read_bytes += bytes;
                    self.shared.read_at_stop(bytes);
                    heard = Instant::now();
                    tokio::task::yield_now().await;
                }
                Read::Nothing if heard.elapsed() < STOP_SILENCE => sleep(STOP_POLL).await,
                Read::Nothing => break,
                Read::End => {
                    if let Ok(stream) = TcpStream::from_std(stream) {
                        self.confirm(stream, stop).await;
                    }
                    return;
                }
            }
        }
        self.end();
        // What the client writes from now on nobody reads: it must not take this end for a confirmation.
        if let Ok(stream) = TcpStream::from_std(stream) {
            let _ = stream.set_zero_linger();
        }
    }

    /// Who waits for the end of the connection is told by it that all is stored, as our own `SocketHandler` does: it ends in good order
    /// after the commit, with a word before about what was not taken, and is broken off when the commit does not come.
    async fn confirm(&self, mut stream: TcpStream, stop: watch::Receiver<bool>) {
        if !self.is_stored(stop).await {
            let _ = stream.set_zero_linger();
        } else if let Some(notice) = self.refused.notice() {
            // Who does not wait for it is gone.
            let _ = stream.write_all(notice.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    }

    /// Waits for the commit of what came. `false`: it does not come, or some of what came since the connection began was lost.
    async fn is_stored(&self, mut stop: watch::Receiver<bool>) -> bool {
        if self.refused.is_lost {
            return false;
        }
        let sink = &self.shared.sink;
        let stored = async {
            let mut ticket = sink.submit(sink.spare_batch())?;
            ticket.lost = self.lost_before;
            poll_fn(|context| sink.poll_stored(ticket, context)).await
        };
        tokio::select! {
            biased;
            stored = timeout(STORED_TIMEOUT, stored) => matches!(stored, Ok(Ok(()))),
            () = async { stopped(&mut stop).await; sleep(STOP_TIMEOUT).await } => false,
        }
    }

    /// The same inside of TLS, whose end in good order is a goodbye (`close_notify`). Only a client that has said one is answered: an
    /// end without may be an attacker's.
    async fn confirm_inside(
        &self,
        stream: &mut BufReader<TlsStream<TcpStream>>,
        stop: watch::Receiver<bool>,
    ) {
        if self.is_stored(stop).await {
            if let Some(notice) = self.refused.notice() {
                let _ = stream.write_all(notice.as_bytes()).await;
            }
            let _ = stream.shutdown().await;
        } else {
            let _ = stream.get_ref().get_ref().0.set_zero_linger();
        }
    }

    /// Whether so many bytes, read after a stop, are all for which no room is needed.
    fn has_read_what_arrived(&self, read_bytes: usize) -> bool {
        read_bytes >= STOP_ARRIVED_BYTES || self.shared.read_since_stop() >= STOP_ALL_ARRIVED_BYTES
    }

    /// The same inside of TLS, where what has arrived and what can be read are two things: each connection has its own buffer.
    pub(super) async fn run_inside(
        mut self,
        mut stream: BufReader<TlsStream<TcpStream>>,
        mut stop: watch::Receiver<bool>,
    ) {
        let deadline = loop {
            tokio::select! {
                biased;
                () = stopped(&mut stop) => break Instant::now() + STOP_TIMEOUT,
                filled = self.wait_for_filling(&mut stream) => match filled {
                    Ok(filled) => if !self.take_filled(&mut stream, filled, &stop).await {
                        return;
                    },
                    Err(over) => {
                        self.give_up(over);
                        return self.confirm_inside(&mut stream, stop).await;
                    }
                },
            }
            tokio::task::yield_now().await;
        };
        let mut read_bytes = 0;
        while Instant::now() < deadline {
            if self.has_read_what_arrived(read_bytes)
                && timeout_at(deadline, self.shared.room()).await.is_err()
            {
                break;
            }
            match timeout(STOP_SILENCE, stream.fill_buf()).await {
                Ok(filled) => {
                    let filled = filled.map(<[u8]>::len);
                    let bytes = filled.as_ref().copied().unwrap_or_default();
                    read_bytes += bytes;
                    self.shared.read_at_stop(bytes);
                    if !self.take_filled(&mut stream, filled, &stop).await {
                        return;
                    }
                }
                Err(_) => break,
            }
            tokio::task::yield_now().await;
        }
        self.end();
    }

    /// Takes what the buffer was filled with; `false`: that was all.
    async fn take_filled(
        &mut self,
        stream: &mut BufReader<TlsStream<TcpStream>>,
        filled: io::Result<usize>,
        stop: &watch::Receiver<bool>,
    ) -> bool {
        match filled {
            Ok(0) => {
                self.end();
                self.confirm_inside(stream, stop.clone()).await;
                false
            }
            Ok(len) => {
                let shared = Rc::clone(&self.shared);
                let read = self.take(stream.buffer(), &mut shared.desk().decoders);
                stream.consume(len);
                !matches!(read, Read::End)
            }
            // Most clients leave without saying goodbye to TLS. What a message lacks is told all the same.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.end();
                false
            }
            Err(error) => {
                self.lost(&error);
                false
            }
        }
    }

    /// Until there is something to read, or the connection has failed, which the read will tell; and room for it.
    async fn wait_for_more(&mut self, stream: &TcpStream) -> Result<(), Over> {
        let partial_bytes = self.speech.partial_bytes();
        let readable = self.patience.wait(partial_bytes, stream.readable());
        readable.await.map(drop)?;
        self.shared.room().await;
        Ok(())
    }

    /// The same inside of TLS: the bytes that the buffer has then.
    async fn wait_for_filling(
        &mut self,
        stream: &mut BufReader<TlsStream<TcpStream>>,
    ) -> Result<io::Result<usize>, Over> {
        self.shared.room().await;
        let partial_bytes = self.speech.partial_bytes();
        let filled = self.patience.wait(partial_bytes, stream.fill_buf());
        Ok(filled.await?.map(<[u8]>::len))
    }

    /// The client has been waited for too long. What it has sent completely is kept.
    fn give_up(&mut self, over: Over) {
        match over {
            Over::Idle => {
                self.shared.counters.idled();
                self.end();
            }
            Over::Message => {
                let limit = self.shared.rules.message_timeout;
                self.lose(WireError::TooSlow { limit });
            }
        }
    }

    /// Nothing that follows can be taken.
    fn lose(&mut self, error: WireError) {
        self.refused.is_lost = true;
        self.shared.reject(self.peer, self.speech.source(), error);
    }

    /// Reads once and queues what came. Nothing is awaited here, so that one buffer serves all.
    fn read(&mut self, mut read: impl FnMut(&mut [u8]) -> io::Result<usize>) -> Read {
        let shared = Rc::clone(&self.shared);
        let mut desk = shared.desk();
        let Desk { decoders, buffer } = &mut *desk;
        match read(buffer) {
            Ok(0) => {
                self.end_with(decoders);
                Read::End
            }
            Ok(len) => self.take(&buffer[..len], decoders),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Read::Nothing,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Read::Some(0),
            Err(error) => {
                drop(desk);
                self.lost(&error);
                Read::End
            }
        }
    }

    /// Queues what came.
    fn take(&mut self, bytes: &[u8], decoders: &mut Decoders) -> Read {
        let mut batch = self.shared.sink.spare_batch();
        let before = self.speech.partial_bytes();
        let received = self.decode(bytes, decoders, &mut batch);
        self.shared.counters.add_bytes(bytes.len());
        if self.speech.partial_bytes() < before + bytes.len() {
            self.patience.renew();
        }
        // The queue is closed only after this thread has ended, but whoever shares the handler may have closed it.
        if self.shared.emit(self.speech.source(), batch).is_err() {
            return Read::End;
        }
        let received = received.and_then(|()| self.held.set(self.speech.partial_bytes()));
        match received {
            Ok(()) => Read::Some(bytes.len()),
            Err(lost) => {
                self.lose(lost);
                Read::End
            }
        }
    }

    /// Puts the records of what came into the batch; an error means that nothing that follows can be understood.
    fn decode(
        &mut self,
        bytes: &[u8],
        decoders: &mut Decoders,
        batch: &mut Batch,
    ) -> Result<(), WireError> {
        let Connection {
            shared,
            peer,
            hostname,
            speech,
            refused,
            ..
        } = self;
        let context = Context {
            hostname,
            now_ns: now_ns(),
        };
        let reject = |source, error: WireError| {
            refused.note(&error);
            shared.reject(*peer, source, error);
        };
        speech.receive(bytes, &shared.rules, decoders, &context, batch, reject)
    }

    fn lost(&mut self, error: &io::Error) {
        let reason = error.to_string();
        self.shared.report(&Report::ConnectionLost {
            peer: self.peer,
            reason,
        });
        self.end();
    }

    fn end(&mut self) {
        let shared = Rc::clone(&self.shared);
        self.end_with(&mut shared.desk().decoders);
    }

    /// The connection has ended: half a frame is reported, a line without an end is a message.
    fn end_with(&mut self, decoders: &mut Decoders) {
        let context = Context {
            hostname: &self.hostname,
            now_ns: now_ns(),
        };
        let mut batch = self.shared.sink.spare_batch();
        let finished = self.speech.finish(decoders, &context, &mut batch);
        // Whoever has closed the queue has said so.
        let _ = self.shared.emit(self.speech.source(), batch);
        if let Err(error) = finished {
            self.refused.note(&error);
            self.shared.reject(self.peer, self.speech.source(), error);
        }
    }
}
