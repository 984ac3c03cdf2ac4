//! The dict of a Python `LogRecord` becomes a row of a batch.

use std::borrow::Cow;

use super::budget::Budget;
use super::json::put_json_object;
use super::merge::merge;
use super::repr::put_str;
use super::value::{Heap, Item, Kind};
use crate::batch::{Batch, Texts};
use crate::error::WireError;
use crate::level::Level;
use crate::wire::Context;
use crate::wire::intern::{self, Interner, OriginKey, SiteKey};
use crate::wire::record::WireRecord;
use crate::wire::text::text;

/// The attributes of a `LogRecord` that have a place of their own in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Name,
    Msg,
    Args,
    LevelName,
    LevelNo,
    PathName,
    FileName,
    Module,
    ExcInfo,
    ExcText,
    StackInfo,
    LineNo,
    FuncName,
    Created,
    /// What our own client sends besides: `created` is a float.
    CreatedNs,
    RelativeCreated,
    Thread,
    ThreadName,
    ProcessName,
    Process,
    TaskName,
    HostName,
    Message,
    /// What follows from others and is made again when asked for: `msecs` and `asctime`.
    Derived,
}

const FIELDS: usize = Field::Derived as usize;

impl Field {
    fn of_key(key: &[u8]) -> Option<Field> {
        Some(match key {
            b"name" => Field::Name,
            b"msg" => Field::Msg,
            b"args" => Field::Args,
            b"levelname" => Field::LevelName,
            b"levelno" => Field::LevelNo,
            b"pathname" => Field::PathName,
            b"filename" => Field::FileName,
            b"module" => Field::Module,
            b"exc_info" => Field::ExcInfo,
            b"exc_text" => Field::ExcText,
            b"stack_info" => Field::StackInfo,
            b"lineno" => Field::LineNo,
            b"funcName" => Field::FuncName,
            b"created" => Field::Created,
            b"created_ns" => Field::CreatedNs,
            b"relativeCreated" => Field::RelativeCreated,
            b"thread" => Field::Thread,
            b"threadName" => Field::ThreadName,
            b"processName" => Field::ProcessName,
            b"process" => Field::Process,
            b"taskName" => Field::TaskName,
            b"hostname" => Field::HostName,
            b"message" => Field::Message,
            b"msecs" | b"asctime" => Field::Derived,
            _ => return None,
        })
    }
}

/// Whether a key of the dict is an attribute of a `LogRecord` and so cannot name an extra field.
pub(super) fn is_field(key: &[u8]) -> bool {
    Field::of_key(key).is_some()
}

/// How much memory a buffer keeps from an unusually large record.
const KEPT_BYTES: usize = 64 << 10;

/// Reused from record to record.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// Keys and values that have no place of their own.
    extra: Vec<(Item, Item)>,
    /// The JSON of those.
    json: String,
    /// A message that had to be put together.
    message: String,
}

/// The bound values of Loguru come as one field, `extra`: they are extra fields like others, unless one of them is there already.
fn open_extra(heap: &Heap<'_>, extra: &mut Vec<(Item, Item)>) {
    let key_of = |item: Item| match item {
        Item::Text(key) => Some(heap.bytes(key)),
        _ => None,
    };
    let is_extra = |(key, _): &(Item, Item)| key_of(*key) == Some(b"extra");
    let Some(at) = extra.iter().position(is_extra) else {
        return;
    };
    let Item::Node(node) = extra[at].1 else {
        return;
    };
    let node = heap.node(node);
    let pairs = node.items.chunks_exact(2);
    let collides =
        |key: &[u8]| is_field(key) || extra.iter().any(|pair| key_of(pair.0) == Some(key));
    let is_new = |pair: &[Item]| key_of(pair[0]).is_some_and(|key| !collides(key));
    if node.kind == Kind::Dict && node.items.len() <= MOST_OPENED && pairs.clone().all(is_new) {
        extra.splice(at..=at, pairs.map(|pair| (pair[0], pair[1])));
    }
}

/// How many keys and values together are compared with all others.
const MOST_OPENED: usize = 128;

