//! Records become text: one file for each format, none of which does I/O.

mod counts;
mod csv;
mod escape;
mod field;
mod json;
mod logfmt;
mod overview;
mod people;
mod repr;
mod rows;
mod template;
mod text;

#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

pub use self::csv::CsvFormat;
pub use counts::display_value;
pub use escape::Controls;
pub use json::JsonFormat;
pub use logfmt::LogfmtFormat;
pub use people::Coloring;
pub use rows::{CsvRows, JsonRows, RowFormat, table_cell};
pub use text::TextFormat;

use crate::error::QueryError;
use crate::query::ContextRecord;
use crate::record::StoredRecord;
use crate::time::Zone;

/// Writes records, one after the other, as text that the caller takes to where it belongs.
pub trait RecordFormat {
    /// Appends what precedes the first record, such as the header of CSV.
    fn begin(&mut self, out: &mut Vec<u8>) {
        let _ = out;
    }

    /// Appends one record with its line end.
    fn write(&mut self, record: &StoredRecord, out: &mut Vec<u8>);

    /// Appends what precedes the first record of an answer with context.
    fn begin_context(&mut self, out: &mut Vec<u8>) {
        self.begin(out);
    }

    /// Appends one record of an answer with context, with its line end. JSON, CSV and logfmt have two more keys than without: `group`,
    /// a number, and `match`, `true` or `false`.
    fn write_context(&mut self, record: &ContextRecord, out: &mut Vec<u8>) {
        self.write(&record.stored, out);
    }

    /// Appends what stands between two groups of an answer with context: a line `--` in text, as `grep` has it, else nothing.
    fn separator(&mut self, out: &mut Vec<u8>) {
        let _ = out;
    }
}

/// The formats by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Output {
    /// For people: one line, and below it the traceback.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
    /// CSV (RFC 4180) with a header.
    Csv,
    /// `key=value` pairs, one record a line.
    Logfmt,
}

impl Output {
    /// All of them.
    pub const ALL: [Output; 4] = [Output::Text, Output::Json, Output::Csv, Output::Logfmt];

    /// The name that [`Output::from_str`] takes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Output::Text => "text",
            Output::Json => "json",
            Output::Csv => "csv",
            Output::Logfmt => "logfmt",
        }
    }

    /// A writer of this format. Zone and coloring are for text alone: the others always give UTC, and no color. `controls` are for
    /// CSV alone: the others always escape control characters.
    #[must_use]
    pub fn formatter(
        self,
        zone: Zone,
        coloring: Coloring,
        controls: Controls,
    ) -> Box<dyn RecordFormat + Send> {
        match self {
            Output::Text => Box::new(TextFormat::people(zone, coloring)),
            Output::Json => Box::new(JsonFormat::new()),
            Output::Csv => Box::new(CsvFormat::new().controls(controls)),
            Output::Logfmt => Box::new(LogfmtFormat::new()),
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Reads a name in any case.
impl FromStr for Output {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = text.trim().to_ascii_lowercase();
        Output::ALL
            .into_iter()
            .find(|output| output.name() == word)
            .ok_or_else(|| QueryError::Output {
                text: text.to_owned(),
            })
    }
}
