//! Rows become records again.

use std::borrow::Cow;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row};

use crate::batch::extra_of_json;
use crate::level::Level;
use crate::record::{LogRecord, Origin, Site, StoredRecord};

/// The columns that [`Names::record`] takes, in its order.
pub(super) const COLUMNS: &str =
    "id, created, site, origin, message, task_name, exc_text, stack_info, extra";

/// Text as it stands in the row. A foreign hand may have put bytes there that are no UTF-8; they do not hide the rest.
pub(super) fn text_of(value: ValueRef<'_>) -> Option<Cow<'_, str>> {
    match value {
        // A lossy conversion would look at each piece even where there is nothing to convert.
        ValueRef::Text(bytes) => Some(match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => String::from_utf8_lossy(bytes),
        }),
        _ => None,
    }
}

/// An integer as it stands in the row, 0 where a foreign hand has put something else: that does not hide the record, nor the rest.
pub(super) fn integer(row: &Row<'_>, column: usize) -> rusqlite::Result<i64> {
    Ok(match row.get_ref(column)? {
        ValueRef::Integer(integer) => integer,
        _ => 0,
    })
}

/// How many bytes of text a record has; the row is its own.
pub(super) fn text_bytes(record: &LogRecord, row: &Row<'_>) -> usize {
    let optional = [&record.exc_text, &record.stack_info];
    let optional: usize = optional.into_iter().flatten().map(String::len).sum();
    let extra = match row.get_ref(8) {
        Ok(ValueRef::Text(json)) => json.len(),
        _ => 0,
    };
    record.message.len() + optional + extra
}

/// The sites and origins that the answer has met.
#[derive(Default)]
pub(super) struct Names {
    sites: HashMap<i64, Arc<Site>, RandomState>,
    origins: HashMap<i64, Arc<Origin>, RandomState>,
}

impl Names {
    /// The record of a row with the [`COLUMNS`].
    pub(super) fn record(
        &mut self,
        connection: &Connection,
        row: &Row<'_>,
    ) -> rusqlite::Result<StoredRecord> {
        let site = known(&mut self.sites, integer(row, 2)?, |id| {
            load_site(connection, id)
        })?;
        let origin = known(&mut self.origins, integer(row, 3)?, |id| {
            load_origin(connection, id)
        })?;
        let texts = [4, 5, 6, 7, 8].map(|column| row.get_ref(column).map(text_of));
        let [message, task_name, exc_text, stack_info, extra] = texts;
        Ok(StoredRecord {
            id: row.get(0)?,
            record: LogRecord {
                created_ns: integer(row, 1)?,
                site,
                origin,
                message: message?.unwrap_or_default().into_owned(),
                task_name: task_name?.map(Cow::into_owned),
                exc_text: exc_text?.map(Cow::into_owned),
                stack_info: stack_info?.map(Cow::into_owned),
                extra: extra?.map(|json| extra_of_json(&json)).unwrap_or_default(),
            },
        })
    }
}

/// What is known by this id, loaded the first time.
fn known<T>(
    loaded: &mut HashMap<i64, Arc<T>, RandomState>,
    id: i64,
    load: impl FnOnce(i64) -> rusqlite::Result<T>,
) -> rusqlite::Result<Arc<T>> {
    Ok(match loaded.entry(id) {
        Entry::Occupied(entry) => Arc::clone(entry.get()),
        Entry::Vacant(entry) => Arc::clone(entry.insert(Arc::new(load(id)?))),
    })
}

/// The columns of a site and of an origin, behind which others may come.
const SITE: &str =
    "SELECT name, levelno, levelname, pathname, lineno, funcName, filename, module, id FROM site";
const ORIGIN: &str =
    "SELECT hostname, process, processName, thread, threadName, started, id FROM origin";

fn site_of(row: &Row<'_>) -> rusqlite::Result<Site> {
    Ok(Site {
        name: row.get(0)?,
        level: Level(row.get(1)?),
        level_name: row.get(2)?,
        pathname: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
        lineno: row.get(4)?,
        func_name: row.get::<_, Option<String>>(5)?.unwrap_or_default(),
        other_filename: row.get(6)?,
        other_module: row.get(7)?,
    })
}

fn origin_of(row: &Row<'_>) -> rusqlite::Result<Origin> {
    Ok(Origin {
        hostname: row.get(0)?,
        process: row.get(1)?,
        process_name: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
        thread: row.get(3)?,
        thread_name: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
        started_ms: row.get(5)?,
    })
}

/// What stands for a site that is not there, which happens only in a damaged file. The record itself is still worth showing.
pub(super) fn unknown_site() -> Site {
    Site::new("?", Level::NOTSET)
}

fn load_site(connection: &Connection, id: i64) -> rusqlite::Result<Site> {
    let found = connection
        .prepare_cached(&format!("{SITE} WHERE id = ?1"))?
        .query_row([id], site_of)
        .optional()?;
    Ok(found.unwrap_or_else(unknown_site))
}

fn load_origin(connection: &Connection, id: i64) -> rusqlite::Result<Origin> {
    let found = connection
        .prepare_cached(&format!("{ORIGIN} WHERE id = ?1"))?
        .query_row([id], origin_of)
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// Calls `found` with every site and its id.
pub(super) fn each_site(
    connection: &Connection,
    mut found: impl FnMut(i64, &Site),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(SITE)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        found(row.get(8)?, &site_of(row)?);
    }
    Ok(())
}

/// Calls `found` with every origin and its id.
pub(super) fn each_origin(
    connection: &Connection,
    mut found: impl FnMut(i64, &Origin),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(ORIGIN)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        found(row.get(6)?, &origin_of(row)?);
    }
    Ok(())
}
