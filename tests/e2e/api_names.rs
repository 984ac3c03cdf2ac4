//! `/api/names`: loggers as a tree and hosts, few of them and very many.

use std::collections::BTreeSet;
use std::sync::Arc;

use logstore::{Level, LogRecord, Origin, SQLiteQueueHandler, Site};
use serde_json::{Value, json};

use crate::api::{get, store};
use crate::support::{Server, Store};

/// What the entries of a list are called.
fn listed(list: &Value, key: &str) -> Vec<String> {
    let entries = list.as_array().unwrap().iter();
    entries
        .map(|entry| entry[key].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn names_are_counted_by_level_and_fields_are_those_of_the_newest() {
    let store = store(180);
    let server = Server::start(&store.db);
    let names = get(&server, "/api/names?host=node1").json();
    assert_eq!(listed(&names["names"], "name"), ["app.db.pool", "other"]);
    assert_eq!(
        (&names["others"], &names["cut"]),
        (&json!([]), &Value::Null)
    );
    assert_eq!(names["hosts"], json!([{"host": "node1", "count": 90}]));
    assert_eq!(names["fields"], json!(["elapsed", "user.id"]));
    let errors = store.records(&["--host", "node1", "--level", "error", "--name", "other"]);
    assert_eq!(names["names"][1]["counts"][3], errors.len());
    let meta = get(&server, "/api/meta").json();
    assert_eq!(meta["last_id"], 180);
    assert!(meta["hostname"].is_string() && meta["now"].is_string() && meta["version"].is_string());
    server.terminate();
}

#[test]
fn a_part_of_the_names_is_asked_for_by_its_parent_or_its_beginning() {
    let store = store(180);
    let server = Server::start(&store.db);
    let part = get(&server, "/api/names?under=app.db").json();
    assert_eq!(listed(&part["names"], "name"), ["app.db", "app.db.pool"]);
    assert_eq!((&part["total"], &part["fields"]), (&json!(90), &json!([])));
    let part = get(&server, "/api/names?prefix=APP.D").json();
    assert_eq!(listed(&part["names"], "name"), ["app.db", "app.db.pool"]);
    assert_eq!((&part["hosts"], &part["total"]), (&json!([]), &json!(180)));
    let part = get(&server, "/api/names?prefix=Node1").json();
    assert_eq!(
        (&part["names_found"], &part["hosts_found"]),
        (&json!(0), &json!(1))
    );
    let none = get(&server, "/api/names?under=app.d").json();
    assert_eq!(none["names"], json!([]));
    server.terminate();
}

/// A record of each of these loggers, each from a host of its own.
fn one_each(names: impl Iterator<Item = String>) -> Store {
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    for (number, name) in names.enumerate() {
        let mut record = LogRecord::new(Site::new(name, Level::INFO), "done");
        record.origin = Arc::new(Origin {
            hostname: format!("pod-{number}"),
            ..Origin::default()
        });
        handler.emit(&record).unwrap();
    }
    handler.close().unwrap();
    store
}

/// How many records the entries of an answer have in all.
fn records(answer: &Value) -> u64 {
    let lists = [&answer["names"], &answer["others"]];
    let entries = lists.into_iter().flat_map(|list| list.as_array().unwrap());
    let counts = entries.flat_map(|entry| entry["counts"].as_array().unwrap());
    counts.map(|count| count.as_u64().unwrap()).sum()
}

#[test]
fn of_very_many_loggers_each_is_found_by_opening_parents_and_all_counts_are_true() {
    let names = (0..6000).map(|n| format!("area{}.module{}.logger{n}", n % 4, n % 40));
    let names: BTreeSet<String> = names
        .chain((0..200).map(|n| ["deep"; 200][..=n].join(".")))
        .collect();
    let store = one_each(names.iter().cloned());
    let server = Server::start(&store.db);
    let top = get(&server, "/api/names");
    assert!(top.body.len() < 300_000, "{}", top.body.len());
    let top = top.json();
    assert_eq!(
        (&top["cut"], &top["names_found"]),
        (&json!(true), &json!(6200))
    );
    assert_eq!((records(&top), &top["total"]), (6200, &json!(6200)));
    let (mut waiting, mut found) = (vec![top], BTreeSet::new());
    while let Some(answer) = waiting.pop() {
        assert_eq!(answer["others"], json!([]));
        for node in answer["names"].as_array().unwrap() {
            let name = node["name"].as_str().unwrap();
            if node["more"].is_null() {
                assert!(found.insert(name.to_owned()), "{name}");
                continue;
            }
            let opened = get(&server, &format!("/api/names?under={name}")).json();
            let counted = node["counts"].as_array().unwrap().iter();
            assert_eq!(
                records(&opened),
                counted.map(|count| count.as_u64().unwrap()).sum::<u64>()
            );
            waiting.push(opened);
        }
    }
    assert_eq!(found, names);
    server.terminate();
}

#[test]
fn of_flat_names_and_hosts_by_the_thousand_the_largest_are_named_and_each_is_found_by_typing() {
    let store = one_each((0..4000).map(|n| format!("worker-{n}")));
    let server = Server::start(&store.db);
    let names = get(&server, "/api/names").json();
    assert_eq!(names["names"].as_array().unwrap().len(), 1000);
    let counts = json!([0, 3000, 0, 0, 0]);
    assert_eq!(
        names["others"],
        json!([{"under": null, "loggers": 3000, "counts": counts}])
    );
    assert_eq!(
        (
            names["hosts"].as_array().unwrap().len(),
            &names["hosts_found"]
        ),
        (2000, &json!(4000))
    );
    for n in [7, 999, 3999] {
        let typed = get(&server, &format!("/api/names?prefix=worker-{n}")).json();
        assert!(listed(&typed["names"], "name").contains(&format!("worker-{n}")));
        let typed = get(&server, &format!("/api/names?prefix=pod-{n}")).json();
        assert!(listed(&typed["hosts"], "host").contains(&format!("pod-{n}")));
    }
    server.terminate();
}
