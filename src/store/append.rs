//! Appending: batches of records become rows, one transaction for all of them.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode};

use super::dictionary::Dictionary;
use super::index::{BlockIndex, Maintained};
use super::insert::{insert, rows};
use super::prune::{Load, Pruner, Retained};
use super::room::{Room, RoomSettings};
use super::{Durability, LeftOut, RecordStore, schema, sequence, setting};
use crate::batch::Batch;
use crate::error::{Error, StoreError};
use crate::record::{Origin, Site};
use crate::retention::Retention;
use crate::spill::SpillMark;
use crate::time::now_ns;

/// How much is removed at a time when the disk is full.
const ROOM_BYTES: u64 = 8 << 20;

/// The `SQLite` file, open for writing. It belongs to one thread at a time; other processes may write to the same file.
pub struct SqliteStore {
    connection: Connection,
    path: PathBuf,
    sites: Dictionary<Site>,
    origins: Dictionary<Origin>,
    /// The ids of the sites and of the origins of all batches at hand, one behind the other.
    site_ids: Vec<i64>,
    origin_ids: Vec<i64>,
    index: BlockIndex,
    /// What was not stored, since somebody asked.
    left_out: LeftOut,
    room: Option<Room>,
    /// Where something is to be removed.
    pruner: Option<Pruner>,
    /// Whether records have arrived since the last step of retention.
    load: Load,
    /// How many records were removed while others were stored since then.
    removed: u64,
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
        Ok(SqliteStore {
            connection: schema::open_writer(path, durability)?,
            path: path.to_owned(),
            sites: Dictionary::new(),
            origins: Dictionary::new(),
            site_ids: Vec::new(),
            origin_ids: Vec::new(),
            index: BlockIndex::default(),
            left_out: LeftOut::default(),
            room: None,
            pruner: None,
            load: Load::Idle,
            removed: 0,
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

    /// Sees to it from now on that the disk does not run full, as far as these settings say.
    pub fn keep_room(&mut self, settings: RoomSettings) {
        self.room = (settings != RoomSettings::default()).then(|| Room::new(&self.path, settings));
    }

    /// There was no room for what was to be stored: where old records may go, some do, with the reserve's help.
    fn make_room(&mut self) {
        if let (Some(pruner), Some(room)) = (&mut self.pruner, &mut self.room) {
            room.give_up_reserve();
            let shrunk = pruner.shrink_by(&self.connection, ROOM_BYTES);
            let step =
                |()| pruner.step(&mut self.connection, &mut self.index, now_ns(), Load::Idle);
            if let Ok(done) = shrunk.and_then(step) {
                self.removed += done.removed;
            }
        }
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
        self.look_up(batches)?;
        let twice = sequence::note(&self.connection, batches)?;
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
        let levels = batches.iter().flat_map(|batch| {
            let sites = batch.sites();
            batch.iter().map(|record| sites[record.site].level)
        });
        levels
            .enumerate()
            .filter(|(place, level)| *level < below && twice.binary_search(place).is_err())
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
        self.load = Load::Arriving;
        self.append_all(batches, mark).map_err(|source| {
            self.index.forget();
            self.pruner.iter_mut().for_each(Pruner::forget);
            self.sites.forget();
            self.origins.forget();
            if !self.connection.is_autocommit() {
                // When even this fails, BEGIN will say so at the next try.
                let _ = self.connection.execute_batch("ROLLBACK");
            }
            // The text of "full" is the same for a full disk and for a file at SQLite's own limit.
            let doing = match source.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => {
                    self.make_room();
                    "find room on the disk for"
                }
                _ => "write to",
            };
            schema::failed_to(doing, &self.path, source)
        })
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

    fn left_out(&mut self) -> LeftOut {
        std::mem::take(&mut self.left_out)
    }

    fn maintain(&mut self) -> Result<Maintained, StoreError> {
        self.index
            .maintain(&mut self.connection)
            .map_err(|source| schema::failed_to("keep the index of", &self.path, source))
    }

    fn retain(&mut self) -> Result<Retained, StoreError> {
        let load = std::mem::replace(&mut self.load, Load::Idle);
        let mut lacking = 0;
        if let Some(room) = &mut self.room {
            room.look();
            room.keep_reserve();
            lacking = room.lacking_bytes();
        }
        let Some(pruner) = &mut self.pruner else {
            return Ok(Retained::default());
        };
        let mut done = pruner
            .shrink_by(&self.connection, lacking)
            .and_then(|()| pruner.step(&mut self.connection, &mut self.index, now_ns(), load))
            .map_err(|source| schema::failed_to("remove old records from", &self.path, source))?;
        done.removed += std::mem::take(&mut self.removed);
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
mod tests {
    use super::*;
    use rusqlite::config::DbConfig;

    use crate::level::Level;
    use crate::record::LogRecord;

    fn batch(messages: &[&str]) -> Batch {
        let records: Vec<_> = messages
            .iter()
            .map(|message| LogRecord::new(Site::new("myapp", Level::INFO), *message))
            .collect();
        records.iter().collect()
    }

    fn count(connection: &Connection, table: &str) -> i64 {
        connection
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
                row.get(0)
            })
            .unwrap()
    }

    #[test]
    fn one_combination_has_one_row_whoever_wrote_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs.sqlite");
        let mut first = SqliteStore::open(&path, Durability::Normal).unwrap();
        let mut second = SqliteStore::open(&path, Durability::Normal).unwrap();
        for _ in 0..2 {
            for store in [&mut first, &mut second] {
                store.append(&[batch(&["a", "b"]), batch(&["c"])]).unwrap();
            }
        }
        assert_eq!(count(&first.connection, "record"), 12);
        assert_eq!(count(&first.connection, "site"), 1);
        assert_eq!(count(&first.connection, "origin"), 1);
    }

    #[test]
    fn a_failed_append_stores_nothing_and_the_next_one_finds_its_sites() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs.sqlite");
        let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
        let triggers = DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER;
        store.connection.set_db_config(triggers, true).unwrap();
        store
            .connection
            .execute_batch(
                "CREATE TRIGGER fault BEFORE INSERT ON record WHEN new.message = 'bad' \
                 BEGIN SELECT raise(FAIL, 'fault'); END",
            )
            .unwrap();
        let batches = [batch(&["good"]), batch(&["bad"])];
        assert!(matches!(
            store.append(&batches),
            Err(StoreError::Sqlite { .. })
        ));
        assert_eq!(
            (
                count(&store.connection, "record"),
                count(&store.connection, "site")
            ),
            (0, 0)
        );
        store
            .connection
            .execute_batch("DROP TRIGGER fault")
            .unwrap();
        store.append(&batches).unwrap();
        let orphans: i64 = store
            .connection
            .query_row(
                "SELECT count(*) FROM record WHERE site NOT IN (SELECT id FROM site)",
                [],
                |r| r.get(0),
            )
            .unwrap();
        assert_eq!((count(&store.connection, "record"), orphans), (2, 0));
    }

