//! Push requests in JSON: `{"streams":[{"stream":{"app":"shop"},"values":[["<ns>","<line>",{"user":"ada"}]]}]}`, or, as before Loki
//! 1.0, `{"streams":[{"labels":"{app=\"shop\"}","entries":[{"ts":"<RFC 3339>","line":"<line>"}]}]}`.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Labels;
use super::labels::labels;
use super::record::Entry;
use crate::wire::json::moment;
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
        let stream: Pushed<'_> = serde_json::from_str(stream.get())?;
        if stream.values.is_none() && stream.entries.is_none() {
            return Err(Error::custom("a stream has neither values nor entries"));
        }
        let written = stream.labels.0;
        let labels = match stream.stream {
            None if !written.is_empty() => labels(&written)
                .ok_or_else(|| Error::custom("labels are not as in {app=\"shop\"}"))?,
            labels => labels.unwrap_or_default().0,
        };
        let values = stream.values.flatten().unwrap_or_default().into_iter();
        let entries = stream.entries.flatten().unwrap_or_default().into_iter();
        let read = values
            .map(|value| serde_json::from_str::<Value<'_>>(value.get()).map(Entry::from))
            .chain(entries.map(|entry| {
                serde_json::from_str::<Legacy<'_>>(entry.get()).and_then(Entry::try_from)
            }));
        for entry in read {
            match entry {
                Ok(entry) => put(&labels, Ok(&entry)),
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
struct Pushed<'a> {
    #[serde(borrow)]
    stream: Option<Object<'a>>,
    #[serde(borrow, default)]
    labels: Text<'a>,
    #[serde(borrow, default, deserialize_with = "sent")]
    values: Sent<'a>,
    #[serde(borrow, default, deserialize_with = "sent")]
    entries: Sent<'a>,
}

/// What was sent, be it `null`; `None` when nothing was.
type Sent<'a> = Option<Option<Vec<&'a RawValue>>>;

fn sent<'de: 'a, 'a, D: Deserializer<'de>>(from: D) -> Result<Sent<'a>, D::Error> {
    Deserialize::deserialize(from).map(Some)
}

/// Time, line, and structured metadata.
#[derive(Deserialize)]
struct Value<'a>(
    Whole<i64>,
    #[serde(borrow)] Text<'a>,
    #[serde(borrow, default)] Option<Object<'a>>,
);

impl<'a> From<Value<'a>> for Entry<'a> {
    fn from(Value(time, line, metadata): Value<'a>) -> Self {
        Entry {
            time_ns: time.0,
            line: line.0,
            metadata: metadata.unwrap_or_default().0,
        }
    }
}

/// An entry as it was before Loki 1.0.
#[derive(Deserialize)]
struct Legacy<'a> {
    #[serde(borrow, default)]
    ts: Text<'a>,
    #[serde(borrow)]
    line: Text<'a>,
}

impl<'a> TryFrom<Legacy<'a>> for Entry<'a> {
    type Error = serde_json::Error;

    fn try_from(Legacy { ts, line }: Legacy<'a>) -> Result<Self, serde_json::Error> {
        let time_ns = match &*ts.0 {
            "" => Some(0),
            text => moment(text),
        };
        Ok(Entry {
            time_ns: time_ns.ok_or_else(|| Error::custom(format!("{:?} is no time", ts.0)))?,
            line: line.0,
            metadata: Labels::new(),
        })
    }
}

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
