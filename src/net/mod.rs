//! Sockets in: the receiver thread and what it does with each connection.

mod complaints;
mod receiver;
mod stream;

pub use receiver::{LogRecordSocketReceiver, ReceiverCounters, Stop, Tap};
pub use stream::LogRecordStreamHandler;
