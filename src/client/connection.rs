//! One connection to a server: frames go out, and its end says that they have arrived.

use std::fmt;
use std::io::{self, ErrorKind, Write as _};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Where and how to send.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) connect_timeout: Duration,
    pub(super) send_timeout: Duration,
    pub(super) confirm_every: Duration,
    /// `None`: bytes go as they are.
    pub(super) greet: Option<Arc<dyn Greet>>,
}

/// What makes something else of a connection before anything is sent.
pub(super) trait Greet: fmt::Debug + Send + Sync {
    fn greet(&self, stream: TcpStream) -> io::Result<Box<dyn Transport>>;
}

/// How bytes go to the server and back.
pub(super) trait Transport: fmt::Debug + Send {
    /// Below all else.
    fn socket(&self) -> &TcpStream;

    /// Sends all of it.
    fn send(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Says that nothing more will be sent, where the socket alone does not say it well enough.
    fn say_goodbye(&mut self) -> io::Result<()>;

    /// Reads what the server says: 0 is an end in good order.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
}

impl Transport for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn say_goodbye(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = io::Read::read(self, buffer)?;
        if buffer[..read].first() == Some(&TLS_ALERT) {
            return Err(io::Error::other(
                "it demands TLS; give the handler TLS (logstore send --tls or --tls-ca)",
            ));
        }
        Ok(read)
    }
}

/// The first byte of what a server says that speaks TLS alone to who does not.
const TLS_ALERT: u8 = 21;

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    transport: Box<dyn Transport>,
    pub(super) since: Instant,
}

impl Connection {
    /// Connects to the first address of the host that answers.
    pub(super) fn open(target: &Target) -> io::Result<Self> {
        let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
        for address in (target.host.as_str(), target.port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, target.connect_timeout) {
                // Where nobody listens on a port that the system also gives to clients, a client can reach itself, and would
                // confirm its own records.
                Ok(stream) if stream.local_addr()? == address => {
                    last = ErrorKind::ConnectionRefused.into();
                }
                Ok(stream) => return Connection::over(stream, target),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn over(stream: TcpStream, target: &Target) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let transport = match &target.greet {
            Some(greet) => {
                set_patience(&stream, target.connect_timeout)?;
                greet.greet(stream)?
            }
            None => Box::new(stream),
        };
        set_patience(transport.socket(), target.send_timeout)?;
        let since = Instant::now();
        Ok(Connection { transport, since })
    }

    /// Whether the server has ended the connection, as far as can be known here: what is written now would reach nobody.
    pub(super) fn is_over(&mut self) -> bool {
        if self.transport.socket().set_nonblocking(true).is_err() {
            return true;
        }
        let end = self.read_end();
        let blocking = self.transport.socket().set_nonblocking(false);
        !matches!(end, Err(error) if error.kind() == ErrorKind::WouldBlock) || blocking.is_err()
    }

    pub(super) fn send(&mut self, frames: &[u8]) -> io::Result<()> {
        let sent = self.transport.send(frames);
        sent.map_err(|error| self.in_words(error))
    }

    /// Ends the sending and waits until the server has read all and closes the connection in turn. A server that closes with
    /// something unread resets it instead, which is an error here. Gives what logstore's server has to say about what it did not take.
    pub(super) fn finish(mut self) -> io::Result<Option<String>> {
        let ended = self.end();
        ended.map_err(|error| self.in_words(error))
    }

    fn end(&mut self) -> io::Result<Option<String>> {
        self.transport.say_goodbye()?;
        self.transport.socket().shutdown(Shutdown::Write)?;
        self.read_end()
    }

    /// Reads the end of what the server says. It has nothing to say before that but what it did not take: what answers otherwise is another
    /// service, which may well close in good order what it took for nonsense.
    fn read_end(&mut self) -> io::Result<Option<String>> {
        let mut said = Vec::new();
        let mut buffer = [0; 512];
        loop {
            match self.transport.read(&mut buffer) {
                Ok(0) if said.is_empty() => return Ok(None),
                Ok(0) if said.starts_with(NOTICE) => {
                    let notice = String::from_utf8_lossy(&said[NOTICE.len()..]);
                    return Ok(Some(notice.trim_end().to_owned()));
                }
                Ok(read) => {
                    said.extend_from_slice(&buffer[..read]);
                    let begins = said.len().min(NOTICE.len());
                    if read == 0 || said[..begins] != NOTICE[..begins] || said.len() > MOST_SAID {
                        return Err(io::Error::other(
                            "it answers, which a server for log records does not; check host and port",
                        ));
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The system calls the end of a socket's patience "Resource temporarily unavailable". A server that breaks a connection off may
    /// have said why before.
    fn in_words(&mut self, error: io::Error) -> io::Error {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => io::Error::new(
                ErrorKind::TimedOut,
                "it did not take all records in time; a larger send timeout gives it more",
            ),
            ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::NotConnected => {
                match self.read_end() {
                    Err(said) if said.get_ref().is_some() => said,
                    _ => error,
                }
            }
            _ => error,
        }
    }
}

/// What logstore's server begins with, and how much it may say.
const NOTICE: &[u8] = b"logstore: ";
const MOST_SAID: usize = 64 << 10;

fn set_patience(stream: &TcpStream, timeout: Duration) -> io::Result<()> {
    stream.set_write_timeout(Some(timeout))?;
    stream.set_read_timeout(Some(timeout))
}
