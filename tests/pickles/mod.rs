//! The corpus of pickles: see `make.py`.

use std::path::PathBuf;

use serde_json::{Map, Value};

/// One line of a corpus.
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Protocol and pickle.
    pub(crate) pickles: Vec<(String, Vec<u8>)>,
    /// What `CPython` says that the record holds.
    pub(crate) expect: Map<String, Value>,
}

/// Every corpus with the version of `CPython` that it came from.
pub(crate) fn corpora() -> Vec<(String, Vec<Entry>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/pickles");
    let mut corpora = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        if let Some(version) = stem.strip_prefix("corpus-") {
            let lines = std::fs::read_to_string(&path).unwrap();
            corpora.push((version.to_owned(), lines.lines().map(entry).collect()));
        }
    }
    corpora
}

fn entry(line: &str) -> Entry {
    let line: Value = serde_json::from_str(line).unwrap();
    let pickles = line["pickles"].as_object().unwrap();
    Entry {
        name: line["name"].as_str().unwrap().to_owned(),
        pickles: pickles
            .iter()
            .map(|(protocol, pickle)| (protocol.clone(), base64(pickle.as_str().unwrap())))
            .collect(),
        expect: line["expect"].as_object().unwrap().clone(),
    }
}

fn base64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let value = ALPHABET.iter().position(|letter| *letter == byte).unwrap();
        bits = bits << 6 | u32::try_from(value).unwrap();
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xFF).unwrap());
        }
    }
    bytes
}
