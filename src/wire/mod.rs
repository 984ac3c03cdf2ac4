//! Bytes from the wire become records: one file for each protocol, none of which does I/O.

mod frame;
mod intern;
pub mod pickle;
mod protocol;
mod record;
mod text;

pub use frame::{DEFAULT_FRAME_LIMIT, HEADER_BYTES, MAX_FRAME_LIMIT, Split, split_frame};
pub use protocol::{ParseProtocolError, Protocol};

/// What a decoder has to know about the outside of a frame.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The host name for records that bring none.
    pub hostname: &'a str,
    /// The time of arrival, for records that bring none: nanoseconds since the Unix epoch.
    pub now_ns: i64,
}
