//! Files beside the database that hold records while it does not take them.
//!
//! A file is written at its end and read from its start, frame by frame; each has a checksum. In the transaction that stores a frame's
//! records the database notes the frame's number, so that after a crash none is stored twice. A file whose frames are all stored is
//! removed. What a process leaves behind is found by the next one.

mod file;
mod frame;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

use self::file::{Soundness, SpillFile};
use crate::batch::Batch;
use crate::paths::{beside, directory_of, free_bytes};
use crate::report::Report;
use crate::time::now_ns;

/// A file is not appended to beyond: the space of those that are stored is given back while others are written.
const FILE_BYTES: u64 = 64 << 20;

/// How many files there may be under one name.
const MAX_FILES: u32 = 10_000;

/// Up to which frame a spill file is stored: what the database keeps of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpillMark {
    /// The file's id.
    pub file: u64,
    /// The number of the last frame that is stored with it.
    pub through: u64,
    /// Files that are gone: their marks are not needed any more.
    pub gone: Vec<u64>,
}

/// What was read for the writer.
pub(crate) struct Portion {
    /// How many records had been queued with the last one.
    pub(crate) queued_through: u64,
    pub(crate) mark: SpillMark,
    /// How many records could not be read any more.
    pub(crate) damaged: u64,
}

/// See the module's documentation.
pub(crate) struct Spill {
    path: PathBuf,
    max_bytes: u64,
    /// In the order of their making: read from the first, appended to the last.
    files: VecDeque<SpillFile>,
    /// Ids of files that were removed.
    gone: Vec<u64>,
    /// Files that were found damaged, under the names that they get when what is sound in them is stored.
    damaged: Vec<PathBuf>,
}

impl Spill {
    /// Finds what earlier processes have left under this name, of which `stored_through` says up to which frame it is stored.
    pub(crate) fn open<E: From<io::Error>>(
        path: PathBuf,
        max_bytes: u64,
        mut stored_through: impl FnMut(u64) -> Result<u64, E>,
    ) -> Result<Self, E> {
        let (mut files, mut damaged) = (Vec::new(), Vec::new());
        for path in left_behind(&path)? {
            let Some(mut file) = SpillFile::adopt(&path)? else {
                continue;
            };
            file.skip_through(stored_through(file.id)?);
            if file.has_unread_bytes {
                damaged.push(file.path_aside());
            }
            files.push(file);
        }
        files.sort_by_key(|file| file.created_ns);
        let mut spill = Spill {
            path,
            max_bytes,
            files: files.into(),
            gone: Vec::new(),
            damaged,
        };
        spill.stored()?;
        Ok(spill)
    }

    /// The name of the first file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// How many records wait to be read.
    pub(crate) fn records(&self) -> u64 {
        self.files.iter().map(SpillFile::records).sum()
    }

    /// Appends these batches. An error means that none was.
    pub(crate) fn append(&mut self, batches: &[&Batch], queued_through: u64) -> io::Result<()> {
        // One that somebody has removed or renamed would be lost with this process.
        let has_room = |file: &SpillFile| {
            file.end < FILE_BYTES && !file.has_unread_bytes && file.is_there().unwrap_or(true)
        };
        let room = self.files.back().is_some_and(has_room);
        if !room {
            let created_ns = self
                .files
                .back()
                .map_or(i64::MIN, |file| file.created_ns.saturating_add(1));
            let file = self.create(now_ns().max(created_ns))?;
            self.files.push_back(file);
        }
        let bytes: u64 = self.files.iter().map(|file| file.end).sum();
        let Some(file) = self.files.back_mut() else {
            return Ok(());
        };
        // The database needs room, too: the spill takes no more than the half of what is free.
        let free_bytes = free_bytes(&file.path).unwrap_or(u64::MAX);
        let half = bytes.saturating_add(free_bytes) / 2;
        let limit = match self.max_bytes {
            // At the end, when the database takes nothing any more.
            u64::MAX => u64::MAX,
            max_bytes => max_bytes.min(half),
        };
        let others = bytes - file.end;
        let appended = file.append(batches, queued_through, limit.saturating_sub(others));
        appended.map_err(|error| match error.kind() {
            io::ErrorKind::QuotaExceeded if limit < self.max_bytes => io::Error::new(
                io::ErrorKind::StorageFull,
                format!(
                    "{free_bytes} bytes of the disk are free, and the database needs some of them"
                ),
            ),
            io::ErrorKind::QuotaExceeded => io::Error::new(
                io::ErrorKind::QuotaExceeded,
                format!(
                    "it has reached its limit of {} bytes (--spill-max)",
                    self.max_bytes
                ),
            ),
            _ => error,
        })
    }

