//! Sockets in: the receiver thread and what it does with each connection.

mod complaints;
mod connection;
mod receiver;
mod stream;

pub use connection::Tap;
pub use receiver::{LogRecordSocketReceiver, ReceiverCounters, Stop};
pub use stream::LogRecordStreamHandler;
