//! Messages of text in a stream: ended by LF or NUL, or, in syslog, behind their length (RFC 6587).

use memchr::{memchr, memchr_iter, memchr2};

use super::frame::MAX_FRAME_LIMIT;
use crate::error::WireError;

/// How messages of text are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// A message ends at LF or NUL, whichever comes first.
    Json,
    /// A message that begins with a digit from 1 to 9 stands behind its length and a space (RFC 6587, 3.4.1); any other ends at LF
    /// or NUL. A sender may do both.
    Syslog,
    /// A message ends at NUL alone, and may have several lines: of Python's `SysLogHandler`, and of GELF.
    Nul,
}

impl Framing {
    /// How a stream of text that begins with these bytes is framed: where NUL is among them, lines are part of messages.
    #[must_use]
    pub fn of_stream(self, beginning: &[u8]) -> Self {
        let counted = self == Framing::Syslog && matches!(beginning.first(), Some(b'1'..=b'9'));
        let Some(end) = memchr(0, beginning).filter(|_| !counted) else {
            return self;
        };
        // Where another message begins behind LF, NUL is no more than a stray byte.
        let first = &beginning[..end];
        let another = |at| matches!(first.get(at + 1), Some(b'<' | b'{' | b'0'..=b'9'));
        if memchr_iter(b'\n', first).any(another) {
            return self;
        }
        Framing::Nul
    }

    /// Where the first line ends.
    pub(crate) fn end_of_line(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Framing::Nul => memchr(0, bytes),
            Framing::Json | Framing::Syslog => memchr2(b'\n', 0, bytes),
        }
    }
}

/// What the rest of a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remainder {
    /// So many bytes.
    Bytes(usize),
    /// All up to the next end of a line, itself included.
    Line,
}

/// What stands at the front of a buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SplitMessage<'a> {
    /// A whole message, never a blank one.
    Message {
        /// The message, without its length, its end, and a CR before that.
        message: &'a [u8],
        /// What comes behind it.
        rest: &'a [u8],
    },
    /// The beginning of one that is over the limit.
    TooLong {
        /// What is to be said of it.
        error: WireError,
        /// What of it is to be passed over at the front of `rest`.
        remainder: Remainder,
        /// What comes behind that which was looked at.
        rest: &'a [u8],
    },
    /// Only a part of one, or nothing.
    Partial {
        /// The part; blank lines before it are dropped.
        part: &'a [u8],
        /// What is missing at the least.
        missing: Remainder,
    },
}

/// The most digits that a length has.
const MAX_COUNT_DIGITS: usize = 9;

/// Takes the first message off a buffer, blank lines being passed over. No LF or NUL is looked for in the first `searched` bytes: a
/// long line that arrives in many pieces need not be searched over and over.
///
/// # Errors
///
/// [`WireError::Message`] for a message of syslog that begins with a digit but not with its length. What follows cannot be trusted
/// then.
pub fn split_message(
    mut buffer: &[u8],
    mut searched: usize,
    framing: Framing,
    limit: usize,
) -> Result<SplitMessage<'_>, WireError> {
    loop {
        if framing == Framing::Syslog && matches!(buffer.first(), Some(b'1'..=b'9')) {
            return split_counted(buffer, limit);
        }
        let window = &buffer[..buffer.len().min(limit.saturating_add(1))];
        searched = searched.min(window.len());
        let Some(end) = framing
            .end_of_line(&window[searched..])
            .map(|at| searched + at)
        else {
            return Ok(if buffer.len() > limit {
                SplitMessage::TooLong {
                    error: WireError::LineTooLong { limit },
                    remainder: Remainder::Line,
                    rest: &buffer[window.len()..],
                }
            } else {
                SplitMessage::Partial {
                    part: buffer,
                    missing: Remainder::Line,
                }
            });
        };
        let (line, rest) = (&buffer[..end], &buffer[end + 1..]);
        if let Some(message) = message_of(line) {
            return Ok(SplitMessage::Message { message, rest });
        }
        buffer = rest;
        searched = 0;
    }
}

/// The message on a line; `None` when it is blank.
fn message_of(line: &[u8]) -> Option<&[u8]> {
    let message = line.strip_suffix(b"\r").unwrap_or(line);
    let blank = message.iter().all(u8::is_ascii_whitespace);
    (!blank).then_some(message)
}

/// The length in bytes that a message begins with, and how many bytes that and the space behind it are; `None` while they are
/// incomplete.
fn count_of(buffer: &[u8]) -> Result<Option<(usize, usize)>, WireError> {
    let lost = |reason: String| WireError::Message {
        protocol: "syslog",
        reason,
    };
    let digits = buffer.iter().take_while(|byte| byte.is_ascii_digit());
    let digits = digits.take(MAX_COUNT_DIGITS + 1).count();
    if digits > MAX_COUNT_DIGITS {
        return Err(lost(format!(
            "octet count of more than {MAX_COUNT_DIGITS} digits; the connection was closed"
        )));
    }
    let Some(&behind) = buffer.get(digits) else {
        return Ok(None);
    };
    let add = |count, digit: &u8| count * 10 + usize::from(digit - b'0');
    let count = buffer[..digits].iter().fold(0, add);
    if behind != b' ' {
        let behind = behind.escape_ascii();
        return Err(lost(format!(
            "octet count {count} is followed by '{behind}', not by a space; the connection was closed"
        )));
    }
    if count > MAX_FRAME_LIMIT {
        return Err(lost(format!(
            "octet count {count} is over {MAX_FRAME_LIMIT}; the connection was closed"
        )));
    }
    Ok(Some((count, digits + 1)))
}

