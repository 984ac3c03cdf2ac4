//! Sweeping: rows of `site` and `origin` that no record uses any longer go, in small steps between which others write.
//!
//! First it is looked which ids records use, in short reads; then rows go in short transactions, each of which looks at what has come
//! meanwhile. The rows with the highest ids stay, so that no id is given again: readers and writers remember ids. Writers that remember
//! one of a row that has gone are told by the generation `names`, which they look at in each of their transactions.

#[cfg(test)]
mod tests;
mod used;

use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::append::SqliteStore;
use super::prune::{Load, Pruner, Retained, is_held_back};
use super::setting;
use used::Used;

/// How long rows go in one transaction, and how many between two looks at the clock.
const STEP: Duration = Duration::from_millis(3);
const SLICE: u32 = 64;

/// So many new rows, and as many as the last sweep has left, are worth another one.
const MANY: i64 = 1024;

/// Fewer rows cannot be what fills a file that is about as large as it may be.
const FEW: i64 = 64;

/// Of so many records of such a file one is removed at most before it is looked again what they have left.
const PORTIONS: i64 = 16;

/// After a fault, or a foreign hand, it is not tried again for so long.
const PAUSE: Duration = Duration::from_mins(1);

/// When to sweep, and how far the sweep is.
#[derive(Debug, Default)]
pub(super) struct Sweeper {
    sweep: Option<Sweep>,
    /// What the last sweep left, when that is known: how many rows, and the sum of their highest ids.
    left: Option<(i64, i64)>,
    /// How many records have gone since.
    removed: u64,
    not_before: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Table {
    #[default]
    Site,
    Origin,
}

#[derive(Debug)]
struct Sweep {
    /// How often foreign hands had been at the records when it began.
    touched: i64,
    used: Used,
    /// Whether all records had been looked at at the end of the last step.
    caught_up: bool,
    table: Table,
    /// All rows of that table up to this id have been swept.
    through: i64,
    /// How many rows have stayed so far.
    staying: i64,
}

/// The ids of rows that have gone, in ascending order.
#[derive(Default)]
struct Gone {
    table: Table,
    ids: Vec<i64>,
}

/// What a step of a sweep came to.
enum Swept {
    /// These rows have gone, and there is more.
    Some(Gone),
    /// These, and it has left so many rows, and this sum of their highest ids.
    All(Gone, (i64, i64)),
    /// A foreign hand has been there, and nothing that was found has to be so any more.
    Disturbed,
}

impl Sweeper {
    /// Forgets what is known of the file: it may be otherwise, or another.
    pub(super) fn forget(&mut self) {
        (self.sweep, self.left) = (None, None);
    }

    /// So many records have been removed.
    pub(super) fn removed(&mut self, records: u64) {
        self.removed += records;
    }

    /// Whether it is worth a sweep, or one is under way. In a file that is about as large as it may be rows go before records do.
    fn is_due(&mut self, connection: &Connection, is_near_limit: bool) -> rusqlite::Result<bool> {
        if self
            .not_before
            .is_some_and(|moment| Instant::now() < moment)
        {
            return Ok(false);
        }
        if self.sweep.is_some() || self.removed == 0 && !is_near_limit {
            return Ok(self.sweep.is_some());
        }
        let (left, grown) = self.rows(connection)?;
        Ok(grown > left.max(MANY)
            || is_near_limit
                && left + grown > FEW
                && self.removed > 0
                && self.removed >= portion(connection)?)
    }

    /// How many records may go until the next look at this.
    fn portion(&mut self, connection: &Connection, is_near_limit: bool) -> rusqlite::Result<u64> {
        if !is_near_limit {
            return Ok(u64::MAX);
        }
        let (left, grown) = self.rows(connection)?;
        if left + grown > FEW {
            portion(connection)
        } else {
            Ok(u64::MAX)
        }
    }

    /// How many rows the last sweep has left, and how many have come since.
    fn rows(&mut self, connection: &Connection) -> rusqlite::Result<(i64, i64)> {
        let (left, before) = match self.left {
            Some(left) => left,
            None => *self
                .left
                .insert(setting::swept(connection)?.unwrap_or_default()),
        };
        Ok((left, highest(connection)?.saturating_sub(before).max(0)))
    }

    /// Does a small piece of a sweep, a new one when none is under way. Gives what has gone, and whether there is more to do.
    fn step(&mut self, connection: &mut Connection) -> rusqlite::Result<(Gone, bool)> {
        let sweep = self.sweep.take();
        self.not_before = Some(Instant::now() + PAUSE);
        let mut sweep = match sweep {
            Some(sweep) => sweep,
            None => match touched(connection)? {
                Some(touched) => Sweep::new(touched),
                None => return Ok((Gone::default(), false)),
            },
        };
        let done = sweep.step(connection);
        if let Err(error) = &done
            && error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
        {
            self.not_before = None;
        }
        Ok(match done? {
            Swept::Disturbed => (Gone::default(), false),
            Swept::Some(gone) => {
                (self.sweep, self.not_before) = (Some(sweep), None);
                (gone, true)
            }
            Swept::All(gone, left) => {
                (self.left, self.removed, self.not_before) = (Some(left), 0, None);
                (gone, false)
            }
        })
    }
}

impl Sweep {
    fn new(touched: i64) -> Self {
        Sweep {
            touched,
            used: Used::new(),
            caught_up: false,
            table: Table::Site,
            through: i64::MIN,
            staying: 0,
        }
    }

