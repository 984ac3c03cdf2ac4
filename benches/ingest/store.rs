//! The store without queue and thread: what dictionaries and blocks cost above the ceiling. It has no bar of its own.

use std::path::Path;

use logstore::{Batch, Durability, LogRecord, RecordStore as _, SqliteStore};

use crate::Result;
use crate::measure::{Outcome, Stopwatch};
use crate::workload::Workload;

const RECORDS_PER_BATCH: usize = 256;
const BATCHES_PER_APPEND: usize = 16;

pub(crate) fn run(path: &Path, records: usize) -> Result<Outcome> {
    let input: Vec<LogRecord> = Workload::new(records).take(records).collect();
    let batches: Vec<Batch> = input
        .chunks(RECORDS_PER_BATCH)
        .map(|records| records.iter().collect())
        .collect();
    let mut store = SqliteStore::open(path, Durability::Normal)?;

    let watch = Stopwatch::start();
    for append in batches.chunks(BATCHES_PER_APPEND) {
        store.append(append)?;
    }
    Ok(watch.stop())
}
