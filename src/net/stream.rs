//! One connection's bytes become records: frames that arrive in any pieces are put together and decoded.

use crate::batch::Batch;
use crate::error::WireError;
use crate::wire::pickle::Decoder;
use crate::wire::{Context, HEADER_BYTES, Split, split_frame};

/// The state of one connection: the frame that has not arrived completely. It does no I/O.
///
/// The name is that of the class in Python's logging cookbook.
#[derive(Debug)]
pub struct LogRecordStreamHandler {
    /// The beginning of a frame, length included. It gives its memory back behind each frame: thousands of clients are silent next.
    partial: Vec<u8>,
    /// How many bytes of a frame over the limit are still to be passed over.
    passing: usize,
    frame_limit: usize,
}

impl LogRecordStreamHandler {
    /// A connection that has sent nothing yet, and whose frames may have so many bytes.
    #[must_use]
    pub fn new(frame_limit: usize) -> Self {
        LogRecordStreamHandler {
            partial: Vec::new(),
            passing: 0,
            frame_limit,
        }
    }

    /// Takes what one read brought. Every frame that is complete now is decoded into the batch, or handed to `reject` with the
    /// reason why it cannot be; what is left waits for the next read.
    ///
    /// # Errors
    ///
    /// [`WireError::NotAFrame`]: the framing is lost, and the connection with it.
    pub fn receive(
        &mut self,
        mut bytes: &[u8],
        decoder: &mut Decoder,
        context: &Context<'_>,
        batch: &mut Batch,
        mut reject: impl FnMut(WireError),
    ) -> Result<(), WireError> {
        let too_long = |expected: usize, limit| {
            let claimed = (expected - HEADER_BYTES) as u64;
            WireError::FrameTooLong { claimed, limit }
        };
        loop {
            if self.partial.is_empty() {
                bytes = self.pass(bytes);
                if bytes.is_empty() {
                    return Ok(());
                }
                match split_frame(bytes, self.frame_limit)? {
                    Split::Frame { payload, rest } => {
                        if let Err(error) = decoder.decode(payload, context, batch) {
                            reject(error);
                        }
                        bytes = rest;
                    }
                    Split::TooLong { expected } => {
                        reject(too_long(expected, self.frame_limit));
                        self.passing = expected;
                    }
                    Split::Partial { .. } => {
                        self.partial.extend_from_slice(bytes);
                        return Ok(());
                    }
                }
                continue;
            }
            match split_frame(&self.partial, self.frame_limit)? {
                Split::Frame { payload, .. } => {
                    if let Err(error) = decoder.decode(payload, context, batch) {
                        reject(error);
                    }
                    self.partial = Vec::new();
                }
                Split::TooLong { expected } => {
                    reject(too_long(expected, self.frame_limit));
                    self.passing = expected - self.partial.len();
                    self.partial = Vec::new();
                }
                Split::Partial { .. } if bytes.is_empty() => return Ok(()),
                Split::Partial { expected } => {
                    let missing = expected - self.partial.len();
                    let (more, rest) = bytes.split_at(missing.min(bytes.len()));
                    self.partial.extend_from_slice(more);
                    bytes = rest;
                }
            }
        }
    }

    /// How many bytes wait for the rest of their frame.
    #[must_use]
    pub fn partial_bytes(&self) -> usize {
        self.partial.len()
    }

