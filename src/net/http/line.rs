//! A connection of which one can learn, while a request is being answered, that its client has gone.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncBufRead as _, AsyncRead, AsyncWrite, BufReader, ReadBuf};

/// What is read ahead to see an end: a part of the next request, as a rule nothing.
const AHEAD_BYTES: usize = 64;

/// Reads and writes through to the stream. Clones are the same line.
pub(super) struct Line<S>(Rc<RefCell<BufReader<S>>>);

impl<S> Clone for Line<S> {
    fn clone(&self) -> Self {
        Line(Rc::clone(&self.0))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    pub(super) fn new(stream: S) -> Self {
        let ahead = BufReader::with_capacity(AHEAD_BYTES, stream);
        Line(Rc::new(RefCell::new(ahead)))
    }

    /// Ready when the client has ended its side. Behind a part of another request that cannot be seen.
    pub(super) fn poll_end(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut ahead = self.0.borrow_mut();
        match Pin::new(&mut *ahead).poll_fill_buf(context) {
            Poll::Ready(Ok([]) | Err(_)) => Poll::Ready(()),
            Poll::Ready(Ok(_)) | Poll::Pending => Poll::Pending,
        }
    }

    fn with<T>(&self, act: impl FnOnce(Pin<&mut BufReader<S>>) -> T) -> T {
        act(Pin::new(&mut *self.0.borrow_mut()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Line<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_read(context, buffer))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Line<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.with(|stream| stream.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.with(|stream| stream.is_write_vectored())
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|stream| stream.poll_shutdown(context))
    }
}
