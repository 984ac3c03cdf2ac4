//! Rows of the table of records: those of batches, inserted a few at a time.

use rusqlite::types::Null;
use rusqlite::{CachedStatement, Connection};

use crate::batch::{Batch, RecordRef};

/// The columns of a row: each has a parameter.
const COLUMNS: usize = 8;

/// How many rows the statement of the hot path inserts at a time: a statement's own cost is as large as three rows'.
const ROWS: usize = 16;

/// All records but those at these places, with the ids of their sites and origins, which are listed batch by batch.
pub(super) fn rows<'r>(
    batches: &'r [Batch],
    mut sites: &'r [i64],
    mut origins: &'r [i64],
    without: &'r [usize],
) -> impl Iterator<Item = (i64, i64, RecordRef<'r>)> + Clone {
    let all = batches.iter().flat_map(move |batch| {
        let (own_sites, other_sites) = sites.split_at(batch.sites().len());
        let (own_origins, other_origins) = origins.split_at(batch.origins().len());
        (sites, origins) = (other_sites, other_origins);
        batch
            .iter()
            .map(move |record| (own_sites[record.site], own_origins[record.origin], record))
    });
    let is_wanted = |row| without.is_empty() || without.binary_search(&row).is_err();
    all.enumerate()
        .filter_map(move |(row, record)| is_wanted(row).then_some(record))
}

/// Inserts so many rows.
pub(super) fn insert<'r>(
    connection: &Connection,
    records: usize,
    rows: impl Iterator<Item = (i64, i64, RecordRef<'r>)>,
) -> rusqlite::Result<()> {
    let mut left = records;
    let mut many = Insert::new(connection, ROWS)?;
    let mut single = Insert::new(connection, 1)?;
    for (site, origin, record) in rows {
        let whole = many.filled > 0 || left >= ROWS;
        let insert = if whole { &mut many } else { &mut single };
        insert.row(site, origin, &record)?;
        left -= 1;
    }
    Ok(())
}

/// A statement that inserts a few rows at a time. Bindings stay from one execution to the next, so that the mostly NULL columns
/// are bound only when they change.
struct Insert<'c> {
    statement: CachedStatement<'c>,
    rows: usize,
    /// How many rows of the next execution are bound.
    filled: usize,
    /// Which of the four optional texts were bound last, for each of the rows.
    bound: [[bool; 4]; ROWS],
}

impl<'c> Insert<'c> {
    fn new(connection: &'c Connection, rows: usize) -> rusqlite::Result<Self> {
        let values = vec!["(?, ?, ?, ?, ?, ?, ?, ?)"; rows].join(", ");
        // OR FAIL needs no journal to undo a half executed statement: the whole transaction is rolled back anyway.
        let sql = format!(
            "INSERT OR FAIL INTO record \
             (created, site, origin, message, task_name, exc_text, stack_info, extra) VALUES {values}"
        );
        // A statement from the cache may hold the texts of the last transaction.
        let bound = [[true; 4]; ROWS];
        Ok(Insert {
            statement: connection.prepare_cached(&sql)?,
            rows,
            filled: 0,
            bound,
        })
    }

    /// Binds a row, and executes the statement when that was the last it takes.
    fn row(&mut self, site: i64, origin: i64, record: &RecordRef<'_>) -> rusqlite::Result<()> {
        let statement = &mut self.statement;
        let texts = &record.texts;
        let first = self.filled * COLUMNS;
        statement.raw_bind_parameter(first + 1, record.created_ns)?;
        statement.raw_bind_parameter(first + 2, site)?;
        statement.raw_bind_parameter(first + 3, origin)?;
        statement.raw_bind_parameter(first + 4, texts.message)?;
        let bound = &mut self.bound[self.filled];
        let optional = [
            texts.task_name,
            texts.exc_text,
            texts.stack_info,
            texts.extra,
        ];
        for (i, text) in optional.into_iter().enumerate() {
            match text {
                Some(text) => statement.raw_bind_parameter(first + 5 + i, text)?,
                None if bound[i] => statement.raw_bind_parameter(first + 5 + i, Null)?,
                None => continue,
            }
            bound[i] = text.is_some();
        }
        self.filled += 1;
        if self.filled == self.rows {
            self.filled = 0;
            statement.raw_execute()?;
        }
        Ok(())
    }
}