/// Adds the record that `root` describes to the batch.
pub(super) fn put_record(
    heap: &Heap<'_>,
    root: Item,
    context: &Context<'_>,
    interner: &mut Interner,
    scratch: &mut Scratch,
    batch: &mut Batch,
) -> Result<(), WireError> {
    let root = match root {
        Item::Node(node) if heap.node(node).kind == Kind::Dict => heap.node(node),
        _ => {
            return Err(WireError::NotARecord {
                found: heap.kind_name(root),
            });
        }
    };
    let mut fields = [Item::None; FIELDS];
    scratch.extra.clear();
    for pair in root.items.chunks_exact(2) {
        let field = match pair[0] {
            Item::Text(key) => Field::of_key(heap.bytes(key)),
            _ => None,
        };
        match field {
            Some(Field::Derived) => {}
            Some(field) => fields[field as usize] = pair[1],
            None => scratch.extra.push((pair[0], pair[1])),
        }
    }
    open_extra(heap, &mut scratch.extra);
    let mut reader = Reader {
        heap,
        fields: &fields,
        budget: Budget::of_frame(heap.frame.len()),
        leftover: 0,
    };

    let level_name = reader.bytes(Field::LevelName);
    let name = reader.bytes(Field::Name);
    let pathname = reader.bytes(Field::PathName);
    let func_name = reader.bytes(Field::FuncName);
    let filename = reader.bytes(Field::FileName);
    let module = reader.bytes(Field::Module);
    let site = SiteKey {
        name: &name,
        level: reader.level(&level_name),
        level_name: &level_name,
        pathname: &pathname,
        lineno: reader.int(Field::LineNo),
        func_name: &func_name,
        filename: &filename,
        module: &module,
    };

    let created_ns = reader.created_ns(context.now_ns);
    let hostname = reader.bytes(Field::HostName);
    let process_name = reader.bytes(Field::ProcessName);
    let thread_name = reader.bytes(Field::ThreadName);
    let origin = OriginKey {
        hostname: &hostname,
        process: reader.int(Field::Process),
        process_name: &process_name,
        thread: reader.int(Field::Thread),
        thread_name: &thread_name,
        started_ms: reader.started_ms(created_ns),
    };

    let task_name = reader.optional_text(Field::TaskName).map(intern::name);
    // Loguru's is a line end: its message holds the traceback.
    let exc_text = reader
        .optional_text(Field::ExcText)
        .filter(|text| &**text != "\n");
    let stack_info = reader.optional_text(Field::StackInfo);
    let message = reader.message(&mut scratch.message);
    reader.put_extra(&scratch.extra, &mut scratch.json);
    let texts = Texts {
        message: &message,
        task_name: task_name.as_deref(),
        exc_text: exc_text.as_deref(),
        stack_info: stack_info.as_deref(),
        extra: (!scratch.json.is_empty()).then_some(scratch.json.as_str()),
    };
    let record = WireRecord {
        created_ns: Some(created_ns),
        site,
        origin,
        texts,
    };
    record.put(interner, context, batch)
}

/// Reads the fields of one record.
struct Reader<'a> {
    heap: &'a Heap<'a>,
    fields: &'a [Item; FIELDS],
    budget: Budget,
    /// Fields whose value does not fit their place, a bit for each: they are kept with the extra ones.
    leftover: u32,
}

impl<'a> Reader<'a> {
    fn item(&self, field: Field) -> Item {
        self.fields[field as usize]
    }

    fn keep(&mut self, field: Field) {
        self.leftover |= 1 << field as u32;
    }

