//! Questions over HTTP that are not answered: bad input, who may not ask, too slow, taken back.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use logstore::{Level, LogRecord, SQLiteQueueHandler, Site};
use serde_json::{Value, json};

use crate::api::{get, store};
use crate::requests::{Answer, ask, request};
use crate::support::{Server, Store, wait_until};

/// A question that is refused: with this status, and a problem document that says so.
#[track_caller]
fn refused(server: &Server, line: &str, headers: &[&str], status: u16) -> Answer {
    let answer = ask(server.address(), line, headers);
    assert_eq!(answer.status, status, "{line}: {answer:?}");
    if line.starts_with("HEAD") {
        return answer;
    }
    assert!(
        answer.head.contains("application/problem+json"),
        "{line}: {answer:?}"
    );
    let problem = answer.json();
    assert_eq!(problem["status"], status, "{line}: {answer:?}");
    assert_eq!(problem["type"], "about:blank");
    assert!(!problem["detail"].as_str().unwrap().contains('\n'));
    answer
}

#[test]
fn bad_parameters_are_named_with_the_way_out() {
    let store = store(5);
    let server = Server::start(&store.db);
    let patterns = format!("records?grep=a&field=a~b&q=/c/{}", "+d~e".repeat(14));
    let left_out = format!("records?q=-/a/{}{}", "+-/b/".repeat(8), "+-c~d".repeat(8));
    for (target, parameter, said) in [
        ("records?lvel=info", "lvel", "there are q, level"),
        ("meta?level=info", "level", "there is none here"),
        ("records?level=loud", "level", "use notset, trace"),
        ("records?level=", "level", "has no value"),
        ("records?level=info&level=error", "level", "comes twice"),
        (
            "records?level=error&max-level=info",
            "level",
            "nothing can be between",
        ),
        (
            "records?exact-level=info&level=info",
            "exact-level",
            "leave out one",
        ),
        ("records?since=noon-ish", "since", "as a time"),
        (
            "records?since=now&until=-1h",
            "since",
            "nothing can be between",
        ),
        ("records?grep=%28", "grep", "regular expression"),
        (
            "records?ignore-case",
            "ignore-case",
            "grep, which is missing",
        ),
        (
            "records?grep=a&ignore-case=yes",
            "ignore-case",
            "ignore-case=true",
        ),
        ("records?words=%22a", "words", "words to search for"),
        ("records?field=%3D5", "field", "KEY=VALUE"),
        ("records?after-id=-1", "after-id", "a number from 0 on"),
        ("names?under=a&prefix=b", "prefix", "leave out one of them"),
        (
            "export?zone=Europe/Atlantis",
            "zone",
            "unknown zone \"Europe/Atlantis\"; use local, utc or a name of the IANA database, such as Europe/Berlin",
        ),
        ("records?limit=0", "limit", "from 1 to 1000"),
        ("records?limit=1001", "limit", "from 1 to 1000"),
        ("records?limit=ten", "limit", "from 1 to 1000"),
        ("records?order=up", "order", "use newest or oldest"),
        ("records?format=xml", "format", "use json or jsonl"),
        ("records?before=12", "before", "created_ns-id"),
        ("records?after=x-1", "after", "created_ns-id"),
        ("records?before=1-1&after=2-2", "after", "leave out one"),
        ("records?q=level:loud", "q", "unknown level"),
        ("stream?grep=%5Cw%7B500%7D", "grep", "size limit"),
        ("export?field=a~%5Cw%7B500%7D", "field", "size limit"),
        ("count?q=a~%5Cw%7B500%7D", "q", "size limit"),
        (&patterns, "q", "more than 16 regular expressions"),
        (&left_out, "q", "more than 16 regular expressions"),
        ("count?q=-/%5Cw%7B500%7D/", "q", "size limit"),
        ("stream?q=-since:-1h", "q", "cannot be left out"),
        ("records?q=logger:a", "q", "logger: is no key here"),
        ("records/1/context?before=x", "before", "from 0 to 1000"),
        ("records/1/context?any=1", "any", "any=true"),
        ("count?by=shoe&name=nobody", "by", "no record has a field"),
        ("count?by=levle", "by", "did you mean level"),
        ("count?by=shoe", "by", "no record has a field \"shoe\""),
        ("count?by=a,b,c,d,e,f,g,h,i", "by", "more than 8 groupings"),
        ("count?every=5", "every", "5"),
        ("count?every=36h", "every", "not whole days"),
        ("count?top=0", "top", "from 1 on"),
        ("histogram?buckets=9", "buckets", "from 10 to 500"),
        ("names?limit=5", "limit", "unknown parameter"),
    ] {
        let answer = refused(&server, &format!("GET /api/{target}"), &[], 400);
        let problem = answer.json();
        assert_eq!(problem["parameter"], parameter, "{target}: {answer:?}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(said), "{target}: {detail}");
    }
    assert_eq!(server.said().lines().count(), 1, "{}", server.said());
    server.terminate();
}

#[test]
fn what_is_wrong_in_a_parameter_is_told_with_its_place_in_the_units_of_javascript() {
    let store = store(5);
    let server = Server::start(&store.db);
    for (target, at) in [
        ("records?grep=%F0%9F%98%80(", json!([2, 3])),
        ("records?q=caf%C3%A9+level:loud", json!([11, 15])),
        ("records?since=-1h&until=at+noon", json!([0, 1])),
        ("records?field=%3D5", json!([0, 1])),
        ("records?field=", json!([0, 0])),
        ("records?words=a%22", json!([1, 2])),
        ("records?level=loud", json!([0, 4])),
        ("records?before=xyz", json!([0, 3])),
        ("records?zone=%F0%9F%98%80", json!([0, 2])),
        ("records?limit=ten", json!([0, 3])),
        ("records?grep=a&ignore-case=yes", json!([0, 3])),
        ("count?by=name,levle", json!([5, 10])),
        ("count?every=5+parsecs", json!([2, 3])),
        // It is two that do not go together.
        ("records?level=error&max-level=info", Value::Null),
    ] {
        let problem = refused(&server, &format!("GET /api/{target}"), &[], 400);
        assert_eq!(problem.json()["at"], at, "{target}: {problem:?}");
    }
    server.terminate();
}

#[test]
fn paths_and_methods_that_are_not_there_are_told_with_those_that_are() {
    let store = store(5);
    let server = Server::start(&store.db);
    for path in [
        "/api",
        "/api/",
        "/api/record",
        "/api/records/",
        "/api/records/0",
        "/api/records/-1",
        "/api/records/one",
        "/api/records/99999999999999999999",
        "/api/records/9223372036854775807",
        "/api/records/1@",
        "/api/records/@1",
        "/api/records/1@x",
        "/api/records/1/2",
    ] {
        refused(&server, &format!("GET {path}"), &[], 404);
    }
    for (method, path, allow) in [
        ("POST", "/api/records", "get, head"),
        ("DELETE", "/api/records/1", "get, head"),
        ("PUT", "/api/count", "get, head"),
        ("GET", "/api/session", "post, delete"),
    ] {
        let answer = refused(&server, &format!("{method} {path}"), &[], 405);
        let allow = format!("allow: {allow}");
        assert!(answer.head.contains(&allow), "{method} {path}: {answer:?}");
    }
    for (line, allow) in [
        ("GET /ingest", "allow: post"),
        ("DELETE /v1/logs", "allow: post"),
        ("GET /elasticsearch/_bulk", "allow: post, put"),
        ("POST /metrics", "allow: get, head"),
        ("POST /", "allow: get, head"),
    ] {
        let answer = ask(server.address(), line, &[]);
        assert_eq!(answer.status, 405, "{line}: {answer:?}");
        assert!(answer.head.contains(allow), "{line}: {answer:?}");
    }
    for path in ["/api/records", "/api/meta", "/"] {
        let whole = ask(server.address(), &format!("GET {path}"), &[]);
        let head = ask(server.address(), &format!("HEAD {path}"), &[]);
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{head:?}");
        let length = format!("content-length: {}", whole.body.len());
        assert!(head.head.contains(&length), "{path}: {head:?}");
    }
    refused(&server, "HEAD /api/records?limit=0", &[], 400);
    server.terminate();
}

#[test]
fn pages_of_other_sites_read_nothing() {
    let store = store(5);
    let server = Server::start(&store.db);
    for headers in [
        &["Host: evil.example"][..],
        &["Origin: http://evil.example"],
        &["Sec-Fetch-Site: cross-site"],
        &["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"],
    ] {
        let answer = refused(&server, "GET /api/records", headers, 403);
        assert!(!answer.head.contains("access-control"), "{answer:?}");
    }
    let page = ask(server.address(), "GET /", &["Host: evil.example"]);
    assert_eq!(page.status, 403, "{page:?}");
    let link = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"];
    assert_eq!(ask(server.address(), "GET /", &link).status, 200);
    server.terminate();
}

#[test]
fn a_token_or_its_session_is_demanded_of_every_question() {
    let store = store(5);
    let tokens = store.file("tokens");
    std::fs::write(&tokens, "other\nsesame\n").unwrap();
    let flags = ["--token-file", tokens.to_str().unwrap()];
    let server = Server::start_with(&store.db, &flags);
    let name = |server: &Server| format!("logstore-session-{}", server.address().port());
    let [wrong, empty] = ["sesame", ""].map(|value| format!("Cookie: {}={value}", name(&server)));
    let paths = ["/api/records", "/api/meta", "/api/nowhere", "/api/stats"];
    for path in paths {
        for given in [
            &[][..],
            &["Authorization: Bearer sesam"],
            &[&wrong],
            &[&empty],
        ] {
            let answer = refused(&server, &format!("GET {path}"), given, 401);
            let said = answer.json()["detail"].as_str().unwrap().to_owned();
            let is_given = given.iter().any(|line| line.starts_with("Auth"));
            assert_eq!(said.contains("not one of those"), is_given, "{said}");
            let wanted = "www-authenticate: bearer";
            assert!(answer.head.contains(wanted), "{answer:?}");
        }
    }
    // Holds no records.
    assert_eq!(ask(server.address(), "GET /", &[]).status, 200);
    let right = "Authorization: Bearer sesame";
    let answer = ask(server.address(), "GET /api/records", &[right]);
    assert_eq!(answer.status, 200);

    refused(&server, "POST /api/session", &[], 401);
    let begun = ask(server.address(), "POST /api/session", &[right]);
    assert_eq!((begun.status, begun.body.as_str()), (204, ""), "{begun:?}");
    let (_, cookie) = begun.head.split_once("set-cookie: ").unwrap();
    let (cookie, rest) = cookie.lines().next().unwrap().split_once("; ").unwrap();
    assert_eq!(
        rest,
        "httponly; samesite=strict; path=/api; max-age=31536000"
    );
    assert!(!cookie.contains("sesame"), "{cookie}");
    let session = cookie.strip_prefix(&format!("{}=", name(&server)));
    let session = session.unwrap().to_owned();
    let cookie_for = |server: &Server| format!("Cookie: theme=dark; {}={session}", name(server));
    let cookie = cookie_for(&server);
    let answer = ask(server.address(), "GET /api/records", &[&cookie]);
    assert_eq!(answer.status, 200, "{answer:?}");
    // It opens nothing but answers.
    for line in ["POST /ingest", "GET /metrics", "POST /api/session"] {
        assert_eq!(
            ask(server.address(), line, &[&cookie]).status,
            401,
            "{line}"
        );
    }
    let ended = ask(server.address(), "DELETE /api/session", &[&cookie]);
    assert_eq!(ended.status, 204);
    assert!(ended.head.contains("max-age=0"), "{ended:?}");
    server.terminate();

    // It outlives a restart, and ends with its token.
    let server = Server::start_with(&store.db, &flags);
    let answer = ask(
        server.address(),
        "GET /api/records",
        &[&cookie_for(&server)],
    );
    assert_eq!(answer.status, 200, "{answer:?}");
    server.terminate();
    std::fs::write(&tokens, "other\n").unwrap();
    let server = Server::start_with(&store.db, &flags);
    refused(&server, "GET /api/records", &[&cookie_for(&server)], 401);
    server.terminate();
}

/// Finds nothing, and takes long to find that out: which of five hundred characters were vowels is more than an automaton can remember.
const SLOW: &str = "/api/records?grep=%5Baeiou%5D.%7B500%7D%5B%E2%94%80-%E2%97%BF%5D";

/// Texts that take minutes to search: letters without any rule.
fn slow_store() -> Store {
    let store = Store::new();
    let handler = SQLiteQueueHandler::open(&store.db).unwrap();
    let site = Arc::new(Site::new("app", Level::INFO));
    let mut state = 1_u64;
    let mut letter = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(b'a' + u8::try_from((state >> 33) % 26).unwrap())
    };
    for _ in 0..2400 {
        // Each another one: what was met before is remembered.
        let message: String = (0..5_000).map(|_| letter()).collect();
        let record = LogRecord::new(Arc::clone(&site), message);
        handler.emit(&record).unwrap();
    }
    handler.close().unwrap();
    store
}

