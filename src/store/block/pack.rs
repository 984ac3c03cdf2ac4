//! Integers as few bits: runs of 128, each with as many bits for a value as its largest one needs.
//!
//! A packed array is, for each run, one byte with the number of bits and 16 bytes for each of these bits, in the layout of
//! `bitpacking`'s `BitPacker4x`, which is that of simdcomp. The last run is filled up with zeros.

use bitpacking::{BitPacker, BitPacker4x};

/// How many values a run has.
const RUN: usize = BitPacker4x::BLOCK_LEN;

/// Appends the values to `out`, packed.
pub(super) fn pack(values: &[u32], out: &mut Vec<u8>) {
    let packer = BitPacker4x::new();
    let mut padded = [0; RUN];
    for run in values.chunks(RUN) {
        padded[..run.len()].copy_from_slice(run);
        padded[run.len()..].fill(0);
        let bits = packer.num_bits(&padded);
        out.push(bits);
        let start = out.len();
        out.resize(start + packed_bytes(bits), 0);
        packer.compress(&padded, &mut out[start..], bits);
    }
}

/// Reads `len` values from the front of `bytes` into `values`, which is filled anew; `None` when the bytes are not enough.
pub(super) fn unpack(bytes: &mut &[u8], len: usize, values: &mut Vec<u32>) -> Option<()> {
    let packer = BitPacker4x::new();
    values.resize(len.next_multiple_of(RUN), 0);
    for run in values.chunks_exact_mut(RUN) {
        let (bits, rest) = bytes.split_first()?;
        let (run_bytes, rest) =
            (*bits <= 32).then(|| rest.split_at_checked(packed_bytes(*bits)))??;
        packer.decompress(run_bytes, run, *bits);
        *bytes = rest;
    }
    values.truncate(len);
    Some(())
}

fn packed_bytes(bits: u8) -> usize {
    usize::from(bits) * RUN / 8
}

/// Appends any integers to `out`: the first as it is, then the differences from each to the next, positive and negative ones taking
/// turns, packed as a low and, where there is any difference of 32 bits or more, a high half.
pub(super) fn pack_deltas(values: &[i64], out: &mut Vec<u8>) {
    let Some(first) = values.first() else {
        return;
    };
    out.extend_from_slice(&first.to_le_bytes());
    let deltas = || {
        values
            .windows(2)
            .map(|pair| zigzag(pair[1].wrapping_sub(pair[0])))
    };
    let wide = deltas().any(|delta| delta > u64::from(u32::MAX));
    out.push(u8::from(wide));
    let mut half: Vec<u32> = Vec::with_capacity(values.len());
    half.extend(deltas().map(low));
    pack(&half, out);
    if wide {
        half.clear();
        half.extend(deltas().map(|delta| low(delta >> 32)));
        pack(&half, out);
    }
}

/// Reads `len` integers that [`pack_deltas`] wrote from the front of `bytes` into `values`, which is filled anew. `scratch` is memory
/// to work in.
pub(super) fn unpack_deltas(
    bytes: &mut &[u8],
    len: usize,
    scratch: &mut Vec<u32>,
    values: &mut Vec<i64>,
) -> Option<()> {
    values.clear();
    if len == 0 {
        return Some(());
    }
    let (first, rest) = bytes.split_first_chunk()?;
    let (wide, rest) = rest.split_first()?;
    *bytes = rest;
    let mut value = i64::from_le_bytes(*first);
    unpack(bytes, len - 1, scratch)?;
    values.reserve(len);
    values.push(value);
    if *wide == 0 {
        values.extend(scratch.iter().map(|delta| {
            value = value.wrapping_add(unzigzag(u64::from(*delta)));
            value
        }));
        return Some(());
    }
    // The low halves wait in the place of the values.
    values.extend(scratch.iter().map(|low| i64::from(*low)));
    unpack(bytes, len - 1, scratch)?;
    for (slot, high) in values[1..].iter_mut().zip(scratch) {
        let delta = slot.cast_unsigned() | u64::from(*high) << 32;
        value = value.wrapping_add(unzigzag(delta));
        *slot = value;
    }
    Some(())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low half is what is asked for"
)]
fn low(value: u64) -> u32 {
    value as u32
}

/// 0, -1, 1, -2, 2 … to 0, 1, 2, 3, 4 …
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn there_and_back(values: &[i64]) -> Vec<i64> {
        let mut bytes = Vec::new();
        pack_deltas(values, &mut bytes);
        let mut back = Vec::new();
        let mut rest = bytes.as_slice();
        unpack_deltas(&mut rest, values.len(), &mut Vec::new(), &mut back).unwrap();
        assert!(rest.is_empty());
        back
    }

    #[test]
    fn times_come_back_to_the_nanosecond() {
        let edges = [i64::MIN, i64::MAX, 0, -1, i64::MIN, 1, i64::MAX];
        assert_eq!(there_and_back(&edges), edges);
        for len in [0, 1, 2, 128, 129, 130, 4096] {
            let times: Vec<i64> = (0..len)
                .map(|i| 1_795_276_800_000_000_000 + i * i * 977)
                .collect();
            assert_eq!(there_and_back(&times), times);
        }
    }

    #[test]
    fn steady_values_take_no_room() {
        let mut bytes = Vec::new();
        pack_deltas(&(1..=4096).collect::<Vec<_>>(), &mut bytes);
        assert!(bytes.len() < 1100, "{}", bytes.len());
        bytes.clear();
        pack(&[0; 4096], &mut bytes);
        assert_eq!(bytes.len(), 32);
    }

    #[test]
    fn cut_or_odd_bytes_are_noticed() {
        let mut bytes = Vec::new();
        pack(&[70_000; 300], &mut bytes);
        let mut values = Vec::new();
        for len in 0..bytes.len() {
            assert_eq!(unpack(&mut &bytes[..len], 300, &mut values), None, "{len}");
        }
        bytes[0] = 33;
        assert_eq!(unpack(&mut &bytes[..], 300, &mut values), None);
    }

    proptest! {
        #[test]
        fn any_integers_come_back(values: Vec<i64>, small in prop::collection::vec(-3..300_i64, 0..300)) {
            prop_assert_eq!(there_and_back(&values), values);
            prop_assert_eq!(there_and_back(&small), small);
        }
    }
}
