//! Which sites and origins records use: from the lists of blocks, and from the rows of records that have no sound one.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::store::block::{ListBuffer, block_at, next_summaries};
use crate::store::filter::IdSet;
use crate::store::rows::integer;

/// How long a step reads on.
const STEP: Duration = Duration::from_millis(3);

/// How many blocks, and records without one, are read between two looks at the clock.
const BLOCKS: usize = 32;
const ROWS: u32 = 1024;

/// What all records up to an id use, and perhaps a little more: records may have gone since they were looked at. None may have come
/// under such an id, nor have changed.
#[derive(Debug)]
pub(super) struct Used {
    through: i64,
    pub(super) sites: IdSet,
    pub(super) origins: IdSet,
    buffer: ListBuffer,
}

impl Used {
    pub(super) fn new() -> Self {
        Used {
            through: i64::MIN,
            sites: IdSet::default(),
            origins: IdSet::default(),
            buffer: ListBuffer::default(),
        }
    }

    /// Looks at further records, for a short time; gives whether those are all. Call it in a transaction.
    pub(super) fn read_on(&mut self, connection: &Connection) -> rusqlite::Result<bool> {
        let began = Instant::now();
        loop {
            if self.read_some(connection)? {
                return Ok(true);
            }
            if began.elapsed() >= STEP {
                return Ok(false);
            }
        }
    }

    fn read_some(&mut self, connection: &Connection) -> rusqlite::Result<bool> {
        let Used {
            through,
            sites,
            origins,
            buffer,
        } = self;
        // The last block that begins before the next record may end behind it.
        let block = block_at(connection, through.saturating_add(1))?;
        let from = block.map_or(*through, |id| id.saturating_sub(1));
        let (mut covered, mut gaps) = (*through, Vec::new());
        let more = next_summaries(connection, from, BLOCKS, |summary| {
            let extent = summary.extent;
            if extent.last_id <= covered {
                return;
            }
            gaps.push((covered, extent.id));
            covered = extent.last_id;
            for (ids, list) in [
                (&mut *sites, summary.sites),
                (&mut *origins, summary.origins),
            ] {
                let list = buffer.unpack(list);
                for id in list {
                    ids.insert(*id);
                }
            }
        })?;
        gaps.push((
            covered,
            more.map_or(i64::MAX, |last| last.saturating_add(1)),
        ));
        for (after, before) in gaps {
            if after.saturating_add(1) >= before {
                continue;
            }
            let (rows, last) = self.read_rows(connection, after, before)?;
            if rows == ROWS {
                self.through = last;
                return Ok(false);
            }
            covered = covered.max(last);
        }
        self.through = covered.max(more.unwrap_or(i64::MIN));
        Ok(more.is_none())
    }

    /// Looks at the first few rows between two ids; gives how many those were, and the last one's id.
    fn read_rows(
        &mut self,
        connection: &Connection,
        after: i64,
        before: i64,
    ) -> rusqlite::Result<(u32, i64)> {
        let mut statement = connection.prepare_cached(
            "SELECT id, site, origin FROM record WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3",
        )?;
        let mut rows = statement.query((after, before, ROWS))?;
        let (mut count, mut last) = (0, after);
        while let Some(row) = rows.next()? {
            last = row.get(0)?;
            self.sites.insert(integer(row, 1)?);
            self.origins.insert(integer(row, 2)?);
            count += 1;
        }
        Ok((count, last))
    }
}
