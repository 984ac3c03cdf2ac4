//! `logstore send`: arguments and lines of stdin become records, for scripts.

mod lines;
mod target;
mod tls;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::os::unix::process::parent_id;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::{Args, value_parser};
use logstore::wire::json::JsonDecoder;
use logstore::wire::{Context, text};
use logstore::{
    Batch, DEFAULT_PORT, Level, LogRecord, Origin, Site, WireError, machine_name, now_ns,
};
use serde_json::{Map, Value};

use self::lines::{Line, Lines, MAX_LINE_BYTES};
use self::target::Target;
use self::tls::TlsArguments;
use super::console::say;
use super::size::parse_span;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct SendArguments {
    /// The message of one record; without it, each line of stdin is one, blank lines aside
    text: Vec<OsString>,

    /// The server's host
    #[arg(long, default_value = "127.0.0.1")]
    host: String,

    /// The server's port
    #[arg(long, default_value_t = DEFAULT_PORT)]
    port: u16,

    /// Write to this database file instead of a server
    #[arg(long, value_name = "FILE", conflicts_with_all = ["host", "port"])]
    db: Option<PathBuf>,

    #[command(flatten)]
    tls: TlsArguments,

    /// How long the server, or a database that is locked or full, is waited for: 500ms, 10s, 2m
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_span)]
    timeout: Duration,

    /// The level: debug, info, warning, error, critical, a number between
    #[arg(short, long, default_value = "info", value_parser = value_parser!(Level), allow_negative_numbers = true)]
    level: Level,

    /// The logger's name
    #[arg(long, value_name = "LOGGER", default_value = "root")]
    name: String,

    /// An extra field; a number, true, false and null are kept as such, all else is text; repeat it for more
    #[arg(long, value_name = "KEY=VALUE", value_parser = field)]
    field: Vec<(String, Value)>,

    /// Each argument or line is a JSON object, as POST /ingest takes it
    #[arg(long, conflicts_with_all = ["level", "name", "field"])]
    json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  logstore send backup done
  logstore send --level error --name backup --field seconds=12.5 --field host=db1 'disk full'
  make 2>&1 | logstore send --name build
  logstore send --json --db runs.sqlite < events.jsonl
  logstore send --host logs.example.org --tls-ca ca.pem backup done

A line has at most 3 MiB. It ends when the server has confirmed all records, or they are in the file. The process of a record is the caller's, but with --json what the object \
says. To a server, a field with a name that every record of Python's has, such as name, gets an underscore behind it.

Exit status: 0 all were sent, 1 some lines were refused, 2 not all could be sent, or a usage error.";

