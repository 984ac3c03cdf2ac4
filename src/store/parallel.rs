//! A pass over all segments of a plan with several threads, in no order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rusqlite::Connection;

use super::plan::Segment;
use super::reader::Reader;
use crate::error::StoreError;

/// Fewer segments than this for each thread are not worth starting one.
const SEGMENTS_PER_THREAD: usize = 16;

/// How many threads a pass over so many segments is worth.
pub(super) fn threads(segments: usize) -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    cores
        .min(Reader::CONNECTIONS)
        .min(segments / SEGMENTS_PER_THREAD)
        .max(1)
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
    thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads(segments.len()))
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
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        workers.push(own?);
        Ok(workers)
    })
}
