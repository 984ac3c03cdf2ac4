//! Bars of block characters: how many records there were when.

use std::io::{self, Write};

use logstore::{Coloring, LevelHistogram};

use crate::cli::table::moment;

/// How many lines the bars of all records have; warnings and errors have one each.
const LINES: usize = 6;

/// From nothing to a full cell.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const RESET: &str = "\x1b[0m";

/// Appends it as wide as so many columns.
pub(super) fn put(
    histogram: &LevelHistogram,
    columns: usize,
    coloring: Coloring,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let first = histogram.starts_ns.first().copied().unwrap_or_default();
    let first = moment(first, histogram.every);
    let records = format!("records in steps of {} from {first}", histogram.every);
    let repeat = (columns / histogram.starts_ns.len().max(1)).max(1);
    for (what, counts, lines, color) in [
        (records.as_str(), &histogram.records, LINES, None),
        ("warnings", &histogram.warnings, 1, Some(YELLOW)),
        ("errors", &histogram.errors, 1, Some(RED)),
    ] {
        let most = counts.iter().copied().max().unwrap_or_default();
        if most == 0 {
            writeln!(out, "\n{what}: none")?;
            continue;
        }
        writeln!(out, "\n{what}, at most {most}")?;
        for line in bars(counts, lines, repeat) {
            match color.filter(|_| coloring == Coloring::Always) {
                Some(color) => writeln!(out, "{color}{line}{RESET}")?,
                None => writeln!(out, "{line}")?,
            }
        }
    }
    Ok(())
}

/// Bars of so many lines, the highest as high as all of them, each so many columns wide. The lines have no blanks at their ends.
fn bars(counts: &[u64], lines: usize, repeat: usize) -> Vec<String> {
    let most = u128::from(counts.iter().copied().max().unwrap_or_default()).max(1);
    // Rounded up, so that a single record is seen.
    let eighths = |count: u64| (u128::from(count) * (8 * lines) as u128).div_ceil(most);
    let line = |line: usize| {
        let below = 8 * (lines - 1 - line) as u128;
        let blocks = counts.iter().flat_map(|count| {
            let filled = eighths(*count).saturating_sub(below).min(8);
            let block = BLOCKS[usize::try_from(filled).unwrap_or(8)];
            std::iter::repeat_n(block, repeat)
        });
        blocks.collect::<String>().trim_end().to_owned()
    };
    (0..lines).map(line).collect()
}

#[cfg(test)]
mod tests {
    use logstore::{Every, Zone};

    use super::*;

    #[test]
    fn a_bar_is_as_high_as_its_count() {
        assert_eq!(bars(&[0, 1, 4, 8, 0], 1, 1), [" ▁▄█"]);
        assert_eq!(bars(&[16, 9, 8, 1], 2, 2), ["██▁▁", "██████▁▁"]);
    }

    #[test]
    fn a_single_record_among_millions_is_seen() {
        assert_eq!(bars(&[u64::MAX, 1], 2, 1), ["█", "█▁"]);
    }

    #[test]
    fn warnings_and_errors_have_their_words_and_colors() {
        let histogram = LevelHistogram {
            every: Every::new(60_000_000_000, Zone::Utc).unwrap(),
            starts_ns: vec![0, 60_000_000_000],
            records: vec![2, 1],
            warnings: vec![0, 0],
            errors: vec![1, 0],
        };
        let mut out = Vec::new();
        put(&histogram, 5, Coloring::Always, &mut out).unwrap();
        let expected = "
records in steps of 1m from 1970-01-01 00:00Z, at most 2
██
██
██
████
████
████

warnings: none

errors, at most 1
\x1b[31m██\x1b[0m
";
        assert_eq!(str::from_utf8(&out), Ok(expected));
        out.clear();
        put(&histogram, 5, Coloring::Never, &mut out).unwrap();
        assert!(!out.contains(&b'\x1b'));
    }
}
