//! The arguments that say which records are wanted: the same for every command that reads.

use anyhow::anyhow;
use clap::{Args, value_parser};
use logstore::{Case, FieldFilter, Filters, Level, Query, QueryError, Zone, now_ns};

#[derive(Debug, Args)]
#[command(next_help_heading = "Which records")]
pub(super) struct FilterArguments {
    /// Words that must all occur in the message, traceback, stack or a text of extra fields, in any case
    ///
    /// Words are whole: time is not found in timeout, time* is. Several in one argument must stand just so, but for white space:
    /// 'connection reset'.
    /// With quotes among them, an argument is several: '"connection reset" time*'. Parts of words are found by --grep.
    #[arg(help_heading = None::<&str>)]
    words: Vec<String>,

    /// At least this level: debug, info, warning, error, critical, a number between
    #[arg(short, long, value_parser = value_parser!(Level), allow_negative_numbers = true)]
    level: Option<Level>,

    /// At most this level
    #[arg(long, value_name = "LEVEL", value_parser = value_parser!(Level), allow_negative_numbers = true)]
    max_level: Option<Level>,

    /// Of this level alone; repeat it for several
    #[arg(long, value_name = "LEVEL", value_parser = value_parser!(Level), allow_negative_numbers = true)]
    #[arg(conflicts_with_all = ["level", "max_level"])]
    exact_level: Vec<Level>,

    /// This logger and everything under it, * being any characters: '*.db'; repeat it for several
    #[arg(long, value_name = "LOGGER")]
    name: Vec<String>,

    /// Neither this logger nor anything under it; repeat it for several
    #[arg(long, value_name = "LOGGER")]
    not_name: Vec<String>,

    /// Not before this time: -1h, 30 min ago, today, 2026-11-22, '2026-11-22 16:20', RFC 3339, epoch
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,

    /// Not after this time; a day as a whole
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    until: Option<String>,

    /// From this host: db1, 'web*'; repeat it for several
    #[arg(long)]
    host: Vec<String>,

    /// From this process, by id or name; repeat it for several
    #[arg(long, value_name = "PROCESS")]
    process: Vec<String>,

    /// From this thread, by identifier or name; repeat it for several
    #[arg(long, value_name = "THREAD")]
    thread: Vec<String>,

    /// Not from this host; repeat it for several
    #[arg(long, value_name = "HOST")]
    not_host: Vec<String>,

    /// Not from this process, by id or name; repeat it for several
    #[arg(long, value_name = "PROCESS")]
    not_process: Vec<String>,

    /// Not from this thread, by identifier or name; repeat it for several
    #[arg(long, value_name = "THREAD")]
    not_thread: Vec<String>,

    /// With this field, dots for nested ones: user.id=7; repeat it to ask for more
    ///
    /// KEY alone: it is there. KEY=VALUE, KEY!=VALUE: with this value, with another. KEY>VALUE, >=, <, <=: numbers by value,
    /// anything else as text. KEY~REGEX: with a match of this regular expression. A list has the values of its elements.
    /// The record's own fields go by their names in -o json: funcName=work, lineno>10. Any other is an extra one, and so is
    /// extra.KEY, whatever its name.
    #[arg(long, value_name = "KEY=VALUE", value_parser = value_parser!(FieldFilter))]
    field: Vec<FieldFilter>,

    /// With a match of this regular expression in the message, traceback, stack or a text of extra fields
    #[arg(short, long, value_name = "REGEX")]
    grep: Option<String>,

    /// Match --grep in any case
    #[arg(short, long, requires = "grep")]
    ignore_case: bool,

    /// By the search text of the page: 'level:error -host:db1 "connection reset" elapsed>5'
    ///
    /// Terms with white space between them, all of which must hold: words as time, time*, "a phrase"; /regex/, /regex/i; level:error,
    /// level:<=info, level:=error (at least, at most, exactly); name:, host:, process:, thread:, since: and until: as the options of
    /// these names; user.id=7, elapsed>5, has:KEY as --field. A - right before a term leaves out what it finds.
    #[arg(short = 'q', long, value_name = "TEXT", allow_hyphen_values = true)]
    search: Option<String>,

    /// Read and show times in UTC instead of local time
    #[arg(long, help_heading = None::<&str>)]
    utc: bool,
}

impl FilterArguments {
    /// Whose days and hours are read and shown.
    pub(super) fn zone(&self) -> Zone {
        if self.utc { Zone::Utc } else { Zone::Local }
    }

    /// What is wanted, with no limit, oldest first.
    pub(super) fn query(&self) -> anyhow::Result<Query> {
        let case = if self.ignore_case {
            Case::Ignored
        } else {
            Case::Minded
        };
        let filters = Filters {
            level: self.level,
            max_level: self.max_level,
            exact_levels: self.exact_level.clone(),
            names: self.name.clone(),
            not_names: self.not_name.clone(),
            since: self.since.clone(),
            until: self.until.clone(),
            hosts: self.host.clone(),
            processes: self.process.clone(),
            threads: self.thread.clone(),
            not_hosts: self.not_host.clone(),
            not_processes: self.not_process.clone(),
            not_threads: self.not_thread.clone(),
            fields: self.field.clone(),
            grep: self.grep.clone(),
            case,
            words: self.words.clone(),
            search: self.search.clone(),
        };
        filters.query(now_ns(), self.zone()).map_err(named)
    }
}

/// The error with filters called as they are on the command line. Words have no name there.
fn named(error: QueryError) -> anyhow::Error {
    match error {
        QueryError::Filter {
            filter: "words",
            source,
        } => (*source).into(),
        QueryError::Filter { filter, source } => {
            anyhow::Error::new(*source).context(format!("--{filter}"))
        }
        QueryError::Crossed { low, how, high } => {
            anyhow!("--{low} {how} --{high}: nothing can be between them")
        }
        error => error.into(),
    }
}
