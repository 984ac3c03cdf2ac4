//! What one would make of `SQLite` alone: a table of texts with B-trees for the questions to come, and FTS5 on the messages.
//!
//! It has fewer columns than the store, so that its rows are not longer than they need be, is packed as tight as it gets, since
//! its indexes are made when all rows are there, and knows its statistics. Which index a question takes is left to `SQLite`.

use std::hint::black_box;
use std::path::Path;

use logstore::{Level, LogRecord, rfc3339_utc};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, Row, params};

use crate::Result;
use crate::answer::Answer;
use crate::question::{AREA, MINUTE_NS, NEWEST, PROCESS, Question, SINCE_NS, UNTIL_NS};
use crate::records::{COMMON_WORD, FRAGMENT, RARE_LOGGER, RARE_WORD, records};

const TABLE: &str = "
    PRAGMA page_size = 8192;
    PRAGMA journal_mode = OFF;
    PRAGMA cache_size = -262144;
    CREATE TABLE log (
        id INTEGER PRIMARY KEY,
        created INTEGER NOT NULL,
        level INTEGER NOT NULL,
        name TEXT NOT NULL,
        hostname TEXT NOT NULL,
        process INTEGER,
        process_name TEXT,
        thread INTEGER,
        thread_name TEXT,
        message TEXT NOT NULL,
        exc_text TEXT,
        extra TEXT
    );
    BEGIN;";

const INDEXES: &str = "
    COMMIT;
    CREATE INDEX log_created ON log (created);
    CREATE INDEX log_level ON log (level, created);
    CREATE INDEX log_name ON log (name, created);
    CREATE VIRTUAL TABLE log_words USING fts5(message, content = 'log', content_rowid = 'id');
    INSERT INTO log_words (log_words) VALUES ('rebuild');
    INSERT INTO log_words (log_words) VALUES ('optimize');
    ANALYZE;
    PRAGMA journal_mode = WAL;";

const INSERT: &str = "INSERT INTO log \
    (created, level, name, hostname, process, process_name, thread, thread_name, message, exc_text, extra) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

/// What the file is made of besides the records.
pub(crate) fn make_up() -> String {
    format!("{TABLE}{INDEXES}")
}

pub(crate) fn make(path: &Path, total: usize) -> Result<()> {
    let connection = Connection::open(path)?;
    connection.execute_batch(TABLE)?;
    let mut statement = connection.prepare(INSERT)?;
    for record in records(total) {
        let LogRecord { site, origin, .. } = &record;
        statement.execute(params![
            record.created_ns,
            site.level.0,
            site.name,
            origin.hostname,
            origin.process,
            origin.process_name,
            origin.thread,
            origin.thread_name,
            record.message,
            record.exc_text,
            (!record.extra.is_empty())
                .then(|| serde_json::to_string(&record.extra))
                .transpose()?,
        ])?;
    }
    drop(statement);
    connection.execute_batch(INDEXES)?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}

pub(crate) struct Trees(Connection);

impl Trees {
    /// Opens it as the store's reader opens its own file.
    pub(crate) fn open(path: &Path) -> Result<Trees> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Ok(Trees(Connection::open_with_flags(path, flags)?))
    }

    pub(crate) fn ask(&self, question: Question) -> Result<Answer> {
        match question {
            Question::Warnings => {
                let mut ids = self.records(&format!(
                    "level >= {} AND (name = '{AREA}' OR name >= '{AREA}.' AND name < '{AREA}/') \
                     ORDER BY created DESC, id DESC LIMIT {NEWEST}",
                    Level::WARNING.0
                ))?;
                ids.reverse();
                Ok(Answer::Ids(ids))
            }
            Question::RareLogger => {
                let mut ids = self.records(&format!(
                    "name = '{RARE_LOGGER}' ORDER BY created DESC, id DESC LIMIT {NEWEST}"
                ))?;
                ids.reverse();
                Ok(Answer::Ids(ids))
            }
            Question::RareWord => self.in_order(&format!(
                "id IN (SELECT rowid FROM log_words WHERE log_words MATCH '{RARE_WORD}')"
            )),
            Question::CommonWord => self.counts(
                &format!("'' FROM log_words WHERE log_words MATCH '{COMMON_WORD}'"),
                |row| row.get(1),
            ),
            Question::ByLevel => self.counts("level FROM log GROUP BY level", |row| level(row, 1)),
            Question::ByLogger => self.counts("name FROM log GROUP BY name", |row| row.get(1)),
            Question::Histogram => self.counts(
                &format!("created / {MINUTE_NS}, level FROM log GROUP BY 2, 3"),
                |row| {
                    let start = rfc3339_utc(row.get::<_, i64>(1)? * MINUTE_NS);
                    Ok(format!("{start} {}", level(row, 2)?))
                },
            ),
            Question::ProcessMinute => self.in_order(&format!(
                "process = {PROCESS} AND created BETWEEN {SINCE_NS} AND {UNTIL_NS}"
            )),
            // As exactly as a regular expression asks, and in the same texts.
            Question::Fragment => self.in_order(&format!(
                "instr(message, '{FRAGMENT}') OR instr(exc_text, '{FRAGMENT}') OR instr(extra, '{FRAGMENT}')"
            )),
        }
    }

    fn in_order(&self, condition: &str) -> Result<Answer> {
        let ids = self.records(&format!("{condition} ORDER BY created, id"))?;
        Ok(Answer::Ids(ids))
    }

    /// The ids of the records; every other field of them is fetched, too, as the library does.
    fn records(&self, which: &str) -> Result<Vec<i64>> {
        let sql = format!("SELECT * FROM log WHERE {which}");
        let mut statement = self.0.prepare_cached(&sql)?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        let mut ids = Vec::new();
        while let Some(row) = rows.next()? {
            for column in 1..columns {
                black_box(row.get::<_, Value>(column)?);
            }
            ids.push(row.get(0)?);
        }
        Ok(ids)
    }

    fn counts(
        &self,
        groups: &str,
        group: impl Fn(&Row<'_>) -> rusqlite::Result<String>,
    ) -> Result<Answer> {
        let sql = format!("SELECT count(*), {groups}");
        let mut statement = self.0.prepare_cached(&sql)?;
        let counts = statement.query_map([], |row| {
            let count: u32 = row.get(0)?;
            Ok((group(row)?, count.into()))
        })?;
        Ok(Answer::Counts(counts.collect::<rusqlite::Result<_>>()?))
    }
}

/// The name of the level whose number is in this column.
fn level(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    row.get(column).map(|number| Level(number).to_string())
}
