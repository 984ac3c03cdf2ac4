//! logstore's own server as the receiver.

use std::collections::HashSet;
use std::time::Duration;

use logstore::{LogRecord, Overflow, Query, Reader, ServerContext};
use serde_json::json;

use crate::{PATIENCE, builder, record};

pub(crate) fn stored(path: &std::path::Path) -> Vec<LogRecord> {
    let reader = Reader::open(path).unwrap();
    let records = reader.query(&Query::default()).unwrap();
    records.map(|stored| stored.unwrap().record).collect()
}

#[test]
fn logstore_stores_the_very_record() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let mut server = ServerContext::builder().port(0).start(&path).unwrap();
    let handler = builder(server.local_addr().port()).start().unwrap();
    let sent: Vec<_> = (0..1000)
        .map(|i| {
            let mut record = record(format!("{i} ✓"))
                .with("i", i)
                .with("deep", json!({"a": [1.5, null]}));
            record.exc_text = (i % 3 == 0).then(|| "Traceback".to_owned());
            handler.emit(&record).unwrap();
            record
        })
        .collect();
    handler.flush(PATIENCE).unwrap();
    server.close().unwrap();
    let mut stored = stored(&path);
    for (seq, record) in (1..).zip(&mut stored) {
        assert_eq!(record.extra.remove("seq"), Some(json!(seq)));
        assert!(record.extra.remove("client").is_some());
    }
    assert!(stored == sent);
}

#[test]
fn a_server_that_is_started_anew_under_load_misses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.sqlite");
    let mut server = ServerContext::builder().port(0).start(&path).unwrap();
    let port = server.local_addr().port();
    let handler = builder(port).overflow(Overflow::Block).start().unwrap();
    let mut restarts = 0;
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            for i in 0..20_000 {
                handler.emit(&record(i.to_string())).unwrap();
            }
            handler.close().unwrap();
        });
        while !sender.is_finished() {
            std::thread::sleep(Duration::from_millis(20));
            server.close().unwrap();
            server = ServerContext::builder().port(port).start(&path).unwrap();
            restarts += 1;
        }
    });
    assert!(restarts > 0);
    assert_eq!(server.close().unwrap().bad_frames, 0);
    let messages: HashSet<_> = stored(&path)
        .into_iter()
        .map(|record| record.message)
        .collect();
    assert_eq!(messages.len(), 20_000);
}