    /// A field as text; empty when it is None.
    fn text(&mut self, field: Field) -> Cow<'a, str> {
        self.optional_text(field).unwrap_or_default()
    }

    /// A field as the bytes of its text, not looked at; empty when it is None.
    fn bytes(&mut self, field: Field) -> Cow<'a, [u8]> {
        match self.item(field) {
            Item::Text(span) => Cow::Borrowed(self.heap.bytes(span)),
            _ => Cow::Owned(self.text(field).into_owned().into_bytes()),
        }
    }

    fn optional_text(&mut self, field: Field) -> Option<Cow<'a, str>> {
        match self.item(field) {
            Item::None => None,
            Item::Text(span) => Some(text(self.heap.bytes(span))),
            other => {
                let mut out = String::new();
                put_str(self.heap, other, &mut self.budget, &mut out);
                Some(out.into())
            }
        }
    }

    /// A field as an integer; one that is none is kept as an extra field.
    fn int(&mut self, field: Field) -> Option<i64> {
        match self.item(field) {
            Item::None => None,
            Item::Int(int) => Some(int),
            Item::Bool(bool) => Some(bool.into()),
            _ => {
                self.keep(field);
                None
            }
        }
    }

    /// `levelno` is the truth; without it the name decides.
    fn level(&mut self, level_name: &[u8]) -> Level {
        match self.int(Field::LevelNo) {
            Some(number) => Level(saturate(number)),
            None => text(level_name).parse().unwrap_or(Level::NOTSET),
        }
    }

    /// Seconds since the epoch, as a float, to nanoseconds; else the time of arrival. `created_ns` is what it says when it means the
    /// same moment, and an extra field when it does not.
    fn created_ns(&mut self, now_ns: i64) -> i64 {
        let created_ns = self.created_seconds(now_ns);
        match self.item(Field::CreatedNs) {
            Item::None => created_ns,
            Item::Int(exact) if exact.abs_diff(created_ns) < FLOAT_ERROR_NS => exact,
            _ => {
                self.keep(Field::CreatedNs);
                created_ns
            }
        }
    }

    fn created_seconds(&mut self, now_ns: i64) -> i64 {
        let ns = match self.item(Field::Created) {
            Item::None => return now_ns,
            Item::Float(seconds) => ns_of_seconds(seconds),
            Item::Int(seconds) => seconds.checked_mul(1_000_000_000),
            _ => None,
        };
        ns.unwrap_or_else(|| {
            self.keep(Field::Created);
            now_ns
        })
    }

    fn started_ms(&mut self, created_ns: i64) -> Option<i64> {
        let milliseconds = match self.item(Field::RelativeCreated) {
            Item::Float(ms) => ms,
            Item::Int(ms) => f64::from(i32::try_from(ms).ok()?),
            _ => return None,
        };
        let elapsed_ns = ns_of_seconds(milliseconds / 1e3)?;
        // Saturates rather than panics for what a hostile frame may claim.
        Some(
            created_ns
                .saturating_sub(elapsed_ns)
                .saturating_add(500_000)
                .div_euclid(1_000_000),
        )
    }

    /// `msg`, merged with `args` where a client left that to the receiver.
    fn message(&mut self, scratch: &'a mut String) -> Cow<'a, str> {
        let field = if self.item(Field::Msg) == Item::None {
            Field::Message
        } else {
            Field::Msg
        };
        let message = self.text(field);
        let args = self.item(Field::Args);
        if args == Item::None || is_empty_tuple(self.heap, args) {
            return message;
        }
        scratch.clear();
        scratch.shrink_to(KEPT_BYTES);
        if merge(self.heap, &message, args, scratch) {
            return Cow::Borrowed(scratch);
        }
        self.keep(Field::Args);
        message
    }

    /// The JSON object of what has no place of its own; nothing when all has.
    fn put_extra(&mut self, extra: &[(Item, Item)], json: &mut String) {
        json.clear();
        json.shrink_to(KEPT_BYTES);
        // A traceback cannot be pickled, but whatever else a client puts there is kept.
        if !matches!(
            self.item(Field::ExcInfo),
            Item::None | Item::Bool(_) | Item::Int(_)
        ) {
            self.keep(Field::ExcInfo);
        }
        if extra.is_empty() && self.leftover == 0 {
            return;
        }
        let (kept, fields) = (self.leftover, self.fields);
        let leftovers = LEFTOVERS
            .into_iter()
            .filter(|(field, _)| kept & (1 << *field as u32) != 0)
            .map(|(field, key)| (key, fields[field as usize]));
        put_json_object(self.heap, extra, leftovers, &mut self.budget, json);
    }
}

/// How far a float of seconds may be off at the most, in nanoseconds: half a step of those around 2^33, and the rounding.
const FLOAT_ERROR_NS: u64 = 2_000;

/// The fields that are kept as extra ones when they do not fit their place, with their keys.
const LEFTOVERS: [(Field, &str); 8] = [
    (Field::LevelNo, "levelno"),
    (Field::LineNo, "lineno"),
    (Field::Created, "created"),
    (Field::CreatedNs, "created_ns"),
    (Field::Process, "process"),
    (Field::Thread, "thread"),
    (Field::Args, "args"),
    (Field::ExcInfo, "exc_info"),
];

fn is_empty_tuple(heap: &Heap<'_>, item: Item) -> bool {
    match item {
        Item::Node(index) => {
            let node = heap.node(index);
            node.kind == Kind::Tuple && node.items.is_empty()
        }
        _ => false,
    }
}

fn saturate(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX })
}

/// Whole and broken seconds apart, since a float of all nanoseconds would be off by up to 128.
fn ns_of_seconds(seconds: f64) -> Option<i64> {
    // Years 1677 to 2262, which also keeps out NaN and the infinities.
    if !(-9.2e9..9.2e9).contains(&seconds) {
        return None;
    }
    // Casts instead of `floor` and `round`, which are calls into the C library on the oldest x86-64.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range was just checked"
    )]
    let whole = seconds as i64;
    #[expect(clippy::cast_precision_loss, reason = "it has fewer than 34 bits")]
    let nanoseconds = (seconds - whole as f64) * 1e9;
    #[expect(clippy::cast_possible_truncation, reason = "it is less than a second")]
    Some(whole * 1_000_000_000 + (nanoseconds + 0.5_f64.copysign(nanoseconds)) as i64)
}
