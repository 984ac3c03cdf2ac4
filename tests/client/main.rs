//! `SocketHandler` against receivers: CPython's own, logstore's, and such as go away or never answer.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

#[cfg(feature = "net")]
#[path = "../certificates/mod.rs"]
mod certificates;
mod receiver;
#[cfg(feature = "net")]
mod server;
#[cfg(feature = "net")]
mod tls;

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use logstore::{
    Level, LogRecord, Overflow, QueueError, Report, Site, SocketHandler, SocketHandlerBuilder,
};
use serde_json::{Value, json};

use crate::receiver::{Receiver, messages, wait_until};

const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn record(message: impl Into<String>) -> LogRecord {
    LogRecord::new(Site::new("myapp.area1", Level::INFO), message)
}

/// A handler that tries again soon.
pub(crate) fn builder(port: u16) -> SocketHandlerBuilder {
    SocketHandler::builder("127.0.0.1", port)
        .retry_pauses(Duration::from_millis(5), Duration::from_millis(50))
}

fn numbered(range: std::ops::Range<usize>) -> HashSet<String> {
    range.map(|i| i.to_string()).collect()
}

/// A port on which nobody listens.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn python_receives_every_attribute() {
    let receiver = Receiver::start();
    let handler = builder(receiver.port).start().unwrap();
    let extra = json!({
        "user": "ada ✓ 🦀", "ratio": 0.1, "large": u64::MAX, "least": i64::MIN, "yes": true, "no": false,
        "nothing": null, "nested": {"list": [1, [2.5], {}], "": "x"}, "quotes": "'\"\\\n\u{0}",
    });
    let site = Site::new("myapp.area2", Level(35)).at("/srv/app/area2.rs", 17, "run");
    let mut sent = LogRecord::new(site, "naïve 100 %s ✓");
    sent.extra = extra.as_object().unwrap().clone();
    sent.task_name = Some("Task-1".into());
    sent.exc_text = Some("Traceback (most recent call last):\n  …".into());
    sent.stack_info = Some(String::new());
    handler.emit(&sent).unwrap();
    handler.flush(PATIENCE).unwrap();
    let records = receiver.kill();
    let [arrived] = &records[..] else {
        panic!("{records:?}");
    };
    for (key, expected) in extra.as_object().unwrap() {
        assert_eq!(&arrived[key], expected, "{key}");
    }
    let origin = &sent.origin;
    for (key, expected) in [
        ("name", json!("myapp.area2")),
        ("msg", json!(sent.message)),
        ("args", Value::Null),
        ("levelname", json!("Level 35")),
        ("levelno", json!(35)),
        ("pathname", json!("/srv/app/area2.rs")),
        ("filename", json!("area2.rs")),
        ("module", json!("area2")),
        ("exc_info", Value::Null),
        ("exc_text", json!(sent.exc_text)),
        ("stack_info", json!("")),
        ("lineno", json!(17)),
        ("funcName", json!("run")),
        ("relativeCreated", json!(sent.relative_created_ms())),
        ("thread", json!(origin.thread)),
        ("threadName", json!(origin.thread_name)),
        ("processName", json!(origin.process_name)),
        ("process", json!(origin.process)),
        ("taskName", json!("Task-1")),
        ("hostname", json!(logstore::machine_name())),
        ("created_ns", json!(sent.created_ns)),
    ] {
        assert_eq!(arrived[key], expected, "{key}");
    }
    let created = Duration::from_secs_f64(arrived["created"].as_f64().unwrap());
    let exact = Duration::from_nanos(sent.created_ns.try_into().unwrap());
    assert!(created.abs_diff(exact) < Duration::from_micros(1));
    let milliseconds = f64::from(exact.subsec_millis());
    assert_eq!(arrived["msecs"], json!(milliseconds));
    let formatted = arrived["formatted"].as_str().unwrap();
    assert!(formatted.contains("myapp.area2") && formatted.contains(" 17 naïve 100 %s ✓"));
}

