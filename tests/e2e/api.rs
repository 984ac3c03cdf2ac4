//! Questions over HTTP: every route gives what the command line gives, page by page.

use std::sync::Arc;

use logstore::{Level, LogRecord, Origin, SQLiteQueueHandler, Site};
use serde_json::{Value, json};

use crate::requests::{Answer, ask};
use crate::support::{Server, Store, logstore};

/// Records of a few loggers, hosts and levels; five at a time share a moment, and they are not stored in the order of time.
pub(crate) fn store(records: i64) -> Store {
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    let levels = [
        Level::DEBUG,
        Level::INFO,
        Level::NOTICE,
        Level::WARNING,
        Level::ERROR,
    ];
    let names = ["app.db", "app.db.pool", "app.web", "other"];
    for number in 0..records {
        let turn = |many: usize| usize::try_from(number).unwrap() % many;
        let level = levels[turn(7).min(4)];
        let site = Site::new(names[turn(4)], level).at("/srv/app.py", 7, "run");
        let mut record = LogRecord::new(site, format!("request {number} took \"long\" é\n"))
            .with("elapsed", number % 10)
            .with("user", json!({"id": number % 3}));
        let moment = (number / 5 + if number % 2 == 0 { 0 } else { 20 }) * 1_000_000_000;
        record.created_ns = 1_795_276_800_000_000_000 + moment;
        record.origin = Arc::new(Origin {
            hostname: format!("node{}", number % 2),
            process: Some(4711 + number % 2),
            ..Origin::default()
        });
        handler.emit(&record).unwrap();
    }
    handler.close().unwrap();
    store
}

/// The answer to a question, which must be one.
pub(crate) fn get(server: &Server, target: &str) -> Answer {
    let answer = ask(server.address(), &format!("GET {target}"), &[]);
    assert_eq!(answer.status, 200, "{target}: {answer:?}");
    for said in ["cache-control: no-store", "x-content-type-options: nosniff"] {
        assert!(answer.head.contains(said), "{target}: {answer:?}");
    }
    answer
}

/// Records without their cursors, which must be right.
fn bare(records: &Value) -> Vec<Value> {
    let records = records.as_array().unwrap().iter().cloned();
    records
        .map(|mut record| {
            let cursor = record.as_object_mut().unwrap().remove("cursor").unwrap();
            let key = format!("{}-{}", record["created_ns"], record["id"]);
            assert_eq!(cursor, key);
            record
        })
        .collect()
}

/// Each with the same question on the command line.
const FILTERS: &[(&str, &[&str])] = &[
    ("", &[]),
    ("level=warning", &["--level", "warning"]),
    ("max-level=20", &["--max-level", "20"]),
    (
        "exact-level=error&exact-level=DEBUG",
        &["--exact-level", "error", "--exact-level", "debug"],
    ),
    ("name=app.db", &["--name", "app.db"]),
    (
        "name=other&name=*.pool",
        &["--name", "other", "--name", "*.pool"],
    ),
    ("not-name=app.db", &["--not-name", "app.db"]),
    ("host=node1", &["--host", "node1"]),
    ("process=4712", &["--process", "4712"]),
    ("thread=MainThread", &["--thread", "MainThread"]),
    (
        "not-host=node1&not-process=4712&not-thread=*x",
        &[
            "--not-host",
            "node1",
            "--not-process",
            "4712",
            "--not-thread",
            "*x",
        ],
    ),
    ("q=-host:node1", &["--host", "node0"]),
    ("q=-level:notice", &["--max-level", "info"]),
    ("q=-level:%3Dnotice", &["-q", "-level:=25"]),
    (
        "q=-request+-%22took+long%22",
        &["-q", "-request -\"took long\""],
    ),
    (
        "q=-/request+1/i+-elapsed%3E5+-has:nothing&name=app",
        &["-q", "-elapsed>5 -/REQUEST 1/i", "--name", "app"],
    ),
    (
        "q=since:%222026-11-21+16:00:10%22&zone=utc",
        &["--utc", "-q", "since:\"2026-11-21 16:00:10\""],
    ),
    (
        "field=elapsed%3E5&field=user.id%3D1",
        &["--field", "elapsed>5", "--field", "user.id=1"],
    ),
    ("words=request+12", &["request 12"]),
    ("words=%22took+long%22+req*", &["\"took long\" req*"]),
    (
        "grep=request+%5B12%5D%5Cd+",
        &["--grep", r"request [12]\d "],
    ),
    (
        "grep=REQUEST+7&ignore-case",
        &["--grep", "REQUEST 7", "--ignore-case"],
    ),
    (
        "since=2026-11-21T16:00:10Z&until=2026-11-21T16:00:30Z",
        &[
            "--since",
            "2026-11-21T16:00:10Z",
            "--until",
            "2026-11-21T16:00:30Z",
        ],
    ),
    (
        "zone=utc&since=2026-11-21+16:00:10",
        &["--since", "2026-11-21 21:30:10"],
    ),
    (
        "zone=Asia/Kolkata&q=since:%222026-11-21+21:30:10%22",
        &["--since", "2026-11-21 21:30:10"],
    ),
    ("after-id=100", &["--after-id", "100"]),
    (
        "q=level:warning+name:app+-name:app.web+elapsed%3E%3D5+request",
        &[
            "--level",
            "warning",
            "--name",
            "app",
            "--not-name",
            "app.web",
            "--field",
            "elapsed>=5",
            "request",
        ],
    ),
    (
        "q=host:node1&host=node*&level=error",
        &["--host", "node1", "--level", "error"],
    ),
];