    /// What an operator should know of what was found here.
    pub(crate) fn found(&self) -> Vec<Report> {
        let damaged = self.damaged.iter().cloned();
        let damaged = damaged.map(|path| Report::SpillUnreadable { path });
        let records = self.records();
        let path = self.path.clone();
        let left = (records > 0).then_some(Report::SpillFound { path, records });
        damaged.chain(left).collect()
    }

    /// Puts these batches before all others, as if they had been [taken](Spill::take). The limit does not hold for them.
    pub(crate) fn put_at_hand(&mut self, batches: &[&Batch]) -> io::Result<SpillMark> {
        let created_ns = self
            .files
            .front()
            .map_or_else(now_ns, |file| file.created_ns.saturating_sub(1));
        let mut file = self.create(created_ns)?;
        if let Err(error) = file.append(batches, 0, u64::MAX) {
            let _ = file.remove();
            return Err(error);
        }
        let mark = SpillMark {
            file: file.id,
            through: file.skip(),
            gone: std::mem::take(&mut self.gone),
        };
        self.files.push_front(file);
        Ok(mark)
    }

    /// Leaves the files to the next process.
    pub(crate) fn release(&mut self) {
        self.files.clear();
    }

    /// From now on the limit does not hold.
    pub(crate) fn lift_limit(&mut self) {
        self.max_bytes = u64::MAX;
    }

    fn create(&self, created_ns: i64) -> io::Result<SpillFile> {
        for number in 1..MAX_FILES {
            if let Some(file) = SpillFile::create(&numbered(&self.path, number), created_ns)? {
                return Ok(file);
            }
        }
        Err(io::Error::other("there are too many files of that name"))
    }

    /// Reads the next records, up to so many and so many bytes, a frame at the least. `None`: there are none. What was read before
    /// has to be [stored](Spill::stored) by now.
    pub(crate) fn take(
        &mut self,
        max_records: usize,
        max_bytes: usize,
        mut spare: impl FnMut() -> Batch,
        batches: &mut Vec<Batch>,
    ) -> Option<Portion> {
        let file = self.files.iter_mut().find(|file| !file.is_read())?;
        let mut portion = Portion {
            queued_through: 0,
            mark: SpillMark {
                file: file.id,
                through: 0,
                gone: Vec::new(),
            },
            damaged: 0,
        };
        let (mut records, mut bytes) = (0, 0);
        while records < max_records && bytes < max_bytes {
            let first = batches.len();
            let Some(taken) = file.take(&mut spare, batches) else {
                break;
            };
            if taken.soundness == Soundness::Damaged {
                portion.damaged += taken.records;
            }
            portion.queued_through = portion.queued_through.max(taken.queued_through);
            portion.mark.through = taken.number;
            records += batches[first..].iter().map(Batch::len).sum::<usize>();
            bytes += batches[first..].iter().map(Batch::bytes).sum::<usize>();
        }
        portion.mark.gone = std::mem::take(&mut self.gone);
        Some(portion)
    }

    /// What was read is stored: files of which nothing is left are removed.
    pub(crate) fn stored(&mut self) -> io::Result<()> {
        while let Some(read) = self.files.iter().position(SpillFile::is_read) {
            if let Some(file) = self.files.remove(read) {
                let id = file.id;
                file.remove()?;
                self.gone.push(id);
            }
        }
        Ok(())
    }
}

/// The files that are there under this name, numbered ones included.
pub(crate) fn left_behind(path: &Path) -> io::Result<Vec<PathBuf>> {
    let directory = directory_of(path);
    let name = path.file_name().unwrap_or_default().to_owned();
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let other = entry?.file_name();
        let number = other
            .as_encoded_bytes()
            .strip_prefix(name.as_encoded_bytes())
            .and_then(|rest| std::str::from_utf8(rest).ok());
        let numbered = |rest: &str| {
            rest.strip_prefix('.')
                .is_some_and(|n| n.parse::<u32>().is_ok())
        };
        if number.is_some_and(|rest| rest.is_empty() || numbered(rest)) {
            found.push(directory.join(other));
        }
    }
    Ok(found)
}

/// The name of the file with this number, from 1.
fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    beside(path, &format!(".{number}"))
}

#[cfg(test)]
mod tests;
