//! Blocks that are no longer as they were written: answers stay right, the damage is reported, and upkeep mends it.

use logstore::{Level, Phrase, Query};
use proptest::prelude::*;

use super::kept::{Kept, assert_blocks_agree};
use super::source::{Source, Times};
use super::{File, append, maintain};

/// The blobs of a block: where each is, and whether all questions look at it.
const BLOBS: [(&str, &str); 7] = [
    ("block", "sites"),
    ("block", "origins"),
    ("block_column", "origin"),
    ("block_column", "site"),
    ("block_column", "created"),
    ("block_column", "record"),
    ("block_words", "words"),
];
const NUMBERS: [&str; 4] = ["last_id", "records", "min_created", "max_created"];

/// A statement that damages one of these blocks, or two of them, in some way; none that would leave all as it was.
fn damage(source: &mut Source, blocks: &[i64]) -> String {
    let (table, column) = source.of(&BLOBS);
    let (id, other) = (source.of(blocks), source.of(blocks));
    let update = |value: String| {
        // Few blocks have ids to tell.
        format!("UPDATE {table} SET {column} = {value} WHERE id = {id} AND {column} IS NOT NULL")
    };
    match source.below(8) {
        // A byte becomes another.
        0..3 => {
            let at = format!("(1 + {} % length({column}))", source.below(1 << 20));
            let byte = format!("unhex(printf('%02x', {}))", source.below(256));
            let after = format!("substr({column}, {at} + 1)");
            update(format!(
                "CAST(substr({column}, 1, {at} - 1) || {byte} || {after} AS BLOB)"
            ))
        }
        3 => update(format!("substr({column}, 1, length({column}) - 1)")),
        4 => update("zeroblob(40)".into()),
        5 => update(format!("(SELECT {column} FROM {table} WHERE id = {other})")),
        6 => {
            let number = source.of(&NUMBERS);
            let value = source.of(&[
                "x'00'",
                "'text'",
                "-5",
                "9223372036854775807",
                "last_id - 1",
            ]);
            format!("UPDATE block SET {number} = {value} WHERE id = {id}")
        }
        _ => format!(
            "DELETE FROM {} WHERE id = {id}",
            source.of(&["block_column", "block_words"])
        ),
    }
}

/// What a block says: its id, its numbers with its other blobs, its words.
type Said = (i64, String, String);

fn said(file: &File) -> Vec<Said> {
    let columns = |wanted: &dyn Fn(&str) -> bool| {
        let all = BLOBS.iter().map(|(_, column)| *column).chain(NUMBERS);
        let quoted = all
            .filter(|column| wanted(column))
            .map(|column| format!("quote({column})"));
        quoted.collect::<Vec<_>>().join(" || ' ' || ")
    };
    let sql = format!(
        "SELECT id, {}, {} FROM block LEFT JOIN block_column USING (id) LEFT JOIN block_words USING (id)",
        columns(&|column| column != "words"),
        columns(&|column| column == "words"),
    );
    let sql_file = file.sql();
    let mut statement = sql_file.prepare(&sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1) } })]

    #[test]
    fn damage_of_any_kind_is_reported_read_without_and_mended(seed: u64) {
        let mut source = Source::new(seed, Times::Stragglers);
        let mut records = source.records(9000);
        let questions = (0..14).map(|_| source.question(&records)).collect();
        let file = File::new();
        let mut kept = Kept::new(questions);
        let mut store = file.store();
        append(&mut store, &records, 5000);
        kept.append(&records);
        // A block that has not all ids from its first to its last.
        file.sql().execute("DELETE FROM record WHERE id = 5000", []).unwrap();
        kept.delete(|id| id == 5000);
        maintain(&mut store);
        for _ in 0..6 {
            let sound = said(&file);
            let blocks: Vec<i64> = sound.iter().map(|(id, ..)| *id).collect();
            for _ in 0..=source.below(3) {
                let statement = damage(&mut source, &blocks);
                file.sql().execute(&statement, []).unwrap();
            }
            let harmed = said(&file);
            let differ = |differ: fn(&Said, &Said) -> bool| {
                let both = sound.iter().zip(&harmed);
                both.filter(|(sound, harmed)| differ(sound, harmed)).count()
            };
            let all = differ(|sound, harmed| sound != harmed);

            let reader = file.reader();
            prop_assert!(kept.ask_all(&reader, &file.sql()) <= all);
            let mut everything = reader.query(&Query::default()).unwrap();
            prop_assert_eq!(everything.by_ref().count(), kept.len());
            let but_words = differ(|sound, harmed| sound.1 != harmed.1);
            prop_assert_eq!(everything.damaged_blocks(), but_words);
            let of_no_record = Query {
                min_level: Some(Level(1)),
                phrases: vec![Phrase::new("nowhere").unwrap()],
                ..Query::default()
            };
            let mut nothing = reader.query(&of_no_record).unwrap();
            prop_assert_eq!(nothing.by_ref().count(), 0);
            let words = differ(|sound, harmed| sound.2 != harmed.2);
            prop_assert!((words..=all).contains(&nothing.damaged_blocks()));

            // Who has the file open goes on writing.
            records = source.records(100);
            append(&mut store, &records, 100);
            kept.append(&records);
            store = file.store();
            prop_assert_eq!(maintain(&mut store), all as u64);
            prop_assert_eq!(maintain(&mut file.store()), 0);
            assert_blocks_agree(&file);
            prop_assert_eq!(&said(&file)[..2], &sound[..2]);
        }
    }
}
