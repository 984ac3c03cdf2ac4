//! Keeping the skip index: each full run of records gets its block in the transaction that completes it, and what has none, since it
//! is older than the index or because records were deleted, gets it in small steps when there is time.

use rusqlite::{Connection, Row, TransactionBehavior};

use super::block::{
    BLOCK_RECORDS, BlockBuilder, Columns, Extent, NewBlock, delete_block, last_block_end,
    next_extents, unsound_blocks,
};
use super::rows::{integer, text_of};
use crate::batch::{RecordRef, Texts};

/// How many blocks a step of upkeep makes, or verifies, at most: what has arrived meanwhile does not wait for long.
const MADE_PER_STEP: usize = 4;
const VERIFIED_PER_STEP: usize = 64;

/// What a step of upkeep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Maintained {
    /// Whether there may be more to do.
    pub more: bool,
    /// How many blocks of the index were not as they had been written. They were thrown away, to be made anew.
    pub damaged: u64,
    /// Whether the file had been moved or deleted, and records go on in another one that is now at its path.
    pub reopened: bool,
}

/// The writer's side of the index.
#[derive(Debug, Default)]
pub(super) struct BlockIndex {
    /// The records behind the last block.
    builder: BlockBuilder,
    /// `PRAGMA data_version` when the builder was up to date: another one means that another connection has written.
    version: Option<i64>,
    /// The id that the next record gets.
    next_id: i64,
    /// The id before that, when the record that had it was deleted.
    deleted_id: Option<i64>,
    /// The generation of sites and origins as of then.
    names: Option<i64>,
    upkeep: Upkeep,
}

/// How far the search for what is damaged or missing has come.
#[derive(Debug)]
enum Upkeep {
    /// All blocks up to this id are sound.
    Verifying(i64),
    /// There is no record without a block before this id.
    Filling(i64),
    /// Nothing was left to do at this `data_version`.
    Done(i64),
}

impl Default for Upkeep {
    fn default() -> Self {
        Upkeep::Verifying(i64::MIN)
    }
}

impl BlockIndex {
    /// Gets ready for records to be added. Call it in a write transaction, before any of them.
    pub(super) fn begin(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let version = data_version(connection)?;
        if self.version == Some(version) {
            return Ok(());
        }
        self.builder.clear();
        let last: Option<i64> = connection
            .prepare_cached("SELECT max(id) FROM record")?
            .query_row([], |row| row.get(0))?;
        let last = last.unwrap_or_default();
        let (deleted, names): (i64, Option<i64>) = connection
            .prepare_cached(
                "SELECT CAST(coalesce(max(deleted_id), 0) AS INTEGER), CAST(max(names) AS INTEGER) FROM index_state",
            )?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.names = names;
        self.deleted_id = (deleted > last).then_some(deleted);
        self.next_id = last.max(deleted).saturating_add(1);
        let covered = last_block_end(connection)?.unwrap_or(i64::MIN);
        if waiting(connection, covered)? < BLOCK_RECORDS {
            load(connection, &mut self.builder, covered, self.next_id)?;
        }
        // More than that is left to upkeep.
        self.version = Some(version);
        Ok(())
    }

    /// The generation of sites and origins: ids that were found in another one may have no row any more.
    pub(super) fn names(&self) -> Option<i64> {
        self.names
    }

    /// An id that must be taken while records are added, so that they get others: `SQLite` gives the one behind the highest there is.
    pub(super) fn deleted_id(&self) -> Option<i64> {
        self.deleted_id
    }

    /// The id that the last of so many new records gets, as long as no foreign hand has used up all numbers.
    pub(super) fn last_id_of(&self, records: usize) -> Option<i64> {
        self.next_id.checked_add(i64::try_from(records).ok()? - 1)
    }

