//! Chance: for names that must not meet and pauses that must not keep step. It is no secret.

use std::hash::{BuildHasher, RandomState};

/// A number by chance, from the only source of it that the standard library has.
pub(crate) fn chance() -> u64 {
    RandomState::new().hash_one(())
}
