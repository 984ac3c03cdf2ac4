//! Blocks: summaries of runs of records, from which questions are answered without reading the records.
//!
//! A block is a pure function of the rows that it summarises: it can be thrown away and made again. It may say "perhaps" of a
//! record that is not wanted, never "no" of one that is.

mod build;
mod cache;
mod list;
mod pack;
mod read;
mod words;

pub(super) use build::{BlockBuilder, NewBlock, each_indexed_word};
pub(super) use cache::BlockCache;
pub(super) use list::{IdList, ListBuffer};
pub(super) use read::{
    Column, Columns, Found, Summary, all_extents, block_at, delete_block, generation,
    last_block_end, may_hold_words, next_extents, next_summaries, sound_extents, unsound_blocks,
};

/// How many records a block has. One that was made anew after some were deleted has fewer.
pub(super) const BLOCK_RECORDS: u32 = 4096;

/// Where a block's records lie, and how many there are: what every blob's checksum vouches for as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// The first record's id, and the block's own.
    pub(super) id: i64,
    pub(super) last_id: i64,
    pub(super) records: usize,
    pub(super) min_created: i64,
    pub(super) max_created: i64,
}

/// The blobs of a block.
#[derive(Debug, Clone, Copy)]
enum Part {
    Sites,
    Origins,
    Record,
    Site,
    Origin,
    Created,
    Words,
}

/// What stands in front of each blob: a version, then four bytes of a checksum.
const VERSION: u8 = 1;
const SEAL_BYTES: usize = 5;

impl Extent {
    /// Whether the records have all ids from the first to the last.
    pub(super) fn is_contiguous(&self) -> bool {
        self.last_id.abs_diff(self.id) == (self.records as u64).wrapping_sub(1)
    }

    /// The checksum of a blob of this block: the low half of XXH3 over the blob, seeded with its place.
    fn checksum(&self, part: Part, payload: &[u8]) -> [u8; 4] {
        let mut place = [0; 41];
        let numbers = [
            self.id,
            self.last_id,
            i64::try_from(self.records).unwrap_or(i64::MAX),
            self.min_created,
            self.max_created,
        ];
        for (slot, number) in place.chunks_exact_mut(8).zip(numbers) {
            slot.copy_from_slice(&number.to_le_bytes());
        }
        place[40] = part as u8;
        let seed = xxhash_rust::xxh3::xxh3_64(&place);
        let [a, b, c, d, ..] = xxhash_rust::xxh3::xxh3_64_with_seed(payload, seed).to_le_bytes();
        [a, b, c, d]
    }

    /// Fills in the first bytes of a blob that has room for them.
    fn seal(&self, part: Part, mut blob: Vec<u8>) -> Vec<u8> {
        blob[0] = VERSION;
        let checksum = self.checksum(part, &blob[SEAL_BYTES..]);
        blob[1..SEAL_BYTES].copy_from_slice(&checksum);
        blob
    }

    /// What a blob holds; `None` when it is of another version or is not what was written.
    fn unseal<'b>(&self, part: Part, blob: &'b [u8]) -> Option<&'b [u8]> {
        let (seal, payload) = blob.split_at_checked(SEAL_BYTES)?;
        let sound = seal[0] == VERSION && seal[1..] == self.checksum(part, payload);
        sound.then_some(payload)
    }
}
