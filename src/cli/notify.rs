//! What systemd is told of a service with `Type=notify`: datagrams of a few words, as `sd_notify(3)` describes them.

use std::env;
use std::io;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

/// The service manager, if there is one that listens.
pub(super) struct Manager {
    to: Option<(UnixDatagram, SocketAddr)>,
    /// How often it wants to be told that all is well.
    watchdog: Option<Duration>,
    told: Instant,
    status: String,
}

impl Manager {
    /// The one that the environment names. It is no reason not to serve that it cannot be reached.
    pub(super) fn from_environment() -> Self {
        let number = |name| env::var(name).ok()?.parse::<u64>().ok();
        let is_for_us = number("WATCHDOG_PID").is_none_or(|id| id == u64::from(std::process::id()));
        let to = address().and_then(|address| Some((UnixDatagram::unbound().ok()?, address)));
        let timeout =
            number("WATCHDOG_USEC").filter(|timeout| is_for_us && to.is_some() && *timeout > 0);
        Manager {
            to,
            // Half of it, as sd_watchdog_enabled(3) recommends.
            watchdog: timeout.map(|timeout| Duration::from_micros(timeout / 2)),
            told: Instant::now(),
            status: String::new(),
        }
    }

    /// How long it may be until the next [`Manager::look`], if that is less than this.
    pub(super) fn look_every(&self, at_most: Duration) -> Duration {
        self.watchdog.map_or(at_most, |every| {
            every
                .saturating_sub(self.told.elapsed())
                .clamp(Duration::from_millis(1), at_most)
        })
    }

    pub(super) fn ready(&mut self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={status}\n"));
    }

    /// All threads run. Nothing is told when there is nothing new and it is not yet time, nor that all is well when a thread hangs.
    pub(super) fn look(&mut self, is_well: impl FnOnce() -> bool, status: impl FnOnce() -> String) {
        if self.to.is_none() {
            return;
        }
        if self
            .watchdog
            .is_some_and(|every| self.told.elapsed() >= every)
        {
            if is_well() {
                self.tell("WATCHDOG=1\n");
            }
            self.told = Instant::now();
        }
        let status = status();
        if status != self.status {
            self.tell(&format!("STATUS={status}\n"));
            self.status = status;
        }
    }

    pub(super) fn stopping(&mut self) {
        self.tell("STOPPING=1\nSTATUS=storing what has arrived\n");
    }

    fn tell(&self, text: &str) {
        if let Some((socket, address)) = &self.to {
            // Should it have gone, it will not be missed.
            let _ = send(socket, text, address);
        }
    }
}

fn send(socket: &UnixDatagram, text: &str, to: &SocketAddr) -> io::Result<usize> {
    socket.send_to_addr(text.as_bytes(), to)
}

/// A path, or a name of Linux's own that begins with `@`.
fn address() -> Option<SocketAddr> {
    let name = env::var_os("NOTIFY_SOCKET")?;
    match name.as_encoded_bytes() {
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] => {
            use std::os::linux::net::SocketAddrExt as _;
            SocketAddr::from_abstract_name(name).ok()
        }
        [b'/', ..] => SocketAddr::from_pathname(&name).ok(),
        _ => None,
    }
}
