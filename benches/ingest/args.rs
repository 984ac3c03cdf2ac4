//! What the command line asks for.

use crate::Result;
use crate::part::Part;

/// The arguments after `--`.
pub(crate) struct Args {
    /// How many records each part stores.
    pub(crate) records: usize,
    /// How many times each part runs.
    pub(crate) rounds: usize,
    /// Whether a missed bar is a failure.
    pub(crate) check: bool,
    /// Run this part alone, in this process, and print its bare figures: what the rounds do, and what a profiler wants.
    pub(crate) part: Option<Part>,
}

impl Args {
    pub(crate) fn parse(mut given: impl Iterator<Item = String>) -> Result<Args> {
        let mut args = Args {
            records: 1_000_000,
            rounds: 3,
            check: false,
            part: None,
        };
        while let Some(argument) = given.next() {
            let mut value = || {
                given
                    .next()
                    .ok_or_else(|| format!("{argument} needs a value"))
            };
            match argument.as_str() {
                "--records" => args.records = value()?.parse()?,
                "--rounds" => args.rounds = value()?.parse()?,
                "--part" => args.part = Some(value()?.parse()?),
                "--check" => args.check = true,
                // What `cargo bench` adds by itself.
                "--bench" => {}
                _ => {
                    return Err(format!(
                        "unknown argument {argument:?}; use --records N, --rounds N, --check, --part NAME"
                    )
                    .into());
                }
            }
        }
        if args.records == 0 || args.rounds == 0 {
            return Err("--records and --rounds must be at least 1".into());
        }
        Ok(args)
    }
}
