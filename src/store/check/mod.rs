//! Whether a file is sound: `SQLite`'s own opinion, and what it cannot know, whether tables that belong together agree.

mod notes;
mod objects;
mod repair;
mod walk;

use std::collections::BTreeSet;
use std::fmt;

use rusqlite::{Connection, ErrorCode};

use super::{Reader, block, schema};
use crate::error::StoreError;
use objects::Object;
use walk::Walk;

/// How much `SQLite` looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Depth {
    /// Every page, and whether indexes agree with their tables (`PRAGMA integrity_check`).
    #[default]
    Full,
    /// Every page (`PRAGMA quick_check`).
    Quick,
}

/// A kind of thing that can be wrong with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Fault {
    /// `SQLite` itself finds the file damaged.
    Sqlite,
    /// Tables, indexes, views or triggers are not as logstore makes them.
    Schema,
    /// `index_state` has not its one row of numbers.
    IndexState,
    /// Settings that make no sense.
    Setting,
    /// What is noted of clients that number their records: runs of numbers that overlap, lead to no client or are none.
    Client,
    /// Records whose time, site or origin is no integer.
    NoNumber,
    /// Records whose site has no row: who logged them is lost.
    NoSite,
    /// Records whose origin has no row.
    NoOrigin,
    /// Blocks that are not as they were written.
    Damaged,
    /// Blocks that begin before the one in front of them ends.
    Overlapping,
    /// Blocks that say something else than their records.
    Disagreeing,
    /// Blocks whose filter denies a word of their records: a search would miss them.
    DeniedWords,
    /// Columns or words of blocks that are not there.
    Leftover,
}

impl Fault {
    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Fault::Sqlite => "sqlite",
            Fault::Schema => "schema",
            Fault::IndexState => "index_state",
            Fault::Setting => "setting",
            Fault::Client => "client",
            Fault::NoNumber => "no_number",
            Fault::NoSite => "no_site",
            Fault::NoOrigin => "no_origin",
            Fault::Damaged => "damaged_block",
            Fault::Overlapping => "overlapping_block",
            Fault::Disagreeing => "disagreeing_block",
            Fault::DeniedWords => "denied_words",
            Fault::Leftover => "leftover",
        }
    }
}

/// What is counted.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Sqlite => "complaints of SQLite's own check",
            Fault::Schema => "tables, indexes, views or triggers that are not as they were made",
            Fault::IndexState => "faults of index_state",
            Fault::Setting => "settings that make no sense",
            Fault::Client => "runs of clients' numbers that overlap, lead to no client or are none",
            Fault::NoNumber => "records whose time, site or origin is no number",
            Fault::NoSite => "records whose site is lost",
            Fault::NoOrigin => "records whose origin is lost",
            Fault::Damaged => "blocks that are not as they were written",
            Fault::Overlapping => "blocks that overlap the one before",
            Fault::Disagreeing => "blocks that do not agree with their records",
            Fault::DeniedWords => "blocks that deny words of their records",
            Fault::Leftover => "remains of blocks",
        })
    }
}

/// All things of a kind that are wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// What is wrong.
    pub fault: Fault,
    /// How many there are.
    pub count: u64,
    /// The first few: ids of records or blocks, names, what `SQLite` said.
    pub first: Vec<String>,
}

/// How many of a kind are named.
const NAMED: usize = 5;

/// One line.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem {
            fault,
            count,
            first,
        } = self;
        let more = if *count > first.len() as u64 {
            ", ..."
        } else {
            ""
        };
        write!(f, "{fault}: {count} ({}{more})", first.join(", "))
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Checked {
    /// How many records there are.
    pub records: u64,
    /// How many blocks were compared with them.
    pub blocks: u64,
    /// What is wrong, each kind once; empty when the file is sound.
    pub problems: Vec<Problem>,
    /// What a repair has to do.
    blocks_to_make: BTreeSet<i64>,
    lost_sites: BTreeSet<i64>,
    lost_origins: BTreeSet<i64>,
    objects: Vec<Object>,
}

impl Checked {
    fn add(&mut self, fault: Fault, what: impl fmt::Display) {
        let place = self.problems.partition_point(|other| other.fault < fault);
        if self.problems.get(place).map(|other| other.fault) != Some(fault) {
            self.problems.insert(
                place,
                Problem {
                    fault,
                    count: 0,
                    first: Vec::new(),
                },
            );
        }
        let problem = &mut self.problems[place];
        problem.count += 1;
        if problem.first.len() < NAMED {
            problem.first.push(what.to_string());
        }
    }

