//! The texts of protocol 0, whose bytes are escaped.

use super::machine::Result;

/// UNICODE's argument: Latin-1 with `\uXXXX` and `\UXXXXXXXX`, Python's "raw-unicode-escape".
pub(super) fn unescape_unicode(line: &[u8], out: &mut Vec<u8>) {
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
pub(super) fn unescape_quoted(line: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let ([b'\'', inner @ .., b'\''] | [b'"', inner @ .., b'"']) = line.trim_ascii_end() else {
        return Err("a string has no quotes");
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
