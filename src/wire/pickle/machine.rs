//! Runs the opcodes of a pickle (protocols 0 to 5) as data: a stack, a memo and nodes, nothing else.
//!
//! The opcodes are those of CPython's `pickletools.py`. The ones that would import or call something (GLOBAL, REDUCE, BUILD,
//! NEWOBJ, ...) only note down what they were asked for.

use std::num::NonZeroUsize;

use super::value::{Heap, Item, Kind, Node, Object, Span};
use crate::error::WireError;

/// How many items the stack, the memo or all nodes together may hold. What a frame can claim is bounded by its length already;
/// these bound the memory of the largest frames to some 60 MiB.
const MAX_ITEMS: usize = 1 << 20;
/// How many containers and objects a frame may make.
const MAX_NODES: usize = 1 << 18;
/// How many marks may be open at a time, which bounds the nesting of containers in protocol 0 and 1.
const MAX_MARKS: usize = 1 << 16;
/// How far a memo index may skip ahead. Picklers number their entries one by one.
const MAX_MEMO_GAP: usize = 1 << 10;
/// What is kept for the next frame; whatever an unusual frame needed beyond is given back.
const KEPT_ITEMS: usize = 1 << 12;
const KEPT_NODES: usize = 1 << 8;

/// The state of a pickle machine, reused from frame to frame.
#[derive(Debug, Default)]
pub(super) struct Machine {
    stack: Vec<Item>,
    /// Stack heights at the open marks.
    marks: Vec<usize>,
    /// The height that no pop may go below: the last open mark.
    fence: usize,
    memo: Vec<Item>,
    /// Nodes of this frame up to `live`; behind them old ones whose memory waits to be used again.
    nodes: Vec<Node>,
    live: usize,
    /// How many items the nodes hold together.
    held: usize,
    /// Unescaped texts.
    side: Vec<u8>,
}

type Result<T> = std::result::Result<T, &'static str>;

const STOPS_SHORT: &str = "it stops short";
const UNDERFLOW: &str = "an opcode finds too few values on the stack";
const NO_MARK: &str = "an opcode finds no mark on the stack";
const BAD_NUMBER: &str = "a number cannot be read";
const TOO_MANY: &str = "it holds more values than the limit";

/// Reads the frame from front to back.
struct Cursor<'a> {
    frame: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn byte(&mut self) -> Result<u8> {
        let byte = *self.frame.get(self.at).ok_or(STOPS_SHORT)?;
        self.at += 1;
        Ok(byte)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.frame[self.at..].first_chunk().ok_or(STOPS_SHORT)?;
        self.at += N;
        Ok(*bytes)
    }

    fn u32_le(&mut self) -> Result<usize> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    fn u64_le(&mut self) -> Result<usize> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| STOPS_SHORT)
    }

    fn span(&mut self, len: usize) -> Result<Span> {
        if len > self.frame.len() - self.at {
            return Err(STOPS_SHORT);
        }
        let span = Span::of_frame(self.at, len);
        self.at += len;
        Ok(span)
    }

    /// The bytes up to the next newline, which is skipped, and where they begin.
    fn line(&mut self) -> Result<(usize, &'a [u8])> {
        let start = self.at;
        let rest = &self.frame[start..];
        let len = rest
            .iter()
            .position(|byte| *byte == b'\n')
            .ok_or(STOPS_SHORT)?;
        self.at += len + 1;
        Ok((start, &rest[..len]))
    }
}

impl Machine {
    /// Runs a frame's payload and gives what it leaves on the stack at STOP.
    pub(super) fn run(&mut self, frame: &[u8]) -> std::result::Result<Item, WireError> {
        self.reset();
        let mut cursor = Cursor { frame, at: 0 };
        loop {
            let at = cursor.at;
            match self.step(&mut cursor) {
                Ok(None) => {}
                Ok(Some(result)) => return Ok(result),
                Err(reason) => return Err(WireError::Pickle { reason, at }),
            }
        }
    }

