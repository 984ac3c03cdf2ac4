//! Why records cannot be kept as it was asked.

use super::QueryError;
use crate::level::ParseLevelError;

/// Why records cannot be kept as it was asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RetentionError {
    /// The text is no rule.
    #[error("{text:?} is no rule; write 30d, debug=3d or name:myapp.noisy=1d")]
    Rule {
        /// What was given.
        text: String,
        /// What is wrong with its time.
        source: QueryError,
    },
    /// There is no such level.
    #[error(transparent)]
    Level(#[from] ParseLevelError),
    /// A rule keeps nothing.
    #[error("records cannot be kept for no time at all, as {of} asks; keep them for 1s or longer")]
    NoTime {
        /// Which records.
        of: String,
    },
    /// A name that no logger can have here.
    #[error(
        "{name:?} is no name for a rule; write that of a logger, without *: what is under it goes with it"
    )]
    Name {
        /// What was given.
        name: String,
    },
    /// Two rules are about the same records.
    #[error("there are two rules for {of}; give one")]
    Twice {
        /// Which records.
        of: String,
    },
    /// The file would be too small to hold anything.
    #[error("a file of {bytes} bytes is too small; allow at least 1MiB")]
    TooSmall {
        /// What was allowed.
        bytes: u64,
    },
}
