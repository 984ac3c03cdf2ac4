//! Reads a pickle's bytes from front to back: the arguments of its opcodes.

use super::machine::Result;
use super::value::{Item, Span};

const STOPS_SHORT: &str = "it stops short";
pub(super) const BAD_NUMBER: &str = "a number cannot be read";

/// Reads the frame from front to back.
pub(super) struct Cursor<'a> {
    pub(super) frame: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn byte(&mut self) -> Result<u8> {
        let byte = *self.frame.get(self.at).ok_or(STOPS_SHORT)?;
        self.at += 1;
        Ok(byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.frame[self.at..].first_chunk().ok_or(STOPS_SHORT)?;
        self.at += N;
        Ok(*bytes)
    }

    pub(super) fn u32_le(&mut self) -> Result<usize> {
        Ok(u32::from_le_bytes(self.array()?) as usize)
    }

    pub(super) fn u64_le(&mut self) -> Result<usize> {
        usize::try_from(u64::from_le_bytes(self.array()?)).map_err(|_| STOPS_SHORT)
    }

    pub(super) fn span(&mut self, len: usize) -> Result<Span> {
        if len > self.frame.len() - self.at {
            return Err(STOPS_SHORT);
        }
        let span = Span::of_frame(self.at, len);
        self.at += len;
        Ok(span)
    }

    /// The bytes up to the next newline, which is skipped, and where they begin.
    pub(super) fn line(&mut self) -> Result<(usize, &'a [u8])> {
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

/// The argument of INT (`I01` and `I00` are the booleans of protocol 0 and 1) or LONG (with a trailing `L`).
pub(super) fn number_line(opcode: u8, cursor: &mut Cursor<'_>) -> Result<Item> {
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

pub(super) fn index_line(cursor: &mut Cursor<'_>) -> Result<usize> {
    let (_, line) = cursor.line()?;
    std::str::from_utf8(line)
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or(BAD_NUMBER)
}
