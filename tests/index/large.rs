//! Enough blocks for several threads.

use logstore::{Count, Every, GroupBy, Level, Order, Query, Zone};

use super::{File, append, messages, numbered};

/// More than thirty blocks, and a tail.
const RECORDS: i64 = 140_000;

#[test]
fn several_threads_find_and_count_what_one_would() {
    let file = File::new();
    append(&mut file.store(), &numbered(0..RECORDS), 20_000);
    let reader = file.reader();
    let warnings = Query {
        min_level: Some(Level::WARNING),
        ..Query::default()
    };
    let expected: Vec<String> = (0..RECORDS)
        .filter(|i| i % 3 == 2)
        .map(|i| format!("record number{i}"))
        .collect();
    assert_eq!(messages(&reader, &warnings), expected);
    let searched = Query {
        grep: Some("number[0-9]*7777$".parse().unwrap()),
        order: Order::NewestFirst,
        ..Query::default()
    };
    let mut expected: Vec<String> = (0..RECORDS)
        .filter(|i| i % 10_000 == 7777)
        .map(|i| format!("record number{i}"))
        .collect();
    expected.reverse();
    assert_eq!(messages(&reader, &searched), expected);

    // A record a millisecond: sixty thousand a minute.
    let counts = reader
        .count(&Count {
            query: warnings,
            by: vec![GroupBy::Level, GroupBy::Name],
            every: Some(Every::new(60_000_000_000, Zone::Utc).unwrap()),
        })
        .unwrap();
    let found: Vec<u64> = counts.rows.iter().map(|row| row.count).collect();
    assert_eq!(found, [20_000, 20_000, 6_666]);
    assert_eq!(counts.span_ns, Some((2_000_000, 139_997_000_000)));
}
