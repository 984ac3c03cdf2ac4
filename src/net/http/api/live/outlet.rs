//! The way of one listener: chunks of events that wait to be sent to it, counted in bytes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// Where events are put for a listener. When it is dropped, the listener gets what waits, and then its end.
pub(super) struct Outlet {
    chunks: UnboundedSender<Bytes>,
    waiting_bytes: Arc<AtomicUsize>,
    /// The id of the last record that was put there, or behind which it began.
    pub(super) sent: i64,
    /// Tells its drop.
    _over: oneshot::Sender<()>,
}

/// The body of the listener's answer.
pub(in crate::net::http::api) struct Tail {
    chunks: UnboundedReceiver<Bytes>,
    waiting_bytes: Arc<AtomicUsize>,
    /// Counts the listeners.
    _one: Arc<()>,
}

/// Both ends of a way, and what resolves when the outlet is closed. The tail keeps `one` as long as it lives.
pub(super) fn outlet(one: &Arc<()>) -> (Outlet, Tail, oneshot::Receiver<()>) {
    let (sender, receiver) = unbounded_channel();
    let (over, is_over) = oneshot::channel();
    let waiting_bytes = Arc::new(AtomicUsize::new(0));
    let outlet = Outlet {
        chunks: sender,
        waiting_bytes: Arc::clone(&waiting_bytes),
        sent: 0,
        _over: over,
    };
    let tail = Tail {
        chunks: receiver,
        waiting_bytes,
        _one: Arc::clone(one),
    };
    (outlet, tail, is_over)
}

impl Outlet {
    pub(super) fn put(&self, chunk: Bytes) {
        let bytes = chunk.len();
        self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        // One who has gone is found out by `is_closed`.
        let _ = self.chunks.send(chunk);
    }

    /// How much waits to be sent.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.waiting_bytes.load(Ordering::Relaxed)
    }

    /// Whether the listener has gone.
    pub(super) fn is_closed(&self) -> bool {
        self.chunks.is_closed()
    }
}

impl Body for Tail {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let chunk = std::task::ready!(self.chunks.poll_recv(context));
        Poll::Ready(chunk.map(|chunk| {
            let bytes = chunk.len();
            self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
            Ok(Frame::data(chunk))
        }))
    }
}

#[cfg(test)]
impl Tail {
    /// Takes all that waits.
    pub(super) fn heard(&mut self) -> String {
        let mut heard = Vec::new();
        while let Ok(chunk) = self.chunks.try_recv() {
            self.waiting_bytes.fetch_sub(chunk.len(), Ordering::Relaxed);
            heard.extend(chunk);
        }
        String::from_utf8(heard).unwrap()
    }
}