    #[test]
    fn a_lock_held_elsewhere_is_busy_and_passes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs.sqlite");
        let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(matches!(
            store.append(&[batch(&["a"])]),
            Err(StoreError::Busy { .. })
        ));
        other.execute_batch("ROLLBACK").unwrap();
        store.append(&[batch(&["a"])]).unwrap();
        assert_eq!(count(&store.connection, "record"), 1);
    }

    #[test]
    fn any_number_of_rows_comes_out_in_order_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs.sqlite");
        let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
        let mut sent = Vec::new();
        for len in [1, 15, 16, 17, 33, 100, 5] {
            let records: Vec<LogRecord> = (0..len)
                .map(|i| {
                    let mut record =
                        LogRecord::new(Site::new("a", Level(i % 3)), format!("{len}:{i}"));
                    // Every slot of the statement sees each text come and go.
                    record.exc_text = (i % 3 == 0).then(|| format!("Traceback {i}"));
                    record.task_name = (i % 5 == 0).then(|| format!("Task-{i}"));
                    record
                })
                .collect();
            let (front, back) = records.split_at(records.len() / 2);
            store
                .append(&[front.iter().collect(), back.iter().collect()])
                .unwrap();
            sent.extend(records);
        }
        let mut found: Vec<_> = crate::store::Reader::open(&path)
            .and_then(|reader| reader.query(&crate::query::Query::default())?.collect())
            .unwrap();
        found.sort_by_key(|stored| stored.id);
        let found: Vec<_> = found.into_iter().map(|stored| stored.record).collect();
        assert_eq!(found, sent);
    }

    #[test]
    fn a_text_of_one_row_does_not_leak_into_the_next() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs.sqlite");
        let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
        let mut full = LogRecord::new(Site::new("a", Level::INFO), "full").with("k", 1);
        full.exc_text = Some("Traceback".into());
        let bare = LogRecord::new(Site::new("a", Level::INFO), "bare");
        store
            .append(&[[&full, &bare].into_iter().collect()])
            .unwrap();
        store.append(&[[&bare].into_iter().collect()]).unwrap();
        let nulls: i64 = store
            .connection
            .query_row(
                "SELECT count(*) FROM record WHERE exc_text IS NULL AND extra IS NULL",
                [],
                |r| r.get(0),
            )
            .unwrap();
        assert_eq!(nulls, 2);
    }

    #[test]
    fn a_disk_that_is_nearly_full_gets_what_matters_most() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs.sqlite");
        let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
        store.keep_room(RoomSettings {
            reserve_bytes: 0,
            min_free_bytes: 1000,
        });
        let levels = [
            Level::ERROR,
            Level::DEBUG,
            Level::WARNING,
            Level::INFO,
            Level::ERROR,
        ];
        let records = levels.map(|level| {
            LogRecord::new(Site::new("myapp", level), "x")
                .with("client", "a")
                .with("seq", i64::from(level.0))
        });
        let batch = || -> Batch { records.iter().collect() };
        store.room.as_mut().unwrap().set_free_bytes(400);
        store.append(&[batch()]).unwrap();
        let levels = "SELECT group_concat(levelno) FROM (SELECT levelno FROM record JOIN site ON site.id = site ORDER BY record.id)";
        let stored = || -> String {
            let connection = Connection::open(&path).unwrap();
            connection.query_row(levels, [], |row| row.get(0)).unwrap()
        };
        assert_eq!(stored(), "40,30");
        assert_eq!(store.left_out(), LeftOut { twice: 1, shed: 2 });
        store.room.as_mut().unwrap().set_free_bytes(2000);
        store.append(&[batch()]).unwrap();
        // What was left out has come, though, and nobody will send it again.
        assert_eq!((stored().as_str(), store.left_out().twice), ("40,30", 5));
    }
}
