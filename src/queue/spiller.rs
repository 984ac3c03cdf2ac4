//! The thread that takes records out of the queue and puts them into the spill while the writer does not come to them.
//!
//! Order is kept: the spill is older than the queue. The writer reads it first, and holds its lock while it gathers.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::state::{Sealed, State};
use super::{Overflow, Queue};
use crate::batch::Batch;
use crate::report::{Report, Reporter};
use crate::spill::{Spill, SpillMark};

/// For how long the writer may be busy with one transaction, or with what follows from it, before what waits is spilled. A full queue
/// whose writer moves pushes back instead: a spill would make everybody's records wait behind those of the one who sends too much.
pub(super) const STALL: Duration = Duration::from_millis(300);

/// The same while something is spilled: a disk that hesitates again and again gets no further behind. Still, nobody waits for a second,
/// after which Python's `SocketHandler` gives a connection up.
pub(super) const NEXT_STALL: Duration = Duration::from_millis(700);

/// How often it is looked at a busy writer.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// When a spill that took nothing is tried again, and how often that is reported.
const AGAIN_AFTER: Duration = Duration::from_secs(1);
const REPORT_EVERY: Duration = Duration::from_mins(1);

/// How many bytes of records go into one frame.
const FRAME_BYTES: usize = 1 << 20;

/// What the spilling thread is to do.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    Spill,
    /// The writer is busy, but not for long.
    Look,
    /// The writer gathers.
    Sleep,
    /// The queue is closed: the writer sees to what is left.
    End,
}

/// What the spill holds for the next process.
pub(crate) struct Kept {
    pub(crate) records: u64,
    pub(crate) path: PathBuf,
    /// Why it does not hold all.
    pub(crate) fault: Option<io::Error>,
}

/// The thread that spills.
pub(crate) struct Spiller {
    pub(crate) queue: Arc<Queue>,
    pub(crate) reporter: Reporter,
}

impl Spiller {
    /// Spills whenever it is time, until the queue is closed.
    pub(crate) fn run(self) {
        let Some(spill) = &self.queue.spill else {
            return;
        };
        let (mut spilling, mut failing) = (None, None);
        let due = |told: &mut Option<Instant>| {
            let due = told.is_none_or(|told| told.elapsed() >= REPORT_EVERY);
            if due {
                *told = Some(Instant::now());
            }
            due
        };
        while self.queue.wait_until_stalled() {
            let spilled = self.queue.spill_some(spill);
            let waiting = self.queue.counters().queued;
            let path = || lock(spill).path().to_owned();
            match spilled {
                Ok(0) => {}
                Ok(_) if due(&mut spilling) => (self.reporter)(&Report::Spilling {
                    path: path(),
                    waiting,
                }),
                Err(error) if due(&mut failing) => (self.reporter)(&Report::SpillFailing {
                    path: path(),
                    reason: error.to_string(),
                    waiting,
                }),
                Ok(_) | Err(_) => {}
            }
        }
    }
}

