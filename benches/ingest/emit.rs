//! Part (b): `SQLiteQueueHandler::emit`, as a program in Rust calls it.

use std::path::Path;
use std::thread;
use std::time::Instant;

use logstore::{LogRecord, SQLiteQueueHandler};

use crate::Result;
use crate::common::number;
use crate::measure::{Outcome, Stopwatch};
use crate::workload::Workload;

/// Far fewer than a queue holds, so that no `emit` of a burst has to wait for room.
const BURST: usize = 256;

/// From the first `emit` of several threads to the last commit.
pub(crate) fn throughput(path: &Path, records: usize, threads: usize) -> Result<Outcome> {
    let mut shares: Vec<Vec<LogRecord>> = Vec::new();
    shares.resize_with(threads, || Vec::with_capacity(records / threads + 1));
    for (i, record) in Workload::new(records).take(records).enumerate() {
        shares[i % threads].push(record);
    }
    let handler = SQLiteQueueHandler::open(path)?;

    let watch = Stopwatch::start();
    thread::scope(|scope| -> Result<()> {
        let mut senders = Vec::new();
        for share in &shares {
            let send = || share.iter().try_for_each(|record| handler.emit(record));
            senders.push(
                thread::Builder::new()
                    .name("sender".into())
                    .spawn_scoped(scope, send)?,
            );
        }
        for sender in senders {
            sender.join().map_err(|_| "a sender panicked")??;
        }
        Ok(())
    })?;
    handler.flush()?;
    let outcome = watch.stop();

    handler.close()?;
    Ok(outcome)
}

/// How long one `emit` takes while the queue has room, the reading of the clock included.
pub(crate) fn latency(path: &Path, records: usize) -> Result<Outcome> {
    let input: Vec<LogRecord> = Workload::new(records).take(records).collect();
    let mut nanoseconds = Vec::with_capacity(records);
    let handler = SQLiteQueueHandler::open(path)?;
    for burst in input.chunks(BURST) {
        for record in burst {
            let start = Instant::now();
            handler.emit(record)?;
            nanoseconds.push(start.elapsed().as_nanos());
        }
        handler.flush()?;
    }
    handler.close()?;

    nanoseconds.sort_unstable();
    let rank = |percent: usize| -> Result<f64> {
        let at = nanoseconds[(nanoseconds.len() - 1) * percent / 100];
        Ok(number(u64::try_from(at)?))
    };
    Ok(Outcome {
        emit_median_ns: rank(50)?,
        emit_p99_ns: rank(99)?,
        ..Outcome::UNKNOWN
    })
}
