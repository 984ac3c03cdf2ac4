//! Records to a server: a `SocketHandler` as Python has it, that loses nothing on the way.

mod connection;
mod handler;
mod numbering;
mod store;
#[cfg(feature = "net")]
mod tls;

pub use handler::{SocketHandler, SocketHandlerBuilder};
#[cfg(feature = "net")]
pub use tls::ClientTls;