    fn add_block(&mut self, fault: Fault, id: i64) {
        self.add(fault, id);
        self.blocks_to_make.insert(id);
    }

    /// Whether it is no wonder that something cannot be read.
    fn is_shaken(&self) -> bool {
        self.has(Fault::Sqlite) || self.has(Fault::Schema)
    }

    fn has(&self, fault: Fault) -> bool {
        self.problems.iter().any(|problem| problem.fault == fault)
    }
}

impl Reader {
    /// Whether the file is sound. It is only read, block by block, while others may write to it; `SQLite`'s own check holds one
    /// snapshot.
    ///
    /// # Errors
    ///
    /// When the file cannot be read for another reason than its damage.
    pub fn check(&self, depth: Depth) -> Result<Checked, StoreError> {
        let mut checked = Checked::default();
        self.look(&mut checked, |connection, checked| {
            ask_sqlite(connection, depth, checked)
        })?;
        self.look(&mut checked, objects::check)?;
        self.look(&mut checked, notes::check)?;
        let mut extents = Vec::new();
        self.look(&mut checked, |connection, checked| {
            if schema::has_blocks(connection)? {
                check_index_state(connection, checked)?;
                extents = check_summaries(connection, checked)?;
            }
            Ok(())
        })?;
        Walk::new(self, &mut checked).all(&extents)?;
        Ok(checked)
    }

    /// Reads; that the file is damaged is a finding.
    fn look(
        &self,
        checked: &mut Checked,
        look: impl FnOnce(&Connection, &mut Checked) -> rusqlite::Result<()>,
    ) -> Result<(), StoreError> {
        self.read(|connection| {
            let looked = look(connection, checked);
            looked.or_else(|error| {
                let corrupt = error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt);
                if !corrupt && !checked.is_shaken() {
                    return Err(error);
                }
                checked.add(Fault::Sqlite, error);
                Ok(())
            })
        })
    }
}

fn ask_sqlite(
    connection: &Connection,
    depth: Depth,
    checked: &mut Checked,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(match depth {
        Depth::Full => "PRAGMA integrity_check",
        Depth::Quick => "PRAGMA quick_check",
    })?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let said: String = row.get(0)?;
        for line in said.lines().filter(|line| *line != "ok") {
            checked.add(Fault::Sqlite, line);
        }
    }
    Ok(())
}

fn check_index_state(connection: &Connection, checked: &mut Checked) -> rusqlite::Result<()> {
    let mut numbers = vec!["deleted_id", "generation"];
    if schema::has_sweeps(connection)? {
        numbers.extend(["names", "touched"]);
    }
    let are_numbers: Vec<String> = numbers
        .iter()
        .map(|column| format!("typeof({column}) = 'integer'"))
        .collect();
    let (rows, sound): (i64, i64) = connection.query_row(
        &format!(
            "SELECT count(*), coalesce(sum({}), 0) FROM index_state",
            are_numbers.join(" AND ")
        ),
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if (rows, sound) != (1, 1) {
        let what = format!("{rows} rows, of which {sound} hold numbers");
        checked.add(Fault::IndexState, what);
    }
    Ok(())
}

/// What blocks say of themselves; gives where the sound ones lie.
fn check_summaries(
    connection: &Connection,
    checked: &mut Checked,
) -> rusqlite::Result<Vec<block::Extent>> {
    let read = connection.unchecked_transaction()?;
    let ids = |sql| -> rusqlite::Result<BTreeSet<i64>> {
        let mut statement = read.prepare(sql)?;
        statement.query_map([], |row| row.get(0))?.collect()
    };
    let overlapping = ids(
        "SELECT id FROM (SELECT id, lag(last_id) OVER (ORDER BY id) AS before FROM block) \
         WHERE typeof(before) = 'integer' AND before >= id",
    )?;
    let (sound, unsound) = block::all_extents(&read)?;
    for id in unsound {
        let fault = if overlapping.contains(&id) {
            Fault::Overlapping
        } else {
            Fault::Damaged
        };
        checked.add_block(fault, id);
    }
    let leftover = ids(
        "SELECT id FROM block_column WHERE id NOT IN (SELECT id FROM block) \
         UNION SELECT id FROM block_words WHERE id NOT IN (SELECT id FROM block)",
    )?;
    for id in leftover {
        checked.add_block(Fault::Leftover, id);
    }
    Ok(sound)
}
