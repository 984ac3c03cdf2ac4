//! `logstore count`: how many records there are, in groups and buckets of time.

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum, value_parser};
use logstore::{Count, CountRow, Counts, Every, GroupBy, Progress, Reader, parse_duration};

use super::Database;
use super::console::{Data, controls, say, tell_of_damage};
use super::filters::FilterArguments;
use super::pager::PagerArguments;
use super::table::{cell, moment, put, table};

/// Up to so many groups have a column each in a table of buckets.
const MAX_COLUMNS: usize = 8;

#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct CountArguments {
    #[command(flatten)]
    database: Database,

    #[command(flatten)]
    filters: FilterArguments,

    /// Count in groups: level, name, host, process, thread, site or an extra field; several with commas
    #[arg(help_heading = "The answer", long, value_name = "KEY", value_delimiter = ',', value_parser = value_parser!(GroupBy))]
    by: Vec<GroupBy>,

    /// Count in buckets of time of this width: 30s, 5m, 1h, 1d, 1w
    #[arg(help_heading = "The answer", long, value_name = "WIDTH")]
    every: Option<String>,

    /// Only the N largest groups
    #[arg(help_heading = "The answer", short = 'n', long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    top: Option<u64>,

    /// The form of the answer
    #[arg(help_heading = "The answer", short, long, value_name = "FORM", value_enum, default_value_t = CountOutput::Table)]
    output: CountOutput,

    #[command(flatten)]
    pager: PagerArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CountOutput {
    /// For people; up to eight groups have a column each with --every
    Table,
    /// One object a line
    Json,
    /// With a header
    Csv,
}

const AFTER_HELP: &str = "\
Examples:
  logstore count --level error --since today
  logstore count --by level
  logstore count --by name,host --top 10
  logstore count --every 1h --by level --since -24h
  logstore count --by user.id -o json timeout";

pub(super) fn run(arguments: &CountArguments) -> anyhow::Result<()> {
    let count = arguments.count()?;
    let progress = Progress::new();
    let mut data = Data::new(arguments.pager.paging(), &progress);
    let reader = Reader::open(&arguments.database.db)?.with_progress(progress);
    let mut counts = reader.count(&count)?;
    if let Some(by) = reader.missing_field(&counts)? {
        let key = by.field().unwrap_or_default();
        bail!(
            "--by {by}: no record has a field {key:?}; --by takes level, name, host, process, thread, site or the name of an extra field"
        );
    }
    let top = arguments
        .top
        .map_or(usize::MAX, |top| usize::try_from(top).unwrap_or(usize::MAX));
    let groups = counts.keep_largest(top);
    match arguments.output {
        CountOutput::Table => put_table(&counts, &mut data.buffer),
        CountOutput::Json => counts.put_json(&mut data.buffer),
        CountOutput::Csv => counts.put_csv(controls(), &mut data.buffer),
    }
    data.flush().context("cannot write the answer")?;
    // A pager has the terminal until it ends.
    drop(data);
    if groups > top {
        say(&format!("these are the {top} largest of {groups} groups"));
    }
    tell_of_damage(counts.damaged_blocks);
    Ok(())
}

impl CountArguments {
    fn count(&self) -> anyhow::Result<Count> {
        let every = self.every.as_deref().map(|text| {
            parse_duration(text).and_then(|width| Every::new(width, self.filters.zone()))
        });
        let mut by: Vec<GroupBy> = Vec::new();
        for group in &self.by {
            if !by.contains(group) {
                by.push(group.clone());
            }
        }
        Ok(Count {
            query: self.filters.query()?,
            by,
            every: every.transpose().context("--every")?,
        })
    }
}

fn put_table(counts: &Counts, out: &mut Vec<u8>) {
    let Some(every) = counts.every else {
        if counts.by.is_empty() {
            out.extend(format!("{}\n", counts.total).bytes());
            return;
        }
        return put_rows(counts, out);
    };
    let groups = counts.summed_by(&counts.by).rows;
    if counts.by.len() == 1 && (1..=MAX_COLUMNS).contains(&groups.len()) {
        put_columns(counts, every, &groups, out);
    } else {
        put_rows(counts, out);
    }
}

/// One row for each row.
fn put_rows(counts: &Counts, out: &mut Vec<u8>) {
    let mut headings: Vec<String> = counts.by.iter().map(heading).collect();
    if counts.every.is_some() {
        headings.insert(0, "start".into());
    }
    headings.push("count".into());
    let mut rows = table(headings.len() - 1, &headings);
    for row in &counts.rows {
        let start = row.start_ns.zip(counts.every);
        let mut cells: Vec<String> = start
            .map(|(ns, every)| moment(ns, every))
            .into_iter()
            .collect();
        cells.extend(row.key.iter().map(cell));
        cells.push(row.count.to_string());
        rows.add_row(cells);
    }
    put(&rows, out);
}

/// One row for each bucket and one column for each group.
fn put_columns(counts: &Counts, every: Every, groups: &[CountRow], out: &mut Vec<u8>) {
    let mut headings = vec!["start".to_owned()];
    headings.extend(groups.iter().map(|group| cell(&group.key[0])));
    let mut rows = table(1, &headings);
    let mut left = counts.rows.as_slice();
    for start in &counts.starts_ns {
        let end = left.partition_point(|row| row.start_ns <= Some(*start));
        let (bucket, later) = left.split_at(end);
        left = later;
        let mut cells = vec![moment(*start, every)];
        for group in groups {
            let row = bucket.iter().find(|row| row.key == group.key);
            cells.push(row.map_or(0, |row| row.count).to_string());
        }
        rows.add_row(cells);
    }
    put(&rows, out);
}

fn heading(by: &GroupBy) -> String {
    cell(&by.to_string().into())
}
