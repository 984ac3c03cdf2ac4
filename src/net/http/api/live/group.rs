//! Listeners who want the same and have got equally far: one search and one set of bytes for all of them.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use super::events::{self, EventId};
use super::outlet::{Outlet, counted};
use crate::error::StoreError;
use crate::query::Query;
use crate::store::{Arrivals, Reader};

/// How long a group looks for records before others have their turn, and how many bytes of them it takes in a turn.
pub(super) const TURN: Duration = Duration::from_millis(10);
const CHUNK_BYTES: usize = 256 << 10;

/// How long most listeners of a group may take nothing before they are told that they are behind.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// See the module's documentation.
pub(super) struct Group {
    query: Query,
    /// What the query says: who says the same wants the same.
    key: String,
    listeners: Vec<Outlet>,
    /// All that is wanted up to this id has been given.
    position: i64,
    /// What is being read behind it, and up to which id.
    reading: Option<(Arrivals, i64)>,
    /// Since when there has been no room for more.
    full_since: Option<Instant>,
    last_turn: Instant,
    /// Whether a larger group may be found that has got as far.
    is_new: bool,
}

/// What is looked at in a round.
pub(super) struct Look<'r> {
    pub(super) reader: &'r Reader,
    /// The number of its file.
    pub(super) file: Option<u64>,
    /// The last id that there is.
    pub(super) last_id: i64,
    /// How much waits for all listeners. What waits for several is there once.
    pub(super) waiting_bytes: &'r Arc<AtomicUsize>,
    /// How long a turn may take.
    pub(super) turn: Duration,
}

/// What a turn came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// There is nothing to be done for now.
    Idle,
    /// There is more.
    Busy,
}

/// Events in a row.
#[derive(Default)]
struct Chunk {
    bytes: Vec<u8>,
    /// The ids of the first and the last record.
    ids: Option<(i64, i64)>,
}

impl Group {
    /// Of one listener, who wants what comes behind this id.
    pub(super) fn new(query: Query, position: i64, mut listener: Outlet) -> Self {
        listener.sent = position;
        Group {
            key: format!("{query:?}"),
            query,
            listeners: vec![listener],
            position,
            reading: None,
            full_since: None,
            last_turn: Instant::now(),
            is_new: true,
        }
    }

    /// How many listen.
    pub(super) fn listeners(&self) -> usize {
        self.listeners.len()
    }

    /// When it had its last turn, or was made.
    pub(super) fn last_turn(&self) -> Instant {
        self.last_turn
    }

    /// Forgets those who have gone.
    pub(super) fn forget_gone(&mut self) {
        self.listeners.retain(|listener| !listener.is_closed());
    }

    /// Begins with the first record of another file.
    pub(super) fn begin_anew(&mut self) {
        self.position = 0;
        self.reading = None;
        for listener in &mut self.listeners {
            listener.sent = 0;
        }
    }

    /// Whether all that is wanted up to this id has been given.
    pub(super) fn has_all_up_to(&self, id: i64) -> bool {
        self.reading.is_none() && self.position >= id
    }

    /// Looks for records up to the last id, and gives them to all who have less than `room_bytes` waiting.
    ///
    /// # Errors
    ///
    /// When the store cannot be read. Then the group has a hole and has to end.
    pub(super) fn turn(&mut self, look: &Look<'_>, room_bytes: usize) -> Result<Turn, StoreError> {
        self.last_turn = Instant::now();
        if self.has_all_up_to(look.last_id) {
            return Ok(Turn::Idle);
        }
        let full = |listener: &Outlet| listener.waiting_bytes() >= room_bytes;
        if self.is_to_wait(
            self.listeners
                .iter()
                .filter(|listener| full(listener))
                .count(),
        ) {
            return Ok(Turn::Idle);
        }
        let chunk = self.read(look, room_bytes.min(CHUNK_BYTES))?;
        if let Some((first, last)) = chunk.ids {
            let bytes = counted(chunk.bytes.into_boxed_slice(), look.waiting_bytes);
            self.listeners.retain_mut(|listener| {
                if full(listener) {
                    let resume = EventId {
                        id: listener.sent,
                        file: look.file,
                    };
                    listener.put(events::behind(first, resume));
                    return false;
                }
                listener.put(bytes.clone());
                listener.sent = last;
                true
            });
        }
        Ok(if self.has_all_up_to(look.last_id) {
            Turn::Idle
        } else {
            Turn::Busy
        })
    }

    /// Ends the tails of those who have so much waiting, though there may be nothing more for them yet.
    pub(super) fn forget_full(&mut self, file: Option<u64>, room_bytes: usize) {
        self.listeners.retain(|listener| {
            let is_full = listener.waiting_bytes() >= room_bytes;
            if is_full {
                let id = listener.sent;
                listener.put(events::behind(id + 1, EventId { id, file }));
            }
            !is_full
        });
    }

