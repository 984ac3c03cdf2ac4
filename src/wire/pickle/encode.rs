//! A record as a frame of Python's `SocketHandler`: what `logging.makeLogRecord(pickle.loads(payload))` takes.
//!
//! Pickle protocol 1, as Python sends it itself. Only opcodes for data are written: a dict of texts, numbers, lists and dicts.

use serde_json::{Map, Number, Value};

use super::fields::is_field;
use crate::record::LogRecord;
use crate::wire::HEADER_BYTES;

/// Adds the frame of a record to `out`: four bytes of length, then the pickle.
///
/// The dict has the attributes of a `LogRecord` as Python's `SocketHandler` leaves them (`args` and `exc_info` are None), the
/// extra fields as native values, and two that Python does not know: `hostname`, and `created_ns`, since `created` is a float and
/// good to a quarter of a microsecond. An extra field named like an attribute gets a `_` behind its name. What the
/// record does not know is None, or left out where None would trouble a formatter: `lineno`, `relativeCreated`, `hostname`.
///
/// ```
/// use logstore::wire::pickle::{Decoder, encode_frame};
/// use logstore::wire::{Context, HEADER_BYTES};
/// use logstore::{Batch, Level, LogRecord, Site};
///
/// let record = LogRecord::new(Site::new("myapp", Level::INFO), "hello").with("user", "ada");
/// let mut frame = Vec::new();
/// encode_frame(&record, &mut frame);
///
/// let mut batch = Batch::new();
/// let context = Context { hostname: "", now_ns: 0 };
/// Decoder::new().decode(&frame[HEADER_BYTES..], &context, &mut batch)?;
/// assert_eq!(batch.to_record(&batch.iter().next().unwrap()), record);
/// # Ok::<(), logstore::WireError>(())
/// ```
///
/// # Panics
///
/// When the frame would pass 4 GiB, which no record below [`Batch::MAX_RECORD_BYTES`](crate::Batch::MAX_RECORD_BYTES) does.
pub fn encode_frame(record: &LogRecord, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend([0; HEADER_BYTES]);
    Pickle { out }.record(record);
    let len = u32::try_from(out.len() - start - HEADER_BYTES).expect("a frame is below 4 GiB");
    out[start..start + HEADER_BYTES].copy_from_slice(&len.to_be_bytes());
}

/// Writes opcodes.
struct Pickle<'a> {
    out: &'a mut Vec<u8>,
}

