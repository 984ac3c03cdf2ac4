//! The opcodes that a `SocketHandler` never or seldom sends.

use super::cursor::{BAD_NUMBER, Cursor, index_line, number_line};
use super::machine::{Machine, Result, UNDERFLOW};
use super::unescape::{unescape_quoted, unescape_unicode};
use super::value::{Item, Kind, Object, Span};

impl Machine {
    pub(super) fn step_rare(&mut self, opcode: u8, cursor: &mut Cursor<'_>) -> Result<()> {
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

    /// The opcodes that name, build or refer to objects.
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
            _ => self.step_stack(opcode, cursor),
        }
    }

    /// The opcodes that move the stack and the memo.
    fn step_stack(&mut self, opcode: u8, cursor: &mut Cursor<'_>) -> Result<()> {
        match opcode {
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
