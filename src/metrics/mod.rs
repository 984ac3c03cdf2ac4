//! What a running store measures, and the page on which it is shown.

#[cfg(feature = "net")]
mod page;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[cfg(feature = "net")]
pub(crate) use page::{Kind, NANOSECONDS, Page};

/// How many values were at most as large as each bound, and their sum. Any thread may count, any may read.
#[derive(Debug)]
pub(crate) struct Histogram {
    bounds: &'static [u64],
    /// One for each bound, and one for all that is larger.
    buckets: Box<[AtomicU64]>,
    sum: AtomicU64,
}

impl Histogram {
    fn new(bounds: &'static [u64]) -> Self {
        Histogram {
            bounds,
            buckets: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    fn count(&self, value: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// How many values there were, and their sum.
    #[cfg(feature = "net")]
    pub(crate) fn totals(&self) -> (u64, u64) {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (self.buckets.iter().map(of).sum(), of(&self.sum))
    }
}

/// When somebody moved last. Any thread may ask.
#[derive(Debug)]
pub(crate) struct Beat {
    began: Instant,
    /// In milliseconds since then.
    moved_ms: AtomicU64,
}

impl Default for Beat {
    fn default() -> Self {
        Beat {
            began: Instant::now(),
            moved_ms: AtomicU64::new(0),
        }
    }
}

impl Beat {
    pub(crate) fn moves(&self) {
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved_ms.store(ms, Ordering::Relaxed);
    }

    /// For how long nothing has moved.
    #[cfg(feature = "net")]
    pub(crate) fn rests_for(&self) -> Duration {
        let moved = Duration::from_millis(self.moved_ms.load(Ordering::Relaxed));
        self.began.elapsed().saturating_sub(moved)
    }
}

/// What the writer measures.
#[derive(Debug)]
pub(crate) struct StoreMetrics {
    /// How many records each transaction stored; one with nothing but records of our own is none.
    pub(crate) transaction_records: Histogram,
    /// How long it took.
    pub(crate) transaction_ns: Histogram,
    /// How old the newest record of each was when it was committed.
    pub(crate) lag_ns: Histogram,
    /// The writer does something, if only to try again.
    pub(crate) tries: Beat,
    /// Records have left the queue.
    pub(crate) takes: Beat,
}

const RECORDS: [u64; 6] = [1, 10, 100, 1000, 10_000, 100_000];
const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const DURATIONS_NS: [u64; 10] = [
    250 * MICROSECOND,
    MILLISECOND,
    5 * MILLISECOND,
    25 * MILLISECOND,
    100 * MILLISECOND,
    250 * MILLISECOND,
    SECOND,
    5 * SECOND,
    30 * SECOND,
    300 * SECOND,
];
impl Default for StoreMetrics {
    fn default() -> Self {
        StoreMetrics {
            transaction_records: Histogram::new(&RECORDS),
            transaction_ns: Histogram::new(&DURATIONS_NS),
            lag_ns: Histogram::new(&DURATIONS_NS),
            tries: Beat::default(),
            takes: Beat::default(),
        }
    }
}

impl StoreMetrics {
    /// A transaction was committed that stored so many records. `lag_ns` is the age of the newest; clocks that disagree make it negative.
    pub(crate) fn committed(&self, records: u64, took: Duration, lag_ns: i64) {
        self.transaction_records.count(records);
        let took_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.transaction_ns.count(took_ns);
        self.lag_ns.count(u64::try_from(lag_ns).unwrap_or(0));
    }
}
