//! Counting: how many records of each group there are. From the arrays of the blocks wherever they suffice.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use rusqlite::Connection;
use serde_json::Value;

use super::groups::Groups;
use super::histogram::Histogram;
use super::parallel::each_segment;
use super::plan::{Plan, Segment};
use super::reader::Reader;
use super::rows::text_of;
use super::scan::{Hit, Lens, Search};
use super::stream::Stream;
use crate::batch::extra_of_json;
use crate::count::{Count, Counts, GroupBy, Side, Tally, bytes_of, too_many_buckets};
use crate::error::{Error, QueryError, StoreError};
use crate::query::{FieldFilter, FieldTest, Order, Query};
use crate::record::extra_at;
use crate::time::Buckets;

/// What records of one count have in common: the bucket's start, the groups of site and origin, and the values of extra fields.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Cell {
    pub(super) start_ns: i64,
    pub(super) site: u32,
    pub(super) origin: u32,
    pub(super) fields: Vec<Value>,
}

/// How many bytes of text the groups of a count have on average, where it may have as many groups as the reader may count.
const GROUP_BYTES: usize = 256;

/// How many records each cell has.
pub(super) type Cells = HashMap<Cell, u64>;

/// What all threads of a count share.
pub(super) struct Counting<'c> {
    pub(super) search: Arc<Search>,
    pub(super) sites: Groups,
    pub(super) origins: Groups,
    count: &'c Count,
    /// The extra fields by which is grouped.
    fields: Vec<&'c str>,
}

/// What one thread counts.
struct Counter {
    lens: Lens,
    histogram: Histogram,
    buckets: Option<Buckets>,
    cells: Cells,
    /// The oldest and the newest record that was looked at by itself.
    span_ns: Option<(i64, i64)>,
    hits: Vec<Hit>,
    /// How many cells there may be, and whether there would be more.
    max_cells: usize,
    is_full: bool,
    /// How many bytes the values of extra fields in the cells have.
    bytes: usize,
}

impl Reader {
    /// How many records of each group the store has: of those that were stored when it was asked.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] when the file cannot be read, [`Error::Query`] when there would be more than 100,000 buckets of time, or more
    /// groups than the reader [may count](Reader::with_max_groups).
    pub fn count(&self, count: &Count) -> Result<Counts, Error> {
        let (counting, plan) = self.counting(count)?;
        let mut tally = Tally::new(count);
        if counting.by_arrays() {
            for created in self.ends(&plan, &counting.search)?.into_iter().flatten() {
                tally.span(created, created);
            }
            tally.check()?;
        }
        let counters = self.counters(&counting, &plan)?;
        let mut damaged = plan.damaged;
        let limit = self.max_groups;
        let max_bytes = max_bytes(limit);
        for counter in &counters {
            damaged += counter.lens.damaged;
            if let Some((first, last)) = counter.span_ns {
                tally.span(first, last);
            }
            for (cell, records) in &counter.cells {
                counting.put(&mut tally, cell, *records);
                if tally.bytes() > max_bytes {
                    return Err(QueryError::TooManyGroups { limit }.into());
                }
            }
        }
        Ok(tally.finish(damaged)?)
    }

    /// The groups of a count, each perhaps in several parts and in no order: what they have in common of sites and of origins, and how many
    /// records. Where there are a hundred thousand, putting them in order costs more than counting them. Gives the sum of the records.
    ///
    /// # Errors
    ///
    /// As [`Reader::count`].
    #[cfg(feature = "net")]
    pub(crate) fn each_group(
        &self,
        count: &Count,
        mut take: impl FnMut(&[Value], &[Value], u64),
    ) -> Result<u64, Error> {
        let (counting, plan) = self.counting(count)?;
        let mut total = 0;
        for counter in self.counters(&counting, &plan)? {
            for (cell, records) in &counter.cells {
                let (site, _) = &counting.sites.keys[cell.site as usize];
                let (origin, _) = &counting.origins.keys[cell.origin as usize];
                take(site, origin, *records);
                total += records;
            }
        }
        Ok(total)
    }

