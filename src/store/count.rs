//! Counting: how many records of each group there are.

use super::Reader;
use crate::count::{Count, Counts, Tally};
use crate::error::Error;
use crate::query::{Order, Query};

impl Reader {
    /// How many records of each group the store has: of those that were stored when it was asked.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] when the file cannot be read, [`Error::Query`] when there would be more than 100,000 buckets of time.
    pub fn count(&self, count: &Count) -> Result<Counts, Error> {
        let query = Query {
            limit: None,
            order: Order::OldestFirst,
            ..count.query.clone()
        };
        let mut tally = Tally::new(count);
        for stored in self.query(&query)? {
            tally.add(&stored?.record);
        }
        Ok(tally.finish()?)
    }
}
