//! The answer to a query with the records around each match, in groups.
//!
//! A group begins with a match. The records behind it are looked at one after the other, and as long as there is another match among
//! the next few the group goes on. So it is given out piece by piece, and of groups that are done only their ends are remembered.

use std::collections::{HashMap, VecDeque};
use std::ops::RangeInclusive;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use super::answer::{PAGE_RECORDS, fetch};
use super::neighbours::{Neighbours, Toward, Whose};
use super::reader::Reader;
use super::rows::Names;
use super::scan::{Key, Search, is_wanted};
use super::stream::Stream;
use crate::error::StoreError;
use crate::query::{Context, ContextOf, ContextRecord, Order, Query, Role};

/// The answer to a query with context: an iterator that fetches as it goes. A record that was deleted in between is left out.
///
/// Groups come in the order of their first matches, each as a whole, its records in the order of the query.
pub struct ContextRecords {
    reader: Reader,
    search: Arc<Search>,
    matches: Matches,
    /// `None` until there is a match.
    neighbours: Option<Neighbours>,
    last_id: i64,
    frame: Frame,
    group: Option<Group>,
    groups: u64,
    /// The last record of each one's last group.
    ends: HashMap<Whose, Key>,
    page: std::vec::IntoIter<ContextRecord>,
    names: Names,
}

/// The context that is wanted, in the order of the answer.
struct Frame {
    of: ContextOf,
    order: Order,
    /// How many records come before a match, and how many behind it.
    lead: usize,
    trail: usize,
}

/// Where the matches come from.
struct Matches {
    reader: Reader,
    of: ContextOf,
    stream: Stream,
    /// Those of the limit, which had to be found first; `None`: all that the stream has.
    limited: Option<std::vec::IntoIter<Key>>,
    /// Records outside of these are no matches.
    within: RangeInclusive<Key>,
    page: std::vec::IntoIter<(Key, Whose)>,
}

/// The group that is being given out.
struct Group {
    whose: Whose,
    /// What is to be given next.
    ready: VecDeque<(Key, Role)>,
    /// The last record that was looked at, and how many have been since the last match.
    at: Key,
    since: usize,
    /// Those of them that belong to the group if another match follows.
    waiting: Vec<Key>,
    /// The last record that belongs to it.
    end: Key,
    /// Whether another match may follow.
    goes_on: bool,
}

impl Reader {
    /// The records that the query wants, and those around them: of all that were stored when it was asked. The query's conditions
    /// are for the matches alone, and its [`limit`](Query::limit) counts them.
    ///
    /// # Errors
    ///
    /// When the file cannot be read. Each record of the answer may be an error, too.
    pub fn query_with_context(
        &self,
        query: &Query,
        context: Context,
    ) -> Result<ContextRecords, StoreError> {
        let (search, plan) = self.prepare(query)?;
        let search = Arc::new(search);
        let last_id = plan.last_id;
        let (lead, trail) = match query.order {
            Order::OldestFirst => (context.before, context.after),
            Order::NewestFirst => (context.after, context.before),
        };
        let order = query.search_order();
        let stream = Stream::new(self.clone(), plan, Arc::clone(&search), order);
        Ok(ContextRecords {
            reader: self.clone(),
            search,
            matches: Matches::new(self.clone(), stream, query, context.of)?,
            neighbours: None,
            last_id,
            frame: Frame {
                of: context.of,
                order: query.order,
                lead,
                trail,
            },
            group: None,
            groups: 0,
            ends: HashMap::new(),
            page: Vec::new().into_iter(),
            names: Names::default(),
        })
    }
}

impl Matches {
    fn new(
        reader: Reader,
        mut stream: Stream,
        query: &Query,
        of: ContextOf,
    ) -> Result<Self, StoreError> {
        let mut within = (i64::MIN, i64::MIN)..=(i64::MAX, i64::MAX);
        let mut limited = None;
        if let Some(limit) = query.limit {
            let mut keys = Vec::new();
            while keys.len() < limit {
                let Some(key) = stream.next()? else { break };
                keys.push(key);
            }
            if let (Some(first), Some(last)) = (keys.iter().min(), keys.iter().max()) {
                within = *first..=*last;
            }
            if query.search_order() != query.order {
                keys.reverse();
            }
            limited = Some(keys.into_iter());
        }
        Ok(Matches {
            reader,
            of,
            stream,
            limited,
            within,
            page: Vec::new().into_iter(),
        })
    }

