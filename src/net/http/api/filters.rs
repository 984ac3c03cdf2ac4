//! The parameters that say which records are wanted: the same for every question.

use super::parameters::{Parameter, Parameters, flag, many, one, text};
use super::problem::Problem;
use crate::query::{Case, FieldFilter, FieldTest, Filters, Pattern, Query, parse_search_within};
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
    many("not-host"),
    many("not-process"),
    many("not-thread"),
    many("field"),
    many("words"),
    one("grep"),
    flag("ignore-case"),
    one("since"),
    one("until"),
    one("after-id"),
    one("zone"),
];

/// How many terms a search text may have.
const MOST_TERMS: usize = 100;

/// How many patterns a question may have, and how many bytes each of them when it is compiled.
const MOST_PATTERNS: usize = 16;
const PATTERN_BYTES: usize = 1 << 20;

/// The query for them, with no limit, oldest first. Patterns take their time to be compiled: this is for threads that may read.
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
    let fields = given.all("field").map(|text| {
        let field = FieldFilter::within(PATTERN_BYTES, text);
        field.map_err(|error| Problem::of_query("field", &error))
    });
    let grep = given.one("grep").map(|text| {
        let grep = Pattern::within(PATTERN_BYTES, text, case);
        grep.map_err(|error| Problem::of_query("grep", &error))
    });
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
        not_hosts: given.texts("not-host"),
        not_processes: given.texts("not-process"),
        not_threads: given.texts("not-thread"),
        fields: fields.collect::<Result<_, Problem>>()?,
        words: given.texts("words"),
        ..Filters::default()
    };
    let (now, zone) = (now_ns(), zone(given)?);
    let query = filters.query(now, zone);
    let query = Query {
        grep: grep.transpose()?,
        ..query.map_err(|error| Problem::of_query("since", &error))?
    };
    check_patterns("field", &query)?;
    let search = given.one("q").unwrap_or_default();
    if search.split_ascii_whitespace().count() > MOST_TERMS {
        let detail = format!("q has more than {MOST_TERMS} terms; use fewer");
        return Err(Problem::of("q", detail));
    }
    let searched = parse_search_within(PATTERN_BYTES, search, now, zone);
    let searched = searched.map_err(|error| Problem::of_search(&error))?;
    let query = query.and(searched);
    check_patterns("q", &query)?;
    Ok(Query {
        after_id: given.number("after-id", 0..=i64::MAX)?,
        ..query
    })
}

/// Fails when there are too many patterns, the last of them in this parameter.
fn check_patterns(parameter: &str, query: &Query) -> Result<(), Problem> {
    let patterns = query.parts().into_iter().map(|part| {
        let fields = part.fields.iter().chain(&part.not_fields);
        let fields = fields.filter(|field| matches!(field.test, FieldTest::Matches(_)));
        fields.count() + usize::from(part.grep.is_some()) + part.not_patterns.len()
    });
    if patterns.sum::<usize>() > MOST_PATTERNS {
        let detail =
            format!("there are more than {MOST_PATTERNS} regular expressions; use fewer, or words");
        return Err(Problem::of(parameter, detail));
    }
    Ok(())
}

/// Whose days and hours are meant.
pub(super) fn zone(given: &Parameters) -> Result<Zone, Problem> {
    Ok(given.read_one("zone")?.unwrap_or_default())
}