    /// What the items of the last run point to.
    pub(super) fn heap<'a>(&'a self, frame: &'a [u8]) -> Heap<'a> {
        Heap {
            frame,
            side: &self.side,
            nodes: &self.nodes[..self.live],
        }
    }

    fn reset(&mut self) {
        self.stack.clear();
        self.marks.clear();
        self.fence = 0;
        self.memo.clear();
        self.side.clear();
        if self.live > KEPT_NODES || self.held > KEPT_ITEMS {
            self.nodes.truncate(KEPT_NODES);
            for node in &mut self.nodes {
                node.items = Vec::new();
            }
        }
        self.live = 0;
        self.held = 0;
        for items in [&mut self.stack, &mut self.memo] {
            if items.capacity() > KEPT_ITEMS {
                items.shrink_to(KEPT_ITEMS);
            }
        }
        if self.side.capacity() > KEPT_ITEMS * size_of::<Item>() {
            self.side = Vec::new();
        }
    }

    /// Runs one opcode; `Some` is what STOP leaves.
    #[inline]
    fn step(&mut self, cursor: &mut Cursor<'_>) -> Result<Option<Item>> {
        match cursor.byte()? {
            // The two dozen opcodes of a SocketHandler's frame, most frequent first.
            b'q' => {
                let index = cursor.byte()?.into();
                self.put(index)?;
            }
            b'X' => {
                let len = cursor.u32_le()?;
                let text = Item::Text(cursor.span(len)?);
                self.push(text)?;
            }
            b'h' => {
                let index = cursor.byte()?.into();
                self.get(index)?;
            }
            b'N' => self.push(Item::None)?,
            b'K' => {
                let int = Item::Int(cursor.byte()?.into());
                self.push(int)?;
            }
            b'M' => {
                let int = Item::Int(u16::from_le_bytes(cursor.array()?).into());
                self.push(int)?;
            }
            b'J' => {
                let int = Item::Int(i32::from_le_bytes(cursor.array()?).into());
                self.push(int)?;
            }
            b'G' => {
                let float = Item::Float(f64::from_be_bytes(cursor.array()?));
                self.push(float)?;
            }
            b'(' => {
                if self.marks.len() == MAX_MARKS {
                    return Err(TOO_MANY);
                }
                self.marks.push(self.stack.len());
                self.fence = self.stack.len();
            }
            b'u' => {
                let mark = self.pop_mark()?;
                self.set_items(mark)?;
            }
            b'}' => self.push_new(Kind::Dict)?,
            b'.' => return self.pop().map(Some),
            opcode => self.step_rare(opcode, cursor)?,
        }
        Ok(None)
    }