    /// The next match, and whose records are its context.
    fn next(&mut self) -> Result<Option<(Key, Whose)>, StoreError> {
        loop {
            if let Some(found) = self.page.next() {
                return Ok(Some(found));
            }
            let mut keys = Vec::new();
            while keys.len() < PAGE_RECORDS {
                let key = match &mut self.limited {
                    Some(limited) => limited.next(),
                    None => self.stream.next()?,
                };
                let Some(key) = key else { break };
                keys.push(key);
            }
            if keys.is_empty() {
                return Ok(None);
            }
            let page = self
                .reader
                .read(|connection| origins_of(connection, &keys, self.of))?;
            self.page = page.into_iter();
        }
    }

    /// Gives no more.
    fn end(&mut self) {
        self.limited = Some(Vec::new().into_iter());
        self.page = Vec::new().into_iter();
    }
}

/// Whose context the records of these keys have, without those that are gone.
pub(super) fn origins_of(
    connection: &Connection,
    keys: &[Key],
    of: ContextOf,
) -> rusqlite::Result<Vec<(Key, Whose)>> {
    let read = connection.unchecked_transaction()?;
    let mut statement =
        read.prepare_cached("SELECT origin FROM record WHERE id = ?1 AND created = ?2")?;
    let mut found = Vec::with_capacity(keys.len());
    for (created, id) in keys.iter().copied() {
        let origin = statement
            .query_row((id, created), |row| row.get(0))
            .optional()?;
        found.extend(origin.map(|origin| match of {
            ContextOf::SameOrigin => ((created, id), Some(origin)),
            ContextOf::Any => ((created, id), None),
        }));
    }
    Ok(found)
}

impl Frame {
    /// Whether the first of these keys comes behind the other in the answer.
    fn is_behind(&self, key: Key, other: Key) -> bool {
        match self.order {
            Order::OldestFirst => key > other,
            Order::NewestFirst => key < other,
        }
    }

    /// Which way the answer goes, and whence it comes.
    fn ways(&self) -> (Toward, Toward) {
        match self.order {
            Order::OldestFirst => (Toward::Newer, Toward::Older),
            Order::NewestFirst => (Toward::Older, Toward::Newer),
        }
    }

    /// How many records may lie between two matches of a group.
    fn between(&self) -> usize {
        self.lead.saturating_add(self.trail)
    }
}

impl Group {
    fn give(&mut self, key: Key, role: Role) {
        self.ready.push_back((key, role));
        self.end = key;
    }

    /// Takes the next record that was looked at.
    fn take(&mut self, key: Key, role: Role, frame: &Frame) {
        self.at = key;
        if role == Role::Match {
            self.since = 0;
            for key in std::mem::take(&mut self.waiting) {
                self.give(key, Role::Context);
            }
            self.give(key, Role::Match);
            return;
        }
        self.since += 1;
        if self.since <= frame.trail {
            self.give(key, Role::Context);
        } else {
            self.waiting.push(key);
        }
        self.goes_on = self.since <= frame.between();
    }
}

impl ContextRecords {
    /// Whether other records match, too, which the query's [`limit`](Query::limit) left out. Ask when the answer has been read: it may
    /// take as long as the search for one more record.
    ///
    /// # Errors
    ///
    /// When the file cannot be read.
    pub fn is_cut(&mut self) -> Result<bool, StoreError> {
        Ok(self.matches.limited.is_some() && self.matches.stream.next()?.is_some())
    }

    /// How many blocks of the index were not as they had been written, so far, among those in which matches were sought.
    #[must_use]
    pub fn damaged_blocks(&self) -> usize {
        self.matches.stream.damaged()
    }

