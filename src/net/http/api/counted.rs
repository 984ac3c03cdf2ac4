//! An answer that has its room for as long as its client has not taken it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

/// How much is handed over at a time. At the end so much may still wait to be sent that is not counted any more.
const PIECE_BYTES: usize = 32 << 10;

/// See the module's documentation.
pub(super) struct Counted {
    left: Bytes,
    _room: OwnedSemaphorePermit,
}

impl Counted {
    pub(super) fn new(bytes: impl Into<Bytes>, room: OwnedSemaphorePermit) -> Self {
        Counted {
            left: bytes.into(),
            _room: room,
        }
    }
}

impl Body for Counted {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let bytes = self.left.len().min(PIECE_BYTES);
        let piece = self.left.split_to(bytes);
        // A copy: a slice would keep the whole for as long as it waits to be sent.
        let piece = (bytes > 0).then(|| Ok(Frame::data(Bytes::copy_from_slice(&piece))));
        Poll::Ready(piece)
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::super::{DEFAULT_QUERY_TIMEOUT, Questions};
    use super::*;

    #[tokio::test]
    async fn an_answer_has_its_room_until_it_is_taken() {
        let questions = Questions::new("none".into(), DEFAULT_QUERY_TIMEOUT);
        let room = questions.room_for_answer(128 << 20).unwrap();
        assert!(questions.room_for_answer(1).is_err());
        let bytes: Vec<u8> = (0..=249).cycle().take(100_000).collect();
        let mut body = Counted::new(bytes.clone(), room);
        assert_eq!(body.size_hint().exact(), Some(100_000));
        let taken = (&mut body).collect().await.unwrap().to_bytes();
        assert!(taken == bytes && body.is_end_stream());
        assert!(questions.room_for_answer(1).is_err());
        drop(body);
        assert!(questions.room_for_answer(1).is_ok());
    }
}
