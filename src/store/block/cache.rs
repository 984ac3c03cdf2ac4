//! What a reader remembers of the blocks, so that its next question does not read all of them again.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::Extent;
use super::read::{EncodedSummary, Summary, block_at, each_summary, generation};

/// How many bytes are remembered at most. Lists are short, unless many records have a site of their own.
const MAX_BYTES: usize = 32 << 20;

/// The summaries of blocks, shared by all threads of a reader. Whoever asks gets them as of its connection's own snapshot.
#[derive(Debug, Default)]
pub(in crate::store) struct BlockCache(Mutex<Arc<Known>>);

/// All blocks of one generation that begin behind an id, as of the newest snapshot so far.
#[derive(Debug, Clone)]
struct Known {
    /// `None`: nothing is known yet, or half of it.
    generation: Option<i64>,
    after: i64,
    blocks: Vec<CachedBlock>,
    /// The lists of all blocks, one behind the other, as they are written.
    lists: Vec<u8>,
    /// The ids of blocks that are not sound.
    damaged: Vec<i64>,
    max_bytes: usize,
    /// There was more than that.
    over_limit: bool,
}

#[derive(Debug, Clone)]
struct CachedBlock {
    extent: Extent,
    sites: Range<usize>,
    origins: Range<usize>,
}

impl BlockCache {
    /// Calls `found` with all sound blocks that have records behind an id, in the order of their ids; gives the number of those that
    /// are not sound.
    pub(in crate::store) fn each(
        &self,
        connection: &Connection,
        after: i64,
        mut found: impl FnMut(&Summary<'_>),
    ) -> rusqlite::Result<usize> {
        // The last block that begins there may end behind it.
        let newest = block_at(connection, i64::MAX)?;
        let before = block_at(connection, after)?.map_or(after, |id| id.saturating_sub(1));
        if let Some(generation) = generation(connection)? {
            let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let known = shared.has_all(connection, generation, before, newest)?
                || Arc::make_mut(&mut shared).learn(connection, generation, before)?;
            let shared = known.then(|| Arc::clone(&shared));
            if let Some(known) = shared {
                return Ok(known.each(before, newest, found));
            }
        }
        let mut damaged = 0;
        each_summary(connection, before, usize::MAX, |_, encoded| {
            match encoded.and_then(|encoded| encoded.summary()) {
                Some(summary) => found(&summary),
                None => damaged += 1,
            }
        })?;
        Ok(damaged)
    }
}

impl Default for Known {
    fn default() -> Self {
        Known {
            generation: None,
            after: i64::MAX,
            blocks: Vec::new(),
            lists: Vec::new(),
            damaged: Vec::new(),
            max_bytes: MAX_BYTES,
            over_limit: false,
        }
    }
}

impl Known {
    fn is_of(&self, generation: i64) -> bool {
        self.generation == Some(generation) && !self.over_limit
    }

    /// Whether all blocks behind an id, up to the newest one of the connection's snapshot, are known. The newest one is compared: a
    /// copy that somebody put back may count its generations as the file before it did.
    fn has_all(
        &self,
        connection: &Connection,
        generation: i64,
        after: i64,
        newest: Option<i64>,
    ) -> rusqlite::Result<bool> {
        if !self.is_of(generation) || self.after > after {
            return Ok(false);
        }
        let Some(newest) = newest.filter(|newest| *newest > after) else {
            return Ok(true);
        };
        let place = self
            .blocks
            .binary_search_by_key(&newest, |block| block.extent.id);
        let known = place.ok().map(|place| self.blocks[place].extent);
        let mut is_same = false;
        each_summary(connection, newest - 1, 1, |_, encoded| {
            is_same = encoded.map(|encoded| encoded.extent) == known;
        })?;
        Ok(is_same && known.is_some())
    }

    /// Reads what is not known yet of the blocks behind an id; `false` when that is too much to remember.
    fn learn(
        &mut self,
        connection: &Connection,
        generation: i64,
        after: i64,
    ) -> rusqlite::Result<bool> {
        if self.generation == Some(generation) && self.over_limit && self.after >= after {
            return Ok(false);
        }
        let go_on = self.is_of(generation) && self.after <= after;
        let from = if self.is_of(generation) {
            self.after.min(after)
        } else {
            after
        };
        // Until all has been read.
        self.generation = None;
        if !(go_on && self.read_on(connection)?) {
            *self = Known {
                after: from,
                max_bytes: self.max_bytes,
                ..Known::default()
            };
            self.read_on(connection)?;
        }
        self.generation = Some(generation);
        Ok(!self.over_limit)
    }