    fn step_rare(&mut self, opcode: u8, cursor: &mut Cursor<'_>) -> Result<()> {
        match opcode {
            b'I' | b'L' => {
                let item = number_line(opcode, cursor)?;
                self.push(item)
            }
            b'F' => {
                let (_, line) = cursor.line()?;
                let float = std::str::from_utf8(line)
                    .ok()
                    .and_then(|text| text.trim().parse().ok());
                self.push(Item::Float(float.ok_or(BAD_NUMBER)?))
            }
            0x88 => self.push(Item::Bool(true)),
            0x89 => self.push(Item::Bool(false)),
            0x8a => {
                let len = cursor.byte()?.into();
                self.push_long(len, cursor)
            }
            0x8b => {
                let len = i32::from_le_bytes(cursor.array()?);
                self.push_long(usize::try_from(len).map_err(|_| BAD_NUMBER)?, cursor)
            }

            // Texts and bytes
            b'V' => {
                let (_, line) = cursor.line()?;
                let start = self.side.len();
                unescape_unicode(line, &mut self.side);
                self.push(Item::Text(Span::of_side(start, self.side.len() - start)))
            }
            b'S' => {
                let (_, line) = cursor.line()?;
                let start = self.side.len();
                unescape_quoted(line, &mut self.side)?;
                self.push(Item::Text(Span::of_side(start, self.side.len() - start)))
            }
            0x8c | b'U' => {
                let len = cursor.byte()?.into();
                let text = Item::Text(cursor.span(len)?);
                self.push(text)
            }
            b'T' => {
                let len = cursor.u32_le()?;
                let text = Item::Text(cursor.span(len)?);
                self.push(text)
            }
            0x8d => {
                let len = cursor.u64_le()?;
                let text = Item::Text(cursor.span(len)?);
                self.push(text)
            }
            b'C' => {
                let len = cursor.byte()?.into();
                let bytes = Item::Bytes(cursor.span(len)?);
                self.push(bytes)
            }
            b'B' => {
                let len = cursor.u32_le()?;
                let bytes = Item::Bytes(cursor.span(len)?);
                self.push(bytes)
            }
            0x8e | 0x96 => {
                let len = cursor.u64_le()?;
                let bytes = Item::Bytes(cursor.span(len)?);
                self.push(bytes)
            }
            // A buffer that travels outside of the pickle: it did not travel with us.
            0x97 => self.push(Item::None),

            // Containers
            b']' => self.push_new(Kind::List),
            b')' => self.push_new(Kind::Tuple),
            0x8f => self.push_new(Kind::Set),
            b'l' => self.collect(Kind::List),
            b't' => self.collect(Kind::Tuple),
            b'd' => self.collect(Kind::Dict),
            0x91 => self.collect(Kind::FrozenSet),
            0x85..=0x87 => {
                let len = usize::from(opcode - 0x84);
                let start = self.stack.len().checked_sub(len).ok_or(UNDERFLOW)?;
                if start < self.fence {
                    return Err(UNDERFLOW);
                }
                self.collect_from(Kind::Tuple, start)
            }
            b'a' => {
                let start = self.stack.len().checked_sub(1).ok_or(UNDERFLOW)?;
                self.add_items(start)
            }
            b'e' | 0x90 => {
                let mark = self.pop_mark()?;
                self.add_items(mark)
            }
            b's' => {
                let start = self.stack.len().checked_sub(2).ok_or(UNDERFLOW)?;
                self.set_items(start)
            }

            _ => self.step_object(opcode, cursor),
        }
    }

    /// The opcodes that name, build or refer to objects, and those that move the stack.
    fn step_object(&mut self, opcode: u8, cursor: &mut Cursor<'_>) -> Result<()> {
        match opcode {
            b'c' => {
                let global = self.global_lines(cursor)?;
                self.push(global)
            }
            0x93 => {
                let name = self.pop()?;
                let module = self.pop()?;
                self.push_node(Kind::Global, &[module, name])
            }
            b'R' | 0x81 => {
                let args = self.pop()?;
                let callable = self.pop()?;
                self.push_object(callable, args, Item::None)
            }
            0x92 => {
                let kwargs = self.pop()?;
                let args = self.pop()?;
                let class = self.pop()?;
                self.push_object(class, args, kwargs)
            }
            b'i' => {
                let class = self.global_lines(cursor)?;
                self.collect(Kind::Tuple)?;
                let args = self.pop()?;
                self.push_object(class, args, Item::None)
            }
            b'o' => {
                let mark = self.pop_mark()?;
                if self.stack.len() == mark {
                    return Err(UNDERFLOW);
                }
                self.collect_from(Kind::Tuple, mark + 1)?;
                let args = self.pop()?;
                let class = self.pop()?;
                self.push_object(class, args, Item::None)
            }
            b'b' => {
                let state = self.pop()?;
                let target = self.top()?;
                if let Some(node) = self
                    .node_of(target)
                    .filter(|node| node.kind == Kind::Object)
                {
                    node.items[Object::STATE] = state;
                }
                Ok(())
            }
            b'P' => {
                let (start, line) = cursor.line()?;
                self.push_node(
                    Kind::Persistent,
                    &[Item::Text(Span::of_frame(start, line.len()))],
                )
            }
            b'Q' => {
                let id = self.pop()?;
                self.push_node(Kind::Persistent, &[id])
            }
            0x82 => {
                let code = cursor.byte()?.into();
                self.push_node(Kind::Extension, &[Item::Int(code)])
            }
            0x83 => {
                let code = u16::from_le_bytes(cursor.array()?).into();
                self.push_node(Kind::Extension, &[Item::Int(code)])
            }
            0x84 => {
                let code = u32::from_le_bytes(cursor.array()?).into();
                self.push_node(Kind::Extension, &[Item::Int(code)])
            }

            // Stack and memo
            b'0' => {
                if self.marks.last() == Some(&self.stack.len()) {
                    self.pop_mark().map(drop)
                } else {
                    self.pop().map(drop)
                }
            }
            b'1' => {
                let mark = self.pop_mark()?;
                self.stack.truncate(mark);
                Ok(())
            }
            b'2' => {
                let top = self.top()?;
                self.push(top)
            }
            b'g' => {
                let index = index_line(cursor)?;
                self.get(index)
            }
            b'j' => {
                let index = cursor.u32_le()?;
                self.get(index)
            }
            b'p' => {
                let index = index_line(cursor)?;
                self.put(index)
            }
            b'r' => {
                let index = cursor.u32_le()?;
                self.put(index)
            }
            0x94 => self.put(self.memo.len()),

            // Framing inside the pickle says nothing that its length does not.
            0x80 => cursor.byte().map(drop),
            0x95 => cursor.array::<8>().map(drop),
            0x98 => self.top().map(drop),
            _ => Err("an opcode is unknown"),
        }
    }

