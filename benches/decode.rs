//! How many frames of Python's `SocketHandler` are decoded each second: `cargo bench --bench decode`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use logstore::Batch;
use logstore::wire::Context;
use logstore::wire::pickle::Decoder;

mod frame;
mod workload;

const FRAMES: usize = 4096;

/// How many records one read of a busy socket brings.
const RECORDS_PER_BATCH: usize = 256;

fn payloads() -> Vec<Vec<u8>> {
    let frames = workload::Workload::new(FRAMES).take(FRAMES).map(|record| {
        let mut frame = Vec::new();
        frame::write_frame(&record, &mut frame);
        // Without the length: that is for the receiver.
        frame.split_off(4)
    });
    frames.collect()
}

fn decode(criterion: &mut Criterion) {
    let payloads = payloads();
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(FRAMES as u64));
    group.bench_function("logstore", |bencher| {
        let context = Context {
            hostname: "node7",
            now_ns: 1_795_300_000_000_000_000,
        };
        let mut decoder = Decoder::new();
        let mut batch = Batch::new();
        bencher.iter(|| {
            for run in payloads.chunks(RECORDS_PER_BATCH) {
                batch.clear();
                for payload in run {
                    decoder
                        .decode(payload, &context, &mut batch)
                        .expect("frames are sound");
                }
                assert_eq!(black_box(&batch).len(), run.len());
            }
        });
    });
    group.bench_function("serde-pickle", |bencher| {
        bencher.iter(|| {
            for payload in &payloads {
                let options = serde_pickle::DeOptions::new();
                let value = serde_pickle::value_from_slice(payload, options);
                black_box(value.expect("frames are sound"));
            }
        });
    });
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
