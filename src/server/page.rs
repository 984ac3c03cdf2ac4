//! `GET /metrics`: what a server counts and measures, for Prometheus and whoever else reads its text format.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::handler::SQLiteQueueHandler;
use crate::metrics::{Kind, NANOSECONDS, Page};
use crate::net::{ReceiverCounters, Source, SourceCounters};
use crate::paths::free_bytes;
use crate::queue::Counters;
use crate::store::file_sizes;

/// What is looked at for a page.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) handler: Arc<SQLiteQueueHandler>,
    pub(super) counters: Arc<ReceiverCounters>,
    pub(super) max_connections: usize,
    pub(super) path: PathBuf,
    pub(super) started: SystemTime,
}

impl Measured {
    pub(super) fn page(&self) -> String {
        let mut page = Page::default();
        self.process(&mut page);
        self.connections(&mut page);
        self.records(&mut page);
        self.queue(&mut page);
        self.store(&mut page);
        page.into_text()
    }

    fn process(&self, page: &mut Page) {
        page.numbers(
            Kind::Gauge,
            "logstore_build_info",
            "Which logstore this is; always 1.",
            "version",
            [(env!("CARGO_PKG_VERSION"), 1)],
        );
        let started = self.started.duration_since(UNIX_EPOCH).unwrap_or_default();
        page.number(
            Kind::Gauge,
            "logstore_start_time_seconds",
            "When the server was started, in seconds since 1970.",
            started.as_secs_f64(),
        );
    }

    fn connections(&self, page: &mut Page) {
        let counters = &self.counters;
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        page.number(
            Kind::Gauge,
            "logstore_connections",
            "Connections that are open.",
            of(&counters.open),
        );
        page.number(
            Kind::Gauge,
            "logstore_connections_max",
            "How many may be open (--max-connections).",
            self.max_connections,
        );
        page.number(
            Kind::Counter,
            "logstore_connections_accepted_total",
            "Connections that were accepted.",
            of(&counters.connections),
        );
        page.number(
            Kind::Counter,
            "logstore_connections_refused_total",
            "Connections that were closed at once since too many were open.",
            of(&counters.refused),
        );
        page.number(
            Kind::Counter,
            "logstore_connections_idle_closed_total",
            "Connections that were closed since nothing came by them for too long (--idle-timeout).",
            of(&counters.idle),
        );
        page.number(
            Kind::Counter,
            "logstore_received_bytes_total",
            "Bytes of frames, messages, datagrams and bodies, packed as they came.",
            of(&counters.bytes),
        );
    }

    fn records(&self, page: &mut Page) {
        let by = |counter: fn(&SourceCounters) -> &AtomicU64| {
            Source::ALL.map(|source| {
                let counter = counter(self.counters.of(source));
                (source.name(), counter.load(Ordering::Relaxed))
            })
        };
        page.numbers(
            Kind::Counter,
            "logstore_records_received_total",
            "Records that came over the network and were queued.",
            "protocol",
            by(|source| &source.received),
        );
        page.numbers(
            Kind::Counter,
            "logstore_records_rejected_total",
            "Frames, messages and requests that could not be taken; of a request each record that could not be, when others could.",
            "protocol",
            by(|source| &source.rejected),
        );
        let Counters {
            accepted,
            stored,
            dropped,
            failed,
            queued,
            duplicates,
            shed,
            spilled,
            ..
        } = self.handler.counters();
        for (name, help, value) in [
            (
                "logstore_records_accepted_total",
                "Records that were queued, or found in the spill of an earlier server: all below and those waiting together.",
                accepted,
            ),
            (
                "logstore_records_stored_total",
                "Records that are committed.",
                stored,
            ),
            (
                "logstore_records_dropped_total",
                "Records that the overflow rule gave up.",
                dropped,
            ),
            (
                "logstore_records_duplicate_total",
                "Records that were there already and are stored once.",
                duplicates,
            ),
            (
                "logstore_records_shed_total",
                "Records that were left out since the disk was nearly full.",
                shed,
            ),
            (
                "logstore_records_failed_total",
                "Records that were given up since the database did not take them until the end.",
                failed,
            ),
        ] {
            page.number(Kind::Counter, name, help, value);
        }
        page.number(
            Kind::Gauge,
            "logstore_records_waiting",
            "Records that wait to be stored, those being stored right now included.",
            queued,
        );
        page.number(
            Kind::Gauge,
            "logstore_records_spilled",
            "Those of them that wait in the spill files.",
            spilled,
        );
        page.number(
            Kind::Counter,
            "logstore_records_removed_total",
            "Records that were stored and that retention has removed.",
            self.handler.removed(),
        );
    }

    fn queue(&self, page: &mut Page) {
        let queue = self.handler.queue_fill();
        for (name, help, value) in [
            (
                "logstore_queue_records",
                "Records in the queue.",
                queue.records,
            ),
            (
                "logstore_queue_capacity_records",
                "How many may be in it (--queue-capacity).",
                queue.capacity_records,
            ),
            ("logstore_queue_bytes", "Bytes in the queue.", queue.bytes),
            (
                "logstore_queue_capacity_bytes",
                "How many may be in it.",
                queue.capacity_bytes,
            ),
        ] {
            page.number(Kind::Gauge, name, help, value);
        }
    }

    fn store(&self, page: &mut Page) {
        let metrics = self.handler.metrics();
        page.histogram(
            "logstore_transaction_records",
            "How many records each transaction stored.",
            &metrics.transaction_records,
            1.0,
        );
        page.histogram(
            "logstore_transaction_seconds",
            "How long each transaction took.",
            &metrics.transaction_ns,
            NANOSECONDS,
        );
        page.histogram(
            "logstore_lag_seconds",
            "How old the newest record of each transaction was when it was committed.",
            &metrics.lag_ns,
            NANOSECONDS,
        );
        // What the system does not say is left out.
        if let Ok((file_bytes, wal_bytes)) = file_sizes(&self.path) {
            page.number(
                Kind::Gauge,
                "logstore_database_bytes",
                "Size of the database file.",
                file_bytes,
            );
            page.number(
                Kind::Gauge,
                "logstore_wal_bytes",
                "Size of its write-ahead log.",
                wal_bytes,
            );
        }
        if let Ok(free) = free_bytes(&self.path) {
            page.number(
                Kind::Gauge,
                "logstore_disk_free_bytes",
                "Room that the file system of the database has for us.",
                free,
            );
        }
    }
}
