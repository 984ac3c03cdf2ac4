//! The writer thread: blocks for one record, takes what is there, stores it in one transaction, again and again.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::batch::Batch;
use crate::error::{StoreError, describe};
use crate::level::Level;
use crate::queue::{Outcome, Portion, Queue};
use crate::record::{LogRecord, Site};
use crate::report::{Report, Reporter};
use crate::spill::SpillMark;
use crate::store::{LeftOut, RecordStore};
use crate::time::now_ns;

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

const CLOSED_PAUSE: Duration = Duration::from_millis(100);

/// From when on a locked database is worth a report, and how often a lasting fault is reported again.
const BUSY_REPORT_AFTER: Duration = Duration::from_secs(1);
const REPORT_EVERY: Duration = Duration::from_mins(1);

/// How often a writer that is at rest looks whether a loss is to be noted.
const NOTES_EVERY: Duration = Duration::from_secs(1);

/// What the writer thread works with.
pub(crate) struct Writer {
    pub(crate) queue: Arc<Queue>,
    pub(crate) store: Box<dyn RecordStore>,
    pub(crate) portion: Portion,
    /// How long a closed queue's records are tried again before they are given up.
    pub(crate) close_timeout: Duration,
    pub(crate) overflow: &'static str,
    pub(crate) reporter: Reporter,
    pub(crate) retry: Retry,
    /// How many records retention has removed.
    pub(crate) removed: Arc<AtomicU64>,
    /// Whether the log itself shall tell when the store takes records again.
    pub(crate) note_recoveries: bool,
}

