//! The receiver: one thread that accepts connections and reads from all of them.

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener, ToSocketAddrs, UdpSocket as StdSocket};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};

use super::access::{Access, Tokens};
use super::counters::ReceiverCounters;
use super::http::{DEFAULT_QUERY_TIMEOUT, Hub, Questions, THREADS};
use super::shared::{Rules, Shared, Tap, stopped};
use super::tls::{Tls, TlsFiles};
use super::{datagrams, welcome};
use crate::error::ServerError;
use crate::report::{Report, Reporter};
use crate::sink::RecordSink;
use crate::store::RoomSettings;
use crate::wire::Protocol;

/// The pause after a failed accept: too many open files, as a rule, which passes when others close.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Makes the page of `GET /metrics`.
pub(super) type MetricsPage = Box<dyn Fn() -> String + Send>;

/// How long nothing is said of failed accepts after a report.
const ACCEPT_SILENCE: Duration = Duration::from_mins(1);

/// How many connections may be open by default.
pub const DEFAULT_MAX_CONNECTIONS: usize = 10_240;

/// How long a client may take for one message by default.
const MESSAGE_TIMEOUT: Duration = Duration::from_mins(5);

/// How long threads that answer questions are waited for at the end.
const READERS_TIMEOUT: Duration = Duration::from_secs(1);

/// How many connections may wait to be accepted, as far as the system allows it: many programs that start at the same moment are no attack.
const BACKLOG: i32 = 1024;

/// After which silence a peer's system is asked whether it is still there, how often, and how many times in vain: one that has vanished
/// without a word is gone after seven minutes.
const KEEPALIVE_AFTER: Duration = Duration::from_mins(5);
const KEEPALIVE_EVERY: Duration = Duration::from_secs(30);
const KEEPALIVE_TRIES: u32 = 4;

/// A listening socket for the frames of Python's `SocketHandler`, and for all else that a [`Protocol`] is.
///
/// The name is that of the class in Python's logging cookbook.
pub struct LogRecordSocketReceiver {
    listener: StdListener,
    datagrams: Option<StdSocket>,
    local_addr: SocketAddr,
    frame_limit: usize,
    protocol: Option<Protocol>,
    tls: Option<Tls>,
    tokens: Option<Tokens>,
    insecure: bool,
    max_connections: usize,
    idle_timeout: Option<Duration>,
    message_timeout: Duration,
    metrics: Option<MetricsPage>,
    database: Option<PathBuf>,
    room: RoomSettings,
    query_timeout: Duration,
}

impl std::fmt::Debug for LogRecordSocketReceiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogRecordSocketReceiver")
            .field("local_addr", &self.local_addr)
            .finish_non_exhaustive()
    }
}

