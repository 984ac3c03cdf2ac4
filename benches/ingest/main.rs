//! How fast records get into the file, next to what `SQLite` alone can take.
//!
//! `cargo bench --bench ingest -- --records 1000000 --rounds 3 --check`. Every part of every round is a process of its own, so
//! that its memory is its own; the parts of a round run one after the other, so that a slow minute of the machine is a slow
//! minute for all of them.

mod ceiling;
#[path = "../common/mod.rs"]
mod common;
mod emit;
#[path = "../frame.rs"]
mod frame;
#[path = "../lines.rs"]
mod lines;
mod measure;
mod part;
mod retain;
#[path = "../server.rs"]
mod server;
mod store;
mod table;
mod tcp;
#[path = "../workload/mod.rs"]
mod workload;

use std::io::{self, Write as _};
use std::process::{Command, ExitCode, Stdio};

use common::{Args, Result};
use measure::Outcome;
use part::Part;

fn main() -> ExitCode {
    common::end("ingest", run())
}

fn run() -> Result<ExitCode> {
    let args = Args::<Part> {
        records: 1_000_000,
        rounds: 3,
        check: false,
        part: None,
    };
    let args = args.parse(std::env::args().skip(1))?;
    if let Some(part) = args.part {
        let outcome = part.run(args.records)?;
        writeln!(io::stdout(), "{outcome}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut rounds = Vec::new();
    for round in 1..=args.rounds {
        let mut outcomes = Vec::new();
        for part in Part::ALL {
            writeln!(
                io::stderr(),
                "round {round} of {}: {}",
                args.rounds,
                part.label()
            )?;
            outcomes.push((part, in_a_process(part, &args)?));
        }
        rounds.push(outcomes);
    }
    let (text, met) = table::render(&rounds, args.records);
    write!(io::stdout(), "{text}")?;
    Ok(if args.check && !met {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Runs one part in a new process of this program.
fn in_a_process(part: Part, args: &Args<Part>) -> Result<Outcome> {
    let output = Command::new(std::env::current_exe()?)
        .args([
            "--part",
            &part.name(),
            "--records",
            &args.records.to_string(),
        ])
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("part {} failed", part.name()).into());
    }
    String::from_utf8(output.stdout)?.parse()
}
