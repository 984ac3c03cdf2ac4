//! What all targets share: where records come from, and what has to hold of them.

use logstore::Batch;
use logstore::wire::Context;

pub const CONTEXT: Context<'static> = Context {
    hostname: "node7",
    now_ns: 1_795_300_000_000_000_000,
};

/// Fails unless every record can be read back, and what is extra is JSON.
pub fn check(batch: &Batch) {
    for row in batch.iter() {
        let record = batch.to_record(&row);
        assert!(!record.extra.contains_key("unreadable"), "{record:?}");
    }
}
