//! Where the store of an export is made: beside the database, in a directory of its own, as far as there is room on that disk.
//!
//! Not among the system's temporary files: those may be memory, or on a disk of which nobody knows how much others need.

use std::ffi::OsString;
use std::fs::{self, DirEntry, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use hyper::StatusCode;
use tempfile::TempDir;

use super::super::problem::Problem;
use crate::error::StoreError;
use crate::paths::{directory_of, free_bytes, is_trusted, real};
use crate::store::RoomSettings;

/// How the names of the directories go on behind that of the database, which has a dot before it.
const SUFFIX: &str = ".export-";

/// The name of the file in its directory.
const NAME: &str = "export.sqlite";

/// How much of what is kept free records may take before an export that is being sent is given up for them.
const SLACK_BYTES: u64 = 64 << 20;

/// See the module's documentation.
#[derive(Debug, Clone)]
pub(in crate::net::http::api) struct Place {
    database: PathBuf,
    /// How much of the disk stays free.
    keep_bytes: u64,
}

/// A directory that only this user may look into, and that goes with this value. A lock on it keeps others from sweeping it.
pub(super) struct OwnDirectory {
    dir: TempDir,
    _lock: File,
}

impl OwnDirectory {
    /// The path of the one file that is made in it.
    pub(super) fn file(&self) -> PathBuf {
        self.dir.path().join(NAME)
    }
}

impl Place {
    /// Beside a database whose disk is kept from running full.
    pub(in crate::net::http::api) fn new(database: &Path, room: RoomSettings) -> Self {
        Place {
            database: database.to_owned(),
            keep_bytes: room.kept_from_others(),
        }
    }

    /// Makes a directory.
    pub(super) fn make(&self) -> Result<OwnDirectory, Problem> {
        let (directory, prefix) = self.names();
        let made = || {
            let dir = tempfile::Builder::new()
                .prefix(&prefix)
                .permissions(Permissions::from_mode(0o700))
                .tempdir_in(directory)?;
            let lock = File::open(dir.path())?;
            // A file system without locks: it is not swept there either.
            let _ = lock.try_lock();
            Ok(OwnDirectory { dir, _lock: lock })
        };
        made().map_err(|error| unmade(&error))
    }

    /// Fails when so many bytes of records are more than there is room for.
    pub(super) fn check_room(&self, bytes: usize) -> Result<(), Problem> {
        // They are written to the log first, and then to the file.
        let needed = (bytes as u64).saturating_mul(2);
        self.check_free(self.keep_bytes.saturating_add(needed))
    }

    /// Fails when records that have come since need the room of what is made and not sent.
    pub(super) fn check_rest(&self) -> Result<(), Problem> {
        self.check_free(self.keep_bytes.saturating_sub(SLACK_BYTES))
    }

    fn check_free(&self, needed: u64) -> Result<(), Problem> {
        let free = free_bytes(&self.names().0).unwrap_or(u64::MAX);
        if free >= needed {
            return Ok(());
        }
        Err(no_room(&format!(
            "has {} MiB free, of which {} MiB are kept for records that come (--min-free)",
            free >> 20,
            self.keep_bytes >> 20
        )))
    }

    /// Removes the directories that others have left, killed or ended in the middle of an export. What cannot be removed stays.
    pub(in crate::net::http::api) fn sweep(&self) {
        let (directory, prefix) = self.names();
        let is_left = |entry: &DirEntry| {
            let name = entry.file_name();
            let bytes = name.as_encoded_bytes();
            bytes.starts_with(prefix.as_encoded_bytes()) && is_abandoned(&entry.path())
        };
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        for left in entries.filter(is_left) {
            let _ = fs::remove_dir_all(left.path());
        }
    }

    /// The directory, and how the names of those in it begin.
    fn names(&self) -> (PathBuf, OsString) {
        let database = real(&self.database);
        let mut prefix = OsString::from(".");
        prefix.push(database.file_name().unwrap_or_default());
        prefix.push(SUFFIX);
        (directory_of(&database).to_owned(), prefix)
    }
}

/// Whether this is a directory of ours that nobody uses.
fn is_abandoned(path: &Path) -> bool {
    let found = path.symlink_metadata();
    let is_ours = found.is_ok_and(|found| found.is_dir() && is_trusted(found.uid()));
    is_ours && File::open(path).is_ok_and(|dir| dir.try_lock().is_ok())
}

fn no_room(what: &str) -> Problem {
    let detail = format!(
        "this export is made beside the database first, on a disk that {what}; ask for less of it, or for jsonl or csv, which need no room"
    );
    Problem::new(StatusCode::INSUFFICIENT_STORAGE, detail)
}

/// The store cannot be written to.
pub(super) fn failed(error: &StoreError) -> Problem {
    if error.is_for_want_of_room() {
        return no_room("is full");
    }
    let detail = "the store of this export, which is made beside the database, cannot be written; ask for jsonl or csv";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
}

/// The file, or its directory, cannot be made or read. Only the kind is told: the error names paths.
pub(super) fn unmade(error: &io::Error) -> Problem {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    let kind = error.kind();
    if matches!(kind, StorageFull | QuotaExceeded) {
        return no_room("is full");
    }
    let detail = format!(
        "the store of this export cannot be made beside the database ({kind}); ask for jsonl or csv"
    );
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, detail)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn place(min_free_bytes: u64) -> (TempDir, Place) {
        let dir = tempfile::tempdir().unwrap();
        let room = RoomSettings {
            min_free_bytes,
            ..RoomSettings::default()
        };
        let place = Place::new(&dir.path().join("logs.sqlite"), room);
        (dir, place)
    }

    fn names(dir: &TempDir) -> Vec<String> {
        let entries = fs::read_dir(dir.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    #[test]
    fn nobody_else_looks_into_a_directory_and_it_goes_with_its_user() {
        let (dir, place) = place(0);
        let own = place.make().unwrap();
        let found = own.file().parent().unwrap().metadata().unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o700);
        assert_eq!(names(&dir).len(), 1);
        drop(own);
        assert_eq!(names(&dir).len(), 0);
    }

    #[test]
    fn what_others_have_left_is_swept_and_nothing_else() {
        let (dir, place) = place(0);
        let own = place.make().unwrap();
        let kept = [".logs.sqlite.export-file", ".logs.sqlite.export-link"];
        fs::write(dir.path().join(kept[0]), "").unwrap();
        let other = tempfile::tempdir().unwrap();
        symlink(other.path(), dir.path().join(kept[1])).unwrap();
        let others = [".logs.sqlite.exports", ".more.sqlite.export-x", "logs"];
        for name in others.iter().chain(&[".logs.sqlite.export-left"]) {
            fs::create_dir(dir.path().join(name)).unwrap();
            fs::write(dir.path().join(name).join(NAME), "").unwrap();
        }
        place.sweep();
        let own_name = own.dir.path().file_name().unwrap().to_str().unwrap();
        let mut expected = [&kept[..], &others, &[own_name]].concat();
        expected.sort_unstable();
        let mut found = names(&dir);
        found.sort();
        assert_eq!(found, expected);
        drop(own);
    }

    #[test]
    fn room_is_kept_for_records_that_come() {
        let (_dir, wide) = place(0);
        let free = free_bytes(&wide.names().0).unwrap();
        let (_dir, full) = place(free);
        let problem = full.check_room(0).unwrap_err().to_string();
        assert!(problem.contains("--min-free"), "{problem}");
        assert!(!problem.contains('/'), "it names no path: {problem}");
        assert!(full.check_rest().is_err());
        if free > 1 << 30 {
            wide.check_room(1 << 20).unwrap();
            wide.check_rest().unwrap();
            assert!(wide.check_room(usize::MAX).is_err());
        }
    }

    #[test]
    fn a_full_disk_is_told_by_its_status() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        for (error, status) in [(full, 507), (io::ErrorKind::PermissionDenied.into(), 500)] {
            assert_eq!(unmade(&error).respond().status(), status);
            let store = StoreError::Io {
                doing: "write to",
                path: "/secret".into(),
                source: error,
            };
            let problem = failed(&store);
            assert_eq!(problem.respond().status(), status);
            assert!(!problem.to_string().contains("secret"));
        }
    }
}
