//! Python's `msg % args`, for clients that send a message and its arguments apart.

use std::borrow::Cow;
use std::collections::HashMap;

use super::budget::Budget;
use super::integer::{self, Decimal};
use super::known::{self, Form, Known};
use super::object::{Parts, elements};
use super::repr;
use super::value::{Heap, Item, Kind};
use crate::percent::{Piece, Spec, parse, put_ascii};
use crate::wire::text::text;

/// How many `%` a message may have. Every one of them costs memory before the first is written.
const MAX_FIELDS: usize = 10_000;
/// How long a Decimal may be that is written as a number.
const MAX_NUMBER: usize = 400;

/// Adds what Python's `LogRecord.getMessage` gives for a message and its arguments, which are a tuple, one dict, or nothing.
///
/// Where Python would raise an error (a conversion that does not fit, too many or too few arguments) or the text would
/// pass all bounds, gives `false` and adds nothing.
pub(super) fn merge(heap: &Heap<'_>, msg: &str, args: Item, out: &mut String) -> bool {
    if !is_true(heap, args) {
        out.push_str(msg);
        return true;
    }
    if msg.bytes().filter(|byte| *byte == b'%').count() > MAX_FIELDS {
        return false;
    }
    let Ok(pieces) = parse(msg) else { return false };
    let start = out.len();
    let budget = Budget::of_frame(heap.frame.len());
    let merged = Merge {
        heap: *heap,
        args: Args::of(heap, args),
        budget,
    }
    .run(&pieces, out);
    if merged.is_none() {
        out.truncate(start);
    }
    merged.is_some()
}

/// Python's `bool()` of what stands for arguments.
fn is_true(heap: &Heap<'_>, args: Item) -> bool {
    match args {
        Item::None => false,
        Item::Bool(value) => value,
        Item::Int(value) => value != 0,
        Item::Float(value) => value != 0.0,
        Item::Text(span) | Item::Bytes(span) => !heap.bytes(span).is_empty(),
        Item::LongText(_) | Item::LongBytes(_) => true,
        Item::Node(index) => {
            let node = heap.node(index);
            matches!(node.kind, Kind::Object | Kind::Global) || !node.items.is_empty()
        }
    }
}

/// What fields take their values from.
enum Args<'a> {
    /// A tuple: one after the other. What is left must be nothing in the end.
    Each(&'a [Item]),
    /// One value. A mapping may also stay unused.
    One {
        value: Item,
        pairs: Option<Cow<'a, [Item]>>,
        /// The values by their keys, made for the first field that has one.
        by_key: Option<HashMap<&'a [u8], Item>>,
        used: bool,
    },
}

impl<'a> Args<'a> {
    fn of(heap: &Heap<'a>, args: Item) -> Self {
        let each = elements(heap, args, |kind| kind == Kind::Tuple);
        match each {
            // `logging` takes a lone dict out of the tuple when it makes a record.
            Some([value]) if pairs_of(heap, *value).is_some_and(|pairs| !pairs.is_empty()) => {
                Args::one(heap, *value)
            }
            Some(each) => Args::Each(each),
            None => Args::one(heap, args),
        }
    }

    fn one(heap: &Heap<'a>, value: Item) -> Self {
        Args::One {
            value,
            pairs: pairs_of(heap, value),
            by_key: None,
            used: false,
        }
    }

    fn next(&mut self) -> Option<Item> {
        match self {
            Args::Each(items) => items.split_off_first().copied(),
            Args::One { used: true, .. } => None,
            Args::One { value, used, .. } => {
                *used = true;
                Some(*value)
            }
        }
    }
}

/// Keys and values by turns, of a dict or something like it.
fn pairs_of<'a>(heap: &Heap<'a>, item: Item) -> Option<Cow<'a, [Item]>> {
    match known_of(heap, item) {
        Some(Known::Pairs { pairs, .. }) => Some(pairs),
        _ => elements(heap, item, |kind| kind == Kind::Dict).map(Cow::Borrowed),
    }
}

/// The values of a dict by those of its keys that are texts; of equal keys the last one counts. `None`: there are more than the
/// budget pays for.
fn values_by_key<'a>(
    heap: &Heap<'a>,
    pairs: &[Item],
    budget: &mut Budget,
) -> Option<HashMap<&'a [u8], Item>> {
    let mut by_key = HashMap::new();
    for [key, value] in pairs.as_chunks().0 {
        let Item::Text(key) = key else { continue };
        let key = heap.bytes(*key);
        if !budget.take(key.len()) {
            return None;
        }
        by_key.insert(key, *value);
    }
    Some(by_key)
}

fn known_of<'a>(heap: &Heap<'a>, item: Item) -> Option<Known<'a>> {
    let Item::Node(index) = item else { return None };
    let node = heap.node(index);
    if node.kind != Kind::Object {
        return None;
    }
    known::known(heap, &Parts::of(heap, node), Form::Str)
}

struct Merge<'a> {
    heap: Heap<'a>,
    args: Args<'a>,
    budget: Budget,
}