    /// Whether the group waits for listeners that have no room: as a rule for most of them, who are not to blame when many records come
    /// at once; never for a few.
    fn is_to_wait(&mut self, full: usize) -> bool {
        if full * 2 <= self.listeners.len() {
            self.full_since = None;
            return false;
        }
        let since = *self.full_since.get_or_insert_with(Instant::now);
        since.elapsed() < PATIENCE
    }

    /// What a turn finds, until it is so many bytes.
    fn read(&mut self, look: &Look<'_>, max_bytes: usize) -> Result<Chunk, StoreError> {
        let (arrivals, up_to) = match &mut self.reading {
            Some(reading) => reading,
            none => {
                let query = Query {
                    after_id: Some(self.position),
                    ..self.query.clone()
                };
                none.insert((look.reader.arrivals(&query, look.last_id)?, look.last_id))
            }
        };
        let begun = Instant::now();
        let mut chunk = Chunk::default();
        while chunk.bytes.len() < max_bytes && begun.elapsed() < look.turn {
            let Some(records) = arrivals.step(max_bytes - chunk.bytes.len())? else {
                self.position = *up_to;
                self.reading = None;
                break;
            };
            for stored in &records {
                events::put(stored, look.file, &mut chunk.bytes);
                let (first, _) = chunk.ids.unwrap_or((stored.id, 0));
                chunk.ids = Some((first, stored.id));
            }
        }
        Ok(chunk)
    }

    /// Keeps the lines of those alive who have heard nothing.
    pub(super) fn comment(&self) {
        for listener in &self.listeners {
            if listener.waiting_bytes() == 0 {
                listener.put(events::COMMENT);
            }
        }
    }

    fn has_got_as_far_as(&self, other: &Group) -> bool {
        let is_idle = self.reading.is_none() && other.reading.is_none();
        is_idle && self.position == other.position
    }
}

