//! Which sites and origins a query wants.

use std::borrow::Borrow;
use std::collections::HashSet;

use rusqlite::types::Value as SqlValue;
use rusqlite::{Connection, params_from_iter};

use super::own::{Holder, RowChecks};
use crate::level::Level;
use crate::query::Query;
use crate::store::block::{IdList, ListBuffer};
use crate::store::rows::{each_origin, each_site};

/// A set of row ids: a bit for each small one, since they are dense; a foreign hand may have put others.
#[derive(Debug, Default)]
pub(in crate::store) struct IdSet {
    small: Vec<u64>,
    others: HashSet<i64>,
    /// The first few, which are all as long as there are fewer than [`FEW`].
    few: Vec<i64>,
}

/// To look each of fewer ids up in a list takes less than to look all of the list up in the set.
const FEW: usize = 16;

/// Ids from here on are not small: two megabytes of bits.
const SMALL_IDS: usize = 1 << 24;

impl IdSet {
    pub(in crate::store) fn insert(&mut self, id: i64) {
        if self.few.len() < FEW {
            self.few.push(id);
        }
        match usize::try_from(id) {
            Ok(id) if id < SMALL_IDS => {
                if id / 64 >= self.small.len() {
                    self.small.resize(id / 64 + 1, 0);
                }
                self.small[id / 64] |= 1 << (id % 64);
            }
            _ => {
                self.others.insert(id);
            }
        }
    }

    pub(in crate::store) fn contains(&self, id: i64) -> bool {
        match usize::try_from(id) {
            Ok(id) if id < SMALL_IDS => self
                .small
                .get(id / 64)
                .is_some_and(|word| word & (1 << (id % 64)) != 0),
            _ => self.others.contains(&id),
        }
    }
}

/// The rows of one of the two dictionary tables that are wanted; `None`: all.
#[derive(Debug)]
pub(in crate::store) struct Wanted(Option<IdSet>);

impl Wanted {
    /// Whether all rows are wanted, those to come included.
    pub(in crate::store) fn is_all(&self) -> bool {
        self.0.is_none()
    }

    /// Whether any of these is wanted.
    pub(in crate::store) fn any(&self, ids: IdList<'_>, buffer: &mut ListBuffer) -> bool {
        let Some(set) = &self.0 else { return true };
        match ids {
            IdList::Bitmap { .. } if set.few.len() < FEW => {
                set.few.iter().any(|id| ids.has_bit(*id))
            }
            IdList::Bitmap {
                first_chunk,
                chunks,
            } => {
                let wanted = |chunk| usize::try_from(chunk).ok().and_then(|at| set.small.get(at));
                let mut both = (first_chunk..).zip(chunks);
                both.any(|(chunk, bits)| {
                    wanted(chunk).is_some_and(|wanted| wanted & u64::from_le_bytes(*bits) != 0)
                }) || set.others.iter().any(|id| ids.has_bit(*id))
            }
            IdList::Deltas { .. } => {
                let ids = buffer.unpack(ids);
                if set.few.len() < FEW {
                    set.few.iter().any(|id| ids.binary_search(id).is_ok())
                } else {
                    ids.iter().any(|id| set.contains(*id))
                }
            }
        }
    }

    pub(in crate::store) fn contains(&self, id: i64) -> bool {
        self.0.as_ref().is_none_or(|set| set.contains(id))
    }

    fn load(connection: &Connection, table: &str, condition: Condition) -> rusqlite::Result<Self> {
        let Condition { sql, values } = condition;
        if sql.is_empty() {
            return Ok(Wanted(None));
        }
        let sql = format!("SELECT id FROM {table} WHERE {}", sql.join(" AND "));
        let mut set = IdSet::default();
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        while let Some(row) = rows.next()? {
            set.insert(row.get(0)?);
        }
        Ok(Wanted(Some(set)))
    }

