//! Sockets in: the receiver thread and what it does with each connection.

mod access;
mod complaints;
mod connection;
mod counters;
mod datagrams;
mod http;
mod messages;
mod patience;
mod pem;
mod receiver;
mod shared;
mod speech;
mod stream;
mod tls;
mod welcome;

pub use access::Tokens;
pub use counters::{ReceiverCounters, Source, SourceCounters};
pub use http::DEFAULT_QUERY_TIMEOUT;
pub use messages::MessageStream;
pub(crate) use pem::{certificates, private_key, roots};
pub use receiver::{DEFAULT_MAX_CONNECTIONS, LogRecordSocketReceiver, Stop};
pub use shared::Tap;
pub use stream::LogRecordStreamHandler;
pub use tls::TlsFiles;
