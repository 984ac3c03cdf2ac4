//! Looking into one segment: which of its records a query wants. From the block's arrays where there is a block; from the rows where
//! there is none, or where the texts decide.

use rusqlite::{Connection, Row};

use super::block::{Column, Columns, Extent, Found, Summary, may_hold_words};
use super::filter::{TextFilter, Wanted, wanted_origins, wanted_sites};
use super::plan::Segment;
use super::rows::text_of;
use crate::query::Query;

/// `created` and `id` of a record: its place in time order.
pub(super) type Key = (i64, i64);

/// When fewer than one in so many records of a segment may be wanted, their rows are looked up one by one.
const FEW: usize = 8;

/// Between which ids and times records are wanted, all included but `after_id`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) after_id: i64,
    pub(super) last_id: i64,
    pub(super) since_ns: i64,
    pub(super) until_ns: i64,
}

impl Bounds {
    fn contains(&self, (created, id): Key) -> bool {
        self.after_id < id
            && id <= self.last_id
            && self.since_ns <= created
            && created <= self.until_ns
    }

    /// Whether records between these keys and ids may be within.
    fn overlaps(&self, first: Key, last: Key) -> bool {
        self.after_id < last.1 && self.since_ns <= last.0 && first.0 <= self.until_ns
    }

    /// Whether all records of a block are within.
    fn contains_all(&self, extent: &Extent) -> bool {
        self.contains((extent.min_created, extent.id))
            && self.contains((extent.max_created, extent.last_id))
    }

    pub(super) fn may_hold(&self, segment: &Segment) -> bool {
        self.overlaps(
            (segment.first.0, segment.first_id),
            (segment.last.0, segment.last_id),
        )
    }
}

/// A query made ready to be put to one segment after the other, from any thread.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) bounds: Bounds,
    pub(super) sites: Wanted,
    pub(super) origins: Wanted,
    pub(super) texts: TextFilter,
}

impl Search {
    /// Reads the ids of what the query names as of the connection's snapshot.
    pub(super) fn new(
        connection: &Connection,
        query: &Query,
        last_id: i64,
    ) -> rusqlite::Result<Self> {
        Ok(Search {
            bounds: Bounds {
                after_id: query.after_id.unwrap_or(i64::MIN),
                last_id,
                since_ns: query.since_ns.unwrap_or(i64::MIN),
                until_ns: query.until_ns.unwrap_or(i64::MAX),
            },
            sites: wanted_sites(connection, query)?,
            origins: wanted_origins(connection, query)?,
            texts: TextFilter::new(query),
        })
    }

    /// Whether records of this block may be wanted.
    pub(super) fn may_want(&self, summary: &Summary) -> bool {
        let extent = &summary.extent;
        self.bounds.overlaps(
            (extent.min_created, extent.id),
            (extent.max_created, extent.last_id),
        ) && self.sites.any(&summary.sites)
            && self.origins.any(&summary.origins)
    }
}

/// What a thread that looks into segments works with: memory that is used again for each of them.
#[derive(Debug, Default)]
pub(super) struct Lens {
    pub(super) columns: Columns,
    /// Of the sites and of the origins of the block at hand, whether they are wanted.
    sites: Vec<bool>,
    origins: Vec<bool>,
    /// How many blocks were not as they had been written.
    pub(super) damaged: usize,
}

impl Lens {
    /// The keys of the records that are wanted, in no order. It is one short read.
    pub(super) fn keys(
        &mut self,
        connection: &Connection,
        search: &Search,
        segment: &Segment,
    ) -> rusqlite::Result<Vec<Key>> {
        let read = connection.unchecked_transaction()?;
        let connection = &*read;
        let Some(extent) = &segment.block else {
            return scan_rows(connection, search, segment);
        };
        if !search.texts.required_words().is_empty() {
            match may_hold_words(connection, extent, search.texts.required_words())? {
                Ok(true) => {}
                Ok(false) => return Ok(Vec::new()),
                Err(found) => self.count(found),
            }
        }
        if search.texts.is_empty() {
            return self.from_arrays(connection, search, segment, extent);
        }
        let every_row =
            search.sites.is_all() && search.origins.is_all() && search.bounds.contains_all(extent);
        if !every_row {
            let mut keys = self.from_arrays(connection, search, segment, extent)?;
            // From a block that is none the rows have been read already.
            if keys.len() < extent.records / FEW {
                look_up(connection, search, &mut keys)?;
                return Ok(keys);
            }
        }
        scan_rows(connection, search, segment)
    }