    /// The next page; empty at the end.
    fn fetch(&mut self) -> Result<Vec<ContextRecord>, StoreError> {
        loop {
            let Some(mut group) = self.group.take() else {
                let Some(group) = self.begin()? else {
                    return Ok(Vec::new());
                };
                self.groups += 1;
                self.group = Some(group);
                continue;
            };
            if group.goes_on && group.ready.len() < PAGE_RECORDS {
                self.look_on(&mut group)?;
            }
            let page = self.show(&mut group)?;
            if group.goes_on || !group.ready.is_empty() {
                self.group = Some(group);
            } else {
                self.ends.insert(group.whose, group.end);
            }
            // Perhaps all of them are gone; then there may still be more.
            if !page.is_empty() {
                return Ok(page);
            }
        }
    }

    /// The group of the next match that has not been given yet.
    fn begin(&mut self) -> Result<Option<Group>, StoreError> {
        while let Some((key, whose)) = self.matches.next()? {
            let end = self.ends.get(&whose).copied();
            let is_new = |key| end.is_none_or(|end| self.frame.is_behind(key, end));
            if !is_new(key) {
                continue;
            }
            let neighbours = match &mut self.neighbours {
                Some(neighbours) => neighbours,
                none => none.insert(Neighbours::new(&self.reader, self.last_id, self.frame.of)?),
            };
            let (_, back) = self.frame.ways();
            let lead = neighbours.next(whose, key, back, self.frame.lead)?;
            // Where records were deleted, it may reach into the group before.
            let lead = lead.into_iter().rev().filter(|key| is_new(*key));
            let mut group = Group {
                whose,
                ready: lead.map(|key| (key, Role::Context)).collect(),
                at: key,
                since: 0,
                waiting: Vec::new(),
                end: key,
                goes_on: true,
            };
            group.give(key, Role::Match);
            return Ok(Some(group));
        }
        Ok(None)
    }

    /// Looks at what is behind the last match.
    fn look_on(&mut self, group: &mut Group) -> Result<(), StoreError> {
        let Some(neighbours) = &mut self.neighbours else {
            return Ok(());
        };
        // One more than may lie between tells whether they do.
        let most = (self.frame.between() - group.since).saturating_add(1);
        let (on, _) = self.frame.ways();
        let keys = neighbours.next(group.whose, group.at, on, most.min(PAGE_RECORDS))?;
        group.goes_on = !keys.is_empty();
        self.reader.read(|connection| {
            for key in keys {
                let is_match = self.matches.within.contains(&key)
                    && is_wanted(connection, &self.search, key.1)?;
                let role = if is_match { Role::Match } else { Role::Context };
                group.take(key, role, &self.frame);
            }
            Ok(())
        })
    }

    /// A page of what is ready of the group.
    fn show(&mut self, group: &mut Group) -> Result<Vec<ContextRecord>, StoreError> {
        let roles = group.ready.drain(..group.ready.len().min(PAGE_RECORDS));
        let (keys, roles): (Vec<Key>, Vec<Role>) = roles.unzip();
        let mut found = Vec::with_capacity(keys.len());
        let mut left = keys.clone();
        while !left.is_empty() {
            let page = fetch(&self.reader, left, &mut self.names)?;
            found.extend(page.records);
            left = page.rest;
        }
        let mut shown = keys.iter().zip(roles);
        let page = found.into_iter().filter_map(|stored| {
            let (_, role) = shown.find(|(key, _)| key.1 == stored.id)?;
            Some(ContextRecord {
                stored,
                role,
                group: self.groups,
            })
        });
        Ok(page.collect())
    }
}

impl Iterator for ContextRecords {
    type Item = Result<ContextRecord, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(record) = self.page.next() {
            return Some(Ok(record));
        }
        match self.fetch() {
            Ok(page) => {
                self.page = page.into_iter();
                self.page.next().map(Ok)
            }
            Err(error) => {
                // What comes after an error would have a hole.
                self.group = None;
                self.matches.end();
                Some(Err(error))
            }
        }
    }
}
