//! What requests are answered with.

use std::io;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{
    ALLOW, CONTENT_TYPE, HeaderValue, RETRY_AFTER as RETRY_AFTER_NAME, WWW_AUTHENTICATE,
};
use hyper::{Method, Response, StatusCode};
use serde_json::json;

use super::RETRY_AFTER;
use super::collectors::{PROTOBUF, branded};
use crate::error::WireError;
use crate::wire::elastic;
use crate::wire::otlp::{status_json, status_protobuf};

/// The body of an answer, as a whole or as it is made. One that fails breaks the connection off, so that nobody takes it for complete.
pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// A body that is there as a whole.
pub(super) fn whole(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

pub(super) const JSON: &str = "application/json";

/// Why a request is not served as it should be.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) reason: String,
    /// The methods that there are, for 405.
    pub(super) allow: Option<&'static str>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Refusal {
            status,
            reason: reason.into(),
            allow: None,
        }
    }

    /// Another method than a path has.
    pub(super) fn method(given: &Method, path: &str, allow: &'static str) -> Self {
        let reason = format!("{given} is not for {path}; use {allow}");
        Refusal {
            allow: Some(allow),
            ..Refusal::new(StatusCode::METHOD_NOT_ALLOWED, reason)
        }
    }

    /// The body is none of what is taken here.
    pub(super) fn bad(reason: &dyn std::fmt::Display) -> Self {
        Refusal::new(StatusCode::BAD_REQUEST, reason.to_string())
    }

    /// As [`Refusal::bad`], or too long.
    pub(super) fn of(error: &WireError) -> Self {
        let status = match error {
            WireError::BodyTooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        };
        Refusal::new(status, error.to_string())
    }

    /// It is not the request's fault, and should be sent again.
    pub(super) fn later(reason: &str) -> Self {
        let reason = format!("{reason}; send it again");
        Refusal::new(StatusCode::SERVICE_UNAVAILABLE, reason)
    }

    /// Whether what was sent is at fault: then an operator wants to know. Of a wrong place or method, only when records may have come
    /// with it.
    pub(super) fn is_of_content(&self, with_records: bool) -> bool {
        let misplaced = matches!(
            self.status,
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
        );
        self.status.is_client_error() && (with_records || !misplaced)
    }
}

/// An answer with this body.
pub(super) fn respond(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = Response::new(whole(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

pub(super) fn json(status: StatusCode, text: String) -> Response<Body> {
    respond(status, JSON, text.into_bytes())
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(whole(Bytes::new()));
    *response.status_mut() = status;
    response
}

/// The answer to a request that is not served, in the words of whoever is asked for at this path.
/// Whoever sends OTLP in protobuf gets it back.
pub(super) fn refuse(path: &str, kind: &str, refusal: &Refusal) -> Response<Body> {
    let Refusal {
        status,
        reason,
        allow,
    } = refusal;
    let body = if path.starts_with("/elasticsearch") {
        elastic::error(status.as_u16(), reason)
    } else if path.starts_with("/v1/") {
        status_json(reason)
    } else {
        json!({"error": reason}).to_string()
    };
    let mut response = if path == "/v1/logs" && kind == PROTOBUF {
        respond(*status, PROTOBUF, status_protobuf(reason))
    } else {
        json(*status, body)
    };
    if path.starts_with("/elasticsearch") {
        response = branded(response);
    }
    with_way_out(response, *allow, RETRY_AFTER)
}

/// The same answer with what its status wants to be said in headers: which methods are for the path, in how many
/// seconds to come again, what proof is wanted.
pub(super) fn with_way_out(
    mut response: Response<Body>,
    allow: Option<&'static str>,
    retry_after: u32,
) -> Response<Body> {
    let status = response.status();
    let headers = response.headers_mut();
    if let Some(allow) = allow {
        headers.insert(ALLOW, HeaderValue::from_static(allow));
    }
    match status {
        StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(RETRY_AFTER_NAME, retry_after.into());
        }
        StatusCode::UNAUTHORIZED => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        _ => {}
    }
    response
}
