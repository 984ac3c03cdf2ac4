//! Reading back: the records that a query wants, in time order, page by page.
//!
//! First the keys (`created`, `id`) of the matching rows are gathered and sorted, or only the newest `limit` of them kept. Then
//! the rows are fetched in that order. Each step is a short read of its own, so that no reader holds back a checkpoint.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use r2d2::{ManageConnection, NopErrorHandler, Pool, PooledConnection};
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, ToSql};

use super::filter::{TextFilter, Wanted, wanted_origins, wanted_sites};
use super::rows::{COLUMNS, Names, text_of};
use super::schema;
use crate::error::StoreError;
use crate::progress::Progress;
use crate::query::{Order, Query};
use crate::record::StoredRecord;

/// How many ids one step of the search for keys passes over.
const STEP_IDS: i64 = 1 << 16;

/// How many records one step of the answer fetches.
const PAGE_RECORDS: usize = 256;

/// How many connections may read at a time.
const READERS: u32 = 4;

/// Reads a store, from any number of threads, while others write to it.
#[derive(Debug, Clone)]
pub struct Reader {
    pool: Pool<SqliteConnectionManager>,
    path: PathBuf,
    progress: Progress,
}

impl Reader {
    /// Opens a store for reading.
    ///
    /// # Errors
    ///
    /// When there is no such file, it is no logstore database, or it has another schema than this program reads.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref();
        schema::check_path(path)?;
        if !path.exists() {
            return Err(StoreError::Missing {
                path: path.to_owned(),
            });
        }
        let mut manager = read_only(SqliteConnectionManager::file(path), OpenFlags::empty());
        if let Err(error) = check(&manager, path) {
            // Whoever may only read cannot make the files that SQLite wants beside a database in WAL mode. One that nobody has open
            // can be read without.
            let Some(uri) = unchanging_uri(path).filter(|_| error.is_for_want_of_rights()) else {
                return Err(error);
            };
            let file = SqliteConnectionManager::file(uri);
            manager = read_only(file, OpenFlags::SQLITE_OPEN_URI);
            check(&manager, path)?;
        }
        let pool = Pool::builder()
            .max_size(READERS)
            .min_idle(Some(0))
            .max_lifetime(None)
            .idle_timeout(None)
            .test_on_check_out(false)
            // The pool's own handler logs with the `log` crate, which may lead back into this store.
            .error_handler(Box::new(NopErrorHandler))
            .build_unchecked(manager);
        Ok(Reader {
            pool,
            path: path.to_owned(),
            progress: Progress::new(),
        })
    }

    /// The same reader, which tells here how far its searches have come.
    #[must_use]
    pub fn with_progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    /// The highest id in the store; 0 when it is empty.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn last_id(&self) -> Result<i64, StoreError> {
        last_id(&*self.connection()?).map_err(|source| self.failed(source))
    }

    /// The records that the query wants: those that were stored when it was asked.
    ///
    /// # Errors
    ///
    /// When the file cannot be read. Each record of the answer may be an error, too.
    pub fn query(&self, query: &Query) -> Result<Records, StoreError> {
        let connection = self.connection()?;
        let last_id = last_id(&connection).map_err(|source| self.failed(source))?;
        // After the last id, so that the dictionaries have all that these records refer to.
        let keys = Search::new(&connection, query)
            .and_then(|search| search.keys(&connection, query, last_id, &self.progress))
            .map_err(|source| self.failed(source))?;
        Ok(Records {
            reader: self.clone(),
            is_cut: keys.is_cut(),
            keys: keys.into_order(query.order).into_iter(),
            page: Vec::new().into_iter(),
            names: Names::default(),
            last_id,
        })
    }

    pub(super) fn connection(
        &self,
    ) -> Result<PooledConnection<SqliteConnectionManager>, StoreError> {
        self.pool.get().map_err(|source| StoreError::Pool {
            path: self.path.clone(),
            source,
        })
    }

    pub(super) fn failed(&self, source: rusqlite::Error) -> StoreError {
        schema::failed_to("read", &self.path, source)
    }
}

