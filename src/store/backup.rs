//! Backup: a copy of a file that others write to, as it was at one moment.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use super::reader::{Reader, unchanging_uri};
use super::schema;
use crate::chance::chance;
use crate::error::StoreError;
use crate::paths::{beside, directory_of};
use crate::progress::Progress;

/// How the names of a database's other files go on behind its own; spill files have numbers behind that.
const COMPANIONS: [&[u8]; 5] = [b"-wal", b"-shm", b"-journal", b".reserve", b".spill"];

/// How many pages are copied at a time, between two looks at the progress.
const STEP_PAGES: i32 = 512;

/// How many steps of `SQLite`'s machine lie between two looks at whether to stop.
const LOOK_EVERY_OPS: i32 = 10_000;

/// What becomes of a file that has the copy's name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// It stays, and there is no copy.
    #[default]
    Keep,
    /// The copy takes its place once it is complete.
    Replace,
}

/// What a backup has made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Saved {
    /// How many records are in the copy: counted there, and the same as there were.
    pub records: u64,
    /// The size of the copy.
    pub bytes: u64,
}

impl Reader {
    /// Copies the file as it is now, whatever others write meanwhile, into one file of its own. It comes under another name first, is
    /// checked (`PRAGMA quick_check` and the number of records) and brought to the disk; only then it gets its name.
    ///
    /// # Errors
    ///
    /// When the target is there already, is this file or belongs to an open database, when there is no room, when the copy is not what
    /// it should be, or [`StoreError::BrokenOff`] when it was [told to stop](crate::Progress::stop). What was begun is removed then.
    pub fn backup(&self, to: impl AsRef<Path>, existing: Existing) -> Result<Saved, StoreError> {
        let to = to.as_ref();
        self.back_up(to, existing).map_err(|error| {
            if self.progress.is_stopped() {
                let path = to.to_owned();
                StoreError::BrokenOff { path }
            } else {
                error
            }
        })
    }

    fn back_up(&self, to: &Path, existing: Existing) -> Result<Saved, StoreError> {
        self.check_target(to, existing)?;
        let partial = Partial::make(to)?;
        let connection = self.connection()?;
        // The backup begins again whenever somebody has written between two steps. Inside of a transaction it stays with its snapshot,
        // and ends however much is written.
        let read = connection.unchecked_transaction();
        let read = read.map_err(|source| self.failed(source))?;
        let records = breakable(&read, &self.progress, records);
        let records = records.map_err(|source| self.failed(source))?;
        self.copy(&read, &partial.0)
            .map_err(|source| match source.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => {
                    schema::failed_to("find room on the disk for", to, source)
                }
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => self.failed(source),
                _ => schema::failed_to("copy to", to, source),
            })?;
        drop(read);
        drop(connection);
        let (found, said) = inspect(&partial.0, &self.progress)
            .map_err(|source| schema::failed_to("verify the copy", to, source))?;
        if said != "ok" || found != records {
            return Err(target(
                to,
                format!("the copy is not sound: {found} of {records} records, {said}"),
            ));
        }
        let bytes = partial.finish(to, existing)?;
        Ok(Saved { records, bytes })
    }

    fn check_target(&self, to: &Path, existing: Existing) -> Result<(), StoreError> {
        schema::check_path(to)?;
        if let (Ok(own), Ok(other)) = (self.path.canonicalize(), to.canonicalize())
            && own == other
        {
            return Err(target(to, "it is the database itself"));
        }
        if self.has_beside(to) {
            return Err(target(to, "a file of that name belongs to the database"));
        }
        if existing == Existing::Keep && to.symlink_metadata().is_ok() {
            return Err(target(to, EXISTS));
        }
        // SQLite would apply what is left there to the copy.
        for suffix in ["-wal", "-journal"] {
            let log = beside(to, suffix);
            if log.metadata().is_ok_and(|log| log.len() > 0) {
                let reason = format!(
                    "{} belongs to a database of that name; choose another, or remove it if no program has it open",
                    log.display()
                );
                return Err(target(to, reason));
            }
        }
        Ok(())
    }

    /// Whether the name is one of those that the database's other files have, or may get.
    fn has_beside(&self, to: &Path) -> bool {
        let (Ok(own), Ok(directory)) = (self.path.canonicalize(), directory_of(to).canonicalize())
        else {
            return false;
        };
        let name = |path: &Path| {
            path.file_name()
                .map(|name| name.as_encoded_bytes().to_owned())
        };
        let suffix = name(to).zip(name(&own));
        let suffix = suffix.and_then(|(to, own)| Some(to.strip_prefix(&*own)?.to_owned()));
        directory_of(&own) == directory
            && suffix.is_some_and(|suffix| COMPANIONS.iter().any(|begin| suffix.starts_with(begin)))
    }

    fn copy(&self, source: &Connection, to: &Path) -> rusqlite::Result<()> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut copy = Connection::open_with_flags(to, flags)?;
        // A copy that is broken off is thrown away, and a complete one is brought to the disk at the end.
        copy.pragma_update(None, "journal_mode", "OFF")?;
        copy.pragma_update(None, "synchronous", "OFF")?;
        let backup = Backup::new(source, &mut copy)?;
        loop {
            if self.progress.is_stopped() {
                let interrupted = ffi::Error::new(ffi::SQLITE_INTERRUPT);
                return Err(rusqlite::Error::SqliteFailure(interrupted, None));
            }
            let step = backup.step(STEP_PAGES)?;
            let progress = backup.progress();
            let pages = |number| usize::try_from(number).unwrap_or(0);
            let all = pages(progress.pagecount);
            self.progress
                .of(all.saturating_sub(pages(progress.remaining)), all);
            match step {
                StepResult::Done => return Ok(()),
                StepResult::More => {}
                // Busy or locked: wait for the writer to end its transaction.
                _ => std::thread::sleep(schema::BUSY_PAUSE),
            }
        }
    }
}

