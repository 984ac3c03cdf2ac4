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
    /// The record that has this id, and those around it in time order; `None` when it is not there, or not any more. A side that has so
    /// many bytes of text takes no more records: the nearest come first.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn around(
        &self,
        id: i64,
        context: Context,
        most_bytes: usize,
    ) -> Result<Option<Around>, StoreError> {
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
        let before = neighbours.next(whose, key, Toward::Older, context.before)?;
        let after = neighbours.next(whose, key, Toward::Newer, context.after)?;
        let mut before = self.records_of(before, most_bytes)?;
        before.reverse();
        Ok(Some(Around {
            before,
            record,
            after: self.records_of(after, most_bytes)?,
        }))
    }

    /// The records of these keys, without those that are gone, until there are so many bytes.
    fn records_of(
        &self,
        mut keys: Vec<Key>,
        most_bytes: usize,
    ) -> Result<Vec<StoredRecord>, StoreError> {
        let mut names = Names::default();
        let mut records = Vec::new();
        let mut bytes = 0;
        while !keys.is_empty() && bytes < most_bytes {
            let page = fetch(self, keys, &mut names)?;
            records.extend(page.records);
            bytes += page.bytes;
            keys = page.rest;
        }
        Ok(records)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;
    use crate::level::Level;
    use crate::query::ContextOf;
    use crate::record::{LogRecord, Site};
    use crate::store::{Durability, RecordStore as _, SqliteStore};

    #[test]
    fn a_side_with_much_text_has_the_nearest_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs.sqlite");
        let records: Vec<LogRecord> = (1..=11)
            .map(|moment| {
                let text = "x".repeat(1 << 20);
                let mut record = LogRecord::new(Site::new("a", Level::INFO), text);
                record.created_ns = moment;
                record
            })
            .collect();
        let batch: Batch = records.iter().collect();
        let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
        store.append(&[batch]).unwrap();
        let context = Context {
            before: 5,
            after: 5,
            of: ContextOf::SameOrigin,
        };
        let reader = Reader::open(&path).unwrap();
        let around = reader.around(6, context, 2 << 20).unwrap().unwrap();
        let moments = |records: &[StoredRecord]| -> Vec<i64> {
            let moments = records.iter().map(|stored| stored.record.created_ns);
            moments.collect()
        };
        assert_eq!(moments(&around.before), [4, 5]);
        assert_eq!(moments(&around.after), [7, 8]);
    }
}
