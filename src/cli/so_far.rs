//! `--report-every`: what a running server has done so far, now and then.

use std::time::{Duration, Instant};

use logstore::{ServerContext, Summary};

/// When the next report is due, and what was told in the last one.
pub(super) struct SoFar {
    every: Option<Duration>,
    told: Instant,
    last: Summary,
}

impl SoFar {
    pub(super) fn new(every: Option<Duration>) -> Self {
        SoFar {
            every,
            told: Instant::now(),
            last: Summary::default(),
        }
    }

    /// What is to be said now.
    pub(super) fn due(&mut self, server: &ServerContext) -> Option<String> {
        let elapsed = self.told.elapsed();
        if self.every.is_none_or(|every| elapsed < every) {
            return None;
        }
        let now = server.summary();
        let text = with_rates(&now, &self.last, elapsed);
        (self.told, self.last) = (Instant::now(), now);
        Some(text)
    }
}

/// The summary, with what came in a second since the last one.
fn with_rates(now: &Summary, last: &Summary, elapsed: Duration) -> String {
    let records = rate(now.records.accepted, last.records.accepted, elapsed);
    let bytes = rate(now.bytes, last.bytes, elapsed);
    format!("so far: {now}; lately {records:.0} records/s, {bytes:.0} bytes/s")
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nobody counts the digits of a rate"
)]
fn rate(now: u64, last: u64, elapsed: Duration) -> f64 {
    now.saturating_sub(last) as f64 / elapsed.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_since_the_last_report() {
        let (mut now, mut last) = (Summary::default(), Summary::default());
        (now.records.accepted, last.records.accepted) = (3000, 1000);
        (now.bytes, last.bytes) = (500_000, 100_000);
        let text = with_rates(&now, &last, Duration::from_secs(4));
        assert!(
            text.starts_with("so far: 3000 records received over 0 connections"),
            "{text}"
        );
        assert!(
            text.ends_with("; lately 500 records/s, 100000 bytes/s"),
            "{text}"
        );
    }
}
