//! What is kept: arguments to a retention.

use anyhow::Context as _;
use clap::Args;
use logstore::{KeepRule, Retention, describe};

use super::size::{Bytes, parse_size};

#[derive(Debug, Args)]
#[command(next_help_heading = "What is kept")]
pub(super) struct RetentionArguments {
    /// For how long records are kept: debug=3d those of a level, name:myapp.noisy=1d of a logger and what is under it, 30d all others;
    /// several, or once with commas [default: for ever]
    ///
    /// Without a time for all others, levels between two that are given go by the lower one, and those above or below all are kept for
    /// ever. With one, a level that is not given stays at least as long as the levels below it.
    #[arg(long, value_name = "RULE", value_delimiter = ',', value_parser = keep_rule, allow_hyphen_values = true)]
    keep: Vec<KeepRule>,

    /// How large the file may be, as 500MB or 10GB: above that the records stored first go, whatever their age [default: any size]
    #[arg(long, value_name = "SIZE", value_parser = max_size, allow_hyphen_values = true)]
    max_size: Option<u64>,
}

impl RetentionArguments {
    pub(super) fn retention(&self) -> anyhow::Result<Retention> {
        let retention = Retention {
            keep: self.keep.clone(),
            max_bytes: self.max_size,
        };
        retention.check().context("--keep")?;
        Ok(retention)
    }
}

/// `30d, debug=3d; at most 10.0 GiB`; nothing when everything is kept.
pub(super) fn shown(retention: &Retention) -> Option<String> {
    let rules: Vec<String> = retention.keep.iter().map(ToString::to_string).collect();
    let limit = retention
        .max_bytes
        .map(|bytes| format!("at most {}", Bytes(bytes)));
    let parts = (!rules.is_empty())
        .then(|| rules.join(", "))
        .into_iter()
        .chain(limit);
    let parts: Vec<String> = parts.collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn keep_rule(text: &str) -> Result<KeepRule, String> {
    text.parse().map_err(|error| describe(&error))
}

fn max_size(text: &str) -> Result<u64, String> {
    let bytes = parse_size(text)?;
    let retention = Retention {
        keep: Vec::new(),
        max_bytes: Some(bytes),
    };
    retention
        .check()
        .map(|()| bytes)
        .map_err(|error| error.to_string())
}
