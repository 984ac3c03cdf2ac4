//! A body that is made piece by piece, on threads that may read, no faster than its client takes it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::StatusCode;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::{JoinHandle, spawn_blocking};

use super::super::counted::counted;
use super::super::problem::Problem;
use super::super::questions::TakenBack;

/// What makes a body.
pub(super) trait Step: Send {
    /// Makes the next piece; an empty one when that takes another step, `None` at the end.
    fn step(&mut self) -> Result<Option<Vec<u8>>, Problem>;

    /// How many bytes the rest has, as soon as that is known.
    fn left_bytes(&self) -> Option<u64> {
        None
    }
}

type Stepped = (Box<dyn Step>, Result<Option<Vec<u8>>, Problem>);

/// See the module's documentation.
pub(super) struct Made {
    /// The first piece, which is there before the rest is asked for.
    first: Option<Bytes>,
    state: State,
    left_bytes: Option<u64>,
    /// Given back when the last piece has been sent.
    room: Arc<OwnedSemaphorePermit>,
    _wanted: TakenBack,
}

enum State {
    Waiting(Box<dyn Step>),
    Making(JoinHandle<Stepped>),
    Over,
}

fn make(mut step: Box<dyn Step>) -> JoinHandle<Stepped> {
    spawn_blocking(move || {
        let made = step.step();
        (step, made)
    })
}

impl Made {
    /// The body, when its first piece is there.
    pub(super) async fn begin(
        mut step: Box<dyn Step>,
        room: OwnedSemaphorePermit,
        wanted: TakenBack,
    ) -> Result<Self, Problem> {
        let first = loop {
            let made = make(step).await.map_err(|_| {
                let detail = "making this export failed; this is a bug";
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
            })?;
            step = made.0;
            match made.1? {
                Some(piece) if piece.is_empty() => {}
                piece => break piece,
            }
        };
        let left_bytes = step.left_bytes();
        let room = Arc::new(room);
        Ok(Made {
            left_bytes: left_bytes.map(|left| left + first.as_ref().map_or(0, Vec::len) as u64),
            state: match &first {
                Some(_) => State::Waiting(step),
                None => State::Over,
            },
            first: first.map(|first| counted(first, Arc::clone(&room))),
            room,
            _wanted: wanted,
        })
    }

    fn give(&mut self, piece: Bytes) -> Frame<Bytes> {
        if let Some(left) = &mut self.left_bytes {
            *left = left.saturating_sub(piece.len() as u64);
        }
        Frame::data(piece)
    }
}

impl Body for Made {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(first) = self.first.take() {
            let first = self.give(first);
            return Poll::Ready(Some(Ok(first)));
        }
        loop {
            match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return Poll::Ready(None),
                State::Waiting(step) => {
                    self.state = State::Making(make(step));
                }
                State::Making(mut making) => {
                    let Poll::Ready(made) = Pin::new(&mut making).poll(context) else {
                        self.state = State::Making(making);
                        return Poll::Pending;
                    };
                    let broken = |what| Poll::Ready(Some(Err(io::Error::other(what))));
                    let Ok((step, piece)) = made else {
                        return broken("the step has panicked".to_owned());
                    };
                    match piece {
                        Err(problem) => return broken(problem.to_string()),
                        Ok(None) => return Poll::Ready(None),
                        Ok(Some(piece)) => {
                            self.state = State::Waiting(step);
                            if !piece.is_empty() {
                                let piece = counted(piece, Arc::clone(&self.room));
                                let piece = self.give(piece);
                                return Poll::Ready(Some(Ok(piece)));
                            }
                        }
                    }
                }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.left_bytes
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