    /// Reads the blocks behind those that are known; `false` when the last of these is not what it was.
    fn read_on(&mut self, connection: &Connection) -> rusqlite::Result<bool> {
        let mut last = self.blocks.pop();
        let mut after = self.after;
        if let Some(last) = &last {
            after = last.extent.id.saturating_sub(1);
            self.lists.truncate(last.sites.start);
        }
        self.damaged.retain(|id| *id <= after);
        each_summary(connection, after, usize::MAX, |id, encoded| {
            let Some(encoded) = encoded else {
                self.damaged.push(id);
                return;
            };
            last.take_if(|last| last.extent == encoded.extent);
            self.push(&encoded);
        })?;
        Ok(last.is_none())
    }

    fn push(&mut self, encoded: &EncodedSummary<'_>) {
        if self.over_limit {
            return;
        }
        let mut put = |list: &[u8]| {
            let start = self.lists.len();
            self.lists.extend_from_slice(list);
            start..self.lists.len()
        };
        let (sites, origins) = (put(encoded.sites), put(encoded.origins));
        self.blocks.push(CachedBlock {
            extent: encoded.extent,
            sites,
            origins,
        });
        let bytes = self.lists.len() + self.blocks.len() * size_of::<CachedBlock>();
        if bytes > self.max_bytes {
            self.over_limit = true;
            self.blocks = Vec::new();
            self.lists = Vec::new();
        }
    }

