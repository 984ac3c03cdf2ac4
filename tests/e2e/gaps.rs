//! `logstore gaps`: numbered records that have not come are named, and those that come twice are stored once.

use std::time::Duration;

use logstore::{Level, LogRecord, Overflow, Site, SocketHandler};
use serde_json::{Value, json};

use crate::support::{Server, Store, logstore, send, wait_until};

/// Exit code and answer.
fn gaps(store: &Store, arguments: &[&str]) -> (i32, String) {
    let mut command = logstore(["gaps", "--db"]);
    let output = command.arg(&store.db).args(arguments).output().unwrap();
    assert!(output.stderr.is_empty(), "{output:?}");
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout).unwrap(),
    )
}

fn lines(client: &str, seqs: impl IntoIterator<Item = i64>) -> String {
    let line = |seq| format!("{{\"msg\":\"{seq}\",\"client\":\"{client}\",\"seq\":{seq}}}\n");
    let lines: Vec<String> = seqs.into_iter().map(line).collect();
    lines.concat()
}

#[test]
fn json_lines_that_have_not_come_are_named() {
    let store = Store::new();
    let server = Server::start(&store.db);
    send(server.address(), lines("web-1", 1..=10).as_bytes());
    send(server.address(), lines("web-1", [14, 15, 17]).as_bytes());
    send(server.address(), lines("web-2", 0..5).as_bytes());
    wait_until("all are stored", || store.count() == 18);
    // A client that was not told sends them again.
    send(server.address(), lines("web-1", 5..=10).as_bytes());
    send(server.address(), lines("web-1", [16]).as_bytes());
    wait_until("the last one is stored", || store.count() == 19);
    let text =
        "web-1: 3 of 17 missing: 11-13\n1 of 2 clients complete; 19 numbered records have come\n";
    assert_eq!(gaps(&store, &[]), (1, text.into()));
    let (code, all) = gaps(&store, &["-o", "json", "--client", "web-1"]);
    let expected = json!({"client": "web-1", "first": 1, "last": 17, "came": 14, "missing": 3, "ranges": [[11, 13]]});
    assert_eq!(code, 1);
    assert_eq!(serde_json::from_str::<Value>(&all).unwrap(), expected);
    let text = "1 of 1 client complete; 5 numbered records have come\n";
    assert_eq!(gaps(&store, &["--client", "web-2"]), (0, text.into()));
    let nobody = store.run("gaps", &["--client", "nobody"]);
    let said = String::from_utf8_lossy(&nobody.stderr);
    assert_eq!(nobody.status.code(), Some(2));
    assert!(said.contains("no client called \"nobody\""), "{said}");
    let ended = server.terminate();
    assert!(
        ended.stderr.contains("25 records received")
            && ended.stderr.contains("19 stored, 0 dropped, 6 came twice"),
        "{}",
        ended.stderr
    );
}

#[test]
fn what_a_handler_drops_is_named_by_the_server() {
    let store = Store::new();
    let server = Server::start(&store.db);
    let port = server.address().port();
    let handler = SocketHandler::builder("127.0.0.1", port)
        .queue_capacity(16)
        .overflow(Overflow::DropNewest)
        .start()
        .unwrap();
    let record = LogRecord::new(Site::new("a", Level::INFO), "x");
    let emit = |count: u64| {
        for _ in 0..count {
            handler.emit(&record).unwrap();
        }
        handler.flush(Duration::from_secs(20)).unwrap();
    };
    // So many at once that some find the queue full.
    let mut sent = 0;
    wait_until("some are dropped", || {
        emit(1000);
        sent += 1000;
        handler.counters().dropped > 0
    });
    emit(1);
    let dropped = handler.counters().dropped;
    handler.close().unwrap();
    server.terminate();
    let (code, all) = gaps(&store, &["-o", "json"]);
    let told: Value = serde_json::from_str(&all).unwrap();
    assert_eq!(
        (code, &told["missing"], &told["last"]),
        (1, &json!(dropped), &json!(sent + 1))
    );
}

#[test]
fn a_store_of_nobody_who_numbers_has_no_gaps() {
    let store = Store::new();
    let server = Server::start(&store.db);
    send(server.address(), b"{\"msg\":\"a\"}\n");
    server.terminate();
    let text = "0 of 0 clients complete; 0 numbered records have come\n";
    assert_eq!(gaps(&store, &[]), (0, text.into()));
}

#[test]
fn who_goes_on_in_a_file_after_a_rotation_lacks_nothing() {
    let store = Store::new();
    let server = Server::start(&store.db);
    send(server.address(), lines("web-1", 1..=4).as_bytes());
    wait_until("all are stored", || store.count() == 4);
    std::fs::rename(&store.db, store.file("old.sqlite")).unwrap();
    send(server.address(), lines("web-1", [5, 6, 8]).as_bytes());
    server.wait_until_said("was moved or deleted");
    wait_until("the others are stored", || store.count() == 3);
    let (code, said) = gaps(&store, &[]);
    assert_eq!(code, 1);
    assert!(said.starts_with("web-1: 1 of 4 missing: 7\n"), "{said}");
    server.terminate();
}
