//! The values of a pickle as JSON.
//!
//! | Python | JSON |
//! | --- | --- |
//! | `None`, `bool`, `int` to 64 bits, finite `float` | `null`, `true`, number |
//! | a larger `int` | text of its digits; past 4,000 digits `<integer of 20000 bits>` |
//! | `nan`, `inf`, `-inf` | text `NaN`, `Infinity`, `-Infinity` |
//! | `str` | text; lone surrogates as `\udc80`, other bytes that are no UTF-8 as `\xff` |
//! | `list`, `tuple` | array |
//! | `dict` | object; a key that is no text by its `str()`; of equal keys the last one counts |
//! | well-known classes | see the table in `known` |
//! | any other object | object: `__class__`; `__args__`, `__kwargs__` that it would be made with; its attributes by name; `__items__` if it is a list, `__mapping__` if it is a dict; `__state__` when its state is no dict of names |
//! | a class, a function | text `<class 'myapp.User'>`, `<myapp.main>` |
//! | persistent ids, extension codes | text `<persistent id 'x'>`, `<extension 5>` |
//! | what contains itself, where it does | text `<recursive>` |
//! | what is too deep or too long | text `…`, or a text that ends so |
//!
//! The result is always valid JSON, whatever the pickle holds and wherever it is cut.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write as _;

use super::budget::{Budget, Entry};
use super::integer::{self, Decimal};
use super::known::{self, Form, Known};
use super::object::{Parts, name_of};
use super::repr;
use super::value::{Heap, Item, Kind, Node};
use crate::percent::{bytes_repr, float_repr};
use crate::wire::escape::{escaped_len, put_escaped, put_json_string};
use crate::wire::text::text;

/// Stands where something was left out.
pub(super) const CUT: &str = "\"…\"";

/// Adds an object of these members and of more that have names of their own. What the budget does not allow is left out with
/// a sign for it.
pub(super) fn put_json_object(
    heap: &Heap<'_>,
    members: &[(Item, Item)],
    named: impl IntoIterator<Item = (&'static str, Item)>,
    budget: &mut Budget,
    out: &mut String,
) {
    let mut json = Json {
        heap: *heap,
        budget,
        out,
    };
    let mut collected = Vec::with_capacity(members.len().min(Json::FEW_MEMBERS));
    if members
        .iter()
        .all(|(key, value)| json.collect(key, *value, &mut collected))
    {
        for (name, value) in named {
            json.budget.take(name.len() + 2);
            collected.push((Some(name.into()), value));
        }
    }
    json.out.push('{');
    json.members(&collected, true);
    json.out.push('}');
}

/// A key, which is `None` where the budget ended, and its value.
type Member<'a> = (Option<Cow<'a, str>>, Item);

/// Writes JSON.
pub(super) struct Json<'a, 'b> {
    pub(super) heap: Heap<'a>,
    pub(super) budget: &'b mut Budget,
    pub(super) out: &'b mut String,
}

