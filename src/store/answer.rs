//! The answer to a query: records, fetched page by page as they are read.

use std::rc::Rc;

use rusqlite::Connection;
use rusqlite::types::Value;

use super::parallel::Ahead;
use super::reader::Reader;
use super::rows::{COLUMNS, Names, text_bytes};
use super::scan::Key;
use super::stream::Stream;
use crate::error::StoreError;
use crate::query::Query;
use crate::record::StoredRecord;

/// How many records one step of the answer fetches.
pub(super) const PAGE_RECORDS: usize = 256;

/// When a page has so many bytes of text, it takes no more records. Several pages are in memory at a time.
const PAGE_BYTES: usize = 2 << 20;

/// Some of the records that were asked for, and the keys of those behind them.
pub(super) struct Page {
    pub(super) records: Vec<StoredRecord>,
    pub(super) rest: Vec<Key>,
    /// How much text there is in the records.
    pub(super) bytes: usize,
}

/// How many pages each helping thread may be ahead.
const PAGES_AHEAD: usize = 3;

/// The answer to a query: an iterator that fetches as it goes. A record that was deleted in between is left out.
pub struct Records {
    reader: Reader,
    keys: Keys,
    page: std::vec::IntoIter<StoredRecord>,
    names: Names,
    /// Threads that fetch the pages when there are several.
    helpers: Option<Ahead<Vec<Key>, Result<Page, StoreError>>>,
    /// What the last page had no room for.
    rest: Vec<Key>,
    last_id: i64,
    /// Whether there is more, once that has been asked.
    is_cut: Option<bool>,
}

/// Where the keys of the answer come from, in its order.
struct Keys {
    stream: Stream,
    /// How many more of the stream are part of the answer.
    left: usize,
    /// Whether there may be more in the stream than the answer takes.
    limited: bool,
    /// Those that had to be known before the first could be given: those of the limit, in the order of the answer.
    kept: std::vec::IntoIter<Key>,
}

impl Keys {
    fn new(mut stream: Stream, query: &Query) -> Result<Self, StoreError> {
        let mut kept = Vec::new();
        let mut left = query.limit.unwrap_or(usize::MAX);
        if query.search_order() != query.order {
            while left > 0 {
                let Some(key) = stream.next()? else { break };
                kept.push(key);
                left -= 1;
            }
            left = 0;
            kept.reverse();
        }
        Ok(Keys {
            stream,
            left,
            limited: query.limit.is_some(),
            kept: kept.into_iter(),
        })
    }

    fn next(&mut self) -> Result<Option<Key>, StoreError> {
        if let Some(key) = self.kept.next() {
            return Ok(Some(key));
        }
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.stream.next()
    }

    /// The keys of the next page.
    fn page(&mut self) -> Result<Vec<Key>, StoreError> {
        let mut keys = Vec::new();
        while keys.len() < PAGE_RECORDS {
            let Some(key) = self.next()? else { break };
            keys.push(key);
        }
        Ok(keys)
    }
}

impl Records {
    pub(super) fn new(
        reader: Reader,
        stream: Stream,
        query: &Query,
        last_id: i64,
    ) -> Result<Self, StoreError> {
        Ok(Records {
            reader,
            keys: Keys::new(stream, query)?,
            page: Vec::new().into_iter(),
            names: Names::default(),
            helpers: None,
            rest: Vec::new(),
            last_id,
            is_cut: None,
        })
    }

    /// The highest id that this answer took into account: ask for what comes [after](Query::after_id) it to go on.
    #[must_use]
    pub fn last_id(&self) -> i64 {
        self.last_id
    }

