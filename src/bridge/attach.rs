//! One call for a program that logs to a server through the `log` crate's macros.

use std::ops::Deref;
use std::sync::Arc;

use log::LevelFilter;

use super::LogBridge;
use crate::client::SocketHandler;
use crate::error::Error;

/// Installs a [`SocketHandler`] with the default settings as the `log` crate's logger. Whatever is logged then goes to the
/// server on that host and port, also when it is started later.
///
/// The level is left as [`log::set_max_level`] was told before; when nobody has, everything is sent.
///
/// ```no_run
/// let handler = logstore::client_attach_socket_handler("127.0.0.1", 9020)?;
/// log::info!(target: "myapp::area1", "How quickly daft jumping zebras vex.");
/// handler.close()?;
/// # Ok::<(), logstore::Error>(())
/// ```
///
/// With other settings, such as TLS (feature `net`), the same is done by hand:
///
/// ```no_run
/// # #[cfg(feature = "net")] {
/// use logstore::{ClientTls, LogBridge, SocketHandler};
/// use std::sync::Arc;
///
/// let builder = SocketHandler::builder("logs.example.org", 9020).tls(ClientTls::default());
/// let handler = Arc::new(builder.start()?);
/// log::set_boxed_logger(Box::new(LogBridge::new(Arc::clone(&handler))))?;
/// log::set_max_level(log::LevelFilter::Info);
/// handler.close()?;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::Logger`] when another logger is installed already, [`Error::Queue`] when the thread cannot be started.
pub fn client_attach_socket_handler(
    host: impl Into<String>,
    port: u16,
) -> Result<AttachedHandler, Error> {
    let handler = Arc::new(SocketHandler::builder(host, port).start()?);
    log::set_boxed_logger(Box::new(LogBridge::new(Arc::clone(&handler))))?;
    if log::max_level() == LevelFilter::Off {
        log::set_max_level(LevelFilter::Trace);
    }
    Ok(AttachedHandler(handler))
}

/// The handler behind the `log` crate's logger. Keep it until the end of the program: the logger itself is never dropped, so
/// that it is this that closes the handler when it is dropped.
#[derive(Debug)]
#[must_use = "when it is dropped, nothing is sent any more"]
pub struct AttachedHandler(Arc<SocketHandler>);

impl Deref for AttachedHandler {
    type Target = SocketHandler;

    fn deref(&self) -> &SocketHandler {
        &self.0
    }
}

/// Closes the handler as well as it can: an error has nobody to go to.
impl Drop for AttachedHandler {
    fn drop(&mut self) {
        let _ = self.0.close();
    }
}
