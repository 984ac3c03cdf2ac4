//! Conditions on a record's own fields: each key of an answer can be asked for, and every way to ask gives the same.

use std::sync::Arc;

use logstore::{Level, LogRecord, Origin, SQLiteQueueHandler, Site};
use serde_json::Value;

use crate::api::get;
use crate::export;
use crate::stream::Listener;
use crate::support::{Server, Store};

/// Records of which some say all there is to say, and others next to nothing.
fn store() -> Store {
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    for number in 0..12_u32 {
        let is_full = number % 3 == 0;
        let mut site = Site::new("live", Level::INFO);
        let mut origin = Origin::default();
        if is_full {
            site = Site::new("live.jobs", Level::ERROR).at("/srv/jobs/pipe.py", number, "work");
            origin = Origin {
                hostname: "vm".into(),
                process: Some(number.into()),
                process_name: "worker-1".into(),
                thread: Some(7),
                thread_name: "Main Thread".into(),
                started_ms: None,
            };
        }
        let mut record = LogRecord::new(site, format!("run {number} failed"));
        record.origin = Arc::new(origin);
        if is_full {
            record.task_name = Some("Task-1".into());
            record.exc_text = Some(format!("Traceback\nKeyError: {number}"));
            record.stack_info = Some("Stack".into());
        } else {
            record = record.with("module", "own").with("level", 3);
        }
        handler.emit(&record).unwrap();
    }
    handler.close().unwrap();
    store
}

fn ids(records: &[Value]) -> Vec<i64> {
    let ids = records.iter().map(|record| record["id"].as_i64().unwrap());
    ids.collect()
}

#[test]
fn each_key_of_an_answer_can_be_asked_for() {
    let store = store();
    let all = store.records(&[]);
    let full = all[0].as_object().unwrap();
    let apart = ["id", "created", "created_ns", "extra"];
    let own = full
        .iter()
        .filter(|(key, _)| !apart.contains(&key.as_str()));
    assert_eq!(own.clone().count(), 17);
    for (key, value) in own {
        let text = value.as_str().map_or(value.to_string(), str::to_owned);
        let of = |holds: &dyn Fn(&Value) -> bool| -> Vec<i64> {
            let found = all.iter().filter(|record| holds(&record[key]));
            found.map(|record| record["id"].as_i64().unwrap()).collect()
        };
        let is = |other: &Value| other == value;
        for (condition, expected) in [
            (key.clone(), of(&|value| !value.is_null())),
            (format!("{key}={text}"), of(&is)),
            (
                format!("{key}!={text}"),
                of(&|value| !value.is_null() && !is(value)),
            ),
        ] {
            let found = store.records(&["--field", &condition]);
            assert_eq!(ids(&found), expected, "{condition}");
        }
        let term = format!("-{key}=\"{text}\"");
        let found = store.records(&["-q", &term]);
        assert_eq!(ids(&found), of(&|value| !is(value)), "{term}");
    }
    let found = store.records(&["-q", "extra.module=own extra.level>=3"]);
    assert_eq!(found.len(), 8);
    assert_eq!(store.query(&["-q", "module=own"]), "");
}

#[test]
fn every_way_to_ask_gives_the_same() {
    let store = store();
    let server = Server::start(&store.db);
    for (terms, expected) in [
        ("funcName=work lineno>3", &[7, 10][..]),
        ("-has:funcName hostname!=vm", &[]),
        ("-funcName=work", &[2, 3, 5, 6, 8, 9, 11, 12]),
        ("exc_text~KeyError.*[39]$ filename=pipe.py", &[4, 10]),
        ("message=\"run 6 failed\" taskName=Task-1", &[7]),
        ("-has:stack_info levelno<40 message~1", &[2, 11, 12]),
    ] {
        let found = store.records(&["-q", terms]);
        assert_eq!(ids(&found), expected, "{terms}");
        let total = expected.len().to_string();
        assert_eq!(store.answer("count", &["-q", terms]).trim(), total);
        let around = store.records(&["-C", "1", "-q", terms]);
        let matches: Vec<Value> = around
            .into_iter()
            .filter(|record| record["match"] == true)
            .collect();
        assert_eq!(ids(&matches), expected, "{terms}");

        let coded: Vec<String> = terms.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let q = coded.concat();
        let json = |target: &str| get(&server, target).json();
        let records = json(&format!("/api/records?order=oldest&q={q}"));
        assert_eq!(ids(records["records"].as_array().unwrap()), expected);
        for route in ["count", "histogram"] {
            let counted = json(&format!("/api/{route}?q={q}"));
            assert_eq!(counted["total"], expected.len(), "{route} {terms}");
        }
        let (_, exported) = export::get(&server, &format!("/api/export?order=oldest&q={q}"));
        let lines = std::str::from_utf8(&exported).unwrap().lines();
        let lines: Vec<Value> = lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(ids(&lines), expected, "{terms}");
        let heard = Listener::start(&server, &format!("?after-id=0&q={q}"), &[]);
        assert_eq!(heard.ids(expected.len()), expected, "{terms}");
    }
}
