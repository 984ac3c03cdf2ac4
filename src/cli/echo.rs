//! Arriving records on the console, as the ancestor shows them.
//!
//! A console is slower than a log: what it cannot keep up with is counted and skipped, so that it never holds up the receiver.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use logstore::{Batch, Controls, Level, RecordFormat, StoredRecord, TextFormat, Zone};

/// How many batches of text may wait for the console.
const WAITING: usize = 64;

/// How long the end waits for a console that takes nothing, such as a terminal after Ctrl-S.
const FINISH_TIMEOUT: Duration = Duration::from_secs(1);

/// The thread that writes to the console.
pub(super) struct Echo {
    /// Nothing is ever sent: its other end is gone when the thread has ended.
    ended: Receiver<()>,
}

/// Starts echoing records of at least this level. The function given back takes them; the echo ends with it.
pub(super) fn start(level: Level) -> io::Result<(Echo, impl Fn(&Batch) + Send + 'static)> {
    let (sender, receiver) = bounded::<Vec<u8>>(WAITING);
    let skipped = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&skipped);
    let (running, ended) = bounded(0);
    std::thread::Builder::new()
        .name("logstore-echo".into())
        .spawn(move || {
            write(&receiver, &skipped);
            drop(running);
        })?;
    Ok((Echo { ended }, move |batch: &Batch| {
        take(batch, level, &sender, &counted);
    }))
}

impl Echo {
    /// Waits until everything is written, unless the console hangs. The function that takes records must be gone.
    pub(super) fn finish(self) {
        // Disconnected is what is hoped for.
        let _ = self.ended.recv_timeout(FINISH_TIMEOUT);
    }
}

fn take(batch: &Batch, level: Level, sender: &Sender<Vec<u8>>, skipped: &AtomicU64) {
    let wanted = batch
        .iter()
        .filter(|record| batch.sites()[record.site].level >= level);
    if sender.is_full() {
        skipped.fetch_add(wanted.count() as u64, Ordering::Relaxed);
        return;
    }
    let mut format = TextFormat::console(Zone::Local).controls(Controls::Escaped);
    let mut text = Vec::new();
    for record in wanted {
        let record = StoredRecord {
            id: 0,
            record: batch.to_record(&record),
        };
        format.write(&record, &mut text);
    }
    if !text.is_empty() {
        // Only this thread sends, so there is still room. The console may have been closed: then nobody looks.
        let _ = sender.try_send(text);
    }
}

fn write(receiver: &Receiver<Vec<u8>>, skipped: &AtomicU64) {
    for text in receiver {
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