impl<'a> Json<'a, '_> {
    /// How many members get their memory at once. More have to show that they are worth it.
    const FEW_MEMBERS: usize = 64;

    pub(super) fn item(&mut self, item: Item) {
        match item {
            Item::None => self.put("null"),
            Item::Bool(true) => self.put("true"),
            Item::Bool(false) => self.put("false"),
            Item::Int(value) => self.display(value),
            Item::LongText(_) | Item::LongBytes(_) => self.integer(item),
            Item::Float(value) => self.float(value),
            Item::Text(span) => {
                let bytes = self.heap.bytes(span);
                self.string(&text(bytes));
            }
            Item::Bytes(span) => self.bytes(self.heap.bytes(span)),
            Item::Node(index) => self.node(index),
        }
    }

    /// JSON as it is, or the sign that something was left out.
    pub(super) fn put(&mut self, json: &str) {
        let json = if self.budget.take(json.len()) {
            json
        } else {
            CUT
        };
        self.out.push_str(json);
    }

    fn display(&mut self, value: impl std::fmt::Display) {
        let start = self.out.len();
        write!(self.out, "{value}").expect("a String takes everything");
        self.settle(start);
    }

    /// Pays for a short scalar that has been written already.
    fn settle(&mut self, start: usize) {
        if !self.budget.take(self.out.len() - start) {
            self.out.truncate(start);
            self.out.push_str(CUT);
        }
    }

    fn float(&mut self, value: f64) {
        if value.is_finite() {
            let start = self.out.len();
            float_repr(value, self.out);
            self.settle(start);
        } else if value.is_nan() {
            self.put("\"NaN\"");
        } else {
            self.put(if value > 0.0 {
                "\"Infinity\""
            } else {
                "\"-Infinity\""
            });
        }
    }

    fn integer(&mut self, item: Item) {
        match integer::decimal(&self.heap, item, self.budget) {
            Some(Decimal::Digits {
                negative: false,
                digits,
            }) if digits.parse::<u64>().is_ok() => {
                self.put(&digits);
            }
            Some(Decimal::Digits {
                negative: false,
                digits,
            }) => self.string(&digits),
            Some(Decimal::Digits { digits, .. }) => match format!("-{digits}") {
                digits if digits.parse::<i64>().is_ok() => self.put(&digits),
                digits => self.string(&digits),
            },
            Some(Decimal::Huge(text)) => self.string(&text),
            None => self.put("null"),
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        let mut text = String::with_capacity(bytes.len() + 3);
        bytes_repr(bytes, &mut text);
        self.string(&text);
    }

    /// A string, cut where the budget ends.
    pub(super) fn string(&mut self, text: &str) {
        let left = self.budget.bytes_left();
        let start = self.out.len();
        if text.len().saturating_mul(6) + 2 <= left {
            put_json_string(text, self.out);
        } else {
            let mut len = 2;
            let end = text.char_indices().find_map(|(at, c)| {
                len += escaped_len(c);
                (len > left).then_some(at)
            });
            self.out.push('"');
            put_escaped(&text[..end.unwrap_or(text.len())], self.out);
            self.out.push_str(if end.is_some() { "…\"" } else { "\"" });
        }
        self.budget.take(self.out.len() - start);
    }

    fn node(&mut self, index: u32) {
        let node = self.heap.node(index);
        match node.kind {
            Kind::Global => return self.described(index),
            Kind::Persistent | Kind::Extension => return self.repr(Item::Node(index)),
            _ => {}
        }
        match self.budget.enter(index) {
            Entry::Entered => {}
            Entry::Recursive => return self.put("\"<recursive>\""),
            Entry::Cut => return self.put(CUT),
        }
        match node.kind {
            Kind::Dict => self.object(&[&node.items]),
            Kind::Object => self.instance(index, node),
            _ => self.array(&node.items),
        }
        self.budget.leave();
    }

    fn described(&mut self, index: u32) {
        match name_of(&self.heap, Item::Node(index)) {
            Some(name) => self.string(&name.describe()),
            None => self.repr(Item::Node(index)),
        }
    }

    /// A text that Python's `repr` gives.
    pub(super) fn repr(&mut self, item: Item) {
        let mut text = String::new();
        repr::put_repr(&self.heap, item, self.budget, &mut text);
        self.string(&text);
    }

    pub(super) fn array(&mut self, items: &[Item]) {
        self.out.push('[');
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.out.push(',');
            }
            if !self.budget.take(2) {
                self.out.push_str(CUT);
                break;
            }
            self.item(*item);
        }
        self.out.push(']');
    }

    pub(super) fn object(&mut self, pairs: &[&[Item]]) {
        self.out.push('{');
        self.pairs(pairs, true);
        self.out.push('}');
    }

    /// The members of an object, from slices of keys and values by turns.
    pub(super) fn pairs(&mut self, slices: &[&[Item]], is_first: bool) {
        let pairs = slices.iter().flat_map(|slice| slice.as_chunks::<2>().0);
        let mut members = Vec::with_capacity(pairs.clone().count().min(Self::FEW_MEMBERS));
        for [key, value] in pairs {
            if !self.collect(key, *value, &mut members) {
                break;
            }
        }
        self.members(&members, is_first);
    }

    /// Adds a member to those that will be written. Its key is paid for at once, since comparing it with the others costs
    /// time whether it is written or not. `false`: that was the last one.
    fn collect(&mut self, key: &Item, value: Item, to: &mut Vec<Member<'a>>) -> bool {
        let key = if let Item::Text(span) = key {
            text(self.heap.bytes(*span))
        } else {
            let mut text = String::new();
            repr::put_str(&self.heap, *key, self.budget, &mut text);
            text.into()
        };
        let affordable = self.budget.take(key.len() + 2);
        let key = if affordable { Some(key) } else { None };
        to.push((key, value));
        affordable
    }

    /// Writes members; one without a key stands for all that had to be left out.
    fn members(&mut self, members: &[Member<'a>], mut is_first: bool) {
        let keep = last_of_equals(members);
        for (i, (key, value)) in members.iter().enumerate() {
            if keep.get(i) == Some(&false) {
                continue;
            }
            if !is_first {
                self.out.push(',');
            }
            is_first = false;
            let Some(key) = key.as_ref().filter(|_| self.budget.bytes_left() > 0) else {
                self.out.push_str("\"…\":\"…\"");
                return;
            };
            // What is not taken back pays for comma and colon.
            self.budget.give_back(key.len());
            self.string(key);
            self.out.push(':');
            let held = self.budget.hold_back();
            self.item(*value);
            self.budget.give_back(held);
        }
    }

    fn instance(&mut self, index: u32, node: &'a Node) {
        if let Some(name) = name_of(&self.heap, Item::Node(index)) {
            self.budget.take(name.weight());
            return self.string(&known::member(&name));
        }
        let parts = Parts::of(&self.heap, node);
        if !self.budget.take(parts.weight(&self.heap)) {
            return self.out.push_str(CUT);
        }
        match known::known(&self.heap, &parts, Form::Json) {
            Some(known) => self.known(known, index),
            None => self.description(&parts),
        }
    }

    fn known(&mut self, known: Known<'a>, index: u32) {
        match known {
            Known::Plain(item) => self.item(item),
            Known::Unsigned(value) => self.display(value),
            Known::Text(text) => self.string(&text),
            Known::Str(text) => self.string(&text),
            Known::Bytes(bytes) => self.bytes(&bytes),
            Known::Elements(_, items) => self.array(items),
            Known::Pairs { pairs, .. } => self.object(&[&pairs]),
            Known::Namespace(attributes) => self.object(&attributes),
            Known::Call { .. } | Known::Exception { .. } => {
                // The node is entered once more, by `repr`.
                self.budget.leave();
                self.repr(Item::Node(index));
                let _ = self.budget.enter(index);
            }
        }
    }
}

