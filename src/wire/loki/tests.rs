//! Push requests become records.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::level::Level;
use crate::record::LogRecord;
use crate::wire::protobuf::{put_bytes, put_varint};

const CONTEXT: Context<'static> = Context {
    hostname: "peer",
    now_ns: 99,
};

const LIMIT_BYTES: usize = 1 << 20;

type Pairs = Vec<(String, String)>;

/// A request with one stream; every entry has the same line.
#[derive(Debug, Clone)]
struct Push {
    labels: Pairs,
    line: String,
    entries: Vec<(i64, Pairs)>,
}

impl Push {
    fn json(&self) -> String {
        let object = |pairs: &Pairs| {
            let members = pairs.iter().map(|(key, value)| (key.clone(), json!(value)));
            serde_json::Value::Object(members.collect())
        };
        let values: Vec<_> = self
            .entries
            .iter()
            .map(|(time, metadata)| json!([time.to_string(), self.line, object(metadata)]))
            .collect();
        json!({"streams": [{"values": values, "stream": object(&self.labels)}]}).to_string()
    }

    /// Before it is packed.
    fn protobuf(&self) -> Vec<u8> {
        let quoted = |(key, value): &(String, String)| {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"");
            format!("{key}=\"{value}\"")
        };
        let labels: Vec<String> = self.labels.iter().map(quoted).collect();
        let mut stream = Vec::new();
        put_bytes(
            1,
            format!("{{{}}}", labels.join(", ")).as_bytes(),
            &mut stream,
        );
        for (time, metadata) in &self.entries {
            let (mut entry, mut timestamp) = (Vec::new(), Vec::new());
            let seconds = time.div_euclid(1_000_000_000).cast_unsigned();
            put_varint(1, seconds, &mut timestamp);
            let nanoseconds = time.rem_euclid(1_000_000_000).cast_unsigned();
            put_varint(2, nanoseconds, &mut timestamp);
            put_bytes(1, &timestamp, &mut entry);
            put_bytes(2, self.line.as_bytes(), &mut entry);
            for (name, value) in metadata {
                let mut pair = Vec::new();
                put_bytes(1, name.as_bytes(), &mut pair);
                put_bytes(2, value.as_bytes(), &mut pair);
                put_bytes(3, &pair, &mut entry);
            }
            put_bytes(2, &entry, &mut stream);
        }
        put_varint(3, 12_345, &mut stream);
        let mut request = Vec::new();
        put_bytes(1, &stream, &mut request);
        request
    }
}

fn packed(body: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(body).unwrap()
}

type Decoded = Result<(Vec<LogRecord>, Vec<String>), WireError>;

/// `decode` on an empty batch.
fn decoded(
    decode: impl FnOnce(&mut Batch, &mut dyn FnMut(WireError)) -> Result<Outcome, WireError>,
) -> Decoded {
    let (mut batch, mut rejected) = (Batch::new(), Vec::new());
    let outcome = decode(&mut batch, &mut |error| rejected.push(error.to_string()));
    assert!(outcome.is_ok() || batch.is_empty(), "nothing stays");
    let records: Vec<_> = batch.iter().map(|row| batch.to_record(&row)).collect();
    let outcome = outcome?;
    assert_eq!(outcome.accepted, records.len() as u64);
    assert_eq!(outcome.rejected, rejected.len() as u64);
    Ok((records, rejected))
}

fn of_json(body: &[u8]) -> Decoded {
    decoded(|batch, reject| LokiDecoder::new().decode_json(body, &CONTEXT, batch, reject))
}

fn of_protobuf(body: &[u8]) -> Decoded {
    decoded(|batch, reject| {
        LokiDecoder::new().decode_protobuf(body, LIMIT_BYTES, &CONTEXT, batch, reject)
    })
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Pairs {
    pairs.map(|(key, value)| (key.into(), value.into())).into()
}

#[test]
fn labels_and_metadata_get_their_places() {
    let push = Push {
        labels: pairs([
            ("service_name", "shop-svc"),
            ("job", "shop"),
            ("instance", "node1"),
            ("filename", "/var/log/shop.log"),
            ("env", "prod"),
        ]),
        line: "level=warn msg=\"low\"\n".into(),
        entries: vec![(
            1_795_300_000_000_000_001,
            pairs([("detected_level", "warn"), ("env", "test"), ("user", "ada")]),
        )],
    };
    let records = of_json(push.json().as_bytes()).unwrap().0;
    assert_eq!(of_protobuf(&packed(&push.protobuf())).unwrap().0, records);
    let record = &records[0];
    assert_eq!(record.created_ns, 1_795_300_000_000_000_001);
    assert_eq!(record.message, push.line);
    let site = &record.site;
    assert_eq!((&*site.name, site.level), ("shop", Level::WARNING));
    assert_eq!((&*site.level_name, site.filename()), ("warn", "shop.log"));
    assert_eq!(record.origin.hostname, "node1");
    let extra = json!({"service_name": "shop-svc", "env": "test", "user": "ada"});
    assert_eq!(json!(record.extra), extra);
}

#[test]
fn what_was_not_sent_follows_from_the_rest() {
    let body = r#"{"streams":[{"stream":{},"values":[["0","a"],[5,"b",null]]},{"values":null}]}"#;
    let records = of_json(body.as_bytes()).unwrap().0;
    assert_eq!((records[0].created_ns, records[1].created_ns), (99, 5));
    assert_eq!(records[1].origin.hostname, "peer");
    assert_eq!(records[1].site.level, Level::NOTSET);
    assert!(records[1].extra.is_empty());
}

#[test]
fn the_json_of_before_loki_1_is_read() {
    let body = r#"{"streams":[{"labels":"{job=\"shop\", env=\"prod\"}","entries":[
        {"ts":"2026-11-22T17:20:25.123456789+01:00","line":"a"},{"ts":"soon","line":"b"},{"line":"c"}]}]}"#;
    let (records, rejected) = of_json(body.as_bytes()).unwrap();
    assert_eq!(records[0].created_ns, 1_795_364_425_123_456_789);
    assert_eq!(
        (&*records[0].site.name, &*records[0].message),
        ("shop", "a")
    );
    assert_eq!(json!(records[0].extra), json!({"env": "prod"}));
    assert_eq!((records.len(), records[1].created_ns), (2, 99));
    assert!(rejected[0].contains("\"soon\" is no time"), "{rejected:?}");
}

