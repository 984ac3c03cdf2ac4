//! Any SQL that only reads. What a statement may do is decided by `SQLite` itself, never by looking at its text.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, Rows};

use super::reader::Reader;
use super::rows::text_of;
use crate::error::SqlError;
use crate::sql::{SqlOptions, SqlRow, SqlValue};

/// After how many of `SQLite`'s operations the clock is looked at: well under a millisecond, as a rule.
const LOOK_EVERY_OPS: i32 = 1000;

/// The longest text or blob of an answer, in bytes: more than any record has, and less than fills the memory. `SQLite` itself has
/// 1,000,000,000, which is what a greater limit means.
const MAX_VALUE_BYTES: i32 = 64 << 20;

/// Functions that do more than compute.
const DENIED_FUNCTIONS: [&str; 4] = ["load_extension", "fts3_tokenizer", "fts5", "sqlite_log"];

/// Pragmas that look something up under the name that they are given.
const LOOKUP_PRAGMAS: [&str; 7] = [
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// Pragmas that only read as long as they are given no value.
const READING_PRAGMAS: [&str; 11] = [
    "application_id",
    "auto_vacuum",
    "collation_list",
    "compile_options",
    "database_list",
    "encoding",
    "freelist_count",
    "function_list",
    "page_count",
    "page_size",
    "user_version",
];

/// What the authorizer said no to.
type Denied = Arc<Mutex<Option<String>>>;

/// Why there is no answer, before it is said in our words.
enum Failure {
    Sql(SqlError),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Failure::Sqlite(error)
    }
}

