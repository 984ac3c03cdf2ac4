//! Rows of an answer to SQL as text.

use std::collections::HashSet;
use std::fmt::Write as _;

use super::csv::put_row;
use super::escape::{Controls, Lines, put_escaped, put_json};
use super::field::put_int;
use crate::sql::{SqlRow, SqlValue};

/// How many characters of a value a table shows.
const CELL_CHARS: usize = 500;

/// How many bytes of a blob a table shows.
const CELL_BYTES: usize = 16;

/// Writes rows of an answer to SQL, one after the other, as text that the caller takes to where it belongs.
pub trait RowFormat {
    /// Appends what precedes the first row, such as the header of CSV.
    fn begin(&mut self, columns: &[String], out: &mut Vec<u8>) {
        let _ = (columns, out);
    }

    /// Appends one row with its line end. All rows must be of one answer.
    fn write(&mut self, row: SqlRow<'_>, out: &mut Vec<u8>);
}

/// One JSON object a line. A column whose name another one before it has gets a number: `name`, `name_2`. NULL is null, as is an
/// infinite number, which JSON lacks; a blob is the text of its SQL literal, `x'0aff'`.
#[derive(Debug, Default)]
pub struct JsonRows {
    keys: Vec<String>,
}

impl JsonRows {
    /// A writer of JSON lines.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl RowFormat for JsonRows {
    fn write(&mut self, row: SqlRow<'_>, out: &mut Vec<u8>) {
        if self.keys.is_empty() {
            self.keys = unique(row.columns);
        }
        let mut before = b'{';
        for (key, value) in self.keys.iter().zip(row.values) {
            out.push(before);
            before = b',';
            put_json(key, out);
            out.push(b':');
            match value {
                SqlValue::Null => out.extend(b"null"),
                SqlValue::Integer(number) => put_int(*number, out),
                SqlValue::Real(number) => put_json(number, out),
                SqlValue::Text(text) => put_json(text, out),
                SqlValue::Blob(bytes) => put_json(&literal(bytes), out),
            }
        }
        out.extend(b"}\n");
    }
}

/// The names of columns, each made another than those before it.
fn unique(columns: &[String]) -> Vec<String> {
    let mut taken: HashSet<String> = columns.iter().cloned().collect();
    let mut met = HashSet::new();
    let mut names = Vec::with_capacity(columns.len());
    for column in columns {
        let mut name = column.clone();
        if !met.insert(column) {
            let mut number = 2;
            while !taken.insert(format!("{column}_{number}")) {
                number += 1;
            }
            name = format!("{column}_{number}");
        }
        names.push(name);
    }
    names
}

/// CSV as RFC 4180 has it, lines ending with CR LF, with a header of the columns' names. NULL is empty; a blob is its SQL literal,
/// `x'0aff'`.
#[derive(Debug)]
pub struct CsvRows {
    controls: Controls,
}

impl CsvRows {
    /// A writer of CSV, with control characters in texts as given here.
    #[must_use]
    pub fn new(controls: Controls) -> Self {
        CsvRows { controls }
    }

    fn row(&self, row: &[SqlValue<'_>], out: &mut Vec<u8>) {
        let mut scratch = Vec::new();
        put_row(out, |fields| {
            row.iter().try_for_each(|value| {
                scratch.clear();
                put(value, &mut scratch, |text, out| match self.controls {
                    Controls::Raw => out.extend_from_slice(text.as_bytes()),
                    Controls::Escaped => put_escaped(text, Lines::Kept, out),
                });
                fields.write_field(&scratch)
            })
        });
    }
}

impl RowFormat for CsvRows {
    fn begin(&mut self, columns: &[String], out: &mut Vec<u8>) {
        let names: Vec<SqlValue<'_>> = columns
            .iter()
            .map(|name| SqlValue::Text(name.into()))
            .collect();
        self.row(&names, out);
    }

