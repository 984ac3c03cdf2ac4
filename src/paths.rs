//! Files beside others, and the room on their disk.

use std::io;
use std::path::{Path, PathBuf};

/// The path with something behind its name: what is kept beside a database, such as `logs.sqlite-wal`.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
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
