//! One rich and one bare record in every format, and formats of users' own beside what Python makes of them.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::*;
use crate::level::Level;
use crate::query::Role;
use crate::record::{LogRecord, Origin, Site};

fn rich() -> StoredRecord {
    let Value::Object(extra) = json!({
        "elapsed": 5, "user": "ada lovelace", "request": {"id": 7, "tags": ["a"]}, "process": "mine"
    }) else {
        unreachable!("an object was written");
    };
    let record = LogRecord {
        // 2026-11-22 16:20:25.123456789 UTC
        created_ns: 1_795_364_425_123_456_789,
        site: Arc::new(Site::new("myapp.area2", Level::WARNING).at("/srv/area2.py", 42, "zap")),
        origin: Arc::new(Origin {
            hostname: "node1".into(),
            process: Some(4242),
            process_name: "MainProcess".into(),
            thread: Some(140_280_481_094_528),
            thread_name: "MainThread".into(),
            started_ms: Some(1_795_364_420_000),
        }),
        message: "said \"100%\",\nthen é".into(),
        task_name: Some("Task-1".into()),
        exc_text: Some("Traceback:\nValueError: no".into()),
        stack_info: Some("Stack:\n  f".into()),
        extra,
    };
    StoredRecord { id: 12, record }
}

fn bare() -> StoredRecord {
    let record = LogRecord {
        created_ns: 0,
        site: Arc::new(Site::new("", Level(35))),
        origin: Arc::new(Origin::default()),
        message: String::new(),
        task_name: None,
        exc_text: None,
        stack_info: None,
        extra: Map::new(),
    };
    StoredRecord { id: 1, record }
}

fn shown(format: &mut dyn RecordFormat, records: &[StoredRecord]) -> String {
    let mut out = Vec::new();
    format.begin(&mut out);
    for record in records {
        format.write(record, &mut out);
    }
    String::from_utf8(out).unwrap()
}

fn both(output: Output, coloring: Coloring) -> String {
    shown(
        &mut *output.formatter(Zone::Utc, coloring, Controls::Raw),
        &[rich(), bare()],
    )
}

fn by_format(format: &str, record: &StoredRecord) -> String {
    let mut text = TextFormat::with_format(format, None, Zone::Utc).unwrap();
    shown(&mut text, std::slice::from_ref(record))
}

#[test]
fn text_is_for_people() {
    assert_eq!(
        both(Output::Text, Coloring::Never),
        "2026-11-22 16:20:25.123Z WARNING  myapp.area2 node1[4242]: said \"100%\",\n    then é  \
         elapsed=5 user=\"ada lovelace\" request={\"id\":7,\"tags\":[\"a\"]} process=mine\n    \
         Traceback:\n    ValueError: no\n    Stack:\n      f\n\
         1970-01-01 00:00:00.000Z Level 35 \n"
    );
}

#[test]
fn people_see_no_numbers_that_socket_handler_gave() {
    let mut text = TextFormat::people(Zone::Utc, Coloring::Never);
    for (client, expected) in [
        ("node1-4242-0f3a01bc", "level 35   user=ada\n"),
        ("web", "level 35   user=ada client=web seq=7\n"),
    ] {
        let mut numbered = bare();
        let fields = json!({"user": "ada", "client": client, "seq": 7});
        numbered.record.extra = fields.as_object().unwrap().clone();
        let line = shown(&mut text, &[numbered]).to_lowercase();
        assert!(line.ends_with(expected), "{line}");
    }
}

#[test]
fn color_marks_level_time_and_extra_fields() {
    let mut record = rich();
    record.record.exc_text = None;
    record.record.stack_info = None;
    record.record.message = "m".into();
    record.record.extra = Map::from_iter([("n".to_owned(), json!(1))]);
    let mut text = TextFormat::people(Zone::Utc, Coloring::Always);
    assert_eq!(
        shown(&mut text, &[record]),
        "\x1b[2m2026-11-22 16:20:25.123Z\x1b[0m \x1b[33mWARNING\x1b[0m  \
         myapp.area2 node1[4242]: m  \x1b[2mn=1\x1b[0m\n"
    );
}

