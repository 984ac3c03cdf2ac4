//! The records that are asked for: those of the workload, and among them some that are rare.

use std::sync::Arc;

use logstore::{Level, LogRecord, Site};

use crate::workload::Workload;

/// To be raised when other records come out, here or in the workload: files of the old ones are then made anew.
pub(crate) const GENERATOR: u32 = 1;

/// With fewer, the rare ones would not all find a place.
pub(crate) const FEWEST: usize = 10_000;

/// A logger that logs ten times.
pub(crate) const RARE_LOGGER: &str = "myapp.rare";

/// A word in the messages of twenty records.
pub(crate) const RARE_WORD: &str = "zyzzyva";

/// A word in one message of a hundred.
pub(crate) const COMMON_WORD: &str = "throttled";

/// A piece of a longer word in the messages of twenty records: no index of words knows it.
pub(crate) const FRAGMENT: &str = "x9f3q7";

/// So many records, always the same ones.
pub(crate) fn records(total: usize) -> impl Iterator<Item = LogRecord> {
    let site = Site::new(RARE_LOGGER, Level::INFO).at("/srv/myapp/rare.py", 17, "report");
    let site = Arc::new(site);
    // Evenly spread, each kind begun at another place.
    let is_one_of = move |i: usize, records: usize, part: usize| {
        i % (total / records) == total / records / part
    };
    let records = Workload::new(total).take(total).enumerate();
    records.map(move |(i, mut record)| {
        if is_one_of(i, 10, 2) {
            record.site = Arc::clone(&site);
        }
        if is_one_of(i, 20, 3) {
            record.message.push_str(", found by ");
            record.message.push_str(RARE_WORD);
        }
        if i % 100 == 42 {
            record.message.push_str(", ");
            record.message.push_str(COMMON_WORD);
        }
        if is_one_of(i, 20, 4) {
            record.message.push_str(", trace 7d1e");
            record.message.push_str(FRAGMENT);
            record.message.push_str("b0c2");
        }
        record
    })
}
