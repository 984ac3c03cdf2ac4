//! `GET /api/histogram`: how many records of each level there were when, in buckets that fit.

use serde_json::{Value, json};

use super::Answer;
use super::filters;
use super::parameters::{Parameter, Parameters, one};
use super::problem::Problem;
use crate::count::{Count, GroupBy, LEVEL_STEPS};
use crate::query::Query;
use crate::store::Reader;
use crate::time::{Buckets, Every, Zone, now_ns, rfc3339_utc};

pub(super) const BUCKETS: &[Parameter] = &[one("buckets")];

const DEFAULT_BUCKETS: i64 = 60;

/// Of each level's step how many records.
pub(super) type Steps = [u64; LEVEL_STEPS.len()];

/// Adds records to the step of this name.
pub(super) fn add(steps: &mut Steps, name: &Value, records: u64) {
    let place = LEVEL_STEPS.iter().position(|step| name == *step);
    steps[place.unwrap_or_default()] += records;
}

pub(super) fn histogram(given: &Parameters, reader: &Reader) -> Result<Answer, Problem> {
    let query = filters::query(given)?;
    let zone = filters::zone(given)?;
    let buckets = given.number("buckets", 10..=500)?;
    let buckets = usize::try_from(buckets.unwrap_or(DEFAULT_BUCKETS)).unwrap_or(1);
    // Bounds in the search text count, too.
    let span = match (query.since_ns, query.until_ns) {
        (Some(since), Some(until)) => Some((since, until)),
        // Until now: that nothing has come of late is worth seeing.
        (Some(since), None) => {
            let newest = reader.span(&query)?.map(|(_, newest)| newest);
            Some((
                since,
                newest.map_or(now_ns(), |newest| newest.max(now_ns())),
            ))
        }
        (None, until) => reader
            .span(&query)?
            .map(|(oldest, newest)| (oldest, until.unwrap_or(newest))),
    };
    // Nothing is between bounds that have crossed.
    let Some((from, to)) = span.filter(|(from, to)| from <= to) else {
        let none = json!({"total": 0, "from": null, "to": null, "width_ms": 0, "levels": LEVEL_STEPS, "buckets": []});
        return Ok(Answer::json(none.to_string()));
    };
    let (every, starts) = fitting(from, to, buckets, zone);
    let counts = reader.count(&Count {
        query: Query {
            // What has arrived since would have buckets of its own.
            since_ns: Some(from),
            until_ns: Some(to),
            ..query
        },
        by: vec![GroupBy::LevelStep],
        every: Some(every),
    })?;
    let mut bars = vec![Steps::default(); starts.len()];
    for row in &counts.rows {
        let place = starts.binary_search(&row.start_ns.unwrap_or_default());
        if let Ok(place) = place {
            add(&mut bars[place], &row.key[0], row.count);
        }
    }
    let bars = starts.iter().zip(&bars);
    let bars = bars
        .map(|(start, counts)| json!({"start_ms": start.div_euclid(1_000_000), "counts": counts}));
    let histogram = json!({
        "total": counts.total,
        "from": rfc3339_utc(from),
        "to": rfc3339_utc(to),
        "width_ms": every.width_ns() / 1_000_000,
        "levels": LEVEL_STEPS,
        "buckets": bars.collect::<Vec<Value>>(),
    });
    Ok(Answer::json(histogram.to_string()))
}

/// The narrowest round buckets of which at most so many lie between two moments, and where they begin.
fn fitting(from: i64, to: i64, buckets: usize, zone: Zone) -> (Every, Vec<i64>) {
    let span = to.abs_diff(from);
    let mut most = buckets;
    loop {
        let every = Every::fitting(span, most, zone);
        let starts = Buckets::new(every).starts(from, to);
        // The first and the last one may be there in part; days on which clocks are set may have one more.
        if starts.len() <= buckets || most == 1 {
            return (every, starts);
        }
        most -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_at_most_as_many_buckets_as_asked_for() {
        for (span, buckets, width) in [
            (0, 60, 1_000_000),
            (59_000_000_000, 60, 1_000_000_000),
            // Sixty whole ones would be sixty-one that are begun.
            (60_000_000_000, 60, 2_000_000_000),
            (86_399_999_999_999, 24, 3_600_000_000_000),
            (i64::MAX, 10, 0),
        ] {
            let (every, starts) = fitting(0, span, buckets, Zone::Utc);
            assert!(starts.len() <= buckets, "{span}: {every}");
            assert!(width == 0 || every.width_ns() == width, "{span}: {every}");
        }
        let (_, starts) = fitting(i64::MIN, i64::MAX, 10, Zone::Utc);
        assert!(starts.len() <= 10);
    }
}
