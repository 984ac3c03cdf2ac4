//! Runs the opcodes of a pickle (protocols 0 to 5) as data: a stack, a memo and nodes, nothing else.
//!
//! The opcodes are those of CPython's `pickletools.py`. The ones that would import or call something (GLOBAL, REDUCE, BUILD,
//! NEWOBJ, ...) only note down what they were asked for.

use std::num::NonZeroUsize;

use super::cursor::Cursor;
use super::value::{Heap, Item, Kind, Node, Object};
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
    pub(super) stack: Vec<Item>,
    /// Stack heights at the open marks.
    pub(super) marks: Vec<usize>,
    /// The height that no pop may go below: the last open mark.
    pub(super) fence: usize,
    pub(super) memo: Vec<Item>,
    /// Nodes of this frame up to `live`; behind them old ones whose memory waits to be used again.
    nodes: Vec<Node>,
    live: usize,
    /// How many items the nodes hold together.
    held: usize,
    /// Unescaped texts.
    pub(super) side: Vec<u8>,
}

pub(super) type Result<T> = std::result::Result<T, &'static str>;

pub(super) const UNDERFLOW: &str = "an opcode finds too few values on the stack";
const NO_MARK: &str = "an opcode finds no mark on the stack";
const TOO_MANY: &str = "it holds more values than the limit";

impl Machine {
    /// Runs a frame's payload and gives what it leaves on the stack at STOP.
    pub(super) fn run(&mut self, frame: &[u8]) -> std::result::Result<Item, WireError> {
        self.reset();
        let mut cursor = Cursor { frame, at: 0 };
        self.steps(&mut cursor).map_err(|reason| WireError::Pickle {
            reason,
            at: cursor.at,
        })
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

    /// Runs opcodes up to STOP and gives what it leaves.
    fn steps(&mut self, cursor: &mut Cursor<'_>) -> Result<Item> {
        loop {
            match cursor.byte()? {
                // The two dozen opcodes of a SocketHandler's frame, most frequent first.
                b'X' => {
                    let len = cursor.u32_le()?;
                    let text = Item::Text(cursor.span(len)?);
                    self.push(text)?;
                    // A pickler puts every new text into its memo, at the next place: both in one go.
                    if let Some([b'q', index]) = cursor.frame.get(cursor.at..cursor.at + 2)
                        && usize::from(*index) == self.memo.len()
                    {
                        self.memo.push(text);
                        cursor.at += 2;
                    }
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
                b'q' => {
                    let index = cursor.byte()?.into();
                    self.put(index)?;
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
                b'.' => return self.pop(),
                opcode => self.step_rare(opcode, cursor)?,
            }
        }
    }

    #[inline]
    pub(super) fn push(&mut self, item: Item) -> Result<()> {
        if self.stack.len() == MAX_ITEMS {
            return Err(TOO_MANY);
        }
        self.stack.push(item);
        Ok(())
    }

    pub(super) fn pop(&mut self) -> Result<Item> {
        if self.stack.len() <= self.fence {
            return Err(UNDERFLOW);
        }
        self.stack.pop().ok_or(UNDERFLOW)
    }

    pub(super) fn top(&self) -> Result<Item> {
        if self.stack.len() <= self.fence {
            return Err(UNDERFLOW);
        }
        self.stack.last().copied().ok_or(UNDERFLOW)
    }

    /// Closes the last mark and gives the stack's height there.
    pub(super) fn pop_mark(&mut self) -> Result<usize> {
        let mark = self.marks.pop().ok_or(NO_MARK)?;
        self.fence = self.marks.last().copied().unwrap_or(0);
        Ok(mark)
    }

    #[inline]
    pub(super) fn put(&mut self, index: usize) -> Result<()> {
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
    pub(super) fn get(&mut self, index: usize) -> Result<()> {
        let item = *self
            .memo
            .get(index)
            .ok_or("a memo index was never filled")?;
        self.push(item)
    }

    /// A new node with these items, pushed.
    pub(super) fn push_node(&mut self, kind: Kind, items: &[Item]) -> Result<()> {
        let node = self.new_node(kind, items)?;
        self.push(node)
    }

    pub(super) fn push_new(&mut self, kind: Kind) -> Result<()> {
        self.push_node(kind, &[])
    }

    pub(super) fn new_node(&mut self, kind: Kind, items: &[Item]) -> Result<Item> {
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

    pub(super) fn push_object(&mut self, callable: Item, args: Item, kwargs: Item) -> Result<()> {
        let mut items = [Item::None; Object::LEN];
        items[Object::CALLABLE] = callable;
        items[Object::ARGS] = args;
        items[Object::KWARGS] = kwargs;
        self.push_node(Kind::Object, &items)
    }

    /// Everything since the last mark becomes a container.
    pub(super) fn collect(&mut self, kind: Kind) -> Result<()> {
        let mark = self.pop_mark()?;
        if kind == Kind::Dict && !(self.stack.len() - mark).is_multiple_of(2) {
            return Err("a dict has a key without a value");
        }
        self.collect_from(kind, mark)
    }

    pub(super) fn collect_from(&mut self, kind: Kind, start: usize) -> Result<()> {
        // The stack lends its items for the copy.
        let stack = std::mem::take(&mut self.stack);
        let node = self.new_node(kind, &stack[start..]);
        self.stack = stack;
        self.stack.truncate(start);
        self.push(node?)
    }

    pub(super) fn node_of(&mut self, item: Item) -> Option<&mut Node> {
        match item {
            Item::Node(index) => self.nodes.get_mut(index as usize),
            _ => None,
        }
    }

    /// The items from `start` up go into the list, set or object below them.
    pub(super) fn add_items(&mut self, start: usize) -> Result<()> {
        self.move_items(
            start,
            Object::LIST_ITEMS,
            Kind::List,
            &[Kind::List, Kind::Set],
        )
    }

    /// The items from `start` up, keys and values by turns, go into the dict or object below them.
    #[inline]
    pub(super) fn set_items(&mut self, start: usize) -> Result<()> {
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
}