    /// Passes over what belongs to a frame over the limit.
    fn pass<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let (passed, rest) = bytes.split_at(self.passing.min(bytes.len()));
        self.passing -= passed.len();
        rest
    }

    /// The connection has ended.
    ///
    /// # Errors
    ///
    /// [`WireError::PartialFrame`] when it ended inside a frame.
    pub fn finish(&self) -> Result<(), WireError> {
        if self.partial.is_empty() {
            return Ok(());
        }
        let expected = match split_frame(&self.partial, self.frame_limit) {
            Ok(Split::Partial { expected }) => expected,
            _ => self.partial.len(),
        };
        Err(WireError::PartialFrame {
            got: self.partial.len(),
            expected,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A frame whose record has this message.
    fn frame(message: &str) -> Vec<u8> {
        let mut pickle = b"}(".to_vec();
        for text in ["name", "myapp", "msg", message] {
            pickle.push(b'X');
            pickle.extend(u32::try_from(text.len()).unwrap().to_le_bytes());
            pickle.extend(text.as_bytes());
        }
        pickle.extend(b"u.");
        framed(&pickle)
    }

    fn framed(payload: &[u8]) -> Vec<u8> {
        let len = u32::try_from(payload.len()).unwrap();
        [&len.to_be_bytes()[..], payload].concat()
    }

    /// What a connection makes of these reads: messages, rejections, and the end of it.
    fn receive<'r>(
        reads: impl IntoIterator<Item = &'r [u8]>,
    ) -> (Vec<String>, Vec<WireError>, Result<(), WireError>) {
        let mut handler = LogRecordStreamHandler::new(1000);
        let (mut decoder, mut batch) = (Decoder::new(), Batch::new());
        let context = Context {
            hostname: "node1",
            now_ns: 0,
        };
        let mut rejected = Vec::new();
        let mut end = Ok(());
        for read in reads {
            let reject = |error| rejected.push(error);
            end = handler.receive(read, &mut decoder, &context, &mut batch, reject);
            if end.is_err() {
                break;
            }
        }
        let messages = batch
            .iter()
            .map(|record| record.texts.message.to_owned())
            .collect();
        (messages, rejected, end.and_then(|()| handler.finish()))
    }

    #[test]
    fn a_bad_frame_is_rejected_and_the_next_one_is_read() {
        let stream = [
            frame("one"),
            framed(b"garbage"),
            framed(b""),
            framed(b"]."),
            frame("two"),
        ];
        let (messages, rejected, end) = receive([stream.concat().as_slice()]);
        assert_eq!(messages, ["one", "two"]);
        assert_eq!(rejected.len(), 3);
        assert_eq!(rejected[2], WireError::NotARecord { found: "a list" });
        assert_eq!(end, Ok(()));
    }

    #[test]
    fn a_frame_over_the_limit_is_passed_over_however_it_arrives() {
        let stream = [frame("one"), framed(&[b'.'; 1001]), frame("two")].concat();
        for size in [1, 3, 7, 500, 5000] {
            let (messages, rejected, end) = receive(stream.chunks(size));
            assert_eq!(messages, ["one", "two"]);
            assert_eq!(
                rejected,
                [WireError::FrameTooLong {
                    claimed: 1001,
                    limit: 1000
                }]
            );
            assert_eq!(end, Ok(()));
        }
    }

    #[test]
    fn what_is_no_frame_ends_the_connection_after_what_came_before() {
        let stream = [frame("one"), b"GET / HTTP/1.1\r\n".to_vec(), frame("two")].concat();
        for size in [1, 5000] {
            let (messages, _, end) = receive(stream.chunks(size));
            assert_eq!(messages, ["one"]);
            assert_eq!(
                end,
                Err(WireError::NotAFrame {
                    found: "an HTTP request"
                })
            );
        }
    }

    #[test]
    fn half_a_frame_at_the_end_is_told() {
        let stream = [frame("one"), frame("two")].concat();
        let whole = frame("two").len();
        for cut in 1..whole {
            let (messages, _, end) = receive([&stream[..stream.len() - cut]]);
            assert_eq!(messages, ["one"]);
            let got = whole - cut;
            let expected = if got < 4 { 4 } else { whole };
            assert_eq!(end, Err(WireError::PartialFrame { got, expected }));
        }
    }

    proptest! {
        #[test]
        fn any_split_of_the_bytes_gives_the_same_records(
            messages in prop::collection::vec(".{0,300}", 0..20),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        ) {
            let stream: Vec<u8> = messages.iter().flat_map(|message| frame(message)).collect();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let reads = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]);
            prop_assert_eq!(receive(reads), (messages, Vec::new(), Ok(())));
        }
    }
}
