//! What an object node says, whichever way it was pickled.
//!
//! One and the same object comes as `copyreg._reconstructor` from protocols 0 and 1, as NEWOBJ from protocol 2, as REDUCE
//! when its class has a `__reduce__`; and Python 2 has other names for the same modules.

use std::borrow::Cow;

use super::integer;
use super::value::{Heap, Item, Kind, Node, Object, Span};
use crate::wire::text::text;

/// How many `getattr` may be wrapped around a name: classes within classes within ...
const MAX_GETATTR: usize = 8;

/// How long a name may be, with all `getattr` around it. What is longer is shown as the parts that it came in.
const MAX_CLASS_BYTES: usize = 1 << 10;

/// How long a name may be that costs nothing beyond what is shown of it.
const FREE_CLASS_BYTES: usize = 64;

/// How long the names of modules and functions are that this module knows.
const KNOWN_BYTES: usize = 32;

/// The name of something importable, as Python 3 says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name<'a> {
    pub(super) module: &'a str,
    /// The qualified name within the module, dots included.
    pub(super) path: Cow<'a, str>,
}

impl Name<'_> {
    /// What it costs beyond what is shown of it, in bytes of a budget.
    pub(super) fn weight(&self) -> usize {
        (self.module.len() + self.path.len()).saturating_sub(FREE_CLASS_BYTES)
    }

    /// The name as Python shows it: without the module when it is a builtin.
    pub(super) fn shown(&self) -> String {
        match self.module {
            "builtins" | "" => self.path.clone().into_owned(),
            module => format!("{module}.{}", self.path),
        }
    }

    /// Python's `str` of what the name stands for, as far as a name can tell a class from a function.
    pub(super) fn describe(&self) -> String {
        let shown = self.shown();
        let is_class = if self.module == "builtins" {
            match &*self.path {
                "Ellipsis" | "NotImplemented" => return shown,
                "bool" | "bytearray" | "bytes" | "complex" | "dict" | "float" | "frozenset"
                | "int" | "list" | "object" | "range" | "set" | "slice" | "str" | "tuple"
                | "type" => true,
                other => other.starts_with(|c: char| c.is_ascii_uppercase()),
            }
        } else {
            let last = self.path.rsplit('.').next().unwrap_or_default();
            last.starts_with(char::is_uppercase)
        };
        if is_class {
            format!("<class '{shown}'>")
        } else {
            format!("<{shown}>")
        }
    }
}

/// The state that an object would have been given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum State<'a> {
    /// None, or an empty dict.
    Nothing,
    /// Names and values by turns: of the instance's dict, and of its slots.
    Attributes([&'a [Item]; 2]),
    /// Something that only the class would understand.
    Other(Item),
}

/// The parts of an object.
#[derive(Debug, Clone)]
pub(super) struct Parts<'a> {
    /// Of its class, or of the function that would have made it; `None` when that has no name.
    pub(super) name: Option<Name<'a>>,
    /// What stands where the name was looked for.
    pub(super) callable: Item,
    pub(super) args: &'a [Item],
    /// Keys and values by turns.
    pub(super) kwargs: &'a [Item],
    pub(super) state: State<'a>,
    pub(super) list: &'a [Item],
    /// Keys and values by turns.
    pub(super) pairs: &'a [Item],
}

impl<'a> Parts<'a> {
    /// The parts of a node of [`Kind::Object`].
    pub(super) fn of(heap: &Heap<'a>, node: &'a Node) -> Self {
        let at = |place: usize| node.items.get(place).copied().unwrap_or(Item::None);
        let of_kind = |item, kind| elements(heap, item, |found| found == kind).unwrap_or_default();
        let callable = at(Object::CALLABLE);
        let args = match node.items.get(Object::ARGS..=Object::ARGS) {
            Some([Item::None]) | None => &[],
            Some(args) => elements(heap, args[0], is_sequence).unwrap_or(args),
        };
        let mut parts = Parts {
            name: name_of(heap, callable),
            callable,
            args,
            kwargs: of_kind(at(Object::KWARGS), Kind::Dict),
            state: state_of(heap, at(Object::STATE)),
            list: of_kind(at(Object::LIST_ITEMS), Kind::List),
            pairs: of_kind(at(Object::DICT_ITEMS), Kind::Dict),
        };
        parts.see_through_copyreg(heap);
        parts.see_through_partial(heap);
        parts
    }