impl Reader {
    /// Runs one statement that only reads, hands its rows over and gives the names of its columns. The views `records` and `logs`
    /// are made for this.
    ///
    /// While it runs, `rows` included, no checkpoint passes it by: let `rows` put aside what it gets, and write it elsewhere
    /// afterwards. It ends the answer early with [`ControlFlow::Break`].
    ///
    /// # Errors
    ///
    /// When the statement cannot be understood, is none or several, would do anything but read, or takes longer than allowed; or
    /// when the file cannot be read.
    pub fn sql(
        &self,
        text: &str,
        options: SqlOptions,
        rows: impl FnMut(SqlRow<'_>) -> ControlFlow<()>,
    ) -> Result<Vec<String>, SqlError> {
        let connection = self.connection()?;
        let denied = Denied::default();
        let outcome = Guard::new(&connection, options.timeout, &denied)
            .map_err(Failure::Sqlite)
            .and_then(|_guard| answer(&connection, text, rows));
        outcome.map_err(|failure| {
            let what = denied.lock().unwrap_or_else(PoisonError::into_inner).take();
            match (what, failure) {
                (Some(what), _) => SqlError::Denied { what },
                (None, Failure::Sql(error)) => error,
                (None, Failure::Sqlite(source)) => self.refused(text, options, source),
            }
        })
    }

    /// The error of this crate for what `SQLite` says of a statement.
    fn refused(&self, text: &str, options: SqlOptions, source: rusqlite::Error) -> SqlError {
        match source {
            // The text is what could not be read: all of it, or what is behind the first statement.
            rusqlite::Error::SqlInputError {
                msg, sql, offset, ..
            } => SqlError::Statement {
                place: place(
                    text,
                    text.len().saturating_sub(sql.len()) + usize::try_from(offset).unwrap_or(0),
                ),
                reason: msg,
            },
            rusqlite::Error::MultipleStatement => SqlError::Several,
            rusqlite::Error::InvalidParameterCount(_, wanted) => SqlError::Parameters { wanted },
            rusqlite::Error::SqliteFailure(error, reason) => match (error.code, options.timeout) {
                (ErrorCode::OperationInterrupted, Some(timeout)) => SqlError::Timeout { timeout },
                (ErrorCode::Unknown | ErrorCode::TooBig, _) => {
                    unplaced(text, reason.unwrap_or_else(|| error.to_string()))
                }
                _ => self
                    .failed(rusqlite::Error::SqliteFailure(error, reason))
                    .into(),
            },
            source => self.failed(source).into(),
        }
    }
}

/// The error for what `SQLite` says without a place.
fn unplaced(text: &str, mut reason: String) -> SqlError {
    let mut shown = String::new();
    if reason == "incomplete input" {
        shown = place(text, text.trim_end().len());
    } else if reason.starts_with("no such table") {
        reason.push_str("; what is stored is in the views records and logs");
    }
    SqlError::Statement {
        reason,
        place: shown,
    }
}

fn answer(
    connection: &Connection,
    text: &str,
    rows: impl FnMut(SqlRow<'_>) -> ControlFlow<()>,
) -> Result<Vec<String>, Failure> {
    // SQLite would take it for the end, and say nothing of what is behind it.
    if let Some(at) = text.find('\0') {
        return Err(Failure::Sql(SqlError::Statement {
            reason: "a NUL character".into(),
            place: place(text, at),
        }));
    }
    let mut statement = connection.prepare(text)?;
    if !statement.readonly() {
        // VACUUM asks no authorizer before it runs.
        return Err(Failure::Sql(SqlError::Denied {
            what: "a statement that writes".into(),
        }));
    }
    if statement.column_count() == 0 {
        return Err(Failure::Sql(SqlError::Empty));
    }
    let columns: Vec<String> = statement
        .column_names()
        .into_iter()
        .map(str::to_owned)
        .collect();
    hand_over(statement.query([])?, &columns, rows)?;
    Ok(columns)
}

fn hand_over(
    mut found: Rows<'_>,
    columns: &[String],
    mut rows: impl FnMut(SqlRow<'_>) -> ControlFlow<()>,
) -> rusqlite::Result<()> {
    while let Some(row) = found.next()? {
        let values = (0..columns.len()).map(|column| row.get_ref(column).map(value_of));
        let values: Vec<SqlValue<'_>> = values.collect::<rusqlite::Result<_>>()?;
        let row = SqlRow {
            columns,
            values: &values,
        };
        if rows(row).is_break() {
            break;
        }
    }
    Ok(())
}

fn value_of(value: ValueRef<'_>) -> SqlValue<'_> {
    match value {
        ValueRef::Null => SqlValue::Null,
        ValueRef::Integer(number) => SqlValue::Integer(number),
        ValueRef::Real(number) => SqlValue::Real(number),
        ValueRef::Text(_) => SqlValue::Text(text_of(value).unwrap_or_default()),
        ValueRef::Blob(bytes) => SqlValue::Blob(bytes),
    }
}

/// A connection that only reads, and not for longer than allowed, until this is dropped: then it is as it was.
struct Guard<'a>(&'a Connection);

impl<'a> Guard<'a> {
    fn new(
        connection: &'a Connection,
        timeout: Option<Duration>,
        denied: &Denied,
    ) -> rusqlite::Result<Self> {
        let guard = Guard(connection);
        connection.pragma_update(None, "query_only", true)?;
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)?;
        // A time that no clock reaches is none.
        if let Some(deadline) = timeout.and_then(|timeout| Instant::now().checked_add(timeout)) {
            let is_over = move || Instant::now() >= deadline;
            connection.progress_handler(LOOK_EVERY_OPS, Some(is_over))?;
        }
        let denied = Arc::clone(denied);
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            let Some(what) = forbidden(context.action) else {
                return Authorization::Allow;
            };
            *denied.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
            Authorization::Deny
        }))?;
        Ok(guard)
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        // None of these can fail on a connection of our own; and one that stays read-only harms no reader.
        let _ = self
            .0
            .authorizer(None::<fn(AuthContext<'_>) -> Authorization>);
        let _ = self.0.progress_handler(0, None::<fn() -> bool>);
        let _ = self.0.pragma_update(None, "query_only", false);
        let _ = self.0.set_limit(Limit::SQLITE_LIMIT_LENGTH, i32::MAX);
    }
}

/// What a statement must not do, in words; `None` when it may.
fn forbidden(action: AuthAction<'_>) -> Option<String> {
    let is_one_of = |name: &str, names: &[&str]| names.iter().any(|n| n.eq_ignore_ascii_case(name));
    Some(match action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => return None,
        AuthAction::Function { function_name } if !is_one_of(function_name, &DENIED_FUNCTIONS) => {
            return None;
        }
        AuthAction::Pragma { pragma_name, .. } if is_one_of(pragma_name, &LOOKUP_PRAGMAS) => {
            return None;
        }
        AuthAction::Pragma {
            pragma_name,
            pragma_value: None,
        } if is_one_of(pragma_name, &READING_PRAGMAS) => return None,
        AuthAction::Function { function_name } => format!("the function {function_name}"),
        AuthAction::Pragma { pragma_name, .. } => format!("PRAGMA {pragma_name}"),
        AuthAction::Attach { .. } => "ATTACH".into(),
        AuthAction::Detach { .. } => "DETACH".into(),
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => "a transaction".into(),
        // The first thing that CREATE and DROP ask for is to write to the table of all tables.
        AuthAction::Insert { table_name } | AuthAction::Delete { table_name }
            if table_name.starts_with("sqlite_") =>
        {
            "a change of the tables".into()
        }
        AuthAction::Insert { table_name } => format!("INSERT into {table_name}"),
        AuthAction::Update { table_name, .. } => format!("UPDATE of {table_name}"),
        AuthAction::Delete { table_name } => format!("DELETE from {table_name}"),
        _ => "a change of the tables".into(),
    })
}

/// How much of a line is shown before and behind the place of an error, in characters.
const SHOWN_BEFORE: usize = 60;
const SHOWN_BEHIND: usize = 40;

/// The line of a statement, on lines of its own, with a caret below this offset.
fn place(text: &str, offset: usize) -> String {
    let at = text.floor_char_boundary(offset);
    let start = text[..at].rfind('\n').map_or(0, |feed| feed + 1);
    let before = text[start..at].chars().count();
    let shown: String = text[start..]
        .chars()
        .take_while(|c| *c != '\n')
        .take(before + SHOWN_BEHIND)
        .skip(before.saturating_sub(SHOWN_BEFORE))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let width = before.min(SHOWN_BEFORE) + 1;
    format!("\n  {}\n  {:>width$}", shown.trim_end(), '^')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_below_the_place() {
        assert_eq!(
            place("SELECT 1 FORM x", 9),
            "\n  SELECT 1 FORM x\n           ^"
        );
        assert_eq!(
            place("SELECT\n\t'é', FORM\nx", 14),
            "\n   'é', FORM\n        ^"
        );
        assert_eq!(place("", 0), "\n  \n  ^");
        assert_eq!(place("SELECT", 99), "\n  SELECT\n        ^");
        let long = format!("{} FORM {}", "a".repeat(500), "b".repeat(500));
        let shown = place(&long, 501);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[1].ends_with(&format!("a FORM {}", "b".repeat(35))));
        assert_eq!(lines[1].find("FORM"), lines[2].find('^'));
    }
}
