//! Counts become text for programs.

use serde_json::Value;

use super::csv::put_row;
use super::escape::{Controls, Lines, put_escaped, put_json};
use crate::count::{CountRow, Counts};
use crate::time::{put_rfc3339_utc, rfc3339_utc};

impl Counts {
    /// Appends one JSON object a row: `start` in UTC when there are buckets of time, a key for each grouping, `count`.
    pub fn put_json(&self, out: &mut Vec<u8>) {
        for row in &self.rows {
            self.put_json_row(row, out);
            out.push(b'\n');
        }
    }

    /// Appends the object of a row.
    pub(crate) fn put_json_row(&self, row: &CountRow, out: &mut Vec<u8>) {
        out.push(b'{');
        if let Some(start) = row.start_ns {
            out.extend(b"\"start\":\"");
            put_rfc3339_utc(start, out);
            out.extend(b"\",");
        }
        for (by, value) in self.by.iter().zip(&row.key) {
            put_json(&by.to_string(), out);
            out.push(b':');
            put_json(value, out);
            out.push(b',');
        }
        out.extend(b"\"count\":");
        out.extend(row.count.to_string().bytes());
        out.push(b'}');
    }

    /// Appends CSV as RFC 4180 has it, lines ending with CR LF: a header of the keys of [`Counts::put_json`], then the rows. What the
    /// client did not say is empty, a nested value is JSON text.
    pub fn put_csv(&self, controls: Controls, out: &mut Vec<u8>) {
        put_row(out, |line| {
            if self.every.is_some() {
                line.write_field("start")?;
            }
            for by in &self.by {
                line.write_field(text_of(&by.to_string().into(), controls))?;
            }
            line.write_field("count")
        });
        for row in &self.rows {
            put_row(out, |line| {
                if let Some(start) = row.start_ns {
                    line.write_field(rfc3339_utc(start))?;
                }
                for value in &row.key {
                    line.write_field(text_of(value, controls))?;
                }
                line.write_field(row.count.to_string())
            });
        }
    }
}

/// A value on one line for people: a text as it is but for control characters, nothing for null, JSON for anything else.
#[must_use]
pub fn display_value(value: &Value) -> String {
    let mut out = Vec::new();
    match value {
        Value::Null => {}
        Value::String(text) => put_escaped(text, Lines::One, &mut out),
        _ => put_json(value, &mut out),
    }
    into_text(out)
}

fn text_of(value: &Value, controls: Controls) -> String {
    match (value, controls) {
        (Value::String(text), Controls::Raw) => text.clone(),
        (Value::String(text), Controls::Escaped) => {
            let mut out = Vec::new();
            put_escaped(text, Lines::Kept, &mut out);
            into_text(out)
        }
        _ => display_value(value),
    }
}

fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("texts are escaped in ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::GroupBy;
    use crate::time::{Every, Zone};
    use serde_json::json;

    fn shown(put: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        put(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn counts() -> Counts {
        let row = |key: Value, count| CountRow {
            start_ns: Some(0),
            key: key.as_array().unwrap().clone(),
            count,
        };
        Counts {
            by: vec![GroupBy::Name, GroupBy::Field("count".into())],
            every: Every::new(1_000_000_000, Zone::Utc).ok(),
            rows: vec![
                row(json!(["a, \"b\"\u{9b}", null]), 12),
                row(json!([null, [1]]), 1),
            ],
            ..Counts::default()
        }
    }

    #[test]
    fn a_row_is_an_object_of_its_groups() {
        assert_eq!(
            shown(|out| counts().put_json(out)),
            concat!(
                r#"{"start":"1970-01-01T00:00:00.000000000Z","name":"a, \"b\"\u009b","extra.count":null,"count":12}"#,
                "\n",
                r#"{"start":"1970-01-01T00:00:00.000000000Z","name":null,"extra.count":[1],"count":1}"#,
                "\n"
            )
        );
    }

    #[test]
    fn csv_has_a_header_even_without_rows() {
        let counts = counts();
        assert_eq!(
            shown(|out| counts.put_csv(Controls::Escaped, out)),
            "start,name,extra.count,count\r\n\
             1970-01-01T00:00:00.000000000Z,\"a, \"\"b\"\"\\x9b\",,12\r\n\
             1970-01-01T00:00:00.000000000Z,,[1],1\r\n"
        );
        assert!(shown(|out| counts.put_csv(Controls::Raw, out)).contains('\u{9b}'));
        let none = Counts {
            rows: Vec::new(),
            ..counts
        };
        let header = shown(|out| none.put_csv(Controls::Raw, out));
        assert_eq!(header, "start,name,extra.count,count\r\n");
    }

    #[test]
    fn a_value_for_people_stays_on_its_line() {
        assert_eq!(display_value(&json!("a\nb\u{1b}")), "a\\x0ab\\x1b");
        assert_eq!(display_value(&json!({"a": "\u{9b}"})), r#"{"a":"\u009b"}"#);
        assert_eq!(display_value(&Value::Null), "");
    }
}
