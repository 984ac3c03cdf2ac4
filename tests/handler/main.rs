//! The handler against stores that are slow, locked or broken: nothing accepted is lost without being counted and told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod overflow;
mod retention;
mod spill;
mod store;

use std::sync::atomic::Ordering;
use std::time::Duration;

use logstore::{
    Batch, Query, QueueError, Reader, RecordSink, RecordStore, Report, SQLiteQueueHandler,
    StoreError,
};

use crate::store::{Fault, TestStore, listening, record, wait_until};

#[test]
fn every_record_of_every_thread_is_stored_in_its_order() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let handler = SQLiteQueueHandler::builder()
        .queue_capacity(500)
        .open(&path)
        .unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let handler = &handler;
            scope.spawn(move || {
                for i in 0..5000 {
                    handler.emit(&record(format!("{thread}:{i}"))).unwrap();
                }
            });
        }
    });
    handler.close().unwrap();
    let counters = handler.counters();
    assert_eq!(
        (counters.accepted, counters.stored, counters.queued),
        (20_000, 20_000, 0)
    );
    let mut next = [0; 4];
    let mut records: Vec<_> = Reader::open(&path)
        .unwrap()
        .query(&Query::default())
        .unwrap()
        .map(Result::unwrap)
        .collect();
    records.sort_by_key(|stored| stored.id);
    for stored in records {
        let (thread, i) = stored.record.message.split_once(':').unwrap();
        let thread: usize = thread.parse().unwrap();
        assert_eq!(i.parse(), Ok(next[thread]));
        next[thread] += 1;
    }
    assert_eq!(next, [5000; 4]);
}

#[test]
fn a_flushed_record_is_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let handler = SQLiteQueueHandler::builder()
        .longest_delay(Duration::from_hours(1))
        .open(&path)
        .unwrap();
    for i in 1..=3 {
        let sent = record("flushed").with("i", i);
        handler.emit(&sent).unwrap();
        handler.flush().unwrap();
        let last = Query {
            limit: Some(1),
            ..Query::default()
        };
        let found = Reader::open(&path)
            .unwrap()
            .query(&last)
            .unwrap()
            .next()
            .unwrap()
            .unwrap();
        assert_eq!(found.record, sent);
    }
}

#[test]
fn who_waits_for_a_commit_shares_it_with_who_came_meanwhile() {
    let (store, gate) = TestStore::gated();
    let handler = SQLiteQueueHandler::builder().start(store.clone()).unwrap();
    let submit = |message: &str| {
        let batch: Batch = [&record(message)].into_iter().collect();
        handler.submit(batch).unwrap();
    };
    submit("first");
    wait_until("the store is busy", || {
        store.calls.load(Ordering::SeqCst) == 1
    });
    for message in ["second", "third", "fourth"] {
        submit(message);
    }
    drop(gate);
    handler.flush().unwrap();
    assert_eq!(store.messages(), ["first", "second", "third", "fourth"]);
    assert_eq!(store.calls.load(Ordering::SeqCst), 2);
}

#[test]
fn a_store_that_fails_now_and_then_loses_and_doubles_nothing() {
    use Fault::{Broken, Busy, None};
    let store =
        TestStore::with_faults(&[None, Busy, Busy, None, Broken, None, Broken, Broken, None]);
    let (builder, heard) = listening(SQLiteQueueHandler::builder().batch_size(10));
    let handler = builder.start(store.clone()).unwrap();
    let sent: Vec<String> = (0..500).map(|i| i.to_string()).collect();
    for message in &sent {
        handler.emit(&record(message)).unwrap();
    }
    handler.close().unwrap();
    assert_eq!(store.messages(), sent);
    let counters = handler.counters();
    assert_eq!(
        (counters.stored, counters.failed, counters.dropped),
        (500, 0, 0)
    );
    let heard = heard.lock().unwrap();
    assert!(
        heard
            .iter()
            .any(|report| matches!(report, Report::StoreFailing { .. })),
        "{heard:?}"
    );
    assert!(
        heard
            .iter()
            .any(|report| matches!(report, Report::StoreRecovered { .. }))
    );
}