/// For each member whether its key is the last of its equals. Empty when all are different.
fn last_of_equals(members: &[Member<'_>]) -> Vec<bool> {
    const FEW: usize = 12;
    if members.len() <= FEW {
        let later = |i: usize| members[i + 1..].iter().any(|(key, _)| *key == members[i].0);
        if !(0..members.len()).any(later) {
            return Vec::new();
        }
        return (0..members.len()).map(|i| !later(i)).collect();
    }
    let mut seen = HashSet::with_capacity(members.len());
    let mut keep: Vec<_> = members
        .iter()
        .rev()
        .map(|(key, _)| seen.insert(key))
        .collect();
    keep.reverse();
    keep
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::pickle::value::{Object, Span};

    /// A heap of texts that lie in the frame one behind the other.
    struct Built {
        frame: Vec<u8>,
        nodes: Vec<Node>,
    }

    impl Built {
        fn new() -> Self {
            Built {
                frame: Vec::new(),
                nodes: Vec::new(),
            }
        }

        fn text(&mut self, text: &str) -> Item {
            self.frame.extend(text.bytes());
            Item::Text(Span::of_frame(self.frame.len() - text.len(), text.len()))
        }

        fn node(&mut self, kind: Kind, items: Vec<Item>) -> Item {
            self.nodes.push(Node { kind, items });
            Item::Node(u32::try_from(self.nodes.len() - 1).unwrap())
        }

        fn json(&self, item: Item) -> String {
            let heap = Heap {
                frame: &self.frame,
                side: &[],
                nodes: &self.nodes,
            };
            let mut out = String::new();
            Json {
                heap,
                budget: &mut Budget::of_frame(0),
                out: &mut out,
            }
            .item(item);
            let parsed = serde_json::from_str::<serde_json::Value>(&out);
            assert!(parsed.is_ok(), "{parsed:?}: {out}");
            out
        }
    }

    #[test]
    fn of_equal_keys_the_last_one_counts() {
        let mut built = Built::new();
        let (a, b) = (built.text("1"), built.text("b"));
        let items = vec![a, Item::Int(1), b, Item::Int(2), Item::Int(1), Item::Int(3)];
        let few = built.node(Kind::Dict, items.clone());
        assert_eq!(built.json(few), r#"{"b":2,"1":3}"#);
        let many = built.node(Kind::Dict, items.repeat(10));
        assert_eq!(built.json(many), r#"{"b":2,"1":3}"#);
    }

    #[test]
    fn an_unknown_object_describes_itself() {
        let mut built = Built::new();
        let (module, path) = (built.text("myapp.models"), built.text("User"));
        let class = built.node(Kind::Global, vec![module, path]);
        let args = built.node(Kind::Tuple, vec![Item::Int(1)]);
        let id = built.text("id");
        let state = built.node(Kind::Dict, vec![id, Item::Int(5)]);
        let mut parts = vec![Item::None; Object::LEN];
        parts[Object::CALLABLE] = class;
        parts[Object::ARGS] = args;
        parts[Object::STATE] = state;
        let user = built.node(Kind::Object, parts.clone());
        assert_eq!(
            built.json(user),
            r#"{"__class__":"myapp.models.User","__args__":[1],"id":5}"#
        );
        assert_eq!(built.json(class), r#""<class 'myapp.models.User'>""#);
        parts[Object::STATE] = Item::Int(7);
        let odd = built.node(Kind::Object, parts);
        let json = r#"{"__class__":"myapp.models.User","__args__":[1],"__state__":7}"#;
        assert_eq!(built.json(odd), json);
    }

    #[test]
    fn what_passes_the_budget_is_cut_and_still_json() {
        let mut built = Built::new();
        let long = built.text(&"\u{1}é\"".repeat(20_000));
        assert!(built.json(long).len() <= 65_536 + 8);
        let list = built.node(Kind::List, vec![Item::Int(i64::MIN); 20_000]);
        let json = built.json(list);
        assert!(
            json.len() <= 65_536 + 8 && json.ends_with(",\"…\"]"),
            "{}",
            json.len()
        );
        // Every level holds the one below ten times.
        let mut bomb = built.text("bang");
        for _ in 0..60 {
            bomb = built.node(Kind::List, vec![bomb; 10]);
        }
        assert!(built.json(bomb).len() < 70_000);
        let key = built.text(&"k".repeat(1_000));
        let keys = built.node(Kind::Dict, vec![key; 4_000]);
        assert!(built.json(keys).len() < 70_000);
    }

    #[test]
    fn what_nests_too_deep_is_cut_and_what_contains_itself_is_named() {
        let mut built = Built::new();
        let mut deep = Item::None;
        for _ in 0..500 {
            deep = built.node(Kind::List, vec![deep]);
        }
        assert_eq!(built.json(deep), "[".repeat(100) + CUT + &"]".repeat(100));
        let own = u32::try_from(built.nodes.len()).unwrap();
        let looped = built.node(Kind::Tuple, vec![Item::Int(1), Item::Node(own)]);
        assert_eq!(built.json(looped), r#"[1,"<recursive>"]"#);
    }
}