#[test]
fn a_record_that_knows_little_can_be_formatted() {
    let receiver = Receiver::start();
    let handler = builder(receiver.port).start().unwrap();
    let mut little = record("little");
    little.origin = Arc::new(logstore::Origin {
        process: Some(1),
        ..logstore::Origin::default()
    });
    handler.emit(&little).unwrap();
    handler.close().unwrap();
    let records = receiver.kill();
    assert_eq!(records[0]["lineno"], 0);
    assert_eq!(records[0]["thread"], Value::Null);
}

#[test]
fn what_a_flush_reported_is_received_though_the_receiver_is_killed_again_and_again() {
    let mut receiver = Receiver::start();
    let port = receiver.port;
    let handler = builder(port).start().unwrap();
    let mut arrived = HashSet::new();
    for round in 0..5 {
        for i in 0..200 {
            handler
                .emit(&record((round * 200 + i).to_string()))
                .unwrap();
        }
        handler.flush(PATIENCE).unwrap();
        let records = receiver.kill();
        assert!(records.iter().all(|record| record["half"].is_null()));
        arrived.extend(messages(&records));
        assert_eq!(arrived, numbered(0..(round + 1) * 200));
        receiver = Receiver::start_again(port);
    }
}

#[test]
fn a_receiver_that_dies_in_the_middle_loses_nothing() {
    let receiver = Receiver::start_with(&["0", "500"]);
    let port = receiver.port;
    let handler = builder(port).overflow(Overflow::Block).start().unwrap();
    for i in 0..5000 {
        handler.emit(&record(i.to_string())).unwrap();
    }
    let mut arrived = messages(&receiver.wait());
    assert_eq!(arrived.len(), 500);
    let receiver = Receiver::start_again(port);
    handler.close().unwrap();
    let records = receiver.kill();
    assert!(records.iter().all(|record| record["half"].is_null()));
    arrived.extend(messages(&records));
    assert_eq!(arrived, numbered(0..5000));
    assert_eq!(handler.counters().stored, 5000);
}

#[test]
fn the_first_record_after_a_restart_is_not_lost() {
    let receiver = Receiver::start();
    let port = receiver.port;
    let handler = builder(port).start().unwrap();
    handler.emit(&record("before")).unwrap();
    wait_until("it arrives", || receiver.records().len() == 1);
    // Nothing has confirmed it: it is sent again, which is better than not at all.
    receiver.kill();
    let receiver = Receiver::start_again(port);
    handler.emit(&record("after")).unwrap();
    wait_until("both arrive", || {
        messages(&receiver.records()) == ["before".into(), "after".into()].into()
    });
    handler.close().unwrap();
}

#[test]
fn a_confirmed_record_is_not_sent_twice() {
    let receiver = Receiver::start();
    let port = receiver.port;
    let handler = builder(port).confirm_every(Duration::ZERO).start().unwrap();
    handler.emit(&record("before")).unwrap();
    wait_until("it is confirmed", || handler.counters().stored == 1);
    assert_eq!(receiver.kill().len(), 1);
    let receiver = Receiver::start_again(port);
    handler.emit(&record("after")).unwrap();
    handler.flush(PATIENCE).unwrap();
    assert_eq!(messages(&receiver.kill()), ["after".into()].into());
}

#[test]
fn records_wait_for_a_server_that_is_down_and_reports_tell() {
    let port = free_port();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&heard);
    let handler = builder(port)
        .on_report(move |report| listener.lock().unwrap().push(report.clone()))
        .start()
        .unwrap();
    for i in 0..100 {
        handler.emit(&record(i.to_string())).unwrap();
    }
    let error = handler.flush(Duration::from_millis(100)).unwrap_err();
    let QueueError::Stalled {
        queued: 100,
        reason,
    } = &error
    else {
        panic!("{error}");
    };
    assert!(
        reason.starts_with(&format!("cannot reach 127.0.0.1:{port}: ")),
        "{reason}"
    );
    let receiver = Receiver::start_again(port);
    handler.flush(PATIENCE).unwrap();
    assert_eq!(messages(&receiver.kill()), numbered(0..100));
    let heard = heard.lock().unwrap();
    assert!(
        matches!(
            &heard[..],
            [Report::StoreFailing { .. }, Report::ServerReached { .. }]
        ),
        "{heard:?}"
    );
}

