//! The thread that looks for new records while somebody listens.

use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use hyper::StatusCode;
use tokio::sync::oneshot;

use super::super::problem::Problem;
use super::events::{self, EventId};
use super::group::{Group, Look, PATIENCE, TURN, Turn, merge};
use super::outlet::{Outlet, Tail, outlet};
use super::round::{ALL_BYTES, is_full, serve};
use crate::cancel::Cancel;
use crate::error::StoreError;
use crate::query::Query;
use crate::store::Reader;

/// How often it looks when few listen, and how much less often for each of many: all that they are sent goes through one thread, which
/// also receives. A record is there within a third of a second in any case.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LONGER_EACH: Duration = Duration::from_micros(100);
const LONGEST: Duration = Duration::from_millis(150);

/// How often those who hear nothing are sent a comment.
const COMMENT_EVERY: Duration = Duration::from_secs(15);

/// How many may listen.
const MOST_LISTENERS: usize = 4096;

/// How long those that catch up keep the others from looking for what is new.
const CATCHING_UP: Duration = Duration::from_millis(50);

/// What may wait to be sent to one listener at most.
const MOST_BYTES: usize = 2 << 20;

/// What somebody wants to hear of.
struct Wish {
    query: Query,
    after: Option<EventId>,
    listener: Outlet,
}

/// Takes wishes to the thread, which begins with the first of them.
pub(in crate::net) struct Hub {
    path: PathBuf,
    thread: Mutex<Thread>,
    /// Each tail has a clone.
    one: Arc<()>,
    /// Ends what the thread is reading.
    over: Cancel,
}

enum Thread {
    None,
    Running(Sender<Wish>, JoinHandle<()>),
    Over,
}

impl Hub {
    /// Of the store at a path.
    pub(in crate::net) fn new(path: PathBuf) -> Self {
        Hub {
            path,
            thread: Mutex::new(Thread::None),
            one: Arc::default(),
            over: Cancel::new(),
        }
    }

    /// Begins a live tail behind an id, or with what comes from now on. Besides its body comes what resolves when nothing more is put into
    /// that.
    ///
    /// # Errors
    ///
    /// 503 when too many listen, the server is stopping, or has no thread for it.
    pub(in crate::net::http::api) fn listen(
        &self,
        query: Query,
        after: Option<EventId>,
    ) -> Result<(Tail, oneshot::Receiver<()>), Problem> {
        let later = |detail: &str| Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        if Arc::strong_count(&self.one) > MOST_LISTENERS {
            return Err(later(
                "too many live tails are open; close one or come again later",
            ));
        }
        let (listener, tail, over) = outlet(&self.one);
        self.wish(Wish {
            query,
            after,
            listener,
        })
        .map_err(later)?;
        Ok((tail, over))
    }

    /// Hands a wish to the thread. An error says why that cannot be.
    fn wish(&self, mut wish: Wish) -> Result<(), &'static str> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Thread::Over = *thread {
            return Err("the server is stopping; come again in a moment");
        }
        if let Thread::Running(wishes, _) = &*thread {
            match wishes.send(wish) {
                Ok(()) => return Ok(()),
                // The thread has ended by a panic.
                Err(unsent) => wish = unsent.0,
            }
        }
        let (wishes, waiting) = unbounded();
        let watcher = Watcher::new(self.path.clone(), self.over.clone());
        let started = thread::Builder::new()
            .name("logstore-live".into())
            .spawn(move || watcher.run(&waiting));
        let started = started.map_err(|_| "there is no thread for live tails; come again later")?;
        let _ = wishes.send(wish);
        *thread = Thread::Running(wishes, started);
        Ok(())
    }

    /// Ends all live tails. There are no others from now on.
    pub(in crate::net) fn close(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Thread::Running(wishes, running) = std::mem::replace(&mut *thread, Thread::Over) {
            self.over.cancel();
            drop(wishes);
            // It ends within one read. Its panic has been told.
            let _ = running.join();
        }
    }
}

struct Watcher {
    path: PathBuf,
    over: Cancel,
    reader: Option<Reader>,
    /// Of another file, which has come to the path. It is the next once all have what is in the one that was there.
    next: Option<Reader>,
    /// The number of the file.
    file: Option<u64>,
    groups: Vec<Group>,
    /// What waits for all of them, and since when it has been too much.
    waiting_bytes: Arc<AtomicUsize>,
    full_since: Option<Instant>,
    last_id: i64,
    commented: Instant,
}

impl Watcher {
    fn new(path: PathBuf, over: Cancel) -> Self {
        Watcher {
            path,
            over,
            reader: None,
            next: None,
            file: None,
            groups: Vec::new(),
            waiting_bytes: Arc::default(),
            full_since: None,
            last_id: 0,
            commented: Instant::now(),
        }
    }