#[test]
fn every_filter_gives_what_the_command_line_gives() {
    let store = store(180);
    let server = Server::start(&store.db);
    for (filters, arguments) in FILTERS {
        let page = get(&server, &format!("/api/records?limit=1000&{filters}")).json();
        let mut found = bare(&page["records"]);
        found.reverse();
        assert_eq!(found, store.records(arguments), "{filters}");
        let lines = get(
            &server,
            &format!("/api/records?limit=1000&order=oldest&format=jsonl&{filters}"),
        );
        assert!(lines.head.contains("application/x-ndjson"), "{lines:?}");
        let lines: Vec<Value> = lines
            .body
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(bare(&lines.into()), found, "{filters}");
        let count = get(&server, &format!("/api/count?{filters}")).json();
        assert_eq!(count["total"], found.len(), "{filters}");
        let histogram = get(&server, &format!("/api/histogram?{filters}")).json();
        assert_eq!(histogram["total"], found.len(), "{filters}");
        let names = get(&server, &format!("/api/names?{filters}")).json();
        assert_eq!(names["total"], found.len(), "{filters}");
        let stats = get(&server, &format!("/api/stats?{filters}")).json();
        assert_eq!(stats["records"], found.len(), "{filters}");
    }
    server.terminate();
}

/// All pages from one end to the other, each with its number of records.
fn pages(server: &Server, first: &str, key: &str, parameter: &str) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut target = format!("/api/records?{first}");
    loop {
        let page = get(server, &target).json();
        let records = bare(&page["records"]);
        if records.is_empty() {
            return pages;
        }
        pages.push(records);
        let Some(cursor) = page[key].as_str() else {
            return pages;
        };
        target = format!("/api/records?{first}&{parameter}={cursor}");
    }
}

#[test]
fn pages_follow_one_another_both_ways_also_within_a_moment() {
    let store = store(180);
    let server = Server::start(&store.db);
    for (filter, arguments) in [("", &[][..]), ("&level=warning", &["--level", "warning"])] {
        let oldest_first = store.records(arguments);
        let newest_first: Vec<Value> = oldest_first.iter().rev().cloned().collect();
        for limit in [1, 7, 1000] {
            if limit == 1 && filter.is_empty() {
                continue;
            }
            let first = format!("limit={limit}{filter}");
            let older = pages(&server, &first, "older", "before");
            assert_eq!(older.concat(), newest_first, "{first}");
            // The page above is the one next to the cursor, still with the newest first.
            let first = format!("limit={limit}&after=0-0{filter}");
            let page = get(&server, &format!("/api/records?{first}")).json();
            let expected: Vec<Value> = oldest_first.iter().take(limit).rev().cloned().collect();
            assert_eq!(bare(&page["records"]), expected, "{first}");
            let first = format!("limit={limit}&order=oldest{filter}");
            let newer = pages(&server, &first, "newer", "after");
            assert_eq!(newer.concat(), oldest_first, "{first}");
        }
    }
    // From any record there and back again.
    let page = get(&server, "/api/records?limit=10").json();
    let older = page["older"].as_str().unwrap();
    let below = get(&server, &format!("/api/records?limit=10&before={older}")).json();
    let newer = below["newer"].as_str().unwrap();
    let above = get(&server, &format!("/api/records?limit=10&after={newer}")).json();
    assert_eq!(above["records"], page["records"]);
    server.terminate();
}

