//! Questions are answered on threads of their own, so that neither receiving nor writing waits for them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::export::Place;
use super::problem::Problem;
use crate::cancel::Cancel;
use crate::error::StoreError;
use crate::store::{Reader, RoomSettings};

/// How many questions are answered at a time. A reader has no more connections, and a long one gets helping threads besides.
pub(in crate::net) const THREADS: usize = 4;

/// How many more may wait for their turn. A page asks three at a time.
const WAITING: usize = 60;

/// How many groups each thread may count for a question: some hundred megabytes, if they are texts.
const MAX_GROUPS: usize = 250_000;

/// How many exports are made at a time: they must leave threads for others.
const MOST_EXPORTS: usize = 2;

/// How much of answers may wait for their clients to take it, in units of a kibibyte.
const MOST_WAITING: usize = 128 << 10;
const WAITING_UNIT: usize = 1 << 10;

/// How long a question may take by default.
pub const DEFAULT_QUERY_TIMEOUT: Duration = Duration::from_secs(30);

/// Asks the store at a path.
pub(in crate::net) struct Questions {
    source: Arc<Source>,
    room: Arc<Semaphore>,
    exports: Arc<Semaphore>,
    answers: Arc<Semaphore>,
    place: Place,
    timeout: Duration,
}

/// Where the answers come from.
struct Source {
    path: PathBuf,
    /// Opened by the first question.
    reader: Mutex<Option<Reader>>,
}

/// Takes the question back when nobody waits for its answer any more.
pub(super) struct TakenBack(pub(super) Cancel);

impl Drop for TakenBack {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl Questions {
    pub(in crate::net) fn new(path: PathBuf, room: RoomSettings, timeout: Duration) -> Self {
        Questions {
            place: Place::new(&path, room),
            source: Arc::new(Source {
                path,
                reader: Mutex::new(None),
            }),
            room: Arc::new(Semaphore::new(THREADS + WAITING)),
            exports: Arc::new(Semaphore::new(MOST_EXPORTS)),
            answers: Arc::new(Semaphore::new(MOST_WAITING)),
            timeout,
        }
    }

    /// Removes what earlier servers have left of exports, on a thread that may read.
    pub(in crate::net) fn sweep(&self) {
        let place = self.place.clone();
        spawn_blocking(move || place.sweep());
    }

    /// Where the stores of exports are made.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Room for one more export, until it is dropped.
    pub(super) fn room_for_export(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.exports).try_acquire_owned().ok()
    }

    /// Room for an answer of so many bytes, until it is dropped.
    ///
    /// # Errors
    ///
    /// 503 when too much waits for clients that do not take it.
    pub(super) fn room_for_answer(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let units = bytes.div_ceil(WAITING_UNIT).min(MOST_WAITING);
        let units = u32::try_from(units).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.answers).try_acquire_many_owned(units);
        room.map_err(|_| {
            let detail = "too many answers wait for their clients to take them; ask again in a moment, or for less";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
        })
    }

    /// Has a question answered on a thread that may read. It ends soon after the future is dropped, and by the time limit.
    ///
    /// # Errors
    ///
    /// What `question` says; 503 when too many wait; 504 when it took too long, waiting included.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Reader) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let room = Arc::clone(&self.room).try_acquire_owned();
        let room = room.map_err(|_| {
            let detail = "too many questions are being answered; ask again in a moment";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
        })?;
        let wanted = TakenBack(Cancel::new());
        let cancel = wanted.0.clone();
        let source = Arc::clone(&self.source);
        // Tokio's own pool, which starts threads when they are needed, lets others wait in line and catches panics.
        let answering = spawn_blocking(move || {
            let _room = room;
            if cancel.is_cancelled() {
                return Err(StoreError::Cancelled.into());
            }
            question(
                &source
                    .reader()?
                    .with_cancel(cancel)
                    .with_max_groups(MAX_GROUPS),
            )
        });
        match timeout(self.timeout, answering).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "answering this question failed; this is a bug",
            )),
            Err(_) => {
                let limit = self.timeout;
                let detail = format!(
                    "no answer within {limit:?}; ask for less, a shorter span of time for one: --query-timeout sets the limit"
                );
                Err(Problem::new(StatusCode::GATEWAY_TIMEOUT, detail))
            }
        }
    }
}

impl Source {
    /// A reader of the file that is at the path now.
    fn reader(&self) -> Result<Reader, StoreError> {
        let mut known = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(reader) = known.as_ref().filter(|reader| reader.is_at_its_path()) {
            return Ok(reader.clone());
        }
        *known = None;
        Ok(known.insert(Reader::open(&self.path)?).clone())
    }
}
