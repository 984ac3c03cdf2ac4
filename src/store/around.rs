//! One record with those around it.

use super::answer::fetch;
use super::context::origins_of;
use super::neighbours::{Neighbours, Toward};
use super::reader::Reader;
use super::rows::Names;
use super::scan::Key;
use crate::error::StoreError;
use crate::query::Context;
use crate::record::StoredRecord;

/// A record with those around it, all with the oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Around {
    /// Those before it.
    pub before: Vec<StoredRecord>,
    /// The record itself.
    pub record: StoredRecord,
    /// Those behind it.
    pub after: Vec<StoredRecord>,
}

impl Reader {
    /// The record that has this id, and those around it in time order; `None` when it is not there, or not any more.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn around(&self, id: i64, context: Context) -> Result<Option<Around>, StoreError> {
        let last_id = self.last_id()?;
        let Some(record) = self.record(id)? else {
            return Ok(None);
        };
        let key = (record.record.created_ns, id);
        let whose = self.read(|connection| origins_of(connection, &[key], context.of))?;
        let Some((_, whose)) = whose.first().copied() else {
            return Ok(None);
        };
        let mut neighbours = Neighbours::new(self, last_id, context.of)?;
        let mut before = neighbours.next(whose, key, Toward::Older, context.before)?;
        before.reverse();
        let after = neighbours.next(whose, key, Toward::Newer, context.after)?;
        Ok(Some(Around {
            before: self.records_of(before)?,
            record,
            after: self.records_of(after)?,
        }))
    }

    /// The records of these keys, without those that are gone.
    fn records_of(&self, mut keys: Vec<Key>) -> Result<Vec<StoredRecord>, StoreError> {
        let mut names = Names::default();
        let mut records = Vec::with_capacity(keys.len());
        while !keys.is_empty() {
            let page = fetch(self, keys, &mut names)?;
            records.extend(page.records);
            keys = page.rest;
        }
        Ok(records)
    }
}
