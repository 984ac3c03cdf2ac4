//! Sites and origins to ids: the rows of `site` and `origin`, with a bounded cache in front.
//!
//! An id is looked up, or its row inserted, inside the write transaction that uses it. So however many processes write to one
//! file, they find each other's rows, and no combination gets two.

use std::hash::{BuildHasher, Hash};
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use rusqlite::{Connection, OptionalExtension, Params, params};

use crate::record::{Origin, Site};

/// How many rows a cache remembers before it starts anew: a few megabytes.
const CACHED: usize = 1 << 14;

/// The most bytes of text that a remembered row may have, so that hostile names cannot fill the memory.
const CACHED_BYTES: usize = 1 << 10;

/// How many shared values are known by their address alone.
const SHARED: usize = 1 << 10;

/// A row that is found again by all its columns.
pub(super) trait Entry: Hash + Eq {
    /// The id of this combination, inserted when it is new.
    fn find_or_insert(&self, connection: &Connection) -> rusqlite::Result<i64>;

    /// How many bytes its texts have.
    fn text_bytes(&self) -> usize;
}

/// Ids of one of the two tables.
pub(super) struct Dictionary<T> {
    hasher: RandomState,
    by_content: HashTable<(Arc<T>, i64)>,
    /// Direct-mapped by address. Each slot holds its value, so that the address stays taken.
    by_address: Vec<Option<(Arc<T>, i64)>>,
}

impl<T: Entry> Dictionary<T> {
    pub(super) fn new() -> Self {
        Dictionary {
            hasher: RandomState::default(),
            by_content: HashTable::new(),
            by_address: vec![None; SHARED],
        }
    }

    /// The id of this value. Call it inside a write transaction.
    pub(super) fn id(&mut self, connection: &Connection, value: &Arc<T>) -> rusqlite::Result<i64> {
        let slot = (Arc::as_ptr(value).addr() >> 4) % SHARED;
        if let Some((shared, id)) = &self.by_address[slot]
            && Arc::ptr_eq(shared, value)
        {
            return Ok(*id);
        }
        if value.text_bytes() > CACHED_BYTES {
            return value.find_or_insert(connection);
        }
        let hash = self.hasher.hash_one(value);
        let known = self.by_content.find(hash, |(known, _)| known == value);
        let id = if let Some((_, id)) = known {
            *id
        } else {
            let id = value.find_or_insert(connection)?;
            if self.by_content.len() >= CACHED {
                self.by_content.clear();
            }
            let hasher = &self.hasher;
            self.by_content
                .insert_unique(hash, (Arc::clone(value), id), |(known, _)| {
                    hasher.hash_one(known)
                });
            id
        };
        self.by_address[slot] = Some((Arc::clone(value), id));
        Ok(id)
    }

    /// Forgets everything: after a rollback, ids may have been given whose rows are not there.
    pub(super) fn forget(&mut self) {
        self.by_content.clear();
        self.by_address.fill(None);
    }

    /// Forgets rows that are gone, whose ids are given in ascending order.
    pub(super) fn forget_ids(&mut self, gone: &[i64]) {
        if gone.is_empty() {
            return;
        }
        let is_here = |id: &i64| gone.binary_search(id).is_err();
        self.by_content.retain(|(_, id)| is_here(id));
        for slot in &mut self.by_address {
            slot.take_if(|(_, id)| !is_here(id));
        }
    }
}

impl Entry for Site {
    fn text_bytes(&self) -> usize {
        Site::text_bytes(self)
    }

    fn find_or_insert(&self, connection: &Connection) -> rusqlite::Result<i64> {
        find_or_insert(
            connection,
            "SELECT id FROM site WHERE name = ?1 AND levelno = ?2 AND levelname = ?3 \
             AND pathname IS ?4 AND lineno IS ?5 AND funcName IS ?6 AND filename IS ?7 AND module IS ?8",
            "INSERT INTO site (name, levelno, levelname, pathname, lineno, funcName, filename, module) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                self.name,
                self.level.0,
                self.level_name,
                said(&self.pathname),
                self.lineno,
                said(&self.func_name),
                self.other_filename,
                self.other_module,
            ],
        )
    }
}

impl Entry for Origin {
    fn text_bytes(&self) -> usize {
        Origin::text_bytes(self)
    }

    fn find_or_insert(&self, connection: &Connection) -> rusqlite::Result<i64> {
        find_or_insert(
            connection,
            "SELECT id FROM origin WHERE hostname = ?1 AND process IS ?2 AND processName IS ?3 \
             AND thread IS ?4 AND threadName IS ?5 AND started IS ?6",
            "INSERT INTO origin (hostname, process, processName, thread, threadName, started) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                self.hostname,
                self.process,
                said(&self.process_name),
                self.thread,
                said(&self.thread_name),
                self.started_ms,
            ],
        )
    }
}

/// An empty text is one that the client did not say: NULL.
fn said(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

fn find_or_insert<P: Params + Copy>(
    connection: &Connection,
    find: &str,
    insert: &str,
    columns: P,
) -> rusqlite::Result<i64> {
    let found = connection
        .prepare_cached(find)?
        .query_row(columns, |row| row.get(0))
        .optional()?;
    match found {
        Some(id) => Ok(id),
        None => connection.prepare_cached(insert)?.insert(columns),
    }
}
