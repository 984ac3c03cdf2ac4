//! Retention: removing what is not kept any longer, block by block, and giving its space back.
//!
//! A block's row and arrays tell whether all of its records go, or which; no record is read for that. Only those behind the last block are.

mod by_hand;
mod policy;
mod remove;
mod space;
#[cfg(test)]
mod tests;
mod watch;

use rusqlite::{Connection, TransactionBehavior};

pub use by_hand::{Prune, PruneEstimate, Pruned};
use policy::{Policy, Rows, Slack};
use remove::Removal;
use space::{Space, give_back};
pub(super) use space::{checkpoint, is_held_back};
use watch::Watch;

use super::block::{
    BLOCK_RECORDS, Column, Columns, Extent, Found, block_at, delete_block, last_block_end,
    sound_extents,
};
use super::index::{BlockIndex, make_block};
use super::rows::integer;
use super::setting;
use crate::retention::Retention;

/// What a step of retention did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retained {
    /// Whether there may be more to do at once.
    pub more: bool,
    /// How many records were removed.
    pub removed: u64,
    /// Whether they had to go before their time, since the disk lacks room.
    pub for_room: bool,
}

/// Whether records arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Load {
    /// Free pages are about to be used again.
    Arriving,
    Idle,
}

/// How often the records behind the last block are looked at: within an eighth of the shortest time for which any are kept.
const LONGEST_LOOK_NS: i64 = 60_000_000_000;
const SHORTEST_LOOK_NS: i64 = 100_000_000;

/// What the file may exceed its limit by before records without a block go: a share of it, so that they do not go one by one.
const SHARE_OF_LIMIT: u64 = 16;

/// Removes what a policy does not keep.
#[derive(Debug)]
pub(super) struct Pruner {
    policy: Policy,
    watch: Watch,
    columns: Columns,
    rows: Rows,
    /// What is left of a run of records that is to go as a whole. Its block is gone.
    doomed: Option<(i64, i64)>,
    /// When the records behind the last block are looked at next.
    tail_due_ns: i64,
    /// The bytes in use at the end of the last step.
    used_bytes: u64,
    /// Whether the next transaction that stores records removes others, too.
    joins: bool,
    /// What the file may have as long as the disk is nearly full.
    ceiling: u64,
    /// What it may have then in any case: half of what it had, until it has grown to that again.
    floor: Option<u64>,
    /// There was no record left to remove: what the file has besides is all that it can be.
    is_bare: bool,
    /// How many records a step removes, about, at most.
    pub(super) portion: u64,
}

impl Pruner {
    /// For the writer, between its transactions.
    pub(super) fn new(retention: Retention) -> Self {
        Self::with(Policy::new(retention, None, Slack::Eighth))
    }

    fn with(policy: Policy) -> Self {
        Pruner {
            policy,
            watch: Watch::default(),
            columns: Columns::default(),
            rows: Rows::default(),
            doomed: None,
            tail_due_ns: i64::MIN,
            used_bytes: u64::MAX,
            joins: false,
            ceiling: u64::MAX,
            floor: None,
            is_bare: false,
            portion: u64::MAX,
        }
    }

    /// Does a small piece. Call it outside of transactions.
    pub(super) fn step(
        &mut self,
        connection: &mut Connection,
        index: &mut BlockIndex,
        now_ns: i64,
        load: Load,
    ) -> rusqlite::Result<Retained> {
        let done = self.try_step(connection, index, now_ns, load);
        if done.is_err() {
            self.forget();
            index.forget();
        }
        done
    }

    /// What was noted of a transaction that has failed is not so. The next step is one of its own: what cannot be removed must not keep
    /// records from being stored.
    pub(super) fn forget(&mut self) {
        self.watch = Watch::default();
        self.policy.forget();
        self.doomed = None;
        self.tail_due_ns = i64::MIN;
        self.joins = false;
    }

