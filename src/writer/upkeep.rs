//! What the store does when nothing else is to be done, and now and then when that never comes.

use std::time::{Duration, Instant};

use super::REPORT_EVERY;
use crate::error::{StoreError, describe};
use crate::report::{Report, Reporter};
use crate::store::RecordStore;

/// How often an idle writer looks whether others have left it something to do.
pub(super) const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// See the module's documentation.
pub(super) struct Upkeep {
    pub(super) due: bool,
    /// Whether more is to be removed at once. The index waits until then: what goes needs none.
    pub(super) retains: bool,
    /// How many transactions there were since the last step.
    busy: u32,
    reported: Option<Instant>,
    /// How many records went before their time and were not told yet, and when such were told last.
    untold: u64,
    told: Option<Instant>,
}

/// After how many transactions without a pause a step of upkeep is made all the same.
const BUSY_TURNS: u32 = 16;

impl Upkeep {
    pub(super) fn new() -> Self {
        Upkeep {
            due: true,
            retains: false,
            busy: 0,
            reported: None,
            untold: 0,
            told: None,
        }
    }

    /// Whether now is the time for a step.
    pub(super) fn turn(&mut self, idle: bool) -> bool {
        if !idle {
            self.due = true;
            self.busy += 1;
        }
        !self.retains && (idle || self.due && self.busy >= BUSY_TURNS)
    }

    /// Removes what is not to be kept any longer; gives how many records that was.
    pub(super) fn retain(&mut self, store: &mut dyn RecordStore, reporter: &Reporter) -> u64 {
        match store.retain() {
            Ok(done) => {
                self.retains = done.more;
                if done.for_room {
                    self.untold += done.removed;
                }
                let recently = |told: Instant| told.elapsed() < REPORT_EVERY;
                if self.untold > 0 && !self.told.is_some_and(recently) {
                    let count = std::mem::take(&mut self.untold);
                    self.told = Some(Instant::now());
                    reporter(&Report::RoomMade { count });
                }
                done.removed
            }
            Err(error) => {
                self.retains = false;
                self.fails(&error, reporter);
                0
            }
        }
    }

    pub(super) fn step(&mut self, store: &mut dyn RecordStore, reporter: &Reporter) {
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
