//! What the queue's lock guards: the open batch and the counts.

use std::collections::VecDeque;
use std::task::Waker;
use std::time::Instant;

use crossbeam_channel::Sender;

use super::notes::LastWords;
use super::spiller::{NEXT_STALL, STALL};
use crate::batch::Batch;
use crate::error::QueueError;
use crate::sink::Ticket;
use crate::store::LeftOut;

/// How many empty batches are kept for the next records, and how large one may be to be kept.
const SPARE_BATCHES: usize = 64;
const SPARE_BYTES: usize = 1 << 20;

/// A batch in the channel.
pub(super) struct Sealed {
    pub(super) batch: Batch,
    /// How many records had been queued with its last one.
    pub(super) end: u64,
    /// Somebody waits for its commit: take what is there, and wait for no more.
    pub(super) urgent: bool,
}

/// What the spill keeps, and when it is its turn.
#[derive(Default)]
pub(super) struct Spilling {
    /// How many records wait in it.
    pub(super) records: u64,
    /// What it could not take: older than all that is sealed.
    pub(super) given_back: VecDeque<Sealed>,
    /// When the writer, which stores what it has gathered and keeps the store, will have taken too long; `None` while it gathers.
    pub(super) stalls_at: Option<Instant>,
    /// The thread sleeps until the writer begins to store.
    pub(super) thread_sleeps: bool,
    /// It took nothing, and is not to be tried before.
    pub(super) again_at: Option<Instant>,
    /// The disk is full.
    pub(super) held_back: bool,
}

impl Spilling {
    /// The writer moves: what it does now is given its time.
    pub(super) fn moves(&mut self) {
        let patience = if self.records == 0 { STALL } else { NEXT_STALL };
        self.stalls_at = Some(Instant::now() + patience);
    }
}

pub(super) struct State {
    /// `None` once closed.
    pub(super) sender: Option<Sender<Sealed>>,
    pub(super) open: Batch,
    /// Records of our own, which are in no count.
    pub(super) notes: Batch,
    pub(super) last_words: Option<LastWords>,
    pub(super) spare: Vec<Batch>,
    /// The writer blocks until something is sealed.
    pub(super) writer_waits: bool,
    /// What waits, sealed or open.
    pub(super) records: usize,
    pub(super) bytes: usize,
    /// How many records were ever queued, and up to which of them all are settled.
    pub(super) queued_through: u64,
    pub(super) settled_through: u64,
    /// Up to which record somebody has waited for all to be settled.
    pub(super) awaited_through: u64,
    /// Somebody waits: a store that refuses is tried again at once.
    pub(super) hurry: bool,
    pub(super) accepted: u64,
    pub(super) stored: u64,
    pub(super) duplicates: u64,
    pub(super) shed: u64,
    pub(super) dropped: u64,
    pub(super) failed: u64,
    /// What the store said last, while it refuses.
    pub(super) fault: Option<String>,
    /// How often the store has refused: whoever flushes wants to know about refusals since.
    pub(super) faults: u64,
    pub(super) blocked: usize,
    /// Who waits for room, and who for what is to be settled.
    pub(super) wakers: Vec<Waker>,
    pub(super) settle_wakers: Vec<Waker>,
    pub(super) spilling: Spilling,
    /// The writer has ended, by itself or by a panic: nothing will be settled any more.
    pub(super) writer_gone: bool,
}

impl State {
    /// With so many records in the spill.
    pub(super) fn new(sender: Sender<Sealed>, spilled: u64) -> Self {
        State {
            sender: Some(sender),
            open: Batch::new(),
            notes: Batch::new(),
            last_words: None,
            spare: Vec::new(),
            writer_waits: false,
            records: 0,
            bytes: 0,
            queued_through: 0,
            settled_through: 0,
            awaited_through: 0,
            hurry: false,
            accepted: spilled,
            spilling: Spilling {
                records: spilled,
                ..Spilling::default()
            },
            stored: 0,
            duplicates: 0,
            shed: 0,
            dropped: 0,
            failed: 0,
            fault: None,
            faults: 0,
            blocked: 0,
            wakers: Vec::new(),
            settle_wakers: Vec::new(),
            writer_gone: false,
        }
    }

    pub(super) fn alive(&self) -> Result<(), QueueError> {
        if self.sender.is_some() {
            Ok(())
        } else {
            Err(QueueError::Closed)
        }
    }

    pub(super) fn waiting(&self) -> u64 {
        let settled = self.stored + self.duplicates + self.dropped + self.shed + self.failed;
        self.accepted - settled
    }

    /// All who wait for anything.
    pub(super) fn take_wakers(&mut self) -> Vec<Waker> {
        let mut wakers = std::mem::take(&mut self.wakers);
        wakers.append(&mut self.settle_wakers);
        wakers
    }

    /// The ticket of what was queued just now, when so many had been lost before.
    pub(super) fn ticket(&self, lost: u64) -> Ticket {
        Ticket {
            end: self.queued_through,
            lost,
        }
    }

    pub(super) fn stalled(&self) -> QueueError {
        QueueError::Stalled {
            queued: self.waiting(),
            reason: self
                .fault
                .clone()
                .unwrap_or_else(|| "the writer has not come to them yet".into()),
        }
    }

    pub(super) fn lost(&self) -> QueueError {
        let reason = self
            .fault
            .clone()
            .unwrap_or_else(|| "the store refused them".into());
        QueueError::Lost {
            failed: self.failed,
            reason,
        }
    }

    pub(super) fn drop_records(&mut self, records: u64) {
        self.accepted += records;
        self.dropped += records;
    }

    /// Passes the open batch on.
    pub(super) fn seal(&mut self, urgent: bool) {
        let batch = self.renew_open();
        self.send(batch, urgent);
    }

    pub(super) fn send(&mut self, batch: Batch, urgent: bool) {
        self.writer_waits = false;
        if let Some(sender) = &self.sender {
            // The receiver lives as long as the queue does.
            let _ = sender.send(Sealed {
                batch,
                end: self.queued_through,
                urgent,
            });
        }
    }

    pub(super) fn take_open(&mut self) -> Option<Sealed> {
        if self.open.is_empty() {
            return None;
        }
        Some(Sealed {
            batch: self.renew_open(),
            end: self.queued_through,
            urgent: false,
        })
    }

    fn renew_open(&mut self) -> Batch {
        let next = self.spare.pop().unwrap_or_default();
        std::mem::replace(&mut self.open, next)
    }

    pub(super) fn take_out(&mut self, batch: &Batch) {
        self.records -= batch.len();
        self.bytes -= batch.bytes();
    }

    pub(super) fn keep_spare(&mut self, mut batch: Batch) {
        if self.spare.len() < SPARE_BATCHES && batch.capacity_bytes() <= SPARE_BYTES {
            batch.clear();
            self.spare.push(batch);
        }
    }
}

/// Whether a batch waits for others to share its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    None,
    /// Somebody waits for its commit.
    AtOnce,
}

/// What became of a portion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All but these.
    Stored(LeftOut),
    Failed,
}
