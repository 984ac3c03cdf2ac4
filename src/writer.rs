//! The writer thread: blocks for one record, takes what is there, stores it in one transaction, again and again.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::batch::Batch;
use crate::error::{StoreError, describe};
use crate::level::Level;
use crate::queue::{Outcome, Portion, Queue};
use crate::record::{LogRecord, Site};
use crate::report::{Report, Reporter};
use crate::store::RecordStore;

/// The first pause before a store that has refused is tried again. It doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const CLOSED_PAUSE: Duration = Duration::from_millis(100);

/// From when on a locked database is worth a report, and how often a lasting fault is reported again.
const BUSY_REPORT_AFTER: Duration = Duration::from_secs(1);
const REPORT_EVERY: Duration = Duration::from_mins(1);

/// How often dropped records are recorded and reported at most.
const DROPS_EVERY: Duration = Duration::from_secs(1);

/// What the writer thread works with.
pub(crate) struct Writer {
    pub(crate) queue: Arc<Queue>,
    pub(crate) store: Box<dyn RecordStore>,
    pub(crate) portion: Portion,
    /// How long a closed queue's records are tried again before they are given up.
    pub(crate) close_timeout: Duration,
    pub(crate) overflow: &'static str,
    pub(crate) reporter: Reporter,
}

/// Tells the queue that the writer has ended, also when it ends by a panic.
struct Ending<'q>(&'q Queue);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.writer_ends();
    }
}

impl Writer {
    /// Stores until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let queue = Arc::clone(&self.queue);
        let _ending = Ending(&queue);
        let mut batches = Vec::new();
        let mut drops = Drops::new();
        let mut upkeep = Upkeep::new();
        // After the close timeout, which is one for all that is left, not one for each transaction.
        let mut given_up = false;
        loop {
            // Drops that are not noted yet are noted soon, also when nothing comes any more.
            let patience = if upkeep.due {
                Some(Duration::ZERO)
            } else {
                let pending = drops.are_pending(queue.counters().dropped);
                Some(if pending { DROPS_EVERY } else { UPKEEP_EVERY })
            };
            let gathered = queue.gather(&mut batches, self.portion, patience);
            let records = batches.iter().map(|batch| batch.len() as u64).sum();
            let dropped = queue.counters().dropped;
            if let Some(count) = drops.due(dropped, gathered.last) {
                (self.reporter)(&Report::RecordsDropped {
                    count,
                    rule: self.overflow,
                });
                batches.push(drops.record(count, self.overflow));
            }
            let records_and_notes = batches.iter().map(Batch::len).sum::<usize>();
            let idle = batches.is_empty();
            if !idle {
                let outcome = match records_and_notes {
                    // Only the marks of flushes: what they wait for is stored already.
                    0 => Outcome::Stored,
                    _ if given_up => Outcome::Failed,
                    _ => self.store(&batches),
                };
                given_up |= matches!(outcome, Outcome::Failed);
                queue.settle(&mut batches, records, gathered.end, outcome);
            }
            if gathered.last {
                return;
            }
            if upkeep.turn(idle) {
                upkeep.step(self.store.as_mut(), &self.reporter);
            }
        }
    }

    /// Tries until the store takes the batches, or until the queue has been closed for too long.
    fn store(&mut self, batches: &[Batch]) -> Outcome {
        let mut trouble: Option<Trouble> = None;
        loop {
            let error = match self.store.append(batches) {
                Ok(()) => {
                    if let Some(after) = trouble.and_then(|trouble| trouble.over()) {
                        (self.reporter)(&Report::StoreRecovered { after });
                    }
                    return Outcome::Stored;
                }
                Err(error) => error,
            };
            let trouble = trouble.get_or_insert_with(Trouble::new);
            let busy = matches!(error, StoreError::Busy { .. });
            if !busy {
                self.queue.fault(describe(&error));
            }
            if let Some(report) = trouble.report(&error, self.queue.counters().queued) {
                (self.reporter)(&report);
            }
            let pause = trouble.pause(busy);
            if self.queue.pause(pause) {
                if trouble.closed_for() > self.close_timeout {
                    self.queue.fault(describe(&error));
                    return Outcome::Failed;
                }
                // A closed queue does not pause any more, and a full disk is not to be tried a million times a second.
                thread::sleep(pause.min(CLOSED_PAUSE));
            }
        }
    }
}

