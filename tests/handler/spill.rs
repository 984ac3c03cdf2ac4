//! `Overflow::Spill`: what a store does not take waits in a file, and comes back in order.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use logstore::{HandlerBuilder, Overflow, Query, QueueError, Reader, Report, SQLiteQueueHandler};
use rusqlite::Connection;

use crate::store::{Fault, TestStore, listening, record, wait_until};

fn spilling(path: &Path) -> HandlerBuilder {
    SQLiteQueueHandler::builder()
        .overflow(Overflow::Spill)
        .spill_path(path)
        .queue_capacity(10)
        .batch_size(5)
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

fn stored_messages(path: &Path) -> Vec<String> {
    let found = Reader::open(path)
        .unwrap()
        .query(&Query::default())
        .unwrap();
    let mut found: Vec<_> = found.map(Result::unwrap).collect();
    found.sort_by_key(|stored| stored.id);
    found
        .into_iter()
        .map(|stored| stored.record.message)
        .collect()
}

#[test]
fn a_full_queue_goes_to_the_file_and_comes_back_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.spill");
    let (store, gate) = TestStore::gated();
    let (builder, heard) = listening(spilling(&path));
    let handler = builder.start(store.clone()).unwrap();
    let sent = numbers(10_000);
    for message in &sent {
        handler.emit(&record(message)).unwrap();
    }
    let counters = handler.counters();
    assert_eq!((counters.accepted, counters.queued), (10_000, 10_000));
    assert!(counters.spilled > 9_000, "{counters:?}");
    assert!(path.exists());
    drop(gate);
    handler.flush_within(Duration::from_secs(20)).unwrap();
    assert_eq!(store.messages(), sent);
    wait_until("the file is gone", || !path.exists());
    let counters = handler.counters();
    assert_eq!((counters.stored, counters.spilled), (10_000, 0));
    let heard = heard.lock().unwrap();
    let spilled = |report: &&Report| matches!(report, Report::Spilling { .. });
    assert_eq!(heard.iter().filter(spilled).count(), 1, "{heard:?}");
}

#[test]
fn what_waits_long_goes_to_the_file_also_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.spill");
    let (store, gate) = TestStore::gated();
    let handler = spilling(&path)
        .queue_capacity(1000)
        .start(store.clone())
        .unwrap();
    handler.emit(&record("at hand")).unwrap();
    wait_until("the store is asked", || {
        store.calls.load(std::sync::atomic::Ordering::SeqCst) > 0
    });
    handler.emit(&record("waits")).unwrap();
    assert_eq!(handler.counters().spilled, 0);
    wait_until("it is spilled", || handler.counters().spilled == 1);
    drop(gate);
    handler.close().unwrap();
    assert_eq!(store.messages(), ["at hand", "waits"]);
    assert!(!path.exists());
}

#[test]
fn what_a_store_refuses_until_the_end_is_stored_by_the_next_handler_first_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("logs.sqlite");
    let builder = || {
        SQLiteQueueHandler::builder()
            .overflow(Overflow::Spill)
            .queue_capacity(100)
            .batch_size(10)
            .close_timeout(Duration::from_millis(100))
    };
    let sent = numbers(3000);
    let (before, after) = sent.split_at(2000);
    let (refusing, heard) = listening(builder());
    let handler = refusing.open(&db).unwrap();
    let other = Connection::open(&db).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for message in before {
        handler.emit(&record(message)).unwrap();
    }
    handler.close().unwrap();
    let counters = handler.counters();
    assert_eq!(
        (counters.queued, counters.spilled, counters.failed),
        (2000, 2000, 0)
    );
    assert!(
        heard
            .lock()
            .unwrap()
            .iter()
            .any(|report| matches!(report, Report::SpillKept { records: 2000, .. })),
        "{heard:?}"
    );
    other.execute_batch("ROLLBACK").unwrap();

    let (finding, heard) = listening(builder());
    let handler = finding.open(&db).unwrap();
    for message in after {
        handler.emit(&record(message)).unwrap();
    }
    handler.close().unwrap();
    assert_eq!(handler.counters().stored, 3000);
    assert!(matches!(
        heard.lock().unwrap()[0],
        Report::SpillFound { records: 2000, .. }
    ));
    assert_eq!(stored_messages(&db), sent);
    assert!(!dir.path().join("logs.sqlite.spill").exists());
}

#[test]
fn what_was_left_behind_is_stored_under_any_rule() {
    let dir = tempfile::tempdir().unwrap();
    let db = dir.path().join("logs.sqlite");
    let builder = SQLiteQueueHandler::builder().close_timeout(Duration::ZERO);
    let handler = builder.clone().overflow(Overflow::Spill).open(&db).unwrap();
    let other = Connection::open(&db).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    handler.emit(&record("left")).unwrap();
    handler.close().unwrap();
    other.execute_batch("ROLLBACK").unwrap();
    let handler = builder.overflow(Overflow::Block).open(&db).unwrap();
    handler.emit(&record("new")).unwrap();
    handler.flush_within(Duration::from_secs(20)).unwrap();
    handler.close().unwrap();
    assert_eq!(stored_messages(&db), ["left", "new"]);
    assert!(!dir.path().join("logs.sqlite.spill").exists());
}

