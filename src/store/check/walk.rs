//! All records in the order of their ids: whether what they refer to is there, and whether their blocks say the same.

use std::collections::{BTreeSet, HashSet};

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::super::block::{
    BLOCK_RECORDS, Column, Columns, Extent, Found, each_indexed_word, may_hold_words,
};
use super::super::index::each_indexed_row;
use super::super::rows::integer;
use super::{Checked, Fault, Reader};
use crate::error::StoreError;

/// A walk through all records. No snapshot lasts longer than one block.
pub(super) struct Walk<'w> {
    reader: &'w Reader,
    checked: &'w mut Checked,
    columns: Columns,
    rows: Rows,
    /// The highest id, for the progress.
    last: usize,
    sites: Known,
    origins: Known,
}

/// The rows under a block, as its columns should have them.
#[derive(Default)]
struct Rows {
    ids: Vec<i64>,
    created: Vec<i64>,
    sites: Vec<i64>,
    origins: Vec<i64>,
    words: Vec<u64>,
}

/// Which ids of a dictionary have a row.
struct Known {
    sql: &'static str,
    here: HashSet<i64>,
    lost: BTreeSet<i64>,
}

impl Known {
    fn new(sql: &'static str) -> Self {
        Known {
            sql,
            here: HashSet::new(),
            lost: BTreeSet::new(),
        }
    }

    fn has(&mut self, connection: &Connection, id: i64) -> rusqlite::Result<bool> {
        if self.here.contains(&id) {
            return Ok(true);
        }
        let found = connection.prepare_cached(self.sql)?.exists([id])?;
        if found {
            self.here.insert(id);
        } else {
            self.lost.insert(id);
        }
        Ok(found)
    }
}

impl<'w> Walk<'w> {
    pub(super) fn new(reader: &'w Reader, checked: &'w mut Checked) -> Self {
        Walk {
            reader,
            checked,
            columns: Columns::default(),
            rows: Rows::default(),
            last: 0,
            sites: Known::new("SELECT 1 FROM site WHERE id = ?1"),
            origins: Known::new("SELECT 1 FROM origin WHERE id = ?1"),
        }
    }

    /// Looks at all records, and at these blocks.
    pub(super) fn all(mut self, blocks: &[Extent]) -> Result<(), StoreError> {
        // What comes meanwhile is another check's.
        let last = match self.reader.last_id() {
            Ok(last) => last,
            Err(_) if self.checked.is_shaken() => return Ok(()),
            Err(error) => return Err(error),
        };
        self.last = usize::try_from(last).unwrap_or(0);
        let mut covered = i64::MIN;
        for block in blocks {
            let before = block.id.saturating_sub(1);
            self.records(covered, before)?;
            covered = self.look(before, block.last_id, Some(block))?;
            self.records(covered, block.last_id)?;
            covered = covered.max(block.last_id);
            self.checked.blocks += 1;
        }
        self.records(covered, last)?;
        self.checked.lost_sites = self.sites.lost;
        self.checked.lost_origins = self.origins.lost;
        Ok(())
    }

    /// Looks at the records behind one id and up to another.
    fn records(&mut self, mut after: i64, through: i64) -> Result<(), StoreError> {
        while after < through {
            let next = self.look(after, through, None)?;
            if next == after {
                break;
            }
            after = next;
        }
        Ok(())
    }

    /// Looks at the next records behind one id and up to another, as many as a block may have, and whether this block says the same of them. Gives the
    /// last one's id.
    fn look(
        &mut self,
        after: i64,
        through: i64,
        block: Option<&Extent>,
    ) -> Result<i64, StoreError> {
        let reader = self.reader;
        let done = usize::try_from(after).unwrap_or(0);
        reader.progress.of(done.min(self.last), self.last);
        let mut last = after;
        // What is behind a damaged page is looked at in the next block.
        let mut unreadable = None;
        reader.read(|connection| {
            let read = connection.unchecked_transaction()?;
            self.rows.clear();
            let looked = self.read_rows(&read, after, through, block.is_some());
            let looked = looked.and_then(|()| match block {
                Some(block) => self.compare(&read, block),
                None => Ok(()),
            });
            last = self.rows.ids.last().copied().unwrap_or(after);
            looked.or_else(|error| match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::DatabaseCorrupt) => {
                    unreadable = Some(error);
                    Ok(())
                }
                _ => Err(error),
            })
        })?;
        if let Some(error) = unreadable {
            let what = format!("the records behind id {last} cannot be read: {error}");
            self.checked.add(Fault::Sqlite, what);
            last = through.max(after);
        }
        Ok(last)
    }

    fn read_rows(
        &mut self,
        connection: &Connection,
        after: i64,
        through: i64,
        with_words: bool,
    ) -> rusqlite::Result<()> {
        let Walk {
            rows,
            sites,
            origins,
            checked,
            ..
        } = self;
        // One more than a block has, to find that there are too many.
        each_indexed_row(
            connection,
            after,
            through,
            BLOCK_RECORDS + 1,
            |row, texts| {
                let id = row.get(0)?;
                let (site, origin) = (integer(row, 2)?, integer(row, 3)?);
                rows.ids.push(id);
                rows.created.push(integer(row, 1)?);
                rows.sites.push(site);
                rows.origins.push(origin);
                if with_words {
                    each_indexed_word(texts, |word| rows.words.push(word));
                }
                if !sites.has(connection, site)? {
                    checked.add(Fault::NoSite, id);
                }
                if !origins.has(connection, origin)? {
                    checked.add(Fault::NoOrigin, id);
                }
                for column in 1..=3 {
                    if !matches!(row.get_ref(column)?, ValueRef::Integer(_)) {
                        checked.add(Fault::NoNumber, id);
                        break;
                    }
                }
                checked.records += 1;
                Ok(())
            },
        )
    }

    fn compare(&mut self, connection: &Connection, block: &Extent) -> rusqlite::Result<()> {
        let all = [
            Column::Record,
            Column::Origin,
            Column::Site,
            Column::Created,
        ];
        let fault = match self.columns.read(connection, block, &all)? {
            // Its records have changed since the walk began.
            Found::Gone => return Ok(()),
            Found::Damaged => Fault::Damaged,
            Found::Sound if !self.rows.agree(&self.columns, block) => Fault::Disagreeing,
            Found::Sound => match may_hold_words(connection, block, &self.rows.words)? {
                Ok(true) => return Ok(()),
                Ok(false) => Fault::DeniedWords,
                Err(_) => Fault::Damaged,
            },
        };
        self.checked.add_block(fault, block.id);
        Ok(())
    }
}

impl Rows {
    fn clear(&mut self) {
        self.ids.clear();
        self.created.clear();
        self.sites.clear();
        self.origins.clear();
        self.words.clear();
    }

    fn agree(&self, columns: &Columns, block: &Extent) -> bool {
        let same = |ids: &[i64], places: &[u32], list: &[i64]| {
            let listed = places.iter().map(|place| list.get(*place as usize));
            ids.iter().map(Some).eq(listed)
        };
        self.ids == columns.ids
            && self.created == columns.created
            && self.created.iter().min() == Some(&block.min_created)
            && self.created.iter().max() == Some(&block.max_created)
            && same(&self.sites, &columns.sites, &columns.site_ids)
            && same(&self.origins, &columns.origins, &columns.origin_ids)
    }
}
