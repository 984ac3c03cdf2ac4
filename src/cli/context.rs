//! The arguments that ask for the records around each match, and how they are shown.

use anyhow::Context as _;
use clap::{ArgGroup, Args};
use logstore::{Context, ContextOf, ContextRecords, RecordFormat};

use super::console::Data;

#[derive(Debug, Args)]
#[command(next_help_heading = "What is around")]
#[command(group(ArgGroup::new("around").args(["after_context", "before_context", "context"]).multiple(true)))]
pub(super) struct ContextArguments {
    /// And the N records after each match, of the same host, process and thread
    #[arg(short = 'A', long, value_name = "N", allow_negative_numbers = true)]
    after_context: Option<usize>,

    /// And the N records before each match
    #[arg(short = 'B', long, value_name = "N", allow_negative_numbers = true)]
    before_context: Option<usize>,

    /// And the N records before and after each match
    ///
    /// What is around a match is shown whatever the conditions, and -n counts matches alone. A line -- stands between groups that
    /// do not touch. In text, a match has a colon before its message, what is around it a -; json, csv and logfmt have two more
    /// keys: group (a number) and match (true or false).
    #[arg(short = 'C', long, value_name = "N", allow_negative_numbers = true)]
    context: Option<usize>,

    /// With what anybody logged around a match, not only its own thread
    #[arg(long, requires = "around")]
    context_any: bool,
}

impl ContextArguments {
    /// What is wanted around each match; `None` when nobody asked.
    pub(super) fn context(&self) -> Option<Context> {
        let (after, before) = (self.after_context, self.before_context);
        after.or(before).or(self.context)?;
        Some(Context {
            before: before.or(self.context).unwrap_or_default(),
            after: after.or(self.context).unwrap_or_default(),
            of: if self.context_any {
                ContextOf::Any
            } else {
                ContextOf::SameOrigin
            },
        })
    }
}

/// Writes the answer.
pub(super) fn show(
    records: &mut ContextRecords,
    format: &mut dyn RecordFormat,
    data: &mut Data,
) -> anyhow::Result<()> {
    let mut group = None;
    format.begin_context(&mut data.buffer);
    let outcome = records.try_for_each(|record| {
        let record = record?;
        if group
            .replace(record.group)
            .is_some_and(|before| before != record.group)
        {
            format.separator(&mut data.buffer);
        }
        format.write_context(&record, &mut data.buffer);
        data.write_if_full()?;
        anyhow::Ok(())
    });
    // What was read before an error is shown as well.
    data.flush().context("cannot write the answer")?;
    outcome
}
