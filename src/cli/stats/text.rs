//! What a store holds, for people.

use std::io::{self, Write};
use std::path::Path;

use logstore::{
    GroupBy, Overview, OverviewGroup, StoreStats, Zone, display_duration, display_time,
    display_value,
};

use super::as_float;
use crate::cli::retention::shown;
use crate::cli::size::Bytes;
use crate::cli::table::{cell, put, table};

/// So many loggers are shown.
const TOP_LOGGERS: usize = 20;

const SECOND_NS: i64 = 1_000_000_000;

pub(super) fn put_overview(
    overview: &Overview,
    path: &Path,
    zone: Zone,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let StoreStats {
        file_bytes,
        wal_bytes,
        blocks,
        block_records,
        ..
    } = overview.file;
    let path = display_value(&path.to_string_lossy().into());
    write!(out, "file       {path}, {}", Bytes(file_bytes))?;
    if wal_bytes > 0 {
        write!(out, " and {} in its -wal", Bytes(wal_bytes))?;
    }
    writeln!(out, "\nblocks     {blocks} over {block_records} records")?;
    if let Some(kept) = shown(&overview.file.retention) {
        writeln!(out, "keeps      {kept}")?;
    }
    writeln!(out, "records    {}", overview.all.total)?;
    let Some((oldest, newest)) = overview.all.span_ns else {
        return Ok(());
    };
    writeln!(out, "oldest     {}", display_time(oldest, zone))?;
    writeln!(out, "newest     {}", display_time(newest, zone))?;
    let span = i64::try_from(newest.abs_diff(oldest)).unwrap_or(i64::MAX);
    // Nobody wants the nanoseconds of a day.
    let unit = if span < SECOND_NS {
        1_000_000
    } else {
        SECOND_NS
    };
    writeln!(out, "span       {}", display_duration(span - span % unit))?;
    writeln!(
        out,
        "rate       {}; {} in the last hour, {} in the last minute",
        rate(overview.all.total, overview.seconds()),
        overview.hour.total,
        overview.minute.total
    )?;
    writeln!(out, "hosts      {}", overview.hosts)?;
    writeln!(out, "processes  {}", overview.processes)?;
    for (by, most) in [(GroupBy::Level, usize::MAX), (GroupBy::Name, TOP_LOGGERS)] {
        let groups = overview.groups(&by);
        writeln!(out)?;
        put_table(
            overview,
            &by.to_string(),
            &groups[..most.min(groups.len())],
            out,
        );
        if groups.len() > most {
            writeln!(out, "and {} more", groups.len() - most)?;
        }
    }
    Ok(())
}

fn put_table(overview: &Overview, heading: &str, groups: &[OverviewGroup], out: &mut Vec<u8>) {
    let headings = [
        heading,
        "records",
        "share",
        "rate",
        "last hour",
        "last minute",
    ];
    let mut rows = table(1, &headings.map(str::to_owned));
    for group in groups {
        let share = 100.0 * as_float(group.records) / as_float(overview.all.total);
        rows.add_row([
            cell(&group.value),
            group.records.to_string(),
            format!("{share:.1}%"),
            rate(group.records, overview.seconds()),
            group.last_hour.to_string(),
            group.last_minute.to_string(),
        ]);
    }
    put(&rows, out);
}

/// `12.3/s`, or by the minute, hour or day where a second has less than one record.
fn rate(records: u64, seconds: f64) -> String {
    if seconds == 0.0 {
        return "-".into();
    }
    let per_second = as_float(records) / seconds;
    let units = [(1.0, "s"), (60.0, "min"), (3600.0, "h"), (86_400.0, "d")];
    let unit = units.iter().find(|(length, _)| per_second * length >= 1.0);
    let (length, name) = unit.unwrap_or(&units[3]);
    format!("{:.1}/{name}", per_second * length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_the_unit_that_suits_it() {
        for (records, seconds, expected) in [
            (1_000, 10.0, "100.0/s"),
            (10, 10.0, "1.0/s"),
            (9, 10.0, "54.0/min"),
            (1, 3_600.0, "1.0/h"),
            (1, 1e6, "0.1/d"),
            (5, 0.0, "-"),
        ] {
            assert_eq!(rate(records, seconds), expected);
        }
    }
}