    #[inline]
    fn push(&mut self, item: Item) -> Result<()> {
        if self.stack.len() == MAX_ITEMS {
            return Err(TOO_MANY);
        }
        self.stack.push(item);
        Ok(())
    }

    fn pop(&mut self) -> Result<Item> {
        if self.stack.len() <= self.fence {
            return Err(UNDERFLOW);
        }
        self.stack.pop().ok_or(UNDERFLOW)
    }

    fn top(&self) -> Result<Item> {
        if self.stack.len() <= self.fence {
            return Err(UNDERFLOW);
        }
        self.stack.last().copied().ok_or(UNDERFLOW)
    }

    /// Closes the last mark and gives the stack's height there.
    fn pop_mark(&mut self) -> Result<usize> {
        let mark = self.marks.pop().ok_or(NO_MARK)?;
        self.fence = self.marks.last().copied().unwrap_or(0);
        Ok(mark)
    }

    #[inline]
    fn put(&mut self, index: usize) -> Result<()> {
        let top = self.top()?;
        if index == self.memo.len() && index < MAX_ITEMS {
            self.memo.push(top);
            return Ok(());
        }
        if index >= self.memo.len() {
            if index - self.memo.len() > MAX_MEMO_GAP || index >= MAX_ITEMS {
                return Err("a memo index skips too far ahead");
            }
            self.memo.resize(index + 1, Item::None);
        }
        self.memo[index] = top;
        Ok(())
    }

    #[inline]
    fn get(&mut self, index: usize) -> Result<()> {
        let item = *self
            .memo
            .get(index)
            .ok_or("a memo index was never filled")?;
        self.push(item)
    }

    /// A new node with these items, pushed.
    fn push_node(&mut self, kind: Kind, items: &[Item]) -> Result<()> {
        let node = self.new_node(kind, items)?;
        self.push(node)
    }

    fn push_new(&mut self, kind: Kind) -> Result<()> {
        self.push_node(kind, &[])
    }

    fn new_node(&mut self, kind: Kind, items: &[Item]) -> Result<Item> {
        if self.live == MAX_NODES {
            return Err(TOO_MANY);
        }
        self.hold(items.len())?;
        if let Some(node) = self.nodes.get_mut(self.live) {
            node.kind = kind;
            node.items.clear();
            node.items.extend_from_slice(items);
        } else {
            self.nodes.push(Node {
                kind,
                items: items.to_vec(),
            });
        }
        self.live += 1;
        Ok(Item::Node(
            u32::try_from(self.live - 1).map_err(|_| TOO_MANY)?,
        ))
    }

