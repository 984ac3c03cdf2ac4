//! Taking records out of the file, as many as there is time for.

use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::store::block::BLOCK_RECORDS;

/// How long a step goes on with what can wait.
const STEP: Duration = Duration::from_millis(5);

/// How many records are deleted between two looks at the clock: such with texts of megabytes take long.
const SLICE: i64 = 512;

/// A run of ids is cut by counting, unless its records may lie farther apart than this.
const DENSE: u64 = 4 * BLOCK_RECORDS as u64;

/// What one step removes, in its transaction.
pub(super) struct Removal<'c> {
    connection: &'c Connection,
    began: Instant,
    /// After so many records it is late, too.
    portion: u64,
    pub(super) records: u64,
    /// The highest id of what was removed.
    pub(super) last_id: Option<i64>,
}

impl<'c> Removal<'c> {
    pub(super) fn new(connection: &'c Connection, portion: u64) -> Self {
        Removal {
            connection,
            began: Instant::now(),
            portion,
            records: 0,
            last_id: None,
        }
    }

    pub(super) fn is_late(&self) -> bool {
        self.began.elapsed() >= STEP || self.records >= self.portion
    }

    /// Removes all records of a run.
    pub(super) fn all(&mut self, (first, last): (i64, i64)) -> rusqlite::Result<()> {
        let records = self
            .connection
            .prepare_cached("DELETE FROM record WHERE id BETWEEN ?1 AND ?2")?
            .execute((first, last))?;
        if records > 0 {
            self.records += records as u64;
            self.last_id = self.last_id.max(Some(last));
        }
        Ok(())
    }

    /// Removes records of a run, at least a few; gives what is left of it when there is no more time.
    pub(super) fn some(&mut self, run: (i64, i64)) -> rusqlite::Result<Option<(i64, i64)>> {
        let (mut first, last) = run;
        while first <= last {
            let end = self.end_of_slice(first, last)?;
            self.all((first, end))?;
            let Some(next) = end.checked_add(1) else {
                break;
            };
            first = next;
            if self.is_late() {
                break;
            }
        }
        Ok((first <= last).then_some((first, last)))
    }

    fn end_of_slice(&self, first: i64, last: i64) -> rusqlite::Result<i64> {
        if last.abs_diff(first) < DENSE {
            return Ok(last.min(first.saturating_add(SLICE - 1)));
        }
        let end: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT max(id) FROM \
                 (SELECT id FROM record WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3)",
            )?
            .query_row((first, last, SLICE), |row| row.get(0))?;
        Ok(end.unwrap_or(last))
    }
}
