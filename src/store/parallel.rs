//! Several threads for one question: over all segments in no order, or ahead of whoever takes results in order.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};
use rusqlite::Connection;

use super::plan::Segment;
use super::reader::Reader;
use crate::error::StoreError;

/// Fewer segments than this for each thread are not worth starting one.
const SEGMENTS_PER_THREAD: usize = 16;

/// How many threads can be of use: no more than there are cores, or connections.
fn most_threads() -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    cores.min(Reader::CONNECTIONS)
}

/// Has `work` done with each segment by workers that `start` makes, one for each thread; gives the workers back.
///
/// No worker keeps a connection from one segment to the next.
pub(super) fn each_segment<W: Send>(
    reader: &Reader,
    segments: &[Segment],
    start: impl Fn() -> W,
    work: impl Fn(&mut W, &Connection, &Segment) -> rusqlite::Result<()> + Sync,
) -> Result<Vec<W>, StoreError> {
    let next = AtomicUsize::new(0);
    let run = |mut worker: W| {
        while let Some(segment) = segments.get(next.fetch_add(1, Ordering::Relaxed)) {
            let begun = next.load(Ordering::Relaxed).min(segments.len());
            reader.progress.of(begun, segments.len());
            let done = reader.read(|connection| work(&mut worker, connection, segment));
            if let Err(error) = done {
                next.store(segments.len(), Ordering::Relaxed);
                return Err(error);
            }
        }
        Ok(worker)
    };
    let run = &run;
    let threads = most_threads().min(segments.len() / SEGMENTS_PER_THREAD);
    thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads)
            .map_while(|_| {
                let worker = start();
                thread::Builder::new()
                    .name("logstore-scan".into())
                    .spawn_scoped(scope, move || run(worker))
                    .ok()
            })
            .collect();
        let own = run(start());
        let mut workers = Vec::new();
        for helper in helpers {
            match helper.join() {
                Ok(worker) => workers.push(worker?),
                Err(panic) => resume_unwind(panic),
            }
        }
        workers.push(own?);
        Ok(workers)
    })
}

/// Threads that do jobs ahead of whoever takes the results, in the order of the jobs. They end when this is dropped, each after the
/// job at hand.
pub(super) struct Ahead<J, R> {
    jobs: Sender<(usize, J)>,
    results: Receiver<(usize, thread::Result<R>)>,
    /// Results that came before their turn.
    early: HashMap<usize, thread::Result<R>>,
    given: usize,
    taken: usize,
    /// How many jobs may be under way or waiting to be taken.
    most: usize,
}

impl<J: Send + 'static, R: Send + 'static> Ahead<J, R> {
    /// Starts threads that each do jobs with what `worker` makes for them, so many of them ahead; `None` when there are none to be had.
    pub(super) fn start<W>(jobs_per_thread: usize, worker: impl Fn() -> W) -> Option<Self>
    where
        W: FnMut(J) -> R + Send + 'static,
    {
        let (jobs, waiting) = unbounded();
        let (done, results) = unbounded();
        let start = |mut work: W| {
            let (waiting, done): (Receiver<(usize, J)>, Sender<_>) =
                (waiting.clone(), done.clone());
            let run = move || {
                for (number, job) in waiting {
                    // A panic is the panic of whoever takes the result, not the end of a thread that others wait for.
                    let result = catch_unwind(AssertUnwindSafe(|| work(job)));
                    if done.send((number, result)).is_err() {
                        return;
                    }
                }
            };
            thread::Builder::new()
                .name("logstore-scan".into())
                .spawn(run)
        };
        let threads = (0..most_threads())
            .map_while(|_| start(worker()).ok())
            .count();
        (threads > 0).then(|| Ahead {
            jobs,
            results,
            early: HashMap::new(),
            given: 0,
            taken: 0,
            most: threads * jobs_per_thread,
        })
    }

    /// Whether a job may be given.
    pub(super) fn has_room(&self) -> bool {
        self.given - self.taken < self.most
    }

    pub(super) fn give(&mut self, job: J) {
        self.jobs
            .send((self.given, job))
            .expect("the threads end when this is dropped");
        self.given += 1;
    }

    /// The result of the first job that has not been taken; `None` when there is none.
    pub(super) fn take(&mut self) -> Option<R> {
        if self.taken == self.given {
            return None;
        }
        let result = loop {
            if let Some(result) = self.early.remove(&self.taken) {
                break result;
            }
            let (number, result) = self
                .results
                .recv()
                .expect("the threads end when this is dropped");
            self.early.insert(number, result);
        };
        self.taken += 1;
        Some(result.unwrap_or_else(|panic| resume_unwind(panic)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_their_jobs() {
        let mut ahead = Ahead::start(4, || |job: u64| job * job).unwrap();
        let mut next = 0;
        for taken in 0..100 {
            while ahead.has_room() && next < 100 {
                ahead.give(next);
                next += 1;
            }
            assert_eq!(ahead.take(), Some(taken * taken));
        }
        assert_eq!(ahead.take(), None);
    }

    #[test]
    fn a_panic_reaches_whoever_takes_its_result_and_no_other() {
        let mut ahead = Ahead::start(4, || {
            |job: u8| {
                assert_ne!(job, 1, "made to fail");
                job
            }
        })
        .unwrap();
        (0..3).for_each(|job| ahead.give(job));
        assert_eq!(ahead.take(), Some(0));
        assert!(catch_unwind(AssertUnwindSafe(|| ahead.take())).is_err());
        assert_eq!(ahead.take(), Some(2));
    }
}
