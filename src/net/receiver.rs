//! The receiver: one thread that accepts connections and reads from all of them.

use std::net::{SocketAddr, TcpListener as StdListener, ToSocketAddrs};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};

use super::connection::{Shared, Tap, stopped};
use crate::error::ServerError;
use crate::report::{Report, Reporter};
use crate::sink::RecordSink;

/// The pause after a failed accept: too many open files, as a rule, which passes when others close.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long nothing is said of failed accepts after a report.
const ACCEPT_SILENCE: Duration = Duration::from_mins(1);

/// A listening socket for the frames of Python's `SocketHandler`.
///
/// The name is that of the class in Python's logging cookbook.
#[derive(Debug)]
pub struct LogRecordSocketReceiver {
    listener: StdListener,
    local_addr: SocketAddr,
    frame_limit: usize,
}

/// What the receiver has seen so far.
#[derive(Debug, Default)]
pub struct ReceiverCounters {
    /// Connections accepted.
    pub connections: AtomicU64,
    /// Frames that could not be decoded or did not arrive completely.
    pub bad_frames: AtomicU64,
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
            local_addr,
            frame_limit,
        })
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
        let shared = Rc::new(Shared::new(sink, tap, counters, reporter, self.frame_limit));
        let tasks = LocalSet::new();
        tasks.block_on(&runtime, async {
            let listener = TcpListener::from_std(self.listener).map_err(ServerError::Thread)?;
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
            Ok((stream, peer)) => shared.serve(stream, peer, &stop),
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
            shared.serve(stream, peer, &stop);
        }
    }
}
