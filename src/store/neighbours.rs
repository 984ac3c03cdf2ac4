//! The records next to a record in time order, of its origin or of all: found from the segments around it, without a look at the rest.

use std::cmp::Reverse;
use std::collections::HashMap;

use rusqlite::Connection;

use super::block::ListBuffer;
use super::plan::{Plan, Segment};
use super::reader::Reader;
use super::scan::{Key, Lens, Search};
use crate::error::StoreError;
use crate::query::{ContextOf, Query};

/// How many segments stay open for those who ask next: some 12 MB. Matches come in time order, so they meet the same ones again.
const OPEN_SEGMENTS: usize = 128;

/// Which way to look from a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Toward {
    Older,
    Newer,
}

/// Whose records count; `None`: everybody's.
pub(super) type Whose = Option<i64>;

/// Finds the neighbours of records among all that were stored at one moment.
pub(super) struct Neighbours {
    map: Map,
    open: OpenSegments,
}

/// Where the records of each origin are.
struct Map {
    /// In the order of their first keys.
    segments: Vec<Segment>,
    /// Of each segment the last key that it or one before it in this order can have.
    reach: Vec<Key>,
    /// The segments that may have records of an origin, in the same order.
    of: HashMap<Whose, Vec<usize>>,
}

/// Segments that have been looked into, and how to look into others.
struct OpenSegments {
    reader: Reader,
    search: Search,
    lens: Lens,
    /// By number, each with the moment of its last use.
    segments: HashMap<usize, (u64, Vec<Entry>)>,
    moment: u64,
    /// Between which keys the records of an origin lie in a segment that has been looked into. Where clocks differ, that is much less
    /// than the time that the segment spans.
    ends: HashMap<(Whose, usize), (Key, Key)>,
    /// How many there may be.
    most: usize,
}

/// How many ends are remembered: some 10 MB.
const KNOWN_ENDS: usize = 1 << 17;

/// A record and its origin.
type Entry = (Key, i64);

impl Neighbours {
    /// Takes all records into account that are not newer than this id.
    pub(super) fn new(reader: &Reader, last_id: i64, of: ContextOf) -> Result<Self, StoreError> {
        reader.read(|connection| {
            let read = connection.unchecked_transaction()?;
            let search = Search::new(&read, &Query::default(), last_id)?;
            let mut whose = Vec::new();
            let mut buffer = ListBuffer::default();
            let mut plan = Plan::of(&read, &reader.blocks, &search.bounds, |summary| {
                let wanted = summary.extent.id <= last_id;
                if wanted {
                    let origins = match of {
                        ContextOf::SameOrigin => buffer.unpack(summary.origins),
                        ContextOf::Any => &[],
                    };
                    whose.push(lists_of(of, origins));
                }
                wanted
            })?;
            drop(read);
            plan.look_at_gaps(connection, &search)?;
            for segment in &plan.segments[whose.len()..] {
                whose.push(lists_of(of, &origins_of(connection, segment)?));
            }
            Ok(Neighbours {
                map: Map::new(plan.segments.into_iter().zip(whose).collect()),
                open: OpenSegments {
                    reader: reader.clone(),
                    search,
                    lens: Lens::default(),
                    segments: HashMap::new(),
                    moment: 0,
                    ends: HashMap::new(),
                    most: OPEN_SEGMENTS,
                },
            })
        })
    }

