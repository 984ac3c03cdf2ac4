//! What holds for every message, hostile ones too.

mod senders;

use chrono::{Local, NaiveDateTime, TimeZone as _};
use proptest::prelude::*;
use serde_json::Value;

use super::SyslogDecoder;
use crate::batch::Batch;
use crate::error::WireError;
use crate::record::LogRecord;
use crate::wire::Context;

/// 2026-11-22 16:20:25 UTC.
const NOW: i64 = 1_795_364_425_000_000_000;

fn decode_at(message: &[u8], now_ns: i64) -> Result<LogRecord, WireError> {
    let context = Context {
        hostname: "peer",
        now_ns,
    };
    let mut batch = Batch::new();
    SyslogDecoder::new().decode(message, &context, &mut batch)?;
    let row = batch.iter().next().unwrap();
    let record = batch.to_record(&row);
    // What is no sound JSON would be kept under a key of its own.
    assert!(record.extra.contains_key("facility"), "{record:?}");
    Ok(record)
}

fn decode(message: impl AsRef<[u8]>) -> LogRecord {
    decode_at(message.as_ref(), NOW).unwrap()
}

#[test]
fn a_byte_order_mark_before_the_priority_is_nothing() {
    let record = decode(b"\xEF\xBB\xBF<14>m");
    assert_eq!((record.site.level.0, &*record.message), (20, "m"));
}

#[test]
fn level_and_facility_come_from_the_priority() {
    for (message, level, name, facility) in [
        ("<0>m", 50, "EMERGENCY", "kern"),
        ("<9>m", 50, "ALERT", "user"),
        ("<18>m", 50, "CRITICAL", "mail"),
        ("<27>m", 40, "ERROR", "daemon"),
        ("<36>m", 30, "WARNING", "auth"),
        ("<165>1 - - - - - - m", 25, "NOTICE", "local4"),
        ("<86>Nov 22 16:20:25 h a: m", 20, "INFO", "authpriv"),
        ("<191>m", 10, "DEBUG", "local7"),
        ("m", 25, "NOTICE", "user"),
    ] {
        let record = decode(message);
        let found = (record.site.level.0, &*record.site.level_name);
        assert_eq!(found, (level, name), "{message}");
        assert_eq!(record.extra["facility"], facility, "{message}");
    }
}

#[test]
fn a_year_that_was_not_sent_is_the_nearest_one() {
    let local = |text: &str| {
        let shown: NaiveDateTime = text.parse().unwrap();
        let at = Local.from_local_datetime(&shown).earliest().unwrap();
        at.timestamp_nanos_opt().unwrap()
    };
    for (now, sent, expected) in [
        (
            "2027-01-01T00:00:05",
            "Dec 31 23:59:59",
            "2026-12-31T23:59:59",
        ),
        (
            "2026-12-31T23:59:59",
            "Jan  1 00:00:05",
            "2027-01-01T00:00:05",
        ),
        (
            "2026-07-10T12:00:00",
            "Jul 10 12:00:00",
            "2026-07-10T12:00:00",
        ),
        (
            "2028-03-01T12:00:00",
            "Feb 29 12:00:00",
            "2028-02-29T12:00:00",
        ),
    ] {
        let message = format!("<13>{sent} h a: m");
        let record = decode_at(message.as_bytes(), local(now)).unwrap();
        assert_eq!(record.created_ns, local(expected), "{now}: {sent}");
    }
}

#[test]
fn bytes_that_are_no_text_are_escaped_wherever_they_stand() {
    let record = decode(b"<14>1 - h\xff a\xfe - m\xfd [i\xfc n\xfb=\"v\xfa\"] t\xf9\0\n");
    assert_eq!(record.origin.hostname, "h\\xff");
    assert_eq!(record.site.name, "a\\xfe");
    assert_eq!(record.message, "t\\xf9");
    assert_eq!(record.extra["msgid"], "m\\xfd");
    assert_eq!(
        record.extra["structured_data"]["i\\xfc"]["n\\xfb"],
        "v\\xfa"
    );
}

#[test]
fn only_an_empty_message_is_none() {
    for message in [&b""[..], b"\0", b"\r\n"] {
        let error = decode_at(message, NOW).unwrap_err().to_string();
        assert_eq!(error, "not syslog: the message is empty");
    }
}

#[test]
fn a_decoder_forgets_the_message_before() {
    let context = Context {
        hostname: "peer",
        now_ns: NOW,
    };
    let (mut decoder, mut batch) = (SyslogDecoder::new(), Batch::new());
    for message in [
        "<14>1 - h a 1 m [x y=\"z\"] t",
        "<14>1 - h a 1 - [x y=\"z\" t",
        "<14>t",
    ] {
        decoder
            .decode(message.as_bytes(), &context, &mut batch)
            .unwrap();
    }
    let extras: Vec<_> = batch
        .iter()
        .map(|record| record.texts.extra.unwrap())
        .collect();
    let full = r#"{"facility":"user","msgid":"m","structured_data":{"x":{"y":"z"}}}"#;
    let bare = r#"{"facility":"user"}"#;
    assert_eq!(extras, [full, bare, bare]);
}

/// All texts of a record.
fn texts(record: &LogRecord) -> String {
    let (site, origin) = (&record.site, &record.origin);
    let extra = Value::from(record.extra.clone());
    format!(
        "{} {} {} {extra}",
        site.name, origin.hostname, record.message
    )
}

proptest! {
    #[test]
    fn nothing_panics(message in prop::collection::vec(any::<u8>(), 1..200), now_ns in any::<i64>()) {
        let _ = decode_at(&message, now_ns);
        let _ = decode_at(&[b"<14>1 ", &*message].concat(), now_ns);
        let _ = decode_at(&[b"<14>Nov 22 16:20:25 ", &*message].concat(), now_ns);
        let _ = decode_at(&[b"<14>1 - h a - - [", &*message].concat(), now_ns);
    }

    #[test]
    fn text_is_kept_somewhere(
        beginning in "(<14>)?(1 |29: )?(2026-11-22T16:20:25Z |Nov 22 16:20:25 )?",
        words in prop::collection::vec("[-@:=\"\\[\\]<>a-z0-9.%\\\\]{0,8}", 0..8),
        place in any::<prop::sample::Index>(),
    ) {
        let mut words = words;
        let place = place.index(words.len() + 1);
        words.insert(place, "marker".into());
        let record = decode(beginning + &words.join(" "));
        prop_assert!(texts(&record).contains("marker"), "{record:?}");
    }
}
