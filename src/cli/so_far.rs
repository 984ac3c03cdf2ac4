//! `--report-every`: what a running server has done so far, now and then.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use logstore::{Figures, ServerContext, Summary};

use super::size::Bytes;

/// When the next report is due, and what was told in the last one.
pub(super) struct SoFar {
    every: Option<Duration>,
    told: Instant,
    last: State,
}

/// What is reported.
#[derive(Clone, Copy, Default)]
struct State {
    summary: Summary,
    figures: Figures,
}

impl SoFar {
    pub(super) fn new(every: Option<Duration>) -> Self {
        SoFar {
            every,
            told: Instant::now(),
            last: State::default(),
        }
    }

    /// What is to be said now.
    pub(super) fn due(&mut self, server: &ServerContext) -> Option<String> {
        let elapsed = self.told.elapsed();
        if self.every.is_none_or(|every| elapsed < every) {
            return None;
        }
        let now = State {
            summary: server.summary(),
            figures: server.figures(),
        };
        let text = with_rates(&now, &self.last, elapsed);
        (self.told, self.last) = (Instant::now(), now);
        Some(text)
    }
}

/// The summary, with what came in a second since the last one, what a transaction was like, and what the files have.
fn with_rates(now: &State, last: &State, elapsed: Duration) -> String {
    let (summary, figures) = (&now.summary, &now.figures);
    let received = |state: &State| {
        let records = state.summary.records;
        records.accepted - records.left_behind
    };
    let records = rate(received(now), received(last), elapsed);
    let bytes = rate(summary.bytes, last.summary.bytes, elapsed);
    let mut text = format!("so far: {summary}; lately {records:.0} records/s, {bytes:.0} bytes/s");
    let transactions = figures.transactions - last.figures.transactions;
    if let Ok(count @ 1..) = u32::try_from(transactions) {
        let stored = summary.records.stored - last.summary.records.stored;
        let took = figures
            .transaction_time
            .saturating_sub(last.figures.transaction_time)
            / count;
        let lag = figures.lag.saturating_sub(last.figures.lag) / count;
        let each = stored / u64::from(count);
        let _ = write!(
            text,
            ", {each} records and {took:.1?} a transaction, {lag:.1?} behind"
        );
    }
    let [file, wal, free] = [figures.file_bytes, figures.wal_bytes, figures.free_bytes].map(Bytes);
    text + &format!("; file {file}, WAL {wal}, {free} free")
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
        let (mut now, mut last) = (State::default(), State::default());
        (now.summary.records.accepted, last.summary.records.accepted) = (3000, 1000);
        (now.summary.records.stored, now.figures.transactions) = (1200, 10);
        now.figures.transaction_time = Duration::from_millis(31);
        now.figures.lag = Duration::from_millis(120);
        (now.summary.bytes, last.summary.bytes) = (500_000, 100_000);
        now.figures.file_bytes = 3 << 20;
        let text = with_rates(&now, &last, Duration::from_secs(4));
        assert!(
            text.starts_with("so far: 3000 records received over 0 connections"),
            "{text}"
        );
        assert!(
            text.ends_with(
                "; lately 500 records/s, 100000 bytes/s, 120 records and 3.1ms a transaction, 12.0ms behind; \
                 file 3.0 MiB, WAL 0 bytes, 0 bytes free"
            ),
            "{text}"
        );
    }
}
