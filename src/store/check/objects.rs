//! Tables, indexes, views and triggers: whether they are as the migrations make them. What others have added is theirs.

use rusqlite::{Connection, OptionalExtension as _};

use super::super::schema;
use super::{Checked, Fault};

/// Something that the migrations make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) kind: String,
    pub(super) name: String,
    /// Its definition; of a table its columns, since renaming something rewrites the text.
    looks: String,
    pub(super) sql: String,
}

const OBJECTS: &str = "SELECT type, name, CASE type WHEN 'table' THEN \
     (SELECT group_concat(name || ' ' || type || ' ' || \"notnull\" || ' ' || pk, ', ') FROM pragma_table_info(schema.name)) \
     ELSE sql END, sql \
     FROM sqlite_schema AS schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid";

fn objects(connection: &Connection) -> rusqlite::Result<Vec<Object>> {
    let mut statement = connection.prepare(OBJECTS)?;
    let rows = statement.query_map([], |row| {
        Ok(Object {
            kind: row.get(0)?,
            name: row.get(1)?,
            looks: row.get::<_, Option<String>>(2)?.unwrap_or_default(),
            sql: row.get::<_, Option<String>>(3)?.unwrap_or_default(),
        })
    })?;
    rows.collect()
}

/// What a file of this schema should have.
fn wanted(version: i64) -> rusqlite::Result<Vec<Object>> {
    let model = Connection::open_in_memory()?;
    let steps = usize::try_from(version).unwrap_or(0);
    for migration in schema::MIGRATIONS.iter().take(steps) {
        model.execute_batch(migration)?;
    }
    objects(&model)
}

pub(super) fn check(connection: &Connection, checked: &mut Checked) -> rusqlite::Result<()> {
    let read = connection.unchecked_transaction()?;
    let found = objects(&read)?;
    for object in wanted(schema::user_version(&read)?)? {
        let same = |other: &&Object| other.kind == object.kind && other.name == object.name;
        let what = match found.iter().find(same) {
            Some(other) if other.looks == object.looks => continue,
            Some(_) => "is another",
            None => "is missing",
        };
        let what = format!("{} {} {what}", object.kind, object.name);
        checked.add(Fault::Schema, what);
        checked.objects.push(object);
    }
    Ok(())
}

/// What has the name of one of them and is of another kind, in words: it may hold what somebody needs. Triggers have names of their own.
pub(super) fn in_the_way(
    connection: &Connection,
    objects: &[Object],
) -> rusqlite::Result<Option<String>> {
    let mut other = connection.prepare(
        "SELECT type FROM sqlite_schema WHERE name = ?1 AND type <> ?2 AND 'trigger' NOT IN (type, ?2)",
    )?;
    for Object { kind, name, .. } in objects {
        let found: Option<String> = other.query_row((name, kind), |row| row.get(0)).optional()?;
        if let Some(found) = found {
            return Ok(Some(format!(
                "the {found} {name} is in the place of the {kind}"
            )));
        }
    }
    Ok(None)
}

/// Makes them as they should be. Tables hold what cannot be made again: one that is there stays as it is.
pub(super) fn repair(connection: &Connection, objects: &[Object]) -> rusqlite::Result<()> {
    for Object {
        kind, name, sql, ..
    } in objects
    {
        if kind == "table" {
            let missing = sql.replacen("CREATE TABLE", "CREATE TABLE IF NOT EXISTS", 1);
            connection.execute_batch(&missing)?;
        } else {
            connection.execute_batch(&format!("DROP {kind} IF EXISTS {name}; {sql}"))?;
        }
    }
    Ok(())
}
