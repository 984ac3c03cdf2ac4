//! One connection's bytes become messages of text: lines and counted messages that arrive in any pieces are put together.

use crate::error::WireError;
use crate::wire::{Framing, Remainder, SplitMessage, last_message, split_message};

/// The state of a connection that speaks JSON lines or syslog: the message that has not arrived completely. It does no I/O.
#[derive(Debug)]
pub struct MessageStream {
    framing: Framing,
    /// The most bytes of a message.
    limit: usize,
    /// The beginning of a message, its length included.
    partial: Vec<u8>,
    /// What is missing of it at the least.
    missing: Remainder,
    /// What of a message over the limit is still to be passed over.
    passing: Remainder,
}

/// Nothing is to be passed over.
const NOTHING: Remainder = Remainder::Bytes(0);

impl MessageStream {
    /// A connection that has sent nothing yet, and whose messages may have so many bytes.
    #[must_use]
    pub fn new(framing: Framing, limit: usize) -> Self {
        MessageStream {
            framing,
            limit,
            partial: Vec::new(),
            missing: Remainder::Line,
            passing: NOTHING,
        }
    }

    /// Takes what one read brought. Every message that is complete now goes to `decode`, and to `reject` the reason why one cannot
    /// be decoded or is over the limit; what is left waits for the next read.
    ///
    /// # Errors
    ///
    /// [`WireError::Message`]: the framing is lost, and the connection with it.
    pub fn receive(
        &mut self,
        mut bytes: &[u8],
        mut decode: impl FnMut(&[u8]) -> Result<(), WireError>,
        mut reject: impl FnMut(WireError),
    ) -> Result<(), WireError> {
        loop {
            bytes = pass(self.framing, &mut self.passing, bytes);
            if bytes.is_empty() {
                return Ok(());
            }
            if self.partial.is_empty() {
                match split_message(bytes, 0, self.framing, self.limit)? {
                    SplitMessage::Message { message, rest } => {
                        if let Err(error) = decode(message) {
                            reject(error);
                        }
                        bytes = rest;
                    }
                    SplitMessage::TooLong {
                        error,
                        remainder,
                        rest,
                    } => {
                        reject(error);
                        self.passing = remainder;
                        bytes = rest;
                    }
                    SplitMessage::Partial { part, missing } => {
                        self.partial.extend_from_slice(part);
                        self.missing = missing;
                        return Ok(());
                    }
                }
                continue;
            }
            let searched = self.partial.len();
            bytes = self.gather(bytes);
            match split_message(&self.partial, searched, self.framing, self.limit)? {
                SplitMessage::Message { message, .. } => {
                    if let Err(error) = decode(message) {
                        reject(error);
                    }
                }
                SplitMessage::TooLong {
                    error,
                    remainder,
                    rest,
                } => {
                    reject(error);
                    self.passing = remainder;
                    pass(self.framing, &mut self.passing, rest);
                }
                SplitMessage::Partial { part, missing } if !part.is_empty() => {
                    self.missing = missing;
                    continue;
                }
                SplitMessage::Partial { .. } => {}
            }
            // Thousands of clients are silent next: they keep no memory.
            self.partial = Vec::new();
        }
    }

    /// How many bytes wait for the rest of their message.
    #[must_use]
    pub fn partial_bytes(&self) -> usize {
        self.partial.len()
    }

    /// The connection has ended. A last line without an end is a message.
    ///
    /// # Errors
    ///
    /// [`WireError::PartialFrame`] when it ended inside a message whose length was told, and what `decode` says.
    pub fn finish(
        &mut self,
        decode: impl FnOnce(&[u8]) -> Result<(), WireError>,
    ) -> Result<(), WireError> {
        let last = std::mem::take(&mut self.partial);
        last_message(&last, self.framing)?.map_or(Ok(()), decode)
    }

    /// Adds what surely belongs to the partial message, and gives what is left.
    fn gather<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let most = match self.missing {
            Remainder::Bytes(missing) => missing,
            Remainder::Line => {
                let line = self
                    .framing
                    .end_of_line(bytes)
                    .map_or(bytes.len(), |end| end + 1);
                // One byte over the limit tells that it is passed.
                line.min(self.limit.saturating_add(1) - self.partial.len())
            }
        };
        let (more, rest) = bytes.split_at(most.min(bytes.len()));
        self.partial.extend_from_slice(more);
        rest
    }
}