    fn write(&mut self, row: SqlRow<'_>, out: &mut Vec<u8>) {
        self.row(row.values, out);
    }
}

/// A value as people see it in a table: on one line, without control characters, and what is long cut with an ellipsis. NULL is
/// empty.
#[must_use]
pub fn table_cell(value: &SqlValue<'_>) -> String {
    let mut out = Vec::new();
    if let SqlValue::Blob(bytes) = value
        && bytes.len() > CELL_BYTES
    {
        return format!("x'{}…'", hex(&bytes[..CELL_BYTES]));
    }
    put(value, &mut out, |text, out| {
        let end = text.char_indices().nth(CELL_CHARS).map(|(at, _)| at);
        put_escaped(&text[..end.unwrap_or(text.len())], Lines::One, out);
        out.extend(end.map_or("", |_| "…").as_bytes());
    });
    String::from_utf8_lossy(&out).into_owned()
}

/// Appends a value, a text as given here.
fn put(value: &SqlValue<'_>, out: &mut Vec<u8>, text: impl FnOnce(&str, &mut Vec<u8>)) {
    match value {
        SqlValue::Null => {}
        SqlValue::Integer(number) => put_int(*number, out),
        // With a point or an exponent, so that it cannot pass for an integer.
        SqlValue::Real(number) => out.extend(format!("{number:?}").as_bytes()),
        SqlValue::Text(value) => text(value, out),
        SqlValue::Blob(bytes) => out.extend(literal(bytes).as_bytes()),
    }
}

/// The SQL literal of a blob.
fn literal(bytes: &[u8]) -> String {
    format!("x'{}'", hex(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").expect("a String takes everything");
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: &mut dyn RowFormat, columns: &[&str], values: &[SqlValue<'_>]) -> String {
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        let mut out = Vec::new();
        format.begin(&columns, &mut out);
        let row = SqlRow {
            columns: &columns,
            values,
        };
        format.write(row, &mut out);
        String::from_utf8(out).unwrap()
    }

    fn one_of_each() -> [SqlValue<'static>; 5] {
        [
            SqlValue::Null,
            SqlValue::Integer(-7),
            SqlValue::Real(2.0),
            SqlValue::Text("a, \"b\"\n\x1b".into()),
            SqlValue::Blob(&[0, 255]),
        ]
    }

    #[test]
    fn json_has_all_types() {
        let text = written(
            &mut JsonRows::new(),
            &["n", "i", "r", "t", "b"],
            &one_of_each(),
        );
        let expected =
            r#"{"n":null,"i":-7,"r":2.0,"t":"a, \"b\"\n\u001b","b":"x'00ff'"}"#.to_owned() + "\n";
        assert_eq!(text, expected);
        let infinite = written(
            &mut JsonRows::new(),
            &["a\"\u{7f}"],
            &[SqlValue::Real(f64::INFINITY)],
        );
        assert_eq!(infinite, "{\"a\\\"\\u007f\":null}\n");
    }

    #[test]
    fn equal_names_are_told_apart() {
        let names =
            |names: &[&str]| unique(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(names(&["a", "a", "b", "a"]), ["a", "a_2", "b", "a_3"]);
        assert_eq!(
            names(&["a", "a_2", "a", "a_2"]),
            ["a", "a_2", "a_3", "a_2_2"]
        );
        assert_eq!(names(&["a", "a", "a_2"]), ["a", "a_3", "a_2"]);
    }

    #[test]
    fn csv_has_all_types() {
        let columns = ["n", "i", "r", "t\x1b", "t\x1b"];
        let raw = written(&mut CsvRows::new(Controls::Raw), &columns, &one_of_each());
        assert_eq!(
            raw,
            "n,i,r,t\x1b,t\x1b\r\n,-7,2.0,\"a, \"\"b\"\"\n\x1b\",x'00ff'\r\n"
        );
        let escaped = written(
            &mut CsvRows::new(Controls::Escaped),
            &columns,
            &one_of_each(),
        );
        assert!(
            !escaped.contains('\x1b') && escaped.contains("\\x1b"),
            "{escaped}"
        );
    }

    #[test]
    fn a_cell_is_one_short_line() {
        let cells = one_of_each().map(|value| table_cell(&value));
        assert_eq!(cells, ["", "-7", "2.0", "a, \"b\"\\x0a\\x1b", "x'00ff'"]);
        let exact = "é".repeat(CELL_CHARS);
        assert_eq!(table_cell(&SqlValue::Text((&*exact).into())), exact);
        let long = exact.clone() + "x";
        assert_eq!(table_cell(&SqlValue::Text(long.into())), exact + "…");
        let bytes = [171; 17];
        assert_eq!(
            table_cell(&SqlValue::Blob(&bytes[..16])),
            literal(&bytes[..16])
        );
        let cut = format!("x'{}…'", "ab".repeat(16));
        assert_eq!(table_cell(&SqlValue::Blob(&bytes)), cut);
    }
}
