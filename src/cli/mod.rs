//! The command line: what was typed becomes settings of the library and one call of it.

mod backup;
mod check;
mod console;
mod context;
mod count;
mod cursor;
mod demo;
mod echo;
mod filters;
mod gaps;
mod notify;
mod open_files;
mod pager;
mod progress;
mod prune;
mod query;
mod retention;
mod send;
mod serve;
mod size;
mod so_far;
mod sql;
mod stats;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use logstore::describe;

/// Keep every log record in one SQLite file, and ask it later what happened.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 110, after_help = AFTER_HELP)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Examples:
  logstore serve --db runs.sqlite
  logstore query --db runs.sqlite --level warning --name myapp.area2 --since -1h
  logstore sql --db runs.sqlite 'SELECT levelname, count(*) FROM records GROUP BY 1'

Exit status: 0 fine, 1 send refused some lines, gaps found some or check something wrong, 2 a usage or input/output error.";

#[derive(Debug, Subcommand)]
#[expect(clippy::doc_markdown, reason = "this is text for a terminal")]
enum Command {
    /// Collect records: point Python's SocketHandler at this server's port
    Serve(serve::ServeArguments),
    /// Log from a script: arguments or lines of stdin become records
    Send(send::SendArguments),
    /// Read records back
    Query(query::QueryArguments),
    /// Count records, in groups and buckets of time
    Count(count::CountArguments),
    /// Show what a store holds: how much, since when, from whom, how fast
    Stats(stats::StatsArguments),
    /// Ask anything in SQL; the file is only read
    Sql(sql::SqlArguments),
    /// Name records that clients numbered and that have not come
    Gaps(gaps::GapsArguments),
    /// Remove what is not to be kept any longer, and give its space back
    Prune(prune::PruneArguments),
    /// See whether a store's file is sound, and repair it
    Check(check::CheckArguments),
    /// Copy a store to one file, also while a server writes to it
    Backup(backup::BackupArguments),
    /// Try it out: five records to a server and back, leaving nothing behind
    Demo,
}

/// Which store.
#[derive(Debug, Args)]
struct Database {
    /// The database file
    #[arg(
        long,
        value_name = "FILE",
        env = "LOGSTORE_DB",
        default_value = "logs.sqlite"
    )]
    db: PathBuf,
}

/// Runs a command. An error is told on stderr with all its causes; a closed pipe is no error.
pub(crate) fn run(arguments: Arguments) -> ExitCode {
    let result = match arguments.command {
        Command::Send(arguments) => return ended(send::run(&arguments)),
        Command::Gaps(arguments) => return ended(gaps::run(&arguments)),
        Command::Check(arguments) => return ended(check::run(&arguments)),
        Command::Backup(arguments) => return ended(backup::run(&arguments)),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Query(arguments) => query::run(&arguments),
        Command::Count(arguments) => count::run(&arguments),
        Command::Stats(arguments) => stats::run(&arguments),
        Command::Sql(arguments) => sql::run(&arguments),
        Command::Prune(arguments) => prune::run(&arguments),
        Command::Demo => demo::run(),
    };
    ended(result.map(|()| ExitCode::SUCCESS))
}

fn ended(result: anyhow::Result<ExitCode>) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(error) if console::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            console::say(&describe(error.as_ref()));
            ExitCode::from(2)
        }
    }
}
