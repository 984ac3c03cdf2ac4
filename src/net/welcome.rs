//! The door: connections are counted, and each goes to whoever understands what its first byte begins.

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_rustls::server::TlsStream;

use super::access::Channel;
use super::connection::{Connection, STOP_TIMEOUT};
use super::counters::Source;
use super::http;
use super::patience::Patience;
use super::shared::{Shared, stopped};
use super::tls::UNEXPECTED_MESSAGE;
use crate::error::WireError;
use crate::wire::Protocol;

/// What one read inside of TLS brings at most: what TLS packs together.
const TLS_READ_BYTES: usize = 16 << 10;

/// A connection is counted as open for as long as this lives.
struct Guest(Rc<Shared>);

impl Drop for Guest {
    fn drop(&mut self) {
        self.0.counters.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves a client until it goes or until the stop; one too many is turned away.
pub(super) fn serve(
    shared: &Rc<Shared>,
    stream: TcpStream,
    peer: SocketAddr,
    stop: &watch::Receiver<bool>,
) {
    let counters = &shared.counters;
    if counters.open.load(Ordering::Relaxed) >= shared.rules.max_connections as u64 {
        counters.refused.fetch_add(1, Ordering::Relaxed);
        return shared.tell_refused();
    }
    counters.connections.fetch_add(1, Ordering::Relaxed);
    counters.open.fetch_add(1, Ordering::Relaxed);
    let guest = Guest(Rc::clone(shared));
    tokio::task::spawn_local(welcome(guest, stream, peer, stop.clone()));
}

/// Waits for the first byte, which stays in the socket, and lets the one go on who understands what follows. What that one works with
/// is boxed: most of ten thousand connections may wait here.
async fn welcome(
    guest: Guest,
    stream: TcpStream,
    peer: SocketAddr,
    mut stop: watch::Receiver<bool>,
) {
    let shared = &guest.0;
    let mut first = [0];
    let mut patience = Patience::new(&shared.rules);
    let peeked = tokio::select! {
        biased;
        () = stopped(&mut stop) => Ok(0),
        peeked = patience.wait(0, stream.peek(&mut first)) => match peeked {
            Ok(peeked) => peeked,
            // It has never said a word.
            Err(_) => return shared.counters.idled(),
        },
    };
    // What failed is told by the first read.
    let protocol = match peeked {
        Ok(1) => Protocol::of_first_byte(first[0]),
        _ => None,
    };
    if protocol == Some(Protocol::Tls)
        && let Some(tls) = &shared.rules.tls
    {
        let greeted = tokio::select! {
            greeted = Box::pin(tls.greet(stream)) => greeted,
            () = async { stopped(&mut stop).await; sleep(STOP_TIMEOUT).await } => return,
        };
        match greeted {
            Ok(stream) => {
                let stream = BufReader::with_capacity(TLS_READ_BYTES, stream);
                Box::pin(welcome_inside(shared, stream, peer, stop)).await;
            }
            Err(error) => shared.reject(peer, Source::Other, error),
        }
        return;
    }
    if shared.rules.tls.as_ref().is_some_and(|tls| tls.is_demanded) {
        // Not a byte is read of who has shown no certificate, not even after a stop.
        if matches!(peeked, Ok(1)) {
            // Where TLS is spoken, this is how a client is told that it speaks something else.
            let _ = stream.try_write(&UNEXPECTED_MESSAGE);
            shared.reject(peer, Source::Other, WireError::NotTls);
        }
        return;
    }
    if shared.rules.protocol.or(protocol) == Some(Protocol::Http) && matches!(peeked, Ok(1)) {
        Box::pin(http::serve(shared, stream, peer, Channel::Plain, stop)).await;
        return;
    }
    if !shared.rules.lets_in_unproven(peer) {
        if matches!(peeked, Ok(1)) {
            shared.reject(peer, Source::Other, WireError::Unproven);
        }
        return;
    }
    Box::pin(Connection::new(shared, peer).run(stream, stop)).await;
}

/// The same inside of TLS.
async fn welcome_inside(
    shared: &Rc<Shared>,
    mut stream: BufReader<TlsStream<TcpStream>>,
    peer: SocketAddr,
    mut stop: watch::Receiver<bool>,
) {
    let mut patience = Patience::new(&shared.rules);
    let first = tokio::select! {
        biased;
        () = stopped(&mut stop) => None,
        filled = patience.wait(0, stream.fill_buf()) => match filled {
            Ok(filled) => filled.ok().and_then(|bytes| bytes.first().copied()),
            Err(_) => return shared.counters.idled(),
        },
    };
    let protocol = first.and_then(Protocol::of_first_byte);
    if shared.rules.protocol.or(protocol) == Some(Protocol::Http) && first.is_some() {
        http::serve(shared, stream, peer, Channel::Tls, stop).await;
        return;
    }
    if !shared.rules.lets_in_unproven(peer) {
        if first.is_some() {
            shared.reject(peer, Source::Other, WireError::Unproven);
        }
        return;
    }
    Connection::new(shared, peer).run_inside(stream, stop).await;
}