/// A time during which the store refuses.
struct Trouble {
    since: Instant,
    next_pause: Duration,
    reported: Option<Instant>,
    closed_since: Option<Instant>,
}

impl Trouble {
    fn new() -> Self {
        Trouble {
            since: Instant::now(),
            next_pause: FIRST_PAUSE,
            reported: None,
            closed_since: None,
        }
    }

    /// How long it took, when it was worth a report.
    fn over(&self) -> Option<Duration> {
        self.reported.map(|_| self.since.elapsed())
    }

    fn report(&mut self, error: &StoreError, waiting: u64) -> Option<Report> {
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
        Some(if busy {
            Report::StoreBusy { waited, waiting }
        } else {
            Report::StoreFailing {
                reason: describe(error),
                waiting,
            }
        })
    }

    /// A lock is waited for inside the store already, so that its pauses stay short.
    fn pause(&mut self, busy: bool) -> Duration {
        let pause = self.next_pause;
        if !busy {
            self.next_pause = (pause * 2).min(LONGEST_PAUSE);
        }
        pause
    }

    /// For how long the queue has been closed, asked each time that it is.
    fn closed_for(&mut self) -> Duration {
        self.closed_since.get_or_insert_with(Instant::now).elapsed()
    }
}

/// How often an idle writer looks whether others have left it something to do.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// What the store does when nothing else is to be done, and now and then when that never comes.
struct Upkeep {
    due: bool,
    /// How many transactions there were since the last step.
    busy: u32,
    reported: Option<Instant>,
}

/// After how many transactions without a pause a step of upkeep is made all the same.
const BUSY_TURNS: u32 = 16;

impl Upkeep {
    fn new() -> Self {
        Upkeep {
            due: true,
            busy: 0,
            reported: None,
        }
    }

    /// Whether now is the time for a step.
    fn turn(&mut self, idle: bool) -> bool {
        if !idle {
            self.due = true;
            self.busy += 1;
        }
        idle || self.due && self.busy >= BUSY_TURNS
    }

    fn step(&mut self, store: &mut dyn RecordStore, reporter: &Reporter) {
        self.busy = 0;
        match store.maintain() {
            Ok(done) => {
                self.due = done.more;
                if done.damaged > 0 {
                    let count = done.damaged;
                    reporter(&Report::BlocksDamaged { count });
                }
            }
            Err(error) => {
                // Again after the next transaction.
                self.due = false;
                let recently = |reported: Instant| reported.elapsed() < REPORT_EVERY;
                let passing = matches!(error, StoreError::Busy { .. });
                if !passing && !self.reported.is_some_and(recently) {
                    self.reported = Some(Instant::now());
                    let reason = describe(&error);
                    reporter(&Report::UpkeepFailing { reason });
                }
            }
        }
    }
}

/// Drops become a record of their own.
struct Drops {
    noted: u64,
    last: Option<Instant>,
    site: Arc<Site>,
}

impl Drops {
    fn new() -> Self {
        Drops {
            noted: 0,
            last: None,
            site: Arc::new(Site::new("logstore", Level::WARNING)),
        }
    }

    fn are_pending(&self, dropped: u64) -> bool {
        dropped > self.noted
    }

    /// How many drops are to be noted now.
    fn due(&mut self, dropped: u64, last: bool) -> Option<u64> {
        let count = dropped - self.noted;
        if count == 0 || !last && self.last.is_some_and(|last| last.elapsed() < DROPS_EVERY) {
            return None;
        }
        self.noted = dropped;
        self.last = Some(Instant::now());
        Some(count)
    }

    fn record(&self, count: u64, rule: &'static str) -> Batch {
        let message = Report::RecordsDropped { count, rule }.to_string();
        let record = LogRecord::new(Arc::clone(&self.site), message)
            .with("dropped", count)
            .with("overflow", rule);
        [&record].into_iter().collect()
    }
}
