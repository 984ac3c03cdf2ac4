//! `/api/session`: a browser keeps a cookie instead of the token. It opens what only reads.

use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderValue, SET_COOKIE};
use hyper::{Method, Request, Response, StatusCode};

use crate::net::access::Channel;
use crate::net::http::Exchange;
use crate::net::http::answer::{Body, empty};

/// A year, after which the token is asked for again.
const MAX_AGE_SECONDS: u32 = 365 * 24 * 60 * 60;

/// Whether a request takes a session back, which may be done by whoever has one.
pub(in crate::net::http) fn is_end(request: &Request<Incoming>) -> bool {
    *request.method() == Method::DELETE && request.uri().path() == "/api/session"
}

impl Exchange<'_> {
    /// The cookie for the token that came with the request. Where no token is wanted, there is nothing to keep.
    pub(super) fn begin_session(&self, headers: &HeaderMap) -> Response<Body> {
        let session = self.shared.rules.access.session(headers);
        let cookie = session.map(|session| self.cookie(&session, MAX_AGE_SECONDS));
        answer(cookie)
    }

    pub(super) fn end_session(&self) -> Response<Body> {
        answer(Some(self.cookie("", 0)))
    }

    fn cookie(&self, value: &str, max_age: u32) -> String {
        let secure = match self.channel {
            Channel::Plain => "",
            Channel::Tls => "; Secure",
        };
        let name = self.shared.rules.access.session_cookie();
        format!("{name}={value}; HttpOnly; SameSite=Strict; Path=/api; Max-Age={max_age}{secure}")
    }
}

fn answer(cookie: Option<String>) -> Response<Body> {
    let mut response = empty(StatusCode::NO_CONTENT);
    if let Some(cookie) = cookie.and_then(|cookie| HeaderValue::try_from(cookie).ok()) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}
