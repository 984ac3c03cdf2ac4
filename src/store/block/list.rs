//! Lists of ids: a bitmap where they are dense, as they mostly are; their differences where they are not.

use super::{BLOCK_RECORDS, pack};

/// The forms of a list, which its first byte tells.
const BITMAP: u8 = 0;
const DELTAS: u8 = 1;

/// How many chunks of 64 bits the bitmap of so many ids may have: up to 16 bits an id, which is more than differences may take, since
/// it is asked for ids without being unpacked.
const fn max_chunks(ids: usize) -> usize {
    ids / 4 + 8
}

/// Some ids, as they are written.
#[derive(Debug, Clone, Copy)]
pub(in crate::store) enum IdList<'l> {
    /// The ids whose bits are set. The lowest bit of the first chunk is that of 64 times `first_chunk`.
    Bitmap {
        first_chunk: i64,
        chunks: &'l [[u8; 8]],
    },
    /// So many ids in ascending order, packed.
    Deltas { len: usize, packed: &'l [u8] },
}

/// Memory to unpack one list after the other.
#[derive(Debug, Default)]
pub(in crate::store) struct ListBuffer {
    ids: Vec<i64>,
    scratch: Vec<u32>,
}

/// Appends ids, which are in ascending order, to `out`.
pub(super) fn pack_list(ids: &[i64], out: &mut Vec<u8>) {
    let first_chunk = ids.first().map_or(0, |first| first.div_euclid(64));
    let last_chunk = ids.last().map_or(0, |last| last.div_euclid(64));
    if last_chunk.abs_diff(first_chunk) < max_chunks(ids.len()) as u64 {
        out.push(BITMAP);
        out.extend_from_slice(&first_chunk.to_le_bytes());
        let mut ids = ids.iter().peekable();
        for chunk in first_chunk..=last_chunk {
            let mut bits = 0_u64;
            while let Some(id) = ids.next_if(|id| id.div_euclid(64) == chunk) {
                bits |= 1 << id.rem_euclid(64);
            }
            out.extend_from_slice(&bits.to_le_bytes());
        }
        return;
    }
    out.push(DELTAS);
    // There are no more than a block has records.
    let len = u16::try_from(ids.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&len.to_le_bytes());
    pack::pack_deltas(ids, out);
}

impl<'l> IdList<'l> {
    /// The list that is written there; `None` when there is none, or one that is longer than any that is written.
    pub(super) fn read(bytes: &'l [u8]) -> Option<Self> {
        let (form, bytes) = bytes.split_first()?;
        match *form {
            BITMAP => {
                let (first_chunk, bytes) = bytes.split_first_chunk()?;
                let first_chunk = i64::from_le_bytes(*first_chunk);
                let (chunks, rest) = bytes.as_chunks();
                let last_chunk = first_chunk.checked_add(i64::try_from(chunks.len()).ok()? - 1)?;
                // All of its bits must be ids.
                first_chunk.checked_mul(64)?;
                last_chunk.checked_mul(64)?;
                let sound = rest.is_empty() && chunks.len() <= max_chunks(BLOCK_RECORDS as usize);
                sound.then_some(IdList::Bitmap {
                    first_chunk,
                    chunks,
                })
            }
            DELTAS => {
                let (len, packed) = bytes.split_first_chunk()?;
                let len = usize::from(u16::from_le_bytes(*len));
                (len <= BLOCK_RECORDS as usize).then_some(IdList::Deltas { len, packed })
            }
            _ => None,
        }
    }

    /// Whether this is a bitmap that has the bit of an id.
    pub(in crate::store) fn has_bit(self, id: i64) -> bool {
        let IdList::Bitmap {
            first_chunk,
            chunks,
        } = self
        else {
            return false;
        };
        let chunk = id.div_euclid(64).checked_sub(first_chunk);
        let bits = chunk.and_then(|chunk| chunks.get(usize::try_from(chunk).ok()?));
        bits.is_some_and(|bits| u64::from_le_bytes(*bits) >> id.rem_euclid(64) & 1 != 0)
    }