/// Puts new groups together with those that want the same and have got as far.
pub(super) fn merge(groups: &mut Vec<Group>) {
    let mut at = 0;
    while at < groups.len() {
        if !groups[at].is_new {
            at += 1;
            continue;
        }
        let group = groups.swap_remove(at);
        let mut same = groups.iter_mut().filter(|other| other.key == group.key);
        let mut is_alone = true;
        let partner = same.find(|other| {
            is_alone = false;
            other.has_got_as_far_as(&group)
        });
        if let Some(partner) = partner {
            partner.listeners.extend(group.listeners);
            continue;
        }
        groups.push(Group {
            // Who is alone is found by those who come later.
            is_new: !is_alone,
            ..group
        });
        // The one that was swapped in here has its turn next, the one that was put back is the last.
        let last = groups.len() - 1;
        groups.swap(at, last);
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use tempfile::TempDir;

    use super::super::outlet::{Tail, outlet};
    use super::*;
    use crate::batch::Batch;
    use crate::level::Level;
    use crate::record::{LogRecord, Site};
    use crate::store::{Durability, RecordStore as _, SqliteStore};

    struct Fixture {
        _dir: TempDir,
        store: SqliteStore,
        reader: Reader,
        groups: Vec<Group>,
        waiting_bytes: Arc<AtomicUsize>,
    }

    impl Fixture {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("logs.sqlite");
            Fixture {
                store: SqliteStore::open(&path, Durability::Normal).unwrap(),
                reader: Reader::open(&path).unwrap(),
                groups: Vec::new(),
                waiting_bytes: Arc::default(),
                _dir: dir,
            }
        }

        fn log(&mut self, records: usize) {
            self.log_text("x", records);
        }

        fn log_text(&mut self, text: &str, records: usize) {
            let record = LogRecord::new(Site::new("a", Level::INFO), text);
            let batch: Batch = std::iter::repeat_n(&record, records).collect();
            self.store.append(&[batch]).unwrap();
        }

        /// One who wants a logger's records behind an id.
        fn listen(&mut self, name: &str, after: i64) -> Tail {
            let (listener, tail, _) = outlet(&Arc::default());
            let query = Query {
                names: vec![name.into()],
                ..Query::default()
            };
            self.groups.push(Group::new(query, after, listener));
            tail
        }

        /// Rounds until nothing is left to be done; a listener has room for so much.
        fn rounds(&mut self, room_bytes: usize) {
            let look = Look {
                reader: &self.reader,
                file: None,
                last_id: self.reader.last_id().unwrap(),
                waiting_bytes: &self.waiting_bytes,
                turn: TURN,
            };
            let mut turn = Turn::Busy;
            while turn == Turn::Busy {
                turn = Turn::Idle;
                for group in &mut self.groups {
                    if group.turn(&look, room_bytes).unwrap() == Turn::Busy {
                        turn = Turn::Busy;
                    }
                }
            }
            merge(&mut self.groups);
        }

        fn sizes(&self) -> Vec<usize> {
            let mut sizes: Vec<usize> = self.groups.iter().map(Group::listeners).collect();
            sizes.sort_unstable();
            sizes
        }
    }

    /// The ids of the events.
    fn ids(tail: &mut Tail) -> Vec<i64> {
        let heard = tail.heard();
        let ids = heard.lines().filter_map(|line| line.strip_prefix("id: "));
        ids.map(|id| id.parse().unwrap()).collect()
    }

    #[test]
    fn who_wants_the_same_comes_together_where_it_has_got_as_far() {
        let mut fixture = Fixture::new();
        fixture.log(10);
        let mut tails = [
            fixture.listen("a", 10),
            fixture.listen("a", 3),
            fixture.listen("b", 10),
            fixture.listen("a", 0),
        ];
        fixture.rounds(MOST);
        assert_eq!(fixture.sizes(), [1, 3]);
        fixture.log(5);
        tails[3].heard();
        fixture.rounds(MOST);
        let mut all = |tail: usize| ids(&mut tails[tail]);
        assert_eq!(all(0), Vec::from([11, 12, 13, 14, 15]));
        assert_eq!(all(1), (4..=15).collect::<Vec<i64>>());
        assert!(all(2).is_empty());
        assert_eq!(all(3), Vec::from([11, 12, 13, 14, 15]));
        let late = fixture.listen("a", 15);
        fixture.rounds(MOST);
        assert_eq!(fixture.sizes(), [1, 4]);
        drop(late);
        fixture.groups.iter_mut().for_each(Group::forget_gone);
        assert_eq!(fixture.sizes(), [1, 3]);
    }

    const MOST: usize = 1 << 20;

    /// Less than an event has, and more than the texts of three.
    const LITTLE: usize = 100;

    #[test]
    fn one_of_many_without_room_is_behind_and_all_without_room_are_waited_for() {
        let mut fixture = Fixture::new();
        let mut slow = fixture.listen("a", 0);
        let mut others = [fixture.listen("a", 0), fixture.listen("a", 0)];
        fixture.rounds(MOST);
        fixture.log(3);
        fixture.rounds(LITTLE);
        // Nobody has room; nobody is to blame.
        fixture.log(3);
        fixture.rounds(LITTLE);
        assert_eq!(fixture.sizes(), [3]);
        for other in &mut others {
            assert_eq!(ids(other), [1, 2, 3]);
        }
        fixture.rounds(LITTLE);
        assert_eq!(fixture.sizes(), [2]);
        for other in &mut others {
            assert_eq!(ids(other), [4, 5, 6]);
        }
        let heard = slow.heard();
        let (records, end) = heard.split_once("event: behind\n").unwrap();
        assert_eq!(records.matches("id: ").count(), 3);
        assert!(
            end.contains("\"missed_from\":4,\"resume_after\":3"),
            "{end}"
        );
    }

    #[test]
    fn a_chunk_is_no_larger_than_the_room_for_it_and_one_record() {
        let mut fixture = Fixture::new();
        let text = "x".repeat(1000);
        let mut tails = [fixture.listen("a", 0), fixture.listen("a", 0)];
        fixture.rounds(MOST);
        fixture.log_text(&text, 1);
        fixture.rounds(MOST);
        let one = fixture.waiting_bytes.load(Ordering::Relaxed);
        assert!(one > 0);
        for tail in &mut tails {
            tail.heard();
        }
        assert_eq!(fixture.waiting_bytes.load(Ordering::Relaxed), 0);
        fixture.log_text(&text, 500);
        fixture.rounds(10 * one);
        // Nobody takes anything: then there is no room for a second one.
        let waiting = fixture.waiting_bytes.load(Ordering::Relaxed);
        assert!((10 * one..20 * one).contains(&waiting), "{waiting} {one}");
        for group in &mut fixture.groups {
            group.forget_full(None, 10 * one);
        }
        assert_eq!(fixture.sizes(), [0]);
        assert!(tails[1].heard().contains("event: behind\n"));
    }

    #[test]
    fn a_comment_is_for_those_who_have_nothing_to_read() {
        let mut fixture = Fixture::new();
        let mut silent = fixture.listen("b", 0);
        let mut busy = fixture.listen("a", 0);
        fixture.log(1);
        fixture.rounds(MOST);
        fixture.groups.iter().for_each(Group::comment);
        assert_eq!(silent.heard(), ":\n\n");
        assert!(!busy.heard().contains(":\n\n"));
    }
}
