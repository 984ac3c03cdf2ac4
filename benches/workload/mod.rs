//! The records that the benchmarks send: made up, but shaped like those of a busy Python service.
//!
//! Always the same ones for the same seed, so that two runs, and two programs, can be compared.

mod random;
mod say;

use std::sync::Arc;

use logstore::{Level, LogRecord, Origin, Site};
use serde_json::{Map, Value};

use random::Random;

/// 2026-11-21 16:00:00 UTC: when the first record was made.
const FIRST_NS: i64 = 1_795_276_800_000_000_000;
/// All records lie in six hours, however many there are.
const SPAN_NS: i64 = 6 * 3600 * 1_000_000_000;
/// How far clocks and scheduling move a record from its even place.
const JITTER_NS: u64 = 900_000;

/// How many processes log, and with how many threads each.
pub(crate) const PROCESSES: usize = 8;
const THREADS: usize = 2;

const AREAS: usize = 8;
const MODULES: [&str; 5] = ["loader", "parser", "storage", "api", "scheduler"];
const FUNCTIONS: [&str; 10] = [
    "read_rows",
    "lookup",
    "acquire",
    "trace_query",
    "handle_request",
    "finish",
    "refresh_token",
    "check_limits",
    "run_step",
    "abort",
];

/// Levels of the ten call sites of a logger: a place in a program always logs at one level.
const CALL_SITES: [Level; 10] = [
    Level::DEBUG,
    Level::DEBUG,
    Level::DEBUG,
    Level::DEBUG,
    Level::INFO,
    Level::INFO,
    Level::INFO,
    Level::WARNING,
    Level::ERROR,
    Level::CRITICAL,
];

/// An endless stream of records.
pub(crate) struct Workload {
    random: Random,
    sites: Vec<Arc<Site>>,
    origins: Vec<Arc<Origin>>,
    /// Index of the origin that logs at the moment.
    origin: usize,
    made: i64,
    step_ns: i64,
}

impl Workload {
    /// A stream whose first `total` records cover the six hours.
    pub(crate) fn new(total: usize) -> Self {
        let total = i64::try_from(total.max(1)).expect("no run has 2^63 records");
        Workload {
            random: Random::new(9020),
            sites: sites(),
            origins: origins(),
            origin: 0,
            made: 0,
            step_ns: SPAN_NS / total,
        }
    }

    /// Draws a level, then one of the call sites that log at it: 55 % DEBUG, 35 % INFO, 7 % WARNING, 2.5 % ERROR and
    /// 0.5 % CRITICAL.
    fn draw_site(&mut self) -> usize {
        let call = match self.random.below(1000) {
            0..550 => self.random.index(4),
            550..900 => 4 + self.random.index(3),
            900..970 => 7,
            970..995 => 8,
            _ => 9,
        };
        self.random.index(AREAS * MODULES.len()) * CALL_SITES.len() + call
    }

    /// A thread says several things in a row before another one is heard.
    fn draw_origin(&mut self) -> usize {
        if self.random.below(8) == 0 {
            self.origin = self.random.index(self.origins.len());
        }
        self.origin
    }
}

impl Iterator for Workload {
    type Item = LogRecord;

    fn next(&mut self) -> Option<LogRecord> {
        let site = self.draw_site();
        let origin = self.draw_origin();
        let jitter = i64::try_from(self.random.below(JITTER_NS)).expect("less than a millisecond");
        let created_ns = FIRST_NS + self.made * self.step_ns + jitter;
        self.made += 1;

        let site = &self.sites[site];
        let call = FUNCTIONS
            .iter()
            .position(|name| *name == site.func_name)
            .unwrap_or_default();
        let message = say::message(call, &mut self.random);
        // One ERROR or CRITICAL in three carries a traceback: one record in a hundred.
        let failed = site.level >= Level::ERROR && self.random.below(3) == 0;
        let exc_text = failed.then(|| say::traceback(site, &mut self.random));
        let extra = if self.random.below(10) == 0 {
            say::extra(&mut self.random)
        } else {
            Map::new()
        };
        Some(LogRecord {
            created_ns,
            site: Arc::clone(site),
            origin: Arc::clone(&self.origins[origin]),
            message,
            task_name: None,
            exc_text,
            stack_info: None,
            extra,
        })
    }
}

/// Forty loggers with ten call sites each.
fn sites() -> Vec<Arc<Site>> {
    let mut sites = Vec::new();
    for area in 1..=AREAS {
        for (number, module) in MODULES.iter().enumerate() {
            for (call, level) in CALL_SITES.into_iter().enumerate() {
                let line = u32::try_from(31 + number + 43 * call).expect("a few hundred lines");
                let site = Site::new(format!("myapp.area{area}.{module}"), level).at(
                    format!("/srv/myapp/area{area}/{module}.py"),
                    line,
                    FUNCTIONS[call],
                );
                sites.push(Arc::new(site));
            }
        }
    }
    sites
}

/// Who logs: in each process its main thread and those of its pool.
fn origins() -> Vec<Arc<Origin>> {
    let mut origins = Vec::new();
    for (process, pid) in (0_i64..).zip((0..PROCESSES).map(|process| 41_873 + 6_011 * process)) {
        for (thread, number) in (0_i64..).zip(0..THREADS) {
            origins.push(Arc::new(Origin {
                hostname: "node7".into(),
                process: i64::try_from(pid).ok(),
                process_name: match process {
                    0 => "MainProcess".into(),
                    _ => format!("SpawnProcess-{process}"),
                },
                thread: Some(139_908_196_600_704 + 0x7fe_000 * process - 0x801_000 * thread),
                thread_name: match number {
                    0 => "MainThread".into(),
                    _ => format!("ThreadPoolExecutor-0_{}", number - 1),
                },
                started_ms: Some(FIRST_NS / 1_000_000 - 3_000 - 211 * process),
            }));
        }
    }
    origins
}

/// A field of a record's `extra` as the workload makes it.
fn field(key: &str, value: impl Into<Value>) -> (String, Value) {
    (key.to_owned(), value.into())
}