    /// What there is to count, and where.
    fn counting<'c>(&self, count: &'c Count) -> Result<(Counting<'c>, Plan), Error> {
        let query = Query {
            limit: None,
            order: Order::OldestFirst,
            ..count.query.clone()
        };
        let (search, plan) = self.prepare(&query)?;
        // After the plan, so that the dictionaries have all that its records refer to.
        let groups = self.read(|connection| {
            let sites = Groups::of_sites(connection, &count.by)?;
            Ok((sites, Groups::of_origins(connection, &count.by)?))
        });
        let (sites, origins) = groups?;
        let counting = Counting {
            search: Arc::new(search),
            sites,
            origins,
            count,
            fields: count.by.iter().filter_map(GroupBy::field).collect(),
        };
        Ok((counting, plan))
    }

    /// What the threads have counted.
    fn counters(&self, counting: &Counting<'_>, plan: &Plan) -> Result<Vec<Counter>, Error> {
        let limit = self.max_groups;
        let counters = each_segment(
            self,
            &plan.segments,
            || Counter::new(counting.count, limit),
            |counter, connection, segment| counter.add(connection, counting, segment),
        )?;
        if counters.iter().any(Counter::is_over) {
            return Err(QueryError::TooManyGroups { limit }.into());
        }
        Ok(counters)
    }

    /// When the oldest and when the newest of the records that the query wants was made, in nanoseconds since the Unix epoch; `None` when
    /// there is none. Those between are not looked at.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn span(&self, query: &Query) -> Result<Option<(i64, i64)>, StoreError> {
        let (search, plan) = self.prepare(query)?;
        let [oldest, newest] = self.ends(&plan, &Arc::new(search))?;
        Ok(oldest.zip(newest))
    }

    /// An extra field by which was counted and that no record of the store has: most likely a slip.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn missing_field<'c>(&self, counts: &'c Counts) -> Result<Option<&'c GroupBy>, StoreError> {
        // In an empty store no field is there yet.
        if counts.rows.is_empty() && self.last_id()? == 0 {
            return Ok(None);
        }
        for (place, by) in counts.by.iter().enumerate() {
            let Some(key) = by.field() else { continue };
            let is_found = counts.rows.iter().any(|row| !row.key[place].is_null());
            if is_found {
                continue;
            }
            // The filters may have left out whoever has it.
            let anywhere = Query {
                fields: vec![FieldFilter {
                    key: key.to_owned(),
                    test: FieldTest::Present,
                }],
                limit: Some(1),
                ..Query::default()
            };
            if self.query(&anywhere)?.next().transpose()?.is_none() {
                return Ok(Some(by));
            }
        }
        Ok(None)
    }

    /// When the first and the last record that is wanted was made, without a look at those between.
    fn ends(&self, plan: &Plan, search: &Arc<Search>) -> Result<[Option<i64>; 2], StoreError> {
        let end = |order| {
            let mut stream = Stream::new(self.clone(), plan.clone(), Arc::clone(search), order);
            stream.next().map(|key| key.map(|(created, _)| created))
        };
        Ok([end(Order::OldestFirst)?, end(Order::NewestFirst)?])
    }
}

/// How many bytes of text so many groups may have.
fn max_bytes(groups: usize) -> usize {
    groups.saturating_mul(GROUP_BYTES)
}

impl Counting<'_> {
    /// Whether the arrays of blocks suffice: neither texts nor extra fields are asked for.
    fn by_arrays(&self) -> bool {
        self.search.texts.is_empty() && self.fields.is_empty()
    }

    fn put(&self, tally: &mut Tally<'_>, cell: &Cell, records: u64) {
        let (site, level) = &self.sites.keys[cell.site as usize];
        let (origin, _) = &self.origins.keys[cell.origin as usize];
        let (mut site, mut origin, mut fields) = (site.iter(), origin.iter(), cell.fields.iter());
        let by = self.count.by.iter();
        let key = by.map(|by| {
            let value = match by.side() {
                Side::Site => site.next(),
                Side::Origin => origin.next(),
                Side::Extra => fields.next(),
            };
            value.cloned().unwrap_or_default()
        });
        tally.add_group(cell.start_ns, key.collect(), *level, records);
    }
}

