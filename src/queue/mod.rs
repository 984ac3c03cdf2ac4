//! The bounded queue between those who make records and the one who stores them.
//!
//! A crossbeam channel carries sealed batches; single records gather in an open batch first, so that neither side pays for a
//! hand-over of each. Its bound counts records and bytes, and everything that changes the count holds one lock. Order of
//! arrival is kept: a batch goes in behind the open one.

mod gather;
mod notes;
mod overflow;
mod spiller;
mod state;

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, unbounded};

pub(crate) use gather::Portion;
#[cfg(feature = "net")]
pub(crate) use overflow::Fill;
pub use overflow::{Counters, Overflow};
pub(crate) use spiller::Spiller;
pub(crate) use state::{Outcome, Urgency};
use state::{Sealed, State};

use crate::batch::{Batch, Texts};
use crate::error::QueueError;
use crate::metrics::StoreMetrics;
use crate::record::LogRecord;
use crate::sink::Ticket;
use crate::spill::Spill;
use crate::store::LeftOut;

/// The queue's size and rule.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How many records may wait.
    pub(crate) records: usize,
    /// How many bytes may wait. A larger record is let in when nothing else waits.
    pub(crate) bytes: usize,
    pub(crate) overflow: Overflow,
    /// How many records the writer wants at a time: single ones are not gathered beyond.
    pub(crate) batch: usize,
}

/// The most that the open batch gathers before it is sealed.
const OPEN_RECORDS: usize = 256;
const OPEN_BYTES: usize = 128 << 10;

/// See the module's documentation.
pub(crate) struct Queue {
    state: Mutex<State>,
    /// The writer's end, and that of [`Overflow::DropOldest`].
    receiver: Receiver<Sealed>,
    /// There is room again.
    room: Condvar,
    /// Something was settled, or the store began to fail.
    settled: Condvar,
    /// The queue was closed, or somebody waits: a writer that waits to try again looks at its deadline, or tries at once.
    closing: Condvar,
    limits: Limits,
    open_records: usize,
    /// Where records go that cannot wait here. Locked before the state; the writer holds it while it gathers, so that no record is passed
    /// by another.
    spill: Option<Mutex<Spill>>,
    /// It may be time to spill.
    stalls: Condvar,
    /// What the writer measures.
    pub(crate) metrics: StoreMetrics,
    /// How many records an earlier process had left in the spill.
    left_behind: u64,
}

impl Queue {
    pub(crate) fn new(limits: Limits, spill: Option<Spill>) -> Self {
        let (sender, receiver) = unbounded();
        let left_behind = spill.as_ref().map_or(0, Spill::records);
        Queue {
            state: Mutex::new(State::new(sender, left_behind)),
            spill: spill.map(Mutex::new),
            stalls: Condvar::new(),
            receiver,
            room: Condvar::new(),
            settled: Condvar::new(),
            closing: Condvar::new(),
            limits,
            // A small queue is passed on in small parts, so that dropping the oldest drops few.
            open_records: (limits.records / 8)
                .min(limits.batch)
                .clamp(1, OPEN_RECORDS),
            metrics: StoreMetrics::default(),
            left_behind,
        }
    }

