//! Clients that number their records: which numbers have come, so that what is missing can be named and what comes twice is stored once.
//!
//! A record is taken for one that came before when its number has come with the same words, from the same place in the same process, at
//! most an hour or two before: a client that only happens to have fields of these names loses nothing.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use memchr::memmem;
use rusqlite::{Connection, OptionalExtension};
use serde::Deserialize;
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

use super::{setting, silence};
use crate::batch::{Batch, RecordRef};
use crate::gaps::ClientGaps;

/// The longest name of a client, in bytes.
const MAX_NAME_BYTES: usize = 256;

/// No client gets so far.
const MAX_SEQ: i64 = 1 << 62;

/// How many clients are told apart. For a further one that goes which has been silent longest.
const MAX_CLIENTS: i64 = 100_000;

/// A record that comes again is known by what it says and by its time, to the hour: it may be that of its arrival.
pub(super) const HOUR_NS: i64 = 3_600_000_000_000;

/// What is remembered of the latest numbers, and how many of them stand in a row of the table.
const REMEMBERED: i64 = 1 << 16;
const RUN: u16 = 4096;

/// How a client names itself and numbers its records, among their extra fields.
#[derive(Deserialize)]
struct Numbering<'a> {
    #[serde(borrow)]
    client: Cow<'a, str>,
    seq: i64,
}

/// A record with a number.
#[derive(Debug, Clone, Copy)]
struct Numbered {
    seq: i64,
    /// Hashes of what it says in the hour before, its own and the one behind.
    prints: [u64; 3],
    /// Its place among all records at hand.
    row: usize,
}

/// Notes the numbers of these records, inside the transaction that stores them at this moment. Gives the places of those that came
/// before, in order.
pub(super) fn note(
    connection: &Connection,
    batches: &[Batch],
    now_ns: i64,
) -> rusqlite::Result<Vec<usize>> {
    let mut clients: HashMap<Cow<'_, str>, Vec<Numbered>> = HashMap::new();
    let finder = memmem::Finder::new("\"seq\"");
    let records = batches
        .iter()
        .flat_map(|batch| batch.iter().map(move |record| (batch, record)));
    for (row, (batch, record)) in records.enumerate() {
        let Some(extra) = record.texts.extra else {
            continue;
        };
        if finder.find(extra.as_bytes()).is_some()
            && let Ok(Numbering { client, seq }) = serde_json::from_str(extra)
            && (0..MAX_SEQ).contains(&seq)
            && (1..=MAX_NAME_BYTES).contains(&client.len())
        {
            let hour = record.created_ns.div_euclid(HOUR_NS);
            let words = words(batch, &record);
            let prints = [hour - 1, hour, hour + 1].map(|hour| print(words, hour));
            clients
                .entry(client)
                .or_default()
                .push(Numbered { seq, prints, row });
        }
    }
    let mut twice = Vec::new();
    for (name, mut records) in clients {
        // Stable: of two that are the same the first one is stored.
        records.sort_by_key(|record| record.seq);
        let hour = now_ns.div_euclid(HOUR_NS);
        Client::open(connection, &name, hour)?.note(&records, &mut twice)?;
    }
    twice.sort_unstable();
    Ok(twice)
}

