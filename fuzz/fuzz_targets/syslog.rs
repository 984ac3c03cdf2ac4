#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use logstore::Batch;
use logstore::wire::syslog::SyslogDecoder as Decoder;

fuzz_target!(|bytes: &[u8]| {
    let mut batch = Batch::new();
    let before = batch.len();
    let decoded = Decoder::new().decode(bytes, &common::CONTEXT, &mut batch);
    assert_eq!(batch.len(), before + usize::from(decoded.is_ok()));
    common::check(&batch);
});