#[test]
fn a_page_of_long_records_has_fewer_of_them() {
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    let message = "x".repeat(500_000);
    for _ in 0..20 {
        let record = LogRecord::new(Site::new("app", Level::INFO), message.as_str());
        handler.emit(&record).unwrap();
    }
    handler.close().unwrap();
    let server = Server::start(&store.db);
    for (first, key, parameter) in [
        ("", "older", "before"),
        ("order=oldest", "newer", "after"),
        ("order=newest&after=0-0", "newer", "after"),
    ] {
        let mut lengths = Vec::new();
        let mut ids = Vec::new();
        let mut target = format!("/api/records?{first}");
        while ids.len() < 20 {
            let page = get(&server, &target).json();
            let records = page["records"].as_array().unwrap();
            lengths.push(records.len());
            ids.extend(records.iter().map(|record| record["id"].as_i64().unwrap()));
            let cursor = page[key].as_str().unwrap_or_default();
            let first = first.replace("after=0-0", "");
            target = format!("/api/records?{first}&{parameter}={cursor}");
            target = target.replace("?&", "?").replace("&&", "&");
        }
        assert_eq!(lengths, [9, 9, 2], "{first}");
        ids.sort_unstable();
        assert_eq!(ids, (1..=20).collect::<Vec<i64>>(), "{first}");
    }
    server.terminate();
}

#[test]
fn an_answer_without_records_says_where_to_go_on() {
    let store = store(10);
    let server = Server::start(&store.db);
    let none = get(&server, "/api/records?name=nobody").json();
    assert_eq!(none, json!({"records": [], "older": null, "newer": null}));
    let all = get(&server, "/api/records").json();
    assert_eq!(all["older"], Value::Null);
    let newest = all["newer"].as_str().unwrap();
    let later = get(&server, &format!("/api/records?after={newest}")).json();
    assert_eq!(later["records"], json!([]));
    assert_eq!(later["newer"], newest);
    let back = later["older"].as_str().unwrap();
    let back = get(&server, &format!("/api/records?before={back}")).json();
    assert_eq!(back["records"], all["records"]);
    let oldest = all["records"][9]["cursor"].as_str().unwrap();
    let earlier = get(&server, &format!("/api/records?before={oldest}")).json();
    assert_eq!(
        (&earlier["records"], &earlier["older"]),
        (&json!([]), &Value::Null)
    );
    let on = earlier["newer"].as_str().unwrap();
    let on = get(&server, &format!("/api/records?after={on}")).json();
    assert_eq!(on["records"], all["records"]);
    server.terminate();
}

#[test]
fn one_record_is_shown_with_what_its_thread_logged_around_it() {
    let store = store(60);
    let server = Server::start(&store.db);
    let listed = get(&server, "/api/records?limit=1000&order=oldest").json();
    let listed = listed["records"].as_array().unwrap();
    let of_node = |node: &str| {
        let records = listed.iter().filter(|record| record["hostname"] == node);
        records.cloned().collect::<Vec<_>>()
    };
    let node1 = of_node("node1");
    let middle = &node1[12];
    let id = &middle["id"];
    assert_eq!(get(&server, &format!("/api/records/{id}")).json(), *middle);
    let around = get(
        &server,
        &format!("/api/records/{id}/context?before=2&after=3"),
    );
    let expected = json!({"before": node1[10..12], "record": middle, "after": node1[13..16]});
    assert_eq!(around.json(), expected);
    let any = get(&server, &format!("/api/records/{id}/context?any&before=4")).json();
    let place = listed
        .iter()
        .position(|record| record["id"] == *id)
        .unwrap();
    assert_eq!(any["before"], json!(listed[place - 4..place]));
    let after = &listed[place + 1..listed.len().min(place + 11)];
    assert_eq!(any["after"], json!(after));
    let last = &listed[listed.len() - 1]["id"];
    let last = get(&server, &format!("/api/records/{last}/context")).json();
    assert_eq!(last["after"], json!([]));
    for missing in ["/api/records/61", "/api/records/61/context"] {
        let answer = ask(server.address(), &format!("GET {missing}"), &[]);
        assert_eq!(answer.status, 404, "{answer:?}");
    }
    server.terminate();
}

