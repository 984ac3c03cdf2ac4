//! Classes that everybody knows: what their objects are, from nothing but a name and arguments.
//!
//! | Python | JSON |
//! | --- | --- |
//! | `datetime`, `date`, `time` | text, `isoformat()`: `2026-11-22T16:20:25.123456+01:00`; a zone without offset as `…[Europe/Berlin]` |
//! | `timedelta`, `timezone`, `ZoneInfo` | text, `str()`: `1 day, 2:03:04`, `UTC+01:00`, `Europe/Berlin` |
//! | `Decimal`, `Fraction`, `UUID`, `complex`, paths, IP addresses | text, `str()` |
//! | `bytes`, `bytearray`, `numpy.bytes_` | text, `repr()`: `b'\x00\x01'` |
//! | `set`, `frozenset`, `deque` | array |
//! | `OrderedDict`, `defaultdict`, `Counter`, `SimpleNamespace` | object |
//! | `range`, `slice`, builtin exceptions | text, `repr()`: `range(0, 3)`, `ValueError('bad')` |
//! | numpy booleans, integers, floats | `true`, number |
//! | `numpy.datetime64`, `timedelta64`, `str_`, complex | text, `str()` |
//! | numpy arrays | text, a description: `array(shape=(2, 3), dtype=float64)` |
//! | a member of an Enum (by its name) | text, `Color.RED` |
//! | loggers | text, `<Logger myapp>` |
//!
//! Only an object that consists of nothing else is recognised. One with further attributes keeps them as an unknown object does.

mod numpy;
mod stdlib;
mod time;

use std::borrow::Cow;

use super::object::{Name, Parts, State, sequence};
use super::value::{Heap, Item, Kind, Object};
use crate::percent::str_repr;

/// What a text is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A value in JSON.
    Json,
    /// Python's `str()`.
    Str,
    /// Python's `repr()`.
    Repr,
}

