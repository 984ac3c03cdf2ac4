//! What the benchmarks that print a table share.

mod args;
mod figures;

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;

pub(crate) use args::Args;
pub(crate) use figures::{cell, middle, number, verdict};

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How a benchmark ends: an error is said, and is a 2.
pub(crate) fn end(benchmark: &str, outcome: Result<ExitCode>) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        let _ = writeln!(io::stderr(), "{benchmark}: {error}");
        ExitCode::from(2)
    })
}
