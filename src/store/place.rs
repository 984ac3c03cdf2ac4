//! Whether the place of a file is safe: who else could change it, or put something else in its place.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::schema::check_path;
use crate::error::StoreError;
use crate::paths::{beside, directory_of, is_trusted};
use crate::spill::left_behind;

const OTHERS_WRITE: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// The files of a store, besides those of its spill: those that `SQLite` makes and those that may be beside them.
const SUFFIXES: [&str; 5] = ["", "-wal", "-shm", "-journal", ".reserve"];

/// Refuses a database that other users of the machine could change or replace: one that everybody may write to, one in or under a
/// directory where everybody may rename files or that belongs to another user than this one and root, and in a directory for all, such as
/// /tmp, one that is somebody else's.
///
/// # Errors
///
/// [`StoreError::UnsafePlace`] with what is wrong, or what opening would say of something that is no file. What cannot be looked at
/// cannot be opened either.
pub(crate) fn check_place(path: &Path) -> Result<(), StoreError> {
    check_path(path)?;
    let unsafe_place = |place: &Path, reason: &str, way_out: String| {
        Err(StoreError::UnsafePlace {
            path: path.to_owned(),
            place: place.to_owned(),
            reason: reason.to_owned(),
            way_out,
        })
    };
    for file in files(path) {
        // A link is as good as whoever made it.
        let Ok(found) = file.symlink_metadata() else {
            continue;
        };
        if found.is_file() && is_for_all(&found) {
            let way_out = format!("`chmod o-w {}`", file.display());
            return unsafe_place(&file, "can be changed by everybody", way_out);
        }
        let directory = directory_of(&file).metadata();
        let shared = directory.is_ok_and(|directory| is_for_all(&directory));
        if shared && !is_trusted(found.uid()) {
            let way_out = "use a directory of your own".to_owned();
            let reason = "belongs to another user, in a directory where everybody can make files";
            return unsafe_place(&file, reason, way_out);
        }
    }
    let Ok(directory) = directory_of(path).canonicalize() else {
        return Ok(());
    };
    let real = path.canonicalize().unwrap_or_default();
    // A link on the way belongs to who can let it lead elsewhere.
    let named = std::path::absolute(directory_of(path)).unwrap_or_default();
    let places = directory.ancestors().chain(real.ancestors().skip(1));
    for place in places.chain(named.ancestors()) {
        let Ok(found) = place.symlink_metadata() else {
            continue;
        };
        if found.is_dir() && is_for_all(&found) && found.mode() & STICKY == 0 {
            let way_out = format!("`chmod o-w {}`", place.display());
            let reason = "is a directory where everybody can replace files";
            return unsafe_place(place, reason, way_out);
        }
        if !is_trusted(found.uid()) {
            let reason = format!(
                "belongs to user {}, who can put other files in the place of what is in it",
                found.uid()
            );
            let way_out = format!("run as that user, or `chown` {}", place.display());
            return unsafe_place(place, &reason, way_out);
        }
    }
    Ok(())
}

/// The files by their names, and, behind a link, those that it leads to.
fn files(path: &Path) -> Vec<PathBuf> {
    let names = [Some(path.to_owned()), path.canonicalize().ok()];
    let of_one = |name: PathBuf| {
        let spill = left_behind(&beside(&name, ".spill")).unwrap_or_default();
        SUFFIXES
            .map(|suffix| beside(&name, suffix))
            .into_iter()
            .chain(spill)
    };
    names.into_iter().flatten().flat_map(of_one).collect()
}

fn is_for_all(found: &Metadata) -> bool {
    found.mode() & OTHERS_WRITE != 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{PermissionsExt as _, chown, lchown, symlink};

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[track_caller]
    fn refused(path: &Path, reason: &str) {
        let error = check_place(path).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
        assert!(error.contains("--insecure-directory"), "{error}");
    }

    #[test]
    fn a_directory_where_everybody_can_replace_files_is_refused_also_further_up() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("inner");
        fs::create_dir(&inner).unwrap();
        let db = inner.join("logs.sqlite");
        check_place(&db).unwrap();
        for open in [&inner, dir.path()] {
            mode(open, 0o777);
            refused(&db, "everybody can replace files");
            mode(open, 0o1777);
            check_place(&db).unwrap();
            mode(open, 0o770);
            check_place(&db).unwrap();
        }
    }

    #[test]
    fn a_file_that_everybody_can_change_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("logs.sqlite");
        for suffix in SUFFIXES.iter().chain(&[".spill", ".spill.17"]) {
            let file = beside(&db, suffix);
            fs::write(&file, "").unwrap();
            check_place(&db).unwrap();
            mode(&file, 0o666);
            refused(&db, "can be changed by everybody");
            fs::remove_file(&file).unwrap();
        }
    }

    #[test]
    fn a_link_is_followed_to_where_the_file_is() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().join("real");
        fs::create_dir(&real).unwrap();
        fs::write(real.join("logs.sqlite"), "").unwrap();
        let db = dir.path().join("link.sqlite");
        symlink(real.join("logs.sqlite"), &db).unwrap();
        check_place(&db).unwrap();
        mode(&real, 0o777);
        refused(&db, "everybody can replace files");
    }

    #[test]
    fn the_file_of_another_user_in_a_directory_for_all_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let db = dir.path().join("logs.sqlite");
        let wal = beside(&db, "-wal");
        fs::write(&wal, "").unwrap();
        // Only root can give files away.
        if chown(&wal, Some(12_345), None).is_err() {
            return;
        }
        check_place(&db).unwrap();
        mode(dir.path(), 0o1777);
        refused(&db, "belongs to another user");
    }

    #[test]
    fn a_directory_or_a_link_of_another_user_is_refused_also_further_up() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("theirs/ours");
        fs::create_dir_all(&inner).unwrap();
        let theirs = dir.path().join("theirs");
        let link = dir.path().join("link");
        symlink(dir.path(), &link).unwrap();
        // Only root can give files away.
        if chown(&theirs, Some(12_345), None).is_err() {
            return;
        }
        refused(&inner.join("logs.sqlite"), "belongs to user 12345");
        refused(&theirs.join("logs.sqlite"), "belongs to user 12345");
        let db = link.join("logs.sqlite");
        check_place(&db).unwrap();
        lchown(&link, Some(12_345), None).unwrap();
        refused(&db, "belongs to user 12345");
    }
}