    /// What the arrays tell, whatever the texts hold.
    fn from_arrays(
        &mut self,
        connection: &Connection,
        search: &Search,
        segment: &Segment,
        extent: &Extent,
    ) -> rusqlite::Result<Vec<Key>> {
        let columns = [
            Column::Origin,
            Column::Site,
            Column::Created,
            Column::Record,
        ];
        let found = self.columns.read(connection, extent, &columns)?;
        if found != Found::Sound {
            self.count(found);
            return scan_rows(connection, search, segment);
        }
        let columns = &self.columns;
        wanted_flags(&search.sites, &columns.site_ids, &mut self.sites);
        wanted_flags(&search.origins, &columns.origin_ids, &mut self.origins);
        let (sites, origins) = (&self.sites, &self.origins);
        let all_within = search.bounds.contains_all(extent);
        let records = columns.created.iter().zip(&columns.ids);
        let whose = columns.sites.iter().zip(&columns.origins);
        let mut keys = Vec::new();
        for ((created, id), (site, origin)) in records.zip(whose) {
            // A place that is not in the list would be a fault of the block: the row itself will tell.
            if sites.get(*site as usize).copied().unwrap_or(true)
                && origins.get(*origin as usize).copied().unwrap_or(true)
                && (all_within || search.bounds.contains((*created, *id)))
            {
                keys.push((*created, *id));
            }
        }
        Ok(keys)
    }

    pub(super) fn count(&mut self, found: Found) {
        if found == Found::Damaged {
            self.damaged += 1;
        }
    }
}

/// Of each id whether it is wanted.
fn wanted_flags(wanted: &Wanted, ids: &[i64], flags: &mut Vec<bool>) {
    flags.clear();
    flags.extend(ids.iter().map(|id| wanted.contains(*id)));
}

/// The columns that [`wants`] takes, when texts decide and when they do not.
const TEXT_COLUMNS: &str = "id, created, site, origin, message, exc_text, stack_info, extra";
const COLUMNS: &str = "id, created, site, origin";

fn columns_of(search: &Search) -> &'static str {
    if search.texts.is_empty() {
        COLUMNS
    } else {
        TEXT_COLUMNS
    }
}

/// The keys of the wanted records by reading the rows of the segment.
fn scan_rows(
    connection: &Connection,
    search: &Search,
    segment: &Segment,
) -> rusqlite::Result<Vec<Key>> {
    let columns = columns_of(search);
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {columns} FROM record WHERE id >= ?1 AND id <= ?2"
    ))?;
    let mut rows = statement.query((segment.first_id, segment.last_id))?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        let key = (row.get(1)?, row.get(0)?);
        // Rows that came later under ids that had been free may lie outside of the segment's times.
        if segment.first <= key && key <= segment.last && wants(search, row, key)? {
            keys.push(key);
        }
    }
    Ok(keys)
}

/// Keeps the keys whose rows are wanted.
fn look_up(connection: &Connection, search: &Search, keys: &mut Vec<Key>) -> rusqlite::Result<()> {
    let columns = columns_of(search);
    let mut statement =
        connection.prepare_cached(&format!("SELECT {columns} FROM record WHERE id = ?1"))?;
    let mut failed = Ok(());
    keys.retain(|key| {
        let mut wanted = || {
            let mut rows = statement.query([key.1])?;
            let row = rows.next()?;
            row.map_or(Ok(false), |row| wants(search, row, *key))
        };
        failed.is_ok()
            && wanted().unwrap_or_else(|error| {
                failed = Err(error);
                false
            })
    });
    failed
}

/// Whether a row with the columns of the search is wanted.
fn wants(search: &Search, row: &Row<'_>, key: Key) -> rusqlite::Result<bool> {
    if !search.bounds.contains(key)
        || !search.sites.contains(row.get(2)?)
        || !search.origins.contains(row.get(3)?)
    {
        return Ok(false);
    }
    if search.texts.is_empty() {
        return Ok(true);
    }
    let text = |column| {
        row.get_ref(column)
            .map(|text| text_of(text).unwrap_or_default())
    };
    let texts = [text(4)?, text(5)?, text(6)?];
    let extra = text_of(row.get_ref(7)?);
    Ok(search
        .texts
        .wants(&texts.each_ref().map(|text| &**text), extra.as_deref()))
}