    fn hold(&mut self, items: usize) -> Result<()> {
        self.held += items;
        if self.held > MAX_ITEMS {
            Err(TOO_MANY)
        } else {
            Ok(())
        }
    }

    fn push_object(&mut self, callable: Item, args: Item, kwargs: Item) -> Result<()> {
        let mut items = [Item::None; Object::LEN];
        items[Object::CALLABLE] = callable;
        items[Object::ARGS] = args;
        items[Object::KWARGS] = kwargs;
        self.push_node(Kind::Object, &items)
    }

    /// Everything since the last mark becomes a container.
    fn collect(&mut self, kind: Kind) -> Result<()> {
        let mark = self.pop_mark()?;
        if kind == Kind::Dict && !(self.stack.len() - mark).is_multiple_of(2) {
            return Err("a dict has a key without a value");
        }
        self.collect_from(kind, mark)
    }

    fn collect_from(&mut self, kind: Kind, start: usize) -> Result<()> {
        // The stack lends its items for the copy.
        let stack = std::mem::take(&mut self.stack);
        let node = self.new_node(kind, &stack[start..]);
        self.stack = stack;
        self.stack.truncate(start);
        self.push(node?)
    }

    fn node_of(&mut self, item: Item) -> Option<&mut Node> {
        match item {
            Item::Node(index) => self.nodes.get_mut(index as usize),
            _ => None,
        }
    }

    /// The items from `start` up go into the list, set or object below them.
    fn add_items(&mut self, start: usize) -> Result<()> {
        self.move_items(
            start,
            Object::LIST_ITEMS,
            Kind::List,
            &[Kind::List, Kind::Set],
        )
    }

    /// The items from `start` up, keys and values by turns, go into the dict or object below them.
    #[inline]
    fn set_items(&mut self, start: usize) -> Result<()> {
        if !(self.stack.len() - start).is_multiple_of(2) {
            return Err("a dict has a key without a value");
        }
        self.move_items(start, Object::DICT_ITEMS, Kind::Dict, &[Kind::Dict])
    }

    fn move_items(&mut self, start: usize, part: usize, kind: Kind, takes: &[Kind]) -> Result<()> {
        let target = NonZeroUsize::new(start)
            .filter(|start| start.get() > self.fence)
            .ok_or(UNDERFLOW)?
            .get()
            - 1;
        self.hold(self.stack.len() - start)?;
        let mut target = self.stack[target];
        if let Some(object) = self
            .node_of(target)
            .filter(|node| node.kind == Kind::Object)
        {
            let child = object.items[part];
            target = if child == Item::None {
                let child = self.new_node(kind, &[])?;
                let object = self.stack[start - 1];
                if let Some(object) = self.node_of(object) {
                    object.items[part] = child;
                }
                child
            } else {
                child
            };
        }
        let Item::Node(index) = target else {
            return Err("an opcode adds to something that is no container");
        };
        let node = &mut self.nodes[index as usize];
        if !takes.contains(&node.kind) {
            return Err("an opcode adds to the wrong kind of container");
        }
        node.items.extend_from_slice(&self.stack[start..]);
        self.stack.truncate(start);
        Ok(())
    }

    fn push_long(&mut self, len: usize, cursor: &mut Cursor<'_>) -> Result<()> {
        let start = cursor.at;
        let span = cursor.span(len)?;
        let bytes = &cursor.frame[start..start + len];
        if len > 8 {
            return self.push(Item::LongBytes(span));
        }
        // Two's complement, little end first: fill up with the sign.
        let negative = bytes.last().is_some_and(|last| last & 0x80 != 0);
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        wide[..len].copy_from_slice(bytes);
        self.push(Item::Int(i64::from_le_bytes(wide)))
    }

