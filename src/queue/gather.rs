//! The writer's end of the queue: the next records, oldest first, from the spill and then from the channel.

use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, TryRecvError};

use super::Queue;
use super::state::{Sealed, State};
use crate::batch::Batch;
use crate::spill::{Spill, SpillMark};

/// How much the writer takes at a time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Portion {
    pub(crate) records: usize,
    pub(crate) bytes: usize,
    /// How long the first record waits for others.
    pub(crate) delay: Duration,
}

/// What [`Queue::gather`] found.
#[derive(Default)]
pub(crate) struct Gathered {
    /// How many records had been queued with the last one gathered.
    pub(crate) end: u64,
    /// The queue is closed and empty: this was all.
    pub(crate) last: bool,
    /// They come from the spill, and are stored with this mark.
    pub(crate) mark: Option<SpillMark>,
    /// How many of the spill could not be read any more.
    pub(crate) damaged: u64,
}

impl Queue {
    /// Takes the next records out of the queue: waits for the first, then for more until the portion is full or its delay over.
    /// With some `patience`, it comes back with nothing when nothing has come for so long.
    pub(crate) fn gather(
        &self,
        batches: &mut Vec<Batch>,
        portion: Portion,
        patience: Option<Duration>,
    ) -> Gathered {
        let mut spill = self.turn_to_gather();
        if let Some(spill) = &mut spill
            && let Some(gathered) = self.gather_spilled(spill, batches, portion)
        {
            return gathered;
        }
        let mut gathered = Gathered::default();
        let (mut records, mut bytes) = (0, 0);
        let mut deadline = None;
        let mut overdue = false;
        while records < portion.records && bytes < portion.bytes {
            let sealed = match self.try_next() {
                Ok(sealed) => Some(sealed),
                Err(TryRecvError::Disconnected) => None,
                Err(TryRecvError::Empty) => match deadline {
                    None => match self.first(patience) {
                        Err(RecvTimeoutError::Timeout) => break,
                        first => first.ok(),
                    },
                    Some(deadline) => match self.receiver.recv_deadline(deadline) {
                        Ok(sealed) => Some(sealed),
                        Err(RecvTimeoutError::Disconnected) => None,
                        Err(RecvTimeoutError::Timeout) => {
                            overdue = true;
                            match self.waiting_first() {
                                Some(sealed) => Some(sealed),
                                None => break,
                            }
                        }
                    },
                },
            };
            let Some(Sealed { batch, end, urgent }) = sealed else {
                gathered.last = true;
                break;
            };
            records += batch.len();
            bytes += batch.bytes();
            gathered.end = gathered.end.max(end);
            self.took(&batch);
            batches.push(batch);
            if overdue {
                break;
            }
            // Who waits for the commit shares it with whatever else is there.
            let delay = if urgent {
                Duration::ZERO
            } else {
                portion.delay
            };
            let until = Instant::now() + delay;
            deadline = Some(deadline.map_or(until, |deadline: Instant| deadline.min(until)));
        }
        self.begin_to_store();
        gathered
    }

    /// The next records of the spill: they are older than all that waits here.
    fn gather_spilled(
        &self,
        spill: &mut Spill,
        batches: &mut Vec<Batch>,
        portion: Portion,
    ) -> Option<Gathered> {
        let spare = || self.spare();
        let read = spill.take(portion.records, portion.bytes, spare, batches)?;
        let records = batches.iter().map(|batch| batch.len() as u64).sum::<u64>();
        let mut state = self.lock();
        state.spilling.records -= records + read.damaged;
        state.failed += read.damaged;
        drop(state);
        self.begin_to_store();
        Some(Gathered {
            end: read.queued_through,
            last: false,
            damaged: read.damaged,
            mark: Some(read.mark),
        })
    }

    /// What was given back by the spill, which could not take it, else what was sealed first.
    fn try_next(&self) -> Result<Sealed, TryRecvError> {
        if self.spill.is_some()
            && let Some(sealed) = self.lock().spilling.given_back.pop_front()
        {
            return Ok(sealed);
        }
        self.receiver.try_recv()
    }

    fn waiting_first(&self) -> Option<Sealed> {
        self.oldest(&mut self.lock())
    }

    /// What waits longest in the queue. Nothing can be sealed meanwhile.
    pub(super) fn oldest(&self, state: &mut State) -> Option<Sealed> {
        let given_back = state.spilling.given_back.pop_front();
        given_back
            .or_else(|| self.receiver.try_recv().ok())
            .or_else(|| state.take_open())
    }

    /// What waits longest, or whatever comes next.
    fn first(&self, patience: Option<Duration>) -> Result<Sealed, RecvTimeoutError> {
        let mut state = self.lock();
        if let Some(sealed) = self.oldest(&mut state) {
            return Ok(sealed);
        }
        state.writer_waits = true;
        drop(state);
        match patience {
            None => self.receiver.recv().map_err(RecvTimeoutError::from),
            Some(patience) => self.receiver.recv_timeout(patience),
        }
    }

    /// These records are with the writer now: there is room for others.
    fn took(&self, batch: &Batch) {
        let mut state = self.lock();
        state.take_out(batch);
        self.wake_if_roomy(&mut state);
    }

    /// Wakes those who wait for room, when there is some.
    pub(super) fn wake_if_roomy(&self, state: &mut State) {
        // Not at every batch: a producer that is woken for a few records soon sleeps again.
        let roomy = |waiting: usize, limit: usize| waiting <= limit - limit / 4;
        if roomy(state.records, self.limits.records) && roomy(state.bytes, self.limits.bytes) {
            if state.blocked > 0 {
                self.room.notify_all();
            }
            for waker in state.wakers.drain(..) {
                waker.wake();
            }
        }
    }
}