    fn each(&self, after: i64, newest: Option<i64>, mut found: impl FnMut(&Summary<'_>)) -> usize {
        let wanted = |id: i64| after < id && newest.is_some_and(|newest| id <= newest);
        let first = self
            .blocks
            .partition_point(|block| block.extent.id <= after);
        let blocks = self.blocks[first..].iter();
        for block in blocks.take_while(|block| wanted(block.extent.id)) {
            let encoded = EncodedSummary {
                extent: block.extent,
                sites: &self.lists[block.sites.clone()],
                origins: &self.lists[block.origins.clone()],
            };
            if let Some(summary) = encoded.summary() {
                found(&summary);
            }
        }
        self.damaged.iter().filter(|id| wanted(**id)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::block::read::next_generation;
    use crate::store::block::{BlockBuilder, ListBuffer, delete_block};
    use crate::store::{Durability, schema};

    /// A block of one record under each of these ids.
    fn put(connection: &Connection, ids: impl IntoIterator<Item = i64>) {
        for id in ids {
            let mut builder = BlockBuilder::default();
            builder.push(id, 10 * id, id % 3, 7, &crate::batch::Texts::default());
            builder.take().unwrap().append(connection).unwrap();
        }
    }

    /// What is known of blocks behind an id: their own ids, and those of their sites.
    fn all(cache: &BlockCache, connection: &Connection, after: i64) -> (Vec<(i64, i64)>, usize) {
        let (mut buffer, mut found) = (ListBuffer::default(), Vec::new());
        let damaged = cache.each(connection, after, |summary| {
            assert_eq!(buffer.unpack(summary.origins), [7]);
            found.extend(
                buffer
                    .unpack(summary.sites)
                    .iter()
                    .map(|site| (summary.extent.id, *site)),
            );
        });
        (found, damaged.unwrap())
    }

    fn expected(ids: impl IntoIterator<Item = i64>) -> Vec<(i64, i64)> {
        ids.into_iter().map(|id| (id, id % 3)).collect()
    }

    fn file() -> (tempfile::TempDir, Connection) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs.sqlite");
        let connection = schema::open_writer(&path, Durability::Normal).unwrap();
        (dir, connection)
    }

    #[test]
    fn what_changes_is_read_again_and_what_comes_is_read_on() {
        let (_dir, connection) = file();
        let cache = BlockCache::default();
        let ask = |after| all(&cache, &connection, after);
        assert_eq!(ask(0), (vec![], 0));
        put(&connection, 10..20);
        assert_eq!(ask(15), (expected(15..20), 0));
        assert_eq!(ask(0), (expected(10..20), 0));
        put(&connection, 20..30);
        assert_eq!(ask(0), (expected(10..30), 0));
        delete_block(&connection, 12).unwrap();
        assert_eq!(ask(11), (expected((11..12).chain(13..30)), 0));
        put(&connection, [5]);
        next_generation(&connection).unwrap();
        let left = || [5, 10, 11].into_iter().chain(13..30);
        assert_eq!(ask(0), (expected(left()), 0));

        // Damage of what is known keeps nobody from what was sound, and that of what is new is told, once.
        let damage = "UPDATE block SET sites = x'00' WHERE id = ?1";
        put(&connection, [31, 32]);
        for id in [13, 32] {
            connection.execute(damage, [id]).unwrap();
        }
        for _ in 0..2 {
            assert_eq!(ask(0), (expected(left().chain([31])), 1));
        }
        next_generation(&connection).unwrap();
        let sound = left().filter(|id| *id != 13).chain([31]);
        assert_eq!(ask(0), (expected(sound), 2));
        assert_eq!(ask(20).1, 1);
    }

    /// As when a copy takes a file's place under those who have it open.
    #[test]
    fn another_last_block_under_the_same_count_is_noticed() {
        let (_dir, connection) = file();
        let cache = BlockCache::default();
        put(&connection, 1..5);
        all(&cache, &connection, 0);
        connection
            .execute("DELETE FROM block WHERE id > 2", [])
            .unwrap();
        assert_eq!(all(&cache, &connection, 0), (expected(1..3), 0));
    }

    #[test]
    fn what_is_too_long_is_read_each_time_until_it_changes() {
        let (_dir, connection) = file();
        let cache = BlockCache::default();
        Arc::get_mut(&mut cache.0.lock().unwrap())
            .unwrap()
            .max_bytes = 2000;
        put(&connection, 1..5);
        assert_eq!(all(&cache, &connection, 0), (expected(1..5), 0));
        assert!(!cache.0.lock().unwrap().over_limit);
        put(&connection, 5..50);
        for _ in 0..2 {
            assert_eq!(all(&cache, &connection, 0), (expected(1..50), 0));
            let known = Arc::clone(&cache.0.lock().unwrap());
            assert!(known.over_limit && known.lists.is_empty() && known.blocks.is_empty());
        }
        assert_eq!(all(&cache, &connection, 40), (expected(40..50), 0));
        assert!(!cache.0.lock().unwrap().over_limit);
        for id in 2..45 {
            delete_block(&connection, id).unwrap();
        }
        assert_eq!(
            all(&cache, &connection, 0),
            (expected([1].into_iter().chain(45..50)), 0)
        );
        assert!(!cache.0.lock().unwrap().over_limit);
    }

    #[test]
    fn each_snapshot_gets_its_own_blocks() {
        let (_dir, connection) = file();
        let path = connection.path().unwrap().to_owned();
        let cache = BlockCache::default();
        put(&connection, 1..5);
        let older = Connection::open(path).unwrap();
        let snapshot = older.unchecked_transaction().unwrap();
        assert_eq!(all(&cache, &snapshot, 0), (expected(1..5), 0));
        put(&connection, 5..9);
        for _ in 0..2 {
            assert_eq!(all(&cache, &connection, 0), (expected(1..9), 0));
            // The newer knowledge stays.
            assert_eq!(all(&cache, &snapshot, 0), (expected(1..5), 0));
            assert_eq!(cache.0.lock().unwrap().blocks.len(), 8);
        }
        delete_block(&connection, 2).unwrap();
        for _ in 0..2 {
            assert_eq!(
                all(&cache, &connection, 0),
                (expected([1].into_iter().chain(3..9)), 0)
            );
            assert_eq!(all(&cache, &snapshot, 2), (expected(2..5), 0));
        }
    }

    #[test]
    fn nothing_is_remembered_of_a_file_that_does_not_count_its_generations() {
        let (_dir, connection) = file();
        let cache = BlockCache::default();
        put(&connection, 1..5);
        for statement in [
            "UPDATE index_state SET generation = 'x'",
            "UPDATE index_state SET generation = 1e300",
            "INSERT INTO index_state (deleted_id, generation) VALUES (0, 1)",
            "DELETE FROM index_state",
        ] {
            connection.execute(statement, []).unwrap();
            assert_eq!(all(&cache, &connection, 0), (expected(1..5), 0));
            assert_eq!(cache.0.lock().unwrap().generation, None, "{statement}");
        }
    }
}
