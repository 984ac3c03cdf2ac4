//! Real pickles that were cut or changed, and random ones: no panic, and whatever comes of them stays within bounds.

#![expect(clippy::unwrap_used, reason = "a test may")]

#[path = "pickles/bounds.rs"]
mod bounds;
mod pickles;

use proptest::prelude::*;

use crate::bounds::{decode, record_with, text};

#[test]
fn a_record_cut_anywhere_is_refused() {
    for pickle in samples(&["a traceback", "extra fields", "objects", "times"]) {
        for end in 0..pickle.len() {
            assert!(decode(&pickle[..end]).is_err(), "cut at {end}");
        }
    }
}

#[test]
fn a_record_with_any_byte_changed_does_no_harm() {
    for pickle in samples(&["extra fields"]) {
        mutate(&pickle, |byte| {
            [0, 0xFF, b'.', b'(', b'R', byte ^ 1, byte ^ 0x80, byte / 2].into_iter()
        });
    }
    mutate(&samples(&["a record"])[0], |byte| {
        (0..=255).filter(move |other| *other != byte)
    });
    for pickle in samples(&[
        "objects",
        "objects of protocol 2",
        "times",
        "numbers and names",
    ]) {
        mutate(&pickle, |byte| [byte ^ 1, byte ^ 8].into_iter());
    }
}

fn mutate<I: Iterator<Item = u8>>(pickle: &[u8], others: impl Fn(u8) -> I) {
    let mut mutant = pickle.to_vec();
    for at in 0..pickle.len() {
        for other in others(pickle[at]) {
            mutant[at] = other;
            let _ = decode(&mutant);
        }
        mutant[at] = pickle[at];
    }
}

/// Records of these names, in protocols 1 and 4. They are sound.
fn samples(names: &[&str]) -> Vec<Vec<u8>> {
    let mut samples = Vec::new();
    for (_, entries) in pickles::corpora()
        .into_iter()
        .filter(|(version, _)| version == "3.6")
    {
        for entry in entries
            .into_iter()
            .filter(|entry| names.contains(&&*entry.name))
        {
            for (protocol, pickle) in entry.pickles {
                assert_eq!(decode(&pickle).unwrap().message, entry.expect["message"]);
                if matches!(&*protocol, "1" | "4") {
                    samples.push(pickle);
                }
            }
        }
    }
    assert!(samples.len() >= names.len(), "the corpus lacks {names:?}");
    samples
}

/// Opcodes without operands, and small complete values: what random pickles are made of.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let opcodes = b"()]}.012NabdeloqstuQR\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x97\x98";
    let opcode = proptest::sample::select(opcodes.as_slice()).prop_map(|opcode| vec![opcode]);
    let values: [&[u8]; 23] = [
        b"K\x05",
        b"h\x00",
        b"h\x01",
        b"q\x00",
        b"q\x01",
        b"I01\n",
        b"L123456789012345678901234567890L\n",
        b"\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"G\x7f\xf8\x00\x00\x00\x00\x00\x00",
        b"C\x04\x07\xea\x0b\x16",
        b"X\x03\x00\x00\x00msg",
        b"X\x03\x00\x00\x00\xed\xb2\x80",
        b"cdatetime\ndate\n",
        b"cdatetime\ndatetime\n",
        b"cbuiltins\nset\n",
        b"cbuiltins\ngetattr\n",
        b"cbuiltins\nValueError\n",
        b"c_codecs\nencode\n",
        b"ccopyreg\n_reconstructor\n",
        b"ccollections\nOrderedDict\n",
        b"cnumpy.core.multiarray\nscalar\n",
        b"cnumpy\ndtype\n",
        b"cm\nC\n",
    ];
    let value = proptest::sample::select(values.map(<[u8]>::to_vec).to_vec());
    prop_oneof![opcode, value]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode(&bytes);
        let _ = decode(&record_with(&bytes));
    }

    #[test]
    fn random_opcodes_do_no_harm(pieces in proptest::collection::vec(piece(), 0..60)) {
        let opcodes = pieces.concat();
        let _ = decode(&record_with(&opcodes));
        let _ = decode(&[b"}(", &text("msg")[..], &opcodes, b"u."].concat());
        // Whatever stays on the stack above the mark ends up in a list.
        let _ = decode(&record_with(&[b"](", &opcodes[..], b"e"].concat()));
    }
}
