//! Lines of stdin, of which only one is in memory.

use std::io::{self, BufRead, Read as _};

/// The most bytes of a line. Escaped, it is four times as long, which a server takes by default.
pub(super) const MAX_LINE_BYTES: usize = 3 << 20;

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line<'a> {
    /// Without its end.
    Text(&'a [u8]),
    /// More than [`MAX_LINE_BYTES`], and passed over.
    TooLong,
}

/// See the module's documentation.
pub(super) struct Lines<R> {
    input: R,
    buffer: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Lines {
            input,
            buffer: Vec::new(),
            number: 0,
        }
    }

    /// The next line that is not blank, and its number, from 1. The last one needs no end.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Line<'_>)>> {
        loop {
            self.buffer.clear();
            let mut input = (&mut self.input).take(MAX_LINE_BYTES as u64 + 1);
            if input.read_until(b'\n', &mut self.buffer)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if self.buffer.len() > MAX_LINE_BYTES && !self.buffer.ends_with(b"\n") {
                self.input.skip_until(b'\n')?;
                return Ok(Some((self.number, Line::TooLong)));
            }
            if !self.buffer.trim_ascii().is_empty() {
                break;
            }
        }
        let line = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Ok(Some((self.number, Line::Text(line))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_as_an_editor_does() {
        let mut lines = Lines::new(&b"\n a \r\n \t\r\n\nb"[..]);
        assert_eq!(lines.next().unwrap(), Some((2, Line::Text(b" a "))));
        assert_eq!(lines.next().unwrap(), Some((5, Line::Text(b"b"))));
        assert_eq!(lines.next().unwrap(), None);
    }

    #[test]
    fn a_line_over_the_limit_is_passed_over_as_a_whole() {
        let longest = vec![b'x'; MAX_LINE_BYTES];
        let text = [&longest[..], b"\n", &longest, b"x\n", &longest, b"x"].concat();
        let mut lines = Lines::new(&text[..]);
        assert_eq!(lines.next().unwrap(), Some((1, Line::Text(&longest))));
        assert_eq!(lines.next().unwrap(), Some((2, Line::TooLong)));
        assert_eq!(lines.next().unwrap(), Some((3, Line::TooLong)));
        assert_eq!(lines.next().unwrap(), None);
    }
}