#[test]
fn a_flush_does_not_wait_for_the_end_of_a_long_pause() {
    let port = free_port();
    let handler = SocketHandler::builder("127.0.0.1", port)
        .retry_pauses(Duration::from_hours(1), Duration::from_hours(1))
        .start()
        .unwrap();
    handler.emit(&record("0")).unwrap();
    handler.flush(Duration::from_millis(50)).unwrap_err();
    let receiver = Receiver::start_again(port);
    handler.flush(PATIENCE).unwrap();
    assert_eq!(messages(&receiver.kill()), numbered(0..1));
}

#[test]
fn what_never_arrives_is_told_at_the_close() {
    let handler = builder(free_port())
        .close_timeout(Duration::from_millis(50))
        .start()
        .unwrap();
    for i in 0..7 {
        handler.emit(&record(i.to_string())).unwrap();
    }
    let error = handler.close().unwrap_err();
    assert!(
        matches!(error, QueueError::Lost { failed: 7, .. }),
        "{error}"
    );
    assert!(matches!(
        handler.emit(&record("late")),
        Err(QueueError::Closed)
    ));
}

#[test]
fn a_server_that_takes_and_never_reads_confirms_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let handler = builder(port)
        .send_timeout(Duration::from_millis(50))
        .close_timeout(Duration::from_millis(50))
        .start()
        .unwrap();
    handler.emit(&record("into the void")).unwrap();
    let error = handler.flush(Duration::from_millis(300)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("did not take all records in time"),
        "{error}"
    );
    let error = handler.close().unwrap_err();
    assert!(
        matches!(error, QueueError::Lost { failed: 1, .. }),
        "{error}"
    );
}

#[test]
fn a_service_that_answers_confirms_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let handler = builder(port)
        .close_timeout(Duration::from_millis(50))
        .start()
        .unwrap();
    handler.emit(&record("to a web server")).unwrap();
    let error = handler.close().unwrap_err();
    assert!(error.to_string().contains("check host and port"), "{error}");
}

#[test]
fn a_handler_at_rest_has_everything_confirmed() {
    let receiver = Receiver::start();
    let handler = builder(receiver.port)
        .confirm_every(Duration::MAX)
        .start()
        .unwrap();
    handler.emit(&record("0")).unwrap();
    wait_until("it is confirmed", || handler.counters().stored == 1);
}

#[test]
fn while_the_server_is_away_the_oldest_give_way() {
    let port = free_port();
    let failing = Arc::new(AtomicBool::new(false));
    let fails = Arc::clone(&failing);
    let handler = builder(port)
        .queue_capacity(10)
        .on_report(move |_| fails.store(true, Ordering::SeqCst))
        .start()
        .unwrap();
    handler.emit(&record("first")).unwrap();
    wait_until("it was tried", || failing.load(Ordering::SeqCst));
    for i in 0..100 {
        handler.emit(&record(i.to_string())).unwrap();
    }
    let receiver = Receiver::start_again(port);
    handler.close().unwrap();
    let records = receiver.kill();
    let counters = handler.counters();
    assert_eq!(counters.accepted, counters.stored + counters.dropped);
    let noted = records
        .iter()
        .filter_map(|record| record["dropped"].as_u64());
    assert_eq!(noted.sum::<u64>(), counters.dropped);
    let arrived = messages(&records);
    assert!(arrived.contains("first") && arrived.contains("99") && !arrived.contains("0"));
}

#[test]
fn a_record_that_no_frame_holds_is_refused_at_once() {
    let handler = builder(free_port())
        .close_timeout(Duration::ZERO)
        .start()
        .unwrap();
    let error = handler
        .emit(&record("x".repeat((64 << 20) + 1)))
        .unwrap_err();
    assert!(
        matches!(error, QueueError::RecordTooLarge { .. }),
        "{error}"
    );
}
