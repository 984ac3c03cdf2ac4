//! The file's size has a limit, whatever is in it.

use std::time::{Duration, Instant};

use logstore::{Batch, Level, LogRecord, Query, RecordStore as _, Retention, Site, now_ns};

use super::pruning::retain;
use super::{File, append, kept::assert_blocks_agree, messages, numbered};

fn at_most(max_bytes: u64) -> Retention {
    Retention {
        max_bytes: Some(max_bytes),
        ..Retention::default()
    }
}

#[test]
fn the_file_stays_below_its_limit_and_shrinks() {
    const LIMIT: u64 = Retention::MIN_BYTES;
    let file = File::new();
    let mut store = file.store();
    append(&mut store, &numbered(0..60_000), 10_000);
    drop(store);
    let before = std::fs::metadata(&file.path).unwrap().len();
    assert!(before > 2 * LIMIT);
    let mut store = file.store();
    store.set_retention(at_most(LIMIT)).unwrap();
    retain(&mut store);
    let mut largest = 0;
    for start in (60_000..160_000).step_by(5000) {
        append(&mut store, &numbered(start..start + 5000), 5000);
        store.retain().unwrap();
        largest = largest.max(std::fs::metadata(&file.path).unwrap().len());
    }
    assert!(largest < LIMIT + (4 << 20), "{largest}");
    retain(&mut store);
    let found = messages(&file.reader(), &Query::default());
    assert!(found.len() > 5000, "{}", found.len());
    assert_eq!(found.last().unwrap(), "record number159999");
    assert_blocks_agree(&file);
    drop(store);
    let after = std::fs::metadata(&file.path).unwrap().len();
    assert!(after <= LIMIT, "{after}");
}

#[test]
fn records_without_a_block_make_room_too() {
    let file = File::new();
    let mut store = file.store();
    store.set_retention(at_most(Retention::MIN_BYTES)).unwrap();
    let mut records = numbered(0..1000);
    for record in &mut records {
        record.exc_text = Some("x".repeat(20_000));
    }
    for run in records.chunks(50) {
        append(&mut store, run, 50);
        retain(&mut store);
    }
    let found = messages(&file.reader(), &Query::default());
    assert!((15..60).contains(&found.len()), "{}", found.len());
    assert_eq!(found.last().unwrap(), "record number999");
}

#[test]
fn records_that_take_more_room_than_their_texts_do_not_hold_the_writer_up() {
    const LIMIT: u64 = 16 << 20;
    let file = File::new();
    let mut store = file.store();
    store.set_retention(at_most(LIMIT)).unwrap();
    let mut records = numbered(0..12_000);
    for record in &mut records {
        // One to a page of eight kilobytes.
        record.exc_text = Some("x".repeat(4300));
    }
    let began = Instant::now();
    for run in records.chunks(600) {
        append(&mut store, run, 200);
        store.retain().unwrap();
        assert!(began.elapsed() < Duration::from_mins(1), "it hangs");
    }
    retain(&mut store);
    let found = messages(&file.reader(), &Query::default());
    assert_eq!(found.last().unwrap(), "record number11999");
    assert!((1000..4000).contains(&found.len()), "{}", found.len());
    drop(store);
    assert!(std::fs::metadata(&file.path).unwrap().len() <= LIMIT);
}

#[test]
fn the_rules_of_one_file_are_not_those_of_the_sites_in_another() {
    let file = File::new();
    let mut store = file.store();
    let keep = ["debug=1s", "error=365d"].map(|rule| rule.parse().unwrap());
    let retention = Retention {
        keep: keep.to_vec(),
        max_bytes: None,
    };
    store.set_retention(retention).unwrap();
    let minute_old = |level| {
        let mut record = LogRecord::new(Site::new("a", level), "a minute old");
        record.created_ns = now_ns() - 60_000_000_000;
        [&record].into_iter().collect::<Batch>()
    };
    store.append(&[minute_old(Level::DEBUG)]).unwrap();
    assert_eq!(retain(&mut store), 1);
    std::fs::rename(&file.path, file.path.with_extension("1")).unwrap();
    // Its site has the same number in the new file.
    store.append(&[minute_old(Level::ERROR)]).unwrap();
    assert_eq!(retain(&mut store), 0);
    assert_eq!(messages(&file.reader(), &Query::default()).len(), 1);
}
