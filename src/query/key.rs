//! The place of a record in time order, as it is passed around: `1795407734244875952-17`.

use std::fmt;
use std::str::FromStr;

use crate::error::QueryError;

/// When a record was made, and its id: no two records of a store have the same, and an answer is ordered by it.
///
/// ```
/// use logstore::RecordKey;
///
/// let key: RecordKey = "1795407734244875952-17".parse()?;
/// assert_eq!((key.created_ns, key.id), (1_795_407_734_244_875_952, 17));
/// assert_eq!(key.to_string(), "1795407734244875952-17");
/// # Ok::<(), logstore::QueryError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// When it was made, in nanoseconds since the Unix epoch.
    pub created_ns: i64,
    /// Its id in the store.
    pub id: i64,
}

impl RecordKey {
    /// Before all others.
    pub(crate) const MIN: RecordKey = RecordKey {
        created_ns: i64::MIN,
        id: i64::MIN,
    };

    /// Behind all others.
    pub(crate) const MAX: RecordKey = RecordKey {
        created_ns: i64::MAX,
        id: i64::MAX,
    };

    /// The first key behind this one.
    pub(crate) fn next(self) -> Option<Self> {
        let RecordKey { created_ns, id } = self;
        let same_time = id.checked_add(1).map(|id| RecordKey { created_ns, id });
        same_time.or_else(|| {
            Some(RecordKey {
                created_ns: created_ns.checked_add(1)?,
                id: i64::MIN,
            })
        })
    }

    /// The last key before this one.
    pub(crate) fn previous(self) -> Option<Self> {
        let RecordKey { created_ns, id } = self;
        let same_time = id.checked_sub(1).map(|id| RecordKey { created_ns, id });
        same_time.or_else(|| {
            Some(RecordKey {
                created_ns: created_ns.checked_sub(1)?,
                id: i64::MAX,
            })
        })
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.created_ns, self.id)
    }
}

impl FromStr for RecordKey {
    type Err = QueryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // A time before 1970 begins with a minus of its own.
        let minus = usize::from(text.starts_with('-'));
        let key = text[minus..].find('-').and_then(|dash| {
            let (created, id) = (&text[..minus + dash], &text[minus + dash + 1..]);
            Some(RecordKey {
                created_ns: created.parse().ok()?,
                id: id.parse().ok()?,
            })
        });
        key.ok_or_else(|| QueryError::Key {
            text: text.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn key(created_ns: i64, id: i64) -> RecordKey {
        RecordKey { created_ns, id }
    }

    #[test]
    fn what_is_no_key_is_told_with_the_way_out() {
        for text in [
            "",
            "-",
            "--",
            "7",
            "-7",
            "7-",
            "-7-",
            "a-7",
            "7-a",
            "7 -1",
            "1.5-7",
            "99999999999999999999-7",
            "7-7-7",
        ] {
            let error = text.parse::<RecordKey>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
            assert!(error.contains("created_ns-id"), "{error}");
        }
    }

    #[test]
    fn neighbours_of_a_key_are_the_nearest_there_can_be() {
        assert_eq!(key(5, 7).next(), Some(key(5, 8)));
        assert_eq!(key(5, i64::MAX).next(), Some(key(6, i64::MIN)));
        assert_eq!(RecordKey::MAX.next(), None);
        assert_eq!(key(5, 7).previous(), Some(key(5, 6)));
        assert_eq!(key(5, i64::MIN).previous(), Some(key(4, i64::MAX)));
        assert_eq!(RecordKey::MIN.previous(), None);
    }

    proptest! {
        #[test]
        fn a_key_is_read_back_as_it_was_shown(created_ns: i64, id: i64) {
            let key = key(created_ns, id);
            prop_assert_eq!(key.to_string().parse(), Ok(key));
        }
    }
}
