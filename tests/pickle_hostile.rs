//! Pickles made to do harm: nothing is executed, nothing panics, output and time stay within bounds, and the record around a
//! hostile value is kept.

#![expect(clippy::unwrap_used, reason = "a test may")]

#[path = "pickles/bounds.rs"]
mod bounds;

use serde_json::{Value, json};

use crate::bounds::{decode, record_of, record_with, text};

/// A text of 50,000 bytes that are no UTF-8.
fn stray() -> Vec<u8> {
    [b"X\x50\xc3\x00\x00".as_slice(), &b"\xff".repeat(50_000)].concat()
}

fn global(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

/// What `x` became. The rest of the record must be there, too.
fn extra_of(opcodes: &[u8]) -> Value {
    let pickle = record_with(opcodes);
    let record = decode(&pickle).unwrap_or_else(|error| {
        panic!(
            "{error}: {}",
            opcodes[..opcodes.len().min(200)].escape_ascii()
        )
    });
    assert_eq!((&*record.message, &*record.site.name), ("kept", "myapp"));
    assert_eq!(
        (&record.extra["before"], &record.extra["after"]),
        (&json!(1), &json!(2))
    );
    record.extra["x"].clone()
}

/// A list of one item many times over, but for the first time by reference.
fn repeated(item: &[u8], times: usize) -> Vec<u8> {
    [b"](", item, b"q\x00", &b"h\x00".repeat(times), b"e"].concat()
}

#[test]
fn nothing_is_called_whichever_opcode_asks_for_it() {
    let marker = std::env::temp_dir().join(format!("logstore-called-{}", std::process::id()));
    let command = format!("touch {}", marker.display());
    let arg = text(&command);
    let system = global("os", "system");
    let (module, name) = (text("os"), text("system"));
    let called = json!({"__class__": "os.system", "__args__": [command]});
    let with_state = json!({"__class__": "os.system", "__args__": [command], "a": 1});
    let with_kwargs =
        json!({"__class__": "os.system", "__args__": [command], "__kwargs__": {"a": 1}});
    let a_is_1 = [b"}", &text("a")[..], b"K\x01s"].concat();
    let reconstructor = global("copy_reg", "_reconstructor");
    for (opcodes, expected) in [
        ([&system[..], b"(", &arg, b"tR"].concat(), &called),
        ([&system[..], &arg, b"\x85R"].concat(), &called),
        (
            [&module[..], &name, b"\x93", &arg, b"\x85R"].concat(),
            &called,
        ),
        ([b"(", &arg[..], b"ios\nsystem\n"].concat(), &called),
        ([b"(", &system[..], &arg, b"o"].concat(), &called),
        ([&system[..], &arg, b"\x85\x81"].concat(), &called),
        (
            [&system[..], &arg, b"\x85", &a_is_1, b"\x92"].concat(),
            &with_kwargs,
        ),
        (
            [&system[..], &arg, b"\x85R", &a_is_1, b"b"].concat(),
            &with_state,
        ),
        (
            [&reconstructor[..], &system, b"c__builtin__\nobject\nN\x87R"].concat(),
            &json!({"__class__": "os.system"}),
        ),
        (system.clone(), &json!("<os.system>")),
        (b"\x82\x05".to_vec(), &json!("<extension 5>")),
        (b"\x83\x05\x01".to_vec(), &json!("<extension 261>")),
        (b"\x84\x05\x00\x00\x00".to_vec(), &json!("<extension 5>")),
        (b"Pmine\n".to_vec(), &json!("<persistent id 'mine'>")),
        (
            [&text("mine")[..], b"Q"].concat(),
            &json!("<persistent id 'mine'>"),
        ),
    ] {
        assert_eq!(extra_of(&opcodes), *expected, "{}", opcodes.escape_ascii());
    }
    assert!(!marker.exists(), "a pickle was executed");
}

#[test]
fn well_known_classes_with_odd_arguments_are_only_described() {
    let long = text(&"9".repeat(5_000));
    for (module, name) in [
        ("datetime", "datetime"),
        ("datetime", "date"),
        ("datetime", "time"),
        ("datetime", "timedelta"),
        ("datetime", "timezone"),
        ("zoneinfo", "ZoneInfo"),
        ("decimal", "Decimal"),
        ("fractions", "Fraction"),
        ("uuid", "UUID"),
        ("pathlib", "PosixPath"),
        ("pathlib", "WindowsPath"),
        ("ipaddress", "IPv4Address"),
        ("builtins", "set"),
        ("builtins", "frozenset"),
        ("builtins", "bytes"),
        ("builtins", "bytearray"),
        ("builtins", "complex"),
        ("builtins", "range"),
        ("builtins", "slice"),
        ("builtins", "getattr"),
        ("builtins", "OSError"),
        ("_codecs", "encode"),
        ("collections", "OrderedDict"),
        ("collections", "defaultdict"),
        ("collections", "deque"),
        ("collections", "Counter"),
        ("numpy.core.multiarray", "scalar"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.numeric", "_frombuffer"),
        ("numpy", "dtype"),
        ("pytz", "_p"),
        ("copyreg", "_reconstructor"),
        ("copyreg", "__newobj__"),
        ("copyreg", "__newobj_ex__"),
        ("functools", "partial"),
        ("types", "SimpleNamespace"),
        ("logging", "getLogger"),
    ] {
        let global = global(module, name);
        let args = [
            b"N".as_slice(),
            b"K\x05",
            b"J\xff\xff\xff\xff",
            b"]",
            b")",
            b"}",
            &long,
            &global,
        ];
        let states = [
            b"".as_slice(),
            b"Nb",
            b"K\x05b",
            b")b",
            b"}}\x86b",
            b"(NNNNNNNNNtb",
        ];
        for arg in args {
            for count in 0..5 {
                let args = [b"(", &arg.repeat(count)[..], b"t"].concat();
                for state in states {
                    extra_of(&[&global[..], &args, b"R", state].concat());
                    extra_of(&[&global[..], &args, b"\x81", state].concat());
                    // What it made is called in its turn.
                    extra_of(&[&global[..], &args, b"R)R", state].concat());
                }
            }
        }
        // The argument is an object of the same class that came to nothing.
        extra_of(&[&global[..], &global, b")R\x85R"].concat());
        // The argument contains itself.
        extra_of(&[&global[..], b"]q\x00h\x00a\x85R"].concat());
    }
}

#[test]
fn what_claims_more_than_there_is_is_refused() {
    for claim in [
        b"X\xff\xff\xff\xff".as_slice(),
        b"B\xff\xff\xff\xff",
        b"T\xff\xff\xff\x7f",
        b"T\xff\xff\xff\xff",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x96\x00\x00\x00\x00\x01\x00\x00\x00",
        b"\x8b\xff\xff\xff\x7f",
        b"\x8b\xff\xff\xff\xff",
        b"U\xff",
        b"C\xff",
        b"r\xff\xff\xff\xff",
        b"p99999999999999999999\n",
        b"p-1\n",
        b"j\xff\xff\xff\xff",
        b"h\xff",
        b"g5\n",
        b"I99999999999999999999999999x\n",
        b"F1e\n",
        b"V\\u12\n",
        b"S'open\n",
        b"0000",
        b"tttt",
        b"s",
        b"u",
        b"a",
        b"e",
        b"R",
        b"b",
        b"\x81",
        b"\x92",
        b"\x93",
        b"\x90",
        b"\x85\x86\x87\x87\x87",
        b"Q",
        b"o",
        b"i\n\n",
        b"c\n",
        b"\xff",
        b"\x00",
    ] {
        // Alone, as all there is, and in a record: whatever comes of it, no panic.
        for pickle in [
            [claim, b"."].concat(),
            [b"\x80\x04", claim].concat(),
            record_with(claim),
        ] {
            let _ = decode(&pickle);
        }
        assert!(decode(claim).is_err(), "{}", claim.escape_ascii());
    }
}

#[test]
fn bombs_do_not_go_off() {
    let million = 1_000_000;
    let _ = decode(&b"(".repeat(million));
    let _ = decode(&[b"N", &b"2".repeat(million)[..], b"."].concat());
    let _ = decode(&record_with(
        &[b"(N", &b"2".repeat(million / 2)[..], b"t"].concat(),
    ));
    let _ = decode(&record_with(&b"]".repeat(million / 8)));
    // Each opcode puts into the memo far beyond the last one.
    let far =
        (0..20_000_u32).flat_map(|i| [b"Nr", &(i * 200_000).to_le_bytes()[..], b"0"].concat());
    let _ = decode(&[&far.collect::<Vec<u8>>()[..], b"N."].concat());
    // Ten of the level below in each level.
    let mut laughs = text("ha");
    laughs.extend(b"q\x00");
    for level in 1..100_u8 {
        let again = [b'h', level - 1].repeat(9);
        laughs = [b"](", &laughs[..], &again, b"eq", &[level]].concat();
    }
    extra_of(&laughs);
    extra_of(&[&text("ha")[..], &b"2\x86".repeat(10_000)].concat());
    extra_of(&[b"}q\x00", &b"(K\x01h\x00K\x02h\x00u".repeat(1_000)[..]].concat());
}

#[test]
fn deep_nesting_is_cut_and_the_record_kept() {
    for depth in [50, 99, 100, 101, 2_000, 50_000] {
        let nestings: [(&[u8], &[u8]); 5] = [
            (b"]", b"a"),
            (b"}K\x01", b"s"),
            (b"(", b"t"),
            (b"(", b"l"),
            (b"", b"\x85"),
        ];
        for (open, close) in nestings {
            let opcodes = [&open.repeat(depth)[..], b"N", &close.repeat(depth)].concat();
            let value = extra_of(&opcodes);
            assert_eq!(value.to_string().contains('…'), depth > 100, "{depth}");
        }
        let calls = [
            &b"cm\nC\n".repeat(depth)[..],
            b")R",
            &b"\x85R".repeat(depth - 1),
        ]
        .concat();
        extra_of(&calls);
    }
}

#[test]
fn what_is_repeated_by_reference_is_paid_for() {
    let long = text(&"k".repeat(50_000));
    let many = 20_000;
    let empties = [b"(", &text("").repeat(many)[..], b"t"].concat();
    let big = [b"\x8b\x00\x06\x00\x00".as_slice(), &[0x7F; 0x600]].concat();
    let same_keys = [b"}(", &b"K\x01N".repeat(many)[..], b"u"].concat();
    let path = [&global("pathlib", "PosixPath")[..], &empties, b"R"].concat();
    let namespace = [
        &global("types", "SimpleNamespace")[..],
        b")R",
        &same_keys,
        b"b",
    ]
    .concat();
    let encoded = [
        &global("_codecs", "encode")[..],
        &long,
        &text("latin1"),
        b"\x86R",
    ]
    .concat();
    let date = [&global("datetime", "date")[..], &encoded, b"\x85R"].concat();
    let uuid = [&global("uuid", "UUID")[..], b")R", &same_keys, b"b"].concat();
    let ordered = [
        &global("collections", "OrderedDict")[..],
        b"](",
        &b")".repeat(many),
        b"e\x85R",
    ];
    let ordered = ordered.concat();
    let long_name = global(&"m".repeat(50_000), &"C".repeat(50_000));
    let numpy_dtype = |code: &str| {
        let dtype = [
            &global("numpy", "dtype")[..],
            &text(code),
            b"\x85R(K\x03",
            &text("<"),
        ]
        .concat();
        [&dtype[..], b"NNNK\x01K\x01K\x00tb"].concat()
    };
    let scalar = global("numpy.core.multiarray", "scalar");
    let zeros = [b"B\x80\x38\x01\x00".as_slice(), &vec![0; 80_000]].concat();
    let padded = [&scalar[..], &numpy_dtype("U20000"), &zeros, b"\x86R"].concat();
    let number = [&scalar[..], &numpy_dtype("b80000"), &zeros, b"\x86R"].concat();
    let dots = [
        &global("pathlib", "PosixPath")[..],
        &text(&"./".repeat(25_000)),
        b"\x85R",
    ]
    .concat();
    for item in [
        padded,
        number,
        dots,
        long,
        stray(),
        empties,
        big,
        same_keys,
        path,
        namespace,
        encoded,
        date,
        uuid,
        ordered,
        long_name,
    ] {
        extra_of(&repeated(&item, many));
        // As keys and values, of one dict and of many, and as arguments.
        extra_of(&[b"}(", &item[..], b"q\x00N", &b"h\x00N".repeat(many), b"u"].concat());
        let item = [b"](", &item[..], b"q\x00"].concat();
        extra_of(&[&item[..], &b"}h\x00h\x00s".repeat(many / 4), b"e"].concat());
        extra_of(&[&item[..], &b"cm\nC\nh\x00\x85R".repeat(many / 4), b"e"].concat());
    }
}

#[test]
fn the_records_own_keys_are_bounded_and_written_once() {
    let msg = [text("msg"), text("kept")].concat();
    for key in [text(&"k".repeat(50_000)), stray()] {
        let keys = [&key[..], b"q\x00N", &b"h\x00N".repeat(20_000)].concat();
        let record = decode(&[b"}(", &msg[..], &keys, b"u."].concat()).unwrap();
        assert_eq!(record.message, "kept");
    }
    let a = text("a");
    let keys = [&a[..], b"K\x01", &a, b"K\x02K\x05N", &text("5"), b"K\x03"].concat();
    let record = decode(&[b"}(", &msg[..], &keys, b"u."].concat()).unwrap();
    assert_eq!(Value::Object(record.extra), json!({"a": 2, "5": 3}));
}

#[test]
fn merging_is_bounded_and_what_does_not_merge_is_kept() {
    let many = |piece: &str, times: usize| text(&piece.repeat(times));
    let ones = |times| [b"(".as_slice(), &b"K\x01".repeat(times), b"t"].concat();
    let dag = [&text("ha")[..], &b"2\x86".repeat(500)].concat();
    let dict = [b"}(", &text("a")[..], b"N", &b"K\x01N".repeat(50_000), b"u"].concat();
    for (msg, args) in [
        (many("%9999d", 10_000), ones(10_000)),
        (many("%9999d", 90_000), ones(90_000)),
        (many("%.9999f", 9_000), ones(9_000)),
        (many("%%", 500_000), b"K\x01".to_vec()),
        (many("%(a)s", 9_999), dict.clone()),
        (many("%s", 1), [b"(", &dag[..], b"t"].concat()),
        (many("%s", 1), dag),
        (many("%99999999999999999999s", 1), b"K\x01\x85".to_vec()),
        (many("%(((((((a", 1_000), dict),
    ] {
        let record = decode(&record_of(&msg, &args, b"N")).unwrap();
        assert!(!record.message.is_empty());
    }
    let args = [&text("x")[..], b"\x85"].concat();
    let record = decode(&record_of(&text("%d items"), &args, b"N")).unwrap();
    assert_eq!(
        (&*record.message, &record.extra["args"]),
        ("%d items", &json!(["x"]))
    );
}
