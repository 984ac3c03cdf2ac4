//! The reserve: a file that only takes up room, to be given up when the disk has no other.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::chance::chance;
use crate::paths::{beside, is_own_file, without_links};

/// What a reserve begins with, by which it is told from a file that somebody wants to keep.
const MAGIC: [u8; 8] = *b"LOGSRSV1";

/// How much is written at a time.
const PORTION: usize = 1 << 20;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
}

/// What is at the place of a database's reserve and is none: it is never written to, nor removed.
pub(crate) fn foreign_reserve(database: &Path) -> Option<PathBuf> {
    let reserve = Reserve::of(database);
    reserve.open().is_err().then_some(reserve.path)
}

impl Reserve {
    /// Of a database's file.
    pub(super) fn of(database: &Path) -> Self {
        Reserve {
            path: beside(database, ".reserve"),
        }
    }

    /// How large it is; 0 when it is not there.
    pub(super) fn bytes(&self) -> u64 {
        fs::symlink_metadata(&self.path).map_or(0, |found| found.len())
    }

    /// Opens it. `None`: there is none; an error also when there is something else.
    fn open(&self) -> io::Result<Option<File>> {
        let file = match without_links().read(true).write(true).open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut start = [0; MAGIC.len()];
        // Its maker may have been ended when it had written little or nothing.
        let is_reserve = is_own_file(&file.metadata()?)
            && file
                .read_at(&mut start, 0)
                .is_ok_and(|len| start[..len] == MAGIC[..len]);
        if is_reserve {
            Ok(Some(file))
        } else {
            Err(io::ErrorKind::AlreadyExists.into())
        }
    }

    /// Makes it as large as this. What cannot be had as a whole is of use to nobody, and given up.
    pub(super) fn grow(&self, bytes: u64) -> io::Result<()> {
        let file = match self.open()? {
            Some(file) => file,
            None => without_links()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&self.path)?,
        };
        fill(&file, bytes).inspect_err(|_| {
            let _ = fs::remove_file(&self.path);
        })
    }

    /// Gives up what is more than this.
    pub(super) fn shrink(&self, bytes: u64) {
        if let Ok(Some(file)) = self.open() {
            // What cannot be given back now is tried again when it is needed.
            let _ = match bytes {
                0 => fs::remove_file(&self.path),
                _ if self.bytes() > bytes => file.set_len(bytes),
                _ => Ok(()),
            };
        }
    }
}

/// Writes on up to so many bytes, with what no file system can store as less: chance, of which no two portions are the same.
fn fill(file: &File, bytes: u64) -> io::Result<()> {
    let mut at = file.metadata()?.len();
    let mut state = chance() | 1;
    let mut portion = vec![0; PORTION];
    while at < bytes {
        for word in portion.as_chunks_mut::<8>().0 {
            // Marsaglia's xorshift64.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *word = state.to_le_bytes();
        }
        if at == 0 {
            portion[..MAGIC.len()].copy_from_slice(&MAGIC);
        }
        let len = usize::try_from(bytes - at).map_or(PORTION, |left| left.min(PORTION));
        file.write_all_at(&portion[..len], at)?;
        at += len as u64;
    }
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    fn reserve() -> (tempfile::TempDir, Reserve) {
        let dir = tempfile::tempdir().unwrap();
        let reserve = Reserve::of(&dir.path().join("logs.sqlite"));
        (dir, reserve)
    }

    #[test]
    fn it_is_brought_to_its_size_and_nobody_else_reads_it() {
        let (dir, reserve) = reserve();
        for bytes in [3 << 19, 9, 5 << 19, 3] {
            reserve.shrink(bytes);
            reserve.grow(bytes).unwrap();
            assert_eq!(reserve.path.metadata().unwrap().len(), bytes);
        }
        let mode = reserve.path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(foreign_reserve(&dir.path().join("logs.sqlite")), None);
        reserve.shrink(0);
        assert!(!reserve.path.exists());
    }

    #[test]
    fn it_takes_as_much_room_where_files_are_compressed() {
        let (_dir, reserve) = reserve();
        reserve.grow(3 << 19).unwrap();
        let mut packed =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(&fs::read(&reserve.path).unwrap()).unwrap();
        assert!(packed.finish().unwrap().len() >= 3 << 19);
    }

    #[test]
    fn what_is_none_stays_as_it_is() {
        let (dir, reserve) = reserve();
        let precious = dir.path().join("precious");
        fs::write(&precious, "precious").unwrap();
        for link in [false, true] {
            if link {
                symlink(&precious, &reserve.path).unwrap();
            } else {
                fs::copy(&precious, &reserve.path).unwrap();
            }
            assert!(reserve.grow(1 << 20).is_err());
            reserve.shrink(1);
            reserve.shrink(0);
            assert_eq!(fs::read_to_string(&reserve.path).unwrap(), "precious");
            let foreign = foreign_reserve(&dir.path().join("logs.sqlite"));
            assert_eq!(foreign.as_ref(), Some(&reserve.path));
            fs::remove_file(&reserve.path).unwrap();
        }
        // Nor is one made where a link leads that leads nowhere.
        symlink(dir.path().join("nowhere"), &reserve.path).unwrap();
        assert!(reserve.grow(1 << 20).is_err());
        assert!(!dir.path().join("nowhere").exists());
    }
}
