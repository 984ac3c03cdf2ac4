#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use logstore::Batch;
use logstore::wire::loki::LokiDecoder;

const LIMIT: usize = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let (mut decoder, mut batch) = (LokiDecoder::new(), Batch::new());
    for json in [false, true] {
        batch.clear();
        let decoded = if json {
            decoder.decode_json(bytes, &common::CONTEXT, &mut batch, drop)
        } else {
            decoder.decode_protobuf(bytes, LIMIT, &common::CONTEXT, &mut batch, drop)
        };
        let accepted = decoded.map_or(0, |outcome| outcome.accepted);
        assert_eq!(batch.len() as u64, accepted);
        common::check(&batch);
    }
});