    /// The keys next to this one, the nearest first: so many, or all that there are.
    pub(super) fn next(
        &mut self,
        whose: Whose,
        from: Key,
        toward: Toward,
        most: usize,
    ) -> Result<Vec<Key>, StoreError> {
        let Neighbours { map, open } = self;
        let mut nearest = Nearest {
            whose,
            from,
            toward,
            most,
            keys: Vec::new(),
        };
        let Some(of) = map.of.get(&whose).filter(|_| most > 0) else {
            return Ok(Vec::new());
        };
        // Segments that begin at or before the record, the last of them first; and those that begin behind it.
        let behind = of.partition_point(|number| map.segments[*number].first <= from);
        let (until, behind) = of.split_at(behind);
        let reaching = until.iter().rev().copied();
        match toward {
            Toward::Older => {
                for number in reaching {
                    if !nearest.reaches(map.reach[number]) {
                        break;
                    }
                    open.look(map, number, &mut nearest)?;
                }
            }
            Toward::Newer => {
                // All of these lie around the record, so only what is known of them tells which is nearest.
                let mut reaching: Vec<usize> = reaching
                    .take_while(|number| map.reach[*number] > from)
                    .filter(|number| map.segments[*number].last > from)
                    .collect();
                reaching.sort_by_cached_key(|number| open.ends(map, whose, *number).0);
                for number in reaching.into_iter().chain(behind.iter().copied()) {
                    if !nearest.may_take(map.segments[number].first, map.reach[number]) {
                        break;
                    }
                    open.look(map, number, &mut nearest)?;
                }
            }
        }
        Ok(nearest.keys)
    }
}

impl Map {
    /// Of segments, each with whose records it may have.
    fn new(mut segments: Vec<(Segment, Vec<Whose>)>) -> Self {
        segments.sort_by_key(|(segment, _)| segment.first);
        let mut map = Map {
            segments: Vec::with_capacity(segments.len()),
            reach: Vec::with_capacity(segments.len()),
            of: HashMap::new(),
        };
        for (number, (segment, whose)) in segments.into_iter().enumerate() {
            for whose in whose {
                map.of.entry(whose).or_default().push(number);
            }
            let before = map.reach.last().copied();
            map.reach
                .push(before.unwrap_or(segment.last).max(segment.last));
            map.segments.push(segment);
        }
        map
    }
}

/// In whose lists a segment with records of these origins stands.
fn lists_of(of: ContextOf, origins: &[i64]) -> Vec<Whose> {
    match of {
        ContextOf::SameOrigin => origins.iter().copied().map(Some).collect(),
        ContextOf::Any => vec![None],
    }
}

impl OpenSegments {
    /// Finds what a segment has of the nearest keys.
    fn look(&mut self, map: &Map, number: usize, nearest: &mut Nearest) -> Result<(), StoreError> {
        let which = (nearest.whose, number);
        let (first, last) = self.ends(map, nearest.whose, number);
        if !nearest.may_take(first, last) {
            return Ok(());
        }
        let known = self.ends.contains_key(&which);
        let entries = self.get(map, number)?;
        nearest.add(entries);
        if !known {
            let ends = nearest.ends(entries);
            if self.ends.len() >= KNOWN_ENDS {
                self.ends.clear();
            }
            self.ends.insert(which, ends);
        }
        Ok(())
    }

    /// The first and the last key that a segment can have of an origin.
    fn ends(&self, map: &Map, whose: Whose, number: usize) -> (Key, Key) {
        let Segment { first, last, .. } = map.segments[number];
        let known = self.ends.get(&(whose, number));
        known.copied().unwrap_or((first, last))
    }

    /// The records of a segment in time order.
    fn get(&mut self, map: &Map, number: usize) -> Result<&[Entry], StoreError> {
        self.moment += 1;
        if !self.segments.contains_key(&number) {
            if self.segments.len() >= self.most {
                let oldest = self.segments.iter().min_by_key(|(_, (used, _))| *used);
                if let Some(oldest) = oldest.map(|(oldest, _)| *oldest) {
                    self.segments.remove(&oldest);
                }
            }
            let mut entries = Vec::new();
            self.reader.read(|connection| {
                let segment = &map.segments[number];
                self.lens.each(connection, &self.search, segment, |hit| {
                    entries.push((hit.key, hit.origin));
                })
            })?;
            // Mostly in order already.
            entries.sort_unstable();
            self.segments.insert(number, (self.moment, entries));
        }
        let (used, entries) = self.segments.entry(number).or_default();
        *used = self.moment;
        Ok(entries)
    }
}

