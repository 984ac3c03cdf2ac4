//! Losses become records of their own, now and then.

use std::time::{Duration, Instant};

/// See the module's documentation.
pub(super) struct Losses {
    every: Duration,
    noted: u64,
    last: Option<Instant>,
}

impl Losses {
    /// Noted so often at the most.
    pub(super) fn new(every: Duration) -> Self {
        Losses {
            every,
            noted: 0,
            last: None,
        }
    }

    pub(super) fn are_pending(&self, lost: u64) -> bool {
        lost > self.noted
    }

    /// How many are to be noted now.
    pub(super) fn due(&mut self, lost: u64, is_end: bool) -> Option<u64> {
        let count = lost - self.noted;
        if count == 0 || !is_end && self.last.is_some_and(|last| last.elapsed() < self.every) {
            return None;
        }
        self.noted = lost;
        self.last = Some(Instant::now());
        Some(count)
    }
}
