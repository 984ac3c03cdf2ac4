//! Repair: what can be made again from the rest of the file, and nothing that would be a guess.

use rusqlite::{Connection, TransactionBehavior};

use super::super::append::SqliteStore;
use super::super::{RecordStore, block, rows, schema};
use super::{Checked, Fault, notes, objects};
use crate::error::StoreError;

impl SqliteStore {
    /// Repairs what a check found, as far as that can be done without guessing: blocks are made anew of their records, definitions of
    /// views, triggers and indexes put back, indexes filled anew. Where sites or origins are lost, a row that says "?" takes
    /// their place: the records stay readable, and no other site gets an id that is in use. Check again to see what is left.
    ///
    /// # Errors
    ///
    /// When the file is locked for more than ten seconds or cannot be written, or something that is not ours has the name of a view or
    /// an index.
    pub fn repair(&mut self, found: &Checked) -> Result<(), StoreError> {
        let path = self.path().to_owned();
        let mending = |source| schema::failed_to("repair", &path, source);
        if let Some(what) =
            objects::in_the_way(&self.connection, &found.objects).map_err(mending)?
        {
            return Err(StoreError::InTheWay { path, what });
        }
        schema::patiently(schema::OPEN_TIMEOUT, || {
            let step = self
                .connection
                .transaction_with_behavior(TransactionBehavior::Immediate)
                .map_err(mending)?;
            mend(&step, found).map_err(mending)?;
            step.commit().map_err(mending)
        })?;
        self.forget();
        while schema::patiently(schema::OPEN_TIMEOUT, || self.maintain())?.more {}
        Ok(())
    }
}

fn mend(connection: &Connection, found: &Checked) -> rusqlite::Result<()> {
    objects::repair(connection, &found.objects)?;
    notes::repair(connection, found)?;
    let site = rows::unknown_site();
    for id in &found.lost_sites {
        connection.execute(
            "INSERT OR IGNORE INTO site (id, name, levelno, levelname) VALUES (?1, ?2, ?3, ?4)",
            (id, &site.name, site.level.0, &site.level_name),
        )?;
    }
    for id in &found.lost_origins {
        connection.execute(
            "INSERT OR IGNORE INTO origin (id, hostname) VALUES (?1, ?2)",
            (id, &site.name),
        )?;
    }
    if found.has(Fault::IndexState) || found.has(Fault::Schema) {
        // Nobody knows these generations: nobody counts to the seconds since 1970.
        connection.execute_batch(
            "CREATE TEMP TABLE state AS SELECT coalesce(max(deleted_id), 0) AS deleted_id FROM index_state \
                 WHERE typeof(deleted_id) = 'integer';
             DELETE FROM index_state;
             INSERT INTO index_state (deleted_id, generation, names, touched)
                 SELECT deleted_id, unixepoch(), unixepoch(), unixepoch() FROM state;
             DROP TABLE state;",
        )?;
    }
    for id in &found.blocks_to_make {
        block::delete_block(connection, *id)?;
    }
    if found.has(Fault::Sqlite) {
        // Indexes that lack rows are a part of that.
        connection.execute_batch("REINDEX")?;
    }
    Ok(())
}