    /// Module and name on two lines, as GLOBAL and INST have them.
    fn global_lines(&mut self, cursor: &mut Cursor<'_>) -> Result<Item> {
        let (module_at, module) = cursor.line()?;
        let (name_at, name) = cursor.line()?;
        let module = Item::Text(Span::of_frame(module_at, module.len()));
        let name = Item::Text(Span::of_frame(name_at, name.len()));
        self.new_node(Kind::Global, &[module, name])
    }
}

/// The argument of INT (`I01` and `I00` are the booleans of protocol 0 and 1) or LONG (with a trailing `L`).
fn number_line(opcode: u8, cursor: &mut Cursor<'_>) -> Result<Item> {
    let (start, line) = cursor.line()?;
    if opcode == b'I' && (line == b"01" || line == b"00") {
        return Ok(Item::Bool(line == b"01"));
    }
    let digits = line.strip_suffix(b"L").unwrap_or(line);
    let text = std::str::from_utf8(digits).map_err(|_| BAD_NUMBER)?;
    if let Ok(int) = text.parse() {
        return Ok(Item::Int(int));
    }
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BAD_NUMBER);
    }
    Ok(Item::LongText(Span::of_frame(start, digits.len())))
}

fn index_line(cursor: &mut Cursor<'_>) -> Result<usize> {
    let (_, line) = cursor.line()?;
    std::str::from_utf8(line)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(BAD_NUMBER)
}

/// UNICODE's argument: Latin-1 with `\uXXXX` and `\UXXXXXXXX`, Python's "raw-unicode-escape".
fn unescape_unicode(line: &[u8], out: &mut Vec<u8>) {
    let mut rest = line;
    while let Some((&byte, tail)) = rest.split_first() {
        let digits = match (byte, tail.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => 0,
        };
        let code = tail.get(1..=digits).filter(|_| digits > 0).and_then(hex);
        if let Some(code) = code {
            put_code_point(code, out);
            rest = &tail[1 + digits..];
        } else {
            put_code_point(byte.into(), out);
            rest = tail;
        }
    }
}

/// STRING's argument: a Python 2 string literal, quotes and escapes included.
fn unescape_quoted(line: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let inner = match line.trim_ascii_end() {
        [b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"'] => inner,
        _ => return Err("a string has no quotes"),
    };
    let mut rest = inner;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let Some((&escape, tail)) = rest.split_first() else {
            return Err("a string ends in the middle of an escape");
        };
        rest = tail;
        match escape {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'a' => out.push(7),
            b'b' => out.push(8),
            b'v' => out.push(11),
            b'f' => out.push(12),
            b'\\' | b'\'' | b'"' => out.push(escape),
            b'x' => {
                let code = rest
                    .get(..2)
                    .and_then(hex)
                    .ok_or("a string has a bad \\x escape")?;
                out.extend(u8::try_from(code));
                rest = &rest[2..];
            }
            b'0'..=b'7' => {
                let mut code = u32::from(escape - b'0');
                for _ in 0..2 {
                    let Some((digit @ b'0'..=b'7', tail)) = rest.split_first() else {
                        break;
                    };
                    code = code * 8 + u32::from(digit - b'0');
                    rest = tail;
                }
                // Python keeps the low eight bits of an octal escape past \377.
                out.extend(u8::try_from(code & 0xff));
            }
            other => out.extend([b'\\', other]),
        }
    }
    Ok(())
}

fn hex(digits: &[u8]) -> Option<u32> {
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// UTF-8 as Python's `surrogatepass` writes it: surrogates as three bytes. Past the last code point: U+FFFD.
fn put_code_point(code: u32, out: &mut Vec<u8>) {
    if let Some(surrogate) = u16::try_from(code)
        .ok()
        .filter(|code| (0xd800..0xe000).contains(code))
    {
        let [high, low] = surrogate.to_be_bytes();
        out.extend([
            0xe0 | (high >> 4),
            0x80 | ((high & 0xf) << 2) | (low >> 6),
            0x80 | (low & 0x3f),
        ]);
    } else {
        let char = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        out.extend(char.encode_utf8(&mut [0; 4]).as_bytes());
    }
}