    /// Adds new records in the order in which they are stored; gives the blocks that they complete.
    pub(super) fn add<'r>(
        &mut self,
        records: impl Iterator<Item = (i64, i64, RecordRef<'r>)>,
    ) -> Vec<NewBlock> {
        let mut blocks = Vec::new();
        self.deleted_id = None;
        for (site, origin, record) in records {
            let id = self.next_id;
            self.next_id = id.saturating_add(1);
            self.builder
                .push(id, record.created_ns, site, origin, &record.texts);
            if self.builder.is_full() {
                blocks.extend(self.builder.take());
            }
        }
        blocks
    }

    /// What was added is not in the file, or not under the ids that were expected.
    pub(super) fn forget(&mut self) {
        self.version = None;
        self.builder.clear();
    }

    /// Records up to this id were deleted by this connection, which says so in the file, too.
    pub(super) fn deleted_through(
        &mut self,
        connection: &Connection,
        id: i64,
    ) -> rusqlite::Result<()> {
        connection
            .prepare_cached("UPDATE index_state SET deleted_id = ?1 WHERE deleted_id < ?1")?
            .execute([id])?;
        // Those that were deleted may be in the builder, or the last of all, whose ids are not given again.
        let tail = self.builder.first_id().unwrap_or(self.next_id - 1);
        if id >= tail {
            self.forget();
        }
        Ok(())
    }

    /// Does a small piece of what is left to do. Call it outside of transactions.
    pub(super) fn maintain(&mut self, connection: &mut Connection) -> rusqlite::Result<Maintained> {
        match self.upkeep {
            Upkeep::Verifying(after) => self.verify_some(connection, after),
            Upkeep::Filling(after) => self.fill_some(connection, after),
            Upkeep::Done(version) => {
                if data_version(connection)? != version {
                    self.upkeep = Upkeep::Filling(i64::MIN);
                }
                Ok(Maintained {
                    more: matches!(self.upkeep, Upkeep::Filling(_)),
                    ..Maintained::default()
                })
            }
        }
    }

    fn verify_some(
        &mut self,
        connection: &mut Connection,
        after: i64,
    ) -> rusqlite::Result<Maintained> {
        let mut columns = Columns::default();
        let (unsound, last) = unsound_blocks(connection, after, VERIFIED_PER_STEP, &mut columns)?;
        if !unsound.is_empty() {
            let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for id in &unsound {
                delete_block(&step, *id)?;
            }
            step.commit()?;
            // It may be that the last one was not what the builder took it for.
            self.forget();
        }
        self.upkeep = last.map_or(Upkeep::Filling(i64::MIN), Upkeep::Verifying);
        Ok(Maintained {
            more: true,
            damaged: unsound.len() as u64,
            ..Maintained::default()
        })
    }

    /// Whether there is anything to fill behind an id, without keeping others from writing.
    fn has_gap(&self, connection: &Connection, after: i64) -> rusqlite::Result<bool> {
        let read = connection.unchecked_transaction()?;
        let mut records =
            read.prepare_cached("SELECT 1 FROM record WHERE id > ?1 AND id < ?2 LIMIT 1")?;
        let mut covered = after;
        for (id, last_id) in next_extents(&read, after)? {
            if covered.saturating_add(1) < id && records.exists((covered, id))? {
                return Ok(true);
            }
            covered = last_id;
        }
        if self.version != Some(data_version(&read)?) {
            return Ok(waiting(&read, covered)? >= BLOCK_RECORDS);
        }
        let tail = self.builder.first_id().unwrap_or(self.next_id);
        records.exists((covered, tail))
    }

