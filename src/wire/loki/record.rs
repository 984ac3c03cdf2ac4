//! An entry of a stream becomes a record.

use std::borrow::Cow;

use super::Labels;
use crate::batch::Texts;
use crate::error::WireError;
use crate::level::Level;
use crate::wire::escape::put_json_string;
use crate::wire::intern::{Interner, MAX_NAME_BYTES, OriginKey, SiteKey};
use crate::wire::members::{keep_last, put_key};
use crate::wire::record::WireRecord;
use crate::wire::request::Request;

/// A line with its time.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    /// Nanoseconds since the Unix epoch, UTC; 0 when the client did not say.
    pub(super) time_ns: i64,
    pub(super) line: Cow<'a, str>,
    /// The structured metadata.
    pub(super) metadata: Labels<'a>,
}

/// The places that labels may have in a record, each with its labels, the first one that is there first.
const PLACES: [&[&str]; 4] = [
    &["job", "service_name", "app", "logger"],
    &["level", "detected_level", "severity"],
    &["host", "hostname", "instance", "nodename"],
    &["filename"],
];

/// Reused from entry to entry.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    extra: String,
}

/// How much memory a buffer keeps from an unusually large entry.
const KEPT_BYTES: usize = 64 << 10;

impl Entry<'_> {
    /// Adds the entry to the request's batch as a record.
    pub(super) fn put<R: FnMut(WireError)>(
        &self,
        labels: &Labels<'_>,
        request: &mut Request<'_, R>,
        interner: &mut Interner,
        scratch: &mut Scratch,
    ) {
        // Before anything is done for an entry that has no room.
        let shared: usize = labels
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        if let Err(error) = request.room_for(shared) {
            return request.reject(error);
        }
        let both = labels.iter().chain(&self.metadata);
        let mut fields: Vec<(&str, &str)> = both.map(|(key, value)| (&**key, &**value)).collect();
        keep_last(&mut fields);

        let places = PLACES.map(|names| place_of(names, &fields));
        let extra = &mut scratch.extra;
        extra.clear();
        extra.shrink_to(KEPT_BYTES);
        for (i, (key, value)) in fields.iter().enumerate() {
            if !places.contains(&Some(i)) {
                if extra.is_empty() {
                    extra.push('{');
                }
                put_key(key, extra);
                put_json_string(value, extra);
            }
        }
        if !extra.is_empty() {
            extra.push('}');
        }
        let [name, level_name, hostname, pathname] =
            places.map(|place| place.map_or("", |i| fields[i].1));
        let record = WireRecord {
            created_ns: (self.time_ns != 0).then_some(self.time_ns),
            site: SiteKey {
                name: name.as_bytes(),
                level: level_name.parse().unwrap_or(Level::NOTSET),
                level_name: level_name.as_bytes(),
                pathname: pathname.as_bytes(),
                ..SiteKey::default()
            },
            origin: OriginKey {
                hostname: hostname.as_bytes(),
                ..OriginKey::default()
            },
            texts: Texts {
                message: &self.line,
                extra: (!extra.is_empty()).then_some(extra.as_str()),
                ..Texts::default()
            },
        };
        request.put(&record, interner);
    }
}

/// Which field goes to the place of these names: one that says something, and of which nothing would be cut.
fn place_of(names: &[&str], fields: &[(&str, &str)]) -> Option<usize> {
    names.iter().find_map(|name| {
        fields.iter().position(|(key, value)| {
            key == name && !value.is_empty() && value.len() <= MAX_NAME_BYTES
        })
    })
}
