//! A record as `SocketHandler` of `CPython` 3.11 puts it on the wire, byte for byte.

use logstore::LogRecord;
use serde_json::{Map, Number, Value};

/// Appends the frame of a record: four bytes of length, big-endian, then the pickle.
pub(crate) fn write_frame(record: &LogRecord, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    Pickler {
        out,
        memo: 0,
        keys: Vec::with_capacity(32),
    }
    .record(record);
    let length = u32::try_from(out.len() - start - 4).expect("a frame has less than 4 GiB");
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

/// Writes pickle protocol 1 as `CPython`'s C pickler does.
struct Pickler<'a> {
    out: &'a mut Vec<u8>,
    /// How many objects have a number in the memo.
    memo: u8,
    /// Keys and their numbers. Keys are interned in Python, so that one that comes again is the same object and
    /// only its number is written; values are made at run time and never are.
    keys: Vec<(&'a str, u8)>,
}

impl<'a> Pickler<'a> {
    /// The keys stand in the order in which `LogRecord.__init__` sets the attributes.
    fn record(mut self, record: &'a LogRecord) {
        let (site, origin) = (&*record.site, &*record.origin);
        let created = seconds(record.created_ns);
        self.empty_dict();
        self.op(b'(');
        self.text_item("name", &site.name);
        self.text_item("msg", &record.message);
        self.none_item("args");
        self.text_item("levelname", &site.level_name);
        self.int_item("levelno", Some(site.level.0.into()));
        self.text_item("pathname", &site.pathname);
        self.text_item("filename", site.filename());
        self.text_item("module", site.module());
        self.none_item("exc_info");
        self.optional_item("exc_text", record.exc_text.as_deref());
        self.optional_item("stack_info", record.stack_info.as_deref());
        self.int_item("lineno", site.lineno);
        self.text_item("funcName", &site.func_name);
        self.float_item("created", created);
        // CPython 3.11 has `int((ct - int(ct)) * 1000) + 0.0`.
        self.float_item("msecs", (created.fract() * 1000.0).trunc());
        self.float_item("relativeCreated", (created - started(record)) * 1000.0);
        self.int_item("thread", origin.thread);
        self.text_item("threadName", &origin.thread_name);
        self.text_item("processName", &origin.process_name);
        self.int_item("process", origin.process);
        for (key, value) in &record.extra {
            self.key(key);
            self.value(value);
        }
        self.op(b'u');
        self.op(b'.');
    }

    fn op(&mut self, op: u8) {
        self.out.push(op);
    }

    /// BINPUT: gives the object just written the next number.
    fn put(&mut self) -> u8 {
        let number = self.memo;
        self.out.extend_from_slice(&[b'q', number]);
        self.memo = number
            .checked_add(1)
            .expect("no record of the workload has 256 objects");
        number
    }

    fn empty_dict(&mut self) {
        self.op(b'}');
        self.put();
    }

    /// BINUNICODE.
    fn text(&mut self, text: &str) -> u8 {
        let length = u32::try_from(text.len()).expect("a text has less than 4 GiB");
        self.op(b'X');
        self.out.extend_from_slice(&length.to_le_bytes());
        self.out.extend_from_slice(text.as_bytes());
        self.put()
    }

    fn key(&mut self, key: &'a str) {
        if let Some(&(_, number)) = self.keys.iter().find(|(known, _)| *known == key) {
            self.out.extend_from_slice(&[b'h', number]);
        } else {
            let number = self.text(key);
            self.keys.push((key, number));
        }
    }

    fn none(&mut self) {
        self.op(b'N');
    }

    /// BININT1, BININT2, BININT or, past 32 bits, the decimal text of LONG.
    fn int(&mut self, number: i64) {
        if let Ok(byte) = u8::try_from(number) {
            self.out.extend_from_slice(&[b'K', byte]);
        } else if let Ok(short) = u16::try_from(number) {
            self.op(b'M');
            self.out.extend_from_slice(&short.to_le_bytes());
        } else if let Ok(int) = i32::try_from(number) {
            self.op(b'J');
            self.out.extend_from_slice(&int.to_le_bytes());
        } else {
            self.out
                .extend_from_slice(format!("L{number}L\n").as_bytes());
        }
    }

    /// BINFLOAT.
    fn float(&mut self, number: f64) {
        self.op(b'G');
        self.out.extend_from_slice(&number.to_be_bytes());
    }

    fn value(&mut self, value: &'a Value) {
        match value {
            Value::Null => self.none(),
            Value::Bool(truth) => {
                self.out
                    .extend_from_slice(if *truth { b"I01\n" } else { b"I00\n" });
            }
            Value::Number(number) => self.number(number),
            Value::String(text) => {
                self.text(text);
            }
            Value::Array(_) => unreachable!("the workload makes no lists"),
            Value::Object(fields) => self.dict(fields),
        }
    }

    fn number(&mut self, number: &Number) {
        match number.as_i64() {
            Some(int) => self.int(int),
            None => self.float(
                number
                    .as_f64()
                    .expect("the workload's numbers are i64 or f64"),
            ),
        }
    }

    /// A dict of two or more fields: one of a single field would be written with SETITEM.
    fn dict(&mut self, fields: &'a Map<String, Value>) {
        debug_assert!(fields.len() > 1);
        self.empty_dict();
        self.op(b'(');
        for (key, value) in fields {
            self.key(key);
            self.value(value);
        }
        self.op(b'u');
    }

    fn text_item(&mut self, key: &'a str, text: &str) {
        self.key(key);
        self.text(text);
    }

    fn optional_item(&mut self, key: &'a str, text: Option<&str>) {
        match text {
            Some(text) => self.text_item(key, text),
            None => self.none_item(key),
        }
    }

    fn none_item(&mut self, key: &'a str) {
        self.key(key);
        self.none();
    }

    fn int_item(&mut self, key: &'a str, number: Option<i64>) {
        self.key(key);
        match number {
            Some(number) => self.int(number),
            None => self.none(),
        }
    }

    fn float_item(&mut self, key: &'a str, number: f64) {
        self.key(key);
        self.float(number);
    }
}

/// `time.time()` of a moment.
#[expect(
    clippy::cast_precision_loss,
    reason = "Python's clock has the same 53 bits"
)]
fn seconds(ns: i64) -> f64 {
    ns as f64 / 1e9
}

/// `logging._startTime` of the record's process: some microseconds into the millisecond that its origin names.
fn started(record: &LogRecord) -> f64 {
    let origin = &*record.origin;
    let within_ns = origin.process.unwrap_or_default() % 10 * 37_000 + 200_000;
    seconds(origin.started_ms.unwrap_or_default() * 1_000_000 + within_ns)
}