/// Tells a receiver to stop. Clones are the same switch.
#[derive(Debug, Clone)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Stop(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    /// Stop accepting, read what has arrived, end.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl LogRecordSocketReceiver {
    /// Listens on a host's port; port 0 takes any free one.
    ///
    /// # Errors
    ///
    /// When the host is unknown, or its port is taken or forbidden.
    pub fn bind(host: &str, port: u16, frame_limit: usize) -> Result<Self, ServerError> {
        // As URLs write an IPv6 address.
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(host);
        let addresses: Vec<SocketAddr> = (bare, port)
            .to_socket_addrs()
            .map_err(|source| ServerError::Host {
                host: host.to_owned(),
                source,
            })?
            .collect();
        let listen = |source| ServerError::Listen {
            host: host.to_owned(),
            port,
            source,
        };
        let listener = listen_on_any(&addresses).map_err(listen)?;
        let local_addr = listener.local_addr().map_err(listen)?;
        Ok(LogRecordSocketReceiver {
            listener,
            datagrams: None,
            local_addr,
            frame_limit,
            protocol: None,
            tls: None,
            tokens: None,
            insecure: false,
            max_connections: DEFAULT_MAX_CONNECTIONS,
            idle_timeout: None,
            message_timeout: MESSAGE_TIMEOUT,
            metrics: None,
            database: None,
            room: RoomSettings::default(),
            query_timeout: DEFAULT_QUERY_TIMEOUT,
        })
    }

    /// Who makes the page of `GET /metrics`, in the text format of Prometheus, version 0.0.4. Called from the receiver's thread: it
    /// must not block.
    #[must_use]
    pub fn metrics(mut self, page: impl Fn() -> String + Send + 'static) -> Self {
        self.metrics = Some(Box::new(page));
        self
    }

    /// The store of which questions under `/api` are answered. Without, they are not.
    #[must_use]
    pub fn database(mut self, path: impl Into<PathBuf>) -> Self {
        self.database = Some(path.into());
        self
    }

    /// How the database's disk is kept from running full: what is put there for an answer leaves so much free, and some more.
    #[must_use]
    pub fn room(mut self, settings: RoomSettings) -> Self {
        self.room = settings;
        self
    }

    /// How long a question over HTTP may take: [`DEFAULT_QUERY_TIMEOUT`] by default.
    #[must_use]
    pub fn query_timeout(mut self, timeout: Duration) -> Self {
        self.query_timeout = timeout;
        self
    }

    /// How many connections may be open, at least 1. One more is closed at once.
    #[must_use]
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.max_connections = connections.max(1);
        self
    }

    /// How long a connection may be silent before it is closed. Without, it may for ever; HTTP has limits of its own.
    #[must_use]
    pub fn idle_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// How long a client may take for one frame, message or body: five minutes by default. Time in which it waits for us does not count.
    #[must_use]
    pub fn message_timeout(mut self, timeout: Duration) -> Self {
        self.message_timeout = timeout;
        self
    }

    /// Takes what comes as this protocol, whatever it begins with.
    #[must_use]
    pub fn protocol(mut self, protocol: Option<Protocol>) -> Self {
        self.protocol = protocol;
        self
    }

    /// Greets TLS clients, too; only those, when they have to show certificates.
    ///
    /// # Errors
    ///
    /// [`ServerError::Tls`] when a file cannot be used.
    pub fn tls(mut self, files: &TlsFiles) -> Result<Self, ServerError> {
        self.tls = Some(Tls::load(files)?);
        Ok(self)
    }

    /// Serves only those HTTP requests that bring one of these tokens.
    #[must_use]
    pub fn tokens(mut self, tokens: Tokens) -> Self {
        self.tokens = Some(tokens);
        self
    }

    /// Lets other machines in without any proof by the protocols that have no place for a token.
    #[must_use]
    pub fn insecure(mut self) -> Self {
        self.insecure = true;
        self
    }

    /// Takes datagrams on the same port of UDP.
    ///
    /// # Errors
    ///
    /// When that port is taken.
    pub fn udp(mut self) -> Result<Self, ServerError> {
        let address = self.local_addr;
        let listen = |source| ServerError::Listen {
            host: address.ip().to_string(),
            port: address.port(),
            source,
        };
        let socket = StdSocket::bind(address).map_err(listen)?;
        socket.set_nonblocking(true).map_err(listen)?;
        self.datagrams = Some(socket);
        Ok(self)
    }

    /// Whether other machines can reach it, and anybody may come in.
    pub(crate) fn is_exposed(&self) -> bool {
        let certified = self.tls.as_ref().is_some_and(|tls| tls.is_demanded);
        !self.local_addr.ip().to_canonical().is_loopback() && self.tokens.is_none() && !certified
    }

    /// The address that it listens on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves on this thread until it is told to stop.
    ///
    /// `tap` sees every run of records before it is queued; it must not block.
    ///
    /// # Errors
    ///
    /// When the event loop cannot be set up.
    pub fn serve(
        self,
        sink: Arc<dyn RecordSink>,
        tap: Option<Tap>,
        reporter: &Reporter,
        counters: Arc<ReceiverCounters>,
        stop: &Stop,
    ) -> Result<(), ServerError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            // They answer questions; all else is done on this thread.
            .thread_name("logstore-read")
            .max_blocking_threads(THREADS)
            .build()
            .map_err(ServerError::Thread)?;
        let rules = Rules {
            frame_limit: self.frame_limit,
            protocol: self.protocol,
            tls: self.tls,
            proof_demanded: self.tokens.is_some() && !self.insecure,
            access: Access::new(self.tokens, self.local_addr),
            max_connections: self.max_connections,
            idle_timeout: self.idle_timeout,
            message_timeout: self.message_timeout,
            metrics: self.metrics,
            live: self.database.clone().map(Hub::new),
            questions: self
                .database
                .map(|path| Questions::new(path, self.room, self.query_timeout)),
        };
        let shared = Rc::new(Shared::new(sink, tap, counters, reporter, rules));
        let tasks = LocalSet::new();
        tasks.block_on(&runtime, async {
            let listener = TcpListener::from_std(self.listener).map_err(ServerError::Thread)?;
            if let Some(socket) = self.datagrams {
                let socket = UdpSocket::from_std(socket).map_err(ServerError::Thread)?;
                let receiving = receive_datagrams(Rc::clone(&shared), socket, stop.0.subscribe());
                tokio::task::spawn_local(receiving);
            }
            let complaining = tokio::task::spawn_local(Rc::clone(&shared).complain_now_and_then());
            if let Some(questions) = &shared.rules.questions {
                questions.sweep();
            }
            accept(listener, &shared, stop.0.subscribe()).await;
            if let Some(live) = &shared.rules.live {
                live.close();
            }
            complaining.abort();
            Ok(())
        })?;
        // Connections that are still read after the stop.
        runtime.block_on(tasks);
        // Their questions have been taken back.
        runtime.shutdown_timeout(READERS_TIMEOUT);
        shared.finish();
        Ok(())
    }
}

