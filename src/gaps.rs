//! Which records of clients that number them have not come.

/// What has come of one client, and what has not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientGaps {
    /// The client's name for itself, its extra field `client`.
    pub client: String,
    /// The lowest number that has come.
    pub first: i64,
    /// The highest number that has come.
    pub last: i64,
    /// How many numbers have come.
    pub came: u64,
    /// Runs of numbers that have not come, each from its first to its last. Numbering begins with 0 or 1; in a file that was begun when
    /// another was moved away, with the first that came.
    pub missing: Vec<(i64, i64)>,
}

impl ClientGaps {
    /// Of the runs of numbers that have come, in order; `None`: of none. `begins_here`: the client's first records are to be in this file.
    pub(crate) fn of(client: String, ranges: &[(i64, i64)], begins_here: bool) -> Option<Self> {
        let (&(first, _), &(_, last)) = (ranges.first()?, ranges.last()?);
        let before = (begins_here && first > 1).then_some((1, first - 1));
        let between = ranges.windows(2).filter_map(|pair| {
            Some((
                pair.first()?.1.saturating_add(1),
                pair.last()?.0.saturating_sub(1),
            ))
        });
        Some(ClientGaps {
            client,
            first,
            last,
            came: ranges.iter().map(|range| length(*range)).sum(),
            missing: before.into_iter().chain(between).collect(),
        })
    }

    /// How many numbers have not come.
    #[must_use]
    pub fn missing_count(&self) -> u64 {
        self.missing.iter().map(|range| length(*range)).sum()
    }
}

fn length((first, last): (i64, i64)) -> u64 {
    last.abs_diff(first) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_not_come_is_before_and_between() {
        let gaps = |ranges| ClientGaps::of("a".into(), ranges, true).unwrap();
        assert_eq!(ClientGaps::of("a".into(), &[], true), None);
        assert_eq!(gaps(&[(0, 9)]).missing, []);
        assert_eq!(gaps(&[(1, 9)]).missing, []);
        let some = gaps(&[(3, 4), (6, 6), (10, 12)]);
        assert_eq!(some.missing, [(1, 2), (5, 5), (7, 9)]);
        assert_eq!(
            (some.first, some.last, some.came, some.missing_count()),
            (3, 12, 6, 6)
        );
        let later = ClientGaps::of("a".into(), &[(3, 4), (6, 6)], false).unwrap();
        assert_eq!(later.missing, [(5, 5)]);
    }
}