#[test]
fn json_is_one_object_a_line() {
    assert_eq!(
        both(Output::Json, Coloring::Always),
        concat!(
            r#"{"id":12,"created_ns":1795364425123456789,"created":"2026-11-22T16:20:25.123456789Z","#,
            r#""name":"myapp.area2","levelno":30,"levelname":"WARNING","#,
            r#""message":"said \"100%\",\nthen é","hostname":"node1","process":4242,"#,
            r#""processName":"MainProcess","thread":140280481094528,"threadName":"MainThread","#,
            r#""taskName":"Task-1","pathname":"/srv/area2.py","filename":"area2.py","#,
            r#""module":"area2","lineno":42,"funcName":"zap","#,
            r#""exc_text":"Traceback:\nValueError: no","stack_info":"Stack:\n  f","#,
            r#""extra":{"elapsed":5,"user":"ada lovelace","request":{"id":7,"tags":["a"]},"#,
            r#""process":"mine"}}"#,
            "\n",
            r#"{"id":1,"created_ns":0,"created":"1970-01-01T00:00:00.000000000Z","#,
            r#""levelno":35,"levelname":"Level 35","message":""}"#,
            "\n",
        )
    );
}

#[test]
fn csv_has_a_header_and_a_row_for_each_record() {
    assert_eq!(
        both(Output::Csv, Coloring::Always),
        concat!(
            "id,created_ns,created,name,levelno,levelname,message,hostname,process,processName,",
            "thread,threadName,taskName,pathname,filename,module,lineno,funcName,exc_text,",
            "stack_info,extra\r\n",
            "12,1795364425123456789,2026-11-22T16:20:25.123456789Z,myapp.area2,30,WARNING,",
            "\"said \"\"100%\"\",\nthen é\",node1,4242,MainProcess,140280481094528,MainThread,",
            "Task-1,/srv/area2.py,area2.py,area2,42,zap,\"Traceback:\nValueError: no\",",
            "\"Stack:\n  f\",\"{\"\"elapsed\"\":5,\"\"user\"\":\"\"ada lovelace\"\",",
            "\"\"request\"\":{\"\"id\"\":7,\"\"tags\"\":[\"\"a\"\"]},\"\"process\"\":\"\"mine\"\"}\"\r\n",
            "1,0,1970-01-01T00:00:00.000000000Z,,35,Level 35,,,,,,,,,,,,,,,\r\n",
        )
    );
}

#[test]
fn logfmt_is_one_line_a_record() {
    assert_eq!(
        both(Output::Logfmt, Coloring::Always),
        concat!(
            r#"time=2026-11-22T16:20:25.123456789Z level=WARNING name=myapp.area2 "#,
            r#"msg="said \"100%\",\nthen é" id=12 levelno=30 hostname=node1 process=4242 "#,
            r#"processName=MainProcess thread=140280481094528 threadName=MainThread "#,
            r#"taskName=Task-1 pathname=/srv/area2.py filename=area2.py module=area2 lineno=42 "#,
            r#"funcName=zap exc_text="Traceback:\nValueError: no" stack_info="Stack:\n  f" "#,
            r#"elapsed=5 user="ada lovelace" request.id=7 request.tags="[\"a\"]" "#,
            r#"extra.process=mine"#,
            "\n",
            r#"time=1970-01-01T00:00:00.000000000Z level="Level 35" msg="" id=1 levelno=35"#,
            "\n",
        )
    );
}

