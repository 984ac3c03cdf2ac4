//! One spill file: frames behind a header, appended at its end, read from its start, removed when all are stored.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::frame::{Head, read_batches, write_frame};
use crate::batch::Batch;
use crate::chance::chance;
use crate::paths::{beside, is_own_file, without_links};

/// What a file begins with: the format's name and version.
const MAGIC: [u8; 8] = *b"LOGSPIL1";

/// Magic, the file's id, and when it was made, in nanoseconds since the Unix epoch.
const HEADER_BYTES: usize = 24;

/// See the module's documentation. It is locked for as long as it is open: another process leaves it alone.
#[derive(Debug)]
pub(super) struct SpillFile {
    file: File,
    pub(super) path: PathBuf,
    /// A random number, by which the database knows what of it is stored.
    pub(super) id: u64,
    /// Files are read in the order of their making.
    pub(super) created_ns: i64,
    /// What has not been read, in order.
    frames: VecDeque<Frame>,
    /// Where the next frame goes.
    pub(super) end: u64,
    last_number: u64,
    /// Something stands behind the frames that is none, and not only the beginning of one.
    pub(super) has_unread_bytes: bool,
    buffer: Vec<u8>,
}

/// Where a frame is.
#[derive(Debug, Clone, Copy)]
struct Frame {
    /// Of its head, from the file's start.
    at: u64,
    head: Head,
    /// How many records had been queued with its last one; 0 for those of an earlier process.
    queued_through: u64,
}

/// What reading a frame gave.
pub(super) struct Taken {
    pub(super) records: u64,
    pub(super) number: u64,
    pub(super) queued_through: u64,
    pub(super) soundness: Soundness,
}

/// Whether a frame is what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Soundness {
    Sound,
    Damaged,
}

impl SpillFile {
    /// Makes a file where none is; `None`: there is one.
    pub(super) fn create(path: &Path, created_ns: i64) -> io::Result<Option<Self>> {
        // What is in it is in the database, which may be readable by fewer than new files are.
        let made = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        let file = match made {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            made => made?,
        };
        // Nobody else holds it for longer than a look takes, and who has looked may have removed it as empty.
        let locked = file.lock().and_then(|()| is_at(&file, path));
        match locked {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(error) => {
                let _ = fs::remove_file(path);
                return Err(error);
            }
        }
        let id = chance();
        let header = [&MAGIC[..], &id.to_le_bytes(), &created_ns.to_le_bytes()].concat();
        if let Err(error) = file.write_all_at(&header, 0) {
            let _ = fs::remove_file(path);
            return Err(error);
        }
        Ok(Some(SpillFile {
            file,
            path: path.to_owned(),
            id,
            created_ns,
            frames: VecDeque::new(),
            end: HEADER_BYTES as u64,
            last_number: 0,
            has_unread_bytes: false,
            buffer: Vec::new(),
        }))
    }

