//! How many records are decoded each second, from what each protocol sends: `cargo bench --bench decode`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use logstore::wire::Context;
use logstore::wire::json::JsonDecoder;
use logstore::wire::otlp::OtlpDecoder;
use logstore::wire::pickle::Decoder;
use logstore::wire::syslog::SyslogDecoder;
use logstore::{Batch, LogRecord};
use serde_json::Value;

mod frame;
mod lines;
mod otlp;
mod workload;

const FRAMES: usize = 4096;

/// How many records one read of a busy socket brings.
const RECORDS_PER_BATCH: usize = 256;

const CONTEXT: Context<'static> = Context {
    hostname: "node7",
    now_ns: 1_795_300_000_000_000_000,
};

fn payloads() -> Vec<Vec<u8>> {
    let frames = workload::Workload::new(FRAMES).take(FRAMES).map(|record| {
        let mut frame = Vec::new();
        frame::write_frame(&record, &mut frame);
        // Without the length: that is for the receiver.
        frame.split_off(4)
    });
    frames.collect()
}

/// As rsyslog forwards it by RFC 3164.
fn rfc3164(record: &LogRecord) -> String {
    let time = logstore::rfc3339_utc(record.created_ns);
    let (name, process) = (&record.site.name, record.origin.process.unwrap_or_default());
    let message = &record.message;
    format!(
        "<30>Nov 22 {} node7 {name}[{process}]: {message}",
        &time[11..19]
    )
}

fn decode_syslog(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("syslog");
    group.throughput(Throughput::Elements(FRAMES as u64));
    for (name, write) in [
        ("rfc3164", rfc3164 as fn(&LogRecord) -> String),
        ("rfc5424", lines::rfc5424),
    ] {
        let records = workload::Workload::new(FRAMES).take(FRAMES);
        let messages: Vec<String> = records.map(|record| write(&record)).collect();
        group.bench_function(name, |bencher| {
            let mut decoder = SyslogDecoder::new();
            let mut batch = Batch::new();
            bencher.iter(|| {
                for run in messages.chunks(RECORDS_PER_BATCH) {
                    batch.clear();
                    for message in run {
                        decoder
                            .decode(message.as_bytes(), &CONTEXT, &mut batch)
                            .expect("messages are sound");
                    }
                    assert_eq!(black_box(&batch).len(), run.len());
                }
            });
        });
    }
    group.finish();
}

fn decode_lines(criterion: &mut Criterion) {
    let lines: Vec<_> = workload::Workload::new(FRAMES)
        .take(FRAMES)
        .map(|record| lines::json_line(&record).into_bytes())
        .collect();
    let mut group = criterion.benchmark_group("decode-json");
    group.throughput(Throughput::Elements(FRAMES as u64));
    group.bench_function("logstore", |bencher| {
        let mut decoder = JsonDecoder::new();
        let mut batch = Batch::new();
        bencher.iter(|| {
            for run in lines.chunks(RECORDS_PER_BATCH) {
                batch.clear();
                for line in run {
                    decoder
                        .decode(line, &CONTEXT, &mut batch)
                        .expect("lines are sound");
                }
                assert_eq!(black_box(&batch).len(), run.len());
            }
        });
    });
    group.bench_function("serde_json", |bencher| {
        bencher.iter(|| {
            for line in &lines {
                let value: Value = serde_json::from_slice(line).expect("lines are sound");
                black_box(value);
            }
        });
    });
    group.finish();
}

fn decode(criterion: &mut Criterion) {
    let payloads = payloads();
    let mut group = criterion.benchmark_group("decode");
    group.throughput(Throughput::Elements(FRAMES as u64));
    group.bench_function("logstore", |bencher| {
        let mut decoder = Decoder::new();
        let mut batch = Batch::new();
        bencher.iter(|| {
            for run in payloads.chunks(RECORDS_PER_BATCH) {
                batch.clear();
                for payload in run {
                    decoder
                        .decode(payload, &CONTEXT, &mut batch)
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
    group.bench_function("otlp", |bencher| {
        let records: Vec<_> = workload::Workload::new(FRAMES).take(FRAMES).collect();
        let requests: Vec<_> = records
            .chunks(RECORDS_PER_BATCH)
            .map(otlp::request)
            .collect();
        let mut decoder = OtlpDecoder::new();
        let mut batch = Batch::new();
        bencher.iter(|| {
            for request in &requests {
                batch.clear();
                let outcome = decoder
                    .decode_protobuf(request, &CONTEXT, &mut batch, |error| panic!("{error}"))
                    .expect("requests are sound");
                assert_eq!(black_box(&batch).len() as u64, outcome.accepted);
            }
        });
    });
    group.finish();
}

criterion_group!(benches, decode, decode_lines, decode_syslog);
criterion_main!(benches);
