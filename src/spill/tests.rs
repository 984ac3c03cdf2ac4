//! What a spill keeps, for whom, and what it does with files that are not sound.

use std::io::Write as _;

use super::*;
use crate::level::Level;
use crate::record::{LogRecord, Site};
use crate::report::Report;

fn batch(message: &str) -> Batch {
    [&LogRecord::new(Site::new("myapp", Level::INFO), message)]
        .into_iter()
        .collect()
}

fn put(spill: &mut Spill, message: &str) {
    spill.append(&[&batch(message)], 1).unwrap();
}

/// Reads one portion.
fn take(spill: &mut Spill, max_records: usize) -> Option<(Vec<String>, SpillMark)> {
    let mut batches = Vec::new();
    let portion = spill.take(max_records, usize::MAX, Batch::new, &mut batches)?;
    let messages = |batch: &Batch| -> Vec<String> {
        let messages = batch.iter().map(|record| record.texts.message.to_owned());
        messages.collect()
    };
    Some((batches.iter().flat_map(messages).collect(), portion.mark))
}

fn open(path: &Path, through: u64) -> Spill {
    Spill::open(path.into(), u64::MAX, |_| io::Result::Ok(through)).unwrap()
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn records_come_back_in_order_and_the_file_goes_when_all_are_stored() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.spill");
    let mut spill = open(&path, 0);
    assert!(take(&mut spill, 10).is_none() && !path.exists());
    for message in ["a", "b", "c"] {
        put(&mut spill, message);
    }
    let (messages, mark) = take(&mut spill, 2).unwrap();
    assert_eq!((messages, mark.through), (vec!["a".into(), "b".into()], 2));
    spill.stored().unwrap();
    put(&mut spill, "d");
    let (messages, mark) = take(&mut spill, 10).unwrap();
    assert_eq!((messages, mark.through), (vec!["c".into(), "d".into()], 4));
    assert!(path.exists());
    spill.stored().unwrap();
    assert!(names(dir.path()).is_empty());
    put(&mut spill, "e");
    let (_, next) = take(&mut spill, 10).unwrap();
    assert_eq!(next.gone, [mark.file]);
}

#[test]
fn the_next_process_goes_on_behind_what_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.spill");
    let mut spill = open(&path, 0);
    for message in ["a", "b", "c"] {
        put(&mut spill, message);
    }
    // Another process has its own.
    let mut other = open(&path, 0);
    put(&mut other, "x");
    assert_eq!(names(dir.path()), ["a.spill", "a.spill.2"]);
    drop((spill, other));
    std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(b"half a frame")
        .unwrap();

    let mut spill = Spill::open(path.clone(), u64::MAX, |_| io::Result::Ok(1)).unwrap();
    assert_eq!(spill.records(), 2);
    assert_eq!(names(dir.path()), ["a.spill"]);
    put(&mut spill, "d");
    let (messages, _) = take(&mut spill, 10).unwrap();
    assert_eq!(messages, ["b", "c", "d"]);
    drop(spill);
    let mut spill = open(&path, 4);
    assert!(spill.records() == 0 && names(dir.path()).is_empty());
    assert!(take(&mut spill, 10).is_none());
}

#[test]
fn what_was_at_hand_is_first_for_the_next_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.spill");
    let mut spill = open(&path, 0);
    put(&mut spill, "second");
    let mark = spill.put_at_hand(&[&batch("first")]).unwrap();
    assert_eq!((mark.through, spill.records()), (1, 1));
    drop(spill);
    let mut spill = open(&path, 0);
    for expected in ["first", "second"] {
        assert_eq!(take(&mut spill, 10).unwrap().0, [expected]);
        spill.stored().unwrap();
    }
    assert!(names(dir.path()).is_empty());
}

