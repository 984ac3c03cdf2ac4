//! Opening a file: what it is, its settings, and the migrations that bring it up to date.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use rustix::fs::Access;

use super::{Durability, setting};
use crate::error::StoreError;
use crate::paths::{beside, directory_of};

/// One file for each step of the schema, never edited once released. `user_version` says how many a file has seen.
pub(super) const MIGRATIONS: [&str; 6] = [
    include_str!("../../migrations/0001_records.sql"),
    include_str!("../../migrations/0002_blocks.sql"),
    include_str!("../../migrations/0003_settings.sql"),
    include_str!("../../migrations/0004_spill.sql"),
    include_str!("../../migrations/0005_clients.sql"),
    include_str!("../../migrations/0006_sweep.sql"),
];

/// The schema number that this program writes; it reads all up to this one.
#[expect(clippy::cast_possible_wrap, reason = "there are a few migrations")]
pub const SCHEMA_VERSION: i64 = MIGRATIONS.len() as i64;

/// `application_id` of a logstore file: "LOGS" in ASCII.
const APPLICATION_ID: i64 = 0x4c4f_4753;

/// Larger pages make appending cheaper: a page is written once to the WAL and once to the file, however full it is.
const PAGE_BYTES: i64 = 8192;

/// How long `SQLite` itself waits for a lock before an operation gives up and is tried again by whoever knows better.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// The pause before it is tried again, when it did not wait by itself.
pub(super) const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// How long opening a file waits for another process that is just making or migrating it.
pub(super) const OPEN_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that writes. Makes the file when there is none and migrates an older one.
pub(super) fn open_writer(path: &Path, durability: Durability) -> Result<Connection, StoreError> {
    check_path(path)?;
    let directory = directory_of(path);
    if !directory.is_dir() {
        return Err(StoreError::NoDirectory {
            path: path.to_owned(),
            directory: directory.to_owned(),
        });
    }
    let mut connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(|source| unwritable(path, failed_to("open", path, source)))?;
    // Switching to WAL does not wait for the busy timeout in every case.
    let prepared = patiently(OPEN_TIMEOUT, || {
        prepare_writer(&mut connection, path, durability)
    });
    match prepared {
        Err(other) if other.is_for_want_of_rights() => Err(unwritable(path, other)),
        prepared => prepared.map(|()| connection),
    }
}

/// Does it again while another process is in the way, for so long.
pub(super) fn patiently<T>(
    patience: Duration,
    mut act: impl FnMut() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let deadline = Instant::now() + patience;
    loop {
        match act() {
            Err(StoreError::Busy { .. }) if Instant::now() < deadline => {
                std::thread::sleep(BUSY_PAUSE);
            }
            Err(StoreError::Busy { path, .. }) => {
                return Err(StoreError::Busy {
                    path,
                    waited: patience,
                });
            }
            done => return done,
        }
    }
}

fn prepare_writer(
    connection: &mut Connection,
    path: &Path,
    durability: Durability,
) -> Result<(), StoreError> {
    let opening = |source| failed_to("open", path, source);
    connection.busy_timeout(BUSY_TIMEOUT).map_err(opening)?;
    connection.set_prepared_statement_cache_capacity(64);
    if identify(connection, path)? == Identity::Empty {
        // Both can only be set before the first page is written. Retention gives space back to the file system.
        connection
            .pragma_update(None, "page_size", PAGE_BYTES)
            .map_err(opening)?;
        connection
            .pragma_update(None, "auto_vacuum", "INCREMENTAL")
            .map_err(opening)?;
    }
    connection
        .pragma_update(None, "journal_mode", "WAL")
        .map_err(opening)?;
    migrate(connection, path)?;
    // The triggers are for others. They would cost every insert something, and who knows who has put in what triggers.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)
        .map_err(opening)?;
    check_writable(connection, path)?;
    // Without, only streams that are resumed cannot tell it from another.
    let _ = setting::keep_file_number(connection);
    let synchronous = match durability {
        Durability::Normal => "NORMAL",
        Durability::Full => "FULL",
    };
    connection
        .pragma_update(None, "synchronous", synchronous)
        .map_err(opening)?;
    // After a long reader has held back the checkpoints, the WAL shrinks to this again.
    connection
        .pragma_update(None, "journal_size_limit", 64 << 20)
        .map_err(opening)
}

/// Whether a connection that only reads is to a file of ours.
pub(super) fn check_reader(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    if identify(connection, path)? == Identity::Empty {
        return Err(foreign(
            path,
            "it is empty (was it copied from under a server, without its -wal?)",
        ));
    }
    Ok(())
}

/// Whether the file has the tables of the index. One that nobody has written to since they came has none, and can be read all the
/// same.
pub(super) fn has_blocks(connection: &Connection) -> rusqlite::Result<bool> {
    const BLOCKS: i64 = 2;
    Ok(user_version(connection)? >= BLOCKS)
}

