//! The words of a block: gathered while it fills, then a filter that says of each word "not here" or "perhaps".
//!
//! The filter is a binary fuse filter with fingerprints of 8 bits (`xorf`'s `BinaryFuse8` in its own form for storage): some 9 bits
//! a word, and 0.4 % of "perhaps" for words that are not there.

use xorf::{BinaryFuse8, BinaryFuse8Ref, DmaSerializable, Filter, FilterRef};

/// A block with more different words than this says "perhaps" to all, so that its filter stays smaller than what it saves.
const MAX_WORDS: usize = 1 << 20;

/// The forms of a filter, which its first byte tells.
const NONE: u8 = 0;
const ALL: u8 = 1;
const FUSE: u8 = 2;

/// A set of hashed words: open addressing in a table of twice their number at least.
#[derive(Debug, Default)]
pub(super) struct WordSet {
    /// 0 is an empty place. The hash 0 itself is kept as 1: two words more that look alike.
    table: Vec<u64>,
    len: usize,
    /// Words that were put in lately: few words make up most of a log, and this much of memory is nearer than the table.
    recent: Vec<u64>,
}

/// How many words are remembered as recent: 8 KiB of them.
const RECENT: usize = 1 << 10;

/// How many places a table begins with: a block's usual words fit without growing.
const FIRST_PLACES: usize = 1 << 15;

impl WordSet {
    #[inline]
    pub(super) fn insert(&mut self, hash: u64) {
        let hash = hash.max(1);
        let at = place(hash, RECENT - 1);
        if self.recent.get(at) != Some(&hash) {
            self.insert_new(hash);
            self.recent[at] = hash;
        }
    }

    /// Puts in what may be new.
    fn insert_new(&mut self, hash: u64) {
        if self.len * 2 >= self.table.len() {
            if self.len > MAX_WORDS {
                return;
            }
            self.grow();
        }
        let mask = self.table.len() - 1;
        let mut at = place(hash, mask);
        loop {
            match &mut self.table[at] {
                empty @ 0 => {
                    *empty = hash;
                    self.len += 1;
                    return;
                }
                known if *known == hash => return,
                _ => at = (at + 1) & mask,
            }
        }
    }

    fn grow(&mut self) {
        self.recent.resize(RECENT, 0);
        let places = (self.table.len() * 2).max(FIRST_PLACES);
        let old = std::mem::replace(&mut self.table, vec![0; places]);
        self.len = 0;
        for hash in old.into_iter().filter(|hash| *hash != 0) {
            self.insert_new(hash);
        }
    }

    /// The filter of these words, which are forgotten.
    pub(super) fn take_filter(&mut self) -> Vec<u8> {
        let words: Vec<u64> = self
            .table
            .iter()
            .copied()
            .filter(|hash| *hash != 0)
            .collect();
        if self.table.len() > FIRST_PLACES {
            *self = WordSet::default();
        } else {
            self.clear();
        }
        if words.is_empty() {
            return vec![NONE];
        }
        if words.len() > MAX_WORDS {
            return vec![ALL];
        }
        let Ok(filter) = BinaryFuse8::try_from(words.as_slice()) else {
            // It tries a thousand seeds, so this is the block that proves nothing.
            return vec![ALL];
        };
        let mut bytes = vec![0; 1 + BinaryFuse8::DESCRIPTOR_LEN];
        bytes[0] = FUSE;
        filter.dma_copy_descriptor_to(&mut bytes[1..]);
        bytes.extend_from_slice(filter.dma_fingerprints());
        bytes
    }

    pub(super) fn clear(&mut self) {
        self.table.fill(0);
        self.recent.fill(0);
        self.len = 0;
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a mask of a small table follows"
)]
fn place(hash: u64, mask: usize) -> usize {
    hash as usize & mask
}

/// Whether all these words may be in the block: no only when one of them is not. `None` when the filter makes no sense.
pub(super) fn may_hold(filter: &[u8], words: &[u64]) -> Option<bool> {
    let (form, rest) = filter.split_first()?;
    match *form {
        NONE => Some(words.is_empty()),
        ALL => Some(true),
        FUSE => {
            let (descriptor, fingerprints) = rest.split_at_checked(BinaryFuse8::DESCRIPTOR_LEN)?;
            check_sizes(descriptor, fingerprints.len())?;
            let filter = BinaryFuse8Ref::from_dma(descriptor, fingerprints);
            Some(words.iter().all(|word| filter.contains(&(*word).max(1))))
        }
        _ => None,
    }
}

/// Whether a filter of these sizes stays within its fingerprints: a checksum keeps accidents out, but nobody who can compute it.
fn check_sizes(descriptor: &[u8], fingerprints: usize) -> Option<()> {
    let number = |at| Some(u32::from_le_bytes(*descriptor.get(at..)?.first_chunk()?));
    let (segment, mask, begins) = (number(8)?, number(12)?, number(16)?);
    let sound = segment.is_power_of_two()
        && mask == segment - 1
        && begins >= segment
        && begins.is_multiple_of(segment)
        && u64::from(begins) + 2 * u64::from(segment) == fingerprints as u64;
    sound.then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::hash;

    fn word(i: u32) -> u64 {
        hash(&format!("word{i}"))
    }

    #[test]
    fn a_filter_holds_its_words_and_few_others() {
        for count in [1, 2, 3, 10, 100, 10_000, 40_000] {
            let mut set = WordSet::default();
            for _ in 0..2 {
                (0..count).for_each(|i| set.insert(word(i)));
            }
            let filter = set.take_filter();
            assert!((0..count).all(|i| may_hold(&filter, &[word(i)]) == Some(true)));
            let others = 100_000;
            let wrong =
                (count..count + others).filter(|i| may_hold(&filter, &[word(*i)]) == Some(true));
            let wrong = f64::from(u32::try_from(wrong.count()).unwrap()) / f64::from(others);
            assert!(wrong <= 0.005, "{count}: {wrong}");
            // What was taken is gone.
            assert_eq!(set.take_filter(), [NONE]);
        }
    }

    #[test]
    fn all_wanted_words_must_be_there() {
        let mut set = WordSet::default();
        set.insert(word(1));
        set.insert(0);
        let filter = set.take_filter();
        assert_eq!(may_hold(&filter, &[word(1), 0]), Some(true));
        assert_eq!(may_hold(&filter, &[word(1), word(2)]), Some(false));
        assert_eq!(may_hold(&filter, &[]), Some(true));
        assert_eq!(may_hold(&[NONE], &[word(1)]), Some(false));
        assert_eq!(may_hold(&[9], &[]), None);
        assert_eq!(may_hold(&[FUSE, 1], &[word(1)]), None);
        assert_eq!(may_hold(&filter[..filter.len() - 1], &[word(1)]), None);
        let mut wide = filter.clone();
        wide[20] = 1;
        assert_eq!(may_hold(&wide, &[word(1)]), None);
    }

    #[test]
    fn too_many_words_become_perhaps() {
        let mut set = WordSet::default();
        for i in 0..1_500_000_u64 {
            set.insert(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        }
        assert_eq!(set.take_filter(), [ALL]);
        assert_eq!(may_hold(&[ALL], &[word(1)]), Some(true));
    }
}