#[test]
fn a_full_spill_takes_nothing_until_some_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.spill");
    let mut spill = Spill::open(path, 1000, |_| io::Result::Ok(0)).unwrap();
    put(&mut spill, "fits");
    let large = "x".repeat(1000);
    let error = spill.append(&[&batch(&large)], 1).unwrap_err();
    assert!(error.to_string().contains("1000 bytes"), "{error}");
    assert_eq!(take(&mut spill, 10).unwrap().0, ["fits"]);
    spill.stored().unwrap();
    assert!(spill.append(&[&batch(&large)], 1).is_err());
    put(&mut spill, "fits again");
}

#[test]
fn a_damaged_frame_is_told_and_those_behind_it_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.spill");
    let mut spill = open(&path, 0);
    for message in ["a", "damaged", "c"] {
        put(&mut spill, message);
    }
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes
        .windows(7)
        .position(|window| window == b"damaged")
        .unwrap();
    bytes[at] = b'D';
    std::fs::write(&path, bytes).unwrap();
    let mut batches = Vec::new();
    let portion = spill
        .take(10, usize::MAX, Batch::new, &mut batches)
        .unwrap();
    assert_eq!(
        (portion.damaged, portion.mark.through, batches.len()),
        (1, 3, 2)
    );
}

#[test]
fn a_file_that_was_removed_is_read_to_its_end_and_not_written_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.spill");
    let mut spill = open(&path, 0);
    put(&mut spill, "a");
    std::fs::remove_file(&path).unwrap();
    put(&mut spill, "b");
    assert_eq!(take(&mut spill, 10).unwrap().0, ["a"]);
    spill.stored().unwrap();
    drop(spill);
    assert_eq!(take(&mut open(&path, 0), 10).unwrap().0, ["b"]);
}

#[test]
fn a_file_that_is_no_spill_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.spill");
    std::fs::write(&path, "something of somebody else's, long enough").unwrap();
    std::fs::write(dir.path().join("a.spill.bak"), "LOGSPIL1").unwrap();
    let mut spill = open(&path, 0);
    put(&mut spill, "a");
    assert_eq!(names(dir.path()), ["a.spill", "a.spill.2", "a.spill.bak"]);
    assert!(std::fs::read_to_string(&path).unwrap().contains("somebody"));
}

#[test]
fn a_file_with_a_damaged_head_is_set_aside_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.spill");
    let mut spill = open(&path, 0);
    put(&mut spill, "a");
    let end = path.metadata().unwrap().len();
    put(&mut spill, "b");
    drop(spill);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[usize::try_from(end).unwrap() + 8] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    // A process that ends before it has stored anything leaves the sound frames to the next one.
    drop(open(&path, 0));
    let mut spill = open(&path, 0);
    let found = spill.found();
    let Some(Report::SpillUnreadable { path: damaged }) = found.first() else {
        panic!("{found:?}");
    };
    put(&mut spill, "c");
    for expected in ["a", "c"] {
        assert_eq!(take(&mut spill, 10).unwrap().0, [expected]);
        spill.stored().unwrap();
    }
    assert!(damaged.exists());
    assert_eq!(names(dir.path()).len(), 1, "the damaged one");
}

/// As in /tmp, where everybody can make files of that name.
#[test]
fn what_another_user_has_put_there_is_left_alone() {
    use std::os::unix::fs::{chown, symlink};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.spill");
    let forged = dir.path().join("forged");
    put(&mut open(&forged, 0), "forged");
    symlink(&forged, beside(&path, ".2")).unwrap();
    std::fs::create_dir(beside(&path, ".3")).unwrap();
    let foreign = beside(&path, ".4");
    std::fs::copy(&forged, &foreign).unwrap();
    // Only root can give files away.
    if chown(&foreign, Some(12_345), None).is_err() {
        std::fs::remove_file(&foreign).unwrap();
    }
    let before = names(dir.path());
    assert_eq!(open(&path, 0).records(), 0);
    assert_eq!(names(dir.path()), before);
}
