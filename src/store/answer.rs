//! The answer to a query: records, fetched page by page as they are read.

use std::rc::Rc;

use rusqlite::Connection;
use rusqlite::types::Value;

use super::parallel::Ahead;
use super::reader::Reader;
use super::rows::{COLUMNS, Names};
use super::scan::Key;
use super::stream::Stream;
use crate::error::StoreError;
use crate::query::{Order, Query};
use crate::record::StoredRecord;

/// How many records one step of the answer fetches.
pub(super) const PAGE_RECORDS: usize = 256;

/// A page of records, or why it could not be fetched.
type Page = Result<Vec<StoredRecord>, StoreError>;

/// How many pages each helping thread may be ahead.
const PAGES_AHEAD: usize = 3;

/// The answer to a query: an iterator that fetches as it goes. A record that was deleted in between is left out.
pub struct Records {
    reader: Reader,
    keys: Keys,
    page: std::vec::IntoIter<StoredRecord>,
    names: Names,
    /// Threads that fetch the pages behind the first.
    helpers: Option<Ahead<Vec<Key>, Page>>,
    /// How many pages have been asked for.
    pages: usize,
    last_id: i64,
}

/// Where the keys of the answer come from, in its order.
struct Keys {
    stream: Stream,
    /// How many more of the stream are part of the answer.
    left: usize,
    /// Whether there may be more in the stream than the answer takes.
    limited: bool,
    /// Those that had to be known before the first could be given: the newest few, in the order of the answer.
    kept: std::vec::IntoIter<Key>,
}

impl Keys {
    fn new(mut stream: Stream, query: &Query) -> Result<Self, StoreError> {
        let mut kept = Vec::new();
        let mut left = query.limit.unwrap_or(usize::MAX);
        if query.limit.is_some() && query.order == Order::OldestFirst {
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
            pages: 0,
            last_id,
        })
    }

    /// The highest id that this answer took into account: ask for what comes [after](Query::after_id) it to go on.
    #[must_use]
    pub fn last_id(&self) -> i64 {
        self.last_id
    }

    /// Whether older records match, too, which the query's [`limit`](Query::limit) left out. Ask when the answer has been read: it may
    /// take as long as the search for one more record.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn is_cut(&mut self) -> Result<bool, StoreError> {
        Ok(self.keys.limited && self.keys.stream.next()?.is_some())
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
            if self.pages == 1 {
                // More than one, so perhaps many.
                self.helpers = Ahead::start(PAGES_AHEAD, || {
                    let reader = self.reader.clone();
                    let mut names = Names::default();
                    move |keys: Vec<Key>| fetch(&reader, &keys, &mut names)
                });
            }
            self.pages += 1;
            match self.take_page()? {
                None => return Ok(Vec::new()),
                // Perhaps all of them are gone; then there may still be more.
                Some(page) if page.is_empty() => {}
                Some(page) => return Ok(page),
            }
        }
    }

    fn take_page(&mut self) -> Result<Option<Vec<StoredRecord>>, StoreError> {
        let Some(helpers) = &mut self.helpers else {
            let keys = self.keys.page()?;
            if keys.is_empty() {
                return Ok(None);
            }
            return fetch(&self.reader, &keys, &mut self.names).map(Some);
        };
        while helpers.has_room() {
            let keys = self.keys.page()?;
            if keys.is_empty() {
                break;
            }
            helpers.give(keys);
        }
        helpers.take().transpose()
    }
}

/// The records of these keys, in their order, without those that are gone.
fn fetch(
    reader: &Reader,
    keys: &[Key],
    names: &mut Names,
) -> Result<Vec<StoredRecord>, StoreError> {
    reader.read(|connection| fetch_page(connection, keys, names))
}

pub(super) fn fetch_page(
    connection: &Connection,
    keys: &[Key],
    names: &mut Names,
) -> rusqlite::Result<Vec<StoredRecord>> {
    // One short read for the page. It ends here whatever happens.
    let read = connection.unchecked_transaction()?;
    let ids: Rc<Vec<Value>> = Rc::new(keys.iter().map(|(_, id)| Value::from(*id)).collect());
    // One statement for the page, in its order: the left side of a CROSS JOIN is the outer loop.
    let mut statement = read.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM rarray(?1) AS wanted CROSS JOIN record ON record.id = wanted.value"
    ))?;
    let mut rows = statement.query([ids])?;
    let mut page = Vec::with_capacity(keys.len());
    let mut keys = keys.iter();
    while let Some(row) = rows.next()? {
        let stored = names.record(&read, row)?;
        // Another record may have taken the id of one that was deleted.
        let key = keys.find(|(_, id)| *id == stored.id);
        if key.is_some_and(|(created, _)| *created == stored.record.created_ns) {
            page.push(stored);
        }
    }
    Ok(page)
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
                Some(Err(error))
            }
        }
    }
}
