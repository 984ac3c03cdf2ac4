//! The `log` crate's records, over a store, over a socket, and from the example.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod kept;

use std::sync::Arc;
use std::time::Duration;

use log::Log;
use logstore::{Error, LogBridge, LogRecord, Origin, Query, Reader, ServerContext};
use serde_json::json;

use crate::kept::Kept;

/// A bridge, and what comes over it.
fn bridge() -> (Arc<Kept>, LogBridge<Arc<Kept>>) {
    let kept = Arc::new(Kept::default());
    (Arc::clone(&kept), LogBridge::new(kept))
}

/// The only record there.
fn one(kept: &Kept) -> LogRecord {
    let kept = kept.0.lock().unwrap();
    let [record] = &kept[..] else {
        panic!("{kept:?}");
    };
    record.clone()
}

/// A record of the `log` crate with this target and level.
fn send(bridge: &impl Log, target: &str, level: log::Level) {
    bridge.log(
        &log::Record::builder()
            .target(target)
            .level(level)
            .args(format_args!("hello"))
            .build(),
    );
}

#[test]
fn a_record_says_where_by_whom_and_how_severe() {
    let (kept, bridge) = bridge();
    bridge.log(
        &log::Record::builder()
            .target("myapp::area2")
            .level(log::Level::Warn)
            .args(format_args!("{} of {}", 1, 2))
            .module_path(Some("myapp::area2::inner"))
            .file(Some("src/area2/inner.rs"))
            .line(Some(17))
            .build(),
    );
    let record = one(&kept);
    let site = &record.site;
    assert_eq!(record.message, "1 of 2");
    assert_eq!(
        (&*site.name, site.level.0, &*site.level_name),
        ("myapp.area2", 30, "WARNING")
    );
    assert_eq!(
        (&*site.pathname, site.filename(), site.lineno),
        ("src/area2/inner.rs", "inner.rs", Some(17))
    );
    assert_eq!(site.module(), "myapp::area2::inner");
    assert_eq!(record.origin, Origin::current());
}

#[test]
fn levels_are_pythons() {
    for (level, number) in [
        (log::Level::Error, 40),
        (log::Level::Warn, 30),
        (log::Level::Info, 20),
        (log::Level::Debug, 10),
        (log::Level::Trace, 5),
    ] {
        let (kept, bridge) = bridge();
        send(&bridge, "myapp", level);
        assert_eq!(one(&kept).site.level.0, number);
    }
}

#[test]
fn key_values_keep_their_types() {
    let (kept, bridge) = bridge();
    let error = "x".parse::<i32>().unwrap_err();
    let pairs = [
        ("int", log::kv::Value::from(-5)),
        ("large", log::kv::Value::from(u64::MAX)),
        ("huge", log::kv::Value::from(u128::MAX)),
        ("float", log::kv::Value::from(0.5)),
        ("nan", log::kv::Value::from(f64::NAN)),
        ("yes", log::kv::Value::from(true)),
        ("text", log::kv::Value::from("a \"b\" ✓")),
        ("char", log::kv::Value::from('c')),
        ("error", log::kv::Value::from_dyn_error(&error)),
        ("debug", log::kv::Value::from_debug(&[1, 2])),
        ("int", log::kv::Value::from(6)),
    ];
    bridge.log(&log::Record::builder().key_values(&pairs).build());
    let expected = json!({
        "int": -5, "large": u64::MAX, "huge": u128::MAX.to_string(), "float": 0.5, "nan": "NaN", "yes": true,
        "text": "a \"b\" ✓", "char": "c", "error": "invalid digit found in string", "debug": "[1, 2]", "int_": 6,
    });
    assert_eq!(one(&kept).extra, *expected.as_object().unwrap());
}

#[test]
fn what_logstore_itself_logs_does_not_come_back() {
    let (kept, bridge) = bridge();
    let bridge = Arc::new(bridge);
    send(&*bridge, "logstore", log::Level::Error);
    send(&*bridge, "logstore::writer", log::Level::Error);
    let theirs = Arc::clone(&bridge);
    std::thread::Builder::new()
        .name("logstore-writer".into())
        .spawn(move || send(&*theirs, "r2d2", log::Level::Error))
        .unwrap()
        .join()
        .unwrap();
    assert!(kept.0.lock().unwrap().is_empty());
    send(&*bridge, "logstores", log::Level::Error);
    assert_eq!(one(&kept).site.name, "logstores");
}

/// The only test here that installs a logger: a process has one.
#[test]
fn an_attached_handler_sends_what_macros_log() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let mut server = ServerContext::builder().port(0).start(&path).unwrap();
    let port = server.local_addr().port();
    let handler = logstore::client_attach_socket_handler("127.0.0.1", port).unwrap();
    assert_eq!(log::max_level(), log::LevelFilter::Trace);
    let again = logstore::client_attach_socket_handler("127.0.0.1", port);
    assert!(matches!(again, Err(Error::Logger(_))));

    log::trace!(target: "myapp::area1", user = "ada"; "first");
    log::logger().flush();
    assert_eq!(handler.counters().stored, 1);
    log::error!("last");
    handler.flush(Duration::from_secs(20)).unwrap();
    drop(handler);
    server.close().unwrap();

    let stored: Vec<_> = Reader::open(&path)
        .unwrap()
        .query(&Query::default())
        .unwrap()
        .map(|stored| stored.unwrap().record)
        .collect();
    assert_eq!(stored.len(), 2);
    assert_eq!(stored[0].site.name, "myapp.area1");
    assert_eq!(stored[0].site.module(), module_path!());
    assert_eq!(stored[0].extra["user"], "ada");
    assert_eq!(stored[1].site.name, "bridge_log");
}
