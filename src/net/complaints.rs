//! Bad frames, counted and reported at most once a second for each address and kind of error.

use std::collections::HashMap;
use std::mem::{Discriminant, discriminant};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::error::WireError;
use crate::report::{Report, Reporter};

/// How long nothing is said of an address and a kind of error after a report.
const SILENCE: Duration = Duration::from_secs(1);

/// How many of both are told apart. In a flood from more, the oldest reports are forgotten.
const SENDERS: usize = 1024;

/// What has been said about whom, and what is still to be said.
pub(super) struct Complaints {
    reporter: Reporter,
    by_sender: HashMap<Sender, Complaint>,
}

/// Whose, and of which kind.
type Sender = (IpAddr, Discriminant<WireError>);

struct Complaint {
    reported: Instant,
    /// What came since.
    pending: Option<(SocketAddr, u64, WireError)>,
}

impl Complaints {
    pub(super) fn new(reporter: Reporter) -> Self {
        Complaints {
            reporter,
            by_sender: HashMap::new(),
        }
    }

    /// A bad frame of this peer: reported now, or with the next report.
    pub(super) fn note(&mut self, peer: SocketAddr, error: WireError) {
        let now = Instant::now();
        let sender = (peer.ip(), discriminant(&error));
        if let Some(complaint) = self.by_sender.get_mut(&sender)
            && now.duration_since(complaint.reported) < SILENCE
        {
            let count = complaint.pending.as_ref().map_or(0, |(_, count, _)| *count) + 1;
            complaint.pending = Some((peer, count, error));
            return;
        }
        if self.by_sender.len() >= SENDERS {
            self.say_pending(Duration::ZERO);
            self.by_sender.clear();
        }
        let earlier = self
            .by_sender
            .insert(
                sender,
                Complaint {
                    reported: now,
                    pending: None,
                },
            )
            .and_then(|complaint| complaint.pending)
            .map_or(0, |(_, count, _)| count);
        (self.reporter)(&Report::BadFrames {
            peer,
            count: earlier + 1,
            error,
        });
    }

    /// Says what has waited for at least the time of silence.
    pub(super) fn tick(&mut self) {
        self.say_pending(SILENCE);
    }

    /// Says everything that is left.
    pub(super) fn finish(&mut self) {
        self.say_pending(Duration::ZERO);
    }

    fn say_pending(&mut self, silence: Duration) {
        let now = Instant::now();
        for complaint in self.by_sender.values_mut() {
            if now.duration_since(complaint.reported) >= silence
                && let Some((peer, count, error)) = complaint.pending.take()
            {
                complaint.reported = now;
                (self.reporter)(&Report::BadFrames { peer, count, error });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[test]
    fn a_flood_from_one_address_is_two_reports() {
        let counts = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&counts);
        let mut complaints = Complaints::new(Arc::new(move |report| {
            let Report::BadFrames { count, .. } = report else {
                panic!("{report}")
            };
            heard.lock().unwrap().push(*count);
        }));
        let error = WireError::NotARecord { found: "a list" };
        for port in 1..=100 {
            complaints.note(([127, 0, 0, 1], port).into(), error.clone());
        }
        complaints.note(([127, 0, 0, 2], 1).into(), error);
        // Another cause has a report of its own.
        complaints.note(([127, 0, 0, 1], 1).into(), WireError::NotTls);
        complaints.finish();
        assert_eq!(*counts.lock().unwrap(), [1, 1, 1, 99]);
    }
}