const EXISTS: &str = "there is such a file; name another, or --force replaces it";

fn target(path: &Path, reason: impl Into<String>) -> StoreError {
    StoreError::Target {
        path: path.to_owned(),
        reason: reason.into(),
    }
}

/// Asks something that ends with an error when it is told to stop.
fn breakable<T>(
    connection: &Connection,
    progress: &Progress,
    ask: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let looked_at = progress.clone();
    connection.progress_handler(LOOK_EVERY_OPS, Some(move || looked_at.is_stopped()))?;
    let answer = ask(connection);
    connection.progress_handler(0, None::<fn() -> bool>)?;
    answer
}

fn records(connection: &Connection) -> rusqlite::Result<u64> {
    let records: i64 = connection.query_row("SELECT count(*) FROM record", [], |row| row.get(0))?;
    Ok(u64::try_from(records).unwrap_or_default())
}

/// The copy's records, and what `SQLite` says of it. It is opened as a file that nobody changes, so that no other appears beside it.
fn inspect(copy: &Path, progress: &Progress) -> rusqlite::Result<(u64, String)> {
    let uri = unchanging_uri(copy).unwrap_or_default();
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let copy = Connection::open_with_flags(uri, flags)?;
    breakable(&copy, progress, |copy| {
        let said = copy.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        Ok((records(copy)?, said))
    })
}

/// A copy that has not got its name yet. It is removed when it never gets it.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        // It has its name by now, or the first error is the one to tell.
        let _ = fs::remove_file(&self.0);
    }
}

impl Partial {
    /// An empty file beside the target. Nobody else can read it: who can read the source follows from its directory, too.
    fn make(to: &Path) -> Result<Self, StoreError> {
        let Some(name) = to.file_name() else {
            return Err(target(to, "it has no name"));
        };
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        // No process meets what another has left, one of its own id neither.
        hidden.push(format!(".{:016x}.partial", chance()));
        let path = to.with_file_name(hidden);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        match options.open(&path) {
            Ok(_) => Ok(Partial(path)),
            Err(source) => Err(failed("make", &path, source)),
        }
    }

    /// Brings it to the disk and gives it its name; its size in bytes.
    fn finish(self, to: &Path, existing: Existing) -> Result<u64, StoreError> {
        let synced = File::open(&self.0).and_then(|file| {
            file.sync_all()?;
            Ok(file.metadata()?.len())
        });
        let bytes = synced.map_err(|source| failed("bring to the disk", to, source))?;
        match self.rename(to, existing) {
            Err(source) if source.kind() == ErrorKind::AlreadyExists => {
                return Err(target(to, EXISTS));
            }
            renamed => renamed.map_err(|source| failed("make", to, source))?,
        }
        #[cfg(unix)]
        {
            File::open(directory_of(to))
                .and_then(|directory| directory.sync_all())
                .map_err(|source| failed("bring to the disk", to, source))?;
        }
        Ok(bytes)
    }

    fn rename(&self, to: &Path, existing: Existing) -> io::Result<()> {
        if existing == Existing::Keep {
            // Unlike a rename it never takes another's place.
            match fs::hard_link(&self.0, to) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => {}
                linked => return linked,
            }
            // A file system without links.
            if to.symlink_metadata().is_ok() {
                return Err(ErrorKind::AlreadyExists.into());
            }
        }
        fs::rename(&self.0, to)
    }
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> StoreError {
    StoreError::Io {
        doing,
        path: path.to_owned(),
        source,
    }
}