    /// Puts the class in place of the function of `copyreg` that would have made an instance of it.
    fn see_through_copyreg(&mut self, heap: &Heap<'a>) {
        let Some(Name {
            module: "copyreg",
            path,
        }) = &self.name
        else {
            return;
        };
        let args = self.args;
        match (&**path, args) {
            ("_reconstructor", [class, base, value]) => {
                let base = name_of_global(heap, *base).map_or("", |(_, base)| base);
                let value = (&args[2], elements(heap, *value, |_| true));
                self.args = &[];
                match (base, value) {
                    ("object", _) => {}
                    ("tuple", (_, Some(items))) => self.args = items,
                    ("list", (_, Some(items))) if self.list.is_empty() => self.list = items,
                    ("dict", (_, Some(items))) if self.pairs.is_empty() => self.pairs = items,
                    (_, (value, _)) => self.args = std::slice::from_ref(value),
                }
                self.callable = *class;
            }
            ("__newobj__", [class, rest @ ..]) => {
                self.args = rest;
                self.callable = *class;
            }
            ("__newobj_ex__", [class, args, kwargs]) => {
                self.args = elements(heap, *args, is_sequence).unwrap_or_default();
                self.kwargs =
                    elements(heap, *kwargs, |kind| kind == Kind::Dict).unwrap_or_default();
                self.callable = *class;
            }
            _ => return,
        }
        self.name = name_of(heap, self.callable);
    }

    /// Protocols 2 and 3 have no opcode for keyword arguments and call `functools.partial(User.__new__, User, ...)` instead.
    fn see_through_partial(&mut self, heap: &Heap<'a>) {
        if let Some((class, args, kwargs)) = self.partial(heap) {
            self.name = name_of(heap, class);
            self.callable = class;
            self.args = args;
            self.kwargs = kwargs;
        }
    }

    fn partial(&self, heap: &Heap<'a>) -> Option<(Item, &'a [Item], &'a [Item])> {
        let Item::Node(index) = self.callable else {
            return None;
        };
        let node = heap.node(index);
        let is_partial = node.kind == Kind::Object
            && self.args.is_empty()
            && name_of_global(heap, node.items[Object::CALLABLE])? == ("functools", "partial");
        if !is_partial {
            return None;
        }
        let [function, args, kwargs, _] = sequence(heap, node.items[Object::STATE])? else {
            return None;
        };
        let [class, args @ ..] = sequence(heap, *args)? else {
            return None;
        };
        let kwargs = elements(heap, *kwargs, |kind| kind == Kind::Dict)?;
        is_new(heap, *function)?.then_some((*class, args, kwargs))
    }

    /// What looking at name and arguments costs, in bytes of a budget: they may be long and still come to nothing in the
    /// output, as the parts of a path do before an absolute one, or as all do where the nesting ends.
    pub(super) fn weight(&self, heap: &Heap<'_>) -> usize {
        let name = self.name.as_ref().map_or(0, Name::weight);
        let within = |item: &Item| match item {
            // Bytes of the old protocols, which are the call of a function with a text. Nobody takes them as one of many.
            Item::Node(index) if heap.node(*index).kind == Kind::Object => {
                if self.args.len() > 2 {
                    return 0;
                }
                let parts = Parts::of(heap, heap.node(*index));
                let args = parts.args.iter().take(2);
                args.map(|item| scalar_weight(heap, *item)).sum()
            }
            Item::Node(index) => heap.node(*index).items.len(),
            item => scalar_weight(heap, *item),
        };
        name + self.args.iter().map(|item| 1 + within(item)).sum::<usize>()
    }

    /// Whether there is nothing but a name and arguments.
    pub(super) fn is_call(&self) -> bool {
        self.is_bare() && self.list.is_empty() && self.pairs.is_empty()
    }

    /// Whether there is neither a state nor a keyword argument.
    pub(super) fn is_bare(&self) -> bool {
        self.kwargs.is_empty() && self.state == State::Nothing
    }
}

/// Whether a function is the `__new__` of some class.
fn is_new(heap: &Heap<'_>, function: Item) -> Option<bool> {
    let Item::Node(index) = function else {
        return None;
    };
    let node = heap.node(index);
    match (node.kind, &node.items[..]) {
        (Kind::Global, [_, Item::Text(path), ..]) => Some(heap.bytes(*path).ends_with(b".__new__")),
        (Kind::Object, [callable, args, ..]) => {
            let [_, Item::Text(attribute)] = sequence(heap, *args)? else {
                return None;
            };
            let is_getattr = name_of_global(heap, *callable)? == ("builtins", "getattr");
            Some(is_getattr && heap.bytes(*attribute) == b"__new__")
        }
        _ => None,
    }
}

/// What looking at something that is no node costs.
fn scalar_weight(heap: &Heap<'_>, item: Item) -> usize {
    match item {
        Item::Text(span) | Item::Bytes(span) => heap.bytes(span).len(),
        item => integer::weight(heap, item),
    }
}

fn is_sequence(kind: Kind) -> bool {
    matches!(kind, Kind::Tuple | Kind::List)
}

