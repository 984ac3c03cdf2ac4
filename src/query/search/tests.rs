//! What a search text means, and where it is wrong.

use proptest::prelude::*;

use super::*;

const HOUR_NS: i64 = 3_600_000_000_000;

fn read(text: &str) -> Query {
    parse_search(text, 10 * HOUR_NS, Zone::Utc).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// A field condition as the command line has it.
fn shown(filter: &FieldFilter) -> String {
    let test = match &filter.test {
        FieldTest::Matches(pattern) => format!("Matches({:?})", pattern.as_str()),
        test => format!("{test:?}"),
    };
    format!("{} {test}", filter.key)
}

#[test]
fn words_and_phrases() {
    for (text, expected) in [
        ("timeout", &[("timeout", false)][..]),
        (" time*\tada ", &[("time", true), ("ada", false)]),
        (
            r#""connection reset" "conn res"*"#,
            &[("connection reset", false), ("conn res", true)],
        ),
        (
            r#""a*b \"c\" d\\e C:\temp""#,
            &[(r#"a*b "c" d\e C:\temp"#, false)],
        ),
        (
            "12:30 http://x?a=b nam:x",
            &[("12:30", false), ("http://x?a=b", false), ("nam:x", false)],
        ),
        (
            "/api/users /a //",
            &[("/api/users", false), ("/a", false), ("//", false)],
        ),
        (
            "\"-5\" --x ->5 --name:x - =7 5>3 a!b (x) a-b",
            &[
                ("-5", false),
                ("--x", false),
                ("->5", false),
                ("--name:x", false),
                ("-", false),
                ("=7", false),
                ("5>3", false),
                ("a!b", false),
                ("(x)", false),
                ("a-b", false),
            ],
        ),
        (
            "\"OR\" or And \"!x\" !! a! \">\" => NOTE",
            &[
                ("OR", false),
                ("or", false),
                ("And", false),
                ("!x", false),
                ("!!", false),
                ("a!", false),
                (">", false),
                ("=>", false),
                ("NOTE", false),
            ],
        ),
        (r#"say:\"hi\""#, &[(r#"say:"hi""#, false)]),
        ("", &[]),
        (" \n", &[]),
    ] {
        let phrases = read(text).phrases;
        let found: Vec<_> = phrases.iter().map(|p| (p.text(), p.is_prefix())).collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn keys_with_a_colon() {
    let query = read(
        "name:myapp.area2 name:*.db -name:noisy host:node1 process:4711 thread:\"My \\\"T\\\"\"",
    );
    assert_eq!(query.names, ["myapp.area2", "*.db"]);
    assert_eq!(query.not_names, ["noisy"]);
    assert_eq!(query.hosts, ["node1"]);
    assert_eq!(query.processes, ["4711"]);
    assert_eq!(query.threads, ["My \"T\""]);
    let query = read("since:-1h until:\"1970-01-01 12:00\" since:09:30");
    assert_eq!(
        (query.since_ns, query.until_ns),
        (Some(9 * HOUR_NS + HOUR_NS / 2), Some(12 * HOUR_NS))
    );
    let query = read("level:warning level:>=info level:<=error level:=35 level:=ERROR");
    assert_eq!(
        (query.min_level, query.max_level),
        (Some(Level::WARNING), Some(Level::ERROR))
    );
    assert_eq!(query.exact_levels, [Level(35), Level::ERROR]);
}

#[test]
fn conditions_on_fields() {
    let query = read(
        r#"elapsed>5 a>=5 a<5 a<=-5 user.id=7 k!="a \"b\" c" k= x-y~"^a b\.c" z~a=b has:user.name has:"a b" has:level extra.level>=5 funcName=work"#,
    );
    let found: Vec<String> = query.fields.iter().map(shown).collect();
    assert_eq!(
        found,
        [
            "elapsed Greater(\"5\")",
            "a GreaterOrEqual(\"5\")",
            "a Less(\"5\")",
            "a LessOrEqual(\"-5\")",
            "user.id Equals(\"7\")",
            "k NotEquals(\"a \\\"b\\\" c\")",
            "k Equals(\"\")",
            "x-y Matches(\"^a b\\\\.c\")",
            "z Matches(\"a=b\")",
            "user.name Present",
            "a b Present",
            "level Present",
            "extra.level GreaterOrEqual(\"5\")",
            "funcName Equals(\"work\")",
        ]
    );
}

#[test]
fn a_minus_before_a_term_leaves_out_what_it_finds() {
    let query = read(
        r#"-host:node1 -host:"a b" -process:4711 -thread:Main* -name:*.db -elapsed>5 -k!="a b" -has:x.y"#,
    );
    assert_eq!(query.not_hosts, ["node1", "a b"]);
    assert_eq!(query.not_processes, ["4711"]);
    assert_eq!(query.not_threads, ["Main*"]);
    assert_eq!(query.not_names, ["*.db"]);
    let found: Vec<String> = query.not_fields.iter().map(shown).collect();
    let fields = [
        "elapsed Greater(\"5\")",
        "k NotEquals(\"a b\")",
        "x.y Present",
    ];
    assert_eq!(found, fields);

    let query = read(
        r#"-noisy -404 -time* -"a \"phrase\"" -"a phr"* -/a(b| c)/ -/x/i -/api/users -12:30 -é -(x) -=7"#,
    );
    let phrases = query.not_phrases.iter();
    let found: Vec<_> = phrases.map(|p| (p.text(), p.is_prefix())).collect();
    let expected = [
        ("noisy", false),
        ("404", false),
        ("time", true),
        ("a \"phrase\"", false),
        ("a phr", true),
        ("/api/users", false),
        ("12:30", false),
        ("é", false),
        ("(x)", false),
        ("=7", false),
    ];
    assert_eq!(found, expected);
    let [one, other] = &query.not_patterns[..] else {
        panic!("{:?}", query.not_patterns)
    };
    assert_eq!(one.as_str(), "a(b| c)");
    assert!(other.is_match("X"));

    for (text, least, most, not) in [
        ("-level:error", None, Some(39), &[][..]),
        ("-level:>=warning level:info", Some(20), Some(29), &[]),
        ("-level:<=info -level:<=5", Some(21), None, &[]),
        ("-level:=error -level:=35", None, None, &[40, 35]),
    ] {
        let query = read(text);
        let bounds = (query.min_level.map(|l| l.0), query.max_level.map(|l| l.0));
        assert_eq!(bounds, (least, most), "{text}");
        let found: Vec<i32> = query.not_levels.iter().map(|level| level.0).collect();
        assert_eq!(found, not, "{text}");
    }
}

#[test]
fn patterns_stand_between_slashes_and_each_must_match() {
    let query = read(r"/time(out)? \/x/ /ADA/i");
    assert_eq!(query.grep.unwrap().as_str(), r"time(out)? \/x");
    let [other] = &query.also[..] else {
        panic!("{:?}", query.also)
    };
    assert!(other.grep.as_ref().unwrap().is_match("of ada"));
}

/// Of each text what is wrong, and what is said of it.
#[track_caller]
fn assert_refused(cases: &[(&str, &str, &str)]) {
    for (text, place, message) in cases {
        let error = parse_search(text, 0, Zone::Utc).unwrap_err();
        let units: Vec<u16> = text.encode_utf16().collect();
        let marked = String::from_utf16(&units[error.from..error.to]).unwrap();
        assert_eq!(marked, *place, "{text}: {error}");
        assert!(error.message.contains(message), "{text}: {error}");
        assert!(!error.message.contains('\n'), "{error}");
    }
}

#[test]
fn what_cannot_be_read_is_told_with_its_place() {
    assert_refused(&[
        ("level:loud", "loud", "unknown level \"loud\"; use notset"),
        ("level:>=loud x", "loud", "unknown level"),
        ("level:\"=\" x", "\"=\"", "unknown level \"\""),
        ("😀 name: x", "name:", "nothing behind name:"),
        ("a host:\"\"", "host:\"\"", "nothing behind host:"),
        (
            "ä since:never",
            "never",
            "cannot read \"never\" as a time: it is none of the known forms; use 2026",
        ),
        ("since:\"1 hour \\\"\"", "\"1 hour \\\"\"", "as a time"),
        ("until:+5 a", "+5", "a duration needs a unit"),
        (
            "since:2h until:3h",
            "until:3h",
            "since: is later than until:",
        ),
        (
            "level:error level:<=info",
            "level:<=info",
            "the least level is above",
        ),
        ("x /a(b/ y", "(b", "unclosed group"),
        (
            "k~a( y",
            "(",
            "cannot read \"a(\" as a regular expression: unclosed group; a backslash",
        ),
        ("k~\"a\\\"(\" y", "\"a\\\"(\"", "unclosed group"),
        ("x k>= y", "k>=", "nothing to compare k with"),
        ("x \"a b", "\"a b", "not closed"),
        ("x k=\"a\\\"", "\"a\\\"", "not closed"),
        ("k=\"a\"b c", "b", "blank is missing"),
        ("\"a\"*b", "b", "blank is missing"),
        ("k=a\"b", "\"", "in quotes as a whole"),
        ("ab\"c d\"", "\"", "a quote within a word"),
        ("x \"  \" y", "\"  \"", "no words"),
        ("x * y", "*", "beginning of a word"),
        ("a*b", "*", "at the end of a word"),
        ("x -host: y", "-host:", "nothing behind host:"),
        ("x -since:-1h y", "-since:-1h", "since: cannot be left out"),
        ("-until:now", "-until:now", "until: cannot be left out"),
        ("-level:loud", "loud", "unknown level \"loud\""),
        ("-level:-2147483648", "-2147483648", "no level is left"),
        ("-level:<=2147483647 x", "2147483647", "no level is left"),
        (
            "level:error -level:warning",
            "-level:warning",
            "the least level is above",
        ),
        ("-\"a b", "-\"a b", "not closed"),
        ("-\" \" x", "-\" \"", "no words"),
        ("-* x", "-*", "beginning of a word"),
        ("-ab\"c", "\"", "a quote within a word"),
        ("-/a(b/ y", "(b", "unclosed group"),
        ("x -k>= y", "k>=", "nothing to compare k with"),
    ]);
}

#[test]
fn what_other_tools_write_is_refused_with_the_way_out() {
    assert_refused(&[
        (
            "ä logger:a.b",
            "logger:",
            "logger: is no key here; write name:myapp.area2",
        ),
        ("-pid:7 x", "-pid:", "write process:4711"),
        ("msg:\"a b\"", "msg:", "the words alone"),
        ("x time: 12:30", "time:", "since:-1h"),
        ("severity:error", "severity:", "level:warning"),
        (
            "ä OR b",
            "OR",
            "/one|other/ finds either; in quotes it is a word: \"OR\"",
        ),
        ("a AND b", "AND", "all terms must hold anyway"),
        ("NOT KeyError", "NOT", "leaves it out: -word"),
        (
            "x !KeyError y",
            "!KeyError",
            "leaves out what is behind it: -word",
        ),
        ("!\"a b\"", "!\"a", "\"!word\""),
        (
            "elapsed > 5",
            ">",
            "no blanks around an operator: elapsed>5",
        ),
        ("a != b", "!=", "no blanks"),
        ("x ~ y", "~", "in quotes it is a word: \"~\""),
        ("x level>=warning", "level>=", "level:warning (at least)"),
        (
            "-level=error",
            "-level=",
            "level:=error; an extra field of that name is extra.level",
        ),
        ("host=vm", "host=", "write host:node1"),
        ("logger!=a", "logger!=", "write name:myapp.area2"),
    ]);
}

fn piece() -> impl Strategy<Value = String> {
    let known = prop::sample::select(vec![
        "level:", "name:", "-name:", "msg:", "since:", "until:", "has:", "warning", "-1h", "12:30",
        "k", ">=", "<", "=", "~", "!=", "\"", "\\", "/", "i", "*", " ", "OR", "!", "😀", "é", "-",
        "(", "[", "a",
    ]);
    prop_oneof![4 => known.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)]
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_at_a_place_within(pieces in prop::collection::vec(piece(), 0..12)) {
        let text = pieces.concat();
        if let Err(error) = parse_search(&text, 0, Zone::Utc) {
            let units: Vec<u16> = text.encode_utf16().collect();
            prop_assert!(error.from < error.to && error.to <= units.len(), "{text:?} {error:?}");
            prop_assert!(String::from_utf16(&units[error.from..error.to]).is_ok(), "{text:?} {error:?}");
        }
    }

    /// As a page quotes what it found.
    #[test]
    fn any_value_in_quotes_is_read_as_it_is(value in "[^\u{0}]{1,8}") {
        let quoted = format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
        let query = read(&format!("a name:{quoted} k={quoted}"));
        prop_assert_eq!(&query.names[0], &value);
        prop_assert_eq!(shown(&query.fields[0]), format!("k Equals({value:?})"));
    }
}