/// Whether the file has a table of settings: see [`has_blocks`].
pub(super) fn has_settings(connection: &Connection) -> rusqlite::Result<bool> {
    const SETTINGS: i64 = 3;
    Ok(user_version(connection)? >= SETTINGS)
}

/// Whether the file has tables of clients that number their records: see [`has_blocks`].
pub(super) fn has_clients(connection: &Connection) -> rusqlite::Result<bool> {
    const CLIENTS: i64 = 5;
    Ok(user_version(connection)? >= CLIENTS)
}

/// Whether the file counts what sweeps do to it: see [`has_blocks`].
pub(super) fn has_sweeps(connection: &Connection) -> rusqlite::Result<bool> {
    const SWEEPS: i64 = 6;
    Ok(user_version(connection)? >= SWEEPS)
}

/// Refuses what `SQLite` would open without a word, or with one that does not help.
pub(super) fn check_path(path: &Path) -> Result<(), StoreError> {
    if path == Path::new(":memory:") || path.as_os_str().is_empty() {
        return Err(foreign(path, "it is memory that ends with the program"));
    }
    // SQLite would take it for a URI, whose query may say mode=memory.
    if path.as_os_str().as_encoded_bytes().starts_with(b"file:") {
        return Err(foreign(
            path,
            "it is a URI (write ./ before a name that begins so)",
        ));
    }
    match path.metadata() {
        Ok(found) if found.is_dir() => Err(foreign(path, "it is a directory")),
        Ok(found) if !found.is_file() => Err(foreign(path, "it is no regular file")),
        Err(source) if source.kind() != ErrorKind::NotFound => Err(StoreError::Io {
            doing: "look at",
            path: path.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Identity {
    Empty,
    Logstore,
}

/// What the file is; an error when it is neither empty nor ours, or newer than this program.
fn identify(connection: &Connection, path: &Path) -> Result<Identity, StoreError> {
    let reading = |source: rusqlite::Error| match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => foreign(path, "it is no SQLite database"),
        Some(ErrorCode::DatabaseCorrupt) => foreign(path, "it is damaged, or no SQLite database"),
        _ => failed_to("open", path, source),
    };
    // One snapshot for all that is looked at: another process may be just making the file.
    let snapshot = connection.unchecked_transaction().map_err(reading)?;
    let connection = &*snapshot;
    let application: i64 = connection
        .query_row("PRAGMA application_id", [], |row| row.get(0))
        .map_err(reading)?;
    if application == APPLICATION_ID {
        let found = user_version(connection).map_err(reading)?;
        if found > SCHEMA_VERSION {
            return Err(StoreError::NewerSchema {
                path: path.to_owned(),
                found,
                known: SCHEMA_VERSION,
            });
        }
        return Ok(Identity::Logstore);
    }
    let mut statement = connection
        .prepare("SELECT name, (SELECT group_concat(name) FROM pragma_table_info(schema.name)) FROM sqlite_schema AS schema WHERE type = 'table'")
        .map_err(reading)?;
    let tables: Vec<(String, Option<String>)> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .and_then(Iterator::collect)
        .map_err(reading)?;
    if tables.is_empty() {
        let version = user_version(connection).map_err(reading)?;
        if application != 0 || version != 0 {
            return Err(foreign(
                path,
                "it is a SQLite database marked by another application",
            ));
        }
        return Ok(Identity::Empty);
    }
    let ancestor = tables.iter().any(|(name, columns)| {
        name == "logs"
            && columns.as_deref() == Some("created,name,level,message,hostname,process,thread")
    });
    if ancestor {
        return Err(StoreError::Ancestor {
            path: path.to_owned(),
        });
    }
    let names: Vec<&str> = tables
        .iter()
        .map(|(name, _)| name.as_str())
        .take(5)
        .collect();
    Err(foreign(
        path,
        &format!(
            "it is a SQLite database with other tables ({})",
            names.join(", ")
        ),
    ))
}

/// Applies what the file has not seen yet, each step in a transaction of its own. The version is read under the write lock,
/// so that of several processes that open a new file at once one migrates and the others find it done.
fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let migrating = |source| failed_to("migrate", path, source);
    // Without a look beforehand every process that only opens a current file would take the write lock.
    while user_version(connection).map_err(migrating)? < SCHEMA_VERSION {
        let step = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(migrating)?;
        let version = user_version(&step).map_err(migrating)?;
        let Some(migration) = usize::try_from(version)
            .ok()
            .and_then(|v| MIGRATIONS.get(v))
        else {
            break;
        };
        step.execute_batch(migration).map_err(migrating)?;
        step.pragma_update(None, "application_id", APPLICATION_ID)
            .map_err(migrating)?;
        step.pragma_update(None, "user_version", version + 1)
            .map_err(migrating)?;
        step.commit().map_err(migrating)?;
        // So that the file itself tells what it is. When somebody is in the way, a later checkpoint does it.
        let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    }
    Ok(())
}

/// A server that cannot write must not start. SQLite opens a write-protected file without a word, and finds out that a log beside
/// it belongs to somebody else at the first transaction.
fn check_writable(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    match connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK") {
        Err(source) if source.sqlite_error_code() == Some(ErrorCode::ReadOnly) => {
            Err(failed_to("open", path, source))
        }
        // Anything else passes, or the writer waits for it.
        _ => Ok(()),
    }
}

/// Why a file cannot be opened for writing, as the system tells it: of the file, of those beside it, and of their directory, since
/// `SQLite` keeps that to itself.
fn unwritable(path: &Path, error: StoreError) -> StoreError {
    let denied = |file: PathBuf, source| StoreError::Permission {
        path: path.to_owned(),
        file,
        source,
    };
    for suffix in ["", "-wal", "-shm"] {
        let file = beside(path, suffix);
        // Not by opening it, which would release the locks of our other connections.
        let allowed = rustix::fs::access(&file, Access::WRITE_OK);
        match allowed.map_err(std::io::Error::from) {
            Err(source) if source.kind() != ErrorKind::NotFound => return denied(file, source),
            _ => {}
        }
    }
    let directory = directory_of(path);
    let probe = directory.join(format!(".logstore-probe-{}", std::process::id()));
    if let Err(source) = File::create_new(&probe) {
        return denied(directory.to_owned(), source);
    }
    // It was empty and nobody's.
    let _ = std::fs::remove_file(probe);
    error
}

pub(super) fn user_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn foreign(path: &Path, found: &str) -> StoreError {
    StoreError::Foreign {
        path: path.to_owned(),
        found: found.to_owned(),
    }
}

/// Whether there was no room for what was to be written. The text of this error is the same for a full disk and for a file at `SQLite`'s
/// own limit.
pub(super) fn is_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
}

