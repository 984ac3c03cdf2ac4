//! What is in force in a file, kept in it for whoever looks.

use std::borrow::Cow;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::rows::text_of;
use super::schema;
use crate::chance::chance;
use crate::retention::Retention;

const KEEP: &str = "keep";
const MAX_BYTES: &str = "max_bytes";
const FLOOR_BYTES: &str = "floor_bytes";
const SWEPT: &str = "swept";
const CONTINUES: &str = "continues";
const FILE: &str = "file";

/// The retention that the file says is in force; none at all when a foreign hand has put something there that makes no sense.
pub(super) fn retention(connection: &Connection) -> rusqlite::Result<Retention> {
    if !schema::has_settings(connection)? {
        return Ok(Retention::default());
    }
    Ok(read(connection)?.unwrap_or_default())
}

/// Whether what a file with settings says is understood.
pub(super) fn makes_sense(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(read(connection)?.is_some())
}

/// Says nothing any more of what is kept.
pub(super) fn remove_retention(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM setting WHERE key IN (?1, ?2)",
        (KEEP, MAX_BYTES),
    )?;
    Ok(())
}

fn read(connection: &Connection) -> rusqlite::Result<Option<Retention>> {
    let read = connection.unchecked_transaction()?;
    let (keep, max_bytes) = (get(&read, KEEP)?, get(&read, MAX_BYTES)?);
    Ok(understood(keep.as_deref(), max_bytes.as_deref()))
}

fn understood(keep: Option<&str>, max_bytes: Option<&str>) -> Option<Retention> {
    let rules: Vec<String> = keep.map_or(Ok(Vec::new()), serde_json::from_str).ok()?;
    let keep = rules.iter().map(|rule| rule.parse());
    let retention = Retention {
        keep: keep.collect::<Result<_, _>>().ok()?,
        max_bytes: max_bytes.map(str::parse).transpose().ok()?,
    };
    retention.check().ok().map(|()| retention)
}

/// Says in the file what is in force from now on. What is there already is not written again.
pub(super) fn keep_retention(
    connection: &mut Connection,
    wanted: &Retention,
) -> rusqlite::Result<()> {
    if retention(connection)? == *wanted {
        return Ok(());
    }
    let rules: Vec<String> = wanted.keep.iter().map(ToString::to_string).collect();
    let keep = (!rules.is_empty()).then(|| serde_json::Value::from(rules).to_string());
    let max_bytes = wanted.max_bytes.map(|bytes| bytes.to_string());
    let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for (key, value) in [(KEEP, keep), (MAX_BYTES, max_bytes)] {
        put(&step, key, value)?;
    }
    step.commit()
}

/// Whether the file was begun in the place of another that was moved away: clients go on with their numbers.
pub(super) fn continues(connection: &Connection) -> rusqlite::Result<bool> {
    Ok(get(connection, CONTINUES)?.is_some())
}

/// Says in a file that is new that another has been in its place.
pub(super) fn keep_continues(connection: &Connection) -> rusqlite::Result<()> {
    if connection.prepare("SELECT 1 FROM client")?.exists([])? {
        return Ok(());
    }
    put(connection, CONTINUES, Some("1".into()))
}

/// By which the file is told from others, in which the same ids are of other records; nothing when no writer has given it any yet.
pub(super) fn file_number(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    if !schema::has_settings(connection)? {
        return Ok(None);
    }
    let number = get(connection, FILE)?;
    Ok(number.and_then(|number| u64::from_str_radix(&number, 16).ok()))
}

/// Gives the file a number, unless it has one. Several programs may do so at once.
pub(super) fn keep_file_number(connection: &Connection) -> rusqlite::Result<()> {
    if file_number(connection)?.is_none() {
        connection.execute(
            "INSERT OR IGNORE INTO setting (key, value) VALUES (?1, ?2)",
            (FILE, format!("{:016x}", chance())),
        )?;
    }
    Ok(())
}

/// What the file is not made smaller than when the disk lacks room.
pub(super) fn floor_bytes(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    let floor = get(connection, FLOOR_BYTES)?;
    Ok(floor.and_then(|floor| floor.parse().ok()))
}

pub(super) fn keep_floor_bytes(connection: &Connection, bytes: u64) -> rusqlite::Result<()> {
    put(connection, FLOOR_BYTES, Some(bytes.to_string()))
}

fn put(connection: &Connection, key: &str, value: Option<String>) -> rusqlite::Result<()> {
    match value {
        Some(value) => connection.execute(
            "REPLACE INTO setting (key, value) VALUES (?1, ?2)",
            (key, value),
        )?,
        None => connection.execute("DELETE FROM setting WHERE key = ?1", [key])?,
    };
    Ok(())
}

/// How many rows of sites and origins the last sweep has left, and the sum of their highest ids; nothing when there was none.
pub(super) fn swept(connection: &Connection) -> rusqlite::Result<Option<(i64, i64)>> {
    let text = get(connection, SWEPT)?;
    Ok(text.and_then(|text| {
        let (rows, highest) = text.split_once(' ')?;
        Some((rows.parse().ok()?, highest.parse().ok()?))
    }))
}

/// Says in the file what a sweep has left.
pub(super) fn keep_swept(
    connection: &Connection,
    (rows, highest): (i64, i64),
) -> rusqlite::Result<()> {
    put(connection, SWEPT, Some(format!("{rows} {highest}")))
}

fn get(connection: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    connection
        .query_row(
            "SELECT CAST(value AS TEXT) FROM setting WHERE key = ?1",
            [key],
            |row| Ok(text_of(row.get_ref(0)?).map(Cow::into_owned)),
        )
        .optional()
        .map(Option::flatten)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Durability;

    #[test]
    fn a_file_keeps_its_number_and_no_other_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let number = |name: &str| {
            let path = dir.path().join(name);
            let connection = schema::open_writer(&path, Durability::Normal).unwrap();
            file_number(&connection).unwrap().unwrap()
        };
        assert_eq!(number("a.sqlite"), number("a.sqlite"));
        assert_ne!(number("a.sqlite"), number("b.sqlite"));
    }

    #[test]
    fn what_makes_no_sense_is_no_retention() {
        for (keep, max_bytes) in [
            (Some("30d"), None),
            (Some("[1]"), None),
            (Some(r#"["0s"]"#), Some("1048576")),
            (Some(r#"["1d", "1d"]"#), None),
            (Some(r#"["1d"]"#), Some("-1")),
            (None, Some("7")),
        ] {
            assert_eq!(understood(keep, max_bytes), None, "{keep:?} {max_bytes:?}");
        }
        let retention = understood(Some(r#"["30d","name:a,b=1d"]"#), Some("1048576")).unwrap();
        assert_eq!(
            (retention.keep.len(), retention.max_bytes),
            (2, Some(1 << 20))
        );
        assert!(understood(None, None).unwrap().is_empty());
    }
}
