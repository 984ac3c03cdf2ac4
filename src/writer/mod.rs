//! The writer thread: blocks for one record, takes what is there, stores it in one transaction, again and again.

mod losses;
mod pace;
mod trouble;
mod upkeep;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::batch::Batch;
use crate::error::{StoreError, describe};
use crate::level::Level;
use crate::queue::{Outcome, Portion, Queue};
use crate::record::LogRecord;
use crate::report::{Report, Reporter};
use crate::spill::SpillMark;
use crate::store::{LeftOut, RecordStore};
use crate::time::now_ns;

use losses::Losses;
use pace::Pace;
pub(crate) use trouble::Retry;
use trouble::Trouble;
use upkeep::{UPKEEP_EVERY, Upkeep};

/// How often a closed queue's store that refuses is tried again.
const CLOSED_PAUSE: Duration = Duration::from_millis(100);

/// How often a lasting fault is reported again.
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
        let mut pace = Pace::new(self.portion);
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
            let mut gathered = queue.gather(&mut batches, pace.portion(), Some(patience));
            if !queue.is_open() {
                closed_since.get_or_insert_with(Instant::now);
            }
            let records: u64 = batches.iter().map(|batch| batch.len() as u64).sum();
            // What is in the spill is safe there, and a stop does not wait for all of it.
            if gathered.mark.is_some()
                && closed_since.is_some_and(|since| since.elapsed() > self.close_timeout)
                && self.keep(&batches, records, &mut gathered.mark)
            {
                return;
            }
            let dropped = queue.counters().dropped;
            if let Some(count) = drops.due(dropped, gathered.last) {
                let rule = self.overflow;
                let report = Report::RecordsDropped { count, rule };
                (self.reporter)(&report);
                let note = LogRecord::own(Level::WARNING, report.to_string());
                let note = note.with("dropped", count).with("overflow", rule);
                batches.push([&note].into_iter().collect::<Batch>().of_our_own());
            }
            if let Some(count) = sheds.due(queue.counters().shed, gathered.last) {
                let report = Report::RecordsShed { count };
                (self.reporter)(&report);
                let note = LogRecord::own(Level::WARNING, report.to_string());
                let note = note.with("shed", count);
                batches.push([&note].into_iter().collect::<Batch>().of_our_own());
            }
            queue.take_notes(&mut batches);
            let records_and_notes = batches.iter().map(Batch::len).sum::<usize>();
            let idle = batches.is_empty() && gathered.mark.is_none();
            let at_rest = idle && !patience.is_zero();
            let confirm = gathered.last || at_rest || queue.is_awaited();
            if !idle || confirm && !self.store.is_certain() {
                let outcome = match records_and_notes {
                    _ if given_up => Outcome::Failed,
                    // Only the marks of flushes: what they wait for is stored already.
                    0 if self.store.is_certain() => Outcome::Stored(LeftOut::default()),
                    _ => self.store(&batches, records, &mut gathered.mark, confirm, &mut pace),
                };
                if outcome == Outcome::Failed && self.keep(&batches, records, &mut gathered.mark) {
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
                if !given_up && let Some(words) = queue.last_words() {
                    // What cannot be said now, the next start says.
                    let _ = self.store.append(&[words]);
                }
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
        pace: &mut Pace,
    ) -> Outcome {
        let mut trouble: Option<Trouble> = None;
        let newest_ns = batches.iter().rev().find_map(Batch::last_created_ns);
        // A stop does not wait for records of our own.
        let close_timeout = match records {
            0 => Duration::ZERO,
            _ => self.close_timeout,
        };
        loop {
            self.queue.metrics.tries.moves();
            let began = Instant::now();
            let error = match self.try_to_store(&mut batches, mark.as_ref(), confirm) {
                Ok(()) => {
                    pace.took(began.elapsed());
                    self.queue.moves();
                    self.queue.hold_spill_back(false);
                    let left_out = self.store.left_out();
                    if let Some(newest_ns) = newest_ns
                        && records > 0
                    {
                        let lag_ns = now_ns().saturating_sub(newest_ns);
                        let stored = records - left_out.twice - left_out.shed;
                        let metrics = &self.queue.metrics;
                        metrics.committed(stored, began.elapsed(), lag_ns);
                    }
                    if let Some(report) = trouble.and_then(Trouble::over) {
                        (self.reporter)(&report);
                    }
                    return Outcome::Stored(left_out);
                }
                Err(error) => error,
            };
            let trouble = trouble.get_or_insert_with(|| Trouble::new(self.retry));
            // What waits behind it is spilled by now; an end of the process must not leave a hole before it.
            // A full disk has no room for it either, and what room there is the store needs.
            let is_full = error.is_for_want_of_room();
            self.queue.hold_spill_back(is_full);
            if mark.is_none() && !is_full && records > 0 {
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
                    if is_full {
                        self.store.give_way();
                    }
                    return Outcome::Failed;
                }
                // A closed queue does not pause any more, and a full disk is not to be tried a million times a second.
                thread::sleep(pause.min(CLOSED_PAUSE));
            }
        }
    }

    /// Keeps what cannot be stored in the spill, as far as that takes it; `false`: there is none.
    fn keep(&self, batches: &[Batch], records: u64, mark: &mut Option<SpillMark>) -> bool {
        let Some(kept) = self.queue.keep(batches, records, mark) else {
            return false;
        };
        if let Some(error) = kept.fault {
            self.queue
                .fault(format!("cannot keep them in the spill: {error}"));
        }
        if kept.records > 0 {
            let (path, records) = (kept.path, kept.records);
            (self.reporter)(&Report::SpillKept { path, records });
        }
        true
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
