//! Looking into one segment: which of its records a query wants. From the block's arrays where there is a block; from the rows where
//! there is none, or where the texts decide.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::block::{Column, Columns, Extent, Found, ListBuffer, Summary, may_hold_words};
use super::filter::{TextFilter, Wanted, wanted_origins, wanted_sites};
use super::plan::Segment;
use super::rows::{integer, text_of};
use crate::query::{Query, RecordKey};

/// `created` and `id` of a record: its place in time order.
pub(super) type Key = (i64, i64);

fn key_of(RecordKey { created_ns, id }: RecordKey) -> Key {
    (created_ns, id)
}

/// A record that is wanted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) key: Key,
    pub(super) site: i64,
    pub(super) origin: i64,
}

/// When fewer than one in so many records of a segment may be wanted, their rows are looked up one by one.
const FEW: usize = 8;

/// Between which ids and keys records are wanted, all included but `after_id`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub(super) after_id: i64,
    pub(super) last_id: i64,
    first: Key,
    last: Key,
}

impl Bounds {
    fn new(query: &Query, last_id: i64) -> Self {
        let mut bounds = Bounds {
            after_id: i64::MIN,
            last_id,
            first: (i64::MIN, i64::MIN),
            last: (i64::MAX, i64::MAX),
        };
        for part in query.parts() {
            let first = part.after.map_or(Some(RecordKey::MIN), RecordKey::next);
            let last = part
                .before
                .map_or(Some(RecordKey::MAX), RecordKey::previous);
            // Nothing is behind the last key of all, or before the first.
            let (first, last) = first.zip(last).unwrap_or((RecordKey::MAX, RecordKey::MIN));
            let since = (part.since_ns.unwrap_or(i64::MIN), i64::MIN);
            let until = (part.until_ns.unwrap_or(i64::MAX), i64::MAX);
            bounds.first = bounds.first.max(since).max(key_of(first));
            bounds.last = bounds.last.min(until).min(key_of(last));
            bounds.after_id = bounds.after_id.max(part.after_id.unwrap_or(i64::MIN));
        }
        bounds
    }

    pub(super) fn contains(&self, key: Key) -> bool {
        self.after_id < key.1 && key.1 <= self.last_id && self.first <= key && key <= self.last
    }

    /// Whether records between these keys and ids may be within.
    fn overlaps(&self, first: Key, last: Key) -> bool {
        self.after_id < last.1
            && first.1 <= self.last_id
            && self.first <= last
            && first <= self.last
    }

    /// Whether all records of a block are within.
    pub(super) fn contains_all(&self, extent: &Extent) -> bool {
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
            bounds: Bounds::new(query, last_id),
            sites: wanted_sites(connection, query)?,
            origins: wanted_origins(connection, query)?,
            texts: TextFilter::new(query),
        })
    }

    /// Whether records of this block may be wanted.
    pub(super) fn may_want(&self, summary: &Summary<'_>, buffer: &mut ListBuffer) -> bool {
        let extent = &summary.extent;
        self.bounds.overlaps(
            (extent.min_created, extent.id),
            (extent.max_created, extent.last_id),
        ) && self.sites.any(summary.sites, buffer)
            && self.origins.any(summary.origins, buffer)
    }
}

/// What a thread that looks into segments works with: memory that is used again for each of them.
#[derive(Debug, Default)]
pub(super) struct Lens {
    /// The text filter of the one search that it is used for.
    texts: Option<TextFilter>,
    pub(super) columns: Columns,
    /// The sites and the origins of the block at hand that are wanted, at their places in its lists.
    sites: Vec<Option<i64>>,
    origins: Vec<Option<i64>>,
    /// How many blocks were not as they had been written.
    pub(super) damaged: usize,
}

impl Lens {
    /// Calls `found` with the records that are wanted, in the order of their ids. It is one short read.
    pub(super) fn each(
        &mut self,
        connection: &Connection,
        search: &Search,
        segment: &Segment,
        found: impl FnMut(Hit),
    ) -> rusqlite::Result<()> {
        let read = connection.unchecked_transaction()?;
        let connection = &*read;
        let own = self.texts.take();
        let texts = own.unwrap_or_else(|| search.texts.clone());
        let done = self.each_with(connection, search, &texts, segment, found);
        self.texts = Some(texts);
        done
    }

    fn each_with(
        &mut self,
        connection: &Connection,
        search: &Search,
        texts: &TextFilter,
        segment: &Segment,
        found: impl FnMut(Hit),
    ) -> rusqlite::Result<()> {
        let Some(extent) = &segment.block else {
            return scan_rows(connection, search, texts, segment, found);
        };
        if !texts.required_words().is_empty() {
            match may_hold_words(connection, extent, texts.required_words())? {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(reason) => {
                    self.count(reason);
                    return scan_rows(connection, search, texts, segment, found);
                }
            }
        }
        let by_rows = !texts.is_empty()
            && search.sites.is_all()
            && search.origins.is_all()
            && search.bounds.contains_all(extent);
        if by_rows || !self.read(connection, extent, &ALL_COLUMNS)? {
            return scan_rows(connection, search, texts, segment, found);
        }
        if texts.is_empty() {
            self.hits(search, extent, found);
            return Ok(());
        }
        let mut hits = Vec::new();
        self.hits(search, extent, |hit| hits.push(hit));
        if hits.len() < extent.records / FEW {
            return look_up(connection, search, texts, &hits, found);
        }
        scan_rows(connection, search, texts, segment, found)
    }