/// The error of this crate for one of `SQLite`'s.
pub(super) fn failed_to(doing: &'static str, path: &Path, source: rusqlite::Error) -> StoreError {
    match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy {
            path: path.to_owned(),
            waited: BUSY_TIMEOUT,
        },
        Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged {
            doing,
            path: path.to_owned(),
            source,
        },
        _ => StoreError::Sqlite {
            doing,
            path: path.to_owned(),
            source,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs.sqlite");
        (dir, path)
    }

    #[test]
    fn a_new_file_gets_schema_wal_and_page_size() {
        let (_dir, path) = file();
        let connection = open_writer(&path, Durability::Full).unwrap();
        let pragma = |name: &str| -> String {
            connection
                .query_row(
                    &format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"),
                    [],
                    |row| row.get(0),
                )
                .unwrap()
        };
        assert_eq!(pragma("journal_mode"), "wal");
        assert_eq!(pragma("page_size"), "8192");
        assert_eq!(pragma("auto_vacuum"), "2");
        assert_eq!(pragma("synchronous"), "2");
        assert_eq!(user_version(&connection).unwrap(), SCHEMA_VERSION);
    }

    #[test]
    fn many_threads_may_open_a_new_file_at_once() {
        for _ in 0..10 {
            let (_dir, path) = file();
            std::thread::scope(|scope| {
                for _ in 0..4 {
                    scope.spawn(|| open_writer(&path, Durability::Normal).unwrap());
                }
            });
        }
    }

    #[test]
    fn a_newer_schema_is_refused_and_left_alone() {
        let (_dir, path) = file();
        let connection = open_writer(&path, Durability::Normal).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        drop(connection);
        let error = open_writer(&path, Durability::Normal)
            .unwrap_err()
            .to_string();
        assert!(error.ends_with(&format!(
            "it holds schema 99, this logstore knows up to {SCHEMA_VERSION}; use a newer logstore"
        )));
    }

    #[test]
    fn a_foreign_database_is_refused_and_left_alone() {
        let (_dir, path) = file();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("CREATE TABLE recipes (id)").unwrap();
        let error = open_writer(&path, Durability::Normal).unwrap_err();
        assert!(matches!(&error, StoreError::Foreign { found, .. } if found.contains("recipes")));
        let mode: String = other
            .query_row("PRAGMA journal_mode", [], |row| row.get(0))
            .unwrap();
        assert_eq!(mode, "delete");
    }

    #[test]
    fn a_file_that_is_no_database_is_refused_and_left_alone() {
        let (_dir, path) = file();
        let text =
            "2026-11-22 16:20 INFO a line of a text file, long enough to be a header\n".repeat(9);
        std::fs::write(&path, &text).unwrap();
        let error = open_writer(&path, Durability::Normal).unwrap_err();
        assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn the_ancestors_file_is_recognised() {
        let (_dir, path) = file();
        let ancestor = Connection::open(&path).unwrap();
        ancestor
            .execute_batch(
                "CREATE TABLE logs (created TEXT, name TEXT, level TEXT, message TEXT, \
                 hostname TEXT, process TEXT, thread TEXT)",
            )
            .unwrap();
        let error = open_writer(&path, Durability::Normal).unwrap_err();
        assert!(matches!(error, StoreError::Ancestor { .. }));
        assert!(error.to_string().contains("logstore import"));
    }
}