fn read_only(file: SqliteConnectionManager, flags: OpenFlags) -> SqliteConnectionManager {
    file.with_flags(flags | OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .with_init(|connection| {
            connection.set_prepared_statement_cache_capacity(64);
            connection.busy_timeout(schema::BUSY_TIMEOUT)
        })
}

fn check(manager: &SqliteConnectionManager, path: &Path) -> Result<(), StoreError> {
    let connection = manager
        .connect()
        .map_err(|source| schema::failed_to("open", path, source))?;
    schema::check_reader(&connection, path)
}

/// The file as one that nobody changes while it is read; `None` when its WAL says otherwise.
fn unchanging_uri(path: &Path) -> Option<String> {
    if schema::beside(path, "-wal")
        .metadata()
        .is_ok_and(|wal| wal.len() > 0)
    {
        return None;
    }
    let mut uri = String::from("file:");
    for byte in path.canonicalize().ok()?.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' => uri.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            byte => {
                let _ = write!(uri, "%{byte:02X}");
            }
        }
    }
    uri.push_str("?immutable=1");
    Some(uri)
}

fn last_id(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT max(id) FROM record")?
        .query_row([], |row| row.get::<_, Option<i64>>(0))
        .map(Option::unwrap_or_default)
}

/// `created` and `id` of a record: its place in time order.
type Key = (i64, i64);

/// A query made ready for a pass over the rows.
struct Search {
    sites: Wanted,
    origins: Wanted,
    texts: TextFilter,
}

impl Search {
    fn new(connection: &Connection, query: &Query) -> rusqlite::Result<Self> {
        Ok(Search {
            sites: wanted_sites(connection, query)?,
            origins: wanted_origins(connection, query)?,
            texts: TextFilter::new(query),
        })
    }

    /// The keys of the matching records up to `last_id`.
    fn keys(
        &self,
        connection: &Connection,
        query: &Query,
        last_id: i64,
        progress: &Progress,
    ) -> rusqlite::Result<Newest> {
        let mut keys = Newest::new(query.limit);
        let texts = if self.texts.is_empty() {
            ""
        } else {
            ", message, exc_text, stack_info, extra"
        };
        let since = query.since_ns.map_or("", |_| " AND created >= ?3");
        let until = query.until_ns.map_or("", |_| " AND created <= ?4");
        let mut statement = connection.prepare(&format!(
            "SELECT id, created, site, origin{texts} FROM record WHERE id > ?1 AND id <= ?2{since}{until}"
        ))?;
        let first: Option<i64> =
            connection.query_row("SELECT min(id) FROM record", [], |row| row.get(0))?;
        let Some(first) = first else {
            return Ok(keys);
        };
        let mut from = query
            .after_id
            .unwrap_or(i64::MIN)
            .max(first.saturating_sub(1));
        let mut next = connection.prepare("SELECT min(id) FROM record WHERE id > ?1")?;
        let start = from;
        while from < last_id {
            let to = from.saturating_add(STEP_IDS).min(last_id);
            let all: [&dyn ToSql; 4] = [&from, &to, &query.since_ns, &query.until_ns];
            for (i, value) in all.iter().enumerate().take(statement.parameter_count()) {
                statement.raw_bind_parameter(i + 1, value)?;
            }
            let mut rows = statement.raw_query();
            let mut seen = 0;
            while let Some(row) = rows.next()? {
                seen += 1;
                if self.wants(row)? {
                    keys.push((row.get(1)?, row.get(0)?));
                }
            }
            from = to;
            if seen == 0 {
                // Perhaps a gap, which may be as wide as numbers go: on to what comes next.
                let next: Option<i64> = next.query_row([from], |row| row.get(0))?;
                from = next.map_or(last_id, |next| next - 1);
            }
            progress.set(from.abs_diff(start), last_id.abs_diff(start));
        }
        Ok(keys)
    }

