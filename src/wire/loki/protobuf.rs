//! Push requests in protobuf: `PushRequest` of Loki's `pkg/push/push.proto`. Fields with other numbers are passed over.

use std::borrow::Cow;

use super::Labels;
use super::labels::labels;
use super::record::Entry;
use crate::wire::protobuf::{Corrupt, Fields};

/// The one error that leaves the rest of a request readable.
const NO_TIME: Corrupt = Corrupt("a time is not within the years 1677 to 2262");

/// Gives every entry with the labels of its stream to `put`, or why it cannot be read while others can.
pub(super) fn read(
    body: &[u8],
    mut put: impl FnMut(&Labels<'_>, Result<&Entry<'_>, Corrupt>),
) -> Result<(), Corrupt> {
    for stream in Fields(body).messages(1) {
        let stream = stream?;
        // They may come behind their entries.
        let mut written = Cow::Borrowed("{}");
        for field in stream.clone() {
            if let (1, wire) = field? {
                written = wire.text()?;
            }
        }
        let labels = labels(&written).ok_or(Corrupt("labels are not as in {app=\"shop\"}"))?;
        for fields in stream.messages(2) {
            match entry(fields?) {
                Ok(entry) => put(&labels, Ok(&entry)),
                Err(NO_TIME) => put(&labels, Err(NO_TIME)),
                Err(corrupt) => return Err(corrupt),
            }
        }
    }
    Ok(())
}

fn entry(fields: Fields<'_>) -> Result<Entry<'_>, Corrupt> {
    let (mut seconds, mut nanoseconds) = (0, 0);
    let (mut line, mut metadata) = (Cow::default(), Labels::new());
    for field in fields {
        match field? {
            (1, wire) => {
                for field in wire.message()? {
                    match field? {
                        (1, wire) => seconds = wire.int()?,
                        (2, wire) => nanoseconds = wire.int()?,
                        _ => {}
                    }
                }
            }
            (2, wire) => line = wire.text()?,
            (3, wire) => metadata.push(pair(wire.message()?)?),
            _ => {}
        }
    }
    let whole_ns = seconds.checked_mul(1_000_000_000);
    Ok(Entry {
        time_ns: whole_ns
            .and_then(|ns| ns.checked_add(nanoseconds))
            .ok_or(NO_TIME)?,
        line,
        metadata,
    })
}

/// A `LabelPairAdapter`.
fn pair(fields: Fields<'_>) -> Result<(Cow<'_, str>, Cow<'_, str>), Corrupt> {
    let (mut name, mut value) = (Cow::default(), Cow::default());
    for field in fields {
        match field? {
            (1, wire) => name = wire.text()?,
            (2, wire) => value = wire.text()?,
            _ => {}
        }
    }
    Ok((name, value))
}
