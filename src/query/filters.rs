//! The filters as people write them: what the command line and the HTTP API take alike.

use super::{Case, FieldFilter, Pattern, Phrase, Query, parse_search};
use crate::error::QueryError;
use crate::level::Level;
use crate::time::{Zone, parse_since, parse_until};

/// Which records are wanted, times, words and patterns as they were written. All conditions must hold.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    /// At least this level.
    pub level: Option<Level>,
    /// At most this level.
    pub max_level: Option<Level>,
    /// See [`Query::exact_levels`].
    pub exact_levels: Vec<Level>,
    /// See [`Query::names`].
    pub names: Vec<String>,
    /// See [`Query::not_names`].
    pub not_names: Vec<String>,
    /// Not before this time, as [`parse_since`] reads it.
    pub since: Option<String>,
    /// Not after this time, as [`parse_until`] reads it.
    pub until: Option<String>,
    /// See [`Query::hosts`].
    pub hosts: Vec<String>,
    /// See [`Query::processes`].
    pub processes: Vec<String>,
    /// See [`Query::threads`].
    pub threads: Vec<String>,
    /// See [`Query::not_hosts`].
    pub not_hosts: Vec<String>,
    /// See [`Query::not_processes`].
    pub not_processes: Vec<String>,
    /// See [`Query::not_threads`].
    pub not_threads: Vec<String>,
    /// See [`Query::fields`].
    pub fields: Vec<FieldFilter>,
    /// A regular expression, see [`Query::grep`].
    pub grep: Option<String>,
    /// Whether it minds upper and lower case.
    pub case: Case,
    /// Words and phrases, as [`Phrase::parse_all`] reads them.
    pub words: Vec<String>,
    /// A search text, as [`parse_search`] reads it, whose conditions must hold besides.
    pub search: Option<String>,
}

impl Filters {
    /// The query for them, with no limit, oldest first. Times are read as of `now_ns`, days and hours without an offset on the clock of
    /// `zone`.
    ///
    /// # Errors
    ///
    /// [`QueryError::Filter`] for a text that cannot be read, [`QueryError::Crossed`] for bounds with nothing between them.
    pub fn query(&self, now_ns: i64, zone: Zone) -> Result<Query, QueryError> {
        let since = self.since.as_deref();
        let since = since.map(|text| parse_since(text, now_ns, zone));
        let until = self.until.as_deref();
        let until = until.map(|text| parse_until(text, now_ns, zone));
        let since_ns = since.transpose().map_err(of("since"))?;
        let until_ns = until.transpose().map_err(of("until"))?;
        if since_ns.zip(until_ns).is_some_and(|(low, high)| low > high) {
            return Err(QueryError::Crossed {
                low: "since",
                how: "is later than",
                high: "until",
            });
        }
        let levels = self.level.zip(self.max_level);
        if levels.is_some_and(|(low, high)| low > high) {
            return Err(QueryError::Crossed {
                low: "level",
                how: "is above",
                high: "max-level",
            });
        }
        let grep = self.grep.as_deref();
        let grep = grep.map(|text| Pattern::new(text, self.case));
        let mut phrases = Vec::new();
        for words in &self.words {
            phrases.extend(Phrase::parse_all(words).map_err(of("words"))?);
        }
        let search = self.search.as_deref().unwrap_or_default();
        let searched = parse_search(search, now_ns, zone).map_err(|error| {
            let text = search.to_owned();
            of("search")(QueryError::Search { text, error })
        })?;
        let query = Query {
            min_level: self.level,
            max_level: self.max_level,
            exact_levels: self.exact_levels.clone(),
            names: self.names.clone(),
            not_names: self.not_names.clone(),
            since_ns,
            until_ns,
            hosts: self.hosts.clone(),
            processes: self.processes.clone(),
            threads: self.threads.clone(),
            not_hosts: self.not_hosts.clone(),
            not_processes: self.not_processes.clone(),
            not_threads: self.not_threads.clone(),
            fields: self.fields.clone(),
            grep: grep.transpose().map_err(of("grep"))?,
            phrases,
            ..Query::default()
        };
        Ok(query.and(searched))
    }
}

fn of(filter: &'static str) -> impl Fn(QueryError) -> QueryError {
    move |source| QueryError::Filter {
        filter,
        source: Box::new(source),
    }
}
