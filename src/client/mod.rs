//! Records to a server: a `SocketHandler` as Python has it, that loses nothing on the way.

mod connection;
mod handler;
mod store;

pub use handler::{SocketHandler, SocketHandlerBuilder};
