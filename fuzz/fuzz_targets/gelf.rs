#![no_main]

mod common;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use logstore::Batch;
use logstore::wire::gelf::{Chunks, decompress};
use logstore::wire::json::JsonDecoder;

const LIMIT: usize = 1 << 20;
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

// Datagrams of up to 64 bytes, each with the seconds that have passed.
fuzz_target!(|bytes: &[u8]| {
    let (mut chunks, mut decoder, mut batch) = (Chunks::new(), JsonDecoder::new(), Batch::new());
    let mut now = Duration::ZERO;
    for datagram in bytes.chunks(64) {
        let [seconds, datagram @ ..] = datagram else { continue };
        now += Duration::from_secs(u64::from(*seconds % 4));
        let message = if Chunks::is_chunk(datagram) {
            chunks.add(datagram, HERE, now).ok().flatten()
        } else {
            Some(datagram.to_vec())
        };
        if let Some(message) = message
            && let Ok(message) = decompress(&message, LIMIT)
        {
            let _ = decoder.decode(&message, &common::CONTEXT, &mut batch);
        }
    }
    common::check(&batch);
});
