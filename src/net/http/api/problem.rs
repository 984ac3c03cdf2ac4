//! Why a question is not answered, as a problem document (RFC 9457).

use std::fmt;

use hyper::{Response, StatusCode};
use serde_json::json;

use crate::error::{Error, QueryError, SearchError, StoreError};
use crate::level::ParseLevelError;
use crate::net::http::answer::{Body, Refusal, respond, with_way_out};

const PROBLEM: &str = "application/problem+json";

/// When a client that was sent away should ask again, in seconds.
const RETRY_AFTER: u32 = 1;

/// See the module's documentation.
#[derive(Debug)]
pub(in crate::net::http) struct Problem {
    status: StatusCode,
    detail: String,
    /// Which parameter is at fault.
    parameter: Option<String>,
    /// Where in its text: from and to, in UTF-16 code units.
    at: Option<(usize, usize)>,
    /// The methods that there are, for 405.
    allow: Option<&'static str>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Problem {
            status,
            detail: detail.into(),
            parameter: None,
            at: None,
            allow: None,
        }
    }

    /// A parameter is not as it should be.
    pub(super) fn of(parameter: &str, detail: impl Into<String>) -> Self {
        Problem {
            parameter: Some(parameter.to_owned()),
            ..Problem::new(StatusCode::BAD_REQUEST, detail)
        }
    }

    /// The same, of this part of the parameter's text.
    pub(super) fn within(self, text: &str, part: &str) -> Self {
        let begin = part.as_ptr().addr() - text.as_ptr().addr();
        let from = text[..begin].encode_utf16().count();
        Problem {
            at: Some((from, from + part.encode_utf16().count())),
            ..self
        }
    }

    /// The text of a parameter cannot be read.
    pub(super) fn of_query(parameter: &str, error: &QueryError) -> Self {
        match error {
            QueryError::Filter { filter, source } => Problem::of_query(filter, source),
            QueryError::Crossed { low, .. } => Problem::of(low, error.to_string()),
            _ => Problem {
                at: place(error),
                ..Problem::of(parameter, on_one_line(error))
            },
        }
    }

    /// The search text cannot be read.
    pub(super) fn of_search(error: &SearchError) -> Self {
        Problem {
            at: Some((error.from, error.to)),
            ..Problem::of("q", error.message.as_str())
        }
    }

    /// There is nobody any more to be answered.
    pub(super) fn gone() -> Self {
        let detail = "the client ended the connection before it was answered";
        Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
    }

    pub(super) fn no_database() -> Self {
        Problem::not_found("this receiver was given no database to answer from")
    }

    /// The record that is meant is not in the file that is read now.
    pub(super) fn moved(id: i64) -> Self {
        let detail = format!(
            "record {id} was in a file that has been moved away since; query that file by `logstore query --db`"
        );
        Problem::new(StatusCode::GONE, detail)
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Problem::new(StatusCode::NOT_FOUND, detail)
    }

    pub(in crate::net::http) fn respond(&self) -> Response<Body> {
        let mut document = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or_default(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let Some(parameter) = &self.parameter {
            document["parameter"] = parameter.as_str().into();
        }
        if let Some((from, to)) = self.at {
            document["at"] = json!([from, to]);
        }
        let response = respond(self.status, PROBLEM, document.to_string());
        with_way_out(response, self.allow, RETRY_AFTER)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Problem {
            allow: refusal.allow,
            ..Problem::new(refusal.status, refusal.reason)
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        // What the error says itself names paths of this machine, which are nobody's business elsewhere.
        let (status, detail) = match error {
            StoreError::Cancelled => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the question was taken back",
            ),
            StoreError::Missing { .. } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "there is no database at the server's path; records that come make a new one",
            ),
            StoreError::Busy { .. } => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the database is locked by another program; ask again in a moment",
            ),
            StoreError::Damaged { .. } => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "the database is damaged; `logstore check` on the server's machine says where",
            ),
            _ => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "the database could not be read; `logstore check` on the server's machine may say why",
            ),
        };
        Problem::new(status, detail)
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            Error::Query(error) => Problem::new(StatusCode::BAD_REQUEST, on_one_line(&error)),
            _ => Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "answering this question failed",
            ),
        }
    }
}

/// What an error says, without the lines on which it shows a place: whoever gets it has that as numbers.
fn on_one_line(error: &QueryError) -> String {
    let text = error.to_string();
    let lines = text.lines().filter(|line| !line.starts_with("    "));
    lines.collect::<Vec<_>>().join("; ")
}

/// Where in its text an error is: one character, or all of it.
fn place(error: &QueryError) -> Option<(usize, usize)> {
    let (text, at) = match error {
        QueryError::Level(ParseLevelError(text))
        | QueryError::Key { text }
        | QueryError::Zone { text } => {
            return Some((0, text.encode_utf16().count()));
        }
        QueryError::Time { text, at, .. }
        | QueryError::Duration { text, at, .. }
        | QueryError::Pattern {
            pattern: text, at, ..
        }
        | QueryError::Phrase { text, at, .. }
        | QueryError::Field { text, at, .. } => (text, *at),
        _ => return None,
    };
    let (before, rest) = text.split_at_checked(at)?;
    let from = before.encode_utf16().count();
    let width = rest.chars().next().map_or(0, char::len_utf16);
    Some((from, from + width))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Pattern;

    #[test]
    fn no_problem_names_a_path() {
        let missing = StoreError::Missing {
            path: "/secret".into(),
        };
        let problem = Problem::from(missing);
        assert_eq!(problem.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(!problem.detail.contains("secret"), "{}", problem.detail);
    }

    #[test]
    fn a_place_is_counted_as_javascript_counts() {
        let error = Pattern::new("é😀(", crate::query::Case::Minded).unwrap_err();
        let problem = Problem::of_query("grep", &error);
        assert_eq!(problem.at, Some((3, 4)));
        assert!(!problem.detail.contains('\n'), "{}", problem.detail);
        assert_eq!(problem.parameter.as_deref(), Some("grep"));
    }
}