    /// What is left of it when each row that `each` gives must pass, too.
    fn narrowed<T>(
        self,
        checks: &RowChecks<T>,
        each: impl FnOnce(&mut dyn FnMut(i64, &T)) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<Self> {
        if checks.is_empty() {
            return Ok(self);
        }
        let mut set = IdSet::default();
        each(&mut |id, row| {
            if self.contains(id) && checks.pass(row) {
                set.insert(id);
            }
        })?;
        Ok(Wanted(Some(set)))
    }
}

/// The SQL of a condition; adds the values of its parameters.
type Term<U> = fn(&U, &mut Vec<SqlValue>) -> &'static str;

/// Terms that must all hold, with the values of their parameters in order.
#[derive(Default)]
struct Condition {
    sql: Vec<String>,
    values: Vec<SqlValue>,
}

impl Condition {
    /// One of the alternatives must hold; no alternatives: no condition.
    fn any<T: Borrow<U>, U: ?Sized>(&mut self, alternatives: &[T], term: Term<U>) {
        if let Some(terms) = self.terms(alternatives, term) {
            self.sql.push(format!("({terms})"));
        }
    }

    /// None of the alternatives may hold. What is not there is like none of them, so that a NULL passes.
    fn none<T: Borrow<U>, U: ?Sized>(&mut self, alternatives: &[T], term: Term<U>) {
        if let Some(terms) = self.terms(alternatives, term) {
            self.sql.push(format!("({terms}) IS NOT TRUE"));
        }
    }

    fn terms<T: Borrow<U>, U: ?Sized>(
        &mut self,
        alternatives: &[T],
        term: Term<U>,
    ) -> Option<String> {
        let terms: Vec<_> = alternatives
            .iter()
            .map(|value| term(value.borrow(), &mut self.values))
            .collect();
        (!terms.is_empty()).then(|| terms.join(" OR "))
    }
}

/// The sites that the query wants.
pub(in crate::store) fn wanted_sites(
    connection: &Connection,
    query: &Query,
) -> rusqlite::Result<Wanted> {
    let is_level: Term<Level> = |level, values| {
        values.push(i64::from(level.0).into());
        "levelno = ?"
    };
    let mut condition = Condition::default();
    for part in query.parts() {
        if let Some(level) = part.min_level {
            condition.sql.push("levelno >= ?".into());
            condition.values.push(i64::from(level.0).into());
        }
        if let Some(level) = part.max_level {
            condition.sql.push("levelno <= ?".into());
            condition.values.push(i64::from(level.0).into());
        }
        condition.any(&part.exact_levels, is_level);
        condition.none(&part.not_levels, is_level);
        condition.any(&part.names, under);
        condition.none(&part.not_names, under);
    }
    let checks = RowChecks::new(query, |holder| match holder {
        Holder::Site(value) => Some(value),
        _ => None,
    });
    let wanted = Wanted::load(connection, "site", condition)?;
    wanted.narrowed(&checks, |check| each_site(connection, check))
}

/// The origins that the query wants.
pub(in crate::store) fn wanted_origins(
    connection: &Connection,
    query: &Query,
) -> rusqlite::Result<Wanted> {
    let mut condition = Condition::default();
    for part in query.parts() {
        condition.any(&part.hosts, host);
        condition.none(&part.not_hosts, host);
        condition.any(&part.processes, process);
        condition.none(&part.not_processes, process);
        condition.any(&part.threads, thread);
        condition.none(&part.not_threads, thread);
    }
    let checks = RowChecks::new(query, |holder| match holder {
        Holder::Origin(value) => Some(value),
        _ => None,
    });
    let wanted = Wanted::load(connection, "origin", condition)?;
    wanted.narrowed(&checks, |check| each_origin(connection, check))
}

fn host(host: &str, values: &mut Vec<SqlValue>) -> &'static str {
    if let Some(glob) = glob(host) {
        values.push(glob.into());
        return "hostname GLOB ?";
    }
    values.push(host.to_owned().into());
    "hostname = ?"
}