impl Counter {
    fn new(count: &Count, max_cells: usize) -> Self {
        Counter {
            lens: Lens::default(),
            histogram: Histogram::default(),
            buckets: count.every.map(Buckets::new),
            cells: Cells::new(),
            span_ns: None,
            hits: Vec::new(),
            max_cells,
            is_full: false,
            bytes: 0,
        }
    }

    /// Whether there are more cells than there may be, or more in them.
    fn is_over(&self) -> bool {
        self.is_full || self.cells.len() > self.max_cells || self.bytes > max_bytes(self.max_cells)
    }

    /// Counts the records of a segment.
    fn add(
        &mut self,
        connection: &Connection,
        counting: &Counting<'_>,
        segment: &Segment,
    ) -> rusqlite::Result<()> {
        self.is_full = self.is_over();
        if self.is_full {
            // There will be no answer, and nobody needs what was counted for it.
            self.cells.clear();
            return Ok(());
        }
        if let Some(extent) = &segment.block
            && counting.by_arrays()
            && self.histogram.add(
                connection,
                counting,
                extent,
                &mut self.lens,
                self.buckets.as_mut(),
                &mut self.cells,
            )?
        {
            return Ok(());
        }
        if let Some((first, last)) = self.span_ns
            && too_many_buckets(counting.count, first, last).is_some()
        {
            // As above.
            self.cells.clear();
            return Ok(());
        }
        let mut hits = std::mem::take(&mut self.hits);
        hits.clear();
        self.lens
            .each(connection, &counting.search, segment, |hit| hits.push(hit))?;
        if counting.fields.is_empty() {
            for hit in &hits {
                self.add_hit(counting, hit, Vec::new());
            }
        } else {
            self.add_fields(connection, counting, &hits)?;
        }
        self.hits = hits;
        Ok(())
    }

    fn add_hit(&mut self, counting: &Counting<'_>, hit: &Hit, fields: Vec<Value>) {
        let created = hit.key.0;
        let (first, last) = self.span_ns.unwrap_or((created, created));
        self.span_ns = Some((first.min(created), last.max(created)));
        let cell = Cell {
            start_ns: self
                .buckets
                .as_mut()
                .map_or(0, |buckets| buckets.start_of(created)),
            site: counting.sites.of(hit.site),
            origin: counting.origins.of(hit.origin),
            fields,
        };
        match self.cells.entry(cell) {
            Entry::Occupied(mut known) => *known.get_mut() += 1,
            Entry::Vacant(new) => {
                self.bytes += new.key().fields.iter().map(bytes_of).sum::<usize>();
                new.insert(1);
            }
        }
    }

    /// Counts records by what their rows say in extra fields.
    fn add_fields(
        &mut self,
        connection: &Connection,
        counting: &Counting<'_>,
        hits: &[Hit],
    ) -> rusqlite::Result<()> {
        let (Some(first), Some(last)) = (hits.first(), hits.last()) else {
            return Ok(());
        };
        let mut statement = connection
            .prepare_cached("SELECT id, extra FROM record WHERE id >= ?1 AND id <= ?2")?;
        let mut rows = statement.query((first.key.1, last.key.1))?;
        let mut hits = hits.iter().peekable();
        while !self.is_over()
            && let Some(row) = rows.next()?
        {
            let id: i64 = row.get(0)?;
            // A record that was deleted in between is not counted.
            while hits.next_if(|hit| hit.key.1 < id).is_some() {}
            let Some(hit) = hits.next_if(|hit| hit.key.1 == id) else {
                continue;
            };
            let extra = text_of(row.get_ref(1)?).map(|json| extra_of_json(&json));
            let value = |key: &&str| {
                let value = extra.as_ref().and_then(|extra| extra_at(extra, key));
                value.cloned().unwrap_or_default()
            };
            let fields = counting.fields.iter().map(value).collect();
            self.add_hit(counting, hit, fields);
        }
        Ok(())
    }
}
