//! Appending: batches of records become rows, one transaction for all of them.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::dictionary::Dictionary;
use super::index::{BlockIndex, Maintained};
use super::insert::{insert, rows};
use super::moved::{FileId, file_id};
use super::prune::{Load, Pruner, Retained, checkpoint};
use super::room::{Room, RoomSettings};
use super::silence::Silence;
use super::sweep::Sweeper;
use super::{Durability, LeftOut, RecordStore, schema, sequence, setting};
use crate::batch::Batch;
use crate::error::{Error, StoreError};
use crate::paths::{directory_of, real, total_bytes};
use crate::record::{Origin, Site};
use crate::retention::Retention;
use crate::spill::SpillMark;
use crate::time::now_ns;

/// How much is removed at a time when the disk is full.
const ROOM_BYTES: u64 = 32 << 20;

/// The `SQLite` file, open for writing. It belongs to one thread at a time; other processes may write to the same file.
pub struct SqliteStore {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) sites: Dictionary<Site>,
    pub(super) origins: Dictionary<Origin>,
    /// The generation of sites and origins in which those were found.
    names: Option<i64>,
    /// The ids of the sites and of the origins of all batches at hand, one behind the other.
    site_ids: Vec<i64>,
    origin_ids: Vec<i64>,
    index: BlockIndex,
    /// What was not stored, since somebody asked.
    left_out: LeftOut,
    room: Option<Room>,
    /// Where something is to be removed.
    pruner: Option<Pruner>,
    pub(super) sweeper: Sweeper,
    silence: Silence,
    /// Whether records have arrived since the last step of retention.
    load: Load,
    /// How many records were removed while others were stored since then.
    removed: u64,
    pub(super) durability: Durability,
    /// The file that is open; nothing when the system does not tell files apart.
    pub(super) file_id: Option<FileId>,
    /// Whether that has gone, and there is no other one yet.
    pub(super) is_left: bool,
    /// Whether the path came to mean another file, which upkeep has not told yet.
    pub(super) reopened: bool,
}

