//! Where `logstore send` puts records: a server or a file. The end tells that all have come there.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::bail;
use logstore::{
    ClientTls, Counters, LogRecord, Overflow, QueueError, Report, SQLiteQueueHandler, SocketHandler,
};

use crate::cli::console::say;

/// How many records, and how many bytes of them, have to be stored or confirmed before more are read. Both are below what the
/// handler's queue holds: it never blocks, which could be for ever.
const PORTION_RECORDS: usize = 8192;
const PORTION_BYTES: usize = 8 << 20;

enum Handler {
    Server(SocketHandler),
    Store(SQLiteQueueHandler),
}

/// See the module's documentation.
pub(super) struct Target {
    handler: Handler,
    timeout: Duration,
    /// Why it was given up.
    stalled: Option<String>,
    /// Whether the server did not take some of what it was sent.
    refused: Arc<AtomicBool>,
    /// What may not be stored or confirmed.
    records: usize,
    bytes: usize,
}

impl Target {
    /// Whoever waits is told why.
    pub(super) fn server(
        host: &str,
        port: u16,
        tls: Option<ClientTls>,
        timeout: Duration,
    ) -> Result<Self, QueueError> {
        let refused = Arc::new(AtomicBool::new(false));
        let mut builder = SocketHandler::builder(host, port);
        if let Some(tls) = tls {
            builder = builder.tls(tls);
        }
        let handler = builder
            .overflow(Overflow::Block)
            .connect_timeout(timeout)
            .send_timeout(timeout)
            .retry_pauses(Duration::from_millis(100), Duration::from_secs(1))
            // The flush before it is what waits.
            .close_timeout(Duration::ZERO)
            .on_report({
                let refused = Arc::clone(&refused);
                move |report| {
                    tell(report);
                    if matches!(report, Report::RecordsRefused { .. }) {
                        refused.store(true, Ordering::Relaxed);
                    }
                }
            })
            .start()?;
        Ok(Target {
            refused,
            ..Target::new(Handler::Server(handler), timeout)
        })
    }

    /// As [`Target::server`].
    pub(super) fn store(db: &Path, timeout: Duration) -> Result<Self, logstore::Error> {
        let handler = SQLiteQueueHandler::builder()
            .close_timeout(Duration::ZERO)
            .on_report(tell)
            .open(db)?;
        Ok(Target::new(Handler::Store(handler), timeout))
    }

    fn new(handler: Handler, timeout: Duration) -> Self {
        Target {
            handler,
            timeout,
            stalled: None,
            refused: Arc::default(),
            records: 0,
            bytes: 0,
        }
    }

    /// Takes a record that was made of so many bytes.
    pub(super) fn emit(&mut self, record: &LogRecord, bytes: usize) -> Result<(), QueueError> {
        match &self.handler {
            Handler::Server(handler) => handler.emit(record)?,
            Handler::Store(handler) => handler.emit(record)?,
        }
        self.records += 1;
        // Fields are part of every record, and may be longer than what it says.
        let fields = record.extra.iter();
        let fields: usize = fields
            .map(|(key, value)| key.len() + value.to_string().len())
            .sum();
        self.bytes += bytes + fields;
        if self.records < PORTION_RECORDS && self.bytes < PORTION_BYTES {
            return Ok(());
        }
        (self.records, self.bytes) = (0, 0);
        let flushed = self.flush();
        if let Err(QueueError::Stalled { reason, .. }) = &flushed {
            self.stalled = Some(reason.clone());
        }
        flushed
    }

    fn flush(&self) -> Result<(), QueueError> {
        match &self.handler {
            Handler::Server(handler) => handler.flush(self.timeout),
            Handler::Store(handler) => handler.flush_within(self.timeout),
        }
    }

    /// Waits until all records are stored, or confirmed by the server; `false`: it did not take some of them, and has been heard.
    pub(super) fn finish(self) -> anyhow::Result<bool> {
        if self.stalled.is_none() {
            // What it says is said again by the close, with what has come of one more attempt.
            let _ = self.flush();
        }
        let (closed, counters, way_out) = match &self.handler {
            Handler::Server(handler) => (handler.close(), handler.counters(), OF_SERVER),
            Handler::Store(handler) => (handler.close(), handler.counters(), OF_STORE),
        };
        let reason = match (closed, &self.stalled) {
            (Ok(()), None) => return Ok(!self.refused.load(Ordering::Relaxed)),
            (Ok(()), Some(stalled)) => stalled.clone(),
            (Err(QueueError::Lost { reason, .. }), _) => reason,
            (Err(error), _) => return Err(error.into()),
        };
        let Counters {
            accepted, failed, ..
        } = counters;
        let rest = match self.stalled {
            Some(_) => ", and the rest of the input was not read",
            None => "",
        };
        // Whoever was reached may have read some of it, and store it yet.
        let doubt = if reason.starts_with(SENT) {
            "; what was sent may still be stored, and sending it again may store it twice"
        } else {
            ""
        };
        bail!("{reason}; records not confirmed: {failed} of {accepted}{rest}{doubt}; {way_out}")
    }
}

/// How an error begins of a server that was reached, [`logstore::StoreError::Server`].
const SENT: &str = "cannot send to ";

const OF_SERVER: &str = "`logstore serve` starts a server, --host and --port name another one, \
    --timeout waits longer, --db writes to a file";
const OF_STORE: &str = "--timeout waits longer";

fn tell(report: &Report) {
    say(&report.to_string());
}