    /// Opens what an earlier process has left. `None`: it is in use by another process, or is no spill file, or another user's, who could
    /// have written what they liked into it.
    pub(super) fn adopt(path: &Path) -> io::Result<Option<Self>> {
        let file = match without_links().read(true).write(true).open(path) {
            Ok(file) if is_own_file(&file.metadata()?) => file,
            Ok(_) => return Ok(None),
            // Its owner may have just removed it, too.
            Err(error) => {
                let ours = fs::symlink_metadata(path).is_ok_and(|found| is_own_file(&found));
                return if ours { Err(error) } else { Ok(None) };
            }
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let metadata = file.metadata()?;
        // Who held it may have removed it, and somebody else made another one.
        if !is_at(&file, path)? {
            return Ok(None);
        }
        let mut header = [0; HEADER_BYTES];
        let header = match file.read_exact_at(&mut header, 0) {
            Ok(()) => header,
            // Its maker was ended before it had written anything.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                if metadata.len() == 0 {
                    fs::remove_file(path)?;
                }
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let (magic, rest) = header.split_at(MAGIC.len());
        let (id, created) = rest.split_at(8);
        if magic != MAGIC {
            return Ok(None);
        }
        let eight = |bytes: &[u8]| bytes.try_into().unwrap_or_default();
        let mut adopted = SpillFile {
            file,
            path: path.to_owned(),
            id: u64::from_le_bytes(eight(id)),
            created_ns: i64::from_le_bytes(eight(created)),
            frames: VecDeque::new(),
            end: HEADER_BYTES as u64,
            last_number: 0,
            has_unread_bytes: false,
            buffer: Vec::new(),
        };
        adopted.find_frames(metadata.len())?;
        Ok(Some(adopted))
    }

    /// Notes where frames are. What is cut off at the end was never whole: its writer was ended in the middle.
    fn find_frames(&mut self, len: u64) -> io::Result<()> {
        let mut bytes = [0; Head::BYTES];
        while self.end + Head::BYTES as u64 <= len {
            self.file.read_exact_at(&mut bytes, self.end)?;
            let Ok(head) = Head::read(&bytes) else {
                break;
            };
            let next = self.end + Head::BYTES as u64 + u64::from(head.len);
            if head.number != self.last_number + 1 {
                self.has_unread_bytes = true;
                return Ok(());
            }
            if next > len {
                break;
            }
            self.frames.push_back(Frame {
                at: self.end,
                head,
                queued_through: 0,
            });
            self.last_number = head.number;
            self.end = next;
        }
        // So that the next frame is followed by none of its bytes.
        self.file.set_len(self.end)
    }

    /// The name under which a damaged file stays when its sound frames are stored. Until then it keeps its own, by which the next
    /// process finds them.
    pub(super) fn path_aside(&self) -> PathBuf {
        beside(&self.path, &format!(".damaged-{:016x}", self.id))
    }

    /// Whether its name still means this file.
    pub(super) fn is_there(&self) -> io::Result<bool> {
        is_at(&self.file, &self.path)
    }

    /// Passes over the frames that are stored already.
    pub(super) fn skip_through(&mut self, number: u64) {
        while self
            .frames
            .front()
            .is_some_and(|frame| frame.head.number <= number)
        {
            self.frames.pop_front();
        }
    }

    /// Takes everything for read, and gives the last frame's number.
    pub(super) fn skip(&mut self) -> u64 {
        self.frames.clear();
        self.last_number
    }

    /// Whether everything has been read.
    pub(super) fn is_read(&self) -> bool {
        self.frames.is_empty()
    }

    /// How many records have not been read.
    pub(super) fn records(&self) -> u64 {
        self.frames
            .iter()
            .map(|frame| u64::from(frame.head.records))
            .sum()
    }

    /// Appends these batches as one frame: all of it, or nothing. `limit` is what the file may grow to.
    pub(super) fn append(
        &mut self,
        batches: &[&Batch],
        queued_through: u64,
        limit: u64,
    ) -> io::Result<()> {
        self.buffer.clear();
        let head = write_frame(self.id, self.last_number + 1, batches, &mut self.buffer);
        if self.end + self.buffer.len() as u64 > limit {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        if let Err(error) = self.file.write_all_at(&self.buffer, self.end) {
            // A part of a frame would be taken for the end of the file at the next start.
            let _ = self.file.set_len(self.end);
            return Err(error);
        }
        self.frames.push_back(Frame {
            at: self.end,
            head,
            queued_through,
        });
        self.last_number = head.number;
        self.end += self.buffer.len() as u64;
        self.buffer.shrink_to(4 << 20);
        Ok(())
    }

    /// Reads the next frame; `None`: there is none.
    pub(super) fn take(
        &mut self,
        spare: impl FnMut() -> Batch,
        batches: &mut Vec<Batch>,
    ) -> Option<Taken> {
        let Frame {
            at,
            head,
            queued_through,
        } = self.frames.pop_front()?;
        self.buffer.clear();
        self.buffer.resize(head.len as usize, 0);
        let before = batches.len();
        let read = self
            .file
            .read_exact_at(&mut self.buffer, at + Head::BYTES as u64)
            .ok()
            .filter(|()| head.fits(self.id, &self.buffer))
            .and_then(|()| read_batches(&self.buffer, spare, batches).ok());
        if read.is_none() {
            batches.truncate(before);
        }
        Some(Taken {
            records: head.records.into(),
            number: head.number,
            queued_through,
            soundness: match read {
                Some(()) => Soundness::Sound,
                None => Soundness::Damaged,
            },
        })
    }

    /// All of it is stored: nobody will need it. A damaged file is kept under another name.
    pub(super) fn remove(&self) -> io::Result<()> {
        if !self.has_unread_bytes {
            // Who has it open already finds nothing in it.
            self.file.set_len(0)?;
        }
        if !self.is_there()? {
            return Ok(());
        }
        if self.has_unread_bytes {
            fs::rename(&self.path, self.path_aside())
        } else {
            fs::remove_file(&self.path)
        }
    }
}

/// Whether a file is the one at its path.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let open = file.metadata()?;
    let there = fs::metadata(path);
    Ok(there.is_ok_and(|there| (there.dev(), there.ino()) == (open.dev(), open.ino())))
}