impl Pickle<'_> {
    fn record(&mut self, record: &LogRecord) {
        let LogRecord {
            created_ns,
            site,
            origin,
            message,
            task_name,
            exc_text,
            stack_info,
            extra,
        } = record;
        self.out.extend(b"}(");
        self.text_field("name", &site.name);
        self.text_field("msg", message);
        self.none_field("args");
        self.text_field("levelname", &site.level_name);
        self.int_field("levelno", Some(site.level.0.into()));
        self.text_field("pathname", &site.pathname);
        self.text_field("filename", site.filename());
        self.text_field("module", site.module());
        self.none_field("exc_info");
        self.optional_field("exc_text", exc_text.as_deref());
        self.optional_field("stack_info", stack_info.as_deref());
        if site.lineno.is_some() {
            self.int_field("lineno", site.lineno);
        }
        self.text_field("funcName", &site.func_name);
        self.times(*created_ns, record.relative_created_ms());
        self.int_field("thread", origin.thread);
        self.text_field("threadName", &origin.thread_name);
        self.text_field("processName", &origin.process_name);
        self.int_field("process", origin.process);
        self.optional_field("taskName", task_name.as_deref());
        if !origin.hostname.is_empty() {
            self.text_field("hostname", &origin.hostname);
        }
        for (key, value) in extra {
            let mut key = key.clone();
            while is_field(key.as_bytes()) {
                key.push('_');
            }
            self.text(&key);
            self.value(value);
        }
        self.out.extend(b"u.");
    }

    fn times(&mut self, created_ns: i64, relative_ms: Option<f64>) {
        #[expect(
            clippy::cast_precision_loss,
            reason = "Python's time is a float; created_ns keeps the rest"
        )]
        let seconds = created_ns as f64 / 1e9;
        let milliseconds = created_ns.rem_euclid(1_000_000_000) / 1_000_000;
        self.text("created");
        self.float(seconds);
        self.int_field("created_ns", Some(created_ns));
        self.text("msecs");
        self.float(f64::from(u16::try_from(milliseconds).unwrap_or_default()));
        if let Some(milliseconds) = relative_ms {
            self.text("relativeCreated");
            self.float(milliseconds);
        }
    }

    fn none_field(&mut self, key: &str) {
        self.text(key);
        self.out.push(b'N');
    }

    fn text_field(&mut self, key: &str, text: &str) {
        self.text(key);
        self.text(text);
    }

    fn optional_field(&mut self, key: &str, text: Option<&str>) {
        match text {
            Some(text) => self.text_field(key, text),
            None => self.none_field(key),
        }
    }

    fn int_field(&mut self, key: &str, int: Option<i64>) {
        match int {
            Some(int) => {
                self.text(key);
                self.int(int);
            }
            None => self.none_field(key),
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.out.push(b'N'),
            Value::Bool(true) => self.out.extend(b"I01\n"),
            Value::Bool(false) => self.out.extend(b"I00\n"),
            Value::Number(number) => self.number(number),
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                self.out.extend(b"](");
                for item in items {
                    self.value(item);
                }
                self.out.push(b'e');
            }
            Value::Object(members) => self.object(members),
        }
    }

    fn object(&mut self, members: &Map<String, Value>) {
        self.out.extend(b"}(");
        for (key, value) in members {
            self.text(key);
            self.value(value);
        }
        self.out.push(b'u');
    }

    fn number(&mut self, number: &Number) {
        if let Some(int) = number.as_i64() {
            self.int(int);
        } else if let Some(float) = number.as_f64().filter(|_| number.is_f64()) {
            self.float(float);
        } else {
            self.long(number);
        }
    }

    fn int(&mut self, int: i64) {
        match i32::try_from(int) {
            Ok(int) => {
                self.out.push(b'J');
                self.out.extend(int.to_le_bytes());
            }
            // Past 31 bits protocol 1 knows only text.
            Err(_) => self.long(int),
        }
    }

    fn long(&mut self, digits: impl std::fmt::Display) {
        self.out.extend(format!("L{digits}L\n").into_bytes());
    }

    fn float(&mut self, float: f64) {
        self.out.push(b'G');
        self.out.extend(float.to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        let len = u32::try_from(text.len()).expect("a text is below 4 GiB");
        self.out.push(b'X');
        self.out.extend(len.to_le_bytes());
        self.out.extend(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::batch::Batch;
    use crate::level::Level;
    use crate::record::{Origin, Site};
    use crate::wire::pickle::Decoder;
    use crate::wire::{Context, MAX_FRAME_LIMIT, Split, split_frame};

    fn there_and_back(record: &LogRecord) -> LogRecord {
        let mut frame = Vec::new();
        encode_frame(record, &mut frame);
        let Ok(Split::Frame { payload, rest: [] }) = split_frame(&frame, MAX_FRAME_LIMIT) else {
            panic!("no whole frame");
        };
        let context = Context {
            hostname: "",
            now_ns: 0,
        };
        let mut batch = Batch::new();
        Decoder::new()
            .decode(payload, &context, &mut batch)
            .unwrap();
        batch.to_record(&batch.iter().next().unwrap())
    }

    fn record() -> LogRecord {
        LogRecord::new(Site::new("myapp", Level::INFO), "hello")
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(Value::from),
                vec((any::<String>(), inner), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// Years 1715 to 2225, so that the start, decades away, is in range, too.
    fn created_ns() -> impl Strategy<Value = i64> {
        -8_050_000_000_000_000_000..8_050_000_000_000_000_000_i64
    }

    prop_compose! {
        /// A logger or level without a name would come back with one: "root", or what Python calls the number.
        fn site()(
            names in ("(?s).{1,9}", any::<i32>(), "(?s).{1,9}"),
            place in (any::<String>(), option::of(any::<i64>()), any::<String>()),
        ) -> Site {
            let (name, level, level_name) = names;
            let (pathname, lineno, func_name) = place;
            let level = Level(level);
            Site { name, level, level_name, pathname, lineno, func_name,
                other_filename: None, other_module: None }
        }
    }

    prop_compose! {
        fn origin()(
            texts in any::<[String; 3]>(),
            process in option::of(any::<i64>()),
            thread in option::of(any::<i64>()),
            age_ms in option::of(-1_000_000_000_000..1_000_000_000_000_i64),
            created_ns in created_ns(),
        ) -> (i64, Origin) {
            let started_ms = age_ms.map(|age| created_ns.div_euclid(1_000_000) - age);
            let [hostname, process_name, thread_name] = texts;
            (created_ns, Origin { hostname, process, process_name, thread, thread_name, started_ms })
        }
    }

    prop_compose! {
        fn records()(
            (site, (created_ns, origin)) in (site(), origin()),
            message in any::<String>(),
            texts in any::<[Option<String>; 3]>(),
            extra in vec(("[A-Z ]{0,3}\\PC?", value()), 0..6),
        ) -> LogRecord {
            let [task_name, exc_text, stack_info] = texts;
            LogRecord { created_ns, site: Arc::new(site), origin: Arc::new(origin), message,
                task_name, exc_text, stack_info, extra: extra.into_iter().collect() }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn every_record_comes_back_from_its_frame(record in records()) {
            prop_assert_eq!(there_and_back(&record), record);
        }
    }

    #[test]
    fn extremes_come_back() {
        let record = record()
            .with("least", i64::MIN)
            .with("most", u64::MAX)
            .with(
                "past 31 bits",
                json!([2_147_483_648_i64, -2_147_483_649_i64, i32::MIN]),
            )
            .with(
                "floats",
                json!([-0.0, f64::MAX, f64::MIN_POSITIVE, 1e16, 1.0]),
            )
            .with("quotes", "'\"\\\n\0'''")
            .with("", json!({"": {"": [[], {}, [null, true, false]]}}))
            .with("huge", "é✓🦀".repeat(200_000));
        assert_eq!(there_and_back(&record), record);
    }

    #[test]
    fn an_extra_field_named_like_an_attribute_does_not_take_its_place() {
        let sent = record().with("msg", "other").with("asctime", 1);
        let back = there_and_back(&sent);
        assert_eq!(back.message, "hello");
        assert_eq!(
            back.extra,
            *json!({"msg_": "other", "asctime_": 1}).as_object().unwrap()
        );
    }
}