impl SqliteStore {
    /// Opens the file for writing, makes it when there is none, migrates it when it is older.
    ///
    /// # Errors
    ///
    /// When the file is no logstore database, was written by a newer logstore, is locked for more than ten seconds or cannot be
    /// written.
    pub fn open(path: impl AsRef<Path>, durability: Durability) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let connection = schema::open_writer(path, durability)?;
        Ok(SqliteStore {
            connection,
            // It has to mean the same file when the process changes its directory.
            path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
            sites: Dictionary::new(),
            origins: Dictionary::new(),
            names: None,
            site_ids: Vec::new(),
            origin_ids: Vec::new(),
            index: BlockIndex::default(),
            left_out: LeftOut::default(),
            room: None,
            pruner: None,
            sweeper: Sweeper::default(),
            silence: Silence::default(),
            load: Load::Idle,
            removed: 0,
            durability,
            file_id: file_id(path).ok(),
            is_left: false,
            reopened: false,
        })
    }

    /// What is to be kept from now on, and says so in the file. [`RecordStore::retain`] removes the rest, piece by piece.
    ///
    /// # Errors
    ///
    /// When the policy makes no sense, or the file cannot be written.
    pub fn set_retention(&mut self, retention: Retention) -> Result<(), Error> {
        retention.check()?;
        schema::patiently(schema::OPEN_TIMEOUT, || {
            setting::keep_retention(&mut self.connection, &retention)
                .map_err(|source| schema::failed_to("write to", &self.path, source))
        })?;
        self.pruner = (!retention.is_empty()).then(|| Pruner::new(retention));
        Ok(())
    }

    /// Says in a file that has come to the place of another what is kept in it. When that fails it only does not say so.
    pub(super) fn keep_settings(&mut self) {
        let _ = setting::keep_continues(&self.connection);
        if let Some(pruner) = &self.pruner {
            let _ = setting::keep_retention(&mut self.connection, pruner.retention());
        }
    }

    /// Sees to it from now on that the disk does not run full, as far as these settings say.
    ///
    /// # Errors
    ///
    /// When more is to stay free than the disk has in all.
    pub fn keep_room(&mut self, settings: RoomSettings) -> Result<(), StoreError> {
        let wanted = settings.min_free_bytes;
        if wanted > 0
            && let Ok(disk_bytes) = total_bytes(directory_of(&real(&self.path)))
            && wanted >= disk_bytes
        {
            let path = self.path.clone();
            return Err(StoreError::SmallDisk {
                path,
                wanted,
                disk_bytes,
            });
        }
        let room = Room::new(&self.path, settings);
        self.room = (settings != RoomSettings::default()).then_some(room);
        Ok(())
    }

    /// There was no room for what was to be stored: where old records may go, some do. The reserve is given up for that, and for nothing
    /// else.
    fn make_room(&mut self) {
        // The WAL has what the file had no room for, and cannot be used again before.
        checkpoint(&self.connection);
        let mut done = self.remove_some();
        if done.as_ref().is_err_and(schema::is_full) {
            self.give_way();
            checkpoint(&self.connection);
            done = self.remove_some();
        }
        self.removed += done.map_or(0, |done| done.removed);
        checkpoint(&self.connection);
    }

    fn remove_some(&mut self) -> rusqlite::Result<Retained> {
        let Some(pruner) = &mut self.pruner else {
            return Ok(Retained::default());
        };
        pruner.shrink_by(&self.connection, ROOM_BYTES)?;
        pruner.step(&mut self.connection, &mut self.index, now_ns(), Load::Idle)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What a prune by hand works with.
    pub(super) fn parts(&mut self) -> (&mut Connection, &mut BlockIndex) {
        (&mut self.connection, &mut self.index)
    }

    #[cfg(test)]
    pub(super) fn pruner(&mut self) -> Option<&mut Pruner> {
        self.pruner.as_mut()
    }

    fn append_all(&mut self, batches: &[Batch], mark: Option<&SpillMark>) -> rusqlite::Result<()> {
        // IMMEDIATE: a deferred transaction that turns into a writing one fails at once when another process wrote in between.
        self.connection
            .prepare_cached("BEGIN IMMEDIATE")?
            .execute([])?;
        let mut removed = 0;
        if let Some(pruner) = &mut self.pruner {
            let bytes: usize = batches.iter().map(Batch::bytes).sum();
            let (connection, index) = (&self.connection, &mut self.index);
            removed = pruner.make_room(connection, index, now_ns(), bytes as u64)?;
        }
        self.index.begin(&self.connection)?;
        if self.names != self.index.names() {
            self.sites.forget();
            self.origins.forget();
            self.names = self.index.names();
        }
        self.look_up(batches)?;
        let twice = sequence::note(&self.connection, batches, now_ns())?;
        let shed = self.shed(batches, &twice);
        let mut without = [twice.as_slice(), &shed].concat();
        without.sort_unstable();
        let records = batches.iter().map(Batch::len).sum::<usize>() - without.len();
        if records > 0 {
            self.append_rows(batches, records, &without)?;
        }
        if let Some(mark) = mark {
            note_spill(&self.connection, mark)?;
        }
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.left_out.twice += twice.len() as u64;
        self.left_out.shed += shed.len() as u64;
        self.removed += removed;
        Ok(())
    }

    /// The places of records whose level is too low for a disk that is nearly full, and that have not come before.
    fn shed(&self, batches: &[Batch], twice: &[usize]) -> Vec<usize> {
        let makes_room = self.pruner.as_ref().is_some_and(Pruner::makes_room);
        let below = self
            .room
            .as_ref()
            .and_then(|room| room.shed_below(makes_room));
        let Some(below) = below else {
            return Vec::new();
        };
        let sites = batches.iter().flat_map(|batch| {
            let sites = batch.sites();
            // What we have to say ourselves is in no count, and matters most then.
            let is_own = batch.is_own();
            batch
                .iter()
                .map(move |record| (sites[record.site].level, is_own))
        });
        sites
            .enumerate()
            .filter(|(_, (level, is_own))| *level < below && !is_own)
            .filter(|(place, _)| twice.binary_search(place).is_err())
            .map(|(place, _)| place)
            .collect()
    }

    /// Inserts so many rows, those at these places left out, and the blocks that they complete.
    fn append_rows(
        &mut self,
        batches: &[Batch],
        records: usize,
        without: &[usize],
    ) -> rusqlite::Result<()> {
        let last_id = self.index.last_id_of(records);
        let deleted_id = self.index.deleted_id();
        if let Some(id) = deleted_id {
            let placeholder =
                "INSERT INTO record (id, created, site, origin, message) VALUES (?1, 0, 0, 0, '')";
            self.connection.execute(placeholder, [id])?;
        }
        let rows = rows(batches, &self.site_ids, &self.origin_ids, without);
        insert(&self.connection, records, rows.clone())?;
        let blocks = self.index.add(rows);
        if last_id == Some(self.connection.last_insert_rowid()) {
            for block in blocks {
                block.append(&self.connection)?;
            }
        } else {
            self.index.forget();
        }
        if let Some(id) = deleted_id {
            self.connection
                .execute("DELETE FROM record WHERE id = ?1", [id])?;
        }
        Ok(())
    }

    fn append_marked(
        &mut self,
        batches: &[Batch],
        mark: Option<&SpillMark>,
    ) -> Result<(), StoreError> {
        self.follow_path()?;
        self.load = Load::Arriving;
        self.append_all(batches, mark).map_err(|source| {
            self.forget();
            if !self.connection.is_autocommit() {
                // When even this fails, BEGIN will say so at the next try.
                let _ = self.connection.execute_batch("ROLLBACK");
            }
            let doing = if schema::is_full(&source) {
                self.make_room();
                "find room on the disk for"
            } else {
                "write to"
            };
            schema::failed_to(doing, &self.path, source)
        })
    }

    /// Forgets the file: it is another.
    pub(super) fn forget_all(&mut self) {
        self.forget();
        self.index = BlockIndex::default();
        self.silence = Silence::default();
    }

    /// Forgets what it knows of the file: it may be otherwise.
    pub(super) fn forget(&mut self) {
        self.index.forget();
        self.pruner.iter_mut().for_each(Pruner::forget);
        self.sweeper.forget();
        self.sites.forget();
        self.origins.forget();
    }

    /// Fills in the ids of all sites and origins.
    fn look_up(&mut self, batches: &[Batch]) -> rusqlite::Result<()> {
        self.site_ids.clear();
        self.origin_ids.clear();
        for batch in batches {
            for site in batch.sites() {
                self.site_ids.push(self.sites.id(&self.connection, site)?);
            }
            for origin in batch.origins() {
                self.origin_ids
                    .push(self.origins.id(&self.connection, origin)?);
            }
        }
        Ok(())
    }
}