/// Passes over what belongs to a message over the limit, and gives what comes behind it.
fn pass<'b>(framing: Framing, passing: &mut Remainder, bytes: &'b [u8]) -> &'b [u8] {
    match *passing {
        Remainder::Bytes(left) => {
            let (passed, rest) = bytes.split_at(left.min(bytes.len()));
            *passing = Remainder::Bytes(left - passed.len());
            rest
        }
        Remainder::Line => match framing.end_of_line(bytes) {
            Some(end) => {
                *passing = NOTHING;
                &bytes[end + 1..]
            }
            None => &[],
        },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMIT: usize = 50;

    /// What a connection makes of these reads: messages, rejections, and the end of it.
    fn receive<'r>(
        framing: Framing,
        reads: impl IntoIterator<Item = &'r [u8]>,
    ) -> (Vec<String>, Vec<WireError>, Result<(), WireError>) {
        let mut stream = MessageStream::new(framing, LIMIT);
        let (mut messages, mut rejected) = (Vec::new(), Vec::new());
        let mut decode = |message: &[u8]| {
            assert!(message.len() <= LIMIT);
            if message == b"bad" {
                return Err(WireError::NotARecord { found: "bad" });
            }
            messages.push(message.escape_ascii().to_string());
            Ok(())
        };
        for read in reads {
            let end = stream.receive(read, &mut decode, |error| rejected.push(error));
            // A length, its space and the message.
            assert!(stream.partial_bytes() <= LIMIT + 10);
            if end.is_err() {
                return (messages, rejected, end);
            }
        }
        let end = stream.finish(&mut decode);
        (messages, rejected, end)
    }

    #[test]
    fn a_bad_message_is_rejected_and_the_next_one_is_read() {
        for size in [1, 2, 100] {
            let (messages, rejected, end) =
                receive(Framing::Json, b"one\nbad\n\ntwo\r\n".chunks(size));
            assert_eq!(messages, ["one", "two"]);
            assert_eq!(rejected, [WireError::NotARecord { found: "bad" }]);
            assert_eq!(end, Ok(()));
        }
    }

    #[test]
    fn messages_over_the_limit_are_passed_over_however_they_arrive() {
        let long = "x".repeat(LIMIT + 1);
        let counted = format!("{} <{}\n", LIMIT + 2, long);
        let fits = "y".repeat(LIMIT);
        let stream = format!("one\n{long}\n{fits}\0{long}{long}\0{counted}7 <14>two{long}");
        for size in [1, 2, 3, 7, 49, 50, 51, 52, 1000] {
            let (messages, rejected, end) =
                receive(Framing::Syslog, stream.as_bytes().chunks(size));
            assert_eq!(messages, ["one", &fits, "<14>two"]);
            let line = WireError::LineTooLong { limit: LIMIT };
            let counted = WireError::FrameTooLong {
                claimed: 52,
                limit: LIMIT,
            };
            assert_eq!(rejected, [line.clone(), line.clone(), counted, line]);
            assert_eq!(end, Ok(()));
        }
    }

    #[test]
    fn a_wrong_count_ends_the_connection_after_what_came_before() {
        for size in [1, 2, 1000] {
            let (messages, _, end) =
                receive(Framing::Syslog, b"7 <14>one12x<14>two\n".chunks(size));
            assert_eq!(messages, ["<14>one"]);
            assert!(matches!(end, Err(WireError::Message { .. })), "{end:?}");
        }
    }

    #[test]
    fn a_last_line_without_an_end_is_a_message_and_half_a_counted_one_is_told() {
        for (stream, messages, end) in [
            (
                &b"<14>one\n<14>two"[..],
                &["<14>one", "<14>two"][..],
                Ok(()),
            ),
            (b"<14>one\r", &["<14>one"], Ok(())),
            (b"<14>one\n \r", &["<14>one"], Ok(())),
            (b"bad", &[], Err(WireError::NotARecord { found: "bad" })),
            (
                b"9 <14>",
                &[],
                Err(WireError::PartialFrame {
                    got: 6,
                    expected: 11,
                }),
            ),
            (
                b"90",
                &[],
                Err(WireError::PartialFrame {
                    got: 2,
                    expected: 4,
                }),
            ),
        ] {
            for size in [1, 3, 100] {
                let (found, rejected, found_end) = receive(Framing::Syslog, stream.chunks(size));
                assert_eq!(
                    (&found[..], &found_end),
                    (
                        &messages.iter().map(|m| (*m).to_owned()).collect::<Vec<_>>()[..],
                        &end
                    )
                );
                assert_eq!(rejected, []);
            }
        }
    }

    /// Streams of sound messages, of hostile bytes, and of both.
    fn piece() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            "[ -~]{0,70}[\n\0]".prop_map(String::into_bytes),
            "<[0-9]{1,3}>[ -~\n\0]{0,60}"
                .prop_map(|text| format!("{} {text}", text.len()).into_bytes()),
            "[\r\n\0 ]{0,5}".prop_map(String::into_bytes),
            "[0-9< a]{0,12}".prop_map(String::into_bytes),
        ]
    }

    proptest! {
        #[test]
        fn any_split_of_the_bytes_gives_the_same_messages(
            pieces in prop::collection::vec(piece(), 0..20),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
        ) {
            let stream = pieces.concat();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            for framing in [Framing::Json, Framing::Syslog] {
                let reads = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]);
                prop_assert_eq!(receive(framing, reads), receive(framing, [&stream[..]]));
            }
        }
    }
}
