//! The keys of all wanted records in time order, as they are asked for.
//!
//! Segments overlap in time, since clocks differ and networks shuffle. They are opened in the order of their ends, and a key is
//! given away once no segment that is still closed can have one before it. So there is never more in memory than what overlaps.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::collections::binary_heap::{BinaryHeap, PeekMut};
use std::ops::Range;
use std::sync::Arc;

use super::parallel::Ahead;
use super::plan::{Plan, Segment};
use super::reader::Reader;
use super::scan::{Key, Lens, Search};
use crate::error::StoreError;
use crate::query::Order;

/// How many segments are opened before other threads are asked to help: most questions are answered by then.
const ALONE: usize = 8;

/// How many segments a helping thread opens for one hand-over: most of a search for words only tells that a block has none, which takes
/// no longer than a hand-over does.
const TOGETHER: usize = 8;

/// How many hand-overs each helping thread may be ahead.
const AHEAD: usize = 3;

/// How early a key comes: the greatest rank first, in either order.
type Rank = (i64, i64);

/// What all threads of one pass share.
struct Pass {
    reader: Reader,
    search: Arc<Search>,
    /// In the order in which they are opened.
    segments: Vec<Segment>,
    order: Order,
}

/// The keys in order.
pub(super) struct Stream {
    pass: Arc<Pass>,
    /// The next segment to open.
    next: usize,
    runs: BinaryHeap<Run>,
    lens: Lens,
    helpers: Option<Ahead<Range<usize>, Vec<Opened>>>,
    /// What they have found in the next segments.
    opened: VecDeque<Opened>,
    /// The next segment to be given to them.
    given: usize,
    damaged: usize,
}

/// The keys of one segment, in order; there is always one more.
struct Run {
    head: Rank,
    rest: std::vec::IntoIter<Rank>,
}

impl Ord for Run {
    fn cmp(&self, other: &Self) -> Ordering {
        self.head.cmp(&other.head)
    }
}

impl PartialOrd for Run {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Run {
    fn eq(&self, other: &Self) -> bool {
        self.head == other.head
    }
}

impl Eq for Run {}

impl Pass {
    fn rank(&self, (created, id): Key) -> Rank {
        match self.order {
            Order::NewestFirst => (created, id),
            // Turns the order round, for all numbers.
            Order::OldestFirst => (!created, !id),
        }
    }

    /// The rank of the first key that a segment can have.
    fn best(&self, segment: &Segment) -> Rank {
        match self.order {
            Order::NewestFirst => segment.last,
            Order::OldestFirst => self.rank(segment.first),
        }
    }

    /// The ranks of a segment's wanted keys in the order of the pass.
    fn open(&self, segment: usize, lens: &mut Lens) -> Result<Vec<Rank>, StoreError> {
        let segment = &self.segments[segment];
        let mut ranks = Vec::new();
        self.reader.read(|connection| {
            lens.each(connection, &self.search, segment, |hit| {
                ranks.push(self.rank(hit.key));
            })
        })?;
        // Mostly in order already, one way or the other.
        ranks.sort_unstable_by(|a, b| b.cmp(a));
        Ok(ranks)
    }
}

impl Stream {
    pub(super) fn new(reader: Reader, plan: Plan, search: Arc<Search>, order: Order) -> Self {
        let mut pass = Pass {
            reader,
            search,
            segments: Vec::new(),
            order,
        };
        let mut segments = plan.segments;
        segments.sort_by_key(|segment| std::cmp::Reverse(pass.best(segment)));
        pass.segments = segments;
        Stream {
            pass: Arc::new(pass),
            next: 0,
            runs: BinaryHeap::new(),
            lens: Lens::default(),
            helpers: None,
            opened: VecDeque::new(),
            given: 0,
            damaged: plan.damaged,
        }
    }

    /// How many blocks were not as they had been written, so far.
    pub(super) fn damaged(&self) -> usize {
        self.damaged + self.lens.damaged
    }

    /// The next key.
    pub(super) fn next(&mut self) -> Result<Option<Key>, StoreError> {
        while let Some(segment) = self.pass.segments.get(self.next) {
            let best = self.pass.best(segment);
            if self.runs.peek().is_some_and(|run| run.head > best) {
                break;
            }
            let mut ranks = self.open_next()?.into_iter();
            if let Some(head) = ranks.next() {
                self.runs.push(Run { head, rest: ranks });
            }
        }
        let Some(mut run) = self.runs.peek_mut() else {
            return Ok(None);
        };
        let rank = run.head;
        match run.rest.next() {
            Some(head) => run.head = head,
            None => {
                PeekMut::pop(run);
            }
        }
        Ok(Some(self.pass.rank(rank)))
    }

    fn open_next(&mut self) -> Result<Vec<Rank>, StoreError> {
        let segment = self.next;
        let segments = self.pass.segments.len();
        self.next += 1;
        self.pass.reader.progress.of(self.next, segments);
        if segment == ALONE && segment + 1 < segments {
            self.helpers = Ahead::start(AHEAD, || {
                let pass = Arc::clone(&self.pass);
                let mut lens = Lens::default();
                move |segments: Range<usize>| {
                    let open = |segment| {
                        let ranks = pass.open(segment, &mut lens);
                        (ranks, std::mem::take(&mut lens.damaged))
                    };
                    segments.map(open).collect()
                }
            });
            self.given = segment;
        }
        let Some(helpers) = &mut self.helpers else {
            return self.pass.open(segment, &mut self.lens);
        };
        if self.opened.is_empty() {
            while self.given < segments && helpers.has_room() {
                let end = segments.min(self.given + TOGETHER);
                helpers.give(self.given..end);
                self.given = end;
            }
            self.opened.extend(helpers.take().into_iter().flatten());
        }
        let (ranks, damaged) = self
            .opened
            .pop_front()
            .expect("this segment has been given");
        self.damaged += damaged;
        ranks
    }
}

/// What a helping thread found in a segment, and how many damaged blocks.
type Opened = (Result<Vec<Rank>, StoreError>, usize);
