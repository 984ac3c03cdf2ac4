//! A stream on which writes do not wait for ever: a client that reads nothing, or hardly anything, is not kept.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// How fast a client has to take what is there for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Haste {
    /// How long it may take nothing.
    pub(super) silence: Duration,
    /// How much it has to take on average,
    pub(super) bytes_per_second: u32,
    /// over so much time in which it was waited for.
    pub(super) over: Duration,
}

/// See the module's documentation.
pub(super) struct TimedWrites<S> {
    stream: S,
    haste: Haste,
    /// While something waits to be written: since when, and how long it may.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    /// How long the client was waited for since its rate was last looked at. Time in which there was nothing to take is no part of it.
    waited: Duration,
    /// How many bytes it has taken since then.
    taken: usize,
}

impl<S> TimedWrites<S> {
    /// A write for which this is too slow is an error.
    pub(super) fn new(stream: S, haste: Haste) -> Self {
        TimedWrites {
            stream,
            haste,
            waiting: None,
            waited: Duration::ZERO,
            taken: 0,
        }
    }

    /// The same, if it was in time; `bytes` says how many were written.
    fn in_time<T>(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<T>>,
        bytes: impl FnOnce(&T) -> usize,
    ) -> Poll<io::Result<T>> {
        let too_slow = || Err(io::ErrorKind::TimedOut.into());
        if let Poll::Ready(written) = written {
            if let Some((since, _)) = self.waiting.take() {
                self.waited += since.elapsed();
            }
            self.taken += written.as_ref().map_or(0, bytes);
            let is_slow = self.waited >= self.haste.over && !self.was_fast();
            return Poll::Ready(if is_slow { too_slow() } else { written });
        }
        let silence = self.haste.silence;
        let waiting = self.waiting.get_or_insert_with(|| {
            let deadline = Box::pin(sleep(silence));
            (Instant::now(), deadline)
        });
        waiting.1.as_mut().poll(context).map(|()| too_slow())
    }

    /// Whether the client was fast enough since the last look.
    fn was_fast(&mut self) -> bool {
        let waited = std::mem::take(&mut self.waited).as_millis();
        let taken = std::mem::take(&mut self.taken) as u128;
        taken * 1000 >= waited * u128::from(self.haste.bytes_per_second)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimedWrites<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimedWrites<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(context, written, |bytes| *bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.in_time(context, written, |bytes| *bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.in_time(context, flushed, |()| 0)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let ended = Pin::new(&mut self.stream).poll_shutdown(context);
        self.in_time(context, ended, |()| 0)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::task::JoinHandle;

    use super::*;

    /// 64 bytes are taken without waiting.
    fn line() -> (TimedWrites<DuplexStream>, DuplexStream) {
        let haste = Haste {
            silence: Duration::from_secs(20),
            // So few that a machine with other work is no slow client.
            bytes_per_second: 50,
            over: Duration::from_millis(100),
        };
        let (ours, theirs) = duplex(64);
        (TimedWrites::new(ours, haste), theirs)
    }

    /// Takes so many bytes at a time, and rests between.
    fn takes(mut client: DuplexStream, bytes: usize, rest: Duration) -> JoinHandle<usize> {
        tokio::spawn(async move {
            let (mut all, mut buffer) = (0, vec![0; bytes]);
            while let Ok(read @ 1..) = client.read(&mut buffer).await {
                all += read;
                sleep(rest).await;
            }
            all
        })
    }

    #[tokio::test]
    async fn who_takes_hardly_anything_is_not_kept_whatever_was_taken_before() {
        let (mut server, mut client) = line();
        for _ in 0..1000 {
            server.write_all(&[0; 64]).await.unwrap();
            client.read_exact(&mut [0; 64]).await.unwrap();
        }
        let client = takes(client, 1, Duration::from_millis(100));
        let began = Instant::now();
        let error = server.write_all(&vec![0; 100_000]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        // Not by the other limit.
        assert!(began.elapsed() < Duration::from_secs(20));
        drop(server);
        assert!(client.await.unwrap() < 100_000);
    }

    #[tokio::test]
    async fn who_takes_enough_is_kept() {
        let (mut server, client) = line();
        let client = takes(client, 64, Duration::from_micros(100));
        let began = Instant::now();
        let mut sent = 0;
        // Several looks.
        while began.elapsed() < Duration::from_millis(500) {
            server.write_all(&[0; 640]).await.unwrap();
            sent += 640;
        }
        drop(server);
        assert_eq!(client.await.unwrap(), sent);
    }

    #[tokio::test]
    async fn a_server_that_is_slow_itself_blames_nobody() {
        let (mut server, client) = line();
        let client = takes(client, 64, Duration::ZERO);
        for _ in 0..10 {
            server.write_all(&[0; 10]).await.unwrap();
            sleep(Duration::from_millis(30)).await;
        }
        drop(server);
        assert_eq!(client.await.unwrap(), 100);
    }
}