/// The nearest keys that have been found so far.
struct Nearest {
    whose: Whose,
    from: Key,
    toward: Toward,
    most: usize,
    keys: Vec<Key>,
}

impl Nearest {
    fn furthest(&self) -> Option<Key> {
        self.keys.get(self.most - 1).copied()
    }

    /// Whether a key up to this one may be among them.
    fn reaches(&self, last: Key) -> bool {
        match self.toward {
            Toward::Older => self.furthest().is_none_or(|furthest| last > furthest),
            Toward::Newer => last > self.from,
        }
    }

    /// Whether a key between these two may be among them.
    fn may_take(&self, first: Key, last: Key) -> bool {
        let begins = match self.toward {
            Toward::Older => first < self.from,
            Toward::Newer => self.furthest().is_none_or(|furthest| first < furthest),
        };
        begins && self.reaches(last)
    }

    /// The first and the last key of those that count; without any, two that nothing lies between.
    fn ends(&self, entries: &[Entry]) -> (Key, Key) {
        let mut ours = entries.iter().filter(is_of(self.whose));
        let Some((first, _)) = ours.next() else {
            return ((i64::MAX, i64::MAX), (i64::MIN, i64::MIN));
        };
        (*first, ours.next_back().map_or(*first, |(last, _)| *last))
    }

    /// Takes those of these records that are nearer than what there is.
    fn add(&mut self, entries: &[Entry]) {
        match self.toward {
            Toward::Older => {
                let end = entries.partition_point(|(key, _)| *key < self.from);
                let near = entries[..end].iter().rev().filter(is_of(self.whose));
                self.keys.extend(near.take(self.most).map(|(key, _)| *key));
                self.keys.sort_by_key(|key| Reverse(*key));
            }
            Toward::Newer => {
                let start = entries.partition_point(|(key, _)| *key <= self.from);
                let near = entries[start..].iter().filter(is_of(self.whose));
                self.keys.extend(near.take(self.most).map(|(key, _)| *key));
                self.keys.sort_unstable();
            }
        }
        self.keys.truncate(self.most);
    }
}

/// Whether a record counts.
fn is_of(whose: Whose) -> impl Fn(&&Entry) -> bool {
    move |(_, origin)| whose.is_none_or(|whose| whose == *origin)
}

