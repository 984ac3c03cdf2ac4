//! Room on the disk: a reserve for the day when there is none, and what is left out before that day comes.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::reserve::Reserve;
use crate::level::Level;
use crate::paths::{directory_of, free_bytes, real};

/// How often the file system is asked how much is free, and how often a reserve that is not there is tried to be made.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const RESERVE_EVERY: Duration = Duration::from_secs(10);

/// What has to be free besides for a reserve to be made: the WAL is as large as that.
const SPARE_BYTES: u64 = 8 << 20;

/// What others leave free besides what should stay free: the store's own log and spill go on growing while they write.
#[cfg(feature = "net")]
const STORE_BYTES: u64 = 128 << 20;

/// How the disk is kept from running full. By default it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RoomSettings {
    /// The size of a file beside the database, in bytes, that is given up when the disk is full, so that old records can still be removed;
    /// 0 for none.
    pub reserve_bytes: u64,
    /// How much of the disk should stay free, in bytes; 0: it may run full.
    pub min_free_bytes: u64,
}

#[cfg(feature = "net")]
impl RoomSettings {
    /// How much of the disk others leave free that write to it beside the store, in bytes: so much that no record is left out or removed
    /// for them, and that there is room for the reserve, should it have been given up.
    pub(crate) fn kept_from_others(self) -> u64 {
        let kept = self.min_free_bytes.saturating_add(self.reserve_bytes);
        kept.saturating_add(STORE_BYTES)
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Room {
    settings: RoomSettings,
    directory: PathBuf,
    reserve: Reserve,
    looked: Option<Instant>,
    /// When a reserve was last missed.
    missed: Option<Instant>,
    /// The reserve was needed, and is not there again yet.
    given_up: bool,
    /// How many bytes are free, as far as is known.
    free_bytes: u64,
}

impl Room {
    /// Of a database's file, with its reserve, if there is room for one. What is left of an earlier, larger one goes.
    pub(super) fn new(database: &Path, settings: RoomSettings) -> Self {
        let database = real(database);
        let mut room = Room {
            settings,
            directory: directory_of(&database).to_owned(),
            reserve: Reserve::of(&database),
            looked: None,
            missed: None,
            given_up: false,
            free_bytes: u64::MAX,
        };
        room.reserve.shrink(settings.reserve_bytes);
        room.look();
        room
    }

    /// Asks how much is free, now and then.
    pub(super) fn look(&mut self) {
        if self
            .looked
            .is_none_or(|looked| looked.elapsed() >= LOOK_EVERY)
        {
            self.looked = Some(Instant::now());
            self.free_bytes = free_bytes(&self.directory).unwrap_or(u64::MAX);
            self.keep_reserve();
        }
    }

    /// Makes the reserve, or makes it larger, when there is room for that.
    fn keep_reserve(&mut self) {
        let wanted = self.settings.reserve_bytes;
        let lately = self
            .missed
            .is_some_and(|missed| missed.elapsed() < RESERVE_EVERY);
        let lacking = wanted.saturating_sub(self.reserve.bytes());
        if lacking == 0 || lately {
            return;
        }
        self.missed = Some(Instant::now());
        let needed = lacking.saturating_add(self.settings.min_free_bytes);
        if self.free_bytes >= needed.saturating_add(SPARE_BYTES)
            && self.reserve.grow(wanted).is_ok()
        {
            self.given_up = false;
        }
    }

    /// Gives the reserve up, if there is one.
    pub(super) fn give_up_reserve(&mut self) {
        self.missed = Some(Instant::now());
        self.looked = None;
        self.given_up = self.settings.reserve_bytes > 0;
        self.reserve.shrink(0);
    }

    /// How many bytes are lacking of those that should stay free, and of those that a new reserve needs when the last one was given up.
    pub(super) fn lacking_bytes(&self) -> u64 {
        let for_reserve = if self.given_up {
            self.settings.reserve_bytes.saturating_add(2 * SPARE_BYTES)
        } else {
            0
        };
        let wanted = self.settings.min_free_bytes.saturating_add(for_reserve);
        wanted.saturating_sub(self.free_bytes)
    }

    /// Below which level records are left out: the less is free, the higher. Where old records may be removed instead, only when that does
    /// not help.
    pub(super) fn shed_below(&self, makes_room: bool) -> Option<Level> {
        let min = self.settings.min_free_bytes;
        let free = self.free_bytes;
        [
            (min / 4, Level::ERROR),
            (min / 2, Level::WARNING),
            (min, Level::INFO),
        ]
        .into_iter()
        .find(|(bytes, _)| free < *bytes)
        .map(|(_, level)| level)
        .filter(|level| !makes_room || *level == Level::ERROR)
    }

    #[cfg(test)]
    pub(super) fn set_free_bytes(&mut self, bytes: u64) {
        self.looked = Some(Instant::now() + Duration::from_hours(1));
        self.free_bytes = bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_is_there_until_it_is_given_up() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs.sqlite");
        let settings = RoomSettings {
            reserve_bytes: 3 << 19,
            min_free_bytes: 0,
        };
        let reserve = dir.path().join("logs.sqlite.reserve");
        let mut room = Room::new(&path, settings);
        assert_eq!(reserve.metadata().unwrap().len(), 3 << 19);
        room.give_up_reserve();
        assert!(!reserve.exists());
        // What was just given up is not taken again at once.
        room.keep_reserve();
        assert!(!reserve.exists());
        let mut full = Room::new(
            &path,
            RoomSettings {
                reserve_bytes: u64::MAX,
                ..settings
            },
        );
        full.keep_reserve();
        assert!(!reserve.exists());
    }

    #[test]
    fn the_less_is_free_the_more_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let settings = RoomSettings {
            reserve_bytes: 0,
            min_free_bytes: 1000,
        };
        let mut room = Room::new(&dir.path().join("logs.sqlite"), settings);
        for (free, lacking, alone, beside) in [
            (1000, 0, None, None),
            (999, 1, Some(Level::INFO), None),
            (499, 501, Some(Level::WARNING), None),
            (249, 751, Some(Level::ERROR), Some(Level::ERROR)),
            (0, 1000, Some(Level::ERROR), Some(Level::ERROR)),
        ] {
            room.set_free_bytes(free);
            assert_eq!(room.lacking_bytes(), lacking, "{free}");
            assert_eq!(
                (room.shed_below(false), room.shed_below(true)),
                (alone, beside),
                "{free}"
            );
        }
        assert!(free_bytes(dir.path()).unwrap() > 0);
    }
}
