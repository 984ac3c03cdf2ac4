#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use logstore::Batch;
use logstore::wire::elastic::{bulk, response};
use logstore::wire::json::JsonDecoder;

fuzz_target!(|bytes: &[u8]| {
    let (mut decoder, mut batch) = (JsonDecoder::new(), Batch::new());
    let items = bulk(bytes, Some("logs"), |_, _, document| {
        decoder.decode(document, &common::CONTEXT, &mut batch)
    });
    let items: Result<Vec<_>, _> = items.map(Iterator::collect);
    if let Ok(items) = items {
        let stored = items.iter().filter(|item| item.error().is_none()).count();
        assert_eq!(batch.len(), stored);
        let _ = response(&items, 1);
    }
    common::check(&batch);
});
