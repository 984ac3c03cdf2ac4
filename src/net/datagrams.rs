//! UDP: each datagram is a message of syslog, of GELF, or a frame of Python's `DatagramHandler`.
//!
//! UDP has no way to push back: while the queue is full, datagrams wait in the socket's buffer, and what it cannot hold is lost
//! before anybody could count it.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::connection::STOP_TIMEOUT;
use super::counters::Source;
use super::shared::{Decoders, Desk, READ_BYTES, Shared, hostname_of, stopped};
use crate::batch::Batch;
use crate::error::WireError;
use crate::time::now_ns;
use crate::wire::{Context, Protocol, Split, gelf, split_frame};

/// How many datagrams are taken before others have their turn.
const DATAGRAMS: usize = 256;

/// Takes datagrams until the stop, and then what has arrived.
pub(super) async fn receive(
    shared: Rc<Shared>,
    socket: Rc<UdpSocket>,
    mut stop: watch::Receiver<bool>,
) {
    let mut receiver = Receiver {
        shared,
        chunks: gelf::Chunks::new(),
        lost_chunks: 0,
        last_peer: SocketAddr::from(([0, 0, 0, 0], 0)),
        started: Instant::now(),
    };
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            () = async { let _ = socket.readable().await; receiver.shared.room().await } => {}
        }
        receiver.take_some(&socket);
        tokio::task::yield_now().await;
    }
    // What has arrived is taken; whoever goes on sending is cut off after a while.
    let deadline = Instant::now() + STOP_TIMEOUT;
    while timeout_at(deadline, receiver.shared.room()).await.is_ok()
        && receiver.take_some(&socket)
        && Instant::now() < deadline
    {
        tokio::task::yield_now().await;
    }
}

struct Receiver {
    shared: Rc<Shared>,
    chunks: gelf::Chunks,
    /// How many incomplete messages have been told of.
    lost_chunks: u64,
    /// Who sent the last chunk.
    last_peer: SocketAddr,
    started: Instant,
}

impl Receiver {
    /// Takes what has arrived, up to a number; whether there was anything.
    fn take_some(&mut self, socket: &UdpSocket) -> bool {
        let shared = Rc::clone(&self.shared);
        let mut desk = shared.desk();
        let Desk { decoders, buffer } = &mut *desk;
        let mut batch = shared.sink.spare_batch();
        let mut taken = 0;
        while taken < DATAGRAMS
            && batch.bytes() < READ_BYTES
            && let Ok((len, peer)) = socket.try_recv_from(buffer)
        {
            taken += 1;
            shared.counters.add_bytes(len);
            if let Err(error) = self.take(&buffer[..len], peer, decoders, &mut batch) {
                shared.reject(peer, Source::Udp, error);
            }
        }
        self.report_lost_chunks();
        // Whoever has closed the queue has said so.
        let _ = shared.emit(Source::Udp, batch);
        taken > 0
    }

    /// Messages whose chunks did not all come in time are counted as bad, and told.
    fn report_lost_chunks(&mut self) {
        self.chunks.expire(self.started.elapsed());
        for _ in self.lost_chunks..self.chunks.lost() {
            let reason = "a message did not come with all of its chunks".into();
            let error = WireError::Message {
                protocol: "GELF",
                reason,
            };
            self.shared.reject(self.last_peer, Source::Udp, error);
        }
        self.lost_chunks = self.chunks.lost();
    }

    fn take(
        &mut self,
        datagram: &[u8],
        peer: SocketAddr,
        decoders: &mut Decoders,
        batch: &mut Batch,
    ) -> Result<(), WireError> {
        let hostname = hostname_of(peer);
        let context = Context {
            hostname: &hostname,
            now_ns: now_ns(),
        };
        if !self.shared.rules.lets_in_unproven(peer) {
            return Err(WireError::Unproven);
        }
        let limit = self.shared.rules.frame_limit.min(gelf::DEFAULT_LIMIT);
        let named = self.shared.rules.protocol;
        if matches!(named, None | Some(Protocol::Json)) {
            if gelf::Chunks::is_chunk(datagram) {
                self.last_peer = peer;
                let now = self.started.elapsed();
                let Some(whole) = self.chunks.add(datagram, peer.ip(), now)? else {
                    return Ok(());
                };
                let message = gelf::decompress(&whole, limit)?;
                return decoders.json.decode(&message, &context, batch);
            }
            match gelf::decompress(datagram, limit) {
                Ok(Cow::Owned(message)) => return decoders.json.decode(&message, &context, batch),
                // What is not even text is nothing else.
                Err(error) if datagram.starts_with(&[0x1F]) || datagram.starts_with(b"\x78") => {
                    return Err(error);
                }
                // The first letters of some texts look like zlib's header.
                Ok(Cow::Borrowed(_)) | Err(_) => {}
            }
        }
        let first = Protocol::of_beginning(datagram);
        match named.or(first) {
            Some(Protocol::Python) => match split_frame(datagram, limit)? {
                Split::Frame { payload, .. } => decoders.pickle.decode(payload, &context, batch),
                Split::TooLong { expected } | Split::Partial { expected } => {
                    let got = datagram.len();
                    Err(WireError::PartialFrame { got, expected })
                }
            },
            Some(Protocol::Json) => decoders.json.decode(datagram, &context, batch),
            // Whatever else a datagram holds is some device's idea of syslog.
            _ => decoders.syslog.decode(datagram, &context, batch),
        }
    }
}