fn process(process: &str, values: &mut Vec<SqlValue>) -> &'static str {
    if number_and_name(process, values) == Spelling::Glob {
        return "process GLOB ? OR ifnull(processName, '') GLOB ?";
    }
    "process = ? OR processName = ?"
}

fn thread(thread: &str, values: &mut Vec<SqlValue>) -> &'static str {
    if number_and_name(thread, values) == Spelling::Glob {
        return "thread GLOB ? OR ifnull(threadName, '') GLOB ?";
    }
    "thread = ? OR threadName = ?"
}

/// The logger and everything under it.
fn under(name: &str, values: &mut Vec<SqlValue>) -> &'static str {
    if let Some(glob) = glob(name) {
        // What is before the dot is a parent that matches.
        let below = format!("{glob}.*");
        values.extend([glob.into(), below.into()]);
        return "name GLOB ? OR name GLOB ?";
    }
    // Everything from "name." up to "name/", the slash being the character after the dot.
    let (from, to) = (format!("{name}."), format!("{name}/"));
    values.extend([name.to_owned().into(), from.into(), to.into()]);
    "name = ? OR (name >= ? AND name < ?)"
}

/// `SQLite`'s spelling of a text in which `*` is any run of characters, and nothing else has a meaning; `None` without a `*`.
fn glob(text: &str) -> Option<String> {
    text.contains('*')
        .then(|| text.replace('[', "[[]").replace('?', "[?]"))
}

#[derive(PartialEq, Eq)]
enum Spelling {
    Exact,
    Glob,
}

fn number_and_name(text: &str, values: &mut Vec<SqlValue>) -> Spelling {
    if let Some(glob) = glob(text) {
        values.extend([glob.clone().into(), glob.into()]);
        return Spelling::Glob;
    }
    let number = text.parse().map_or(SqlValue::Null, SqlValue::Integer);
    values.extend([number, text.to_owned().into()]);
    Spelling::Exact
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a query for this name takes this logger.
    fn takes(wanted: &str, name: &str) -> bool {
        let mut values = Vec::new();
        let term = under(wanted, &mut values);
        values.push(name.to_owned().into());
        Connection::open_in_memory()
            .unwrap()
            .query_row(
                &format!(
                    "SELECT {} FROM (SELECT ?{} AS name)",
                    numbered(term),
                    values.len()
                ),
                params_from_iter(values),
                |row| row.get(0),
            )
            .unwrap()
    }

    fn numbered(term: &str) -> String {
        let mut number = 0;
        let mut sql = String::new();
        for c in term.chars() {
            sql.push(c);
            if c == '?' {
                number += 1;
                sql.push_str(&number.to_string());
            }
        }
        sql
    }

    #[test]
    fn a_star_is_any_run_of_characters_and_nothing_else_has_a_meaning() {
        for (wanted, taken, left) in [
            (
                "*.db",
                &["myapp.db", "a.b.db.pool", ".db"][..],
                &["db", "myapp.db2"][..],
            ),
            ("my*", &["my", "myapp", "my.x"], &["amy"]),
            ("a*z.q", &["az.q", "a.b.z.q.r"], &["az", "a.z.qq"]),
            ("*", &["", "a", "a.b"], &[]),
            ("w[1]*", &["w[1]", "w[1]x"], &["w1", "w[2]"]),
            ("a?*", &["a?", "a?b"], &["ab", "abc"]),
            ("[^a]*", &["[^a]"], &["b"]),
            ("A*", &["Ab"], &["ab"]),
            ("a.b", &["a.b", "a.b.c"], &["a.bc", "a", "axb"]),
            ("w[1]", &["w[1]", "w[1].x"], &["w1"]),
        ] {
            for name in taken {
                assert!(takes(wanted, name), "{wanted} takes {name}");
            }
            for name in left {
                assert!(!takes(wanted, name), "{wanted} leaves {name}");
            }
        }
    }
}
