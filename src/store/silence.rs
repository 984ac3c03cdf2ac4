//! What numbered records leave behind, and when it goes: hashes when nothing that comes again is theirs any more, clients when they
//! have been silent for longer than any record is kept, or when there are too many.

use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::sequence::HOUR_NS;

/// For how many hours it is known what has come: a client may be away for a night before it sends something again.
const PRINT_HOURS: i64 = 24;

/// How long a step takes, about.
const STEP: Duration = Duration::from_millis(3);

/// What goes, once an hour.
#[derive(Debug, Default)]
pub(super) struct Silence {
    /// Of the hour in which it was done last.
    done: Option<i64>,
}

impl Silence {
    /// Does a small piece; gives whether there is more to do at once. Of clients that have been silent for longer than this everything
    /// goes. Call it outside of transactions.
    pub(super) fn step(
        &mut self,
        connection: &mut Connection,
        kept_ns: Option<i64>,
        now_ns: i64,
    ) -> rusqlite::Result<bool> {
        let hour = now_ns.div_euclid(HOUR_NS);
        if self.done == Some(hour) {
            return Ok(false);
        }
        let silent = kept_ns.map(|kept| now_ns.saturating_sub(kept).div_euclid(HOUR_NS));
        let (prints, clients) = (hour - PRINT_HOURS, silent.unwrap_or(i64::MIN));
        // Mostly there is nothing, and nobody has to wait for it.
        let is_over = connection
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM client_print WHERE hour < ?1) OR EXISTS (SELECT 1 FROM client WHERE seen < ?2)",
            )?
            .query_row((prints, clients), |row| row.get(0))?;
        if is_over {
            let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let began = Instant::now();
            while began.elapsed() < STEP
                && (forget_print(&step, prints)? || forget_client(&step, clients)?)
            {}
            step.commit()?;
        } else {
            self.done = Some(hour);
        }
        Ok(is_over)
    }
}

/// Forgets hashes that came before an hour; `false`: there are none.
fn forget_print(connection: &Connection, before: i64) -> rusqlite::Result<bool> {
    let gone = connection
        .prepare_cached(
            "DELETE FROM client_print WHERE rowid = (SELECT rowid FROM client_print WHERE hour < ?1 ORDER BY hour LIMIT 1)",
        )?
        .execute([before])?;
    Ok(gone > 0)
}

/// Forgets the client that has been silent longest, if it has since before an hour; `false`: there is none.
fn forget_client(connection: &Connection, before: i64) -> rusqlite::Result<bool> {
    let id: Option<i64> = connection
        .prepare_cached("SELECT id FROM client WHERE seen < ?1 ORDER BY seen, id LIMIT 1")?
        .query_row([before], |row| row.get(0))
        .optional()?;
    let Some(id) = id else { return Ok(false) };
    for sql in [
        "DELETE FROM client_print WHERE client = ?1",
        "DELETE FROM client_range WHERE client = ?1",
        "DELETE FROM client WHERE id = ?1",
    ] {
        connection.prepare_cached(sql)?.execute([id])?;
    }
    Ok(true)
}

/// Sees to it that there are fewer clients than this. Call it inside the transaction that puts one in.
pub(super) fn make_room(connection: &Connection, most: i64) -> rusqlite::Result<()> {
    let number = |sql| -> rusqlite::Result<i64> {
        connection
            .prepare_cached(sql)?
            .query_row([], |row| row.get(0))
    };
    // To count them takes longer, and there cannot be more than this.
    if number("SELECT coalesce(max(id), 0) FROM client")? >= most
        && number("SELECT count(*) FROM client")? >= most
    {
        forget_client(connection, i64::MAX)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Durability, schema};

    /// Clients, each last seen in this hour, with a print of it and two ranges.
    fn file(seen: &[i64]) -> (tempfile::TempDir, Connection) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("logs.sqlite");
        let connection = schema::open_writer(&path, Durability::Normal).unwrap();
        for hour in seen {
            connection
                .execute(
                    "INSERT INTO client (name, seen) VALUES ('c' || ?1, ?1)",
                    [hour],
                )
                .unwrap();
            let id = connection.last_insert_rowid();
            connection
                .execute("INSERT INTO client_print (client, first, prints, hour) VALUES (?1, 1, zeroblob(30000), ?2)", (id, hour))
                .unwrap();
            connection
                .execute(
                    "INSERT INTO client_range VALUES (?1, 1, 2), (?1, 5, 9)",
                    [id],
                )
                .unwrap();
        }
        (dir, connection)
    }

    fn counts(connection: &Connection) -> (i64, i64, i64) {
        let sql = "SELECT (SELECT count(*) FROM client), (SELECT count(*) FROM client_range), (SELECT count(*) FROM client_print)";
        connection
            .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap()
    }

    #[test]
    fn prints_go_after_a_day_and_clients_with_the_records_of_their_time() {
        let hours: Vec<i64> = (0..60).collect();
        let (_dir, mut connection) = file(&hours);
        let mut silence = Silence::default();
        let mut all = |kept_ns, hour| {
            let now_ns = hour * HOUR_NS;
            while silence.step(&mut connection, kept_ns, now_ns).unwrap() {}
            counts(&connection)
        };
        assert_eq!(all(None, 20), (60, 120, 60));
        assert_eq!(all(None, 30), (60, 120, 54));
        // Once an hour is enough.
        assert_eq!(all(Some(10 * HOUR_NS), 30), (60, 120, 54));
        assert_eq!(all(Some(10 * HOUR_NS), 31), (39, 78, 39));
        assert_eq!(all(None, 100), (39, 78, 0));
    }

    #[test]
    fn the_index_of_hours_suffices_to_find_what_is_over() {
        let (_dir, connection) = file(&[1]);
        let plan: String = connection
            .query_row("EXPLAIN QUERY PLAN SELECT rowid FROM client_print WHERE hour < 3 ORDER BY hour LIMIT 1", [], |row| row.get(3))
            .unwrap();
        assert!(plan.contains("COVERING INDEX client_print_hour"), "{plan}");
    }

    #[test]
    fn for_one_too_many_that_goes_which_has_been_silent_longest() {
        let (_dir, connection) = file(&[5, 3, 4]);
        make_room(&connection, 4).unwrap();
        assert_eq!(counts(&connection), (3, 6, 3));
        make_room(&connection, 3).unwrap();
        assert_eq!(counts(&connection), (2, 4, 2));
        // The highest id says nothing where some have gone.
        make_room(&connection, 3).unwrap();
        assert_eq!(counts(&connection).0, 2);
        let oldest: i64 = connection
            .query_row("SELECT min(seen) FROM client", [], |row| row.get(0))
            .unwrap();
        assert_eq!(oldest, 4);
    }
}