/// Asks and does not wait for the answer.
fn begin(server: &Server, target: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = format!(
        "GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n",
        server.address()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[test]
fn a_slow_question_ends_with_its_time_and_holds_nobody_up() {
    let store = slow_store();
    let server = Server::start_with(&store.db, &["--query-timeout", "2s"]);
    let began = Instant::now();
    let slow = begin(&server, SLOW);
    // Others are answered meanwhile, and records are stored.
    get(&server, "/api/records?limit=1");
    let body = b"{\"msg\":\"meanwhile\"}";
    let json = ["Content-Type: application/json"];
    let stored = request(server.address(), "POST /ingest", &json, body);
    assert_eq!(stored.status, 200, "{stored:?}");
    drop(slow);
    let answer = refused(&server, &format!("GET {SLOW}"), &[], 504);
    assert!(began.elapsed() >= Duration::from_secs(2));
    let detail = answer.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.contains("--query-timeout"), "{detail}");
    server.terminate();
}

#[test]
fn questions_of_those_who_went_are_taken_back() {
    let store = slow_store();
    let server = Server::start_with(&store.db, &["--query-timeout", "10m"]);
    // More than there are threads.
    let gone: Vec<TcpStream> = (0..8).map(|_| begin(&server, SLOW)).collect();
    drop(gone);
    get(&server, "/api/meta");
    // Who has ended only one side is still answered.
    let mut half = begin(&server, "/api/meta");
    half.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = String::new();
    half.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    // A stop does not wait for them either.
    let _asking = begin(&server, SLOW);
    get(&server, "/api/meta");
    let ended = server.terminate();
    assert!(ended.took < Duration::from_secs(8), "{:?}", ended.took);
}

#[test]
fn too_many_questions_are_sent_away_for_a_moment() {
    let store = slow_store();
    let server = Server::start_with(&store.db, &["--query-timeout", "10m"]);
    let mut asking: Vec<TcpStream> = (0..64).map(|_| begin(&server, SLOW)).collect();
    let mut last = None;
    wait_until("one is sent away", || {
        let answer = ask_soon(&server);
        last = answer;
        last.is_some()
    });
    let answer = last.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(
        answer.to_ascii_lowercase().contains("retry-after: 1"),
        "{answer}"
    );
    asking.clear();
    wait_until("there is room again", || {
        ask(server.address(), "GET /api/meta", &[]).status == 200
    });
    server.terminate();
}

/// What comes at once for another question, if anything does.
fn ask_soon(server: &Server) -> Option<String> {
    let mut stream = begin(server, "/api/meta");
    stream
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let mut head = [0; 512];
    let read = stream.read(&mut head).ok()?;
    Some(String::from_utf8_lossy(&head[..read]).into_owned())
}

#[test]
fn a_database_that_was_put_elsewhere_is_left() {
    let store = store(5);
    let server = Server::start(&store.db);
    assert_eq!(get(&server, "/api/meta").json()["last_id"], 5);
    for end in ["", "-wal", "-shm"] {
        let from = store.file(&format!("runs.sqlite{end}"));
        let _ = std::fs::rename(from, store.file(&format!("old.sqlite{end}")));
    }
    let body = b"{\"msg\":\"new\"}";
    let json = ["Content-Type: application/json"];
    let stored = request(server.address(), "POST /ingest", &json, body);
    assert_eq!(stored.status, 200, "{stored:?}");
    wait_until("the new one is asked", || {
        let answer = ask(server.address(), "GET /api/records", &[]);
        answer.status == 200 && answer.body.contains("\"new\"")
    });
    server.terminate();
}
