//! A run of batches as bytes: what a spill file is made of. Each frame stands by itself, sites and origins included.
//!
//! All numbers are little-endian. A frame's head: the length of what follows it, how many records it holds, its number in the file,
//! and a checksum (XXH3, seeded with the file's id) of all that and of what follows.

use std::sync::Arc;

use xxhash_rust::xxh3::Xxh3;

use crate::batch::{Batch, Texts};
use crate::level::Level;
use crate::record::{Origin, Site};

/// What stands before a frame's batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// How many bytes follow.
    pub(super) len: u32,
    pub(super) records: u32,
    /// Its place in the file, from 1.
    pub(super) number: u64,
    checksum: u64,
}

impl Head {
    pub(super) const BYTES: usize = 24;

    /// The head that these bytes are.
    pub(super) fn read(bytes: &[u8]) -> Read<Self> {
        let mut bytes = Bytes(bytes);
        Ok(Head {
            len: bytes.u32()?,
            records: bytes.u32()?,
            number: bytes.u64()?,
            checksum: bytes.u64()?,
        })
    }

    /// Whether these are the bytes that it was written for.
    pub(super) fn fits(&self, file: u64, body: &[u8]) -> bool {
        self.checksum == checksum(file, self.len, self.records, self.number, body)
    }
}

fn checksum(file: u64, len: u32, records: u32, number: u64, body: &[u8]) -> u64 {
    let mut hash = Xxh3::with_seed(file);
    hash.update(&len.to_le_bytes());
    hash.update(&records.to_le_bytes());
    hash.update(&number.to_le_bytes());
    hash.update(body);
    hash.digest()
}

/// Adds a frame of these batches to `out`. Their bytes have to stay below 4 GiB, which those of [`Batch::MAX_TEXT_BYTES`] do.
pub(super) fn write_frame(file: u64, number: u64, batches: &[&Batch], out: &mut Vec<u8>) -> Head {
    let start = out.len();
    out.extend_from_slice(&[0; Head::BYTES]);
    for batch in batches {
        write_batch(batch, out);
    }
    let body = start + Head::BYTES;
    let len = len_u32(out.len() - body);
    let records = len_u32(batches.iter().map(|batch| batch.len()).sum());
    let checksum = checksum(file, len, records, number, &out[body..]);
    out[start..start + 4].copy_from_slice(&len.to_le_bytes());
    out[start + 4..start + 8].copy_from_slice(&records.to_le_bytes());
    out[start + 8..start + 16].copy_from_slice(&number.to_le_bytes());
    out[start + 16..body].copy_from_slice(&checksum.to_le_bytes());
    Head {
        len,
        records,
        number,
        checksum,
    }
}

fn len_u32(len: usize) -> u32 {
    u32::try_from(len).expect("a frame is below 4 GiB")
}

