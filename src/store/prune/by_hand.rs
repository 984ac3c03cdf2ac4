//! Pruning by hand, perhaps while a server writes to the same file, and what it would do.

use std::thread;
use std::time::{Duration, Instant};

use super::policy::{Policy, Slack};
use super::space::{Space, checkpoint, is_held_back};
use super::{Load, Pruner, Retained};
use crate::count::Count;
use crate::error::{Error, StoreError};
use crate::progress::Progress;
use crate::query::Query;
use crate::retention::Retention;
use crate::store::room::{Room, RoomSettings};
use crate::store::{Reader, RecordStore as _, SqliteStore, schema};

/// How long a step waits until another process lets it write.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long it goes on with a disk that is full, and how it pauses meanwhile.
const ROOM_PATIENCE: Duration = Duration::from_secs(10);
const ROOM_PAUSE: Duration = Duration::from_millis(50);

/// What to remove.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Prune {
    /// What this does not keep.
    pub retention: Retention,
    /// Whatever was created before this, in nanoseconds since the Unix epoch.
    pub before_ns: Option<i64>,
}

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pruned {
    /// How many records.
    pub records: u64,
    /// How many bytes the file had.
    pub bytes_before: u64,
    /// How many it has. When somebody reads it just now, it gets shorter when they have ended.
    pub bytes_after: u64,
}

/// What would be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct PruneEstimate {
    /// How many records for their age, exactly.
    pub by_age: u64,
    /// About how many more for the size of the file.
    pub by_size: u64,
    /// About how many bytes all of them take: their share of the file.
    pub bytes: u64,
}

impl SqliteStore {
    /// Removes all that is not to be kept at this moment, in small steps between which others can write, and gives its space back.
    ///
    /// `progress` counts records; how many there are to be removed is an estimate.
    ///
    /// # Errors
    ///
    /// When the policy makes no sense, another process does not let this one write for half a minute, or the store refuses. What was
    /// removed until then is gone, and nothing else.
    pub fn prune(
        &mut self,
        what: &Prune,
        now_ns: i64,
        progress: &Progress,
    ) -> Result<Pruned, Error> {
        what.retention.check()?;
        // The blocks have to be sound, and to be there.
        while schema::patiently(PATIENCE, || self.maintain())?.more {}
        let reader = Reader::open(self.path())?;
        let bytes_before = reader.stats()?.file_bytes;
        let expected = reader.foresee(what, now_ns)?;
        let expected = expected.by_age.saturating_add(expected.by_size);
        let policy = Policy::new(what.retention.clone(), what.before_ns, Slack::None);
        let mut pruner = Pruner::with(policy);
        let (mut records, mut is_swept) = (0, false);
        let mut full_since: Option<Instant> = None;
        loop {
            let step = || self.prune_step(&mut pruner, now_ns);
            let done = match schema::patiently(PATIENCE, step) {
                // There is what a server has put by for this moment. It may be quicker to fill that again, but then its transaction fails,
                // and leaves room in the log.
                Err(error)
                    if error.is_for_want_of_room()
                        && full_since.is_none_or(|since| since.elapsed() < ROOM_PATIENCE) =>
                {
                    full_since.get_or_insert_with(Instant::now);
                    Room::new(self.path(), RoomSettings::default()).give_up_reserve();
                    checkpoint(self.parts().0);
                    thread::sleep(ROOM_PAUSE);
                    continue;
                }
                done => done?,
            };
            let Retained { more, removed, .. } = done;
            records += removed;
            progress.of_records(records, expected.max(records));
            if more {
                continue;
            }
            if is_swept {
                break;
            }
            // What no record uses any longer goes, too, and then its space.
            self.sweeper.forget();
            while schema::patiently(PATIENCE, || self.sweep_step())? {}
            is_swept = true;
        }
        checkpoint(self.parts().0);
        Ok(Pruned {
            records,
            bytes_before,
            bytes_after: reader.stats()?.file_bytes,
        })
    }

    fn prune_step(&mut self, pruner: &mut Pruner, now_ns: i64) -> Result<Retained, StoreError> {
        let done = match is_held_back(self.parts().0) {
            Ok(true) => {
                let (path, waited) = (self.path().to_owned(), Duration::ZERO);
                return Err(StoreError::Busy { path, waited });
            }
            Ok(false) => self.remove(pruner, now_ns, Load::Idle),
            Err(source) => Err(source),
        };
        done.map_err(|source| schema::failed_to("remove records from", self.path(), source))
    }

    fn sweep_step(&mut self) -> Result<bool, StoreError> {
        let done = self.sweep();
        done.map_err(|source| {
            schema::failed_to("remove what no record uses from", self.path(), source)
        })
    }
}

impl Reader {
    /// What pruning would remove at this moment.
    ///
    /// # Errors
    ///
    /// When the policy makes no sense, or the file cannot be read.
    pub fn foresee(&self, what: &Prune, now_ns: i64) -> Result<PruneEstimate, Error> {
        let Prune {
            retention,
            before_ns,
        } = what;
        retention.check()?;
        let count = |query| {
            let counts = self.count(&Count {
                query,
                by: Vec::new(),
                every: None,
            });
            counts.map(|counts| counts.total)
        };
        let mut by_age = 0;
        for query in retention.expired(now_ns, *before_ns) {
            by_age += count(query)?;
        }
        let records = count(Query::default())?;
        let used = self.read(Space::of)?.used_bytes();
        let share = |part: u64, of: u64, all: u64| {
            let share = u128::from(part) * u128::from(of) / u128::from(all.max(1));
            u64::try_from(share).unwrap_or(u64::MAX)
        };
        let left = used - share(by_age, used, records).min(used);
        let over = left.saturating_sub(retention.max_bytes.unwrap_or(u64::MAX));
        let by_size = share(over, records, used).min(records.saturating_sub(by_age));
        Ok(PruneEstimate {
            by_age,
            by_size,
            bytes: share(by_age.saturating_add(by_size), used, records),
        })
    }
}
