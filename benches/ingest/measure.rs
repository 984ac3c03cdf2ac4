//! Time, processor time, memory and disk: what a part costs.

use std::fmt;
use std::fs;
use std::str::FromStr;
use std::time::Instant;

use crate::Result;

/// What a part cost. A figure that a part does not have, or that this system does not tell, is NaN.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome {
    /// From the first record to the last commit.
    pub(crate) seconds: f64,
    /// Processor time of all processes that took part.
    pub(crate) cpu_seconds: f64,
    /// Processor time of the server alone.
    pub(crate) server_cpu_seconds: f64,
    /// The most memory the server took; in process, what was taken above the input.
    pub(crate) peak_bytes: f64,
    /// The size of the closed file.
    pub(crate) file_bytes: f64,
    /// How long one `emit` takes while the queue has room: half of them, and 99 of 100.
    pub(crate) emit_median_ns: f64,
    pub(crate) emit_p99_ns: f64,
}

impl Outcome {
    pub(crate) const UNKNOWN: Outcome = Outcome {
        seconds: f64::NAN,
        cpu_seconds: f64::NAN,
        server_cpu_seconds: f64::NAN,
        peak_bytes: f64::NAN,
        file_bytes: f64::NAN,
        emit_median_ns: f64::NAN,
        emit_p99_ns: f64::NAN,
    };

    fn figures(&self) -> [f64; 7] {
        [
            self.seconds,
            self.cpu_seconds,
            self.server_cpu_seconds,
            self.peak_bytes,
            self.file_bytes,
            self.emit_median_ns,
            self.emit_p99_ns,
        ]
    }
}

/// The figures in one line, for the process that asked.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = self.figures().map(|figure| figure.to_string());
        f.write_str(&figures.join(" "))
    }
}

impl FromStr for Outcome {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(line: &str) -> Result<Self> {
        let figures: Vec<f64> = line
            .split_whitespace()
            .map(str::parse)
            .collect::<std::result::Result<_, _>>()?;
        let &[seconds, cpu, server_cpu, peak, file, median, p99] = &*figures else {
            return Err(format!("a part printed {line:?} instead of its seven figures").into());
        };
        Ok(Outcome {
            seconds,
            cpu_seconds: cpu,
            server_cpu_seconds: server_cpu,
            peak_bytes: peak,
            file_bytes: file,
            emit_median_ns: median,
            emit_p99_ns: p99,
        })
    }
}

/// Measures this process from a moment on.
pub(crate) struct Stopwatch {
    cpu_seconds: f64,
    resident_bytes: f64,
    start: Instant,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        let process = Process::current();
        process.reset_peak();
        Stopwatch {
            cpu_seconds: process.cpu_seconds(),
            resident_bytes: process.status_bytes("VmRSS:"),
            start: Instant::now(),
        }
    }

    pub(crate) fn stop(self) -> Outcome {
        let seconds = self.start.elapsed().as_secs_f64();
        let process = Process::current();
        Outcome {
            seconds,
            cpu_seconds: process.cpu_seconds() - self.cpu_seconds,
            peak_bytes: process.peak_bytes() - self.resident_bytes,
            ..Outcome::UNKNOWN
        }
    }
}

/// A process as Linux shows it under `/proc`.
pub(crate) struct Process(String);

impl Process {
    pub(crate) fn current() -> Self {
        Process("self".into())
    }

    pub(crate) fn of(id: u32) -> Self {
        Process(id.to_string())
    }

    /// User and system time so far, of all threads. Linux counts it in hundredths of a second.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let stat = self.read("stat");
        // The name before `)` may hold spaces. utime and stime are the 14th and 15th field of proc_pid_stat(5).
        let fields = stat
            .rsplit(") ")
            .next()
            .unwrap_or_default()
            .split_whitespace();
        let ticks: Vec<f64> = fields
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse().ok())
            .collect();
        if ticks.len() == 2 {
            ticks.iter().sum::<f64>() / 100.0
        } else {
            f64::NAN
        }
    }

    pub(crate) fn peak_bytes(&self) -> f64 {
        self.status_bytes("VmHWM:")
    }

    fn status_bytes(&self, key: &str) -> f64 {
        let status = self.read("status");
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix(key)?.split_whitespace().next());
        kib.and_then(|kib| kib.parse::<f64>().ok())
            .map_or(f64::NAN, |kib| kib * 1024.0)
    }

    /// Forgets the peak so far: making the input is not what is measured.
    fn reset_peak(&self) {
        // Where that is refused, the peak above the input comes out too high, which is the safe side.
        let _ = fs::write(format!("/proc/{}/clear_refs", self.0), "5");
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.0)).unwrap_or_default()
    }
}