    fn try_step(
        &mut self,
        connection: &mut Connection,
        index: &mut BlockIndex,
        now_ns: i64,
        load: Load,
    ) -> rusqlite::Result<Retained> {
        if is_held_back(connection)? {
            // What arrives meanwhile is not to go all at once then.
            self.used_bytes = u64::MAX;
            self.joins = false;
            return Ok(Retained::default());
        }
        if load == Load::Arriving {
            self.is_bare = false;
        }
        let unknown = self.policy.goes_by_age() && self.watch.learn(connection, &self.policy)?;
        let space = Space::of(connection)?;
        let limit = self.limit();
        let joined = load == Load::Arriving
            && self.joins
            && self.excess(space, 0) < limit / SHARE_OF_LIMIT / 4;
        if !joined && self.is_due(space, 0, now_ns) {
            let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut done = self.remove(&step, index, now_ns, None)?;
            step.commit()?;
            self.joins = true;
            let gives_back = load == Load::Idle && Space::of(connection)?.has_free();
            done.more |= unknown || gives_back;
            return Ok(done);
        }
        self.joins = true;
        self.used_bytes = space.used_bytes();
        let is_enough = match load {
            Load::Arriving => space.has_much_free(),
            Load::Idle => space.has_free(),
        };
        let more = is_enough && give_back(connection)?;
        Ok(Retained {
            more: unknown || more && load == Load::Idle,
            ..Retained::default()
        })
    }

    /// Removes records in the transaction that puts about so many bytes of others in: those take the pages of these, which are written
    /// once for both. Gives how many were removed.
    pub(super) fn make_room(
        &mut self,
        step: &Connection,
        index: &mut BlockIndex,
        now_ns: i64,
        arriving_bytes: u64,
    ) -> rusqlite::Result<u64> {
        self.is_bare = false;
        if !self.joins || !self.is_due(Space::of(step)?, arriving_bytes, now_ns) {
            return Ok(0);
        }
        let done = self.remove(step, index, now_ns, Some(arriving_bytes))?;
        Ok(done.removed)
    }

    fn is_due(&mut self, space: Space, arriving_bytes: u64, now_ns: i64) -> bool {
        self.doomed.is_some()
            || self.excess(space, arriving_bytes) > 0
            || self.watch.due(now_ns).is_some()
            || self.is_tail_due(now_ns)
    }

    /// What the file may have. The disk may be too small for it.
    fn limit(&self) -> u64 {
        let limit = self.policy.retention.max_bytes.unwrap_or(u64::MAX);
        limit.min(self.ceiling)
    }

    pub(super) fn retention(&self) -> &Retention {
        &self.policy.retention
    }

    /// Whether records may go before their time, so that others have room.
    pub(super) fn makes_room(&self) -> bool {
        self.policy.retention.max_bytes.is_some()
    }

    /// Has the file made so small that so many bytes are free in it and of it together, where records may go for that; 0: as large as it may be.
    pub(super) fn shrink_by(
        &mut self,
        connection: &Connection,
        bytes: u64,
    ) -> rusqlite::Result<()> {
        if bytes == 0 || !self.makes_room() {
            self.ceiling = u64::MAX;
            return Ok(());
        }
        let space = Space::of(connection)?;
        // When others fill the disk, emptying the log is of no use to anybody, however often they do and the server is started anew.
        if self.floor.is_none() {
            self.floor = setting::floor_bytes(connection)?;
        }
        let used = space.used_bytes();
        let floor = match self.floor {
            Some(floor) if used < floor.saturating_mul(2) => floor,
            _ => {
                let floor = used / 2;
                setting::keep_floor_bytes(connection, floor)?;
                *self.floor.insert(floor)
            }
        };
        let missing = bytes.saturating_sub(space.free_bytes());
        self.ceiling = used.saturating_sub(missing).max(floor);
        Ok(())
    }

    /// Whether records have to go since the disk lacks room, not by the policy.
    pub(super) fn shrinks(&self) -> bool {
        self.ceiling < self.policy.retention.max_bytes.unwrap_or(u64::MAX)
    }

    /// Whether the file is about as large as it may be.
    pub(super) fn is_near_limit(&self, connection: &Connection) -> rusqlite::Result<bool> {
        let limit = self.limit();
        let near = limit - limit / SHARE_OF_LIMIT;
        Ok(limit < u64::MAX && Space::of(connection)?.used_bytes() > near)
    }

    /// By how many bytes the file is too large.
    fn excess(&self, space: Space, arriving_bytes: u64) -> u64 {
        if self.is_bare {
            return 0;
        }
        let limit = self.limit();
        let used = space.used_bytes().saturating_add(arriving_bytes);
        used.saturating_sub(limit)
    }

