//! Answers that go on for long: their connections are broken off when the client has gone, or takes nothing.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Body as HyperBody, Bytes, Frame, SizeHint};
use tokio::sync::oneshot;
use tokio::task::spawn_local;
use tokio::time::sleep;

use super::Exchange;
use super::answer::Body;

/// How long a client that has ended its side is still answered: it may listen. Then it has gone.
pub(super) const GONE_AFTER: Duration = Duration::from_secs(1);

/// A body whose end is noticed.
struct Guarded {
    body: Body,
    _alive: oneshot::Sender<()>,
}

impl HyperBody for Guarded {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<std::io::Result<Frame<Bytes>>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Exchange<'_> {
    /// The same body. `stuck` resolves when its client does not take it.
    pub(super) fn guarded(&self, body: Body, stuck: impl Future<Output = ()> + 'static) -> Body {
        let (alive, ended) = oneshot::channel();
        let (poll_end, cut) = (self.poll_end.clone(), self.cut.clone());
        spawn_local(async move {
            let gone = async {
                poll_fn(|context| poll_end(context)).await;
                sleep(GONE_AFTER).await;
            };
            tokio::select! {
                // Once the body has ended, the connection is hyper's again: a look at it here would take hyper's waker.
                biased;
                _ = ended => {}
                () = gone => cut.notify_one(),
                () = stuck => cut.notify_one(),
            }
        });
        let body = Guarded {
            body,
            _alive: alive,
        };
        body.boxed_unsync()
    }
}
