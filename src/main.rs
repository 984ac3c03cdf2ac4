//! The `logstore` program: collects log records into a `SQLite` file and reads them back.

mod cli;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    cli::run(cli::Arguments::parse())
}