/// A hash of what a record says, and where.
fn words(batch: &Batch, record: &RecordRef<'_>) -> u64 {
    let site = &batch.sites()[record.site];
    let origin = &batch.origins()[record.origin];
    let mut hash = Xxh3::new();
    for text in [
        record.texts.message,
        record.texts.extra.unwrap_or_default(),
        &site.name,
        &site.pathname,
        &origin.hostname,
    ] {
        hash.update(&(text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    let level = i64::from(site.level.0);
    for number in [Some(level), site.lineno, origin.process, origin.started_ms] {
        hash.update(&number.unwrap_or(-1).to_le_bytes());
    }
    hash.digest()
}

/// A hash of what a record says, where, and in which hour.
fn print(words: u64, hour: i64) -> u64 {
    xxh3_64_with_seed(&hour.to_le_bytes(), words)
}

struct Client<'c> {
    connection: &'c Connection,
    id: i64,
    /// The present hour since the Unix epoch.
    hour: i64,
}

impl<'c> Client<'c> {
    fn open(connection: &'c Connection, name: &str, hour: i64) -> rusqlite::Result<Self> {
        let known: Option<(i64, i64)> = connection
            .prepare_cached("SELECT id, seen FROM client WHERE name = ?1")?
            .query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let id = if let Some((id, seen)) = known {
            if seen != hour {
                connection
                    .prepare_cached("UPDATE client SET seen = ?2 WHERE id = ?1")?
                    .execute((id, hour))?;
            }
            id
        } else {
            silence::make_room(connection, MAX_CLIENTS)?;
            connection
                .prepare_cached("INSERT INTO client (name, seen) VALUES (?1, ?2)")?
                .insert((name, hour))?
        };
        let client = Client {
            connection,
            id,
            hour,
        };
        Ok(client)
    }

    /// Notes records in the order of their numbers; adds the places of those that came before.
    fn note(&self, records: &[Numbered], twice: &mut Vec<usize>) -> rusqlite::Result<()> {
        let Some(highest) = records.last() else {
            return Ok(());
        };
        let mut fresh: Vec<Numbered> = Vec::with_capacity(records.len());
        // What lies between numbers that are far apart is nobody's business.
        for near in records.chunk_by(|before, after| after.seq - before.seq <= i64::from(RUN)) {
            let (Some(first), Some(last)) = (near.first(), near.last()) else {
                continue;
            };
            let mut known = self.prints(first.seq, last.seq)?;
            for record in near {
                let same = known.entry(record.seq).or_default();
                if record.prints.iter().any(|print| same.contains(print)) {
                    twice.push(record.row);
                } else {
                    same.push(record.prints[1]);
                    fresh.push(*record);
                }
            }
        }
        self.add_ranges(&fresh)?;
        self.add_prints(&fresh)?;
        self.connection
            .prepare_cached("DELETE FROM client_print WHERE client = ?1 AND first < ?2")?
            .execute((self.id, highest.seq - REMEMBERED))?;
        Ok(())
    }

    /// What has come with these numbers, as far as it is remembered.
    fn prints(&self, lowest: i64, highest: i64) -> rusqlite::Result<BTreeMap<i64, Vec<u64>>> {
        let mut prints: BTreeMap<i64, Vec<u64>> = BTreeMap::new();
        let mut statement = self.connection.prepare_cached(
            "SELECT first, prints FROM client_print WHERE client = ?1 AND first > ?2 AND first <= ?3",
        )?;
        let mut rows = statement.query((self.id, lowest - i64::from(RUN), highest))?;
        while let Some(row) = rows.next()? {
            let first: i64 = row.get(0)?;
            let (words, _) = row.get_ref(1)?.as_blob()?.as_chunks::<8>();
            for (seq, word) in (first..).zip(words) {
                if (lowest..=highest).contains(&seq) {
                    prints
                        .entry(seq)
                        .or_default()
                        .push(u64::from_le_bytes(*word));
                }
            }
        }
        Ok(prints)
    }

    fn add_prints(&self, fresh: &[Numbered]) -> rusqlite::Result<()> {
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO client_print (client, first, prints, hour) VALUES (?1, ?2, ?3, ?4)",
        )?;
        let is_run = |before: &Numbered, after: &Numbered| before.seq + 1 == after.seq;
        for run in fresh
            .chunk_by(is_run)
            .flat_map(|run| run.chunks(RUN.into()))
        {
            let prints: Vec<u8> = run
                .iter()
                .flat_map(|record| record.prints[1].to_le_bytes())
                .collect();
            if let Some(first) = run.first() {
                insert.execute((self.id, first.seq, prints, self.hour))?;
            }
        }
        Ok(())
    }

    /// Joins the numbers with the runs that they overlap or touch.
    fn add_ranges(&self, fresh: &[Numbered]) -> rusqlite::Result<()> {
        let is_run = |before: &Numbered, after: &Numbered| after.seq - before.seq <= 1;
        for run in fresh.chunk_by(is_run) {
            let (Some(first), Some(last)) = (run.first(), run.last()) else {
                continue;
            };
            let (mut first, mut last) = (first.seq, last.seq);
            let mut touched = self.connection.prepare_cached(
                "DELETE FROM client_range WHERE client = ?1 AND first <= ?3 AND last >= ?2 AND first >= \
                 coalesce((SELECT max(first) FROM client_range WHERE client = ?1 AND first <= ?2), ?2) \
                 RETURNING first, last",
            )?;
            let mut rows = touched.query((self.id, first.saturating_sub(1), last + 1))?;
            while let Some(row) = rows.next()? {
                first = first.min(row.get(0)?);
                last = last.max(row.get(1)?);
            }
            self.connection
                .prepare_cached(
                    "INSERT INTO client_range (client, first, last) VALUES (?1, ?2, ?3)",
                )?
                .execute((self.id, first, last))?;
        }
        Ok(())
    }
}

/// What has come of each client that numbers its records, in the order of their names, and what has not.
pub(super) fn gaps(connection: &Connection) -> rusqlite::Result<Vec<ClientGaps>> {
    let mut statement = connection.prepare(
        "SELECT name, first, last FROM client JOIN client_range ON client = id ORDER BY name, first",
    )?;
    let mut rows = statement.query([])?;
    let mut found: Vec<(String, Vec<(i64, i64)>)> = Vec::new();
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let range = (row.get(1)?, row.get(2)?);
        match found.last_mut() {
            Some((last, ranges)) if *last == name => ranges.push(range),
            _ => found.push((name, vec![range])),
        }
    }
    // What came before is in another file.
    let is_first = !setting::continues(connection)?;
    Ok(found
        .into_iter()
        .filter_map(|(name, ranges)| ClientGaps::of(name, &ranges, is_first))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::level::Level;
    use std::sync::Arc;

    use crate::record::{LogRecord, Origin, Site};
    use crate::store::{Durability, Reader, RecordStore, SqliteStore};

    fn record(client: &str, seq: i64, message: &str) -> LogRecord {
        LogRecord::new(Site::new("a", Level::INFO), message)
            .with("client", client)
            .with("seq", seq)
    }

    fn batch(client: &str, seqs: &[i64]) -> Batch {
        let records: Vec<_> = seqs.iter().map(|seq| record(client, *seq, "x")).collect();
        records.iter().collect()
    }

    /// A store in a directory of its own.
    fn store() -> (tempfile::TempDir, SqliteStore, Reader) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs.sqlite");
        let store = SqliteStore::open(&path, Durability::Normal).unwrap();
        let reader = Reader::open(path).unwrap();
        (dir, store, reader)
    }

    fn stored(reader: &Reader) -> usize {
        reader
            .query(&crate::query::Query::default())
            .unwrap()
            .count()
    }

    #[test]
    fn a_record_that_comes_twice_is_stored_once() {
        let (_dir, mut store, reader) = store();
        store.append(&[batch("a", &[1, 2, 3])]).unwrap();
        store
            .append(&[batch("a", &[2, 3, 4, 4]), batch("b", &[3])])
            .unwrap();
        store.append(&[batch("a", &[1, 2, 3])]).unwrap();
        assert_eq!(stored(&reader), 5);
        assert_eq!((store.left_out().twice, store.left_out().twice), (6, 0));
    }

    #[test]
    fn the_same_words_of_another_day_or_process_are_another_record() {
        let (_dir, mut store, reader) = store();
        let first = record("backup", 1, "started");
        let mut next_day = first.clone();
        next_day.created_ns += 24 * HOUR_NS;
        let mut next_process = first.clone();
        next_process.origin = Arc::new(Origin {
            process: Some(-7),
            ..(*first.origin).clone()
        });
        let mut a_moment_later = first.clone();
        a_moment_later.created_ns += 1_000_000_000;
        for sent in [&first, &next_day, &next_process, &a_moment_later] {
            store.append(&[[sent].into_iter().collect()]).unwrap();
        }
        assert_eq!((stored(&reader), store.left_out().twice), (3, 1));
    }

    #[test]
    fn numbers_that_are_far_apart_are_cheap() {
        let (_dir, mut store, reader) = store();
        for _ in 0..2 {
            store
                .append(&[batch("a", &[1, 1 << 50, 3, MAX_SEQ - 1])])
                .unwrap();
        }
        // Only the latest are remembered.
        assert_eq!(stored(&reader), 4 + 3);
        assert_eq!(reader.gaps().unwrap()[0].came, 4);
    }

    #[test]
    fn another_record_with_a_number_that_has_come_is_stored() {
        let (_dir, mut store, reader) = store();
        let records = [record("a", 1, "sent"), record("a", 1, "received")];
        store.append(&[records.iter().collect()]).unwrap();
        store
            .append(&[[&record("a", 1, "answered")].into_iter().collect()])
            .unwrap();
        store.append(&[records.iter().collect()]).unwrap();
        assert_eq!((stored(&reader), store.left_out().twice), (3, 2));
        assert_eq!(reader.gaps().unwrap()[0].came, 1);
    }

    #[test]
    fn what_is_no_name_or_number_numbers_nothing() {
        let (_dir, mut store, reader) = store();
        let plain = || LogRecord::new(Site::new("a", Level::INFO), "x");
        let long = "x".repeat(MAX_NAME_BYTES + 1);
        for odd in [
            plain().with("client", 1).with("seq", 1),
            plain().with("client", "a").with("seq", "1"),
            plain().with("client", "a").with("seq", -1),
            plain().with("client", "a").with("seq", 1.5),
            plain().with("client", "a").with("seq", i64::MAX),
            plain().with("client", long).with("seq", 1),
            plain().with("client", "").with("seq", 1),
            plain().with("seq", 1),
        ] {
            for _ in 0..2 {
                store.append(&[[&odd].into_iter().collect()]).unwrap();
            }
        }
        assert_eq!((stored(&reader), store.left_out().twice), (16, 0));
        assert_eq!(reader.gaps().unwrap(), []);
    }

    #[test]
    fn a_batch_that_is_rolled_back_has_not_come() {
        let (dir, mut store, reader) = store();
        let other = Connection::open(dir.path().join("logs.sqlite")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(store.append(&[batch("a", &[1])]).is_err());
        other.execute_batch("ROLLBACK").unwrap();
        store.append(&[batch("a", &[1])]).unwrap();
        assert_eq!((stored(&reader), store.left_out().twice), (1, 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn whatever_the_order_each_number_is_stored_once_and_the_rest_is_missing(
            sent in proptest::collection::vec(proptest::collection::vec(0..60_i64, 0..20), 0..12),
            by_second in any::<u16>(),
        ) {
            let (dir, first, reader) = store();
            let second = SqliteStore::open(dir.path().join("logs.sqlite"), Durability::Normal).unwrap();
            let mut stores = [first, second];
            for (i, seqs) in sent.iter().enumerate() {
                stores[usize::from(by_second >> i & 1)].append(&[batch("a", seqs)]).unwrap();
            }
            let came: BTreeSet<i64> = sent.concat().into_iter().collect();
            prop_assert_eq!(stored(&reader), came.len());
            let gaps = reader.gaps().unwrap();
            prop_assert_eq!(gaps.len(), usize::from(!came.is_empty()));
            for gaps in gaps {
                let missing: BTreeSet<i64> = gaps.missing.iter().flat_map(|(a, b)| *a..=*b).collect();
                let all = 1..=came.iter().copied().max().unwrap_or_default();
                let expected: BTreeSet<i64> = all.filter(|seq| !came.contains(seq)).collect();
                prop_assert_eq!(missing, expected);
                prop_assert_eq!(gaps.came, came.len() as u64);
            }
        }
    }
}