pub(super) fn run(arguments: &SendArguments) -> anyhow::Result<ExitCode> {
    let timeout = arguments.timeout;
    let tls = arguments.tls.settings();
    let mut sending = Sending {
        form: arguments.form()?,
        target: match &arguments.db {
            Some(db) => Target::store(db, timeout)?,
            None => Target::server(&arguments.host, arguments.port, tls, timeout)?,
        },
        refused: 0,
    };
    let sent = sending.send(arguments);
    // Also after an error: what was taken is sent.
    let taken = sending.target.finish()?;
    sent?;
    Ok(if taken && sending.refused == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

/// What a line holds.
#[expect(clippy::large_enum_variant, reason = "there is only one of it")]
enum Form {
    /// The message; all else is the same for all.
    Message {
        site: Arc<Site>,
        origin: Arc<Origin>,
        extra: Map<String, Value>,
    },
    /// A JSON object.
    Json { decoder: JsonDecoder, batch: Batch },
}

impl Form {
    fn record(&mut self, line: &[u8]) -> Result<LogRecord, WireError> {
        match self {
            Form::Message {
                site,
                origin,
                extra,
            } => {
                let mut record = LogRecord::new(Arc::clone(site), text(line));
                record.origin = Arc::clone(origin);
                record.extra.clone_from(extra);
                Ok(record)
            }
            Form::Json { decoder, batch } => {
                let context = Context {
                    hostname: machine_name(),
                    now_ns: now_ns(),
                };
                batch.clear();
                decoder.decode(line, &context, batch)?;
                let row = batch.iter().next().expect("a decoded object is a record");
                Ok(batch.to_record(&row))
            }
        }
    }
}

struct Sending {
    form: Form,
    target: Target,
    /// How many lines gave no record.
    refused: u64,
}

impl Sending {
    fn send(&mut self, arguments: &SendArguments) -> anyhow::Result<()> {
        let SendArguments { text, json, .. } = arguments;
        if text.is_empty() {
            return self.send_stdin();
        }
        if *json {
            for (number, object) in (1..).zip(text) {
                self.take("argument", number, object.as_encoded_bytes())?;
            }
            return Ok(());
        }
        let message = text.join(" ".as_ref());
        self.take("argument", 1, message.as_encoded_bytes())
    }

    fn send_stdin(&mut self) -> anyhow::Result<()> {
        let stdin = io::stdin().lock();
        if stdin.is_terminal() {
            say("each line that you type is a record; Ctrl-D ends it");
        }
        let mut lines = Lines::new(stdin);
        while let Some((number, line)) = lines.next().context("cannot read stdin")? {
            match line {
                Line::Text(line) => self.take("line", number, line)?,
                Line::TooLong => self.refuse(
                    "line",
                    number,
                    &format!("more than {MAX_LINE_BYTES} bytes are not taken; cut it"),
                ),
            }
        }
        Ok(())
    }

    /// Sends the record of a line, or says why it is none.
    fn take(&mut self, what: &str, number: u64, line: &[u8]) -> anyhow::Result<()> {
        match self.form.record(line) {
            Ok(record) => self.target.emit(&record, line.len())?,
            Err(error) => self.refuse(what, number, &error.to_string()),
        }
        Ok(())
    }

    fn refuse(&mut self, what: &str, number: u64, why: &str) {
        self.refused += 1;
        say(&format!("{what} {number}: {why}"));
    }
}

impl SendArguments {
    fn form(&self) -> anyhow::Result<Form> {
        if self.json {
            return Ok(Form::Json {
                decoder: JsonDecoder::new(),
                batch: Batch::new(),
            });
        }
        let mut extra = Map::new();
        for (key, value) in &self.field {
            if extra.insert(key.clone(), value.clone()).is_some() {
                bail!("--field {key}=... is given twice; a record has a field once");
            }
        }
        Ok(Form::Message {
            site: Arc::new(Site::new(&self.name, self.level)),
            // This process is gone before anybody looks; the script that called it is what has a history.
            origin: Arc::new(Origin {
                hostname: machine_name().to_owned(),
                process: Some(parent_id().into()),
                ..Origin::default()
            }),
            extra,
        })
    }
}

fn field(text: &str) -> Result<(String, Value), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value_of(value))),
        _ => Err("KEY=VALUE is needed, such as user.id=7".into()),
    }
}

/// A number that JSON would not keep exactly, such as an id of twenty digits, is text.
fn value_of(text: &str) -> Value {
    let is_whole = !text.contains(['.', 'e', 'E']);
    match serde_json::from_str(text) {
        Ok(Value::Number(number)) if number.is_f64() && is_whole => text.into(),
        Ok(value @ (Value::Number(_) | Value::Bool(_) | Value::Null)) => value,
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_fields_keep_the_types_of_json() {
        for text in ["7", "-1.5", "1e3", "true", "false", "null"] {
            let expected: Value = serde_json::from_str(text).unwrap();
            assert!(!expected.is_string());
            assert_eq!(value_of(text), expected, "{text}");
        }
        for text in [
            "",
            "ada",
            "\"7\"",
            "007",
            "NaN",
            "[1]",
            "{}",
            "99999999999999999999",
        ] {
            assert_eq!(value_of(text), text, "{text}");
        }
        assert_eq!(field("a.b=c=d"), Ok(("a.b".into(), "c=d".into())));
        assert!(field("=1").is_err() && field("a").is_err());
    }
}
