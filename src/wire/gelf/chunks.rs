//! GELF over UDP: messages that were cut into several datagrams are put together again.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use super::error;
use crate::error::WireError;

/// What a chunk begins with.
const MAGIC: [u8; 2] = [0x1E, 0x0F];

/// Magic, eight bytes of the message's id, the chunk's number, and how many there are.
const HEADER_BYTES: usize = 12;

/// The most chunks that a message may have.
const MAX_CHUNKS: u8 = 128;

/// How long after its first chunk a message may be incomplete.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How many messages may be incomplete at once, and how many bytes they may have together.
const MAX_MESSAGES: usize = 1024;
const MAX_BYTES: usize = 16 << 20;

/// Puts together the messages of any number of senders. Bounded: past 1,024 incomplete messages, or 16 MiB of them, the oldest are
/// given up, as is each that is incomplete after five seconds.
#[derive(Debug, Default)]
pub struct Chunks {
    /// The oldest first.
    incomplete: VecDeque<Incomplete>,
    bytes: usize,
    lost: u64,
}

#[derive(Debug)]
struct Incomplete {
    /// Ids are only unlike within one sender.
    sender: IpAddr,
    id: [u8; 8],
    /// When its first chunk came.
    since: Duration,
    chunks: u8,
    /// A bit for each chunk that is there.
    there: u128,
    /// Number and end of each chunk, in order of arrival.
    ends: Vec<(u8, usize)>,
    /// What the chunks hold, in order of arrival.
    text: Vec<u8>,
}

impl Chunks {
    /// Holds no message yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a datagram is a chunk, and not a message of its own.
    #[must_use]
    pub fn is_chunk(datagram: &[u8]) -> bool {
        datagram.starts_with(&MAGIC)
    }

    /// How many messages were given up incomplete.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Takes a chunk of a sender's and gives the message that it completes, which may be compressed. `now` is the time since any fixed moment,
    /// which never goes back. A chunk that came before is passed over.
    ///
    /// # Errors
    ///
    /// [`WireError::Message`] for what is no chunk of a message.
    pub fn add(
        &mut self,
        datagram: &[u8],
        sender: IpAddr,
        now: Duration,
    ) -> Result<Option<Vec<u8>>, WireError> {
        self.expire(now);
        let (header, text) = datagram
            .split_first_chunk::<HEADER_BYTES>()
            .filter(|(header, _)| header.starts_with(&MAGIC))
            .ok_or_else(|| {
                error(format!(
                    "a chunk of {} bytes lacks its header of {HEADER_BYTES}",
                    datagram.len()
                ))
            })?;
        let [_, _, id @ .., number, chunks] = *header;
        if chunks == 0 || chunks > MAX_CHUNKS || number >= chunks {
            return Err(error(format!(
                "chunk {number} of {chunks}; a message has 1 to {MAX_CHUNKS}, counted from 0"
            )));
        }
        let known = self
            .incomplete
            .iter()
            .position(|message| message.id == id && message.sender == sender);
        let index = known.unwrap_or(self.incomplete.len());
        if known.is_none() {
            self.incomplete.push_back(Incomplete {
                sender,
                id,
                since: now,
                chunks,
                there: 0,
                ends: Vec::new(),
                text: Vec::new(),
            });
        }
        let message = &mut self.incomplete[index];
        if message.chunks != chunks {
            let reason = format!(
                "chunk {number} of {chunks}, but others of the message are of {}",
                message.chunks
            );
            return Err(error(reason));
        }
        let bit = 1 << number;
        if message.there & bit != 0 {
            return Ok(None);
        }
        message.there |= bit;
        message.text.extend_from_slice(text);
        message.ends.push((number, message.text.len()));
        self.bytes += text.len();
        if message.ends.len() == usize::from(chunks) {
            let message = self.incomplete.remove(index);
            return Ok(message.map(|message| {
                self.bytes -= message.text.len();
                message.whole()
            }));
        }
        while self.incomplete.len() > MAX_MESSAGES || self.bytes > MAX_BYTES {
            self.give_up_oldest();
        }
        Ok(None)
    }

    /// Gives up the messages that are incomplete for too long. [`Chunks::add`] does so too; this is for times when nothing comes.
    pub fn expire(&mut self, now: Duration) {
        let is_old = |message: &Incomplete| now.saturating_sub(message.since) > TIMEOUT;
        while self.incomplete.front().is_some_and(is_old) {
            self.give_up_oldest();
        }
    }

    fn give_up_oldest(&mut self) {
        if let Some(message) = self.incomplete.pop_front() {
            self.bytes -= message.text.len();
            self.lost += 1;
        }
    }
}