    /// Makes blocks for the first few runs of records behind this id that have none.
    fn fill_some(
        &mut self,
        connection: &mut Connection,
        after: i64,
    ) -> rusqlite::Result<Maintained> {
        let version = data_version(connection)?;
        if !self.has_gap(connection, after)? {
            self.upkeep = Upkeep::Done(version);
            return Ok(Maintained::default());
        }
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.begin(&step)?;
        let version = data_version(&step)?;
        let tail = self.builder.first_id().unwrap_or(self.next_id);
        let mut made = 0;
        let mut covered = after;
        let mut fill = |covered: &mut i64, before: i64| -> rusqlite::Result<bool> {
            let mut builder = BlockBuilder::default();
            while made < MADE_PER_STEP && covered.saturating_add(1) < before {
                load(&step, &mut builder, *covered, before)?;
                let Some(block) = builder.take() else { break };
                block.insert_among(&step)?;
                *covered = block.extent().last_id;
                made += 1;
            }
            Ok(made == MADE_PER_STEP)
        };
        let mut filled = false;
        for (id, last_id) in next_extents(&step, after)? {
            filled = fill(&mut covered, id)?;
            if filled {
                break;
            }
            covered = last_id;
        }
        filled = filled || fill(&mut covered, tail)?;
        step.commit()?;
        self.upkeep = if filled {
            Upkeep::Filling(covered)
        } else {
            Upkeep::Done(version)
        };
        Ok(Maintained {
            more: filled,
            ..Maintained::default()
        })
    }
}

/// Makes the block of the records behind one id and before another, which are no more than a block takes.
pub(super) fn make_block(
    connection: &Connection,
    after: i64,
    before: i64,
) -> rusqlite::Result<Option<Extent>> {
    let mut builder = BlockBuilder::default();
    load(connection, &mut builder, after, before)?;
    let Some(block) = builder.take() else {
        return Ok(None);
    };
    block.insert_among(connection)?;
    Ok(Some(block.extent()))
}

/// How many records there are behind an id, as far as one block goes.
fn waiting(connection: &Connection, covered: i64) -> rusqlite::Result<u32> {
    connection
        .prepare_cached("SELECT count(*) FROM (SELECT 1 FROM record WHERE id > ?1 LIMIT ?2)")?
        .query_row((covered, BLOCK_RECORDS), |row| row.get(0))
}

/// Puts the next records behind one id and before another into the builder, as many as a block takes.
fn load(
    connection: &Connection,
    builder: &mut BlockBuilder,
    after: i64,
    before: i64,
) -> rusqlite::Result<()> {
    let through = before.saturating_sub(1);
    each_indexed_row(connection, after, through, BLOCK_RECORDS, |row, texts| {
        let [created, site, origin] = [integer(row, 1)?, integer(row, 2)?, integer(row, 3)?];
        builder.push(row.get(0)?, created, site, origin, texts);
        Ok(())
    })
}

/// Calls `found` with the next rows behind one id and up to another, and with what blocks hold of their texts. Of the row itself the
/// first columns are id, created, site and origin.
pub(super) fn each_indexed_row(
    connection: &Connection,
    after: i64,
    through: i64,
    limit: u32,
    mut found: impl FnMut(&Row<'_>, &Texts<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT id, created, site, origin, message, exc_text, stack_info, extra FROM record \
         WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3",
    )?;
    let mut rows = statement.query((after, through, limit))?;
    while let Some(row) = rows.next()? {
        let text = |column| row.get_ref(column).map(text_of);
        let [message, exc_text, stack_info, extra] = [text(4)?, text(5)?, text(6)?, text(7)?];
        let texts = Texts {
            message: message.as_deref().unwrap_or_default(),
            task_name: None,
            exc_text: exc_text.as_deref(),
            stack_info: stack_info.as_deref(),
            extra: extra.as_deref(),
        };
        found(row, &texts)?;
    }
    Ok(())
}

/// The highest id that a deleted record had; 0 when there is none.
pub(super) fn last_deleted(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT CAST(coalesce(max(deleted_id), 0) AS INTEGER) FROM index_state")?
        .query_row([], |row| row.get(0))
}

/// A number that changes whenever another connection has changed the file.
fn data_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("PRAGMA data_version")?
        .query_row([], |row| row.get(0))
}
