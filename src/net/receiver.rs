//! The receiver: one thread that accepts connections and reads from all of them.

use std::net::{SocketAddr, TcpListener as StdListener, ToSocketAddrs, UdpSocket as StdSocket};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};

use super::access::{Access, Tokens};
use super::shared::{Rules, Shared, Tap, stopped};
use super::tls::{Tls, TlsFiles};
use super::{connection, datagrams};
use crate::error::ServerError;
use crate::report::{Report, Reporter};
use crate::sink::RecordSink;
use crate::wire::Protocol;

/// The pause after a failed accept: too many open files, as a rule, which passes when others close.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long nothing is said of failed accepts after a report.
const ACCEPT_SILENCE: Duration = Duration::from_mins(1);

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
}

/// What the receiver has seen so far.
#[derive(Debug, Default)]
pub struct ReceiverCounters {
    /// Connections accepted.
    pub connections: AtomicU64,
    /// Frames that could not be decoded or did not arrive completely.
    pub bad_frames: AtomicU64,
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
        let listener = StdListener::bind(addresses.as_slice()).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
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
        })
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
            .build()
            .map_err(ServerError::Thread)?;
        let rules = Rules {
            frame_limit: self.frame_limit,
            protocol: self.protocol,
            tls: self.tls,
            proof_demanded: self.tokens.is_some() && !self.insecure,
            access: Access::new(self.tokens, self.local_addr.ip()),
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
            accept(listener, &shared, stop.0.subscribe()).await;
            complaining.abort();
            Ok(())
        })?;
        // Connections that are still read after the stop.
        runtime.block_on(tasks);
        shared.finish();
        Ok(())
    }
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
            Ok((stream, peer)) => connection::serve(shared, stream, peer, &stop),
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
            connection::serve(shared, stream, peer, &stop);
        }
    }
}
