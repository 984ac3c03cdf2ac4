//! Push requests in JSON: `{"streams":[{"stream":{"app":"shop"},"values":[["<ns>","<line>",{"user":"ada"}]]}]}`.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Labels;
use super::record::Entry;
use crate::wire::lenient::{Text, Whole};
use crate::wire::members::keep_last;

/// Gives every entry with the labels of its stream to `put`, or why it cannot be read while others can.
///
/// The whole is sound JSON before the first entry is looked at.
pub(super) fn read(
    body: &[u8],
    mut put: impl FnMut(&Labels<'_>, Result<&Entry<'_>, serde_json::Error>),
) -> serde_json::Result<()> {
    let request: Push<'_> = serde_json::from_slice(body)?;
    for stream in request.streams {
        let stream: Stream<'_> = serde_json::from_str(stream.get())?;
        let labels = stream.stream.unwrap_or_default().0;
        for value in stream.values.unwrap_or_default() {
            match serde_json::from_str::<Value<'_>>(value.get()) {
                Ok(Value(time, line, metadata)) => {
                    let entry = Entry {
                        time_ns: time.0,
                        line: line.0,
                        metadata: metadata.unwrap_or_default().0,
                    };
                    put(&labels, Ok(&entry));
                }
                Err(error) => put(&labels, Err(error)),
            }
        }
    }
    Ok(())
}

/// What is in lists is read when its turn comes, so that a body of many small things takes little memory.
#[derive(Deserialize)]
struct Push<'a> {
    #[serde(borrow)]
    streams: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Stream<'a> {
    #[serde(borrow)]
    stream: Option<Object<'a>>,
    #[serde(borrow)]
    values: Option<Vec<&'a RawValue>>,
}

/// Time, line, and structured metadata.
#[derive(Deserialize)]
struct Value<'a>(
    Whole<i64>,
    #[serde(borrow)] Text<'a>,
    #[serde(borrow, default)] Option<Object<'a>>,
);

/// An object of texts.
#[derive(Default)]
struct Object<'a>(Labels<'a>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut labels = Labels::new();
                while let Some((Text(key), Text(value))) = map.next_entry()? {
                    labels.push((key, value));
                }
                keep_last(&mut labels);
                Ok(Object(labels))
            }
        }
        from.deserialize_map(Visit)
    }
}
