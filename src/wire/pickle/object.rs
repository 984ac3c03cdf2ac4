//! What an object node says, whichever way it was pickled.
//!
//! One and the same object comes as `copyreg._reconstructor` from protocols 0 and 1, as NEWOBJ from protocol 2, as REDUCE
//! when its class has a `__reduce__`; and Python 2 has other names for the same modules.

use std::borrow::Cow;

use super::text::text;
use super::value::{Heap, Item, Kind, Node, Object, Span};

/// How many `getattr` may be wrapped around a name: classes within classes within ...
const MAX_GETATTR: usize = 8;

/// How long a module's or a class's name may be.
const MAX_NAME_BYTES: usize = 1 << 10;

/// The name of something importable, as Python 3 says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name<'a> {
    pub(super) module: &'a str,
    /// The qualified name within the module, dots included.
    pub(super) path: Cow<'a, str>,
}

impl Name<'_> {
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
                let base = name_of(heap, *base);
                let base = base.as_ref().map_or("", |base| &*base.path);
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
        let is_new = name_of(heap, *function)?.path.ends_with(".__new__");
        let kwargs = elements(heap, *kwargs, |kind| kind == Kind::Dict)?;
        is_new.then_some((*class, args, kwargs))
    }

    /// What looking at the arguments costs, in bytes of a budget: they may be long and still come to nothing in the output,
    /// as the parts of a path do before an absolute one.
    pub(super) fn weight(&self, heap: &Heap<'_>) -> usize {
        let text = |item: &Item| match item {
            Item::Text(span) | Item::Bytes(span) => heap.bytes(*span).len(),
            _ => 0,
        };
        self.args.iter().map(|item| 1 + text(item)).sum()
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

/// The name that an item stands for: a global, or `getattr` of one.
pub(super) fn name_of<'a>(heap: &Heap<'a>, item: Item) -> Option<Name<'a>> {
    let mut item = item;
    let mut attributes = Vec::new();
    loop {
        let Item::Node(index) = item else { return None };
        let node = heap.node(index);
        match (node.kind, &node.items[..]) {
            (Kind::Global, [module, path, ..]) => {
                let mut name = python3(heap, *module, *path)?;
                if !attributes.is_empty() {
                    attributes.push(name.path);
                    attributes.reverse();
                    name.path = Cow::Owned(attributes.join("."));
                }
                return Some(name);
            }
            (Kind::Object, [callable, args, ..]) if attributes.len() < MAX_GETATTR => {
                if name_of_global(heap, *callable)? != ("builtins", "getattr") {
                    return None;
                }
                let [of, Item::Text(attribute)] = sequence(heap, *args)? else {
                    return None;
                };
                attributes.push(text(name_bytes(heap, *attribute)?));
                item = *of;
            }
            _ => return None,
        }
    }
}

/// The bytes of one part of a name. What is longer than any name is none: names are looked at for each reference to them.
fn name_bytes<'a>(heap: &Heap<'a>, span: Span) -> Option<&'a [u8]> {
    let bytes = heap.bytes(span);
    (bytes.len() <= MAX_NAME_BYTES).then_some(bytes)
}

fn name_of_global<'a>(heap: &Heap<'a>, item: Item) -> Option<(&'a str, &'a str)> {
    let [Item::Text(module), Item::Text(path)] = elements(heap, item, |kind| kind == Kind::Global)?
    else {
        return None;
    };
    let module = str::from_utf8(name_bytes(heap, *module)?).ok()?;
    Some((
        module_of_python3(module),
        str::from_utf8(name_bytes(heap, *path)?).ok()?,
    ))
}

fn python3<'a>(heap: &Heap<'a>, module: Item, path: Item) -> Option<Name<'a>> {
    let (Item::Text(module), Item::Text(path)) = (module, path) else {
        return None;
    };
    // A module is never anything but UTF-8 in an honest pickle; a path goes through `text` for its escapes.
    let module = module_of_python3(str::from_utf8(name_bytes(heap, module)?).ok()?);
    let path = text(name_bytes(heap, path)?);
    let path = match (module, &*path) {
        ("builtins", "xrange") => "range".into(),
        ("builtins", "unicode") => "str".into(),
        ("builtins", "long") => "int".into(),
        _ => path,
    };
    Some(Name { module, path })
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
