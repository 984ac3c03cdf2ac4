//! Protocol Buffers' wire format: the fields of a message, borrowed from its bytes.

use std::borrow::Cow;

use super::text::text;
use crate::error::WireError;

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Corrupt(pub(super) &'static str);

impl Corrupt {
    const CUT: Corrupt = Corrupt("it ends inside a field");

    /// The error of a request of this protocol.
    pub(super) fn in_protocol(self, protocol: &'static str) -> WireError {
        WireError::Message {
            protocol,
            reason: format!("corrupt protobuf: {}", self.0),
        }
    }
}

/// The value of a field, as the wire knows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

impl<'a> Wire<'a> {
    const OTHER_TYPE: Corrupt = Corrupt("a field has another type than the protocol gives it");

    pub(super) fn varint(self) -> Result<u64, Corrupt> {
        match self {
            Wire::Varint(value) => Ok(value),
            _ => Err(Self::OTHER_TYPE),
        }
    }

    /// `int32`, `int64` and enums: a negative one has all 64 bits.
    pub(super) fn int(self) -> Result<i64, Corrupt> {
        Ok(self.varint()?.cast_signed())
    }

    pub(super) fn fixed64(self) -> Result<u64, Corrupt> {
        match self {
            Wire::Fixed64(value) => Ok(value),
            _ => Err(Self::OTHER_TYPE),
        }
    }

    pub(super) fn fixed32(self) -> Result<u32, Corrupt> {
        match self {
            Wire::Fixed32(value) => Ok(value),
            _ => Err(Self::OTHER_TYPE),
        }
    }

    /// `string`, `bytes`, or a message in it.
    pub(super) fn bytes(self) -> Result<&'a [u8], Corrupt> {
        match self {
            Wire::Bytes(bytes) => Ok(bytes),
            _ => Err(Self::OTHER_TYPE),
        }
    }

    /// A text; what is no UTF-8 in it is escaped.
    pub(super) fn text(self) -> Result<Cow<'a, str>, Corrupt> {
        self.bytes().map(text)
    }

    /// A message in the message.
    pub(super) fn message(self) -> Result<Fields<'a>, Corrupt> {
        self.bytes().map(Fields)
    }
}

/// The fields of a message in the order in which they were sent. After an error there is none.
#[derive(Debug, Clone)]
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    /// The messages in the fields of one number.
    pub(super) fn messages(self, number: u64) -> impl Iterator<Item = Result<Fields<'a>, Corrupt>> {
        self.filter_map(move |field| match field {
            Ok((found, wire)) => (found == number).then(|| wire.message()),
            Err(corrupt) => Some(Err(corrupt)),
        })
    }

    fn varint(&mut self) -> Result<u64, Corrupt> {
        // Nearly all tags and lengths have one byte.
        if let [byte @ ..0x80, rest @ ..] = self.0 {
            self.0 = rest;
            return Ok((*byte).into());
        }
        let mut value = 0;
        for (i, byte) in self.0.iter().take(10).enumerate() {
            value |= u64::from(byte & 0x7F) << (7 * i);
            if *byte < 0x80 {
                self.0 = &self.0[i + 1..];
                return Ok(value);
            }
        }
        Err(if self.0.len() < 10 {
            Corrupt::CUT
        } else {
            Corrupt("a number has more than ten bytes")
        })
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Corrupt> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Corrupt::CUT)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn field(&mut self) -> Result<(u64, Wire<'a>), Corrupt> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed64(u64::from_le_bytes(self.take()?)),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Corrupt::CUT)?;
                let (bytes, rest) = self.0.split_at_checked(length).ok_or(Corrupt::CUT)?;
                self.0 = rest;
                Wire::Bytes(bytes)
            }
            5 => Wire::Fixed32(u32::from_le_bytes(self.take()?)),
            _ => return Err(Corrupt("a field has a type that is not in use")),
        };
        if tag >> 3 == 0 {
            return Err(Corrupt("a field has the number 0"));
        }
        Ok((tag >> 3, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Wire<'a>), Corrupt>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

/// Adds a field with a number.
pub(super) fn put_varint(field: u64, value: u64, out: &mut Vec<u8>) {
    for mut rest in [field << 3, value] {
        while rest >= 0x80 {
            out.push(rest.to_le_bytes()[0] | 0x80);
            rest >>= 7;
        }
        out.push(rest.to_le_bytes()[0]);
    }
}

/// Adds a field with bytes: a text, or a message.
pub(super) fn put_bytes(field: u64, bytes: &[u8], out: &mut Vec<u8>) {
    let tag = out.len();
    put_varint(field, bytes.len() as u64, out);
    // The type's three bits are the lowest of the tag's first byte.
    out[tag] |= 2;
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(bytes: &[u8]) -> Result<Vec<(u64, Wire<'_>)>, Corrupt> {
        Fields(bytes).collect()
    }

    #[test]
    fn all_types_in_use_are_read() {
        let mut bytes = Vec::new();
        put_varint(1, 300, &mut bytes);
        put_bytes(16, b"hi", &mut bytes);
        bytes.extend_from_slice(b"\x19\x01\0\0\0\0\0\0\0\x25\x02\0\0\0");
        put_varint(5, u64::MAX, &mut bytes);
        let expected = vec![
            (1, Wire::Varint(300)),
            (16, Wire::Bytes(b"hi")),
            (3, Wire::Fixed64(1)),
            (4, Wire::Fixed32(2)),
            (5, Wire::Varint(u64::MAX)),
        ];
        assert_eq!(fields(&bytes), Ok(expected));
        assert_eq!(Wire::Varint(u64::MAX).int(), Ok(-1));
    }

    #[test]
    fn what_is_cut_or_makes_no_sense_says_so_once() {
        for (bytes, reason) in [
            (&b"\x08"[..], "it ends inside a field"),
            (b"\x08\x80", "it ends inside a field"),
            (b"\x0a\x05hi", "it ends inside a field"),
            (b"\x0d\0\0", "it ends inside a field"),
            (
                b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                "a number has more than ten bytes",
            ),
            (b"{\"a\":1}", "a field has a type that is not in use"),
            (b"\x00\x01", "a field has the number 0"),
        ] {
            assert_eq!(fields(bytes), Err(Corrupt(reason)), "{bytes:?}");
            assert_eq!(Fields(bytes).filter(Result::is_err).count(), 1);
        }
        assert!(Wire::Varint(1).bytes().is_err());
    }
}
