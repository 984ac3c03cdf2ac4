//! Bytes from the wire become records: one file for each protocol, none of which does I/O.

pub mod elastic;
mod escape;
mod frame;
pub mod gelf;
mod intern;
pub mod json;
mod lenient;
mod lines;
pub mod loki;
mod members;
pub mod otlp;
pub mod pickle;
mod protobuf;
mod protocol;
mod record;
mod request;
mod severity;
pub mod syslog;
mod text;

pub use frame::{DEFAULT_FRAME_LIMIT, HEADER_BYTES, MAX_FRAME_LIMIT, Split, split_frame};
#[cfg(feature = "net")]
pub(crate) use frame::{HTTP_REQUEST, looks_like};
pub use lines::{Framing, Remainder, SplitMessage, last_message, split_message};
pub use protocol::{ParseProtocolError, Protocol};
pub use request::Outcome;
pub use text::text;

/// What a decoder has to know about the outside of a frame.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The host name for records that bring none.
    pub hostname: &'a str,
    /// The time of arrival, for records that bring none: nanoseconds since the Unix epoch.
    pub now_ns: i64,
}
