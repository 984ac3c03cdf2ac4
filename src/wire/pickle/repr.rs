//! Python's `str()` and `repr()` of any item.

use super::budget::{Budget, Entry};
use super::integer::{self, Decimal};
use super::known::{self, Class, Form, Known};
use super::object::{Parts, name_of};
use super::value::{Heap, Item, Kind};
use crate::percent::{bytes_repr, float_repr, str_repr};
use crate::wire::text::{self, fit, text};

/// Stands where something was left out.
const CUT: &str = "…";

/// Adds Python's `str()` of an item.
pub(super) fn put_str(heap: &Heap<'_>, item: Item, budget: &mut Budget, out: &mut String) {
    Repr {
        heap: *heap,
        budget,
        out,
    }
    .item(item, Form::Str);
}

/// Adds Python's `repr()` of an item.
pub(super) fn put_repr(heap: &Heap<'_>, item: Item, budget: &mut Budget, out: &mut String) {
    Repr {
        heap: *heap,
        budget,
        out,
    }
    .item(item, Form::Repr);
}

struct Repr<'a, 'b> {
    heap: Heap<'a>,
    budget: &'b mut Budget,
    out: &'b mut String,
}

impl<'a> Repr<'a, '_> {
    fn item(&mut self, item: Item, form: Form) {
        match item {
            Item::None => self.put("None"),
            Item::Bool(true) => self.put("True"),
            Item::Bool(false) => self.put("False"),
            Item::Int(_) | Item::LongText(_) | Item::LongBytes(_) => self.integer(item),
            Item::Float(value) => self.with(|out| float_repr(value, out)),
            Item::Text(span) => {
                let bytes = self.heap.bytes(span);
                match form {
                    Form::Repr => self.with(|out| text::put_repr(bytes, out)),
                    Form::Json | Form::Str => self.put(&text(bytes)),
                }
            }
            Item::Bytes(span) => {
                let bytes = self.heap.bytes(span);
                self.with(|out| bytes_repr(bytes, out));
            }
            Item::Node(index) => self.node(index, form),
        }
    }

    fn put(&mut self, text: &str) {
        let left = self.budget.bytes_left();
        if self.budget.take(text.len()) {
            self.out.push_str(text);
        } else {
            self.out.push_str(fit(text, left));
            self.out.push_str(CUT);
        }
    }

    /// What a function adds, cut to the budget.
    fn with(&mut self, put: impl FnOnce(&mut String)) {
        let (left, start) = (self.budget.bytes_left(), self.out.len());
        if left == 0 {
            return self.out.push_str(CUT);
        }
        put(self.out);
        if !self.budget.take(self.out.len() - start) {
            let end = self.out.floor_char_boundary(start + left);
            self.out.truncate(end);
            self.out.push_str(CUT);
        }
    }

    fn integer(&mut self, item: Item) {
        match integer::decimal(&self.heap, item, self.budget) {
            Some(Decimal::Digits { negative, digits }) => {
                if negative {
                    self.put("-");
                }
                self.put(&digits);
            }
            Some(Decimal::Huge(text)) => self.put(&text),
            None => {}
        }
    }

    fn node(&mut self, index: u32, form: Form) {
        let node = self.heap.node(index);
        match self.budget.enter(index) {
            Entry::Entered => {}
            Entry::Recursive => {
                return self.put(match node.kind {
                    Kind::List => "[...]",
                    Kind::Tuple => "(...)",
                    Kind::Dict => "{...}",
                    _ => "...",
                });
            }
            Entry::Cut => return self.put(CUT),
        }
        match node.kind {
            Kind::List => self.list("[", &node.items, "]"),
            Kind::Tuple if node.items.len() == 1 => self.list("(", &node.items, ",)"),
            Kind::Tuple => self.list("(", &node.items, ")"),
            Kind::Dict => self.dict("{", &node.items, "}"),
            Kind::Set => self.elements(Class::Set, &node.items),
            Kind::FrozenSet => self.elements(Class::FrozenSet, &node.items),
            Kind::Global => match name_of(&self.heap, Item::Node(index)) {
                Some(name) => self.put(&name.describe()),
                None => self.list("<unknown ", &node.items, ">"),
            },
            Kind::Object => self.object(index, form),
            Kind::Persistent => self.list("<persistent id ", &node.items, ">"),
            Kind::Extension => self.list("<extension ", &node.items, ">"),
        }
        self.budget.leave();
    }

    fn list(&mut self, open: &str, items: &[Item], close: &str) {
        self.put(open);
        self.budget.take(close.len());
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.out.push_str(", ");
            }
            if !self.budget.take(2) {
                self.out.push_str(CUT);
                break;
            }
            self.item(*item, Form::Repr);
        }
        self.out.push_str(close);
    }

    fn dict(&mut self, open: &str, pairs: &[Item], close: &str) {
        self.put(open);
        self.budget.take(close.len());
        for (i, [key, value]) in pairs.as_chunks().0.iter().enumerate() {
            if i > 0 {
                self.out.push_str(", ");
            }
            if !self.budget.take(4) {
                self.out.push_str(CUT);
                break;
            }
            self.item(*key, Form::Repr);
            self.out.push_str(": ");
            self.item(*value, Form::Repr);
        }
        self.out.push_str(close);
    }

    fn elements(&mut self, class: Class, items: &[Item]) {
        match (class, items) {
            (Class::Set, []) => self.put("set()"),
            (Class::Set, _) => self.list("{", items, "}"),
            (Class::FrozenSet, []) => self.put("frozenset()"),
            (Class::FrozenSet, _) => self.list("frozenset({", items, "})"),
            (Class::Deque, _) => self.list("deque([", items, "])"),
        }
    }

    fn object(&mut self, index: u32, form: Form) {
        if let Some(name) = name_of(&self.heap, Item::Node(index)) {
            self.budget.take(name.weight());
            return self.put(&known::member(&name));
        }
        let parts = Parts::of(&self.heap, self.heap.node(index));
        if !self.budget.take(parts.weight(&self.heap)) {
            return self.out.push_str(CUT);
        }
        if let Some(known) = known::known(&self.heap, &parts, form) {
            return self.known(known, form);
        }
        let name = match &parts.name {
            Some(name) => name.shown(),
            None => "unknown".to_owned(),
        };
        if parts.args.is_empty() {
            self.put(&format!("<{name} object>"));
        } else {
            self.list(&format!("{name}("), parts.args, ")");
        }
    }

    fn known(&mut self, known: Known<'a>, form: Form) {
        match known {
            Known::Plain(item) => self.item(item, form),
            Known::Unsigned(value) => self.put(&value.to_string()),
            Known::Text(text) => self.put(&text),
            Known::Str(text) if form == Form::Repr => {
                self.with(|out| str_repr(&text, out));
            }
            Known::Str(text) => self.put(&text),
            Known::Bytes(bytes) => self.with(|out| bytes_repr(&bytes, out)),
            Known::Elements(class, items) => self.elements(class, items),
            Known::Pairs {
                class,
                first,
                pairs,
            } => {
                self.put(class);
                self.put("(");
                if let Some(first) = first {
                    self.item(first, Form::Repr);
                    self.put(", ");
                }
                if pairs.is_empty() && first.is_none() {
                    self.put(")");
                } else {
                    self.dict("{", &pairs, "})");
                }
            }
            Known::Namespace(slices) => self.namespace(&slices),
            Known::Exception { class, args } if form == Form::Str => self.exception(&class, args),
            Known::Call { class, args } | Known::Exception { class, args } => {
                self.list(&format!("{class}("), args, ")");
            }
        }
    }

    fn namespace(&mut self, slices: &[&[Item]]) {
        self.put("namespace(");
        let pairs = slices.iter().flat_map(|slice| slice.as_chunks::<2>().0);
        for (i, [key, value]) in pairs.enumerate() {
            if i > 0 {
                self.out.push_str(", ");
            }
            if !self.budget.take(4) {
                self.out.push_str(CUT);
                break;
            }
            self.item(*key, Form::Str);
            self.out.push('=');
            self.item(*value, Form::Repr);
        }
        self.out.push(')');
    }

    /// What an exception says of itself.
    fn exception(&mut self, class: &str, args: &[Item]) {
        match args {
            [] => {}
            [key] if class == "KeyError" => self.item(*key, Form::Repr),
            [message] => self.item(*message, Form::Str),
            [code @ Item::Int(_), message, file @ ..] if is_os_error(class) && file.len() < 4 => {
                self.put("[Errno ");
                self.item(*code, Form::Str);
                self.put("] ");
                self.item(*message, Form::Str);
                if let Some(file) = file.first() {
                    self.put(": ");
                    self.item(*file, Form::Repr);
                }
            }
            _ => self.list("(", args, ")"),
        }
    }
}

fn is_os_error(class: &str) -> bool {
    let more = [
        "FileExists",
        "FileNotFound",
        "Interrupted",
        "IsADirectory",
        "NotADirectory",
    ];
    let rest = [
        "Permission",
        "ProcessLookup",
        "Timeout",
        "ChildProcess",
        "BrokenPipe",
        "Environment",
    ];
    let stem = class.strip_suffix("Error").unwrap_or_default();
    matches!(stem, "OS" | "IO" | "BlockingIO")
        || stem.starts_with("Connection")
        || more.contains(&stem)
        || rest.contains(&stem)
}
