//! One turn for each group that can have one: first for those that would hear of a new record at once.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::group::{Group, Look, Turn};
use crate::error::StoreError;

/// What may wait to be sent to all listeners together. With less than half of it for each of them, and as much again for what is just
/// being put there, only single records can be too much.
pub(super) const ALL_BYTES: usize = 256 << 20;

/// Whether nothing is to be added to what waits.
pub(super) fn is_full(look: &Look<'_>) -> bool {
    look.waiting_bytes.load(Ordering::Relaxed) >= ALL_BYTES
}

/// Gives turns to all groups that had all up to the last id of the look before this one, and then, for so long, to those that catch up,
/// beginning with the one that has waited longest.
///
/// # Errors
///
/// When the store cannot be read.
pub(super) fn serve(
    groups: &mut [Group],
    look: &Look<'_>,
    seen_id: i64,
    room_bytes: usize,
    catching_up: Duration,
) -> Result<Turn, StoreError> {
    let (prompt, mut late): (Vec<&mut Group>, Vec<&mut Group>) = groups
        .iter_mut()
        .partition(|group| group.has_all_up_to(seen_id));
    late.sort_by_key(|group| group.last_turn());
    let mut all = Turn::Idle;
    let mut serve = |group: &mut Group| {
        if !is_full(look) && group.turn(look, room_bytes)? == Turn::Busy {
            all = Turn::Busy;
        }
        Ok(())
    };
    for group in prompt {
        serve(group)?;
    }
    let begun = Instant::now();
    let mut late = late.into_iter();
    for group in late.by_ref() {
        serve(group)?;
        if begun.elapsed() >= catching_up {
            break;
        }
    }
    // Those who are full are asked again soon enough.
    Ok(if late.len() > 0 && !is_full(look) {
        Turn::Busy
    } else {
        all
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::outlet::{Tail, outlet};
    use super::*;
    use crate::batch::Batch;
    use crate::level::Level;
    use crate::query::Query;
    use crate::record::{LogRecord, Site};
    use crate::store::{Durability, Reader, RecordStore as _, SqliteStore};

    fn listen(groups: &mut Vec<Group>, after: i64) -> Tail {
        let (listener, tail, _) = outlet(&Arc::default());
        groups.push(Group::new(Query::default(), after, listener));
        tail
    }

    #[test]
    fn what_is_new_comes_first_and_those_who_catch_up_take_turns() {
        const OLD: i64 = 20_000;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs.sqlite");
        let mut store = SqliteStore::open(&path, Durability::Normal).unwrap();
        let record = LogRecord::new(Site::new("a", Level::INFO), "x".repeat(200));
        let old: Batch = std::iter::repeat_n(&record, 20_000).collect();
        store.append(&[old]).unwrap();
        let mut groups = Vec::new();
        let mut late = [0, 0, 0].map(|after| listen(&mut groups, after));
        let mut prompt = listen(&mut groups, OLD);
        let reader = Reader::open(&path).unwrap();
        let waiting_bytes = Arc::default();
        for round in 1..=3 {
            let seen_id = reader.last_id().unwrap();
            let new: Batch = std::iter::once(&record).collect();
            store.append(&[new]).unwrap();
            let look = Look {
                reader: &reader,
                file: None,
                last_id: reader.last_id().unwrap(),
                waiting_bytes: &waiting_bytes,
                // It ends with what there is, or with the bytes that there is room for, however busy the machine.
                turn: Duration::from_mins(1),
            };
            // So little time that one has a turn.
            let turn = serve(&mut groups, &look, seen_id, 1 << 20, Duration::ZERO).unwrap();
            assert_eq!(turn, Turn::Busy);
            let id = format!("id: {}\n", OLD + round);
            assert!(prompt.heard().contains(&id), "{id}");
        }
        for tail in &mut late {
            assert!(tail.heard().starts_with("id: 1\n"));
        }
    }
}