/// An object that was recognised.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Known<'a> {
    /// The same as this plain item.
    Plain(Item),
    /// An integer past 63 bits.
    Unsigned(u64),
    /// Text in the form that was asked for.
    Text(Cow<'a, str>),
    /// A `str`: in quotes where a `repr` is wanted.
    Str(String),
    /// `bytes` or `bytearray`.
    Bytes(Cow<'a, [u8]>),
    /// A container of elements.
    Elements(Class, &'a [Item]),
    /// A container of keys and values by turns. `first` is an argument that comes before them.
    Pairs {
        class: &'static str,
        first: Option<Item>,
        pairs: Cow<'a, [Item]>,
    },
    /// An object of attributes.
    Namespace([&'a [Item]; 2]),
    /// What shows as a call.
    Call {
        class: Cow<'a, str>,
        args: &'a [Item],
    },
    /// An exception, which shows as a call but has a `str()` of its own.
    Exception {
        class: Cow<'a, str>,
        args: &'a [Item],
    },
}

/// Containers of elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// `set`
    Set,
    /// `frozenset`
    FrozenSet,
    /// `collections.deque`
    Deque,
}

/// Recognises an object by its parts.
pub(super) fn known<'a>(heap: &Heap<'a>, parts: &Parts<'a>, form: Form) -> Option<Known<'a>> {
    let Name { module, path } = parts.name.as_ref()?;
    match *module {
        "builtins" => builtin(heap, path, parts),
        "collections" => collection(heap, path, parts),
        "types" if &**path == "SimpleNamespace" => match parts.state {
            State::Attributes(attributes) if parts.args.is_empty() && is_flat(parts) => {
                Some(Known::Namespace(attributes))
            }
            State::Nothing if parts.is_call() => Some(Known::Namespace([&[], &[]])),
            _ => None,
        },
        "numpy" | "numpy.multiarray" | "numpy.numeric" => numpy::known(heap, path, parts, form),
        "uuid" if is_flat(parts) => stdlib::uuid(heap, path, parts, form).map(text_known),
        "_codecs" => encoded(heap, parts).map(|bytes| Known::Bytes(bytes.into())),
        "datetime" | "zoneinfo" | "backports.zoneinfo" | "pytz" | "dateutil.tz.tz" => {
            time::shown(heap, parts, form).map(text_known)
        }
        _ if parts.is_call() => stdlib::shown(heap, module, path, parts.args, form).map(text_known),
        _ => None,
    }
}

fn text_known<'a>(text: String) -> Known<'a> {
    Known::Text(text.into())
}

/// Whether there is nothing but a name, arguments and a state.
fn is_flat(parts: &Parts<'_>) -> bool {
    parts.kwargs.is_empty() && parts.list.is_empty() && parts.pairs.is_empty()
}

fn builtin<'a>(heap: &Heap<'a>, path: &str, parts: &Parts<'a>) -> Option<Known<'a>> {
    if !parts.is_call() {
        return None;
    }
    match (path, parts.args) {
        ("set", []) => Some(Known::Elements(Class::Set, &[])),
        ("set", [items]) => Some(Known::Elements(Class::Set, sequence(heap, *items)?)),
        ("frozenset", []) => Some(Known::Elements(Class::FrozenSet, &[])),
        ("frozenset", [items]) => Some(Known::Elements(Class::FrozenSet, sequence(heap, *items)?)),
        ("bytes", []) => Some(Known::Bytes(Cow::Borrowed(b""))),
        ("bytearray", _) => bytearray(heap, parts).map(Known::Bytes),
        ("complex", [real, imaginary]) => Some(text_known(stdlib::complex(
            float(*real)?,
            float(*imaginary)?,
        ))),
        ("type", [Item::None]) => Some(Known::Text("<class 'NoneType'>".into())),
        ("getattr", _) => None,
        ("range", [start, stop, Item::Int(1)]) if is_int(*start) && is_int(*stop) => {
            Some(Known::Call {
                class: "range".into(),
                args: &parts.args[..2],
            })
        }
        ("range", [from, to, step]) if [from, to, step].into_iter().all(|i| is_int(*i)) => {
            Some(Known::Call {
                class: "range".into(),
                args: parts.args,
            })
        }
        ("slice", [_, _, _]) => Some(Known::Call {
            class: "slice".into(),
            args: parts.args,
        }),
        _ if is_exception(path) => Some(Known::Exception {
            class: path.to_owned().into(),
            args: parts.args,
        }),
        _ => None,
    }
}

fn collection<'a>(heap: &Heap<'a>, path: &str, parts: &Parts<'a>) -> Option<Known<'a>> {
    if !parts.is_bare() {
        return None;
    }
    let mapping = |class, first, pairs: &'a [Item]| {
        Some(Known::Pairs {
            class,
            first,
            pairs: Cow::Borrowed(pairs),
        })
    };
    match (path, parts.args, parts.list, parts.pairs) {
        ("deque", [] | [_, _], list, []) if !list.is_empty() => {
            let empty = parts
                .args
                .first()
                .is_none_or(|items| sequence(heap, *items).is_some_and(<[Item]>::is_empty));
            empty.then_some(Known::Elements(Class::Deque, list))
        }
        ("deque", [], [], []) => Some(Known::Elements(Class::Deque, &[])),
        ("deque", [items] | [items, _], [], []) => {
            Some(Known::Elements(Class::Deque, sequence(heap, *items)?))
        }
        ("deque", [items], list, []) if sequence(heap, *items)?.is_empty() => {
            Some(Known::Elements(Class::Deque, list))
        }
        ("OrderedDict", [], [], pairs) => mapping("OrderedDict", None, pairs),
        // Python 2: a list of lists of two.
        ("OrderedDict", [items], [], []) => {
            let mut pairs = Vec::new();
            for pair in sequence(heap, *items)? {
                let [key, value] = sequence(heap, *pair)? else {
                    return None;
                };
                pairs.extend([*key, *value]);
            }
            Some(Known::Pairs {
                class: "OrderedDict",
                first: None,
                pairs: pairs.into(),
            })
        }
        ("defaultdict", [], [], pairs) => mapping("defaultdict", Some(Item::None), pairs),
        ("defaultdict", [factory], [], pairs) => mapping("defaultdict", Some(*factory), pairs),
        ("Counter", [], [], pairs) => mapping("Counter", None, pairs),
        ("Counter", [Item::Node(dict)], [], []) => match heap.node(*dict) {
            node if node.kind == Kind::Dict => mapping("Counter", None, &node.items),
            _ => None,
        },
        _ => None,
    }
}

fn is_int(item: Item) -> bool {
    matches!(item, Item::Int(_) | Item::LongText(_) | Item::LongBytes(_))
}

fn is_exception(path: &str) -> bool {
    let ends = [
        "Error",
        "Exception",
        "Warning",
        "ExceptionGroup",
        "Interrupt",
        "Exit",
        "Iteration",
    ];
    ends.iter().any(|end| path.ends_with(end)) && path.starts_with(|c: char| c.is_ascii_uppercase())
}

/// The value of a float item, or of an integer item that a float can hold.
fn float(item: Item) -> Option<f64> {
    match item {
        Item::Float(value) => Some(value),
        #[expect(clippy::cast_precision_loss, reason = "as Python's float() rounds")]
        Item::Int(value) => Some(value as f64),
        _ => None,
    }
}

/// The bytes of an item, whichever way a protocol writes them; of a Python 2 `str` too.
fn bytes_of<'a>(heap: &Heap<'a>, item: Item) -> Option<Cow<'a, [u8]>> {
    match item {
        Item::Bytes(span) | Item::Text(span) => Some(heap.bytes(span).into()),
        Item::Node(index) if heap.node(index).kind == Kind::Object => {
            let parts = Parts::of(heap, heap.node(index));
            match parts.name.as_ref()? {
                Name {
                    module: "_codecs", ..
                } => Some(encoded(heap, &parts)?.into()),
                Name {
                    module: "builtins",
                    path,
                } if path == "bytes" && parts.args.is_empty() => Some(Cow::Borrowed(b"")),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The bytes of an item that is short; looking at a long one costs nothing.
fn short_bytes_of<'a>(heap: &Heap<'a>, item: Item) -> Option<Cow<'a, [u8]>> {
    const SHORT: usize = 32;
    let is_short = |item: &Item| match item {
        Item::Bytes(span) | Item::Text(span) => heap.bytes(*span).len() <= SHORT,
        _ => false,
    };
    let taken = is_short(&item) || call(heap, item)?.args.first().is_some_and(is_short);
    if taken { bytes_of(heap, item) } else { None }
}

fn bytearray<'a>(heap: &Heap<'a>, parts: &Parts<'a>) -> Option<Cow<'a, [u8]>> {
    match parts.args {
        [] => Some(Cow::Borrowed(b"")),
        // An integer would be a length.
        [bytes @ (Item::Bytes(_) | Item::Node(_))] => bytes_of(heap, *bytes),
        [Item::Text(_), Item::Text(_)] => latin1(heap, parts.args).map(Cow::Owned),
        _ => None,
    }
}

/// `bytes` in the protocols before 3: `_codecs.encode('…', 'latin1')`.
fn encoded(heap: &Heap<'_>, parts: &Parts<'_>) -> Option<Vec<u8>> {
    let is_encode = parts
        .name
        .as_ref()
        .is_some_and(|name| name.path == "encode");
    if is_encode && parts.is_call() {
        latin1(heap, parts.args)
    } else {
        None
    }
}

fn latin1(heap: &Heap<'_>, args: &[Item]) -> Option<Vec<u8>> {
    let [Item::Text(text), encoding] = args else {
        return None;
    };
    let Item::Text(encoding) = encoding else {
        return None;
    };
    if !matches!(heap.bytes(*encoding), b"latin1" | b"latin-1") {
        return None;
    }
    let text = str::from_utf8(heap.bytes(*text)).ok()?;
    text.chars().map(|c| u8::try_from(c).ok()).collect()
}

/// The name of an Enum's member, when an object node is `getattr(Color, 'RED')`: class and member.
pub(super) fn member(name: &Name<'_>) -> String {
    let mut parts = name.path.rsplitn(3, '.');
    let member = parts.next().unwrap_or_default();
    match parts.next() {
        Some(class) => format!("{class}.{member}"),
        None => member.to_owned(),
    }
}

/// Text in single quotes behind a class's name, as a `repr` shows many objects.
fn call_of_text(class: &str, text: &str) -> String {
    let mut out = format!("{class}(");
    str_repr(text, &mut out);
    out.push(')');
    out
}

/// The object node's callable and arguments, when it is one and nothing else belongs to it.
fn call<'a>(heap: &Heap<'a>, item: Item) -> Option<Parts<'a>> {
    let Item::Node(index) = item else { return None };
    let node = heap.node(index);
    if node.kind != Kind::Object || node.items.len() < Object::LEN {
        return None;
    }
    Some(Parts::of(heap, node))
}
