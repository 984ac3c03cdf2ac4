//! CSV as RFC 4180 has it.

use csv::{Terminator, Writer, WriterBuilder};

use super::RecordFormat;
use super::escape::{Controls, Lines, put_escaped, put_json};
use super::field::{CONTEXT_KEYS, Field, KEYS, context_fields, fields, put_int};
use crate::query::ContextRecord;
use crate::record::StoredRecord;
use crate::time::put_rfc3339_utc;

/// CSV as RFC 4180 has it, lines ending with CR LF: a header of the keys of the view `records`, then a row for each record.
/// What the client did not say is empty; the extra fields are JSON text in the last column.
#[derive(Debug)]
pub struct CsvFormat {
    controls: Controls,
    scratch: Vec<u8>,
}

impl CsvFormat {
    /// A writer of CSV.
    #[must_use]
    pub fn new() -> Self {
        CsvFormat {
            controls: Controls::Raw,
            scratch: Vec::new(),
        }
    }

    /// The same with control characters in texts as given here; they are raw otherwise, for a program that reads the rows.
    #[must_use]
    pub fn controls(mut self, controls: Controls) -> Self {
        self.controls = controls;
        self
    }
}

impl Default for CsvFormat {
    fn default() -> Self {
        Self::new()
    }
}

impl RecordFormat for CsvFormat {
    fn begin(&mut self, out: &mut Vec<u8>) {
        put_row(out, |row| {
            KEYS.iter().try_for_each(|key| row.write_field(key))
        });
    }

    fn write(&mut self, record: &StoredRecord, out: &mut Vec<u8>) {
        put_row(out, |row| self.put_fields(record, row));
    }

    fn begin_context(&mut self, out: &mut Vec<u8>) {
        put_row(out, |row| {
            let mut keys = KEYS.iter().chain(&CONTEXT_KEYS);
            keys.try_for_each(|key| row.write_field(key))
        });
    }

    fn write_context(&mut self, record: &ContextRecord, out: &mut Vec<u8>) {
        put_row(out, |row| {
            self.put_fields(&record.stored, row)?;
            let mut values = context_fields(record).into_iter();
            values.try_for_each(|value| row.write_field(value))
        });
    }
}

impl CsvFormat {
    fn put_fields(
        &mut self,
        record: &StoredRecord,
        row: &mut Writer<&mut Vec<u8>>,
    ) -> csv::Result<()> {
        let CsvFormat { controls, scratch } = self;
        fields(record).into_iter().try_for_each(|field| {
            scratch.clear();
            match field {
                Field::Absent => {}
                Field::Int(number) => put_int(number, scratch),
                Field::Text(text) if *controls == Controls::Escaped => {
                    put_escaped(text, Lines::Kept, scratch);
                }
                Field::Text(text) => return row.write_field(text),
                Field::Moment(ns) => put_rfc3339_utc(ns, scratch),
                Field::Extra(extra) => put_json(extra, scratch),
            }
            row.write_field(&*scratch)
        })
    }
}

/// Appends one row. The writer keeps nothing from row to row, and costs one small buffer.
pub(super) fn put_row(
    out: &mut Vec<u8>,
    fields: impl FnOnce(&mut Writer<&mut Vec<u8>>) -> csv::Result<()>,
) {
    let mut row = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .buffer_capacity(1024)
        .from_writer(out);
    fields(&mut row)
        .and_then(|()| row.write_record(None::<&[u8]>))
        .and_then(|()| Ok(row.flush()?))
        .expect("a Vec takes everything");
}
