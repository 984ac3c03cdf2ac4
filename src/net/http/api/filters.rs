//! The parameters that say which records are wanted: the same for every question.

use super::parameters::{Parameter, Parameters, flag, many, one, text};
use super::problem::Problem;
use crate::query::{Case, Filters, Query, parse_search};
use crate::time::{Zone, now_ns};

/// They are called as the flags of `logstore query`.
pub(super) const FILTERS: &[Parameter] = &[
    text("q"),
    one("level"),
    one("max-level"),
    many("exact-level"),
    many("name"),
    many("not-name"),
    many("host"),
    many("process"),
    many("thread"),
    many("field"),
    many("words"),
    one("grep"),
    flag("ignore-case"),
    one("since"),
    one("until"),
    one("after-id"),
    one("zone"),
];

/// How many terms a search text may have. Each may be a pattern that takes memory.
const MOST_TERMS: usize = 100;

/// The query for them, with no limit, oldest first.
pub(super) fn query(given: &Parameters) -> Result<Query, Problem> {
    let exact_levels = given.read_all("exact-level")?;
    let (level, max_level) = (given.read_one("level")?, given.read_one("max-level")?);
    if !exact_levels.is_empty() && (level.is_some() || max_level.is_some()) {
        let detail =
            "exact-level goes neither with level nor with max-level; leave out one of them";
        return Err(Problem::of("exact-level", detail));
    }
    let case = if given.flag("ignore-case") {
        Case::Ignored
    } else {
        Case::Minded
    };
    if given.flag("ignore-case") && given.one("grep").is_none() {
        let detail = "ignore-case is for grep, which is missing";
        return Err(Problem::of("ignore-case", detail));
    }
    let filters = Filters {
        level,
        max_level,
        exact_levels,
        names: given.texts("name"),
        not_names: given.texts("not-name"),
        since: given.one("since").map(str::to_owned),
        until: given.one("until").map(str::to_owned),
        hosts: given.texts("host"),
        processes: given.texts("process"),
        threads: given.texts("thread"),
        fields: given.read_all("field")?,
        grep: given.one("grep").map(str::to_owned),
        case,
        words: given.texts("words"),
    };
    let (now, zone) = (now_ns(), zone(given)?);
    let query = filters.query(now, zone);
    let query = query.map_err(|error| Problem::of_query("since", &error))?;
    let search = given.one("q").unwrap_or_default();
    if search.split_ascii_whitespace().count() > MOST_TERMS {
        let detail = format!("q has more than {MOST_TERMS} terms; use fewer");
        return Err(Problem::of("q", detail));
    }
    let searched = parse_search(search, now, zone);
    let searched = searched.map_err(|error| Problem::of_search(&error))?;
    Ok(Query {
        after_id: given.number("after-id", 0..=i64::MAX)?,
        ..query.and(searched)
    })
}

/// Whose days and hours are meant.
pub(super) fn zone(given: &Parameters) -> Result<Zone, Problem> {
    let zones = [("local", Zone::Local), ("utc", Zone::Utc)];
    Ok(given.word("zone", &zones)?.unwrap_or(Zone::Local))
}
