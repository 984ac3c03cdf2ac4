//! A time during which the store refuses: when it is tried again, and what is said of it.

use std::time::{Duration, Instant};

use super::REPORT_EVERY;
use crate::chance::chance;
use crate::error::{StoreError, describe};
use crate::report::Report;

/// The pauses before a store that has refused is tried again: the first one doubles up to the longest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retry {
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Retry {
            first: Duration::from_millis(20),
            longest: Duration::from_secs(2),
        }
    }
}

/// From when on a locked database is worth a report.
const BUSY_REPORT_AFTER: Duration = Duration::from_secs(1);

/// A time during which the store refuses.
pub(super) struct Trouble {
    since: Instant,
    next_pause: Duration,
    longest_pause: Duration,
    /// The server that could not be reached, when the store is one.
    server: Option<String>,
    reported: Option<Instant>,
    closed_since: Option<Instant>,
}

impl Trouble {
    pub(super) fn new(retry: Retry) -> Self {
        Trouble {
            since: Instant::now(),
            next_pause: retry.first,
            longest_pause: retry.longest,
            server: None,
            reported: None,
            closed_since: None,
        }
    }

    /// The report that it is over, when there was one that it began.
    pub(super) fn over(self) -> Option<Report> {
        self.reported?;
        let after = self.since.elapsed();
        Some(match self.server {
            Some(server) => Report::ServerReached { server, after },
            None => Report::StoreRecovered { after },
        })
    }

    pub(super) fn report(&mut self, error: &StoreError, waiting: u64) -> Option<Report> {
        let waited = self.since.elapsed();
        let due = match self.reported {
            None => true,
            Some(reported) => reported.elapsed() >= REPORT_EVERY,
        };
        let busy = matches!(error, StoreError::Busy { .. });
        if !due || busy && waited < BUSY_REPORT_AFTER {
            return None;
        }
        self.reported = Some(Instant::now());
        if let StoreError::Server { server, .. } = error {
            self.server = Some(server.clone());
        }
        Some(if busy {
            Report::StoreBusy { waited, waiting }
        } else {
            Report::StoreFailing {
                reason: describe(error),
                waiting,
            }
        })
    }

    /// A lock is waited for inside the store already, so that its pauses stay short. All are shortened by chance, by up to a half,
    /// so that many clients of one server do not come back in step.
    pub(super) fn pause(&mut self, busy: bool) -> Duration {
        let pause = self.next_pause;
        if !busy {
            self.next_pause = pause.saturating_mul(2).min(self.longest_pause);
        }
        let [first, second, ..] = chance().to_le_bytes();
        let share = f64::from(u16::from_le_bytes([first, second])) / f64::from(u16::MAX);
        pause.mul_f64(1.0 - share / 2.0)
    }

    /// For how long the queue has been closed, asked each time that it is.
    pub(super) fn closed_for(&mut self) -> Duration {
        self.closed_since.get_or_insert_with(Instant::now).elapsed()
    }
}