    /// A panic while the lock was held cannot leave the counts half changed in a way that matters more than going on.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_full(&self, state: &State, more_bytes: usize) -> bool {
        state.records >= self.limits.records
            || state.records > 0 && state.bytes + more_bytes > self.limits.bytes
    }

    /// Queues one record, after waiting for room where the rule says so.
    pub(crate) fn push(&self, record: &LogRecord, texts: &Texts<'_>) -> Result<(), QueueError> {
        let bytes = Batch::bytes_of(texts);
        let mut state = self.lock();
        state.alive()?;
        if self.is_full(&state, bytes) {
            state = match self.limits.overflow {
                Overflow::Block | Overflow::Spill => self.wait_for_room(state, bytes),
                Overflow::DropNewest => {
                    state.drop_records(1);
                    return Ok(());
                }
                Overflow::DropOldest => {
                    self.drop_oldest(&mut state, bytes);
                    state
                }
            };
        }
        // It may have been closed while this waited.
        state.alive()?;
        state.accepted += 1;
        state.queued_through += 1;
        state.records += 1;
        let before = state.open.bytes();
        state.open.push_with(record, texts);
        state.bytes += state.open.bytes() - before;
        if state.writer_waits
            || state.open.len() >= self.open_records
            || state.open.bytes() >= OPEN_BYTES
        {
            state.seal(false);
        }
        Ok(())
    }

    /// Queues a batch as a whole, without waiting: await [`Queue::poll_ready`] before making it.
    pub(crate) fn push_batch(&self, batch: Batch, urgency: Urgency) -> Result<Ticket, QueueError> {
        let mut state = self.lock();
        state.alive()?;
        let lost = state.dropped + state.failed;
        if batch.is_empty() {
            state.keep_spare(batch);
            return Ok(state.ticket(lost));
        }
        if self.is_full(&state, batch.bytes()) {
            match self.limits.overflow {
                Overflow::Block | Overflow::Spill => {}
                Overflow::DropNewest => {
                    state.drop_records(batch.len() as u64);
                    state.keep_spare(batch);
                    return Ok(state.ticket(lost));
                }
                Overflow::DropOldest => self.drop_oldest(&mut state, batch.bytes()),
            }
        }
        if !state.open.is_empty() {
            // The open records came first.
            state.seal(false);
        }
        state.accepted += batch.len() as u64;
        state.queued_through += batch.len() as u64;
        state.records += batch.len();
        state.bytes += batch.bytes();
        state.send(batch, urgency == Urgency::AtOnce);
        Ok(state.ticket(lost))
    }

    /// Ready when everything up to the ticket is settled: an error when anything was lost since it was given.
    pub(crate) fn poll_settled(
        &self,
        ticket: Ticket,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), QueueError>> {
        let mut state = self.lock();
        if state.settled_through >= ticket.end {
            let lost = state.dropped + state.failed > ticket.lost;
            return Poll::Ready(if lost { Err(state.lost()) } else { Ok(()) });
        }
        if state.writer_gone {
            return Poll::Ready(Err(QueueError::WriterGone));
        }
        state.settle_wakers.push(context.waker().clone());
        Poll::Pending
    }

    /// Ready when there is room, or when the rule is not to wait for it.
    pub(crate) fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        if !matches!(self.limits.overflow, Overflow::Block | Overflow::Spill) {
            return Poll::Ready(());
        }
        let mut state = self.lock();
        if self.is_full(&state, 0) && state.alive().is_ok() {
            state.wakers.push(context.waker().clone());
            self.stalls.notify_one();
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// An empty batch, used before if there is one.
    pub(crate) fn spare(&self) -> Batch {
        self.lock().spare.pop().unwrap_or_default()
    }

    fn wait_for_room<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        bytes: usize,
    ) -> MutexGuard<'a, State> {
        state.blocked += 1;
        self.stalls.notify_one();
        while self.is_full(&state, bytes) && state.alive().is_ok() {
            state = self
                .room
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.blocked -= 1;
        state
    }

    /// Makes room by giving up what has waited longest and is not with the writer yet.
    fn drop_oldest(&self, state: &mut State, bytes: usize) {
        while self.is_full(state, bytes) {
            // An empty one only hurries the writer for a flush, which what comes next will end as well.
            let Some(Sealed { batch, .. }) =
                self.receiver.try_recv().ok().or_else(|| state.take_open())
            else {
                return;
            };
            state.take_out(&batch);
            // They were counted as accepted when they came.
            state.dropped += batch.len() as u64;
            state.keep_spare(batch);
        }
    }

    /// Whether somebody waits for what is not settled yet.
    pub(crate) fn is_awaited(&self) -> bool {
        let state = self.lock();
        state.awaited_through > state.settled_through
    }

    /// Everything up to `end` is committed or given up.
    pub(crate) fn settle(
        &self,
        batches: &mut Vec<Batch>,
        records: u64,
        end: u64,
        outcome: Outcome,
    ) {
        // Outside the lock: emptying a batch lets go of its sites.
        for batch in batches.iter_mut() {
            batch.clear();
        }
        let mut state = self.lock();
        match outcome {
            Outcome::Stored(LeftOut { twice, shed }) => {
                state.stored += records - twice - shed;
                state.duplicates += twice;
                state.shed += shed;
                state.fault = None;
            }
            Outcome::Failed => state.failed += records,
        }
        state.settled_through = state.settled_through.max(end);
        for batch in batches.drain(..) {
            state.keep_spare(batch);
        }
        let wakers = std::mem::take(&mut state.settle_wakers);
        drop(state);
        self.settled.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// The store has refused; whoever flushes is told.
    pub(crate) fn fault(&self, reason: String) {
        let mut state = self.lock();
        state.fault = Some(reason);
        state.faults += 1;
        drop(state);
        self.settled.notify_all();
    }

    /// Waits until everything queued so far is settled. With some `patience`, a store that refuses is waited for as long; without,
    /// its first refusal ends the wait.
    pub(crate) fn flush(&self, patience: Option<Duration>) -> Result<(), QueueError> {
        let begin = Instant::now();
        let mut state = self.lock();
        let target = state.queued_through;
        let (faults, failed) = (state.faults, state.failed);
        state.awaited_through = target;
        if state.settled_through < target && state.sender.is_some() {
            state.seal(true);
            state.hurry = true;
            self.closing.notify_all();
        }
        while state.settled_through < target {
            if state.writer_gone {
                return Err(QueueError::WriterGone);
            }
            let left = patience.map(|patience| patience.saturating_sub(begin.elapsed()));
            let refused = state.faults > faults;
            if left.map_or(refused, |left| left.is_zero()) {
                return Err(state.stalled());
            }
            let (after, _) = self
                .settled
                .wait_timeout(state, left.unwrap_or(Duration::MAX))
                .unwrap_or_else(PoisonError::into_inner);
            state = after;
        }
        if state.failed > failed {
            return Err(state.lost());
        }
        Ok(())
    }

    /// Takes no more records. What is queued is still to be gathered.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        if state.sender.is_some() && !state.open.is_empty() {
            state.seal(true);
        }
        state.sender = None;
        drop(state);
        self.wake_all();
    }

    /// The writer ends: nobody shall wait for it any more.
    pub(crate) fn writer_ends(&self) {
        let mut state = self.lock();
        state.writer_gone = true;
        state.sender = None;
        drop(state);
        self.wake_all();
    }

    fn wake_all(&self) {
        let mut state = self.lock();
        let wakers = state.take_wakers();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        self.room.notify_all();
        self.settled.notify_all();
        self.closing.notify_all();
        self.stalls.notify_all();
    }

    /// Waits for this long, or until the queue is closed or somebody waits. `true`: it is closed.
    pub(crate) fn pause(&self, pause: Duration) -> bool {
        let mut state = self.lock();
        // Those who still wait ask again; those who have gone are not remembered for as long as the store refuses.
        for waker in state.take_wakers() {
            waker.wake();
        }
        let (mut state, _) = self
            .closing
            .wait_timeout_while(state, pause, |state| state.sender.is_some() && !state.hurry)
            .unwrap_or_else(PoisonError::into_inner);
        state.hurry = false;
        state.sender.is_none()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.lock().sender.is_some()
    }

    pub(crate) fn counters(&self) -> Counters {
        let state = self.lock();
        Counters {
            accepted: state.accepted,
            left_behind: self.left_behind,
            stored: state.stored,
            duplicates: state.duplicates,
            shed: state.shed,
            dropped: state.dropped,
            failed: state.failed,
            queued: state.waiting(),
            spilled: state.spilling.records,
            queued_bytes: state.bytes as u64,
        }
    }

    /// The loss to be told at the end, if there is one.
    pub(crate) fn outcome(&self) -> Result<(), QueueError> {
        let state = self.lock();
        if state.failed > 0 {
            Err(state.lost())
        } else {
            Ok(())
        }
    }
}
