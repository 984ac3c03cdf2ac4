//! A full queue: what is kept, what is dropped, and how that is told.

use std::sync::atomic::Ordering;
use std::time::Duration;

use logstore::{Overflow, QueueError, Report, SQLiteQueueHandler};

use crate::store::{TestStore, listening, record, wait_until};

/// Fills a queue of 20 whose store is stalled with 100 records, then lets the store go.
fn overflow(rule: Overflow) -> (TestStore, SQLiteQueueHandler, Vec<Report>) {
    let (store, gate) = TestStore::gated();
    let (builder, heard) = listening(SQLiteQueueHandler::builder());
    let handler = builder
        .queue_capacity(20)
        .longest_delay(Duration::ZERO)
        .overflow(rule)
        .start(store.clone())
        .unwrap();
    handler.emit(&record("first")).unwrap();
    wait_until("the writer stores the first", || {
        store.calls.load(Ordering::SeqCst) == 1
    });
    for i in 0..100 {
        handler.emit(&record(i.to_string())).unwrap();
    }
    drop(gate);
    handler.close().unwrap();
    let heard = heard.lock().unwrap().clone();
    (store, handler, heard)
}

#[test]
fn drop_newest_keeps_what_came_first_and_notes_the_loss() {
    let (store, handler, heard) = overflow(Overflow::DropNewest);
    let expected: Vec<String> = (0..20).map(|i| i.to_string()).collect();
    assert_eq!(
        store.messages(),
        [&["first".to_owned()], &expected[..]].concat()
    );
    assert_eq!(
        store.notes(),
        ["80 records dropped: the queue was full (overflow drop-newest)"]
    );
    let counters = handler.counters();
    assert_eq!(
        (counters.accepted, counters.stored, counters.dropped),
        (101, 21, 80)
    );
    assert_eq!(
        heard,
        [Report::RecordsDropped {
            count: 80,
            rule: "drop-newest"
        }]
    );
}

#[test]
fn drop_oldest_keeps_what_came_last_and_notes_the_loss() {
    let (store, handler, _) = overflow(Overflow::DropOldest);
    let counters = handler.counters();
    assert_eq!(counters.accepted, counters.stored + counters.dropped);
    let messages = store.messages();
    assert_eq!(messages[0], "first");
    // What is dropped goes in small runs, so that a few less than the capacity may stay.
    let kept = messages.len() - 1;
    assert!((15..=20).contains(&kept), "{messages:?}");
    let expected: Vec<String> = (100 - kept..100).map(|i| i.to_string()).collect();
    assert_eq!(messages[1..], expected);
    let lost = 100 - kept;
    let note = format!("{lost} records dropped: the queue was full (overflow drop-oldest)");
    assert_eq!(store.notes(), [note]);
}

#[test]
fn drops_are_noted_also_when_nothing_comes_any_more() {
    let (store, gate) = TestStore::gated();
    let handler = SQLiteQueueHandler::builder()
        .queue_capacity(20)
        .longest_delay(Duration::ZERO)
        .overflow(Overflow::DropNewest)
        .start(store.clone())
        .unwrap();
    let calls = |calls| wait_until("a call", || store.calls.load(Ordering::SeqCst) == calls);
    handler.emit(&record("first")).unwrap();
    // One burst while the first record is stored, one while the note of the first burst is.
    for burst in 1..=2 {
        calls(burst);
        for i in 0..100 {
            handler.emit(&record(i.to_string())).unwrap();
        }
        gate.send(()).unwrap();
    }
    drop(gate);
    let noted = || {
        let stored = store.stored.lock().unwrap();
        let notes = stored
            .iter()
            .filter_map(|record| record.extra.get("dropped")?.as_u64());
        notes.sum::<u64>()
    };
    wait_until("both bursts are noted", || {
        noted() == handler.counters().dropped
    });
    assert!(noted() >= 150);
    assert_eq!(store.notes().len(), 2);
}

#[test]
fn a_record_that_comes_too_late_drops_no_other() {
    let (store, gate) = TestStore::gated();
    let handler = SQLiteQueueHandler::builder()
        .queue_capacity(5)
        .longest_delay(Duration::ZERO)
        .overflow(Overflow::DropOldest)
        .start(store.clone())
        .unwrap();
    for i in 0..20 {
        handler.emit(&record(i.to_string())).unwrap();
    }
    let dropped = handler.counters().dropped;
    std::thread::scope(|scope| {
        let closing = scope.spawn(|| handler.close());
        wait_until("the queue closes", || !handler.is_open());
        assert!(matches!(
            handler.emit(&record("late")),
            Err(QueueError::Closed)
        ));
        drop(gate);
        closing.join().unwrap().unwrap();
    });
    assert_eq!(handler.counters().dropped, dropped);
}
