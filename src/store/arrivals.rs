//! Records in the order in which they were stored: what whoever follows a store has not seen yet.

use super::answer::{PAGE_RECORDS, fetch_some};
use super::plan::{Plan, Segment, last_id};
use super::reader::Reader;
use super::rows::Names;
use super::scan::{Key, Lens, Search};
use crate::error::StoreError;
use crate::query::Query;
use crate::record::StoredRecord;

/// The records that a query wants, by their ids, found step by step. Between two steps nothing of the file is held.
pub(crate) struct Arrivals {
    reader: Reader,
    search: Search,
    segments: std::vec::IntoIter<Segment>,
    lens: Lens,
    /// Those of the last segment that have not been fetched yet.
    keys: std::vec::IntoIter<Key>,
    /// What the last page had no room for.
    rest: Vec<Key>,
    names: Names,
}

impl Reader {
    /// The records that the query wants up to this id. Its limit and order say nothing.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub(crate) fn arrivals(&self, query: &Query, up_to: i64) -> Result<Arrivals, StoreError> {
        let (search, mut plan) = self.read(|connection| {
            let read = connection.unchecked_transaction()?;
            let search = Search::new(&read, query, last_id(&read)?.min(up_to))?;
            let mut plan = Plan::new(&read, &self.blocks, &search)?;
            drop(read);
            plan.look_at_gaps(connection, &search)?;
            Ok((search, plan))
        })?;
        plan.segments
            .sort_unstable_by_key(|segment| segment.first_id);
        Ok(Arrivals {
            reader: self.clone(),
            search,
            segments: plan.segments.into_iter(),
            lens: Lens::default(),
            keys: Vec::new().into_iter(),
            rest: Vec::new(),
            names: Names::default(),
        })
    }
}

impl Arrivals {
    /// The next few records, perhaps none of them, until they have so many bytes of text; `None` at the end.
    ///
    /// # Errors
    ///
    /// When the file cannot be read. What comes behind would have a hole.
    pub(crate) fn step(
        &mut self,
        max_bytes: usize,
    ) -> Result<Option<Vec<StoredRecord>>, StoreError> {
        if self.rest.is_empty() {
            self.rest = self.keys.by_ref().take(PAGE_RECORDS).collect();
        }
        if !self.rest.is_empty() {
            let keys = std::mem::take(&mut self.rest);
            let page = fetch_some(&self.reader, keys, &mut self.names, max_bytes)?;
            self.rest = page.rest;
            return Ok(Some(page.records));
        }
        let Some(segment) = self.segments.next() else {
            return Ok(None);
        };
        let mut keys = Vec::new();
        self.reader.read(|connection| {
            let found = |hit: super::scan::Hit| keys.push(hit.key);
            self.lens.each(connection, &self.search, &segment, found)
        })?;
        self.keys = keys.into_iter();
        Ok(Some(Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::batch::Batch;
    use crate::level::Level;
    use crate::record::{LogRecord, Site};
    use crate::store::{Durability, RecordStore as _, SqliteStore};

    /// The ids of all that comes.
    fn ids(reader: &Reader, query: &Query, up_to: i64) -> Vec<i64> {
        ids_by(reader, query, up_to, usize::MAX)
    }

    /// The same, with so many bytes of text in a step.
    fn ids_by(reader: &Reader, query: &Query, up_to: i64, max_bytes: usize) -> Vec<i64> {
        let mut arrivals = reader.arrivals(query, up_to).unwrap();
        let mut ids = Vec::new();
        while let Some(records) = arrivals.step(max_bytes).unwrap() {
            // One of them may be the one too many.
            assert!(records.len() <= max_bytes);
            ids.extend(records.iter().map(|stored| stored.id));
        }
        ids
    }

    #[test]
    fn records_come_by_id_whatever_their_times_from_blocks_and_from_rows() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs.sqlite");
        let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
        let sites = ["a", "b"].map(|name| Arc::new(Site::new(name, Level::INFO)));
        let records: Vec<LogRecord> = (0..10_000_i64)
            .map(|i| {
                let mut record = LogRecord::new(Arc::clone(&sites[usize::from(i % 3 == 0)]), "x");
                record.created_ns = i * 7919 % 10_007;
                record
            })
            .collect();
        let batches: Vec<Batch> = records
            .chunks(3000)
            .map(|run| run.iter().collect())
            .collect();
        store.append(&batches).unwrap();
        let reader = Reader::open(&path).unwrap();
        let all = Query::default();
        assert!(ids(&reader, &all, i64::MAX).into_iter().eq(1..=10_000));
        assert!(ids_by(&reader, &all, 300, 3).into_iter().eq(1..=300));
        for (after, up_to) in [
            (0, 0),
            (0, 1),
            (4095, 4097),
            (5000, 9000),
            (9999, 20_000),
            (7, 3),
        ] {
            let query = Query {
                after_id: Some(after),
                names: vec!["a".into()],
                ..Query::default()
            };
            let wanted = (after + 1..=up_to.min(10_000)).filter(|id| (id - 1) % 3 != 0);
            let found = ids(&reader, &query, up_to);
            assert!(found.into_iter().eq(wanted), "{after} {up_to}");
        }
    }
}