impl RecordStore for SqliteStore {
    fn append(&mut self, batches: &[Batch]) -> Result<(), StoreError> {
        self.append_marked(batches, None)
    }

    fn append_spilled(&mut self, batches: &[Batch], mark: &SpillMark) -> Result<(), StoreError> {
        self.append_marked(batches, Some(mark))
    }

    fn spilled_through(&mut self, file: u64) -> Result<u64, StoreError> {
        let through = self
            .connection
            .prepare_cached("SELECT coalesce(max(through), 0) FROM spill WHERE file = ?1")
            .and_then(|mut through| {
                through.query_row([file.cast_signed()], |row| row.get::<_, i64>(0))
            });
        let through = through.map_err(|source| schema::failed_to("read", &self.path, source))?;
        Ok(through.cast_unsigned())
    }

    fn give_way(&mut self) {
        if let Some(room) = &mut self.room {
            room.give_up_reserve();
        }
    }

    fn left_out(&mut self) -> LeftOut {
        std::mem::take(&mut self.left_out)
    }

    fn maintain(&mut self) -> Result<Maintained, StoreError> {
        if !self.follow_path()? {
            let path = self.path.clone();
            return Err(StoreError::Moved { path });
        }
        let mut done = self
            .index
            .maintain(&mut self.connection)
            .map_err(|source| schema::failed_to("keep the index of", &self.path, source))?;
        if !done.more {
            let kept_ns = self
                .pruner
                .as_ref()
                .and_then(|pruner| pruner.retention().longest_ns());
            done.more = self
                .silence
                .step(&mut self.connection, kept_ns, now_ns())
                .map_err(|source| schema::failed_to("forget clients in", &self.path, source))?;
        }
        done.reopened = std::mem::take(&mut self.reopened);
        Ok(done)
    }

    fn retain(&mut self) -> Result<Retained, StoreError> {
        let load = std::mem::replace(&mut self.load, Load::Idle);
        let mut lacking = 0;
        if let Some(room) = &mut self.room {
            room.look();
            lacking = room.lacking_bytes();
        }
        let Some(mut pruner) = self.pruner.take() else {
            return Ok(Retained::default());
        };
        self.sweeper.removed(self.removed);
        let done = pruner
            .shrink_by(&self.connection, lacking)
            .and_then(|()| self.remove(&mut pruner, now_ns(), load));
        let for_room = pruner.shrinks();
        self.pruner = Some(pruner);
        let mut done = done
            .map_err(|source| schema::failed_to("remove old records from", &self.path, source))?;
        done.removed += std::mem::take(&mut self.removed);
        done.for_room = for_room;
        Ok(done)
    }
}

/// Notes how far a spill file is stored, and forgets those that are gone.
fn note_spill(connection: &Connection, mark: &SpillMark) -> rusqlite::Result<()> {
    let SpillMark {
        file,
        through,
        gone,
    } = mark;
    connection
        .prepare_cached("INSERT OR REPLACE INTO spill (file, through) VALUES (?1, ?2)")?
        .execute((file.cast_signed(), through.cast_signed()))?;
    let mut forget = connection.prepare_cached("DELETE FROM spill WHERE file = ?1")?;
    for file in gone {
        forget.execute([file.cast_signed()])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