/// Listens on the first of these addresses that can be had.
fn listen_on_any(addresses: &[SocketAddr]) -> io::Result<StdListener> {
    let mut failed = io::Error::other("the host has no address");
    for address in addresses {
        match listen_on(*address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// As the standard library does it, but with more room for those who wait in line, and with keepalive, which connections inherit.
fn listen_on(address: SocketAddr) -> io::Result<StdListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // So that a server can be started again at once. On Windows it would let others take the port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_EVERY)
        .with_retries(KEEPALIVE_TRIES);
    socket.set_tcp_keepalive(&keepalive)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// A panic ends the task that took a datagram, not the port.
async fn receive_datagrams(shared: Rc<Shared>, socket: UdpSocket, stop: watch::Receiver<bool>) {
    let socket = Rc::new(socket);
    loop {
        let receiving = datagrams::receive(Rc::clone(&shared), Rc::clone(&socket), stop.clone());
        match tokio::task::spawn_local(receiving).await {
            Err(error) if error.is_panic() => {}
            _ => return,
        }
    }
}

/// Accepts until the stop, and then once more all who already wait in line.
async fn accept(listener: TcpListener, shared: &Rc<Shared>, mut stop: watch::Receiver<bool>) {
    let mut reported: Option<Instant> = None;
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            () = stopped(&mut stop) => break,
        };
        match accepted {
            Ok((stream, peer)) => welcome::serve(shared, stream, peer, &stop),
            Err(error) => {
                if reported.is_none_or(|reported| reported.elapsed() >= ACCEPT_SILENCE) {
                    reported = Some(Instant::now());
                    let reason = error.to_string();
                    shared.report(&Report::AcceptFailing { reason });
                }
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    let Ok(listener) = listener.into_std() else {
        return;
    };
    while let Ok((stream, peer)) = listener.accept() {
        if stream.set_nonblocking(true).is_ok()
            && let Ok(stream) = TcpStream::from_std(stream)
        {
            welcome::serve(shared, stream, peer, &stop);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_inherit_keepalive() {
        let listener = listen_on_any(&[([127, 0, 0, 1], 0).into()]).unwrap();
        let _client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        listener.set_nonblocking(false).unwrap();
        let (stream, _) = listener.accept().unwrap();
        assert!(socket2::SockRef::from(&stream).keepalive().unwrap());
    }
}
