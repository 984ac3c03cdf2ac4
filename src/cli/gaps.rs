//! `logstore gaps`: which records of clients that number them have not come.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use clap::{Args, ValueEnum};
use logstore::{ClientGaps, Progress, Reader, display_value};
use serde_json::json;

use super::Database;
use super::console::Data;
use super::pager::PagerArguments;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct GapsArguments {
    #[command(flatten)]
    database: Database,

    /// Only of this client
    #[arg(long, value_name = "NAME")]
    client: Option<String>,

    /// The form of the answer
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t = GapsOutput::Text)]
    output: GapsOutput,

    #[command(flatten)]
    pager: PagerArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum GapsOutput {
    /// For people: a line for each client that lacks records
    Text,
    /// A JSON object a line, for each client
    Json,
}

const AFTER_HELP: &str = "\
A client numbers its records by the extra fields client, a name for itself, and seq, a number from 0 or 1 on: Rust's SocketHandler does, \
JSON lines may. A record that comes twice is stored once. What was deleted since it came is not missing.

Exit status: 0 nothing is missing, 1 something is, 2 a usage or input/output error.";

pub(super) fn run(arguments: &GapsArguments) -> anyhow::Result<ExitCode> {
    let reader = Reader::open(&arguments.database.db)?;
    let mut clients = reader.gaps()?;
    if let Some(name) = &arguments.client {
        clients.retain(|client| client.client == *name);
        ensure!(
            !clients.is_empty(),
            "no client called {name:?} has numbered records; `logstore gaps -o json` names those that have"
        );
    }
    let missing = clients.iter().any(|client| !client.missing.is_empty());
    let mut data = Data::new(arguments.pager.paging(), &Progress::new());
    match arguments.output {
        GapsOutput::Text => put_text(&clients, &mut data.buffer)?,
        GapsOutput::Json => put_json(&clients, &mut data.buffer)?,
    }
    data.flush().context("cannot write the answer")?;
    Ok(ExitCode::from(u8::from(missing)))
}

fn put_text(clients: &[ClientGaps], out: &mut Vec<u8>) -> std::io::Result<()> {
    for client in clients.iter().filter(|client| !client.missing.is_empty()) {
        let ranges: Vec<String> = client.missing.iter().map(range).collect();
        let all = client.came + client.missing_count();
        let name = display_value(&client.client.as_str().into());
        writeln!(
            out,
            "{name}: {} of {all} missing: {}",
            client.missing_count(),
            ranges.join(", ")
        )?;
    }
    let came: u64 = clients.iter().map(|client| client.came).sum();
    let complete = clients.iter().filter(|client| client.missing.is_empty());
    let (complete, all) = (complete.count(), clients.len());
    let noun = if all == 1 { "client" } else { "clients" };
    let records = if came == 1 {
        "record has"
    } else {
        "records have"
    };
    writeln!(
        out,
        "{complete} of {all} {noun} complete; {came} numbered {records} come"
    )
}

fn put_json(clients: &[ClientGaps], out: &mut Vec<u8>) -> std::io::Result<()> {
    for client in clients {
        let object = json!({
            "client": client.client,
            "first": client.first,
            "last": client.last,
            "came": client.came,
            "missing": client.missing_count(),
            "ranges": client.missing,
        });
        writeln!(out, "{object}")?;
    }
    Ok(())
}

fn range((first, last): &(i64, i64)) -> String {
    if first == last {
        first.to_string()
    } else {
        format!("{first}-{last}")
    }
}