    fn is_tail_due(&self, now_ns: i64) -> bool {
        now_ns > self.tail_due_ns && self.policy.goes_by_age()
    }

    /// Removes records in a transaction: for a short time or, when the file is too large, what it has grown by since the last one. With
    /// others arriving, no more than twice their room is made.
    fn remove(
        &mut self,
        step: &Connection,
        index: &mut BlockIndex,
        now_ns: i64,
        arriving_bytes: Option<u64>,
    ) -> rusqlite::Result<Retained> {
        let forgot = self.watch.compare(step)?;
        let mut removal = Removal::new(step, self.portion);
        let enough = arriving_bytes.map_or(u64::MAX, |bytes| bytes.saturating_mul(2));
        let more = loop {
            let space = Space::of(step)?;
            let excess = self.excess(space, arriving_bytes.unwrap_or(0));
            let has_grown = excess > 0 && space.used_bytes() > self.used_bytes;
            if !has_grown && (removal.is_late() || space.free_bytes() >= enough) {
                break true;
            }
            if let Some(run) = self.doomed.take() {
                // Whoever has made a block of them meanwhile has brought them back among the others.
                if !is_covered(step, run)? {
                    self.doomed = removal.some(run)?;
                }
            } else if excess > 0 {
                self.is_bare = !self.remove_first(&mut removal, step, excess)?;
            } else if let Some(extent) = self.watch.due(now_ns) {
                self.look_at_block(&mut removal, step, extent, now_ns)?;
            } else if self.is_tail_due(now_ns) {
                self.look_at_tail(&mut removal, step, now_ns)?;
            } else {
                break false;
            }
        };
        self.watch.follow(step)?;
        if let Some(id) = removal.last_id {
            index.deleted_through(step, id)?;
        }
        self.used_bytes = Space::of(step)?.used_bytes();
        Ok(Retained {
            more: more || forgot,
            removed: removal.records,
            for_room: self.shrinks(),
        })
    }

    /// Dooms the records with the lowest ids: those of a block, or some of those that have none, at least a few. Gives whether there are any.
    fn remove_first(
        &mut self,
        removal: &mut Removal<'_>,
        step: &Connection,
        excess: u64,
    ) -> rusqlite::Result<bool> {
        let first: Option<i64> = step
            .prepare_cached("SELECT min(id) FROM record")?
            .query_row([], |row| row.get(0))?;
        let Some(first) = first else {
            return Ok(false);
        };
        if let Some(id) = block_at(step, first)? {
            let (found, _) = sound_extents(step, id.saturating_sub(1), 1)?;
            let block = found.first().filter(|block| block.last_id >= first);
            delete_block(step, id)?;
            self.watch.remove(id);
            // One that is damaged says nothing of the records under it.
            self.doomed = block.map(|block| (first, block.last_id));
            return Ok(true);
        }
        let before: Option<i64> = step
            .prepare_cached("SELECT min(id) FROM block WHERE id > ?1")?
            .query_row([first], |row| row.get(0))?;
        let before = before.unwrap_or(i64::MAX);
        // What has no block goes a little farther than it has to, so that what is left is not read anew after each few records.
        let limit = self.limit();
        let used = Space::of(step)?.used_bytes();
        let target = used.saturating_sub(excess + limit / SHARE_OF_LIMIT);
        let mut next = Some(first);
        while let Some(first) = next {
            let last = end_of_run(step, (first, before), NO_BLOCK_SLICE)?;
            let Some(last) = last else { break };
            removal.all((first, last))?;
            if removal.is_late() || Space::of(step)?.used_bytes() <= target {
                break;
            }
            next = last.checked_add(1);
        }
        Ok(true)
    }

