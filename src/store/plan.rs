//! Where the records that a query wants may be: the blocks that do not rule it out, and the records that have no block.

use rusqlite::Connection;

use super::block::{BLOCK_RECORDS, BlockCache, Extent, ListBuffer, Summary};
use super::index::last_deleted;
use super::rows::integer;
use super::scan::{Bounds, Key, Search};
use super::schema;

/// A run of consecutive records to be looked at as a whole.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    /// Every record is between these two, both included.
    pub(super) first: Key,
    pub(super) last: Key,
    /// The ids of the first and the last record.
    pub(super) first_id: i64,
    pub(super) last_id: i64,
    /// The block that summarises it.
    pub(super) block: Option<Extent>,
}

/// All segments that a query has to look at, as of one moment.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub(super) segments: Vec<Segment>,
    /// The highest id at that moment.
    pub(super) last_id: i64,
    /// How many blocks were not as they had been written. The records under them are read instead.
    pub(super) damaged: usize,
    /// Runs of ids without a block: behind the first of the two, up to the last.
    gaps: Vec<(i64, i64)>,
}

impl Plan {
    /// The plan as of the connection's snapshot.
    pub(super) fn new(
        connection: &Connection,
        blocks: &BlockCache,
        search: &Search,
    ) -> rusqlite::Result<Self> {
        let mut buffer = ListBuffer::default();
        Self::of(connection, blocks, &search.bounds, |summary| {
            search.may_want(summary, &mut buffer)
        })
    }

    /// The plan with the blocks that are wanted, as of the connection's snapshot.
    pub(super) fn of(
        connection: &Connection,
        blocks: &BlockCache,
        bounds: &Bounds,
        mut wanted: impl FnMut(&Summary<'_>) -> bool,
    ) -> rusqlite::Result<Self> {
        let last_id = bounds.last_id;
        let mut segments = Vec::new();
        let mut gaps = Vec::new();
        let mut covered = bounds.after_id;
        let damaged = if schema::has_blocks(connection)? {
            blocks.each(connection, covered, |summary| {
                let extent = &summary.extent;
                let before = extent.id.saturating_sub(1).min(last_id);
                if covered < before {
                    gaps.push((covered, before));
                }
                covered = covered.max(extent.last_id);
                if wanted(summary) {
                    segments.push(Segment::of(*extent));
                }
            })?
        } else {
            0
        };
        if covered < last_id {
            gaps.push((covered, last_id));
        }
        Ok(Plan {
            segments,
            last_id,
            damaged,
            gaps,
        })
    }

    /// Adds the records that have no block, in segments as large as a block, each looked at by a read of its own.
    pub(super) fn look_at_gaps(
        &mut self,
        connection: &Connection,
        search: &Search,
    ) -> rusqlite::Result<()> {
        let mut statement = connection.prepare_cached(
            "SELECT id, created FROM record WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3",
        )?;
        for (mut after, last_id) in std::mem::take(&mut self.gaps) {
            loop {
                let mut rows = statement.query((after, last_id, BLOCK_RECORDS))?;
                let mut segment: Option<Segment> = None;
                while let Some(row) = rows.next()? {
                    let (id, created) = (row.get(0)?, integer(row, 1)?);
                    let key = (created, id);
                    let segment = segment.get_or_insert(Segment {
                        first: key,
                        last: key,
                        first_id: id,
                        last_id: id,
                        block: None,
                    });
                    segment.first = segment.first.min(key);
                    segment.last = segment.last.max(key);
                    segment.last_id = id;
                }
                let Some(segment) = segment else { break };
                after = segment.last_id;
                if search.bounds.may_hold(&segment) {
                    self.segments.push(segment);
                }
            }
        }
        Ok(())
    }
}

impl Segment {
    fn of(extent: Extent) -> Self {
        Segment {
            first: (extent.min_created, extent.id),
            last: (extent.max_created, extent.last_id),
            first_id: extent.id,
            last_id: extent.last_id,
            block: Some(extent),
        }
    }
}

/// The highest id that a record has, or had before it was deleted; 0 when there was none.
pub(super) fn last_id(connection: &Connection) -> rusqlite::Result<i64> {
    let last = connection
        .prepare_cached("SELECT max(id) FROM record")?
        .query_row([], |row| row.get::<_, Option<i64>>(0))?;
    let deleted = if schema::has_blocks(connection)? {
        last_deleted(connection)?
    } else {
        0
    };
    Ok(last.unwrap_or_default().max(deleted))
}
