//! Where a record is: pages around it, and ids that say of which file it is.

use serde_json::{Value, json};

use crate::api::{get, store};
use crate::requests::{ask, request};
use crate::support::{Server, wait_until};

fn ids(records: &Value) -> Vec<i64> {
    let records = records.as_array().unwrap().iter();
    records
        .map(|record| record["id"].as_i64().unwrap())
        .collect()
}

#[test]
fn a_page_around_a_record_has_it_and_its_neighbours() {
    let store = store(60);
    let server = Server::start(&store.db);
    for filter in ["", "&q=level:warning"] {
        let all = get(&server, &format!("/api/records?limit=1000{filter}")).json();
        let all = ids(&all["records"]);
        for (place, id) in all.iter().enumerate() {
            for limit in [1, 2, 9] {
                let target = format!("/api/records?around={id}&limit={limit}{filter}");
                let page = get(&server, &target).json();
                let (newer, older) = (limit / 2, limit - limit / 2);
                let to = all.len().min(place + older);
                let expected = &all[place.saturating_sub(newer)..to];
                assert_eq!(ids(&page["records"]), expected, "{target}");
                assert_eq!(page["older"].is_null(), to == all.len(), "{target}");
                let record = get(&server, &format!("/api/records/{id}")).json();
                assert_eq!(page["around"], record["cursor"], "{target}");
                let oldest = get(&server, &format!("{target}&order=oldest")).json();
                let mut oldest = ids(&oldest["records"]);
                oldest.reverse();
                assert_eq!(oldest, expected, "{target}");
            }
        }
    }
    // It goes on on both sides.
    let page = get(&server, "/api/records?around=30&limit=6").json();
    let on = |parameter: &str, key: &str| {
        let cursor = page[key].as_str().unwrap();
        let next = get(
            &server,
            &format!("/api/records?{parameter}={cursor}&limit=1000"),
        );
        ids(&next.json()["records"])
    };
    let (newer, older) = (on("after", "newer"), on("before", "older"));
    let whole = [newer, ids(&page["records"]), older].concat();
    let all = get(&server, "/api/records?limit=1000").json();
    assert_eq!(whole, ids(&all["records"]));
    server.terminate();
}

#[test]
fn around_a_record_that_does_not_match_are_those_of_its_time() {
    let store = store(60);
    let server = Server::start(&store.db);
    let all = get(&server, "/api/records?limit=1000").json();
    let all = all["records"].as_array().unwrap();
    let place = (12..20).find(|place| all[*place]["name"] == "other");
    let place = place.unwrap();
    let id = &all[place]["id"];
    let target = format!("/api/records?around={id}&limit=4&name=app.db.pool");
    let page = get(&server, &target).json();
    let matches = |records: &[Value]| {
        let records = records
            .iter()
            .filter(|record| record["name"] == "app.db.pool");
        records.cloned().collect::<Vec<_>>()
    };
    let (newer, older) = (matches(&all[..place]), matches(&all[place + 1..]));
    let expected = [&newer[newer.len() - 2..], &older[..2]].concat();
    assert_eq!(page["records"], json!(expected));
    assert_eq!(page["around"], all[place]["cursor"]);
    let none = get(&server, &format!("/api/records?around={id}&name=nobody")).json();
    assert_eq!(
        (&none["records"], &none["older"]),
        (&json!([]), &Value::Null)
    );
    let missing = ask(server.address(), "GET /api/records?around=61", &[]);
    assert_eq!(missing.status, 404, "{missing:?}");
    for (given, parameter, said) in [
        ("around=1&before=1-1", "around", "goes not with before"),
        ("around=1-1", "around", "use a record's id"),
        ("q=%ff", "q", "not UTF-8"),
        ("name=%C3", "name", "not UTF-8"),
    ] {
        let refused = ask(server.address(), &format!("GET /api/records?{given}"), &[]);
        assert_eq!(refused.status, 400, "{given}: {refused:?}");
        let problem = refused.json();
        assert_eq!(problem["parameter"], parameter, "{given}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{detail}");
    }
    server.terminate();
}

#[test]
fn an_id_of_a_file_that_was_moved_is_of_no_record_of_the_next() {
    let store = store(20);
    let server = Server::start(&store.db);
    let log = || {
        let json = ["Content-Type: application/json"];
        let stored = request(
            server.address(),
            "POST /ingest",
            &json,
            b"{\"msg\":\"new\"}",
        );
        assert_eq!(stored.status, 200, "{stored:?}");
    };
    log();
    let file = || {
        let page = get(&server, "/api/records").json();
        let lines = get(&server, "/api/records?format=jsonl");
        let file = page["file"].as_str().unwrap().to_owned();
        let header = format!("logstore-file: {file}");
        assert!(lines.head.contains(&header), "{lines:?}");
        assert_eq!(get(&server, "/api/meta").json()["file"], file);
        file
    };
    let old = file();
    let targets = |id: &str| {
        [
            format!("/api/records/{id}"),
            format!("/api/records/{id}/context"),
            format!("/api/records?around={id}"),
        ]
    };
    let both = targets("1").into_iter().zip(targets(&format!("1@{old}")));
    for (bare, whole) in both {
        assert_eq!(get(&server, &bare).body, get(&server, &whole).body);
    }
    get(&server, &format!("/api/records/1%40{old}"));
    std::fs::rename(&store.db, store.file("old.sqlite")).unwrap();
    log();
    wait_until("the new one is asked", || {
        let answer = ask(server.address(), "GET /api/meta", &[]);
        answer.status == 200 && answer.json()["last_id"] == 1
    });
    let new = file();
    assert_ne!(new, old);
    for target in targets(&format!("1@{old}")) {
        let answer = ask(server.address(), &format!("GET {target}"), &[]);
        assert_eq!(answer.status, 410, "{target}: {answer:?}");
        let problem = answer.json();
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.starts_with("record 1 was in a file"), "{detail}");
        assert!(detail.contains("query --db"), "{detail}");
    }
    for id in ["1", &format!("1@{new}")] {
        for target in targets(id) {
            get(&server, &target);
        }
    }
    server.terminate();
}