    /// Removes what is to go of a block: all of it, or some, and then the rest gets a block of its own.
    fn look_at_block(
        &mut self,
        removal: &mut Removal<'_>,
        step: &Connection,
        extent: Extent,
        now_ns: i64,
    ) -> rusqlite::Result<()> {
        let wanted = [Column::Record, Column::Site, Column::Created];
        if self.columns.read(step, &extent, &wanted)? != Found::Sound {
            // Upkeep makes it anew, and then it is found again.
            self.watch.remove(extent.id);
            return Ok(());
        }
        let Columns {
            ids,
            created,
            sites,
            site_ids,
            ..
        } = &mut self.columns;
        let mut rules = Vec::with_capacity(site_ids.len());
        for site in site_ids {
            rules.push(self.policy.rule_of(step, *site)?);
        }
        let rows = &mut self.rows;
        rows.rules.clear();
        let places = sites.iter().map(|place| *place as usize);
        let unknown = self.policy.retention.keep.len();
        rows.rules
            .extend(places.map(|place| rules.get(place).copied().unwrap_or(unknown)));
        std::mem::swap(&mut rows.ids, ids);
        std::mem::swap(&mut rows.created, created);
        let verdict = self.policy.judge(rows, now_ns);
        if verdict.runs.is_empty() {
            self.watch.put(extent, verdict.due_ns);
            return Ok(());
        }
        delete_block(step, extent.id)?;
        self.watch.remove(extent.id);
        if verdict.staying == 0 {
            self.doomed = removal.some((extent.id, extent.last_id))?;
            return Ok(());
        }
        for run in verdict.runs {
            removal.all(run)?;
        }
        let first = self.join_before(step, extent.id, verdict.staying)?;
        let (after, before) = (first.saturating_sub(1), extent.last_id.saturating_add(1));
        if let Some(rest) = make_block(step, after, before)? {
            self.watch.insert(rest, &self.policy);
        }
        Ok(())
    }

    /// Throws the blocks before this id away that are to be one with so many records that stay behind it; gives where that one
    /// begins. Few stay where only errors are kept for long, and as many blocks as there were would be in everybody's way. None
    /// joins much smaller ones, so that a record is not read again for each of them.
    fn join_before(
        &mut self,
        step: &Connection,
        mut first: i64,
        mut records: usize,
    ) -> rusqlite::Result<i64> {
        let mut between =
            step.prepare_cached("SELECT 1 FROM record WHERE id > ?1 AND id < ?2 LIMIT 1")?;
        while let Some(block) = self.watch.before(first) {
            let together = block.records + records;
            if block.records > 2 * records
                || together > BLOCK_RECORDS as usize
                || between.exists((block.last_id, first))?
            {
                break;
            }
            delete_block(step, block.id)?;
            self.watch.remove(block.id);
            (first, records) = (block.id, together);
        }
        Ok(first)
    }

    /// Removes what is to go of the records behind the last block.
    fn look_at_tail(
        &mut self,
        removal: &mut Removal<'_>,
        step: &Connection,
        now_ns: i64,
    ) -> rusqlite::Result<()> {
        let covered = last_block_end(step)?.unwrap_or(i64::MIN);
        let mut statement = step.prepare_cached(
            "SELECT id, created, site FROM record WHERE id > ?1 ORDER BY id LIMIT ?2",
        )?;
        let mut found = statement.query((covered, BLOCK_RECORDS))?;
        let mut rows = Rows::default();
        while let Some(row) = found.next()? {
            rows.ids.push(row.get(0)?);
            rows.created.push(integer(row, 1)?);
            rows.rules
                .push(self.policy.rule_of(step, integer(row, 2)?)?);
        }
        drop(found);
        let verdict = self.policy.judge(&rows, now_ns);
        for run in verdict.runs {
            removal.all(run)?;
        }
        let eighth = self.policy.shortest_ns().unwrap_or(i64::MAX) / 8;
        let look = eighth.clamp(SHORTEST_LOOK_NS, LONGEST_LOOK_NS);
        self.tail_due_ns = verdict.due_ns.min(now_ns.saturating_add(look));
        Ok(())
    }
}

/// How many records without a block are removed between two looks at the file's size.
const NO_BLOCK_SLICE: i64 = 8;

/// Whether there is a block over any of these ids.
fn is_covered(connection: &Connection, (first, last): (i64, i64)) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT 1 FROM block WHERE id = (SELECT max(id) FROM block WHERE id <= ?2) AND last_id >= ?1",
        )?
        .exists((first, last))
}

/// The id of the last of so many records from one id on and before another; `None` when there are none.
fn end_of_run(
    connection: &Connection,
    (first, before): (i64, i64),
    records: i64,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "SELECT max(id) FROM (SELECT id FROM record WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3)",
        )?
        .query_row((first, before, records), |row| row.get(0))
}
