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
/// When the frame claims more than `limit` bytes of payload. What follows cannot be trusted then.
pub fn split_frame(buffer: &[u8], limit: usize) -> Result<Split<'_>, WireError> {
    let Some((header, behind)) = buffer.split_first_chunk::<HEADER_BYTES>() else {
        return Ok(Split::Partial {
            expected: HEADER_BYTES,
        });
    };
    let claimed = u32::from_be_bytes(*header);
    let len = claimed as usize;
    if len > limit {
        return Err(WireError::FrameTooLong {
            claimed: claimed.into(),
            limit,
        });
    }
    Ok(match behind.split_at_checked(len) {
        Some((payload, rest)) => Split::Frame { payload, rest },
        None => Split::Partial {
            expected: HEADER_BYTES + len,
        },
    })
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
    fn a_claim_over_the_limit_is_refused_before_its_bytes_arrive() {
        let error = split_frame(&[0xff, 0xff, 0xff, 0xff], 10).unwrap_err();
        assert_eq!(
            error,
            WireError::FrameTooLong {
                claimed: 0xffff_ffff,
                limit: 10
            }
        );
    }
}
