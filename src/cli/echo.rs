//! Arriving records on the console, as the ancestor shows them.
//!
//! A console is slower than a log: what it cannot keep up with is counted and skipped, so that it never holds up the receiver.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded};
use logstore::{Batch, Controls, Level, RecordFormat, RecordRef, StoredRecord, TextFormat, Zone};

use super::console::Background;

/// How many batches may wait for the console.
const WAITING: usize = 16;

/// Starts echoing records of at least this level. The function given back takes them; the echo ends with it.
pub(super) fn start(level: Level) -> io::Result<(Background, impl Fn(&Batch) + Send + 'static)> {
    let (sender, receiver) = bounded(WAITING);
    let skipped = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&skipped);
    let writer = Background::start("logstore-echo", move || write(&receiver, level, &skipped))?;
    Ok((writer, move |batch: &Batch| {
        take(batch, level, &sender, &counted);
    }))
}

fn wanted(batch: &Batch, level: Level) -> impl Iterator<Item = RecordRef<'_>> {
    batch
        .iter()
        .filter(move |record| batch.sites()[record.site].level >= level)
}

/// On the receiver's thread: a copy of the batch is all that it may cost.
fn take(batch: &Batch, level: Level, sender: &Sender<Batch>, skipped: &AtomicU64) {
    let wanted = wanted(batch, level).count();
    if wanted == 0 {
        return;
    }
    if sender.is_full() {
        skipped.fetch_add(wanted as u64, Ordering::Relaxed);
        return;
    }
    // Only this thread sends, so there is still room. The console may have been closed: then nobody looks.
    let _ = sender.try_send(batch.clone());
}

fn write(batches: &Receiver<Batch>, level: Level, skipped: &AtomicU64) {
    let mut format = TextFormat::console(Zone::Local).controls(Controls::Escaped);
    let mut text = Vec::new();
    for batch in batches {
        text.clear();
        for record in wanted(&batch, level) {
            let record = StoredRecord {
                id: 0,
                record: batch.to_record(&record),
            };
            format.write(&record, &mut text);
        }
        let mut out = io::stdout().lock();
        let mut written = out.write_all(&text);
        let missing = skipped.swap(0, Ordering::Relaxed);
        if missing > 0 {
            written = written.and_then(|()| {
                writeln!(
                    out,
                    "... {missing} records not shown: the console is slower than the log"
                )
            });
        }
        if written.and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}
