//! How many records are decoded each second, from what each protocol sends: `cargo bench --bench decode`.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use logstore::wire::Context;
use logstore::wire::json::JsonDecoder;
use logstore::wire::otlp::OtlpDecoder;
use logstore::wire::pickle::Decoder;
use logstore::wire::syslog::SyslogDecoder;
use logstore::{Batch, LogRecord, rfc3339_utc};
use serde_json::{Value, json};

mod frame;
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

/// The same records as rsyslog would forward them: by RFC 3164, or by RFC 5424 with two parameters.
fn syslog_messages(version: u32) -> Vec<String> {
    let messages = workload::Workload::new(FRAMES).take(FRAMES).map(|record| {
        let name = &record.site.name;
        let process = record.origin.process.unwrap_or_default();
        let message = &record.message;
        let time = logstore::rfc3339_utc(record.created_ns);
        match version {
            3164 => format!("<30>Nov 22 {} node7 {name}[{process}]: {message}", &time[11..19]),
            _ => format!(
                "<30>1 {time} node7 {name} {process} - [meta sequenceId=\"7\" user=\"ada\"] {message}"
            ),
        }
    });
    messages.collect()
}

fn decode_syslog(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("syslog");
    group.throughput(Throughput::Elements(FRAMES as u64));
    for version in [3164, 5424] {
        let messages = syslog_messages(version);
        group.bench_function(format!("rfc{version}"), |bencher| {
            let context = Context {
                hostname: "node7",
                now_ns: 1_795_300_000_000_000_000,
            };
            let mut decoder = SyslogDecoder::new();
            let mut batch = Batch::new();
            bencher.iter(|| {
                for run in messages.chunks(RECORDS_PER_BATCH) {
                    batch.clear();
                    for message in run {
                        decoder
                            .decode(message.as_bytes(), &context, &mut batch)
                            .expect("messages are sound");
                    }
                    assert_eq!(black_box(&batch).len(), run.len());
                }
            });
        });
    }
    group.finish();
}

/// A record as a service would write it with python-json-logger: some 300 bytes.
fn line(record: &LogRecord) -> Vec<u8> {
    let (site, origin) = (&*record.site, &*record.origin);
    let mut line = json!({
        "timestamp": rfc3339_utc(record.created_ns),
        "level": site.level_name,
        "name": site.name,
        "message": record.message,
        "hostname": origin.hostname,
        "process": origin.process,
        "threadName": origin.thread_name,
        "lineno": site.lineno,
        "funcName": site.func_name,
    });
    if let Value::Object(members) = &mut line {
        members.extend(record.extra.clone());
        members.extend(
            record
                .exc_text
                .clone()
                .map(|text| ("exc_info".into(), text.into())),
        );
    }
    line.to_string().into_bytes()
}

fn decode_lines(criterion: &mut Criterion) {
    let lines: Vec<_> = workload::Workload::new(FRAMES)
        .take(FRAMES)
        .map(|record| line(&record))
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