impl Queue {
    /// Waits until it is time to spill. `false`: the queue is closed, and the writer sees to what is left.
    fn wait_until_stalled(&self) -> bool {
        let mut state = self.lock();
        loop {
            state.spilling.thread_sleeps = false;
            state = match turn(&state) {
                Turn::Spill => return true,
                Turn::End => return false,
                Turn::Sleep => {
                    state.spilling.thread_sleeps = true;
                    let woken = self.stalls.wait(state);
                    woken.unwrap_or_else(PoisonError::into_inner)
                }
                Turn::Look => {
                    let woken = self.stalls.wait_timeout(state, LOOK_EVERY);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Moves some of what has waited longest into the spill, if it is still time; gives how many records. After an error all of them
    /// are where they were.
    fn spill_some(&self, spill: &Mutex<Spill>) -> io::Result<u64> {
        let mut spill = lock(spill);
        let state = self.lock();
        if turn(&state) != Turn::Spill {
            return Ok(0);
        }
        self.move_some(&mut spill, state)
    }

    fn move_some(&self, spill: &mut Spill, mut state: MutexGuard<'_, State>) -> io::Result<u64> {
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while bytes < FRAME_BYTES
            && let Some(sealed) = self.oldest(&mut state)
        {
            bytes += sealed.batch.bytes();
            taken.push(sealed);
        }
        drop(state);
        let Some(queued_through) = taken.iter().map(|sealed: &Sealed| sealed.end).max() else {
            return Ok(0);
        };
        let batches: Vec<&Batch> = taken.iter().map(|sealed| &sealed.batch).collect();
        let appended = spill.append(&batches, queued_through);
        let mut state = self.lock();
        if let Err(error) = appended {
            for sealed in taken.into_iter().rev() {
                state.spilling.given_back.push_front(sealed);
            }
            state.spilling.again_at = Some(Instant::now() + AGAIN_AFTER);
            return Err(error);
        }
        let mut records = 0;
        for Sealed { batch, .. } in taken {
            records += batch.len() as u64;
            state.take_out(&batch);
            state.keep_spare(batch);
        }
        state.spilling.records += records;
        self.metrics.takes.moves();
        self.wake_if_roomy(&mut state);
        Ok(records)
    }

    /// The writer begins to gather: it is not stalled, and nobody else takes records out.
    pub(super) fn turn_to_gather(&self) -> Option<MutexGuard<'_, Spill>> {
        let spill = self.spill.as_ref()?;
        self.lock().spilling.stalls_at = None;
        Some(lock(spill))
    }

    /// The writer has gathered something, and stores it.
    pub(super) fn begin_to_store(&self) {
        self.metrics.tries.moves();
        self.metrics.takes.moves();
        if self.spill.is_some() {
            let mut state = self.lock();
            state.spilling.moves();
            if state.spilling.thread_sleeps {
                self.stalls.notify_one();
            }
        }
    }

    /// The writer has stored what it had, and sees to what follows from it.
    pub(crate) fn moves(&self) {
        if self.spill.is_some() {
            self.lock().spilling.moves();
        }
    }

    /// Whether the disk has no room for the spill.
    pub(crate) fn hold_spill_back(&self, held_back: bool) {
        if self.spill.is_some() {
            self.lock().spilling.held_back = held_back;
        }
    }

    /// What was gathered from the spill is stored.
    ///
    /// # Errors
    ///
    /// When a file that is not needed any more cannot be removed. The next process will do so.
    pub(crate) fn spill_stored(&self) -> io::Result<()> {
        self.spill
            .as_ref()
            .map_or(Ok(()), |spill| lock(spill).stored())
    }

    /// Whether the rule is to spill. Under another one what an earlier process has left is only read.
    fn spills(&self) -> bool {
        self.limits.overflow == Overflow::Spill
    }

    /// Puts what the writer has at hand into the spill, too, before all else; `None`: there is no spill, or nothing at hand.
    ///
    /// # Errors
    ///
    /// When the spill does not take it.
    pub(crate) fn spill_at_hand(&self, batches: &[Batch]) -> io::Result<Option<SpillMark>> {
        let at_hand: Vec<&Batch> = batches.iter().filter(|batch| !batch.is_empty()).collect();
        match &self.spill {
            Some(spill) if !at_hand.is_empty() && self.spills() => {
                lock(spill).put_at_hand(&at_hand).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Keeps everything for the next process, in a queue that is closed: what the writer has at hand, so many records, with the mark it
    /// was given for that, and what waits. What the spill does not take counts as failed. `None`: there is no spill.
    pub(crate) fn keep(
        &self,
        batches: &[Batch],
        records: u64,
        mark: &mut Option<SpillMark>,
    ) -> Option<Kept> {
        let spill = self.spill.as_ref().filter(|_| self.spills())?;
        let mut fault = None;
        if mark.is_none() && records > 0 {
            match self.spill_at_hand(batches) {
                Ok(at_hand) => *mark = at_hand,
                Err(error) => fault = Some(error),
            }
        }
        let mut spill = lock(spill);
        spill.lift_limit();
        loop {
            match self.move_some(&mut spill, self.lock()) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    fault = Some(error);
                    break;
                }
            }
        }
        spill.release();
        let mut state = self.lock();
        let at_hand = if mark.is_some() {
            &mut state.spilling.records
        } else {
            &mut state.failed
        };
        *at_hand += records;
        state.failed += state.records as u64;
        Some(Kept {
            records: state.spilling.records,
            path: spill.path().to_owned(),
            fault,
        })
    }
}

/// What is to be done now.
fn turn(state: &State) -> Turn {
    if state.sender.is_none() {
        return Turn::End;
    }
    let Some(stalls_at) = state.spilling.stalls_at else {
        return Turn::Sleep;
    };
    let now = Instant::now();
    let refused = state.spilling.again_at.is_some_and(|at| now < at);
    let waits = state.records == 0 || refused || state.spilling.held_back;
    if waits || now < stalls_at {
        Turn::Look
    } else {
        Turn::Spill
    }
}

/// A panic while the lock was held leaves nothing in a spill that its checksums would not tell.
fn lock(spill: &Mutex<Spill>) -> MutexGuard<'_, Spill> {
    spill.lock().unwrap_or_else(PoisonError::into_inner)
}