/// Records that the store has taken and is not certain of yet.
#[derive(Default)]
struct Taken {
    records: u64,
    /// How many records had been queued with the last one.
    end: u64,
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
        let mut drops = Losses::new(Duration::from_secs(1));
        let mut sheds = Losses::new(Duration::from_secs(10));
        let mut upkeep = Upkeep::new();
        // After the close timeout, which is one for all that is left, not one for each transaction.
        let mut given_up = false;
        let mut open = Taken::default();
        let mut closed_since: Option<Instant> = None;
        loop {
            // Drops that are not noted yet are noted soon, also when nothing comes any more.
            let patience = if upkeep.due || upkeep.retains {
                Duration::ZERO
            } else if drops.are_pending(queue.counters().dropped)
                || sheds.are_pending(queue.counters().shed)
            {
                NOTES_EVERY
            } else {
                UPKEEP_EVERY
            };
            let mut gathered = queue.gather(&mut batches, self.portion, Some(patience));
            if !queue.is_open() {
                closed_since.get_or_insert_with(Instant::now);
            }
            // What is in the spill is safe there, and a stop does not wait for all of it.
            if gathered.mark.is_some()
                && closed_since.is_some_and(|since| since.elapsed() > self.close_timeout)
                && self.keep(&batches, &mut gathered.mark)
            {
                return;
            }
            let records: u64 = batches.iter().map(|batch| batch.len() as u64).sum();
            let dropped = queue.counters().dropped;
            if let Some(count) = drops.due(dropped, gathered.last) {
                let rule = self.overflow;
                let report = Report::RecordsDropped { count, rule };
                (self.reporter)(&report);
                batches.push(drops.note(&report, |note| {
                    note.with("dropped", count).with("overflow", rule)
                }));
            }
            if let Some(count) = sheds.due(queue.counters().shed, gathered.last) {
                let report = Report::RecordsShed { count };
                (self.reporter)(&report);
                batches.push(sheds.note(&report, |note| note.with("shed", count)));
            }
            queue.take_notes(&mut batches);
            let records_and_notes = batches.iter().map(Batch::len).sum::<usize>();
            let idle = batches.is_empty() && gathered.mark.is_none();
            let at_rest = idle && !patience.is_zero();
            let confirm = gathered.last || at_rest || queue.is_awaited();
            if !idle || confirm && !self.store.is_certain() {
                let outcome = match records_and_notes {
                    // Only the marks of flushes: what they wait for is stored already.
                    0 if self.store.is_certain() => Outcome::Stored(LeftOut::default()),
                    _ if given_up => Outcome::Failed,
                    _ => self.store(&batches, records, &mut gathered.mark, confirm),
                };
                if outcome == Outcome::Failed && self.keep(&batches, &mut gathered.mark) {
                    return;
                }
                given_up |= outcome == Outcome::Failed;
                open.records += records;
                open.end = open.end.max(gathered.end);
                let settled = if given_up || self.store.is_certain() {
                    std::mem::take(&mut open)
                } else {
                    Taken::default()
                };
                queue.settle(&mut batches, settled.records, settled.end, outcome);
                if gathered.mark.is_some()
                    && outcome != Outcome::Failed
                    && let Err(error) = queue.spill_stored()
                {
                    let reason = format!("cannot remove a spill file: {error}");
                    (self.reporter)(&Report::UpkeepFailing { reason });
                }
            }
            if gathered.damaged > 0 {
                let records = gathered.damaged;
                (self.reporter)(&Report::SpillDamaged { records });
            }
            if gathered.last {
                return;
            }
            let removed = upkeep.retain(self.store.as_mut(), &self.reporter);
            self.removed.fetch_add(removed, Ordering::Relaxed);
            if upkeep.turn(idle) {
                upkeep.step(self.store.as_mut(), &self.reporter);
            }
        }
    }

    /// Tries until the store takes the batches and, with `confirm`, is certain of them, or until the queue has been closed for too
    /// long.
    fn store(
        &mut self,
        mut batches: &[Batch],
        records: u64,
        mark: &mut Option<SpillMark>,
        confirm: bool,
    ) -> Outcome {
        let mut trouble: Option<Trouble> = None;
        let records_and_notes = batches.iter().map(Batch::len).sum::<usize>();
        let newest_ns = batches.iter().rev().find_map(Batch::last_created_ns);
        // A stop does not wait for records of our own.
        let close_timeout = match records {
            0 => Duration::ZERO,
            _ => self.close_timeout,
        };
        loop {
            let began = Instant::now();
            let error = match self.try_to_store(&mut batches, mark.as_ref(), confirm) {
                Ok(()) => {
                    self.queue.hold_spill_back(false);
                    if let Some(newest_ns) = newest_ns {
                        let lag_ns = now_ns().saturating_sub(newest_ns);
                        let metrics = &self.queue.metrics;
                        metrics.committed(records_and_notes, began.elapsed(), lag_ns);
                    }
                    if let Some(report) = trouble.and_then(Trouble::over) {
                        (self.reporter)(&report);
                        if self.note_recoveries {
                            self.queue.note(&note(report.to_string()));
                        }
                    }
                    return Outcome::Stored(self.store.left_out());
                }
                Err(error) => error,
            };
            let trouble = trouble.get_or_insert_with(|| Trouble::new(self.retry));
            // What waits behind it is spilled by now; an end of the process must not leave a hole before it.
            // A full disk has no room for it either, and what room there is the store needs.
            let is_full = error.is_for_want_of_room();
            self.queue.hold_spill_back(is_full);
            if mark.is_none() && !is_full {
                *mark = self.queue.spill_at_hand(batches).unwrap_or_default();
            }
            let busy = matches!(error, StoreError::Busy { .. });
            if !busy {
                self.queue.fault(describe(&error));
            }
            if let Some(report) = trouble.report(&error, self.queue.counters().queued) {
                (self.reporter)(&report);
            }
            let pause = trouble.pause(busy);
            if self.queue.pause(pause) {
                if trouble.closed_for() > close_timeout {
                    self.queue.fault(describe(&error));
                    return Outcome::Failed;
                }
                // A closed queue does not pause any more, and a full disk is not to be tried a million times a second.
                thread::sleep(pause.min(CLOSED_PAUSE));
            }
        }
    }

    /// Keeps what cannot be stored in the spill, where there is one; `true`: all of it.
    fn keep(&self, batches: &[Batch], mark: &mut Option<SpillMark>) -> bool {
        match self.queue.keep(batches, mark) {
            Ok(None) => false,
            Ok(Some((records, path))) => {
                (self.reporter)(&Report::SpillKept { path, records });
                true
            }
            Err(error) => {
                self.queue
                    .fault(format!("cannot keep them in the spill: {error}"));
                false
            }
        }
    }

    /// What was taken is not to be taken again, whatever becomes of the confirmation.
    fn try_to_store(
        &mut self,
        batches: &mut &[Batch],
        mark: Option<&SpillMark>,
        confirm: bool,
    ) -> Result<(), StoreError> {
        if !batches.is_empty() {
            match mark {
                Some(mark) => self.store.append_spilled(batches, mark)?,
                None => self.store.append(batches)?,
            }
            *batches = &[];
        }
        if confirm {
            self.store.confirm()
        } else {
            Ok(())
        }
    }
}