#[test]
fn a_flush_tells_that_the_store_refuses_and_the_records_stay() {
    let store = TestStore::with_faults(&[Fault::Broken]);
    let handler = SQLiteQueueHandler::builder().start(store.clone()).unwrap();
    handler.emit(&record("kept")).unwrap();
    let error = handler.flush().unwrap_err();
    assert!(
        matches!(error, QueueError::Stalled { queued: 1, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("no space left"), "{error}");
    *store.faults.lock().unwrap() = vec![Fault::None];
    handler.close().unwrap();
    assert_eq!(store.messages(), ["kept"]);
}

#[test]
fn closing_a_store_that_refuses_for_ever_tells_how_many_are_lost() {
    for fault in [Fault::Broken, Fault::Busy] {
        let handler = SQLiteQueueHandler::builder()
            .close_timeout(Duration::from_millis(50))
            .start(TestStore::with_faults(&[fault]))
            .unwrap();
        for i in 0..7 {
            handler.emit(&record(i.to_string())).unwrap();
        }
        let error = handler.close().unwrap_err();
        assert!(
            matches!(error, QueueError::Lost { failed: 7, .. }),
            "{error}"
        );
        let counters = handler.counters();
        assert_eq!(
            (counters.accepted, counters.failed, counters.queued),
            (7, 7, 0)
        );
        handler.close().unwrap();
    }
}

#[test]
fn a_full_queue_makes_producers_wait_and_loses_nothing() {
    let (store, gate) = TestStore::gated();
    let handler = SQLiteQueueHandler::builder()
        .queue_capacity(10)
        .longest_delay(Duration::ZERO)
        .start(store.clone())
        .unwrap();
    std::thread::scope(|scope| {
        let producer = scope.spawn(|| {
            for i in 0..100 {
                handler.emit(&record(i.to_string())).unwrap();
            }
        });
        wait_until("the queue is full", || handler.counters().queued >= 10);
        assert!(!producer.is_finished());
        // The writer holds at most half a queue besides.
        assert!(handler.counters().queued <= 15);
        drop(gate);
    });
    handler.close().unwrap();
    assert_eq!(
        store.messages(),
        (0..100).map(|i| i.to_string()).collect::<Vec<_>>()
    );
}

#[test]
fn a_producer_that_waits_is_told_when_the_handler_closes() {
    let (store, gate) = TestStore::gated();
    let handler = SQLiteQueueHandler::builder()
        .queue_capacity(1)
        .start(store)
        .unwrap();
    std::thread::scope(|scope| {
        let producer = scope.spawn(|| {
            loop {
                if let Err(error) = handler.emit(&record("x")) {
                    return error;
                }
            }
        });
        wait_until("the queue is full", || handler.counters().queued >= 2);
        let closing = scope.spawn(|| handler.close());
        assert!(matches!(producer.join().unwrap(), QueueError::Closed));
        drop(gate);
        closing.join().unwrap().unwrap();
    });
    assert_eq!(handler.counters().queued, 0);
}

#[test]
fn a_refusing_store_is_not_hammered_while_closing() {
    let store = TestStore::with_faults(&[Fault::Broken]);
    let handler = SQLiteQueueHandler::builder()
        .close_timeout(Duration::from_millis(300))
        .start(store.clone())
        .unwrap();
    handler.emit(&record("x")).unwrap();
    handler.close().unwrap_err();
    let calls = store.calls.load(Ordering::SeqCst);
    assert!((2..50).contains(&calls), "{calls}");
}

#[test]
fn a_record_larger_than_the_whole_queue_gets_through() {
    let store = TestStore::with_faults(&[]);
    let handler = SQLiteQueueHandler::builder()
        .queue_bytes(1000)
        .start(store.clone())
        .unwrap();
    let large = "x".repeat(100_000);
    for message in ["a", large.as_str(), "b"] {
        handler.emit(&record(message)).unwrap();
    }
    handler.close().unwrap();
    assert_eq!(store.messages(), ["a", &large, "b"]);
}

#[test]
fn a_closed_handler_takes_nothing_more() {
    let handler = SQLiteQueueHandler::builder()
        .start(TestStore::with_faults(&[]))
        .unwrap();
    handler.close().unwrap();
    assert!(matches!(
        handler.emit(&record("late")),
        Err(QueueError::Closed)
    ));
    assert!(matches!(handler.flush(), Ok(())));
    assert_eq!(handler.counters().accepted, 0);
}

#[test]
fn a_dropped_handler_has_stored_everything() {
    let store = TestStore::with_faults(&[]);
    let handler = SQLiteQueueHandler::builder().start(store.clone()).unwrap();
    for i in 0..1000 {
        handler.emit(&record(i.to_string())).unwrap();
    }
    drop(handler);
    assert_eq!(store.messages().len(), 1000);
}

/// A store whose bug ends the writer thread.
struct Panicking;

impl RecordStore for Panicking {
    fn append(&mut self, _: &[Batch]) -> Result<(), StoreError> {
        panic!("a bug in the store (this message belongs to a test)");
    }
}

#[test]
fn a_writer_that_has_died_is_told_to_all_who_would_wait_for_it() {
    let handler = SQLiteQueueHandler::builder().start(Panicking).unwrap();
    handler.emit(&record("x")).unwrap();
    assert!(matches!(handler.flush(), Err(QueueError::WriterGone)));
    assert!(matches!(
        handler.emit(&record("y")),
        Err(QueueError::Closed)
    ));
    assert!(matches!(handler.close(), Err(QueueError::WriterGone)));
}
