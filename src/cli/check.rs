//! `logstore check`: whether a store's file is sound, and its repair.

use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use logstore::{Checked, Depth, Durability, Progress, Reader, SqliteStore};
use serde_json::json;

use super::Database;
use super::console::{Data, say};
use super::pager::Paging;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    database: Database,

    /// Leave out whether SQLite's indexes agree with their tables
    #[arg(long)]
    quick: bool,

    /// Repair what can be made again from the rest of the file
    #[arg(long)]
    repair: bool,

    /// The form of the answer
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t = CheckOutput::Text)]
    output: CheckOutput,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CheckOutput {
    /// A line for each kind of problem
    Text,
    /// One object
    Json,
}

const AFTER_HELP: &str = "\
Checked are SQLite's own structures, what the tables refer to, and each block of the index against its records. Nothing is \
written without --repair, and a server may go on writing meanwhile.

Repair makes blocks, views, triggers and indexes anew, also blocks that are only missing. Where the row of a site or an origin is lost, one that says ? takes its place, \
so that its records stay together and their number is not given to another.

Examples:
  logstore check --db runs.sqlite
  logstore check --db runs.sqlite --repair

Exit status: 0 the file is sound, or is now, 1 something is wrong with it, 2 a usage or input/output error.";

pub(super) fn run(arguments: &CheckArguments) -> anyhow::Result<ExitCode> {
    let path = &arguments.database.db;
    let mut found = check(arguments)?;
    if arguments.repair {
        let is_sound = found.problems.is_empty();
        if !is_sound && arguments.output == CheckOutput::Text {
            put(arguments, &found)?;
        }
        // A sound file gets the blocks that it lacks.
        SqliteStore::open(path, Durability::Full)?.repair(&found)?;
        if !is_sound {
            say("repaired what can be; this is the file now");
        }
        found = check(arguments)?;
    }
    put(arguments, &found)?;
    if found.problems.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let path = path.display();
    say(&if arguments.repair {
        format!(
            "{path}: what is left cannot be repaired; keep a copy of all files beginning with that name, then \
             `sqlite3 {path} .recover | sqlite3 saved.sqlite` saves what can still be read"
        )
    } else {
        format!("{path} is not sound; --repair makes anew what can be")
    });
    Ok(ExitCode::from(1))
}

fn check(arguments: &CheckArguments) -> anyhow::Result<Checked> {
    let depth = if arguments.quick {
        Depth::Quick
    } else {
        Depth::Full
    };
    let progress = Progress::new();
    let reader = Reader::open(&arguments.database.db)?.with_progress(progress.clone());
    let _waiting = super::progress::Waiting::start("checking", &progress);
    Ok(reader.check(depth)?)
}

fn put(arguments: &CheckArguments, found: &Checked) -> anyhow::Result<()> {
    let mut data = Data::new(Paging::NONE, &Progress::new());
    let mut lines = Vec::new();
    match arguments.output {
        CheckOutput::Text if found.problems.is_empty() => {
            let (records, blocks) = (found.records, found.blocks);
            lines.push(format!("sound: {records} records, {blocks} blocks"));
        }
        CheckOutput::Text => lines.extend(found.problems.iter().map(ToString::to_string)),
        CheckOutput::Json => {
            let problem = |problem: &logstore::Problem| {
                json!({
                    "fault": problem.fault.name(),
                    "count": problem.count,
                    "first": problem.first,
                })
            };
            let problems: Vec<_> = found.problems.iter().map(problem).collect();
            let json =
                json!({"records": found.records, "blocks": found.blocks, "problems": problems});
            lines.push(json.to_string());
        }
    }
    for line in lines {
        // What SQLite says may repeat what is in the file.
        let line = line.replace(char::is_control, "\u{FFFD}");
        data.buffer.extend(line.bytes());
        data.buffer.push(b'\n');
    }
    data.flush().context("cannot write the answer")
}
