//! What a file notes beside its records: what is in force in it, and which numbers of clients have come.

use rusqlite::Connection;

use super::super::{schema, setting};
use super::{Checked, Fault};

/// Runs of numbers that can be some.
const SOUND_RANGE: &str = "typeof(first) = 'integer' AND typeof(last) = 'integer' AND first BETWEEN 0 AND last \
     AND last < 1 << 62 AND client IN (SELECT id FROM client)";

/// The same of what came with them: eight bytes for each. Two of the same number may have come.
const SOUND_PRINT: &str = "typeof(first) = 'integer' AND first BETWEEN 0 AND 1 << 62 AND typeof(prints) = 'blob' \
     AND length(prints) > 0 AND length(prints) % 8 = 0 AND client IN (SELECT id FROM client)";

pub(super) fn check(connection: &Connection, checked: &mut Checked) -> rusqlite::Result<()> {
    if schema::has_settings(connection)? && !setting::makes_sense(connection)? {
        checked.add(Fault::Setting, "keep, max_bytes");
    }
    if !schema::has_clients(connection)? {
        return Ok(());
    }
    let read = connection.unchecked_transaction()?;
    let mut statement = read.prepare(&format!(
        "SELECT 'client_range ' || client || ' ' || first FROM \
             (SELECT *, max(last) OVER (PARTITION BY client ORDER BY first \
                  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM client_range) \
             WHERE NOT ({SOUND_RANGE}) OR first <= before \
         UNION ALL SELECT 'client_print ' || client || ' ' || first FROM client_print WHERE NOT ({SOUND_PRINT})"
    ))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        checked.add(Fault::Client, row.get::<_, String>(0)?);
    }
    Ok(())
}

/// Removes what makes no sense, and joins runs that overlap.
pub(super) fn repair(connection: &Connection, checked: &Checked) -> rusqlite::Result<()> {
    if checked.has(Fault::Setting) {
        setting::remove_retention(connection)?;
    }
    if checked.has(Fault::Client) {
        connection.execute_batch(&format!(
            "DELETE FROM client_print WHERE NOT ({SOUND_PRINT});
             CREATE TEMP TABLE run AS
                 SELECT client, min(first) AS first, max(last) AS last FROM
                     (SELECT *, sum(begins) OVER (PARTITION BY client ORDER BY first) AS run FROM
                         (SELECT *, coalesce(first > 1 + max(last) OVER (PARTITION BY client ORDER BY first
                              ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 1) AS begins
                          FROM client_range WHERE {SOUND_RANGE}))
                 GROUP BY client, run;
             DELETE FROM client_range;
             INSERT INTO client_range (client, first, last) SELECT client, first, last FROM run;
             DROP TABLE run;"
        ))?;
    }
    Ok(())
}
