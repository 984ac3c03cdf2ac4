//! Frames of half a megabyte that refer to one large value as often as they can: each look at it has to be paid for, even where
//! nothing of it is shown.

#![expect(clippy::unwrap_used, reason = "a test may")]

#[path = "pickles/bounds.rs"]
mod bounds;

use std::time::{Duration, Instant};

use logstore::LogRecord;

use crate::bounds::{decode, record_of, record_with, text};

/// How many bytes the large value has.
const LARGE: usize = 200_000;
/// How often it is referred to, in two bytes each.
const REFERENCES: usize = 120_000;

fn quick(what: &str, pickle: &[u8]) -> LogRecord {
    let start = Instant::now();
    let record = decode(pickle).unwrap();
    let taken = start.elapsed();
    assert!(taken < Duration::from_secs(3), "{what} took {taken:?}");
    record
}

/// Refers to an item many times in a list, with little around it and where the nesting ends.
fn referred_to(what: &str, item: &[u8]) {
    let list = [b"](", item, b"q\x01", &b"h\x01".repeat(REFERENCES), b"e"].concat();
    quick(what, &record_with(&list));
    let deep = [&b"]".repeat(98)[..], &list, &b"a".repeat(98)].concat();
    quick(&format!("{what}, deep"), &record_with(&deep));
}

/// Opcodes that put a text or bytes with a length of four bytes.
fn long(opcode: u8, bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).unwrap();
    [&[opcode], &len.to_le_bytes()[..], bytes].concat()
}

/// A text whose look costs more than one of ASCII.
fn large() -> Vec<u8> {
    text(&"é".repeat(LARGE / 2))
}

/// A call of something with these arguments.
fn call(module: &str, name: &str, args: &[&[u8]]) -> Vec<u8> {
    [
        format!("c{module}\n{name}\n").as_bytes(),
        b"(",
        &args.concat(),
        b"tR",
    ]
    .concat()
}

fn encoded(text: &[u8]) -> Vec<u8> {
    call("_codecs", "encode", &[text, &crate::text("latin1")])
}

/// Names and values by turns, the last name of which is none.
fn odd_pairs() -> Vec<u8> {
    let pairs = b"h\x02N".repeat(LARGE / 3);
    [b"(", &text("k")[..], b"q\x02N", &pairs, b"K\x05N"].concat()
}

#[test]
fn long_zone_names_are_not_looked_at() {
    let zero = call("datetime", "timedelta", &[b"K\x00K\x00K\x00"]);
    let state = long(b'B', b"\x07\xea\x0b\x16\x10\x14\x19\x00\x00\x00");
    for (module, name, args) in [
        ("datetime", "timezone", [zero, large()].concat()),
        ("zoneinfo", "ZoneInfo", large()),
        ("pytz", "_p", large()),
        ("pytz", "_p", [b"NK\x05N", &large()[..]].concat()),
    ] {
        let zone = call(module, name, &[&args]);
        let what = format!("{module}.{name}");
        referred_to(&what, &call("datetime", "datetime", &[&state, &zone]));
    }
}

#[test]
fn long_integers_are_paid_for() {
    let zeros = [b"L", &b"0".repeat(LARGE)[..], &b"9".repeat(40), b"L\n"].concat();
    let padded = long(0x8b, &vec![0; LARGE]);
    let digits = long(0x8b, &[0x7F; 1_600]);
    referred_to("zeros", &zeros);
    referred_to("padding", &padded);
    referred_to("a negative one's padding", &long(0x8b, &vec![0xFF; LARGE]));
    referred_to("some padding", &long(0x8b, &[0; 3_000]));
    for number in [&zeros, &padded] {
        referred_to("address", &call("ipaddress", "IPv6Address", &[number]));
        let parts: [&[u8]; 2] = [&digits, number];
        referred_to("fraction", &call("fractions", "Fraction", &parts));
    }
}

#[test]
fn bytes_in_a_call_are_paid_for() {
    let bytes = encoded(&large());
    referred_to("date", &call("datetime", "date", &[&bytes]));
    let dtype = call("numpy", "dtype", &[&text("U200000")]);
    let dtype = [&dtype[..], b"(K\x03", &text("<"), b"NNNK\x01K\x01K\x00tb"].concat();
    let module = "numpy.core.multiarray";
    referred_to("scalar", &call(module, "scalar", &[&dtype, &bytes]));
    let shape = [b"(", &b"K\x05".repeat(63)[..], b"Nt"].concat();
    let array = call(
        "numpy.core.numeric",
        "_frombuffer",
        &[b"N", &dtype, &shape, b"N"],
    );
    referred_to("array", &array);
}

