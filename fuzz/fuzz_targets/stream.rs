#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use logstore::wire::pickle::Decoder;
use logstore::wire::{Framing, Protocol};
use logstore::{Batch, LogRecordStreamHandler, MessageStream};

const LIMIT: usize = 1 << 12;

// The first byte says how long reads are; what follows is the stream. In whatever pieces it comes, it means the same.
fuzz_target!(|bytes: &[u8]| {
    let [len, stream @ ..] = bytes else { return };
    let len = usize::from(*len).max(1);
    let Some(protocol) = stream.first().copied().and_then(Protocol::of_first_byte) else {
        return;
    };
    match protocol {
        Protocol::Python => {
            let whole = frames(stream, stream.len());
            assert_eq!(whole, frames(stream, len));
        }
        Protocol::Json => same_messages(Framing::Json.of_stream(stream), stream, len),
        Protocol::Syslog => same_messages(Framing::Syslog.of_stream(stream), stream, len),
        Protocol::Http | Protocol::Tls => {}
    }
});

/// How many frames were decoded and rejected, and whether the framing held.
fn frames(stream: &[u8], len: usize) -> (usize, usize, bool) {
    let mut handler = LogRecordStreamHandler::new(LIMIT);
    let (mut decoder, mut batch, mut rejected) = (Decoder::new(), Batch::new(), 0);
    for read in stream.chunks(len) {
        let reject = |_| rejected += 1;
        if handler.receive(read, &mut decoder, &common::CONTEXT, &mut batch, reject).is_err() {
            return (batch.len(), rejected, false);
        }
    }
    common::check(&batch);
    (batch.len(), rejected, true)
}

fn same_messages(framing: Framing, stream: &[u8], len: usize) {
    let messages = |len: usize| {
        let mut reader = MessageStream::new(framing, LIMIT);
        let mut messages = Vec::new();
        let mut decode = |message: &[u8]| {
            assert!(message.len() <= LIMIT);
            messages.push(message.to_vec());
            Ok(())
        };
        for read in stream.chunks(len) {
            if reader.receive(read, &mut decode, drop).is_err() {
                return messages;
            }
        }
        let _ = reader.finish(&mut decode);
        messages
    };
    assert_eq!(messages(stream.len()), messages(len));
}
