//! A store in memory that is slow or fails as it is told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use logstore::{Batch, HandlerBuilder, Level, LogRecord, RecordStore, Report, Site, StoreError};

pub(crate) fn record(message: impl Into<String>) -> LogRecord {
    LogRecord::new(Site::new("myapp", Level::INFO), message)
}

/// What a test store does with the next batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    Busy,
    Broken,
}

impl Fault {
    fn error(self) -> Option<StoreError> {
        let path = "test.sqlite".into();
        match self {
            Fault::None => None,
            Fault::Busy => Some(StoreError::Busy {
                path,
                waited: Duration::from_millis(1),
            }),
            Fault::Broken => Some(StoreError::Io {
                doing: "write to",
                path,
                source: std::io::Error::other("no space left"),
            }),
        }
    }
}

/// A store in memory that fails as it is told.
#[derive(Clone)]
pub(crate) struct TestStore {
    pub(crate) stored: Arc<Mutex<Vec<LogRecord>>>,
    /// Faults of the calls to come, the last one for ever after.
    pub(crate) faults: Arc<Mutex<Vec<Fault>>>,
    /// When there is a gate, each call waits for it.
    gate: Arc<Mutex<Option<Receiver<()>>>>,
    /// How many calls have begun.
    pub(crate) calls: Arc<AtomicUsize>,
}

impl TestStore {
    pub(crate) fn with_faults(faults: &[Fault]) -> Self {
        TestStore {
            stored: Arc::default(),
            faults: Arc::new(Mutex::new(faults.iter().rev().copied().collect())),
            gate: Arc::default(),
            calls: Arc::default(),
        }
    }

    /// A store whose calls each wait for a message, or for the sender to be dropped.
    pub(crate) fn gated() -> (Self, Sender<()>) {
        let (sender, receiver) = channel();
        let store = Self::with_faults(&[]);
        *store.gate.lock().unwrap() = Some(receiver);
        (store, sender)
    }

    fn messages_of(&self, logger: &str) -> Vec<String> {
        let stored = self.stored.lock().unwrap();
        let of_logger = stored.iter().filter(|record| record.site.name == logger);
        of_logger.map(|record| record.message.clone()).collect()
    }

    /// What was sent by the test, in order.
    pub(crate) fn messages(&self) -> Vec<String> {
        self.messages_of("myapp")
    }

    /// What the handler itself had to say.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.messages_of("logstore")
    }
}

impl RecordStore for TestStore {
    fn append(&mut self, batches: &[Batch]) -> Result<(), StoreError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if let Some(gate) = &*self.gate.lock().unwrap() {
            // A dropped sender opens the gate for good.
            let _ = gate.recv();
        }
        let mut faults = self.faults.lock().unwrap();
        let fault = if faults.len() > 1 {
            faults.pop()
        } else {
            faults.first().copied()
        };
        if let Some(error) = fault.and_then(Fault::error) {
            return Err(error);
        }
        let mut stored = self.stored.lock().unwrap();
        for batch in batches {
            stored.extend(batch.iter().map(|record| batch.to_record(&record)));
        }
        Ok(())
    }
}

pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        std::thread::yield_now();
    }
}

/// Heard reports, as text.
pub(crate) fn listening(builder: HandlerBuilder) -> (HandlerBuilder, Arc<Mutex<Vec<Report>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&heard);
    (
        builder.on_report(move |report| listener.lock().unwrap().push(report.clone())),
        heard,
    )
}