    /// Puts the ids in ascending order into `ids`, which is filled anew; `None` when that is not what was written.
    pub(super) fn unpack(self, ids: &mut Vec<i64>, scratch: &mut Vec<u32>) -> Option<()> {
        match self {
            IdList::Bitmap {
                first_chunk,
                chunks,
            } => {
                ids.clear();
                for (chunk, bits) in (first_chunk..).zip(chunks) {
                    let mut bits = u64::from_le_bytes(*bits);
                    while bits != 0 {
                        ids.push(chunk * 64 + i64::from(bits.trailing_zeros()));
                        bits &= bits - 1;
                    }
                }
                Some(())
            }
            IdList::Deltas { len, mut packed } => {
                pack::unpack_deltas(&mut packed, len, scratch, ids)
            }
        }
    }
}

impl ListBuffer {
    /// The ids of a [sound](ListBuffer::is_sound) list in ascending order.
    pub(in crate::store) fn unpack(&mut self, list: IdList<'_>) -> &[i64] {
        match list.unpack(&mut self.ids, &mut self.scratch) {
            Some(()) => &self.ids,
            None => &[],
        }
    }

    /// Whether a list can be that of a block with so many records.
    pub(super) fn is_sound(&mut self, list: IdList<'_>, records: usize) -> bool {
        let len = match list {
            IdList::Bitmap { chunks, .. } => {
                let ones = |chunk: &[u8; 8]| u64::from_le_bytes(*chunk).count_ones() as usize;
                chunks.iter().map(ones).sum()
            }
            IdList::Deltas { len, .. } => {
                if list.unpack(&mut self.ids, &mut self.scratch).is_none() {
                    return false;
                }
                len
            }
        };
        len <= records
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn there_and_back(ids: &[i64]) -> (u8, Vec<i64>) {
        let mut bytes = Vec::new();
        pack_list(ids, &mut bytes);
        let list = IdList::read(&bytes).unwrap();
        (bytes[0], ListBuffer::default().unpack(list).to_vec())
    }

    #[test]
    fn dense_ids_are_a_bitmap_and_others_differences() {
        let all: Vec<i64> = (1..=4096).collect();
        let few = [1, 63, 64, 65, 500];
        let edges = [i64::MIN, -1, 0, i64::MAX];
        let ends = [[i64::MIN].as_slice(), &[i64::MAX], &[-65, -64, -1, 0]];
        for ids in [&all[..], &few, &[], &[-7]].into_iter().chain(ends) {
            assert_eq!(there_and_back(ids), (BITMAP, ids.to_vec()));
        }
        for ids in [&edges[..], &[1, 1000]] {
            assert_eq!(there_and_back(ids), (DELTAS, ids.to_vec()));
        }
    }

    #[test]
    fn what_is_no_list_is_noticed() {
        for bytes in [
            &[][..],
            &[2],
            &[BITMAP, 0, 0],
            &[BITMAP, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            &[BITMAP, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
            &[DELTAS, 1],
        ] {
            assert!(IdList::read(bytes).is_none(), "{bytes:?}");
        }
        let mut buffer = ListBuffer::default();
        let cut = IdList::read(&[DELTAS, 9, 0, 1, 2]).unwrap();
        assert!(!buffer.is_sound(cut, 9) && buffer.unpack(cut).is_empty());
    }

    /// Of a file that somebody made to hurt.
    #[test]
    fn no_list_is_longer_than_its_block() {
        let mut bytes = Vec::new();
        pack_list(&(0..4096).map(|i| i * 16).collect::<Vec<_>>(), &mut bytes);
        let longest = IdList::read(&bytes).unwrap();
        assert!(matches!(longest, IdList::Bitmap { .. }));
        let mut buffer = ListBuffer::default();
        assert!(buffer.is_sound(longest, 4096) && !buffer.is_sound(longest, 4095));
        bytes.resize(9 + 8 * (max_chunks(4096) + 1), 0);
        assert!(IdList::read(&bytes).is_none());
        assert!(IdList::read(&[DELTAS, 1, 16]).is_none());
    }

    proptest! {
        #[test]
        fn any_ids_come_back(mut ids: Vec<i64>, mut near in prop::collection::vec(-300..5000_i64, 1..500)) {
            for ids in [&mut ids, &mut near] {
                ids.sort_unstable();
                ids.dedup();
                prop_assert_eq!(&there_and_back(ids).1, &*ids);
                let mut bytes = Vec::new();
                pack_list(ids, &mut bytes);
                let list = IdList::read(&bytes).unwrap();
                let bitmap = matches!(list, IdList::Bitmap { .. });
                for id in -400..400 {
                    prop_assert_eq!(list.has_bit(id), bitmap && ids.contains(&id));
                }
            }
        }
    }
}