/// The origins of a segment's rows.
fn origins_of(connection: &Connection, segment: &Segment) -> rusqlite::Result<Vec<i64>> {
    connection
        .prepare_cached("SELECT DISTINCT origin FROM record WHERE id >= ?1 AND id <= ?2")?
        .query_map((segment.first_id, segment.last_id), |row| row.get(0))?
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::batch::Batch;
    use crate::level::Level;
    use crate::record::{LogRecord, Origin, Site};
    use crate::store::{Durability, RecordStore as _, SqliteStore};

    /// Stores so many records, of the process and the time that their number gives.
    fn stored(dir: &tempfile::TempDir, records: i64, of: impl Fn(i64) -> (i64, i64)) -> Reader {
        let path = dir.path().join("logs.sqlite");
        let site = Arc::new(Site::new("a", Level::INFO));
        let origins = [1, 2].map(|process| {
            Arc::new(Origin {
                process: Some(process),
                ..Origin::default()
            })
        });
        let record = |number| {
            let (process, created_ns) = of(number);
            let mut record = LogRecord::new(Arc::clone(&site), "x");
            record.created_ns = created_ns;
            record.origin = Arc::clone(&origins[usize::try_from(process - 1).unwrap()]);
            record
        };
        let records: Vec<LogRecord> = (1..=records).map(record).collect();
        let batch: Batch = records.iter().collect();
        let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
        store.append(&[batch]).unwrap();
        Reader::open(&path).unwrap()
    }

    /// As many full blocks of records in time order, a record each nanosecond, and a few more. The first and the last are of an
    /// origin that logs nothing else; the others of another.
    fn in_order(dir: &tempfile::TempDir, blocks: i64) -> (Reader, i64) {
        let last = blocks * 4096 + 9;
        let is_seldom = |number| number == 1 || number == last;
        let reader = stored(dir, last, |number| {
            (if is_seldom(number) { 1 } else { 2 }, number)
        });
        (reader, last)
    }

    fn ids(keys: &[Key]) -> Vec<i64> {
        keys.iter().map(|(_, id)| *id).collect()
    }

    #[test]
    fn the_nearest_come_first_and_few_segments_are_opened() {
        let dir = tempfile::tempdir().unwrap();
        let (reader, last) = in_order(&dir, 20);
        let mut all = Neighbours::new(&reader, last, ContextOf::Any).unwrap();
        for (from, toward, expected) in [
            (5000, Toward::Older, [4999, 4998, 4997].as_slice()),
            (5000, Toward::Newer, &[5001, 5002, 5003]),
            (4098, Toward::Older, &[4097, 4096, 4095]),
            (4095, Toward::Newer, &[4096, 4097, 4098]),
            (2, Toward::Older, &[1]),
            (last, Toward::Newer, &[]),
            (last - 1, Toward::Newer, &[last]),
        ] {
            let found = all.next(None, (from, from), toward, 3).unwrap();
            assert_eq!(ids(&found), expected, "{from} {toward:?}");
        }
        assert_eq!(all.open.segments.len(), 3);
        assert!(all.next(None, (9, 9), Toward::Newer, 0).unwrap().is_empty());
    }

    #[test]
    fn an_origin_that_logs_seldom_costs_only_where_it_does() {
        let dir = tempfile::tempdir().unwrap();
        let (reader, last) = in_order(&dir, 20);
        let mut own = Neighbours::new(&reader, last, ContextOf::SameOrigin).unwrap();
        let seldom = Some(1);
        let found = own.next(seldom, (1, 1), Toward::Newer, 5).unwrap();
        assert_eq!(ids(&found), [last]);
        let found = own.next(seldom, (last, last), Toward::Older, 5).unwrap();
        assert_eq!(ids(&found), [1]);
        assert_eq!(own.open.segments.len(), 2);
    }

    #[test]
    fn a_clock_that_is_behind_makes_others_look_into_a_segment_once() {
        let dir = tempfile::tempdir().unwrap();
        let last = 20 * 4096;
        // By turns of one that is right and one that is behind.
        let reader = stored(&dir, last, |number| match number % 2 {
            0 => (2, number),
            _ => (1, number - 50_000),
        });
        let mut own = Neighbours::new(&reader, last, ContextOf::SameOrigin).unwrap();
        own.open.most = 2;
        // The one that is behind comes first.
        let right = Some(2);
        let mut asked = 0;
        for id in (4000..last - 4000).step_by(1000) {
            let found = own.next(right, (id, id), Toward::Older, 1).unwrap();
            assert_eq!(ids(&found), [id - 2]);
            let found = own.next(right, (id, id), Toward::Newer, 1).unwrap();
            assert_eq!(ids(&found), [id + 2]);
            asked += 2;
        }
        // One look each, and one at every block to know it.
        assert!(own.open.moment <= asked + 20, "{} looks", own.open.moment);
    }

    #[test]
    fn what_was_opened_longest_ago_is_closed_first() {
        let dir = tempfile::tempdir().unwrap();
        let (reader, last) = in_order(&dir, 6);
        let mut all = Neighbours::new(&reader, last, ContextOf::Any).unwrap();
        all.open.most = 3;
        for block in 0..6 {
            for from in [block * 4096 + 2000, 2000] {
                let found = all.next(None, (from, from), Toward::Older, 1).unwrap();
                assert_eq!(ids(&found), [from - 1]);
            }
        }
        let mut open: Vec<usize> = all.open.segments.into_keys().collect();
        open.sort_unstable();
        assert_eq!(open, [0, 4, 5]);
    }
}
