//! Files beside others, and the room on their disk.

use std::fs::{Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// The path with something behind its name: what is kept beside a database, such as `logs.sqlite-wal`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Where a file really is, behind links, whatever becomes of the working directory: `SQLite` keeps its other files there, and so do we.
/// One that is not there is taken to be where its name says.
pub(crate) fn real(path: &Path) -> PathBuf {
    path.canonicalize()
        .or_else(|_| std::path::absolute(path))
        .unwrap_or_else(|_| path.to_owned())
}

/// The directory that a file is in.
pub(crate) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// How many bytes an unprivileged process can still write to the file system that this path is on.
///
/// # Errors
///
/// When the path does not exist, or the system does not say.
pub(crate) fn free_bytes(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// How many bytes the file system that this path is on has in all.
///
/// # Errors
///
/// As for [`free_bytes`].
pub(crate) fn total_bytes(path: &Path) -> io::Result<u64> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(stat.f_blocks.saturating_mul(stat.f_frsize))
}

/// Options that open no link, only what has the name itself: what we make is no link, and one that somebody else has put in its place leads
/// to a file of theirs, or to another of ours.
pub(crate) fn without_links() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    options
}

/// Whether this is a regular file that only this user or root can have made.
pub(crate) fn is_own_file(found: &Metadata) -> bool {
    found.is_file() && is_trusted(found.uid())
}

/// Whether a user can do here what they like anyway: this one, and root.
pub(crate) fn is_trusted(user: u32) -> bool {
    user == 0 || user == rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_is_in_the_working_directory() {
        assert_eq!(directory_of(Path::new("a.sqlite")), Path::new("."));
        assert_eq!(directory_of(Path::new("/a.sqlite")), Path::new("/"));
        assert_eq!(directory_of(Path::new("b/a.sqlite")), Path::new("b"));
        assert_eq!(beside(Path::new("b/a"), "-wal"), Path::new("b/a-wal"));
    }
}