    /// Serves wishes until nobody can have any.
    fn run(mut self, wishes: &Receiver<Wish>) {
        let mut pause = LOOK_EVERY;
        loop {
            let first = if self.groups.is_empty() {
                // Nobody may come for days: then the file is not ours to hold.
                self.let_go();
                wishes.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                wishes.recv_timeout(pause)
            };
            if let Err(RecvTimeoutError::Disconnected) = first {
                return;
            }
            let new: Vec<Wish> = first.into_iter().chain(wishes.try_iter()).collect();
            pause = match self.round(new) {
                Ok(Turn::Busy) => Duration::ZERO,
                Ok(Turn::Idle) => self.pause(),
                // The tails end. Whoever listened comes again, and goes on where it was.
                Err(_) => {
                    self.groups.clear();
                    self.let_go();
                    LOOK_EVERY
                }
            };
        }
    }

    fn listeners(&self) -> usize {
        self.groups.iter().map(Group::listeners).sum()
    }

    fn pause(&self) -> Duration {
        let listeners = u32::try_from(self.listeners()).unwrap_or(u32::MAX);
        let longer = LONGER_EACH.saturating_mul(listeners);
        (LOOK_EVERY + longer).min(LONGEST)
    }

    /// One look for all groups.
    fn round(&mut self, new: Vec<Wish>) -> Result<Turn, StoreError> {
        self.groups.iter_mut().for_each(Group::forget_gone);
        self.groups.retain(|group| group.listeners() > 0);
        let reader = self.reader()?;
        let last_id = reader.last_id()?;
        if last_id < self.last_id {
            // What is in the file was put back.
            self.file = None;
            self.groups.iter_mut().for_each(Group::begin_anew);
        }
        // A file that is just being made gets it before its first record.
        if self.file.is_none() {
            self.file = reader.file_number()?;
        }
        let seen_id = std::mem::replace(&mut self.last_id, last_id).min(last_id);
        let look = Look {
            reader: &reader,
            file: self.file,
            last_id,
            waiting_bytes: &self.waiting_bytes,
            turn: TURN,
        };
        for wish in new {
            let id = match wish.after {
                None => last_id,
                Some(after) if is_of(&look, after) => after.id,
                // Of another file: rather twice than never.
                Some(_) => 0,
            };
            let file = look.file;
            let open = events::open(EventId { id, file }, last_id);
            wish.listener.put(open);
            self.groups.push(Group::new(wish.query, id, wish.listener));
        }
        let room_bytes = (ALL_BYTES / 2 / self.listeners().max(1)).min(MOST_BYTES);
        if !is_full(&look) {
            self.full_since = None;
        } else if self.full_since.get_or_insert_with(Instant::now).elapsed() >= PATIENCE {
            for group in &mut self.groups {
                group.forget_full(look.file, room_bytes);
            }
        }
        let groups = &mut self.groups;
        let mut turn = serve(groups, &look, seen_id, room_bytes, CATCHING_UP)?;
        merge(&mut self.groups);
        let mut groups = self.groups.iter();
        if self.next.is_some() && groups.all(|group| group.has_all_up_to(last_id)) {
            self.reader = None;
            self.groups.iter_mut().for_each(Group::begin_anew);
            turn = Turn::Busy;
        }
        if self.commented.elapsed() >= COMMENT_EVERY {
            self.commented = Instant::now();
            self.groups.iter().for_each(Group::comment);
        }
        Ok(turn)
    }

    /// A reader of the file that is at the path, or of the one that was there before: nobody is to miss its last records. Whoever writes
    /// has left that one when there is another, and as long as there is none, it may come back.
    fn reader(&mut self) -> Result<Reader, StoreError> {
        let open = || Reader::open(&self.path).map(|reader| reader.with_cancel(self.over.clone()));
        let Some(reader) = &self.reader else {
            let reader = match self.next.take() {
                Some(next) => next,
                None => open()?,
            };
            self.file = None;
            self.last_id = 0;
            return Ok(self.reader.insert(reader).clone());
        };
        if reader.is_at_its_path() {
            self.next = None;
        } else if self.next.is_none() {
            // It may be just being made.
            self.next = open().ok();
        }
        Ok(reader.clone())
    }

    fn let_go(&mut self) {
        self.reader = None;
        self.next = None;
    }
}

/// Whether an id is of the file that is looked at. One that has not been given yet is not.
fn is_of(look: &Look<'_>, after: EventId) -> bool {
    after.id <= look.last_id && after.file.is_none_or(|file| look.file == Some(file))
}