    /// Reads columns of a block; whether it is to be believed.
    pub(super) fn read(
        &mut self,
        connection: &Connection,
        extent: &Extent,
        columns: &[Column],
    ) -> rusqlite::Result<bool> {
        let found = self.columns.read(connection, extent, columns)?;
        self.count(found);
        Ok(found == Found::Sound)
    }

    /// What the arrays tell, whatever the texts hold.
    fn hits(&mut self, search: &Search, extent: &Extent, mut found: impl FnMut(Hit)) {
        let columns = &self.columns;
        wanted_ids(&search.sites, &columns.site_ids, &mut self.sites);
        wanted_ids(&search.origins, &columns.origin_ids, &mut self.origins);
        let all_within = search.bounds.contains_all(extent);
        let keys = columns.created.iter().zip(&columns.ids);
        let whose = columns.sites.iter().zip(&columns.origins);
        for ((created, id), (site, origin)) in keys.zip(whose) {
            let (Some(Some(site)), Some(Some(origin))) = (
                self.sites.get(*site as usize),
                self.origins.get(*origin as usize),
            ) else {
                continue;
            };
            let key = (*created, *id);
            if all_within || search.bounds.contains(key) {
                found(Hit {
                    key,
                    site: *site,
                    origin: *origin,
                });
            }
        }
    }

    fn count(&mut self, found: Found) {
        if found == Found::Damaged {
            self.damaged += 1;
        }
    }
}

const ALL_COLUMNS: [Column; 4] = [
    Column::Origin,
    Column::Site,
    Column::Created,
    Column::Record,
];

/// Of each id the id itself if it is wanted.
fn wanted_ids(wanted: &Wanted, ids: &[i64], found: &mut Vec<Option<i64>>) {
    found.clear();
    found.extend(ids.iter().map(|id| wanted.contains(*id).then_some(*id)));
}

/// The columns that [`wants`] takes, when texts decide and when they do not.
const TEXT_COLUMNS: &str =
    "id, created, site, origin, message, exc_text, stack_info, task_name, extra";
const COLUMNS: &str = "id, created, site, origin";

fn columns_of(search: &Search) -> &'static str {
    if search.texts.is_empty() {
        COLUMNS
    } else {
        TEXT_COLUMNS
    }
}

/// Finds the wanted records by reading the rows of the segment.
fn scan_rows(
    connection: &Connection,
    search: &Search,
    texts: &TextFilter,
    segment: &Segment,
    mut found: impl FnMut(Hit),
) -> rusqlite::Result<()> {
    let columns = columns_of(search);
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {columns} FROM record WHERE id >= ?1 AND id <= ?2"
    ))?;
    let mut rows = statement.query((segment.first_id, segment.last_id))?;
    while let Some(row) = rows.next()? {
        if !may_want(texts, row) {
            continue;
        }
        let hit = hit_of(row)?;
        // Rows that came later under ids that had been free may lie outside of the segment's times.
        if segment.first <= hit.key && hit.key <= segment.last && wants(search, texts, row, &hit)? {
            found(hit);
        }
    }
    Ok(())
}

/// Finds the records among these whose rows are wanted.
fn look_up(
    connection: &Connection,
    search: &Search,
    texts: &TextFilter,
    hits: &[Hit],
    mut found: impl FnMut(Hit),
) -> rusqlite::Result<()> {
    let columns = columns_of(search);
    let mut statement =
        connection.prepare_cached(&format!("SELECT {columns} FROM record WHERE id = ?1"))?;
    for hit in hits {
        let mut rows = statement.query([hit.key.1])?;
        if let Some(row) = rows.next()?
            && may_want(texts, row)
            && wants(search, texts, row, hit)?
        {
            found(*hit);
        }
    }
    Ok(())
}

/// Whether the search wants the record under this id, whose row is read for it.
pub(super) fn is_wanted(
    connection: &Connection,
    search: &Search,
    id: i64,
) -> rusqlite::Result<bool> {
    let columns = columns_of(search);
    let mut statement =
        connection.prepare_cached(&format!("SELECT {columns} FROM record WHERE id = ?1"))?;
    let mut rows = statement.query([id])?;
    match rows.next()? {
        Some(row) => wants(search, &search.texts, row, &hit_of(row)?),
        None => Ok(false),
    }
}

fn hit_of(row: &Row<'_>) -> rusqlite::Result<Hit> {
    Ok(Hit {
        key: (integer(row, 1)?, row.get(0)?),
        site: integer(row, 2)?,
        origin: integer(row, 3)?,
    })
}

/// Whether a row with the columns of the search is wanted.
fn wants(search: &Search, texts: &TextFilter, row: &Row<'_>, hit: &Hit) -> rusqlite::Result<bool> {
    if !search.bounds.contains(hit.key)
        || !search.sites.contains(hit.site)
        || !search.origins.contains(hit.origin)
    {
        return Ok(false);
    }
    if texts.is_empty() {
        return Ok(true);
    }
    let text = |column| row.get_ref(column).map(text_of);
    let [message, exc_text, stack_info, task] = [text(4)?, text(5)?, text(6)?, text(7)?];
    // What is not there is no empty text.
    let said = [
        message.as_deref(),
        exc_text.as_deref(),
        stack_info.as_deref(),
        task.as_deref(),
    ];
    Ok(texts.wants(&said, text(8)?.as_deref()))
}

/// Whether a row with the columns of the search may be wanted, by a quick look at its texts.
fn may_want(texts: &TextFilter, row: &Row<'_>) -> bool {
    texts.may_want(|i| match row.get_ref(4 + i) {
        Ok(ValueRef::Text(text)) => Some(text),
        _ => None,
    })
}