/// The rich record as context, the bare one as a match of another group.
fn in_context(format: &mut dyn RecordFormat) -> String {
    let mut out = Vec::new();
    format.begin_context(&mut out);
    let mut stored = rich();
    stored.record.extra.insert("match".into(), json!(1));
    let first = ContextRecord {
        stored,
        role: Role::Context,
        group: 1,
    };
    format.write_context(&first, &mut out);
    format.separator(&mut out);
    let second = ContextRecord {
        stored: bare(),
        role: Role::Match,
        group: 2,
    };
    format.write_context(&second, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn text_tells_context_from_matches_as_grep_does() {
    let text = in_context(&mut TextFormat::people(Zone::Utc, Coloring::Never));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[0],
        "2026-11-22 16:20:25.123Z WARNING  myapp.area2 node1[4242]- said \"100%\","
    );
    assert_eq!(lines[6..], ["--", "1970-01-01 00:00:00.000Z Level 35 "]);
    let mut format = TextFormat::with_format("%(levelno)s", None, Zone::Utc).unwrap();
    let text = in_context(&mut format);
    assert!(text.ends_with("\n--\n35\n"), "{text}");
}

#[test]
fn color_dims_each_line_of_context() {
    let text = in_context(&mut TextFormat::people(Zone::Utc, Coloring::Always));
    let plain = in_context(&mut TextFormat::people(Zone::Utc, Coloring::Never));
    let dimmed: Vec<String> = plain
        .lines()
        .take(6)
        .map(|line| format!("\x1b[2m{line}\x1b[0m"))
        .collect();
    assert!(text.lines().take(6).eq(&dimmed), "{text:?}");
    let (_, bare) = text.split_once("--\n").unwrap();
    assert!(
        bare.starts_with("\x1b[2m1970") && bare.contains("\x1b[33mLevel 35"),
        "{bare:?}"
    );
}

#[test]
fn programs_are_told_group_and_match_by_two_more_keys() {
    let json = in_context(&mut JsonFormat::new());
    let plain = shown(&mut JsonFormat::new(), &[bare()]);
    let (first, second) = json.split_once('\n').unwrap();
    assert!(
        first.ends_with(r#","match":1},"group":1,"match":false}"#),
        "{first}"
    );
    let expected = plain.replace("}\n", ",\"group\":2,\"match\":true}\n");
    assert_eq!(second, expected);

    let csv = in_context(&mut CsvFormat::new());
    let plain = shown(&mut CsvFormat::new(), &[bare()]);
    let (header, bare_row) = plain.split_once('\n').unwrap();
    assert!(
        csv.starts_with(&format!("{},group,match\r\n", header.trim_end())),
        "{csv}"
    );
    assert!(
        csv.ends_with(&format!(",1,false\r\n{},2,true\r\n", bare_row.trim_end())),
        "{csv}"
    );

    let logfmt = in_context(&mut LogfmtFormat::new());
    let plain = shown(&mut LogfmtFormat::new(), &[bare()]);
    assert!(
        logfmt.contains(" extra.match=1 group=1 match=false\n"),
        "{logfmt}"
    );
    assert!(
        logfmt.ends_with(&format!("\n{} group=2 match=true\n", plain.trim_end())),
        "{logfmt}"
    );
}

#[test]
fn the_console_format_is_that_of_the_ancestor() {
    let mut record = rich();
    record.record.exc_text = None;
    record.record.stack_info = None;
    assert_eq!(
        shown(&mut TextFormat::console(Zone::Utc), &[record, bare()]),
        " 5123 myapp.area2     WARNING  node1 4242 2026-11-22T16:20:25 said \"100%\",\n    then é\n    \
         - -               Level 35 - - 1970-01-01T00:00:00 \n"
    );
}

#[test]
fn what_a_record_lacks_is_a_dash_in_its_width() {
    let format = "%(process)5d|%(user)-5s|%(lineno)03d|%(relativeCreated)4.1f|%(taskName)r|%(a.b)x";
    assert_eq!(by_format(format, &bare()), "    -|-    |  -|   -|-|-\n");
}

#[test]
fn a_numbers_conversion_takes_a_text_and_dots_go_into_nested_fields() {
    let format = "%(user)15d|%(process)s|%(request.id)04d|%(request.tags)s|%(user).3f";
    assert_eq!(
        by_format(format, &rich()).lines().next().unwrap(),
        "   ada lovelace|4242|0007|['a']|ada lovelace"
    );
}

#[test]
fn no_record_drives_the_terminal_unless_a_program_reads() {
    let mut record = rich();
    let mut site = Site::new("a\x1b]0;x\x07\nb", Level::INFO);
    site.level_name = "I\x1b[1m".into();
    record.record.site = Arc::new(site);
    record.record.message = "m\x1b[2J\u{9b}1m".into();
    record.record.exc_text = Some("E\x1b[A".into());
    record.record.extra = Map::from_iter([("k\x1b[m".to_owned(), json!(["\u{9b}\x1b"]))]);
    let text = shown(
        &mut *Output::Text.formatter(Zone::Utc, Coloring::Never, Controls::Raw),
        &[record.clone()],
    );
    assert_eq!(
        text,
        "2026-11-22 16:20:25.123Z I\\x1b[1m    a\\x1b]0;x\\x07\\x0ab node1[4242]: m\\x1b[2J\\x9b1m  \
         k_[m=[\"\\u009b\\u001b\"]\n    E\\x1b[A\n    Stack:\n      f\n"
    );
    let format = "\x1b[1m%(message)s %(name)s";
    assert_eq!(
        by_format(format, &record),
        "\x1b[1mm\\x1b[2J\\x9b1m a\\x1b]0;x\\x07\n    b\n    E\\x1b[A\n    Stack:\n      f\n"
    );
    let raw = TextFormat::with_format(format, None, Zone::Utc)
        .unwrap()
        .controls(Controls::Raw);
    assert_eq!(
        shown(&mut { raw }, &[record]),
        "\x1b[1mm\x1b[2J\u{9b}1m a\x1b]0;x\x07\nb\nE\x1b[A\nStack:\n  f\n"
    );
}

#[test]
fn a_format_that_cannot_be_used_is_refused_up_front() {
    for (format, datefmt, expected) in [
        (
            "{message}",
            None,
            "cannot use the format \"{message}\": it names no value such as %(message)s at position 0",
        ),
        (
            "%% %s",
            None,
            "cannot use the format \"%% %s\": name the value: %(message)s at position 3",
        ),
        (
            "%(message",
            None,
            "cannot use the format \"%(message\": this parenthesis is never closed at position 1",
        ),
        (
            "%(message)s",
            Some("%Q"),
            "cannot use the format \"%Q\": it has a conversion that strftime lacks at position 0",
        ),
    ] {
        let error = TextFormat::with_format(format, datefmt, Zone::Utc).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn every_output_is_read_by_its_name() {
    for output in Output::ALL {
        assert_eq!(
            output.to_string().to_uppercase().parse::<Output>().unwrap(),
            output
        );
    }
    let error = "yaml".parse::<Output>().unwrap_err().to_string();
    assert_eq!(
        error,
        "unknown output \"yaml\"; use text, json, csv or logfmt"
    );
}

proptest::proptest! {
    #[test]
    fn whatever_a_record_holds_it_is_one_readable_record(
        texts in proptest::collection::vec("\\PC{0,8}|[\u{0}-\u{ff}]{0,8}|[a=\" ,\r\n]{0,8}", 6)
    ) {
        let mut stored = rich();
        let mut site = Site::new(&*texts[0], Level::INFO);
        site.func_name.clone_from(&texts[1]);
        stored.record.site = Arc::new(site);
        stored.record.message.clone_from(&texts[2]);
        stored.record.exc_text = Some(texts[3].clone());
        stored.record.extra = Map::from_iter([(texts[4].clone(), json!([texts[5]]))]);

        let line = shown(&mut JsonFormat::new(), std::slice::from_ref(&stored));
        let back: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(&back["message"], &json!(texts[2]));
        assert_eq!(&back["extra"][&texts[4]], &json!([texts[5]]));
        assert_eq!(line.matches(|c: char| c.is_control()).collect::<String>(), "\n");

        let line = shown(&mut LogfmtFormat::new(), std::slice::from_ref(&stored));
        assert_eq!(line.matches(|c: char| c.is_control()).collect::<String>(), "\n");

        let table = shown(&mut CsvFormat::new(), std::slice::from_ref(&stored));
        let mut rows = ::csv::Reader::from_reader(table.as_bytes());
        let row: std::collections::HashMap<String, String> =
            rows.deserialize().next().unwrap().unwrap();
        assert_eq!((&row["message"], &row["exc_text"]), (&texts[2], &texts[3]));
        assert_eq!(row["extra"].parse::<Value>().unwrap(), json!({ &texts[4]: [texts[5]] }));

        let text = shown(&mut *Output::Text.formatter(Zone::Utc, Coloring::Never, Controls::Raw), &[stored]);
        assert!(!text.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')));
    }
}

/// What `tests/fixtures/formatter.py` wrote with the `logging.Formatter` of `CPython`.
#[test]
fn every_format_gives_what_python_gives() {
    let cases = include_str!("../../tests/fixtures/formatter.jsonl");
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let at = &case["attributes"];
        let text = |key: &str| at[key].as_str().map(str::to_owned);
        let record = LogRecord {
            created_ns: at["created_ns"].as_i64().unwrap(),
            site: Arc::new(Site {
                name: text("name").unwrap(),
                level: Level(at["levelno"].as_i64().unwrap().try_into().unwrap()),
                level_name: text("levelname").unwrap(),
                pathname: text("pathname").unwrap(),
                lineno: at["lineno"].as_i64(),
                func_name: text("funcName").unwrap(),
                other_filename: None,
                other_module: None,
            }),
            origin: Arc::new(Origin {
                hostname: text("hostname").unwrap(),
                process: at["process"].as_i64(),
                process_name: text("processName").unwrap(),
                thread: at["thread"].as_i64(),
                thread_name: text("threadName").unwrap(),
                started_ms: at["started_ms"].as_i64(),
            }),
            message: text("message").unwrap(),
            task_name: text("taskName"),
            exc_text: text("exc_text"),
            stack_info: text("stack_info"),
            extra: case["extra"].as_object().unwrap().clone(),
        };
        let format = case["format"].as_str().unwrap();
        // As Python writes it, which escapes nothing.
        let out = TextFormat::with_format(format, case["datefmt"].as_str(), Zone::Utc).unwrap();
        let mut out = out.controls(Controls::Raw);
        let expected = format!("{}\n", case["result"].as_str().unwrap());
        assert_eq!(
            shown(&mut out, &[StoredRecord { id: 1, record }]),
            expected,
            "{format}"
        );
    }
}
