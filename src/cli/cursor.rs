//! A cursor file: the id of the last record that was read, so that the next time shows only what is new.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use tempfile::NamedTempFile;

/// More bytes than any id has, with its line break.
const MOST_BYTES: u64 = 32;

/// A file that holds an id as a decimal number and a line break.
pub(super) struct Cursor<'a> {
    path: &'a Path,
    directory: &'a Path,
}

impl<'a> Cursor<'a> {
    /// Fails when the file could never be written: better before the answer than after it.
    pub(super) fn new(path: &'a Path) -> anyhow::Result<Self> {
        if path.file_name().is_none() || path.is_dir() {
            bail!(
                "--cursor-file {} is a directory; name a file",
                path.display()
            );
        }
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        if !directory.is_dir() {
            bail!(
                "there is no directory {} for --cursor-file; make it, or name another file",
                directory.display()
            );
        }
        Ok(Cursor { path, directory })
    }

    /// The id in the file; `None` when there is no file yet.
    pub(super) fn read(&self) -> anyhow::Result<Option<i64>> {
        let mut bytes = Vec::new();
        match File::open(self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes)),
        }
        .with_context(|| format!("cannot read the cursor file {}", self.path.display()))?;
        let text = String::from_utf8_lossy(&bytes);
        let digits = text.trim_end();
        let id = digits.parse().ok().filter(|id: &i64| *id >= 0);
        if id.is_none() {
            bail!(
                "the cursor file {} holds {digits:?}, not the id of a record; name another file, or delete it to read everything",
                self.path.display()
            );
        }
        Ok(id)
    }

    /// Puts this id into the file: at any moment it holds either the old one or the new one.
    pub(super) fn write(&self, id: i64) -> anyhow::Result<()> {
        self.replace(id)
            .with_context(|| format!("cannot write the cursor file {}", self.path.display()))
    }

    fn replace(&self, id: i64) -> io::Result<()> {
        let mut beside = NamedTempFile::new_in(self.directory)?;
        writeln!(beside, "{id}")?;
        // Else the name may reach the disk before the number does.
        beside.as_file().sync_data()?;
        beside.persist(self.path)?;
        Ok(())
    }
}
