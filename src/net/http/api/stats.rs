//! `GET /api/stats`: as `logstore stats -o json`.

use super::Answer;
use super::filters;
use super::parameters::Parameters;
use super::problem::Problem;
use crate::format::display_value;
use crate::store::Reader;

/// So many buckets the histogram has.
const BUCKETS: usize = 100;

pub(super) fn stats(given: &Parameters, reader: &Reader) -> Result<Answer, Problem> {
    let (query, zone) = (filters::query(given)?, filters::zone(given)?);
    let overview = reader.overview(&query)?;
    let count = |span| reader.level_histogram(&query, span, BUCKETS, zone);
    let histogram = overview.all.span_ns.map(count).transpose()?;
    Ok(Answer::json(display_value(
        &overview.json(histogram.as_ref()),
    )))
}
