//! Building: records go in one by one, a block comes out.

use rusqlite::{Connection, params};

use super::list::pack_list;
use super::read::next_generation;
use super::words::WordSet;
use super::{BLOCK_RECORDS, Extent, Part, SEAL_BYTES, pack};
use crate::batch::Texts;
use crate::words::{each_word, each_word_of_json};

/// The records of a block that is not full yet.
#[derive(Debug, Default)]
pub(in crate::store) struct BlockBuilder {
    ids: Vec<i64>,
    created: Vec<i64>,
    sites: Vec<i64>,
    origins: Vec<i64>,
    set: WordSet,
}

/// A block ready to be written.
#[derive(Debug)]
pub(in crate::store) struct NewBlock {
    extent: Extent,
    sites: Vec<u8>,
    origins: Vec<u8>,
    record: Option<Vec<u8>>,
    site: Vec<u8>,
    origin: Vec<u8>,
    created: Vec<u8>,
    words: Vec<u8>,
}

impl BlockBuilder {
    pub(in crate::store) fn is_full(&self) -> bool {
        self.ids.len() >= BLOCK_RECORDS as usize
    }

    /// The first record's id.
    pub(in crate::store) fn first_id(&self) -> Option<i64> {
        self.ids.first().copied()
    }

    /// Adds a record, whose id is greater than those before.
    pub(in crate::store) fn push(
        &mut self,
        id: i64,
        created_ns: i64,
        site: i64,
        origin: i64,
        texts: &Texts<'_>,
    ) {
        self.ids.push(id);
        self.created.push(created_ns);
        self.sites.push(site);
        self.origins.push(origin);
        each_indexed_word(texts, |hash| self.set.insert(hash));
    }

    /// The block of the records so far, which are forgotten; `None` when there are none.
    pub(in crate::store) fn take(&mut self) -> Option<NewBlock> {
        let extent = Extent {
            id: *self.ids.first()?,
            last_id: *self.ids.last()?,
            records: self.ids.len(),
            min_created: *self.created.iter().min()?,
            max_created: *self.created.iter().max()?,
        };
        let (sites, site) = distinct(&self.sites);
        let (origins, origin) = distinct(&self.origins);
        let deltas = |values: &[i64]| blob(|out| pack::pack_deltas(values, out));
        let list = |ids: &[i64]| blob(|out| pack_list(ids, out));
        let block = NewBlock {
            extent,
            sites: extent.seal(Part::Sites, list(&sites)),
            origins: extent.seal(Part::Origins, list(&origins)),
            record: (!extent.is_contiguous()).then(|| extent.seal(Part::Record, deltas(&self.ids))),
            site: extent.seal(Part::Site, blob(|out| pack::pack(&site, out))),
            origin: extent.seal(Part::Origin, blob(|out| pack::pack(&origin, out))),
            created: extent.seal(Part::Created, deltas(&self.created)),
            words: extent.seal(
                Part::Words,
                blob(|out| out.extend_from_slice(&self.set.take_filter())),
            ),
        };
        self.clear();
        Some(block)
    }

    /// Forgets the records so far.
    pub(in crate::store) fn clear(&mut self) {
        self.ids.clear();
        self.created.clear();
        self.sites.clear();
        self.origins.clear();
        self.set.clear();
    }
}

/// Calls `found` with each word that a block's filter has to hold for a record of these texts.
pub(in crate::store) fn each_indexed_word(texts: &Texts<'_>, mut found: impl FnMut(u64)) {
    each_word(texts.message, &mut found);
    for text in [texts.exc_text, texts.stack_info].into_iter().flatten() {
        each_word(text, &mut found);
    }
    if let Some(extra) = texts.extra {
        each_word_of_json(extra, &mut found);
    }
}