/// A message behind its length.
fn split_counted(buffer: &[u8], limit: usize) -> Result<SplitMessage<'_>, WireError> {
    let partial = |bytes| SplitMessage::Partial {
        part: buffer,
        missing: Remainder::Bytes(bytes),
    };
    let Some((count, header)) = count_of(buffer)? else {
        return Ok(partial(1));
    };
    let behind = &buffer[header..];
    // A count of characters instead of bytes ends somewhere within a message: that is noticed here.
    if let Some(first) = behind.first().filter(|first| **first != b'<') {
        let first = first.escape_ascii();
        return Err(WireError::Message {
            protocol: "syslog",
            reason: format!(
                "octet count {count} is followed by '{first}', not by '<'; the connection was closed"
            ),
        });
    }
    if behind.is_empty() {
        return Ok(partial(1));
    }
    if count > limit {
        return Ok(SplitMessage::TooLong {
            error: WireError::FrameTooLong {
                claimed: count as u64,
                limit,
            },
            remainder: Remainder::Bytes(count),
            rest: behind,
        });
    }
    Ok(match behind.split_at_checked(count) {
        Some((message, rest)) => SplitMessage::Message { message, rest },
        None => partial(count - behind.len()),
    })
}

/// The message that a stream ended in, of which this is all: a last line needs no end. `None` when it is blank.
///
/// # Errors
///
/// [`WireError::PartialFrame`] when more was to come, by its length.
pub fn last_message(part: &[u8], framing: Framing) -> Result<Option<&[u8]>, WireError> {
    if framing != Framing::Syslog || !matches!(part.first(), Some(b'1'..=b'9')) {
        return Ok(message_of(part));
    }
    let expected = match count_of(part)? {
        Some((count, header)) => header + count,
        // A space and one byte at the least.
        None => part.len() + 2,
    };
    Err(WireError::PartialFrame {
        got: part.len(),
        expected,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All messages of a buffer, and what is left.
    fn split(
        mut buffer: &[u8],
        framing: Framing,
    ) -> (Vec<&str>, Result<SplitMessage<'_>, WireError>) {
        let mut messages = Vec::new();
        loop {
            match split_message(buffer, 0, framing, 20) {
                Ok(SplitMessage::Message { message, rest }) => {
                    messages.push(str::from_utf8(message).unwrap());
                    buffer = rest;
                }
                other => return (messages, other),
            }
        }
    }

    fn partial(part: &[u8], missing: Remainder) -> SplitMessage<'_> {
        SplitMessage::Partial { part, missing }
    }

    fn lost(reason: &str) -> WireError {
        WireError::Message {
            protocol: "syslog",
            reason: format!("octet count {reason}; the connection was closed"),
        }
    }

    #[test]
    fn lines_end_at_lf_or_nul_and_blank_ones_are_passed_over() {
        let (messages, rest) = split(b"\n{}\r\n\r\n\0 \t\n1 a\0{\"b\":\n", Framing::Json);
        assert_eq!(messages, ["{}", "1 a", "{\"b\":"]);
        assert_eq!(rest, Ok(partial(b"", Remainder::Line)));
        let (messages, rest) = split(b"\n\r\n{\"a\"", Framing::Json);
        assert_eq!(messages, [""; 0]);
        assert_eq!(rest, Ok(partial(b"{\"a\"", Remainder::Line)));
    }

    #[test]
    fn counted_messages_and_lines_alternate() {
        let stream = b"7 <14>a\nb<14>c\n5 <1>\0\n\n6 <14>de012\n8 <14>";
        let (messages, rest) = split(stream, Framing::Syslog);
        assert_eq!(messages, ["<14>a\nb", "<14>c", "<1>\0\n", "<14>de", "012"]);
        assert_eq!(rest, Ok(partial(b"8 <14>", Remainder::Bytes(4))));
        for part in [&b"1"[..], b"123456789", b"8 "] {
            assert_eq!(
                split(part, Framing::Syslog).1,
                Ok(partial(part, Remainder::Bytes(1)))
            );
        }
    }

    #[test]
    fn a_message_over_the_limit_says_how_it_ends() {
        let line = [b'x'; 25];
        assert_eq!(
            split(&line, Framing::Json).1,
            Ok(SplitMessage::TooLong {
                error: WireError::LineTooLong { limit: 20 },
                remainder: Remainder::Line,
                rest: b"xxxx"
            })
        );
        assert_eq!(
            split(b"21 <14>", Framing::Syslog).1,
            Ok(SplitMessage::TooLong {
                error: WireError::FrameTooLong {
                    claimed: 21,
                    limit: 20
                },
                remainder: Remainder::Bytes(21),
                rest: b"<14>"
            })
        );
    }

    #[test]
    fn a_wrong_count_loses_the_framing() {
        for (stream, reason) in [
            (&b"12a <14>"[..], "12 is followed by 'a', not by a space"),
            (b"2026-11-22", "2026 is followed by '-', not by a space"),
            (b"5 a<14>", "5 is followed by 'a', not by '<'"),
            (b"1234567890", "of more than 9 digits"),
            (b"300000000 <", "300000000 is over 268435456"),
        ] {
            assert_eq!(split(stream, Framing::Syslog).1, Err(lost(reason)));
        }
    }
}