/// A record of our own.
fn note(message: String) -> LogRecord {
    LogRecord::new(Site::new("logstore", Level::WARNING), message)
}

/// A time during which the store refuses.
struct Trouble {
    since: Instant,
    next_pause: Duration,
    longest_pause: Duration,
    /// The server that could not be reached, when the store is one.
    server: Option<String>,
    reported: Option<Instant>,
    closed_since: Option<Instant>,
}

impl Trouble {
    fn new(retry: Retry) -> Self {
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
    fn over(self) -> Option<Report> {
        self.reported?;
        let after = self.since.elapsed();
        Some(match self.server {
            Some(server) => Report::ServerReached { server, after },
            None => Report::StoreRecovered { after },
        })
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
    fn pause(&mut self, busy: bool) -> Duration {
        let pause = self.next_pause;
        if !busy {
            self.next_pause = pause.saturating_mul(2).min(self.longest_pause);
        }
        // The standard library's only source of chance.
        let [first, second, ..] = RandomState::new().hash_one(()).to_le_bytes();
        let chance = f64::from(u16::from_le_bytes([first, second])) / f64::from(u16::MAX);
        pause.mul_f64(1.0 - chance / 2.0)
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
    /// Whether more is to be removed at once. The index waits until then: what goes needs none.
    retains: bool,
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
            retains: false,
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
        !self.retains && (idle || self.due && self.busy >= BUSY_TURNS)
    }

    /// Removes what is not to be kept any longer; gives how many records that was.
    fn retain(&mut self, store: &mut dyn RecordStore, reporter: &Reporter) -> u64 {
        match store.retain() {
            Ok(done) => {
                self.retains = done.more;
                done.removed
            }
            Err(error) => {
                self.retains = false;
                self.fails(&error, reporter);
                0
            }
        }
    }

    fn step(&mut self, store: &mut dyn RecordStore, reporter: &Reporter) {
        self.busy = 0;
        match store.maintain() {
            Ok(done) => {
                self.due = done.more;
                if done.reopened {
                    reporter(&Report::StoreReopened);
                }
                if done.damaged > 0 {
                    let count = done.damaged;
                    reporter(&Report::BlocksDamaged { count });
                }
            }
            Err(error) => {
                // Again after the next transaction.
                self.due = false;
                self.fails(&error, reporter);
            }
        }
    }

    fn fails(&mut self, error: &StoreError, reporter: &Reporter) {
        let recently = |reported: Instant| reported.elapsed() < REPORT_EVERY;
        let passing = matches!(error, StoreError::Busy { .. });
        if !passing && !self.reported.is_some_and(recently) {
            self.reported = Some(Instant::now());
            let reason = describe(error);
            reporter(&Report::UpkeepFailing { reason });
        }
    }
}

/// Losses become records of their own, now and then.
struct Losses {
    every: Duration,
    noted: u64,
    last: Option<Instant>,
    site: Arc<Site>,
}

impl Losses {
    /// Noted so often at the most.
    fn new(every: Duration) -> Self {
        Losses {
            every,
            noted: 0,
            last: None,
            site: Arc::new(Site::new("logstore", Level::WARNING)),
        }
    }

    fn are_pending(&self, lost: u64) -> bool {
        lost > self.noted
    }

    /// How many are to be noted now.
    fn due(&mut self, lost: u64, is_end: bool) -> Option<u64> {
        let count = lost - self.noted;
        if count == 0 || !is_end && self.last.is_some_and(|last| last.elapsed() < self.every) {
            return None;
        }
        self.noted = lost;
        self.last = Some(Instant::now());
        Some(count)
    }

    fn note(&self, report: &Report, fields: impl FnOnce(LogRecord) -> LogRecord) -> Batch {
        let record = LogRecord::new(Arc::clone(&self.site), report.to_string());
        [&fields(record)].into_iter().collect()
    }
}
