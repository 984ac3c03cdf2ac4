//! GELF's outside: datagrams that were cut into chunks or compressed. What is inside is JSON, see
//! [`JsonDecoder`](super::json::JsonDecoder).

mod chunks;
mod compressed;

pub use chunks::Chunks;
pub use compressed::{DEFAULT_LIMIT, decompress};

use crate::error::WireError;

fn error(reason: impl Into<String>) -> WireError {
    WireError::Message {
        protocol: "GELF",
        reason: reason.into(),
    }
}
