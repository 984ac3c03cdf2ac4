//! How much goes into a transaction: as much as is stored in a fraction of a second, so that whoever waits for it does not wait long.

use std::time::Duration;

use crate::queue::Portion;

/// A transaction that took longer is followed by smaller ones, one that took a quarter of it by larger ones.
const LONG: Duration = Duration::from_millis(200);

/// How often a portion is halved at the most.
const MOST_HALVINGS: u32 = 6;

/// The portions of a writer, on whatever machine it runs.
#[derive(Debug)]
pub(super) struct Pace {
    whole: Portion,
    halvings: u32,
}

impl Pace {
    /// At first whole portions.
    pub(super) fn new(whole: Portion) -> Self {
        Pace { whole, halvings: 0 }
    }

    /// How much is to go into the next transaction.
    pub(super) fn portion(&self) -> Portion {
        Portion {
            records: (self.whole.records >> self.halvings).max(1),
            bytes: (self.whole.bytes >> self.halvings).max(1),
            ..self.whole
        }
    }

    /// A transaction took so long.
    pub(super) fn took(&mut self, elapsed: Duration) {
        if elapsed > LONG {
            self.halvings = MOST_HALVINGS.min(self.halvings + 1);
        } else if elapsed < LONG / 4 {
            self.halvings = self.halvings.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_transactions_get_smaller_and_fast_ones_larger_again() {
        let mut pace = Pace::new(Portion {
            records: 1000,
            bytes: 1 << 20,
            delay: Duration::ZERO,
        });
        let records = |pace: &Pace| pace.portion().records;
        pace.took(Duration::from_millis(100));
        assert_eq!(records(&pace), 1000);
        pace.took(Duration::from_millis(201));
        assert_eq!(records(&pace), 500);
        for _ in 0..100 {
            pace.took(Duration::from_secs(1));
        }
        assert_eq!((records(&pace), pace.portion().bytes), (15, 1 << 14));
        pace.took(Duration::from_millis(100));
        assert_eq!(records(&pace), 15);
        for _ in 0..6 {
            pace.took(Duration::ZERO);
        }
        assert_eq!(records(&pace), 1000);
    }
}
