//! The way of one listener: chunks of events that wait to be sent to it, counted in bytes.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

/// Bytes that are counted as long as anybody has them.
struct Counted<T> {
    bytes: T,
    len: usize,
    all: Arc<AtomicUsize>,
}

impl<T: AsRef<[u8]>> AsRef<[u8]> for Counted<T> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

impl<T> Drop for Counted<T> {
    fn drop(&mut self) {
        self.all.fetch_sub(self.len, Ordering::Relaxed);
    }
}

/// The same bytes, which are part of this number until the last clone of them is dropped.
pub(super) fn counted(bytes: impl AsRef<[u8]> + Send + 'static, all: &Arc<AtomicUsize>) -> Bytes {
    let len = bytes.as_ref().len();
    all.fetch_add(len, Ordering::Relaxed);
    let all = Arc::clone(all);
    Bytes::from_owner(Counted { bytes, len, all })
}

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
    /// Counts the listeners.
    _one: Arc<()>,
}

/// Both ends of a way, and what resolves when the outlet is closed. The tail keeps `one` as long as it lives.
pub(super) fn outlet(one: &Arc<()>) -> (Outlet, Tail, oneshot::Receiver<()>) {
    let (sender, receiver) = unbounded_channel();
    let (over, is_over) = oneshot::channel();
    let outlet = Outlet {
        chunks: sender,
        waiting_bytes: Arc::default(),
        sent: 0,
        _over: over,
    };
    let tail = Tail {
        chunks: receiver,
        _one: Arc::clone(one),
    };
    (outlet, tail, is_over)
}

impl Outlet {
    pub(super) fn put(&self, chunk: Bytes) {
        // One who has gone is found out by `is_closed`.
        let _ = self.chunks.send(counted(chunk, &self.waiting_bytes));
    }

    /// How much waits until the system takes it.
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
        Poll::Ready(chunk.map(|chunk| Ok(Frame::data(chunk))))
    }
}

#[cfg(test)]
impl Tail {
    /// Takes all that waits.
    pub(super) fn heard(&mut self) -> String {
        let mut heard = Vec::new();
        while let Ok(chunk) = self.chunks.try_recv() {
            heard.extend(chunk);
        }
        String::from_utf8(heard).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_several_is_counted_once_for_all_and_once_for_each() {
        let all = Arc::default();
        let ways = [0, 1].map(|_| outlet(&Arc::default()));
        let chunk = counted(vec![b'x'; 100], &all);
        for (listener, ..) in &ways {
            listener.put(chunk.clone());
        }
        drop(chunk);
        let counts = |ways: &[(Outlet, Tail, _)]| -> Vec<usize> {
            ways.iter().map(|way| way.0.waiting_bytes()).collect()
        };
        assert_eq!(
            (all.load(Ordering::Relaxed), counts(&ways)),
            (100, Vec::from([100, 100]))
        );
        let [first, mut second] = ways;
        let taken = second.1.chunks.try_recv().unwrap();
        // Nobody has it, but it has not been sent either.
        assert_eq!(second.0.waiting_bytes(), 100);
        drop(taken);
        let left = [first, second];
        assert_eq!(
            (all.load(Ordering::Relaxed), counts(&left)),
            (100, Vec::from([100, 0]))
        );
        drop(left);
        assert_eq!(all.load(Ordering::Relaxed), 0);
    }
}