impl Incomplete {
    /// The chunks in their own order.
    fn whole(self) -> Vec<u8> {
        if self.ends.is_sorted() {
            return self.text;
        }
        let mut start = 0;
        let mut chunks: Vec<(u8, &[u8])> = Vec::with_capacity(self.ends.len());
        for (number, end) in self.ends {
            chunks.push((number, &self.text[start..end]));
            start = end;
        }
        chunks.sort_unstable_by_key(|(number, _)| *number);
        let texts: Vec<&[u8]> = chunks.into_iter().map(|(_, text)| text).collect();
        texts.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    fn chunk(id: u64, number: u8, chunks: u8, text: &[u8]) -> Vec<u8> {
        [&MAGIC[..], &id.to_be_bytes(), &[number, chunks], text].concat()
    }

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn senders_with_the_same_id_are_kept_apart() {
        let other = IpAddr::V4(Ipv4Addr::BROADCAST);
        let mut chunks = Chunks::new();
        for (text, sender) in [(b"a", HERE), (b"x", other)] {
            assert_eq!(chunks.add(&chunk(7, 0, 2, text), sender, at(0)), Ok(None));
        }
        for (text, sender, whole) in [(b"b", HERE, b"ab"), (b"y", other, b"xy")] {
            let found = chunks.add(&chunk(7, 1, 2, text), sender, at(0));
            assert_eq!(found, Ok(Some(whole.to_vec())));
        }
    }

    #[test]
    fn chunks_make_a_message_in_any_order_and_twice() {
        let mut chunks = Chunks::new();
        for (number, text) in [(2, "c"), (0, "aa"), (2, "c"), (0, "aa")] {
            let found = chunks.add(&chunk(7, number, 3, text.as_bytes()), HERE, at(0));
            assert_eq!(found, Ok(None));
        }
        assert_eq!(
            chunks.add(&chunk(8, 0, 1, b"x"), HERE, at(0)),
            Ok(Some(b"x".into()))
        );
        assert_eq!(
            chunks.add(&chunk(7, 1, 3, b"b"), HERE, at(5)),
            Ok(Some(b"aabc".into()))
        );
        assert_eq!(
            (chunks.bytes, chunks.incomplete.len(), chunks.lost()),
            (0, 0, 0)
        );
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        let mut chunks = Chunks::new();
        assert!(Chunks::is_chunk(b"\x1e\x0fx") && !Chunks::is_chunk(b"{"));
        chunks.add(&chunk(1, 0, 2, b""), HERE, at(0)).unwrap();
        for (datagram, reason) in [
            (
                b"\x1e\x0f123".to_vec(),
                "a chunk of 5 bytes lacks its header of 12",
            ),
            (
                chunk(1, 2, 2, b""),
                "chunk 2 of 2; a message has 1 to 128, counted from 0",
            ),
            (
                chunk(1, 0, 0, b""),
                "chunk 0 of 0; a message has 1 to 128, counted from 0",
            ),
            (
                chunk(1, 0, 129, b""),
                "chunk 0 of 129; a message has 1 to 128, counted from 0",
            ),
            (
                chunk(1, 1, 3, b""),
                "chunk 1 of 3, but others of the message are of 2",
            ),
        ] {
            let error = chunks.add(&datagram, HERE, at(0)).unwrap_err();
            assert_eq!(error.to_string(), format!("not GELF: {reason}"));
        }
    }

    #[test]
    fn a_message_is_given_up_after_five_seconds() {
        let mut chunks = Chunks::new();
        chunks.add(&chunk(1, 0, 2, b"a"), HERE, at(10)).unwrap();
        chunks.add(&chunk(2, 0, 2, b"a"), HERE, at(12)).unwrap();
        chunks.expire(at(15));
        assert_eq!(chunks.lost(), 0);
        chunks.expire(at(16));
        assert_eq!((chunks.lost(), chunks.bytes), (1, 1));
        // Its last chunk begins another one.
        assert_eq!(chunks.add(&chunk(1, 1, 2, b"b"), HERE, at(16)), Ok(None));
        assert_eq!(
            chunks.add(&chunk(2, 1, 2, b"b"), HERE, at(16)),
            Ok(Some(b"ab".into()))
        );
    }

    #[test]
    fn a_flood_costs_the_oldest() {
        let mut chunks = Chunks::new();
        for id in 0..2000 {
            chunks.add(&chunk(id, 0, 2, b"a"), HERE, at(0)).unwrap();
        }
        assert_eq!(
            (chunks.incomplete.len(), chunks.lost()),
            (MAX_MESSAGES, 976)
        );
        assert_eq!(chunks.incomplete[0].id, 976_u64.to_be_bytes());
        let large = vec![b'x'; 60_000];
        for number in 0..127 {
            for id in 0..10 {
                chunks
                    .add(&chunk(id, number, 128, &large), HERE, at(1))
                    .unwrap();
                assert!(chunks.bytes <= MAX_BYTES);
            }
        }
    }

    proptest! {
        #[test]
        fn any_cut_in_any_order_gives_the_message(
            text in prop::collection::vec(any::<u8>(), 1..200), size in 2_usize..50, seed in any::<u64>(),
        ) {
            let pieces: Vec<&[u8]> = text.chunks(size).collect();
            let count = u8::try_from(pieces.len()).unwrap();
            let mut datagrams: Vec<_> =
                (0..).zip(&pieces).map(|(number, piece)| chunk(seed, number, count, piece)).collect();
            let turn = usize::try_from(seed % u64::from(count)).unwrap();
            datagrams.rotate_left(turn);
            let mut chunks = Chunks::new();
            let last = datagrams.pop().unwrap();
            for datagram in datagrams {
                prop_assert_eq!(chunks.add(&datagram, HERE, at(0)), Ok(None));
            }
            prop_assert_eq!(chunks.add(&last, HERE, at(0)), Ok(Some(text)));
        }

        #[test]
        fn no_datagram_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut chunks = Chunks::new();
            let _ = chunks.add(&bytes, HERE, at(0));
            let _ = chunks.add(&[&MAGIC[..], &bytes].concat(), HERE, at(0));
        }
    }
}
