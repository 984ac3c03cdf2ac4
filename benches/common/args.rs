//! What the command line asks for.

use std::str::FromStr;

use super::Result;

/// The arguments after `--`.
pub(crate) struct Args<P> {
    /// How many records there are.
    pub(crate) records: usize,
    /// How many times each part runs.
    pub(crate) rounds: usize,
    /// Whether a missed bar is a failure.
    pub(crate) check: bool,
    /// Run this part alone: what a profiler wants.
    pub(crate) part: Option<P>,
}

impl<P: FromStr<Err = String>> Args<P> {
    /// Reads the arguments; `self` says what is meant by none.
    pub(crate) fn parse(mut self, mut given: impl Iterator<Item = String>) -> Result<Self> {
        while let Some(argument) = given.next() {
            let mut value = || {
                given
                    .next()
                    .ok_or_else(|| format!("{argument} needs a value"))
            };
            match argument.as_str() {
                "--records" => self.records = value()?.parse()?,
                "--rounds" => self.rounds = value()?.parse()?,
                "--part" => self.part = Some(value()?.parse()?),
                "--check" => self.check = true,
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
        if self.records == 0 || self.rounds == 0 {
            return Err("--records and --rounds must be at least 1".into());
        }
        Ok(self)
    }
}
