//! The `tracing` crate's events and spans.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod kept;

use std::sync::Arc;

use logstore::{LogRecord, Origin, TracingBridge};
use serde_json::{Value, json};
use tracing_subscriber::layer::SubscriberExt;

use crate::kept::Kept;

/// What the events in there become.
fn records(events: impl FnOnce()) -> Vec<LogRecord> {
    let kept = Arc::new(Kept::default());
    let subscriber = tracing_subscriber::registry().with(TracingBridge::new(Arc::clone(&kept)));
    tracing::subscriber::with_default(subscriber, events);
    let records = kept.0.lock().unwrap();
    records.clone()
}

fn extra(record: &LogRecord) -> Value {
    Value::Object(record.extra.clone())
}

#[test]
fn an_event_says_where_by_whom_and_how_severe() {
    let records = records(|| {
        tracing::error!("e");
        tracing::warn!("w");
        tracing::info!("i {}", 1);
        tracing::debug!("d");
        tracing::trace!(target: "myapp::area2", "t");
    });
    let levels: Vec<_> = records.iter().map(|record| record.site.level.0).collect();
    assert_eq!(levels, [40, 30, 20, 10, 5]);
    assert_eq!(records[2].message, "i 1");
    assert_eq!(records[4].site.name, "myapp.area2");
    let site = &records[0].site;
    assert_eq!(
        (&*site.name, site.filename(), site.module()),
        ("bridge_tracing", "bridge_tracing.rs", "bridge_tracing")
    );
    assert!(site.lineno > Some(30));
    assert_eq!(records[0].origin, Origin::current());
    assert!(records[0].extra.is_empty());
}

#[test]
fn fields_keep_their_types() {
    #[derive(Debug)]
    struct Point {
        #[expect(dead_code, reason = "shown by Debug")]
        x: i32,
    }
    let cause = "x".parse::<i32>().unwrap_err();
    let records = records(|| {
        tracing::info!(
            int = -5,
            large = u64::MAX,
            huge = u128::MAX,
            small = 7_i128,
            float = 0.5,
            inf = f64::NEG_INFINITY,
            yes = true,
            text = "a ✓",
            display = %1.5,
            debug = ?Point { x: 1 },
            error = &cause as &(dyn std::error::Error + 'static),
        );
    });
    assert_eq!(records[0].message, "");
    let expected = json!({
        "int": -5, "large": u64::MAX, "huge": u128::MAX.to_string(), "small": 7, "float": 0.5, "inf": "-Infinity", "yes": true,
        "text": "a ✓", "display": "1.5", "debug": "Point { x: 1 }", "error": "invalid digit found in string",
    });
    assert_eq!(extra(&records[0]), expected);
}

#[test]
fn the_spans_around_an_event_go_with_it() {
    let records = records(|| {
        let outer = tracing::info_span!("night", run = 7, rows = tracing::field::Empty);
        outer.in_scope(|| {
            let _inner = tracing::debug_span!("import", name = "orders").entered();
            tracing::info!(rows = 1, "first");
            outer.record("rows", 25);
            tracing::info!(spans = 2, "second");
        });
        tracing::info!(parent: &outer, "third");
        tracing::info!("outside");
    });
    let import = json!({"name": "import", "name_": "orders"});
    assert_eq!(
        extra(&records[0]),
        json!({"rows": 1, "spans": [{"name": "night", "run": 7}, import], "span_path": "night:import"})
    );
    let night = json!({"name": "night", "run": 7, "rows": 25});
    assert_eq!(
        extra(&records[1]),
        json!({"spans": 2, "spans_": [night, import], "span_path": "night:import"})
    );
    assert_eq!(
        extra(&records[2]),
        json!({"spans": [night], "span_path": "night"})
    );
    assert_eq!(extra(&records[3]), json!({}));
}

#[test]
fn two_bridges_may_stand_side_by_side() {
    let kept = [Arc::new(Kept::default()), Arc::new(Kept::default())];
    let [first, second] = kept.clone();
    let subscriber = tracing_subscriber::registry()
        .with(TracingBridge::new(first))
        .with(TracingBridge::new(second));
    tracing::subscriber::with_default(subscriber, || {
        tracing::info_span!("night", run = 7).in_scope(|| tracing::info!("x"));
    });
    for kept in kept {
        assert_eq!(kept.0.lock().unwrap()[0].extra["spans"][0]["run"], 7);
    }
}

#[test]
fn what_logstore_itself_logs_does_not_come_back() {
    let records = records(|| {
        tracing::info!(target: "logstore::writer", "ours");
        tracing::info!(target: "logstores", "theirs");
    });
    assert_eq!(records.len(), 1);
}
