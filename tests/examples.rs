//! The examples do what they say.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::path::{Path, PathBuf};
use std::process::Command;

use logstore::{LogRecord, Query, Reader, ServerContext};
use serde_json::json;

/// Cargo builds the examples beside the directory of the tests.
fn example(name: &str) -> Command {
    let tests: PathBuf = std::env::current_exe().unwrap();
    let target = tests.parent().and_then(Path::parent).unwrap();
    let path = target.join("examples").join(name);
    assert!(
        path.exists(),
        "build it first: cargo build --examples --features log,tracing"
    );
    Command::new(path)
}

fn stored(path: &Path) -> Vec<LogRecord> {
    let reader = Reader::open(path).unwrap();
    let records = reader.query(&Query::default()).unwrap();
    records.map(|stored| stored.unwrap().record).collect()
}

fn messages(records: &[LogRecord]) -> Vec<&str> {
    records.iter().map(|record| &*record.message).collect()
}

#[test]
fn pipeline_log_sends_to_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let mut server = ServerContext::builder().port(0).start(&path).unwrap();
    let port = server.local_addr().port().to_string();
    let status = example("pipeline_log").args(["127.0.0.1", &port]).status();
    assert!(status.unwrap().success());
    server.close().unwrap();
    let stored = stored(&path);
    assert_eq!(
        messages(&stored),
        [
            "the run begins",
            "step 1 begins",
            "step 2 begins",
            "step 2 failed",
            "step 3 begins",
            "the run ends"
        ]
    );
    let error = "invalid digit found in string";
    let failed = &stored[3];
    assert_eq!(
        (&failed.extra["step"], &failed.extra["error"]),
        (&json!(2), &json!(error))
    );
    assert_eq!(failed.extra["seq"], 4);
    assert_eq!(failed.site.name, "pipeline_log");
}

#[test]
fn pipeline_tracing_stores_events_with_their_spans() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let status = example("pipeline_tracing").arg(&path).status();
    assert!(status.unwrap().success());
    let stored = stored(&path);
    assert_eq!(
        messages(&stored),
        [
            "reading",
            "imported",
            "reading",
            "not imported",
            "reading",
            "imported"
        ]
    );
    let extra = &stored[3].extra;
    assert_eq!(extra["error"], "invalid digit found in string");
    assert_eq!(extra["span_path"], "run:step");
    assert_eq!(
        extra["spans"],
        json!([{"name": "run", "steps": 3}, {"name": "step", "step": 2}])
    );
}