    fn step(&mut self, connection: &mut Connection) -> rusqlite::Result<Swept> {
        if !self.caught_up {
            let read = connection.unchecked_transaction()?;
            self.caught_up = self.used.read_on(&read)?;
            return Ok(Swept::Some(Gone::default()));
        }
        let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if touched(&step)? != Some(self.touched) {
            return Ok(Swept::Disturbed);
        }
        // What has come since the last look.
        self.caught_up = self.used.read_on(&step)?;
        if !self.caught_up {
            return Ok(Swept::Some(Gone::default()));
        }
        let table = self.table;
        let (ids, is_end) = self.take(&step)?;
        if !ids.is_empty() {
            step.prepare_cached("UPDATE index_state SET names = names + 1")?
                .execute([])?;
        }
        let left = (self.staying, highest(&step)?);
        let is_all = is_end && table == Table::Origin;
        if is_all {
            setting::keep_swept(&step, left)?;
        }
        step.commit()?;
        let gone = Gone { table, ids };
        if is_end {
            (self.table, self.through) = (Table::Origin, i64::MIN);
        }
        Ok(if is_all {
            Swept::All(gone, left)
        } else {
            Swept::Some(gone)
        })
    }

    /// Takes rows out of the table for a short time; gives their ids, and whether its end is reached.
    fn take(&mut self, step: &Connection) -> rusqlite::Result<(Vec<i64>, bool)> {
        let began = Instant::now();
        let (name, used) = match self.table {
            Table::Site => ("site", &self.used.sites),
            Table::Origin => ("origin", &self.used.origins),
        };
        let mut next = step.prepare_cached(&format!(
            "SELECT id FROM {name} WHERE id > ?1 AND id < (SELECT max(id) FROM {name}) ORDER BY id LIMIT ?2"
        ))?;
        let mut delete = step.prepare_cached(&format!("DELETE FROM {name} WHERE id = ?1"))?;
        let mut gone = Vec::new();
        while began.elapsed() < STEP {
            let ids: Vec<i64> = next
                .query_map((self.through, SLICE), |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            let Some(last) = ids.last() else {
                return Ok((gone, true));
            };
            self.through = *last;
            for id in ids {
                if used.contains(id) {
                    self.staying += 1;
                } else {
                    delete.execute([id])?;
                    gone.push(id);
                }
            }
        }
        Ok((gone, false))
    }
}

impl SqliteStore {
    /// Does a small piece of a sweep; gives whether there is more to do.
    pub(super) fn sweep(&mut self) -> rusqlite::Result<bool> {
        let (gone, more) = self.sweeper.step(&mut self.connection)?;
        match gone.table {
            Table::Site => self.sites.forget_ids(&gone.ids),
            Table::Origin => self.origins.forget_ids(&gone.ids),
        }
        Ok(more)
    }

    /// Does a small piece of what retention has to do: sweeps, or removes records.
    pub(super) fn remove(
        &mut self,
        pruner: &mut Pruner,
        now_ns: i64,
        load: Load,
    ) -> rusqlite::Result<Retained> {
        let is_near_limit = pruner.is_near_limit(&self.connection)?;
        if self.sweeper.is_due(&self.connection, is_near_limit)? && !is_held_back(&self.connection)?
        {
            self.sweep()?;
            return Ok(Retained {
                more: true,
                ..Retained::default()
            });
        }
        pruner.portion = self.sweeper.portion(&self.connection, is_near_limit)?;
        let (connection, index) = self.parts();
        let done = pruner.step(connection, index, now_ns, load)?;
        self.sweeper.removed(done.removed);
        Ok(done)
    }
}

/// How often foreign hands have put in or changed records; `None` when the file does not tell, or cannot tell others of a sweep.
fn touched(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "SELECT CASE WHEN count(*) = 1 AND typeof(max(names)) = 'integer' AND typeof(max(touched)) = 'integer' \
             THEN max(touched) END FROM index_state",
        )?
        .query_row([], |row| row.get(0))
}

/// The sum of the highest ids of sites and origins.
fn highest(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "SELECT CAST(coalesce((SELECT max(id) FROM site), 0) + coalesce((SELECT max(id) FROM origin), 0) AS INTEGER)",
        )?
        .query_row([], |row| row.get(0))
}

/// How many records are a portion of all, as far as their ids tell.
fn portion(connection: &Connection) -> rusqlite::Result<u64> {
    let (first, last): (i64, i64) = connection
        .prepare_cached(
            "SELECT coalesce((SELECT min(id) FROM record), 0), coalesce((SELECT max(id) FROM record), 0)",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let portion = last.saturating_sub(first) / PORTIONS;
    Ok(u64::try_from(portion).unwrap_or(0).max(1))
}
