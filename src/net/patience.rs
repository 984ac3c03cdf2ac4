//! How long a client may be silent, and how long it may take for one message.

use std::future::Future;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::shared::Rules;

/// What of a client's time is left. Only the time that we wait for it counts, not that in which it waits for us.
pub(super) struct Patience {
    idle_timeout: Option<Duration>,
    message_timeout: Duration,
    /// For how long the rest of the message at hand has been waited for, all pauses together: bytes that drip in are no news.
    waited: Duration,
}

/// Why a client is not waited for any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// It has sent nothing for too long.
    Idle,
    /// It has taken too long for one message.
    Message,
}

impl Patience {
    pub(super) fn new(rules: &Rules) -> Self {
        Patience {
            idle_timeout: rules.idle_timeout,
            message_timeout: rules.message_timeout,
            waited: Duration::ZERO,
        }
    }

    /// Waits for what a client sends next, of whose message so many bytes are there.
    pub(super) async fn wait<T>(
        &mut self,
        partial_bytes: usize,
        next: impl Future<Output = T>,
    ) -> Result<T, Over> {
        if partial_bytes == 0 {
            self.waited = Duration::ZERO;
        }
        let idle = self.idle_timeout.map(|left| (left, Over::Idle));
        let left = self.message_timeout.saturating_sub(self.waited);
        let message = (partial_bytes > 0).then_some((left, Over::Message));
        let Some((left, over)) = idle.into_iter().chain(message).min_by_key(|limit| limit.0) else {
            return Ok(next.await);
        };
        let began = Instant::now();
        let came = timeout(left, next).await;
        if partial_bytes > 0 {
            self.waited += began.elapsed();
        }
        came.map_err(|_| over)
    }

    /// A message has come to its end.
    pub(super) fn renew(&mut self) {
        self.waited = Duration::ZERO;
    }
}
