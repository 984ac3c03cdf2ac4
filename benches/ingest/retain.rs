//! The handler from one thread, into a file that holds as many records already, whose time is over: retention removes them meanwhile.

use std::path::Path;
use std::thread;
use std::time::Duration;

use logstore::{
    Batch, Durability, LogRecord, RecordStore as _, Retention, SQLiteQueueHandler, SqliteStore,
    now_ns,
};

use crate::Result;
use crate::measure::{Outcome, Stopwatch};
use crate::workload::Workload;

const RECORDS_PER_BATCH: usize = 256;
const BATCHES_PER_APPEND: usize = 16;

const DAY_NS: i64 = 86_400_000_000_000;

/// From the first `emit` until all new records are committed and all old ones are gone.
pub(crate) fn run(path: &Path, records: usize) -> Result<Outcome> {
    let mut input: Vec<LogRecord> = Workload::new(records).take(records).collect();
    let now = now_ns();
    let made_at = |input: &mut Vec<LogRecord>, created_ns| {
        for record in input {
            record.created_ns = created_ns;
        }
    };
    made_at(&mut input, now - DAY_NS);
    store(path, &input)?;
    made_at(&mut input, now);
    let retention = Retention {
        keep: vec!["1h".parse()?],
        max_bytes: None,
    };
    let handler = SQLiteQueueHandler::builder()
        .retention(retention)
        .open(path)?;

    let watch = Stopwatch::start();
    for record in &input {
        handler.emit(record)?;
    }
    handler.flush()?;
    while handler.removed() < records as u64 {
        thread::sleep(Duration::from_millis(1));
    }
    let outcome = watch.stop();

    handler.close()?;
    Ok(outcome)
}

fn store(path: &Path, input: &[LogRecord]) -> Result<()> {
    let mut store = SqliteStore::open(path, Durability::Normal)?;
    for run in input.chunks(RECORDS_PER_BATCH * BATCHES_PER_APPEND) {
        let batches: Vec<Batch> = run
            .chunks(RECORDS_PER_BATCH)
            .map(|records| records.iter().collect())
            .collect();
        store.append(&batches)?;
    }
    Ok(())
}
