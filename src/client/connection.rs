//! One connection to a server: frames go out, and its end says that they have arrived.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    pub(super) since: Instant,
}

impl Connection {
    /// Connects to the first address of the host that answers.
    pub(super) fn open(
        host: &str,
        port: u16,
        connect_timeout: Duration,
        send_timeout: Duration,
    ) -> io::Result<Self> {
        let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
        for address in (host, port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, connect_timeout) {
                // Where nobody listens on a port that the system also gives to clients, a client can reach itself, and would
                // confirm its own records.
                Ok(stream) if stream.local_addr()? == address => {
                    last = ErrorKind::ConnectionRefused.into();
                }
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    stream.set_write_timeout(Some(send_timeout))?;
                    stream.set_read_timeout(Some(send_timeout))?;
                    let since = Instant::now();
                    return Ok(Connection { stream, since });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Whether the server has ended the connection, as far as can be known here: what is written now would reach nobody.
    pub(super) fn is_over(&self) -> bool {
        if self.stream.set_nonblocking(true).is_err() {
            return true;
        }
        let end = self.read_end();
        let blocking = self.stream.set_nonblocking(false);
        !matches!(end, Err(error) if error.kind() == ErrorKind::WouldBlock) || blocking.is_err()
    }

    pub(super) fn send(&mut self, frames: &[u8]) -> io::Result<()> {
        self.stream.write_all(frames).map_err(in_words)
    }

    /// Ends the sending and waits until the server has read all and closes the connection in turn. A server that closes with
    /// something unread resets it instead, which is an error here.
    pub(super) fn finish(self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)?;
        self.read_end().map_err(in_words)
    }

    /// Reads the end of what the server says. It has nothing to say before that: what answers is another service, which may well
    /// close in good order what it took for nonsense.
    fn read_end(&self) -> io::Result<()> {
        loop {
            match (&self.stream).read(&mut [0]) {
                Ok(0) => return Ok(()),
                Ok(_) => {
                    return Err(io::Error::other(
                        "it answers, which a server for log records does not; check host and port",
                    ));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// The system calls the end of a socket's patience "Resource temporarily unavailable".
fn in_words(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => io::Error::new(
            ErrorKind::TimedOut,
            "it did not take all records in time; a larger send timeout gives it more",
        ),
        _ => error,
    }
}
