//! How fast the arrays of blocks are decoded: by the store's own decoder, on one thread, with nothing around it.

use std::collections::HashMap;
use std::hash::Hash;
use std::hint::black_box;
use std::time::Instant;

use logstore::LogRecord;

use crate::Result;
use crate::common::{middle, number, verdict};
use crate::records::records;

#[expect(
    dead_code,
    reason = "cargo compiles its tests as well, but does not run them here"
)]
#[path = "../../src/store/block/pack.rs"]
mod pack;

const RECORDS_PER_BLOCK: usize = 4096;
const BLOCKS: usize = 128;
const PASSES: usize = 25;

/// The bar, in millions of values a second.
const MILLIONS: f64 = 200.0;

/// The arrays of a block, packed.
struct Block {
    sites: Vec<u8>,
    origins: Vec<u8>,
    created: Vec<u8>,
}

/// A line with the speeds, and whether all of them clear the bar.
pub(crate) fn measure(total: usize) -> Result<(String, bool)> {
    let some: Vec<LogRecord> = records(total).take(BLOCKS * RECORDS_PER_BLOCK).collect();
    let blocks: Vec<Block> = some.chunks_exact(RECORDS_PER_BLOCK).map(block).collect();
    let (mut places, mut times) = (Vec::new(), Vec::new());
    let mut unpack = |mut bytes: &[u8]| {
        pack::unpack(&mut bytes, RECORDS_PER_BLOCK, &mut places)?;
        black_box(&mut places);
        Some(())
    };
    let sites = millions(&blocks, |block| unpack(&block.sites))?;
    let origins = millions(&blocks, |block| unpack(&block.origins))?;
    let created = millions(&blocks, |block| {
        let mut bytes = &*block.created;
        pack::unpack_deltas(&mut bytes, RECORDS_PER_BLOCK, &mut places, &mut times)?;
        black_box(&mut times);
        Some(())
    })?;
    let met = [sites, origins, created]
        .iter()
        .all(|speed| *speed >= MILLIONS);
    let bar = verdict(&format!("each >= {MILLIONS}"), met);
    let line = format!(
        "arrays decoded, million values/s on one core: site {sites:.0}, origin {origins:.0}, created {created:.0}; {bar}\n"
    );
    Ok((line, met))
}

/// How many million values are decoded each second, in the middle one of the passes over all blocks.
fn millions(blocks: &[Block], mut decode: impl FnMut(&Block) -> Option<()>) -> Result<f64> {
    let mut seconds = Vec::new();
    for _ in 0..PASSES {
        let start = Instant::now();
        for block in blocks {
            decode(block).ok_or("an array is shorter than it was packed")?;
        }
        seconds.push(start.elapsed().as_secs_f64());
    }
    let values = blocks.len() * RECORDS_PER_BLOCK;
    Ok(number(values as u64) / 1e6 / middle(seconds))
}

fn block(records: &[LogRecord]) -> Block {
    let sites = records.iter().map(|record| &*record.site);
    let origins = records.iter().map(|record| &*record.origin);
    let times: Vec<i64> = records.iter().map(|record| record.created_ns).collect();
    let mut created = Vec::new();
    pack::pack_deltas(&times, &mut created);
    Block {
        sites: packed_places(sites),
        origins: packed_places(origins),
        created,
    }
}

/// The place of each among those that differ, packed.
fn packed_places<T: Eq + Hash>(values: impl Iterator<Item = T>) -> Vec<u8> {
    let mut known = HashMap::new();
    let places = values.map(|value| {
        let next = known.len();
        let place = *known.entry(value).or_insert(next);
        u32::try_from(place).expect("a block has 4,096 records")
    });
    let places: Vec<u32> = places.collect();
    let mut packed = Vec::new();
    pack::pack(&places, &mut packed);
    packed
}
