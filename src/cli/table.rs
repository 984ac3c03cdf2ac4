//! Tables for people, without lines.

use comfy_table::{CellAlignment, ContentArrangement, Table, TableStyle};
use logstore::{Every, display_time, display_value};
use serde_json::Value;

/// What is longer is cut in a table: one long value would put the other columns out of sight.
const MAX_CELL_CHARS: usize = 80;

const SECOND_NS: i64 = 1_000_000_000;
const MINUTE_NS: i64 = 60 * SECOND_NS;
const DAY_NS: i64 = 24 * 60 * MINUTE_NS;

/// A table that begins with so many columns of text; those that follow hold numbers, which stand on the right.
pub(super) fn table(texts: usize, headings: &[String]) -> Table {
    let mut table = Table::new();
    table
        .load_style(TableStyle::new())
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(headings);
    for (place, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if place >= texts {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Appends the table, no line of which ends with blanks.
pub(super) fn put(table: &Table, out: &mut Vec<u8>) {
    for line in table.lines() {
        out.extend(line.trim_end().bytes());
        out.push(b'\n');
    }
}

/// A value as a cell shows it: on one line, cut when it is long, `-` for what the client did not say.
pub(super) fn cell(value: &Value) -> String {
    let shown = match value {
        Value::Null => "-".into(),
        value => display_value(value),
    };
    match shown.char_indices().nth(MAX_CELL_CHARS) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

/// When a bucket begins, as finely as its width asks for; days are those of the zone.
pub(super) fn moment(ns: i64, every: Every) -> String {
    let width = every.width_ns();
    // `2026-11-22 21:50:25.123+05:30`
    let shown = display_time(ns, every.zone());
    let (day_and_time, offset) = shown.split_at(23);
    let (digits, offset) = match width {
        width if width % DAY_NS == 0 => (10, ""),
        width if width % MINUTE_NS == 0 => (16, offset),
        width if width % SECOND_NS == 0 => (19, offset),
        _ => (23, offset),
    };
    format!("{}{offset}", &day_and_time[..digits])
}

#[cfg(test)]
mod tests {
    use super::*;
    use logstore::Zone;
    use serde_json::json;

    #[test]
    fn numbers_stand_on_the_right() {
        let mut table = table(1, &["name".into(), "count".into()]);
        table.add_row(["a", "7"]).add_row(["ärger ✓", "1234567"]);
        let mut out = Vec::new();
        put(&table, &mut out);
        let expected = "\
name       count
a              7
ärger ✓  1234567
";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn a_cell_is_one_short_line() {
        assert_eq!(cell(&json!(null)), "-");
        assert_eq!(cell(&json!("a\nb\u{9b}")), "a\\x0ab\\x9b");
        assert_eq!(cell(&json!("é".repeat(80))), "é".repeat(80));
        assert_eq!(cell(&json!("é".repeat(81))), "é".repeat(80) + "…");
    }

    #[test]
    fn a_moment_is_shown_as_finely_as_its_bucket() {
        for (width, expected) in [
            (7 * DAY_NS, "2026-11-22"),
            (60 * MINUTE_NS, "2026-11-22 16:20Z"),
            (90 * SECOND_NS, "2026-11-22 16:20:25Z"),
            (SECOND_NS / 2, "2026-11-22 16:20:25.500Z"),
        ] {
            let every = Every::new(width, Zone::Utc).unwrap();
            assert_eq!(moment(1_795_364_425_500_000_000, every), expected);
        }
    }
}
