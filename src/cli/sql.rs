//! `logstore sql`: any question that SQL can ask.

use std::io::{self, Read, Seek, Write};
use std::ops::ControlFlow;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use logstore::{
    CsvRows, JsonRows, Progress, QueryError, Reader, RowFormat, SqlOptions, SqlRow, SqlValue,
    parse_duration, table_cell,
};
use tempfile::SpooledTempFile;

use super::Database;
use super::console::{BUFFER_BYTES, Data, controls, say};
use super::pager::PagerArguments;

/// How many rows a table has at most: it is laid out in memory.
const TABLE_ROWS: usize = 10_000;

/// How much of an answer is kept in memory before it goes to a temporary file.
const MEMORY_BYTES: usize = 64 << 20;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct SqlArguments {
    #[command(flatten)]
    database: Database,

    /// One statement that only reads; - takes it from standard input
    #[arg(value_name = "SQL")]
    statement: String,

    /// The form of the answer
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t = SqlOutput::Table)]
    output: SqlOutput,

    /// After how long to give up: 500ms, 10s, 2m, 1h; 0 for never
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = timeout)]
    timeout: Duration,

    #[command(flatten)]
    pager: PagerArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SqlOutput {
    /// For people: up to 10,000 rows, long values cut
    Table,
    /// A JSON object a line
    Json,
    /// CSV (RFC 4180) with a header
    Csv,
}

const AFTER_HELP: &str = "\
The view records has every field of every record under the names of Python's LogRecord: id, created_ns, created, name, \
levelno, levelname, message, hostname, process, processName, thread, threadName, taskName, pathname, filename, module, \
lineno, funcName, exc_text, stack_info, extra (JSON).

The view logs has created (local time), name, level, message, hostname, process and thread as text.

Examples:
  logstore sql 'SELECT levelname, count(*) FROM records GROUP BY 1'
  logstore sql 'SELECT created, message FROM logs ORDER BY length(message) DESC LIMIT 10'
  logstore sql 'SELECT name, levelno, message FROM records WHERE levelno >= 30' -o csv > warnings.csv
  logstore sql - < question.sql";

pub(super) fn run(arguments: &SqlArguments) -> anyhow::Result<()> {
    let mut text = String::new();
    if arguments.statement == "-" {
        let read = io::stdin().lock().read_to_string(&mut text);
        read.context("cannot read the statement from standard input")?;
    } else {
        text.clone_from(&arguments.statement);
    }
    let options = SqlOptions {
        timeout: Some(arguments.timeout).filter(|timeout| !timeout.is_zero()),
    };
    // How far SQL has come, nobody knows.
    let mut data = Data::new(arguments.pager.paging(), &Progress::new());
    let reader = Reader::open(&arguments.database.db)?;
    match arguments.output {
        SqlOutput::Table => {
            let is_cut = show_table(&reader, &text, options, &mut data)?;
            // A pager has the terminal until it ends.
            drop(data);
            if is_cut {
                say(&format!(
                    "only the first {TABLE_ROWS} rows are shown; -o csv or -o json gives all"
                ));
            }
            Ok(())
        }
        SqlOutput::Json => show_rows(&reader, &text, options, &mut JsonRows::new(), &mut data),
        SqlOutput::Csv => {
            let mut format = CsvRows::new(controls());
            show_rows(&reader, &text, options, &mut format, &mut data)
        }
    }
}

/// Writes the answer row by row. It is put aside first: a terminal or a pipe may wait, and the file must not wait with it.
fn show_rows(
    reader: &Reader,
    text: &str,
    options: SqlOptions,
    format: &mut dyn RowFormat,
    data: &mut Data,
) -> anyhow::Result<()> {
    let mut aside = SpooledTempFile::new(MEMORY_BYTES);
    let mut buffer = Vec::with_capacity(2 * BUFFER_BYTES);
    let mut outcome = Ok(());
    let columns = reader.sql(text, options, |row| {
        format.write(row, &mut buffer);
        if buffer.len() >= BUFFER_BYTES {
            outcome = aside.write_all(&buffer);
            buffer.clear();
        }
        if outcome.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    outcome
        .and_then(|()| aside.write_all(&buffer))
        .and_then(|()| aside.rewind())
        .with_context(aside_failed)?;
    format.begin(&columns, &mut data.buffer);
    loop {
        let mut piece = (&mut aside).take(BUFFER_BYTES as u64);
        let read = piece.read_to_end(&mut data.buffer);
        let is_end = read.with_context(aside_failed)? == 0;
        data.flush().context("cannot write the answer")?;
        if is_end {
            return Ok(());
        }
    }
}

fn aside_failed() -> String {
    format!(
        "cannot put the answer aside in {}; TMPDIR names another directory",
        std::env::temp_dir().display()
    )
}

/// Writes as much of the answer as a table takes, and gives whether there is more.
fn show_table(
    reader: &Reader,
    text: &str,
    options: SqlOptions,
    data: &mut Data,
) -> anyhow::Result<bool> {
    let mut rows = Rows::default();
    let columns = reader.sql(text, options, |row| rows.take(row))?;
    let is_cut = rows.is_cut;
    for line in rows.table(&columns).lines() {
        data.buffer.extend_from_slice(line.trim_end().as_bytes());
        data.buffer.push(b'\n');
        data.write_if_full().context("cannot write the answer")?;
    }
    data.flush().context("cannot write the answer")?;
    Ok(is_cut)
}

/// The rows of a table, as text.
#[derive(Default)]
struct Rows {
    cells: Vec<Vec<String>>,
    kinds: Vec<Kind>,
    is_cut: bool,
}

/// What a column holds, as far as it has been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Kind {
    #[default]
    Nothing,
    Numbers,
    Others,
}

impl Rows {
    fn take(&mut self, row: SqlRow<'_>) -> ControlFlow<()> {
        if self.cells.len() == TABLE_ROWS {
            self.is_cut = true;
            return ControlFlow::Break(());
        }
        self.kinds.resize(row.values.len(), Kind::Nothing);
        for (kind, value) in self.kinds.iter_mut().zip(row.values) {
            *kind = match (*kind, value) {
                (kind, SqlValue::Null) => kind,
                (Kind::Nothing | Kind::Numbers, SqlValue::Integer(_) | SqlValue::Real(_)) => {
                    Kind::Numbers
                }
                _ => Kind::Others,
            };
        }
        self.cells.push(row.values.iter().map(table_cell).collect());
        ControlFlow::Continue(())
    }

    /// The columns two blanks apart, their names above a line, numbers to the right.
    fn table(mut self, columns: &[String]) -> Table {
        self.kinds.resize(columns.len(), Kind::Nothing);
        let mut table = Table::new();
        table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('-')));
        let names = columns
            .iter()
            .map(|name| table_cell(&SqlValue::Text(name.into())));
        table.set_header(names);
        table.add_rows(self.cells);
        for (column, kind) in table.column_iter_mut().zip(self.kinds) {
            column.set_padding((0, 2));
            if kind == Kind::Numbers {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table
    }
}

/// Reads a length of time; `0` is none.
fn timeout(text: &str) -> Result<Duration, QueryError> {
    if text.trim() == "0" {
        return Ok(Duration::ZERO);
    }
    let ns = parse_duration(text)?;
    Ok(Duration::from_nanos(ns.unsigned_abs()))
}