#[test]
fn a_full_queue_whose_writer_moves_pushes_back_and_spills_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.spill");
    let (store, gate) = TestStore::gated();
    let (builder, heard) = listening(spilling(&path));
    let handler = builder.start(store.clone()).unwrap();
    let sent = numbers(200);
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| {
            for message in &sent {
                handler.emit(&record(message)).unwrap();
            }
        });
        // A slow disk: 20 ms for a transaction.
        while !sending.is_finished() {
            gate.send(()).unwrap();
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    drop(gate);
    handler.close().unwrap();
    assert_eq!(store.messages(), sent);
    assert_eq!(heard.lock().unwrap().len(), 0, "{heard:?}");
}

#[test]
fn only_what_no_file_takes_is_lost_at_a_stop() {
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    let (store, gate) = TestStore::gated();
    let builder = spilling(&inside.join("a.spill")).close_timeout(Duration::ZERO);
    let handler = builder.start(store.clone()).unwrap();
    handler.emit(&record("at hand")).unwrap();
    wait_until("it is", || store.calls.load(Ordering::SeqCst) == 1);
    for message in numbers(100) {
        handler.emit(&record(message)).unwrap();
    }
    wait_until("the others are spilled", || {
        handler.counters().spilled == 100
    });
    // The file that is open takes more. No other one can be made.
    let aside = dir.path().join("aside");
    std::fs::rename(&inside, &aside).unwrap();
    *store.faults.lock().unwrap() = vec![Fault::Broken];
    drop(gate);
    let Err(QueueError::Lost { failed, reason }) = handler.close() else {
        panic!("nothing was lost");
    };
    assert_eq!(failed, 1, "{reason}");
    assert!(reason.contains("spill"), "{reason}");
    let counters = handler.counters();
    assert_eq!((counters.failed, counters.spilled), (1, 100));

    let store = TestStore::with_faults(&[Fault::None]);
    let next = spilling(&aside.join("a.spill"));
    next.start(store.clone()).unwrap().close().unwrap();
    assert_eq!(store.messages(), numbers(100));
}

#[test]
fn a_spill_that_is_full_pushes_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.spill");
    let (store, gate) = TestStore::gated();
    let (builder, heard) = listening(spilling(&path).spill_max_bytes(10_000));
    let handler = builder.start(store.clone()).unwrap();
    let sent = numbers(1000);
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| {
            for message in &sent {
                handler.emit(&record(message)).unwrap();
            }
        });
        wait_until("it is told", || {
            let full = |report: &Report| matches!(report, Report::SpillFailing { reason, .. } if reason.contains("10000"));
            heard.lock().unwrap().iter().any(full)
        });
        assert!(!sending.is_finished());
        drop(gate);
    });
    handler.close().unwrap();
    assert_eq!(store.messages(), sent);
    assert!(!path.exists());
}

#[test]
fn a_spill_that_cannot_be_written_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let inside = dir.path().join("gone");
    std::fs::create_dir(&inside).unwrap();
    let (store, gate) = TestStore::gated();
    let (builder, heard) = listening(spilling(&inside.join("a.spill")));
    let handler = builder.start(store.clone()).unwrap();
    std::fs::remove_dir(&inside).unwrap();
    let sent = numbers(100);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for message in &sent {
                handler.emit(&record(message)).unwrap();
            }
        });
        wait_until("it is told", || {
            let refused = |report: &Report| matches!(report, Report::SpillFailing { .. });
            heard.lock().unwrap().iter().any(refused)
        });
        drop(gate);
    });
    handler.close().unwrap();
    assert_eq!(store.messages(), sent);
    assert_eq!(handler.counters().stored, 100);
}

#[test]
fn faults_in_between_lose_and_double_nothing() {
    use Fault::{Broken, Busy, None};
    let dir = tempfile::tempdir().unwrap();
    let faults = [None, Busy, Broken, None, Broken, Busy, Broken, None];
    let store = TestStore::with_faults(&faults);
    let handler = spilling(&dir.path().join("a.spill"))
        .start(store.clone())
        .unwrap();
    let sent = numbers(5000);
    for message in &sent {
        handler.emit(&record(message)).unwrap();
    }
    handler.close().unwrap();
    assert_eq!(store.messages(), sent);
    let counters = handler.counters();
    assert_eq!((counters.accepted, counters.stored), (5000, 5000));
}

#[test]
fn a_stalled_store_does_not_hold_up_who_logs() {
    let dir = tempfile::tempdir().unwrap();
    let (store, gate) = TestStore::gated();
    let handler = spilling(&dir.path().join("a.spill"))
        .start(store.clone())
        .unwrap();
    let mut longest = Duration::ZERO;
    for number in 0..2000 {
        let began = Instant::now();
        handler.emit(&record(number.to_string())).unwrap();
        longest = longest.max(began.elapsed());
    }
    assert!(longest < Duration::from_secs(1), "{longest:?}");
    drop(gate);
    handler.close().unwrap();
    assert_eq!(store.messages(), numbers(2000));
}

#[test]
fn a_store_of_the_callers_needs_a_place_to_spill_to() {
    let builder = SQLiteQueueHandler::builder().overflow(Overflow::Spill);
    let started = builder.start(TestStore::with_faults(&[]));
    assert!(matches!(started, Err(QueueError::NoSpill)));
}