    /// Whether other records match, too, which the query's [`limit`](Query::limit) left out. Ask when the answer has been read: it may
    /// take as long as the search for one more record.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn is_cut(&mut self) -> Result<bool, StoreError> {
        if self.keys.limited && self.is_cut.is_none() {
            self.is_cut = Some(self.keys.stream.next()?.is_some());
        }
        Ok(self.is_cut == Some(true))
    }

    /// How many blocks of the index were not as they had been written, so far. The records under them were read instead, and the
    /// next program that writes makes these blocks anew.
    #[must_use]
    pub fn damaged_blocks(&self) -> usize {
        self.keys.stream.damaged()
    }

    /// The next page; empty at the end. A connection is borrowed for it alone: an answer that nobody reads on must not keep one.
    fn fetch(&mut self) -> Result<Vec<StoredRecord>, StoreError> {
        loop {
            match self.take_page()? {
                None => return Ok(Vec::new()),
                // Perhaps all of them are gone; then there may still be more.
                Some(page) if page.is_empty() => {}
                Some(page) => return Ok(page),
            }
        }
    }

    /// Starts the threads, once it is known that there is more than one page.
    fn start_helpers(&mut self) {
        self.helpers = Ahead::start(PAGES_AHEAD, || {
            let reader = self.reader.clone();
            let mut names = Names::default();
            move |keys| fetch(&reader, keys, &mut names)
        });
    }

    fn take_page(&mut self) -> Result<Option<Vec<StoredRecord>>, StoreError> {
        let page = if !self.rest.is_empty() {
            let keys = std::mem::take(&mut self.rest);
            Some(fetch(&self.reader, keys, &mut self.names)?)
        } else if let Some(helpers) = &mut self.helpers {
            while helpers.has_room() {
                let keys = self.keys.page()?;
                if keys.is_empty() {
                    break;
                }
                helpers.give(keys);
            }
            helpers.take().transpose()?
        } else {
            let keys = self.keys.page()?;
            if keys.len() == PAGE_RECORDS {
                self.start_helpers();
            }
            match &mut self.helpers {
                Some(helpers) => {
                    helpers.give(keys);
                    return self.take_page();
                }
                None if keys.is_empty() => None,
                None => Some(fetch(&self.reader, keys, &mut self.names)?),
            }
        };
        Ok(page.map(|page| {
            self.rest = page.rest;
            page.records
        }))
    }
}

impl Reader {
    /// The record that has this id; `None` when it is not there, or not any more.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn record(&self, id: i64) -> Result<Option<StoredRecord>, StoreError> {
        self.read(|connection| {
            let read = connection.unchecked_transaction()?;
            let mut statement = read.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM record WHERE record.id = ?1"
            ))?;
            let mut rows = statement.query([id])?;
            let row = rows.next()?;
            row.map(|row| Names::default().record(&read, row))
                .transpose()
        })
    }
}

/// The records of the first of these keys, in their order, without those that are gone: as many as a page takes.
pub(super) fn fetch(
    reader: &Reader,
    keys: Vec<Key>,
    names: &mut Names,
) -> Result<Page, StoreError> {
    fetch_some(reader, keys, names, PAGE_BYTES)
}

/// Of those the first, which have so many bytes of text.
pub(super) fn fetch_some(
    reader: &Reader,
    keys: Vec<Key>,
    names: &mut Names,
    max_bytes: usize,
) -> Result<Page, StoreError> {
    reader.read(|connection| fetch_page(connection, keys, names, max_bytes))
}

fn fetch_page(
    connection: &Connection,
    mut keys: Vec<Key>,
    names: &mut Names,
    max_bytes: usize,
) -> rusqlite::Result<Page> {
    // One short read for the page. It ends here whatever happens.
    let read = connection.unchecked_transaction()?;
    let ids: Rc<Vec<Value>> = Rc::new(keys.iter().map(|(_, id)| Value::from(*id)).collect());
    // One statement for the page, in its order: the left side of a CROSS JOIN is the outer loop.
    let mut statement = read.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM rarray(?1) AS wanted CROSS JOIN record ON record.id = wanted.value"
    ))?;
    let mut rows = statement.query([ids])?;
    let mut records = Vec::with_capacity(keys.len());
    let (mut used, mut bytes) = (0, 0);
    while let Some(row) = rows.next()?
        && bytes < max_bytes
    {
        let stored = names.record(&read, row)?;
        bytes += text_bytes(&stored.record, row);
        let left = &keys[used..];
        let place = left.iter().position(|(_, id)| *id == stored.id);
        let Some(place) = place else { continue };
        used += place + 1;
        // Another record may have taken the id of one that was deleted.
        if left[place].0 == stored.record.created_ns {
            records.push(stored);
        }
    }
    let whole = bytes < max_bytes;
    let rest = keys.split_off(if whole { keys.len() } else { used });
    Ok(Page {
        records,
        rest,
        bytes,
    })
}

impl Iterator for Records {
    type Item = Result<StoredRecord, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(record) = self.page.next() {
            return Some(Ok(record));
        }
        match self.fetch() {
            Ok(page) => {
                self.page = page.into_iter();
                self.page.next().map(Ok)
            }
            Err(error) => {
                // What comes after an error would have a hole.
                self.keys.left = 0;
                self.keys.kept = Vec::new().into_iter();
                self.helpers = None;
                self.rest.clear();
                Some(Err(error))
            }
        }
    }
}