fn write_batch(batch: &Batch, out: &mut Vec<u8>) {
    let count = |len: usize| len_u32(len).to_le_bytes();
    out.extend_from_slice(&count(batch.sites().len()));
    for site in batch.sites() {
        write_text(&site.name, out);
        out.extend_from_slice(&site.level.0.to_le_bytes());
        write_text(&site.level_name, out);
        write_text(&site.pathname, out);
        write_int(site.lineno, out);
        write_text(&site.func_name, out);
        write_optional(site.other_filename.as_deref(), out);
        write_optional(site.other_module.as_deref(), out);
    }
    out.extend_from_slice(&count(batch.origins().len()));
    for origin in batch.origins() {
        write_text(&origin.hostname, out);
        write_int(origin.process, out);
        write_text(&origin.process_name, out);
        write_int(origin.thread, out);
        write_text(&origin.thread_name, out);
        write_int(origin.started_ms, out);
    }
    out.extend_from_slice(&count(batch.len()));
    for record in batch.iter() {
        out.extend_from_slice(&record.created_ns.to_le_bytes());
        out.extend_from_slice(&count(record.site));
        out.extend_from_slice(&count(record.origin));
        let texts = &record.texts;
        write_text(texts.message, out);
        let optional = [
            texts.task_name,
            texts.exc_text,
            texts.stack_info,
            texts.extra,
        ];
        for text in optional {
            write_optional(text, out);
        }
    }
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&len_u32(text.len()).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn write_optional(text: Option<&str>, out: &mut Vec<u8>) {
    out.push(u8::from(text.is_some()));
    if let Some(text) = text {
        write_text(text, out);
    }
}

fn write_int(value: Option<i64>, out: &mut Vec<u8>) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Adds the batches of a frame's body, each filled into one that `spare` gives. An error: it holds something else, which its checksum
/// should have told.
pub(super) fn read_batches(
    body: &[u8],
    mut spare: impl FnMut() -> Batch,
    batches: &mut Vec<Batch>,
) -> Read<()> {
    let mut bytes = Bytes(body);
    while !bytes.0.is_empty() {
        let mut batch = spare();
        read_batch(&mut bytes, &mut batch)?;
        batches.push(batch);
    }
    Ok(())
}

fn read_batch(bytes: &mut Bytes<'_>, batch: &mut Batch) -> Read<()> {
    // A batch may list one site twice: its indices are not those that were written.
    let mut sites = Vec::new();
    for _ in 0..bytes.count()? {
        let site = Site {
            name: bytes.text()?.to_owned(),
            level: Level(bytes.array().map(i32::from_le_bytes)?),
            level_name: bytes.text()?.to_owned(),
            pathname: bytes.text()?.to_owned(),
            lineno: bytes.int()?,
            func_name: bytes.text()?.to_owned(),
            other_filename: bytes.optional()?.map(str::to_owned),
            other_module: bytes.optional()?.map(str::to_owned),
        };
        sites.push(batch.site(&Arc::new(site)));
    }
    let mut origins = Vec::new();
    for _ in 0..bytes.count()? {
        let origin = Origin {
            hostname: bytes.text()?.to_owned(),
            process: bytes.int()?,
            process_name: bytes.text()?.to_owned(),
            thread: bytes.int()?,
            thread_name: bytes.text()?.to_owned(),
            started_ms: bytes.int()?,
        };
        origins.push(batch.origin(&Arc::new(origin)));
    }
    for _ in 0..bytes.count()? {
        let created_ns = bytes.array().map(i64::from_le_bytes)?;
        let site = *sites.get(bytes.count()?).ok_or(Unreadable)?;
        let origin = *origins.get(bytes.count()?).ok_or(Unreadable)?;
        let texts = Texts {
            message: bytes.text()?,
            task_name: bytes.optional()?,
            exc_text: bytes.optional()?,
            stack_info: bytes.optional()?,
            extra: bytes.optional()?,
        };
        batch.push(created_ns, site, origin, &texts);
    }
    Ok(())
}

/// What was read, or nothing that was ever written.
type Read<T> = Result<T, Unreadable>;

/// Bytes that are no frame: too few, or no text where there has to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// What is left to read. Nothing is taken on trust.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Unreadable)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn u32(&mut self) -> Read<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Read<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn count(&mut self) -> Read<usize> {
        usize::try_from(self.u32()?).map_err(|_| Unreadable)
    }

    fn text(&mut self) -> Read<&'a str> {
        let len = self.count()?;
        let (text, rest) = self.0.split_at_checked(len).ok_or(Unreadable)?;
        self.0 = rest;
        std::str::from_utf8(text).map_err(|_| Unreadable)
    }

    fn is_there(&mut self) -> Read<bool> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(Unreadable),
        }
    }

    fn optional(&mut self) -> Read<Option<&'a str>> {
        Ok(if self.is_there()? {
            Some(self.text()?)
        } else {
            None
        })
    }

    fn int(&mut self) -> Read<Option<i64>> {
        Ok(if self.is_there()? {
            Some(self.array().map(i64::from_le_bytes)?)
        } else {
            None
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::LogRecord;

    fn batch() -> Batch {
        let mut site = Site::new("myapp.area1", Level(-7)).at("/srv/app.py", 7, "run");
        site.other_module = Some("other".into());
        let site = Arc::new(site);
        let mut first =
            LogRecord::new(Arc::clone(&site), "caf\u{e9}\nand more").with("user", "ada");
        first.exc_text = Some(String::new());
        let mut second = LogRecord::new(site, "");
        second.origin = Arc::new(Origin {
            hostname: "node1".into(),
            process: Some(-1),
            started_ms: Some(i64::MAX),
            ..Origin::default()
        });
        second.created_ns = i64::MIN;
        [&first, &second, &first].into_iter().collect()
    }

    fn records(batches: &[Batch]) -> Vec<LogRecord> {
        batches
            .iter()
            .flat_map(|batch| batch.iter().map(|record| batch.to_record(&record)))
            .collect()
    }

    #[test]
    fn a_frame_gives_back_what_was_put_in() {
        let sent = [batch(), Batch::new(), batch()];
        let mut bytes = b"before".to_vec();
        let head = write_frame(7, 3, &[&sent[0], &sent[1], &sent[2]], &mut bytes);
        let (start, body) = bytes["before".len()..].split_at(Head::BYTES);
        assert_eq!(Head::read(start), Ok(head));
        assert_eq!((head.records, head.number), (6, 3));
        assert_eq!(head.len as usize, body.len());
        assert!(head.fits(7, body) && !head.fits(8, body));
        let mut found = Vec::new();
        assert_eq!(read_batches(body, Batch::new, &mut found), Ok(()));
        assert_eq!(records(&found), records(&sent));
    }

    #[test]
    fn a_changed_byte_is_noticed_and_no_cut_body_is_read() {
        let mut bytes = Vec::new();
        let head = write_frame(7, 1, &[&batch()], &mut bytes);
        let body = &mut bytes[Head::BYTES..];
        for at in 0..body.len() {
            body[at] ^= 1;
            assert!(!head.fits(7, body), "byte {at}");
            body[at] ^= 1;
        }
        for len in 1..body.len() {
            assert_eq!(
                read_batches(&body[..len], Batch::new, &mut Vec::new()),
                Err(Unreadable)
            );
        }
    }
}