#[test]
fn an_entry_that_cannot_be_read_costs_only_itself() {
    let body = r#"{"streams":[{"stream":{"a":"1"},"values":[
        ["yesterday","x"],["1"],["1","x",{"n":7}],["2","kept"],["3","x",{},4]]}]}"#;
    let (records, rejected) = of_json(body.as_bytes()).unwrap();
    assert_eq!((records.len(), rejected.len()), (1, 4));
    assert_eq!(records[0].message, "kept");
    assert!(
        rejected[0]
            .starts_with("not Loki: an entry cannot be read: invalid value: string \"yester"),
        "{rejected:?}"
    );
}

#[test]
fn a_body_that_is_no_request_gives_nothing() {
    for body in [
        "",
        "{}",
        "[]",
        r#"{"streams":[{"stream":{"a":1},"values":[]}]}"#,
        r#"{"streams":[{"stream":{"a":"1"},"lines":[]}]}"#,
        r#"{"streams":[{"labels":"a=1","entries":[]}]}"#,
    ] {
        assert!(of_json(body.as_bytes()).is_err(), "{body}");
    }
    let mut stream = Vec::new();
    put_bytes(1, b"app=shop", &mut stream);
    let mut request = Vec::new();
    put_bytes(1, &stream, &mut request);
    let error = of_protobuf(&packed(&request)).unwrap_err().to_string();
    let reason = "not Loki: corrupt protobuf: labels are not as in {app=\"shop\"}";
    assert_eq!(error, reason);
}

#[test]
fn a_bomb_is_seen_before_it_is_unpacked() {
    let body = packed(&vec![0; LIMIT_BYTES + 1]);
    let error = of_protobuf(&body).unwrap_err().to_string();
    assert!(error.contains("1048577 bytes when unpacked"), "{error}");
    // Claims 4 GiB, and holds nothing.
    assert!(of_protobuf(b"\xff\xff\xff\xff\x0f").is_err());
    let error = of_protobuf(b"{\"streams\":[]}").unwrap_err().to_string();
    assert!(
        error.starts_with("not Loki: the body is not snappy's"),
        "{error}"
    );
}

fn some_pairs() -> impl Strategy<Value = Pairs> {
    const NAMES: [&str; 7] = ["job", "app", "level", "severity", "host", "filename", "a"];
    let name = prop_oneof![
        prop::sample::select(NAMES.as_slice()).prop_map(str::to_owned),
        "[a-z]{1,3}"
    ];
    prop::collection::vec((name, "\\PC{0,6}"), 0..12)
}

fn push() -> impl Strategy<Value = Push> {
    let entries = prop::collection::vec(
        (
            any::<i32>().prop_map(|s| i64::from(s) * 1_000_000_007),
            some_pairs(),
        ),
        0..4,
    );
    (some_pairs(), "\\PC{0,9}", entries).prop_map(|(labels, line, entries)| Push {
        labels,
        line,
        entries,
    })
}

proptest! {
    #[test]
    fn protobuf_and_json_give_the_same_records_with_all_labels(push in push()) {
        let (records, rejected) = of_json(push.json().as_bytes()).unwrap();
        let (others, others_rejected) = of_protobuf(&packed(&push.protobuf())).unwrap();
        prop_assert_eq!(&records, &others);
        prop_assert_eq!(rejected.len(), others_rejected.len());
        for (record, (_, metadata)) in records.iter().zip(&push.entries) {
            let mut fields: Vec<_> = push.labels.iter().chain(metadata).cloned().collect();
            crate::wire::members::keep_last(&mut fields);
            let (site, origin) = (&record.site, &record.origin);
            let columns = [&site.name, &site.level_name, &site.pathname, &origin.hostname];
            for (key, value) in &fields {
                let found = record.extra.get(key) == Some(&json!(value));
                prop_assert!(found || columns.contains(&value), "{key} {record:?}");
            }
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = of_json(&bytes);
        let _ = of_protobuf(&bytes);
        let _ = of_protobuf(&packed(&bytes));
    }

    #[test]
    fn no_change_of_a_request_makes_it_panic(
        push in push(), at in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let (mut protobuf, mut json) = (push.protobuf(), push.json().into_bytes());
        let i = at.index(protobuf.len());
        protobuf[i] = byte;
        let i = at.index(json.len());
        json[i] = byte;
        let _ = of_json(&json);
        let _ = of_protobuf(&packed(&protobuf));
    }
}
