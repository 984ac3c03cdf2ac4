//! Records around hostile values, and what every decoded record has to keep.

use std::time::{Duration, Instant};

use logstore::wire::Context;
use logstore::wire::pickle::Decoder;
use logstore::{Batch, LogRecord, WireError};
use serde_json::Value;

/// What a record may grow to beyond eight bytes for each byte of its frame: the brackets that a cut leaves to close.
const SLACK_BYTES: usize = 8 << 10;
const MIN_BYTES: usize = 64 << 10;

/// Decodes and holds the result against what every result has to keep.
pub(crate) fn decode(pickle: &[u8]) -> Result<LogRecord, WireError> {
    let mut batch = Batch::new();
    let context = Context {
        hostname: "testhost",
        now_ns: 1,
    };
    let start = Instant::now();
    let result = Decoder::new().decode(pickle, &context, &mut batch);
    let bound = Duration::from_secs(10);
    assert!(
        start.elapsed() < bound,
        "{} bytes took {:?}",
        pickle.len(),
        start.elapsed()
    );
    if let Err(error) = result {
        assert!(batch.is_empty(), "a record in spite of {error}");
        return Err(error);
    }
    assert_eq!(batch.len(), 1);
    let row = batch.iter().next().unwrap();
    let budget = (8 * pickle.len()).max(MIN_BYTES) + SLACK_BYTES;
    if let Some(extra) = row.texts.extra {
        assert!(
            extra.len() <= budget,
            "{} bytes gave {}",
            pickle.len(),
            extra.len()
        );
        let parsed = serde_json::from_str::<serde_json::Map<String, Value>>(extra);
        assert!(parsed.is_ok(), "{parsed:?}");
    }
    assert!(
        row.texts.message.len() <= budget,
        "{} bytes of message",
        row.texts.message.len()
    );
    Ok(batch.to_record(&row))
}

/// A short text.
pub(crate) fn text(text: &str) -> Vec<u8> {
    let len = u32::try_from(text.len()).unwrap();
    [b"X", &len.to_le_bytes()[..], text.as_bytes()].concat()
}

/// A record whose field `x` is made by these opcodes, with a field before and one behind.
pub(crate) fn record_with(opcodes: &[u8]) -> Vec<u8> {
    record_of(&text("kept"), b"N", opcodes)
}

pub(crate) fn record_of(msg: &[u8], args: &[u8], extra: &[u8]) -> Vec<u8> {
    let mut pickle = b"}(".to_vec();
    for (key, value) in [
        ("name", &text("myapp")[..]),
        ("before", b"K\x01"),
        ("args", args),
        ("x", extra),
        ("after", b"K\x02"),
        ("msg", msg),
    ] {
        pickle.extend(text(key));
        pickle.extend(value);
    }
    pickle.extend(b"u.");
    pickle
}