    fn wants(&self, row: &Row<'_>) -> rusqlite::Result<bool> {
        if !self.sites.contains(row.get(2)?) || !self.origins.contains(row.get(3)?) {
            return Ok(false);
        }
        if self.texts.is_empty() {
            return Ok(true);
        }
        let text = |column| {
            row.get_ref(column)
                .map(|text| text_of(text).unwrap_or_default())
        };
        let texts = [text(4)?, text(5)?, text(6)?];
        let extra = text_of(row.get_ref(7)?);
        Ok(self
            .texts
            .wants(&texts.each_ref().map(|text| &**text), extra.as_deref()))
    }
}

/// All keys, or the newest few.
enum Newest {
    All(Vec<Key>),
    Few {
        limit: usize,
        heap: BinaryHeap<Reverse<Key>>,
        is_cut: bool,
    },
}

impl Newest {
    fn new(limit: Option<usize>) -> Self {
        match limit {
            None => Newest::All(Vec::new()),
            Some(limit) => Newest::Few {
                limit,
                heap: BinaryHeap::new(),
                is_cut: false,
            },
        }
    }

    fn push(&mut self, key: Key) {
        match self {
            Newest::All(keys) => keys.push(key),
            Newest::Few {
                limit,
                heap,
                is_cut,
            } => {
                if heap.len() < *limit {
                    heap.push(Reverse(key));
                    return;
                }
                *is_cut = true;
                if let Some(mut oldest) = heap.peek_mut()
                    && oldest.0 < key
                {
                    *oldest = Reverse(key);
                }
            }
        }
    }

    /// Whether there were more than the limit.
    fn is_cut(&self) -> bool {
        matches!(self, Newest::Few { is_cut: true, .. })
    }

    fn into_order(self, order: Order) -> Vec<Key> {
        let mut keys = match self {
            Newest::All(keys) => keys,
            Newest::Few { heap, .. } => heap.into_iter().map(|Reverse(key)| key).collect(),
        };
        match order {
            Order::OldestFirst => keys.sort_unstable(),
            Order::NewestFirst => keys.sort_unstable_by_key(|key| Reverse(*key)),
        }
        keys
    }
}

/// The answer to a query: an iterator that fetches as it goes. A record that was deleted in between is left out.
pub struct Records {
    reader: Reader,
    keys: std::vec::IntoIter<Key>,
    page: std::vec::IntoIter<StoredRecord>,
    names: Names,
    last_id: i64,
    is_cut: bool,
}

impl Records {
    /// Whether older records match, too, which the query's [`limit`](Query::limit) left out.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The highest id that this answer took into account: ask for what comes [after](Query::after_id) it to go on.
    #[must_use]
    pub fn last_id(&self) -> i64 {
        self.last_id
    }

    /// The next page. A connection is borrowed for it alone: an answer that nobody reads on must not keep one.
    fn fetch(&mut self) -> Result<Vec<StoredRecord>, StoreError> {
        let connection = self.reader.connection()?;
        let keys = self.keys.by_ref().take(PAGE_RECORDS);
        fetch(&connection, keys, &mut self.names).map_err(|source| self.reader.failed(source))
    }
}

fn fetch(
    connection: &Connection,
    keys: impl Iterator<Item = Key>,
    names: &mut Names,
) -> rusqlite::Result<Vec<StoredRecord>> {
    // One short read for the page. It ends here whatever happens.
    let read = connection.unchecked_transaction()?;
    let mut statement =
        read.prepare_cached(&format!("SELECT {COLUMNS} FROM record WHERE id = ?1"))?;
    let mut page = Vec::with_capacity(PAGE_RECORDS);
    for (_, id) in keys {
        page.extend(
            statement
                .query_row([id], |row| names.record(&read, row))
                .optional()?,
        );
    }
    Ok(page)
}

impl Iterator for Records {
    type Item = Result<StoredRecord, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.page.next() {
                return Some(Ok(record));
            }
            if self.keys.as_slice().is_empty() {
                return None;
            }
            match self.fetch() {
                Ok(page) => self.page = page.into_iter(),
                Err(error) => {
                    self.keys = Vec::new().into_iter();
                    return Some(Err(error));
                }
            }
        }
    }
}