#[test]
fn pairs_that_come_to_nothing_are_paid_for() {
    let object = [&call("m", "C", &[])[..], b"}", &odd_pairs(), b"ub"].concat();
    referred_to("state", &object);
    let key = large();
    let uuid = [&call("uuid", "UUID", &[])[..], b"}(", &key, b"NK\x05Nub"].concat();
    referred_to("uuid", &uuid);
    // Before Python 3 an OrderedDict is a list of lists of two, which the last one here is not.
    let pairs = [b"](NN\x86q\x02", &b"h\x02".repeat(LARGE / 2)[..], b"Ne"].concat();
    let ordered = call("collections", "OrderedDict", &[&pairs]);
    referred_to("ordered dict", &ordered);
}

#[test]
fn long_names_are_paid_for() {
    let getattr = |of: &[u8], name: &[u8]| call("builtins", "getattr", &[of, name]);
    for byte in [b'n', 0xFF] {
        let long_name = long(b'X', &[byte; 900]);
        let class = [&text("m")[..], &long_name, b"\x93"].concat();
        referred_to("class", &class);
        referred_to("object", &[&class[..], b")R"].concat());
        let mut member = class;
        for name in [&long_name, &long_name, &text("Color"), &text("RED")] {
            member = getattr(&member, name);
        }
        referred_to("member", &member);
    }
    // A name that is too long for one is shown as what it came in.
    let class = [&text("m")[..], &text(&"n".repeat(2_000)), b"\x93"].concat();
    let record = quick("long class", &record_with(&class));
    let shown = format!("<unknown 'm', '{}'>", "n".repeat(2_000));
    assert_eq!(record.extra["x"], shown);
}

#[test]
fn keys_are_looked_up_in_one_step() {
    let key = "k".repeat(4 * LARGE);
    let other = text(&format!("{}l", &key[1..]));
    let pairs = b"h\x00N".repeat(4 * LARGE / 3);
    let args = [b"}(", &other[..], b"q\x00N", &pairs, b"u"].concat();
    quick(
        "a long key",
        &record_of(&text(&format!("%({key})s")), &args, b"N"),
    );
    let pairs: Vec<u8> = (0..40_000_u32)
        .flat_map(|i| [&text(&format!("{i:05}"))[..], b"N"].concat())
        .collect();
    let args = [b"}(", &pairs[..], b"u"].concat();
    let msg = "%(00000)s".repeat(9_999);
    let record = quick("many keys", &record_of(&text(&msg), &args, b"N"));
    assert_eq!(record.message, "None".repeat(9_999));
}

#[test]
fn digits_that_are_not_shown_are_paid_for() {
    let args = [
        b"(G?\xe0\0\0\0\0\0\0q\x01",
        &b"h\x01".repeat(9_998)[..],
        b"t",
    ]
    .concat();
    let msg = "%.9999g".repeat(9_999);
    let record = quick("a float", &record_of(&text(&msg), &args, b"N"));
    assert_eq!(record.message, msg);
}

#[test]
fn one_text_in_all_names_is_cut_in_each() {
    let name = text(&"é".repeat(LARGE / 2));
    let mut pickle = [b"}(", &text("msg")[..], &text("kept"), &text("name"), &name].concat();
    pickle.extend(b"q\x00");
    for key in [
        "levelname",
        "pathname",
        "funcName",
        "filename",
        "module",
        "hostname",
        "processName",
        "threadName",
        "taskName",
    ] {
        pickle.extend([&text(key)[..], b"h\x00"].concat());
    }
    pickle.extend(b"u.");
    let record = quick("names", &pickle);
    let cut = "é".repeat(2_046) + "…";
    let (site, origin) = (&record.site, &record.origin);
    for name in [
        &site.name,
        &site.level_name,
        &site.pathname,
        &site.func_name,
        &origin.hostname,
        &origin.process_name,
        &origin.thread_name,
        record.task_name.as_ref().unwrap(),
    ] {
        assert_eq!(*name, cut);
    }
}

#[test]
fn a_payload_that_no_frame_holds_is_refused() {
    let limit = logstore::wire::MAX_FRAME_LIMIT;
    let error = decode(&vec![0; limit + 1]).unwrap_err();
    let claimed = limit as u64 + 1;
    assert_eq!(error, logstore::WireError::FrameTooLong { claimed, limit });
}
