//! The frames of Python's `SocketHandler`: four bytes of big-endian length, then that many bytes of pickle.

use crate::error::WireError;

/// The bytes of a frame's length.
pub const HEADER_BYTES: usize = 4;

/// The longest frame that a limit may allow: the first byte of the length stays zero up to here, which is how a frame is told
/// from text on one port.
pub const MAX_FRAME_LIMIT: usize = 256 << 20;

/// The limit when nobody sets one.
pub const DEFAULT_FRAME_LIMIT: usize = 16 << 20;

/// What stands at the front of a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split<'a> {
    /// A whole frame.
    Frame {
        /// The pickle.
        payload: &'a [u8],
        /// What comes behind it.
        rest: &'a [u8],
    },
    /// The beginning of one that is over the limit: so many bytes are to be passed over, header included.
    TooLong {
        /// The whole frame's length, in bytes.
        expected: usize,
    },
    /// Only a part of one: so many bytes are wanted in all, header included (4 while even the length is incomplete).
    Partial {
        /// The whole frame's length, in bytes.
        expected: usize,
    },
}

/// Takes the first frame off a buffer.
///
/// # Errors
///
/// [`WireError::NotAFrame`] when no frame begins so. What follows cannot be trusted then.
pub fn split_frame(buffer: &[u8], limit: usize) -> Result<Split<'_>, WireError> {
    let Some((header, behind)) = buffer.split_first_chunk::<HEADER_BYTES>() else {
        return Ok(Split::Partial {
            expected: HEADER_BYTES,
        });
    };
    let len = u32::from_be_bytes(*header) as usize;
    if len > MAX_FRAME_LIMIT {
        return Err(WireError::NotAFrame {
            found: looks_like(header),
        });
    }
    if len > limit {
        return Ok(Split::TooLong {
            expected: HEADER_BYTES + len,
        });
    }
    Ok(match behind.split_at_checked(len) {
        Some((payload, rest)) => Split::Frame { payload, rest },
        None => Split::Partial {
            expected: HEADER_BYTES + len,
        },
    })
}

pub(crate) const HTTP_REQUEST: &str = "an HTTP request";

/// What the beginning of a stream looks like, in words.
pub(crate) fn looks_like(beginning: &[u8]) -> &'static str {
    let first_four = &beginning[..beginning.len().min(4)];
    match first_four {
        b"GET " | b"POST" | b"PUT " | b"HEAD" | b"OPTI" | b"DELE" | b"PATC" => HTTP_REQUEST,
        b"SSH-" => "an SSH client",
        [0x16, 3, ..] => "a TLS handshake (--tls-cert and --tls-key let it in)",
        [b'{' | b'[', ..] => "JSON",
        [b'<', ..] => "syslog",
        text if text.iter().all(|byte| (b' '..=b'~').contains(byte)) => "text",
        _ => "something else",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_off_one_by_one() {
        let buffer = [0, 0, 0, 2, b'a', b'b', 0, 0, 0, 0, 0, 0, 0, 9, b'c'];
        let Split::Frame { payload, rest } = split_frame(&buffer, 10).unwrap() else {
            panic!()
        };
        assert_eq!(payload, b"ab");
        let Split::Frame { payload, rest } = split_frame(rest, 10).unwrap() else {
            panic!()
        };
        assert_eq!(payload, b"");
        assert_eq!(split_frame(rest, 10), Ok(Split::Partial { expected: 13 }));
        assert_eq!(
            split_frame(&rest[..3], 10),
            Ok(Split::Partial { expected: 4 })
        );
    }

    #[test]
    fn a_frame_over_the_limit_is_known_before_its_bytes_arrive() {
        assert_eq!(
            split_frame(&[0, 0, 0, 11], 10),
            Ok(Split::TooLong { expected: 15 })
        );
    }

    #[test]
    fn what_is_no_frame_is_named() {
        for (beginning, found) in [
            (b"GET ", "an HTTP request"),
            (
                b"\x16\x03\x01\x02",
                "a TLS handshake (--tls-cert and --tls-key let it in)",
            ),
            (b"{\"a\"", "JSON"),
            (b"<14>", "syslog"),
            (b"hell", "text"),
            (b"\xff\xff\xff\xff", "something else"),
        ] {
            assert_eq!(
                split_frame(beginning, 10),
                Err(WireError::NotAFrame { found })
            );
        }
    }
}