/// What a subcommand answers in JSON.
fn told(store: &Store, arguments: &[&str]) -> String {
    let output = logstore(arguments).arg("--db").arg(&store.db).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

#[test]
fn counts_and_stats_are_those_of_the_command_line() {
    let store = store(180);
    let server = Server::start(&store.db);
    for (parameters, arguments) in [
        ("by=level", &["--by", "level"][..]),
        (
            "by=name,host&top=3&level=info",
            &["--by", "name,host", "--top", "3", "--level", "info"],
        ),
        (
            "by=name&by=user.id&words=request",
            &["--by", "name,user.id", "request"],
        ),
        (
            "every=10s&by=level&zone=local",
            &["--every", "10s", "--by", "level"],
        ),
        ("every=1m", &["--every", "1m"]),
    ] {
        let lines = told(&store, &[&["count", "-o", "json"], arguments].concat());
        let rows = lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        let rows: Vec<Value> = rows.collect();
        let count = get(&server, &format!("/api/count?{parameters}")).json();
        assert_eq!(count["rows"], json!(rows), "{parameters}");
    }
    let count = get(&server, "/api/count?by=name&top=1&name=app").json();
    assert_eq!(
        (&count["total"], &count["groups_found"]),
        (&json!(135), &json!(3))
    );
    assert_eq!(count["span"][0], "2026-11-21T16:00:00.000000000Z");
    let none = get(&server, "/api/count?name=nobody&by=name").json();
    assert_eq!(
        none,
        json!({"total": 0, "span": null, "groups_found": 0, "rows": []})
    );
    for (parameters, arguments) in [("", &[][..]), ("level=error", &["--level", "error"])] {
        let mut expected: Value = serde_json::from_str(&told(
            &store,
            &[&["stats", "-o", "json"], arguments].concat(),
        ))
        .unwrap();
        let mut stats = get(&server, &format!("/api/stats?{parameters}")).json();
        // A checkpoint may come between.
        for changing in ["file_bytes", "wal_bytes"] {
            assert!(stats[changing].is_u64());
            stats[changing] = Value::Null;
            expected[changing] = Value::Null;
        }
        assert_eq!(stats, expected);
    }
    server.terminate();
}

#[test]
fn a_histogram_has_all_its_buckets_and_tells_levels_apart() {
    let store = store(180);
    let server = Server::start(&store.db);
    let histogram = get(&server, "/api/histogram?buckets=10&zone=utc").json();
    // From the first moment to the last it is 55 seconds.
    assert_eq!(histogram["width_ms"], 10_000);
    assert_eq!(histogram["from"], "2026-11-21T16:00:00.000000000Z");
    assert_eq!(histogram["to"], "2026-11-21T16:00:55.000000000Z");
    let steps = json!(["debug", "info", "warning", "error", "critical"]);
    assert_eq!(histogram["levels"], steps);
    let buckets = histogram["buckets"].as_array().unwrap();
    assert_eq!(buckets.len(), 6);
    assert_eq!(buckets[0]["start_ms"], 1_795_276_800_000_i64);
    let mut sums = [0; 5];
    for bucket in buckets {
        for (sum, count) in sums.iter_mut().zip(bucket["counts"].as_array().unwrap()) {
            *sum += count.as_u64().unwrap();
        }
    }
    let count = |level: &str| {
        let found = store.records(&["--exact-level", level]).len();
        u64::try_from(found).unwrap()
    };
    let info = count("info") + count("notice");
    assert_eq!(
        sums,
        [count("debug"), info, count("warning"), count("error"), 0]
    );
    // Between bounds there are buckets also where there is nothing.
    let bounded = get(
        &server,
        "/api/histogram?since=2026-11-21T15:00:00Z&until=2026-11-21T17:00:00Z&name=nobody",
    );
    let bounded = bounded.json();
    assert_eq!(bounded["width_ms"], 300_000, "{bounded}");
    assert_eq!(bounded["buckets"].as_array().unwrap().len(), 25);
    // That nothing has come since is seen.
    let since = get(&server, "/api/histogram?since=2026-11-21T16:00:00Z").json();
    assert!(since["to"].as_str() > Some("2026-11-22"), "{since}");
    assert_eq!(since["total"], histogram["total"]);
    let none = get(&server, "/api/histogram?name=nobody").json();
    assert_eq!(
        (&none["from"], &none["buckets"]),
        (&Value::Null, &json!([]))
    );
    server.terminate();
}

#[test]
fn days_begin_where_they_do_in_the_zone_that_is_named() {
    let store = store(10);
    let server = Server::start(&store.db);
    let target = "/api/histogram?since=2026-03-27&until=2026-04-05&buckets=10&zone=Europe/Berlin";
    let days = get(&server, target).json();
    assert_eq!(days["width_ms"], 86_400_000);
    assert_eq!(days["from"], "2026-03-26T23:00:00.000000000Z");
    assert_eq!(days["to"], "2026-04-05T21:59:59.999999999Z");
    let starts = days["buckets"].as_array().unwrap().iter();
    let starts: Vec<i64> = starts
        .map(|day| day["start_ms"].as_i64().unwrap())
        .collect();
    let hours: Vec<i64> = starts
        .windows(2)
        .map(|days| (days[1] - days[0]) / 3_600_000)
        .collect();
    assert_eq!(hours, [24, 24, 23, 24, 24, 24, 24, 24, 24]);
    server.terminate();
}
