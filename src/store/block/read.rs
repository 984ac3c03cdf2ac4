//! Reading blocks back. Nothing is believed whose checksum is wrong.

use rusqlite::{Connection, OptionalExtension, Row};

use super::list::{IdList, ListBuffer};
use super::{BLOCK_RECORDS, Extent, Part, pack, words};

/// What a block says of itself.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) struct Summary<'s> {
    pub(in crate::store) extent: Extent,
    pub(in crate::store) sites: IdList<'s>,
    pub(in crate::store) origins: IdList<'s>,
}

/// The same as it is written, with the two lists as bytes.
pub(super) struct EncodedSummary<'s> {
    pub(super) extent: Extent,
    pub(super) sites: &'s [u8],
    pub(super) origins: &'s [u8],
}

impl<'s> EncodedSummary<'s> {
    /// `None` when this is not what was written.
    pub(super) fn summary(&self) -> Option<Summary<'s>> {
        Some(Summary {
            extent: self.extent,
            sites: IdList::read(self.sites)?,
            origins: IdList::read(self.origins)?,
        })
    }
}

/// Calls `found` with the next so many blocks behind an id: with their own id and, where they are sound, with what they say.
pub(super) fn each_summary(
    connection: &Connection,
    after: i64,
    limit: usize,
    mut found: impl FnMut(i64, Option<EncodedSummary<'_>>),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT id, last_id, records, min_created, max_created, sites, origins FROM block \
         WHERE id > ?1 ORDER BY id LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = statement.query((after, limit))?;
    let mut buffer = ListBuffer::default();
    let mut covered = i64::MIN;
    while let Some(row) = rows.next()? {
        // No two blocks overlap.
        let sound = read_summary(row, &mut buffer).filter(|encoded| encoded.extent.id > covered);
        covered = sound
            .as_ref()
            .map_or(covered, |encoded| encoded.extent.last_id);
        found(row.get(0)?, sound);
    }
    Ok(())
}

fn read_summary<'r>(row: &'r Row<'_>, buffer: &mut ListBuffer) -> Option<EncodedSummary<'r>> {
    let extent = read_extent(row)?;
    let encoded = EncodedSummary {
        extent,
        sites: extent.unseal(Part::Sites, row.get_ref(5).ok()?.as_blob().ok()?)?,
        origins: extent.unseal(Part::Origins, row.get_ref(6).ok()?.as_blob().ok()?)?,
    };
    let summary = encoded.summary()?;
    let mut is_sound = |list| buffer.is_sound(list, extent.records);
    (is_sound(summary.sites) && is_sound(summary.origins)).then_some(encoded)
}

/// Which of the next so many blocks behind an id are not as they were written, and the last of those that were looked at; `None` when
/// there are no more.
pub(in crate::store) fn unsound_blocks(
    connection: &Connection,
    after: i64,
    limit: usize,
    columns: &mut Columns,
) -> rusqlite::Result<(Vec<i64>, Option<i64>)> {
    let read = connection.unchecked_transaction()?;
    let mut blocks = Vec::new();
    each_summary(&read, after, limit, |id, summary| {
        blocks.push((id, summary.map(|summary| summary.extent)));
    })?;
    let last = blocks.last().map(|(id, _)| *id);
    let mut unsound = Vec::new();
    for (id, extent) in blocks {
        let found = match extent {
            Some(extent) => verify(&read, &extent, columns)?,
            None => Found::Damaged,
        };
        if found != Found::Sound {
            unsound.push(id);
        }
    }
    Ok((unsound, last))
}

/// Where the next so many blocks behind an id lie, as far as they are sound, and the last of those that were looked at; `None` when
/// there are no more.
pub(in crate::store) fn sound_extents(
    connection: &Connection,
    after: i64,
    limit: usize,
) -> rusqlite::Result<(Vec<Extent>, Option<i64>)> {
    let (mut extents, mut last) = (Vec::new(), None);
    each_summary(connection, after, limit, |id, summary| {
        extents.extend(summary.map(|summary| summary.extent));
        last = Some(id);
    })?;
    Ok((extents, last))
}

/// Calls `found` with what the next so many blocks behind an id say, as far as they are sound; gives the last of those that were looked
/// at, `None` when there are no more.
pub(in crate::store) fn next_summaries(
    connection: &Connection,
    after: i64,
    limit: usize,
    mut found: impl FnMut(&Summary<'_>),
) -> rusqlite::Result<Option<i64>> {
    let (mut looked_at, mut last) = (0, None);
    each_summary(connection, after, limit, |id, encoded| {
        looked_at += 1;
        last = Some(id);
        if let Some(summary) = encoded.and_then(|encoded| encoded.summary()) {
            found(&summary);
        }
    })?;
    Ok(last.filter(|_| looked_at == limit))
}

/// Where all blocks lie whose summaries are sound, and the ids of the others.
pub(in crate::store) fn all_extents(
    connection: &Connection,
) -> rusqlite::Result<(Vec<Extent>, Vec<i64>)> {
    let (mut sound, mut unsound) = (Vec::new(), Vec::new());
    each_summary(
        connection,
        i64::MIN,
        usize::MAX,
        |id, summary| match summary {
            Some(summary) => sound.push(summary.extent),
            None => unsound.push(id),
        },
    )?;
    Ok((sound, unsound))
}

/// The last id that the last block covers; some number when the block is damaged, since that must not keep anybody from writing.
pub(in crate::store) fn last_block_end(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT CAST(last_id AS INTEGER) FROM block ORDER BY id DESC LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()
}

/// The first and last ids of all blocks behind an id, in order; some number as the last one of a damaged block.
pub(in crate::store) fn next_extents(
    connection: &Connection,
    after: i64,
) -> rusqlite::Result<Vec<(i64, i64)>> {
    connection
        .prepare_cached("SELECT id, CAST(last_id AS INTEGER) FROM block WHERE id > ?1 ORDER BY id")?
        .query_map([after], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// Throws a block away, and what is left of one: a [`next_generation`] of blocks.
pub(in crate::store) fn delete_block(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    for table in ["block", "block_column", "block_words"] {
        connection
            .prepare_cached(&format!("DELETE FROM {table} WHERE id = ?1"))?
            .execute([id])?;
    }
    next_generation(connection)
}

/// Tells all who remember blocks to forget them. It belongs into every transaction that does more than to put blocks behind all others.
pub(super) fn next_generation(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE index_state SET generation = generation + 1")?
        .execute([])?;
    Ok(())
}

/// The generation of the blocks: as long as it is the same, all that there were are there and as they were. `None` when the file does
/// not tell.
pub(in crate::store) fn generation(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "SELECT CASE WHEN count(*) = 1 AND typeof(max(generation)) = 'integer' THEN max(generation) END \
             FROM index_state",
        )?
        .query_row([], |row| row.get(0))
}

/// The last of the blocks that begin at this id or before it: it may end behind it.
pub(in crate::store) fn block_at(
    connection: &Connection,
    id: i64,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT max(id) FROM block WHERE id <= ?1")?
        .query_row([id], |row| row.get(0))
}

/// The extent in the first five columns, unless there can be no such block. A checksum keeps accidents out, but nobody who can compute
/// it, and memory is taken for as many records as there are said to be.
fn read_extent(row: &Row<'_>) -> Option<Extent> {
    let records: u32 = row.get(2).ok()?;
    let extent = Extent {
        id: row.get(0).ok()?,
        last_id: row.get(1).ok()?,
        records: records as usize,
        min_created: row.get(3).ok()?,
        max_created: row.get(4).ok()?,
    };
    let sound = (1..=BLOCK_RECORDS).contains(&records)
        && extent.id <= extent.last_id
        && extent.last_id.abs_diff(extent.id) >= u64::from(records - 1)
        && extent.min_created <= extent.max_created;
    sound.then_some(extent)
}

/// The statement that reads columns of a block behind its extent and lists.
macro_rules! select {
    ($columns:literal) => {
        concat!(
            "SELECT id, last_id, records, min_created, max_created, sites, origins, ",
            $columns,
            " FROM block LEFT JOIN block_column USING (id) WHERE id = ?1"
        )
    };
}

/// A column of a block's records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Column {
    /// Their ids.
    Record,
    /// Their sites, as places in the list of the block's sites.
    Site,
    /// Their origins, as places in the list of the block's origins.
    Origin,
    /// When they were created, in nanoseconds since the Unix epoch.
    Created,
}

/// The columns of one block, as far as they were asked for. It is memory to be used for one block after the other.
#[derive(Debug, Default)]
pub(in crate::store) struct Columns {
    pub(in crate::store) ids: Vec<i64>,
    pub(in crate::store) created: Vec<i64>,
    /// Of each record the place of its site in `site_ids`.
    pub(in crate::store) sites: Vec<u32>,
    /// Of each record the place of its origin in `origin_ids`.
    pub(in crate::store) origins: Vec<u32>,
    pub(in crate::store) site_ids: Vec<i64>,
    pub(in crate::store) origin_ids: Vec<i64>,
    scratch: Vec<u32>,
}

/// Whether a block could be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Found {
    /// As it was written.
    Sound,
    /// Not any more: the records under it have changed.
    Gone,
    /// But not as it was written.
    Damaged,
}

impl Columns {
    /// Reads these columns of a block, and the lists of its sites and origins.
    pub(in crate::store) fn read(
        &mut self,
        connection: &Connection,
        extent: &Extent,
        columns: &[Column],
    ) -> rusqlite::Result<Found> {
        // SQLite passes over the pages of all that precede a column, so only those that are wanted are asked for.
        let sql = match columns {
            [Column::Origin] => select!("origin, NULL, NULL, NULL"),
            [Column::Site] => select!("NULL, site, NULL, NULL"),
            [Column::Origin, Column::Site] => select!("origin, site, NULL, NULL"),
            _ => select!("origin, site, created, record"),
        };
        let mut statement = connection.prepare_cached(sql)?;
        let found = statement
            .query_row([extent.id], |row| {
                if read_extent(row) != Some(*extent) {
                    return Ok(Found::Gone);
                }
                let sound = self.read_lists(row, extent).is_some()
                    && columns
                        .iter()
                        .all(|column| self.read_column(row, extent, *column).is_some());
                Ok(if sound { Found::Sound } else { Found::Damaged })
            })
            .optional()?;
        Ok(found.unwrap_or(Found::Gone))
    }

    fn read_lists(&mut self, row: &Row<'_>, extent: &Extent) -> Option<()> {
        let lists = [
            (5, Part::Sites, &mut self.site_ids),
            (6, Part::Origins, &mut self.origin_ids),
        ];
        for (column, part, ids) in lists {
            let blob = row.get_ref(column).ok()?.as_blob().ok()?;
            IdList::read(extent.unseal(part, blob)?)?.unpack(ids, &mut self.scratch)?;
        }
        Some(())
    }

    fn read_column(&mut self, row: &Row<'_>, extent: &Extent, column: Column) -> Option<()> {
        let blob = |index, part| {
            let blob = row.get_ref(index).ok()?.as_blob().ok()?;
            extent.unseal(part, blob)
        };
        let records = extent.records;
        match column {
            Column::Origin => pack::unpack(&mut blob(7, Part::Origin)?, records, &mut self.origins),
            Column::Site => pack::unpack(&mut blob(8, Part::Site)?, records, &mut self.sites),
            Column::Created => {
                let mut packed = blob(9, Part::Created)?;
                pack::unpack_deltas(&mut packed, records, &mut self.scratch, &mut self.created)
            }
            Column::Record if extent.is_contiguous() => {
                self.ids.clear();
                self.ids.extend(extent.id..=extent.last_id);
                Some(())
            }
            Column::Record => {
                let mut packed = blob(10, Part::Record)?;
                pack::unpack_deltas(&mut packed, records, &mut self.scratch, &mut self.ids)
            }
        }
    }
}

/// Whether all these words may be in the block's texts; `Err` when the filter is not there or not sound.
pub(in crate::store) fn may_hold_words(
    connection: &Connection,
    extent: &Extent,
    wanted: &[u64],
) -> rusqlite::Result<Result<bool, Found>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, last_id, records, min_created, max_created, words \
         FROM block LEFT JOIN block_words USING (id) WHERE id = ?1",
    )?;
    let found = statement
        .query_row([extent.id], |row| {
            if read_extent(row) != Some(*extent) {
                return Ok(Err(Found::Gone));
            }
            let blob = row.get_ref(5)?.as_blob().ok();
            let payload = blob.and_then(|blob| extent.unseal(Part::Words, blob));
            Ok(payload
                .and_then(|payload| words::may_hold(payload, wanted))
                .ok_or(Found::Damaged))
        })
        .optional()?;
    Ok(found.unwrap_or(Err(Found::Gone)))
}

/// Whether all of a block is as it was written.
fn verify(
    connection: &Connection,
    extent: &Extent,
    columns: &mut Columns,
) -> rusqlite::Result<Found> {
    let all = [
        Column::Record,
        Column::Origin,
        Column::Site,
        Column::Created,
    ];
    let found = columns.read(connection, extent, &all)?;
    if found != Found::Sound {
        return Ok(found);
    }
    Ok(may_hold_words(connection, extent, &[])?
        .err()
        .unwrap_or(Found::Sound))
}