/// The items of a node of a kind that the caller takes.
pub(super) fn elements<'a>(
    heap: &Heap<'a>,
    item: Item,
    takes: impl FnOnce(Kind) -> bool,
) -> Option<&'a [Item]> {
    let Item::Node(index) = item else { return None };
    let node = heap.node(index);
    takes(node.kind).then_some(&node.items)
}

/// The items of a tuple or a list.
pub(super) fn sequence<'a>(heap: &Heap<'a>, item: Item) -> Option<&'a [Item]> {
    elements(heap, item, is_sequence)
}

/// The text of a `str` item.
pub(super) fn text_of<'a>(heap: &Heap<'a>, item: Item) -> Option<Cow<'a, str>> {
    match item {
        Item::Text(span) => Some(text(heap.bytes(span))),
        _ => None,
    }
}

/// The text of a `str` item that is short; looking at a long one costs nothing.
pub(super) fn short_text_of<'a>(heap: &Heap<'a>, item: Item) -> Option<Cow<'a, str>> {
    const SHORT: usize = 256;
    match item {
        Item::Text(span) if heap.bytes(span).len() <= SHORT => text_of(heap, item),
        _ => None,
    }
}

fn state_of<'a>(heap: &Heap<'a>, item: Item) -> State<'a> {
    let dict = |item| match item {
        Item::None => Some(&[][..]),
        _ => elements(heap, item, |kind| kind == Kind::Dict),
    };
    let (attributes, slots) = match (dict(item), elements(heap, item, |kind| kind == Kind::Tuple)) {
        (Some(attributes), _) => (attributes, &[][..]),
        (None, Some([attributes, slots])) => match (dict(*attributes), dict(*slots)) {
            (Some(attributes), Some(slots)) => (attributes, slots),
            _ => return State::Other(item),
        },
        _ => return State::Other(item),
    };
    if attributes.is_empty() && slots.is_empty() {
        State::Nothing
    } else {
        State::Attributes([attributes, slots])
    }
}

/// The name that an item stands for: a global, or `getattr` of one. It is looked at for each reference, so one that is long or
/// no UTF-8 is none: a class's name is an identifier.
pub(super) fn name_of<'a>(heap: &Heap<'a>, item: Item) -> Option<Name<'a>> {
    let mut item = item;
    let mut attributes: Vec<&str> = Vec::new();
    let mut bytes_left = MAX_CLASS_BYTES;
    let mut part = |span: Span| {
        let bytes = heap.bytes(span);
        bytes_left = bytes_left.checked_sub(bytes.len())?;
        str::from_utf8(bytes).ok()
    };
    loop {
        let Item::Node(index) = item else { return None };
        let node = heap.node(index);
        match (node.kind, &node.items[..]) {
            (Kind::Global, [Item::Text(module), Item::Text(path), ..]) => {
                let (module, path) = python3(part(*module)?, part(*path)?);
                if attributes.is_empty() {
                    let path = path.into();
                    return Some(Name { module, path });
                }
                attributes.push(path);
                attributes.reverse();
                let path = attributes.join(".").into();
                return Some(Name { module, path });
            }
            (Kind::Object, [callable, args, ..]) if attributes.len() < MAX_GETATTR => {
                if name_of_global(heap, *callable)? != ("builtins", "getattr") {
                    return None;
                }
                let [of, Item::Text(attribute)] = sequence(heap, *args)? else {
                    return None;
                };
                attributes.push(part(*attribute)?);
                item = *of;
            }
            _ => return None,
        }
    }
}

/// The module and the name of a global that may be one of those that this module knows: a short one.
fn name_of_global<'a>(heap: &Heap<'a>, item: Item) -> Option<(&'a str, &'a str)> {
    let [Item::Text(module), Item::Text(path)] = elements(heap, item, |kind| kind == Kind::Global)?
    else {
        return None;
    };
    let short = |span: Span| {
        let bytes = heap.bytes(span);
        let short = bytes.len() <= KNOWN_BYTES;
        short.then(|| str::from_utf8(bytes).ok())?
    };
    Some(python3(short(*module)?, short(*path)?))
}

/// Python 3's name of something that Python 2 or a private module calls otherwise.
fn python3<'a>(module: &'a str, path: &'a str) -> (&'a str, &'a str) {
    let module = module_of_python3(module);
    let path = match (module, path) {
        ("builtins", "xrange") => "range",
        ("builtins", "unicode") => "str",
        ("builtins", "long") => "int",
        _ => path,
    };
    (module, path)
}

/// Python 3's name of a module of Python 2, and the public name of one that moved behind an underscore.
fn module_of_python3(module: &str) -> &str {
    match module {
        "__builtin__" | "exceptions" => "builtins",
        "copy_reg" => "copyreg",
        "pathlib._local" => "pathlib",
        "numpy.core.multiarray" | "numpy._core.multiarray" => "numpy.multiarray",
        "numpy.core.numeric" | "numpy._core.numeric" => "numpy.numeric",
        module => module,
    }
}
