//! Sockets in: the receiver thread and what it does with each connection.

mod access;
mod complaints;
mod connection;
mod datagrams;
mod http;
mod messages;
mod pem;
mod receiver;
mod shared;
mod speech;
mod stream;
mod tls;

pub use access::Tokens;
pub use messages::MessageStream;
pub(crate) use pem::{certificates, private_key, roots};
pub use receiver::{LogRecordSocketReceiver, ReceiverCounters, Stop};
pub use shared::Tap;
pub use stream::LogRecordStreamHandler;
pub use tls::TlsFiles;