/// The different values in ascending order, and for each value its place among them.
fn distinct(values: &[i64]) -> (Vec<i64>, Vec<u32>) {
    let first = values.iter().min().copied().unwrap_or_default();
    // Ids mostly lie so near to each other that a bit for each tells all of it.
    let offset = |value: i64| usize::try_from(value.abs_diff(first)).unwrap_or(usize::MAX);
    let span = values.iter().copied().map(offset).max().unwrap_or_default();
    if span >= MAX_BITMAP_BITS {
        return distinct_by_sorting(values);
    }
    let mut bitmap = vec![0_u64; span / 64 + 1];
    for value in values {
        let at = offset(*value);
        bitmap[at / 64] |= 1 << (at % 64);
    }
    let mut distinct = Vec::new();
    // How many there are before each 64 bits.
    let mut before = Vec::with_capacity(bitmap.len());
    let mut start = first;
    for bits in &bitmap {
        before.push(place_of(distinct.len()));
        let mut rest = *bits;
        while rest != 0 {
            distinct.push(start + i64::from(rest.trailing_zeros()));
            rest &= rest - 1;
        }
        start = start.wrapping_add(64);
    }
    let places = values.iter().map(|value| {
        let at = offset(*value);
        let lower = bitmap[at / 64] & ((1 << (at % 64)) - 1);
        before[at / 64] + lower.count_ones()
    });
    let places = places.collect();
    (distinct, places)
}

/// A bitmap over more than this would be larger than what is sorted instead: 4,096 values of 16 bits.
const MAX_BITMAP_BITS: usize = 1 << 16;

fn distinct_by_sorting(values: &[i64]) -> (Vec<i64>, Vec<u32>) {
    let mut distinct = values.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let place = |value: &i64| place_of(distinct.partition_point(|other| other < value));
    let places = values.iter().map(place).collect();
    (distinct, places)
}

/// There are no more places than a block has records.
fn place_of(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// A blob with room for its seal in front.
fn blob(fill: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut blob = vec![0; SEAL_BYTES];
    fill(&mut blob);
    blob
}

impl NewBlock {
    pub(in crate::store) fn extent(&self) -> Extent {
        self.extent
    }

    /// Writes the block among others: a [`next_generation`] of blocks.
    pub(in crate::store) fn insert_among(&self, connection: &Connection) -> rusqlite::Result<()> {
        self.append(connection)?;
        next_generation(connection)
    }

    /// Writes the block behind all others.
    pub(in crate::store) fn append(&self, connection: &Connection) -> rusqlite::Result<()> {
        let Extent {
            id,
            last_id,
            records,
            min_created,
            max_created,
        } = self.extent;
        connection
            .prepare_cached(
                "REPLACE INTO block (id, last_id, records, min_created, max_created, sites, origins) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                id,
                last_id,
                i64::try_from(records).unwrap_or(i64::MAX),
                min_created,
                max_created,
                self.sites,
                self.origins
            ])?;
        connection
            .prepare_cached(
                "REPLACE INTO block_column (id, origin, site, created, record) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![id, self.origin, self.site, self.created, self.record])?;
        connection
            .prepare_cached("REPLACE INTO block_words (id, words) VALUES (?1, ?2)")?
            .execute(params![id, self.words])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_as_far_apart_as_can_be_are_told_apart() {
        let edges = [i64::MAX, i64::MIN, 0, i64::MAX, -1];
        let expected = (vec![i64::MIN, -1, 0, i64::MAX], vec![3, 0, 2, 3, 1]);
        assert_eq!(distinct(&edges), expected);
        for end in [i64::MAX, i64::MIN + 70] {
            assert_eq!(
                distinct(&[end, end - 70]),
                (vec![end - 70, end], vec![1, 0])
            );
        }
        assert_eq!(distinct(&[]), (vec![], vec![]));
        for last in [65_534, 65_535, 65_536, 65_537] {
            assert_eq!(distinct(&[last, 0]), (vec![0, last], vec![1, 0]));
        }
    }

    proptest! {
        #[test]
        fn bits_tell_what_sorting_does(values in prop::collection::vec(-200..2000_i64, 0..500)) {
            prop_assert_eq!(distinct(&values), distinct_by_sorting(&values));
        }
    }
}
