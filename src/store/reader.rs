//! Reading back: connections for any number of threads, and what can be asked of a store.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use r2d2::{ManageConnection, NopErrorHandler, Pool, PooledConnection};
use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::vtab::array;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use rustix::fs::Access;

use super::answer::Records;
use super::block::BlockCache;
use super::moved::{FileId, file_id};
use super::plan::Plan;
use super::scan::Search;
use super::schema;
use super::stream::Stream;
use crate::cancel::Cancel;
use crate::error::StoreError;
use crate::gaps::ClientGaps;
use crate::paths::beside;
use crate::progress::Progress;
use crate::query::Query;

/// How many connections may read at a time.
const READERS: u8 = 4;

/// How many operations of SQLite's machine pass between two looks at whether a question is still wanted: about those for one row,
/// whose texts may take a while to search.
const LOOK_EVERY_OPS: std::ffi::c_int = 16;

/// Reads a store, from any number of threads, while others write to it.
#[derive(Debug, Clone)]
pub struct Reader {
    pool: Pool<SqliteConnectionManager>,
    pub(super) path: PathBuf,
    pub(super) progress: Progress,
    cancel: Option<Cancel>,
    /// How many groups a thread may count.
    pub(super) max_groups: usize,
    /// Which file it reads, where the system tells.
    file_id: Option<FileId>,
    /// What all questions so far have read of the index.
    pub(super) blocks: Arc<BlockCache>,
}

impl Reader {
    /// How many threads can read with it at a time.
    pub(super) const CONNECTIONS: usize = READERS as usize;

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
        // Not by opening it: to close it would release the locks of every connection that this process has to the file.
        if let Err(source) = rustix::fs::access(path, Access::READ_OK) {
            let source = source.into();
            return Err(StoreError::Io {
                doing: "open",
                path: path.to_owned(),
                source,
            });
        }
        let file_id = file_id(path).ok();
        let mut manager = read_only(SqliteConnectionManager::file(path), OpenFlags::empty());
        if let Err(error) = check(&manager, path) {
            // Whoever may only read cannot make the files that SQLite wants beside a database in WAL mode. One that nobody has open
            // can be read without.
            let Some(uri) = unchanging_uri(path).filter(|_| error.is_for_want_of_rights()) else {
                return Err(error);
            };
            let file = SqliteConnectionManager::file(uri);
            manager = read_only(file, OpenFlags::SQLITE_OPEN_URI);
            // Should that fail, too, the first reason is the one to tell.
            check(&manager, path).map_err(|_| error)?;
        }
        let pool = Pool::builder()
            .max_size(READERS.into())
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
            cancel: None,
            max_groups: usize::MAX,
            file_id,
            blocks: Arc::default(),
        })
    }

    /// Tells how far its searches have come. All searches of this reader and of its clones share it.
    #[must_use]
    pub fn with_progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Its questions, and those of its clones from now on, fail with [`StoreError::Cancelled`] once they are not wanted any more.
    #[must_use]
    pub fn with_cancel(mut self, cancel: Cancel) -> Self {
        self.cancel = Some(cancel);
        self
    }

    /// Refuses to count in so many groups that they would take much memory; of those whose texts have more than 256 bytes on average,
    /// in fewer. Without, there may be any number.
    #[must_use]
    pub fn with_max_groups(mut self, groups: usize) -> Self {
        self.max_groups = groups;
        self
    }

    /// Whether its path still means the file that it reads: somebody may have moved that, or put another in its place.
    #[must_use]
    pub fn is_at_its_path(&self) -> bool {
        match file_id(&self.path) {
            Ok(found) => self.file_id.is_none_or(|known| known == found),
            Err(error) => error.kind() != ErrorKind::NotFound,
        }
    }

    /// The highest id that a record has, or had before it was deleted, since ids are not given again; 0 when there was none.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn last_id(&self) -> Result<i64, StoreError> {
        self.read(super::plan::last_id)
    }

    /// By which this file is told from another at the same path; `None` when no writer has given it a number yet.
    #[cfg(feature = "net")]
    pub(crate) fn file_number(&self) -> Result<Option<u64>, StoreError> {
        self.read(super::setting::file_number)
    }

    /// The records that the query wants: those that were stored when it was asked.
    ///
    /// # Errors
    ///
    /// When the file cannot be read. Each record of the answer may be an error, too.
    pub fn query(&self, query: &Query) -> Result<Records, StoreError> {
        let (search, plan) = self.prepare(query)?;
        let last_id = plan.last_id;
        let order = query.search_order();
        let stream = Stream::new(self.clone(), plan, Arc::new(search), order);
        Records::new(self.clone(), stream, query, last_id)
    }

    /// What a query wants, and where it may be.
    pub(super) fn prepare(&self, query: &Query) -> Result<(Search, Plan), StoreError> {
        self.read(|connection| {
            // One snapshot, so that the dictionaries have all that these records refer to.
            let read = connection.unchecked_transaction()?;
            let search = Search::new(&read, query, super::plan::last_id(&read)?)?;
            let mut plan = Plan::new(&read, &self.blocks, &search)?;
            drop(read);
            plan.look_at_gaps(connection, &search)?;
            Ok((search, plan))
        })
    }

    /// What has come, and what has not, of clients that number their records, in the order of their names.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn gaps(&self) -> Result<Vec<ClientGaps>, StoreError> {
        self.read(|connection| {
            // A file that no newer logstore has written to knows of none.
            if connection.table_exists(None, "client_range")? {
                super::sequence::gaps(connection)
            } else {
                Ok(Vec::new())
            }
        })
    }

    /// Reads with a connection of the pool, which is given back at once.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let Some(cancel) = &self.cancel else {
            let connection = self.connection()?;
            return read(&connection).map_err(|source| self.failed(source));
        };
        if cancel.is_cancelled() {
            return Err(StoreError::Cancelled);
        }
        let connection = self.connection()?;
        let watched = Watched::new(&connection, cancel).and_then(|_watched| read(&connection));
        watched.map_err(|source| self.failed(source))
    }

    pub(super) fn failed(&self, source: rusqlite::Error) -> StoreError {
        let is_interrupted = source.sqlite_error_code() == Some(ErrorCode::OperationInterrupted);
        if is_interrupted && self.cancel.as_ref().is_some_and(Cancel::is_cancelled) {
            return StoreError::Cancelled;
        }
        schema::failed_to("read", &self.path, source)
    }

    pub(super) fn connection(
        &self,
    ) -> Result<PooledConnection<SqliteConnectionManager>, StoreError> {
        self.pool.get().map_err(|source| StoreError::Pool {
            path: self.path.clone(),
            source,
        })
    }
}

/// A connection whose statements end when the question is not wanted any more, for as long as this lives.
struct Watched<'c>(&'c Connection);

impl<'c> Watched<'c> {
    fn new(connection: &'c Connection, cancel: &Cancel) -> rusqlite::Result<Self> {
        let cancel = cancel.clone();
        let is_over = move || cancel.is_cancelled();
        connection.progress_handler(LOOK_EVERY_OPS, Some(is_over))?;
        Ok(Watched(connection))
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        // It goes back to the pool.
        let _ = self.0.progress_handler(0, None::<fn() -> bool>);
    }
}

fn read_only(file: SqliteConnectionManager, flags: OpenFlags) -> SqliteConnectionManager {
    file.with_flags(flags | OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .with_init(|connection| {
            connection.set_prepared_statement_cache_capacity(64);
            array::load_module(connection)?;
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
pub(super) fn unchanging_uri(path: &Path) -> Option<String> {
    if beside(path, "-wal")
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
