//! Which blocks hold something whose time is over, without looking into each of them each time.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::policy::Policy;
use crate::store::block::{Extent, generation, sound_extents};

/// How many blocks are read of the index at a time.
const LEARNT_PER_STEP: usize = 256;

/// All blocks, each with the moment after which it is worth a look.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// The generation of the blocks that are known; `None` when none are.
    generation: Option<i64>,
    /// All up to the block with this id are known.
    known_through: Option<i64>,
    blocks: BTreeMap<i64, (Extent, i64)>,
    /// No block is worth a look before it.
    next_due_ns: i64,
}

impl Watch {
    /// Reads on in the index; gives whether there may be more.
    pub(super) fn learn(
        &mut self,
        connection: &Connection,
        policy: &Policy,
    ) -> rusqlite::Result<bool> {
        let read = connection.unchecked_transaction()?;
        self.compare(&read)?;
        if self.generation.is_none() {
            // A foreign hand has been there.
            return Ok(false);
        }
        let after = self.known_through.unwrap_or(i64::MIN);
        let (extents, last) = sound_extents(&read, after, LEARNT_PER_STEP)?;
        for extent in &extents {
            self.insert(*extent, policy);
        }
        self.known_through = last.or(self.known_through);
        Ok(last.is_some())
    }

    /// Forgets all when others have changed the blocks; gives whether they have.
    pub(super) fn compare(&mut self, connection: &Connection) -> rusqlite::Result<bool> {
        let found = generation(connection)?;
        let is_other = self.generation != found;
        if is_other {
            *self = Watch {
                generation: found,
                next_due_ns: i64::MAX,
                ..Watch::default()
            };
        }
        Ok(is_other)
    }

    /// What this connection has done to the blocks is known. To be called in the transaction that does it.
    pub(super) fn follow(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.generation = generation(connection)?;
        Ok(())
    }

    pub(super) fn insert(&mut self, extent: Extent, policy: &Policy) {
        self.put(extent, policy.not_before(extent.min_created));
    }

    pub(super) fn put(&mut self, extent: Extent, due_ns: i64) {
        self.next_due_ns = self.next_due_ns.min(due_ns);
        self.blocks.insert(extent.id, (extent, due_ns));
    }

    pub(super) fn remove(&mut self, id: i64) {
        self.blocks.remove(&id);
    }

    /// The last block that begins before an id.
    pub(super) fn before(&self, id: i64) -> Option<Extent> {
        let (_, (extent, _)) = self.blocks.range(..id).next_back()?;
        Some(*extent)
    }

    /// The first block that is worth a look.
    pub(super) fn due(&mut self, now_ns: i64) -> Option<Extent> {
        if now_ns <= self.next_due_ns {
            return None;
        }
        let due = self.blocks.values().find(|(_, due_ns)| now_ns > *due_ns);
        if due.is_none() {
            let next = self.blocks.values().map(|(_, due_ns)| *due_ns).min();
            self.next_due_ns = next.unwrap_or(i64::MAX);
        }
        due.map(|(extent, _)| *extent)
    }
}