impl<'a> Merge<'a> {
    fn run(mut self, pieces: &[Piece<'_>], out: &mut String) -> Option<()> {
        for piece in pieces {
            let start = out.len();
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Percent => out.push('%'),
                Piece::Field { key, spec } => {
                    let value = match key {
                        Some(key) => self.keyed(key)?,
                        None => self.args.next()?,
                    };
                    self.field(spec, value, out)?;
                }
            }
            if !self.budget.take(out.len() - start) {
                return None;
            }
        }
        let done = match self.args {
            Args::Each(rest) => rest.is_empty(),
            Args::One {
                value, pairs, used, ..
            } => used || pairs.is_some() || is_mapping(&self.heap, value),
        };
        done.then_some(())
    }

    fn keyed(&mut self, key: &str) -> Option<Item> {
        let Args::One {
            pairs: Some(pairs),
            by_key,
            used,
            ..
        } = &mut self.args
        else {
            return None;
        };
        *used = true;
        let by_key = match by_key {
            Some(by_key) => by_key,
            None => by_key.insert(values_by_key(&self.heap, pairs, &mut self.budget)?),
        };
        by_key.get(key.as_bytes()).copied()
    }

    fn field(&mut self, spec: &Spec, value: Item, out: &mut String) -> Option<()> {
        match spec.conversion {
            's' => {
                if let Item::Text(span) = value {
                    let bytes = self.heap.bytes(span);
                    // A precision may show nothing of it.
                    if spec.precision.is_some() && !self.budget.take(bytes.len()) {
                        return None;
                    }
                    spec.put_str(&text(bytes), out);
                } else {
                    let mut text = String::new();
                    repr::put_str(&self.heap, value, &mut self.budget, &mut text);
                    spec.put_str(&text, out);
                }
            }
            'r' | 'a' => {
                let mut text = String::new();
                repr::put_repr(&self.heap, value, &mut self.budget, &mut text);
                if spec.conversion == 'a' {
                    let repr = std::mem::take(&mut text);
                    put_ascii(&repr, &mut text);
                }
                spec.put_str(&text, out);
            }
            'c' => spec.put_char(self.character(value)?, out),
            _ => self.number(spec, value, out)?,
        }
        Some(())
    }

    fn character(&self, value: Item) -> Option<char> {
        match value {
            Item::Int(code) => char::from_u32(u32::try_from(code).ok()?),
            Item::Text(span) => {
                let mut chars = str::from_utf8(self.heap.bytes(span)).ok()?.chars();
                chars.next().filter(|_| chars.next().is_none())
            }
            _ => None,
        }
    }

    /// Pays for what it looks at, since a value can be asked for by every field.
    fn known_of(&mut self, value: Item) -> Option<Known<'a>> {
        let Item::Node(index) = value else {
            return None;
        };
        let node = self.heap.node(index);
        if node.kind != Kind::Object {
            return None;
        }
        let parts = Parts::of(&self.heap, node);
        let affordable = self.budget.take(parts.weight(&self.heap));
        affordable.then(|| known::known(&self.heap, &parts, Form::Str))?
    }

    fn number(&mut self, spec: &Spec, value: Item, out: &mut String) -> Option<()> {
        let is_whole = matches!(spec.conversion, 'd' | 'i' | 'u');
        let is_fraction = matches!(spec.conversion, 'e' | 'E' | 'f' | 'F' | 'g' | 'G');
        // Of the digits that these are asked for, all the zeros at the end go again.
        if matches!(spec.conversion, 'g' | 'G') && !self.budget.take(spec.precision.unwrap_or(0)) {
            return None;
        }
        match value {
            Item::Bool(value) => spec.put_int(value.into(), out),
            Item::Int(value) => spec.put_int(value.into(), out),
            Item::LongText(_) | Item::LongBytes(_) => {
                match integer::decimal(&self.heap, value, &mut self.budget)? {
                    Decimal::Digits { negative, digits } => match digits.parse::<i128>() {
                        Ok(size) => spec.put_int(if negative { -size } else { size }, out),
                        Err(_) if is_whole => spec.put_big(negative, &digits, out),
                        // Python refuses what no float can hold.
                        Err(_) if is_fraction && digits.len() < 309 => {
                            spec.put_big(negative, &digits, out);
                        }
                        Err(_) => return None,
                    },
                    Decimal::Huge(_) => return None,
                }
            }
            Item::Float(value) if is_fraction || is_whole && value.is_finite() => {
                spec.put_float(value, out);
            }
            Item::Node(_) => match self.known_of(value)? {
                Known::Plain(item @ (Item::Bool(_) | Item::Int(_) | Item::Float(_))) => {
                    return self.number(spec, item, out);
                }
                Known::Unsigned(value) => spec.put_int(value.into(), out),
                // A Decimal, above all.
                Known::Text(text) if text.len() > MAX_NUMBER => return None,
                Known::Text(text) if is_fraction => spec.put_float(text.parse().ok()?, out),
                Known::Text(text) if is_whole => {
                    let whole = text.split_once('.').map_or(&*text, |(whole, _)| whole);
                    spec.put_int(whole.parse().ok()?, out);
                }
                _ => return None,
            },
            _ => return None,
        }
        Some(())
    }
}

/// Whether Python takes the value for a mapping, of which a format need not use anything.
fn is_mapping(heap: &Heap<'_>, value: Item) -> bool {
    match value {
        Item::Bytes(_) => true,
        Item::Node(index) => matches!(heap.node(index).kind, Kind::List | Kind::Dict),
        _ => false,
    }
}
