//! `GET /api/stream`: the live tail of a filter, as server-sent events.

use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Method, Request, Response};
use tokio::time::sleep;

use super::live::EventId;
use super::parameters::Parameters;
use super::problem::Problem;
use crate::net::http::Exchange;
use crate::net::http::answer::{Body, whole};
use crate::query::Query;

const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");

/// Where a browser resumes that was cut off: the id of the last event that it saw.
const LAST_EVENT_ID: &str = "last-event-id";

/// How long a client may take for what waits when nothing more comes.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// Asks proxies to pass on what comes at once.
const UNBUFFERED: (HeaderName, HeaderValue) = (
    HeaderName::from_static("x-accel-buffering"),
    HeaderValue::from_static("no"),
);

impl Exchange<'_> {
    pub(super) async fn stream(
        &self,
        given: Parameters,
        request: &Request<Incoming>,
    ) -> Result<Response<Body>, Problem> {
        let query = self.query(given).await?;
        // A browser that comes again has both, and has got on since.
        let after =
            last_event_id(request)?.or_else(|| query.after_id.map(|id| EventId { id, file: None }));
        let query = Query {
            after_id: None,
            ..query
        };
        let hub = self
            .shared
            .rules
            .live
            .as_ref()
            .ok_or_else(Problem::no_database)?;
        let body = if *request.method() == Method::HEAD {
            whole(Bytes::new())
        } else {
            let (tail, over) = hub.listen(query, after)?;
            let stuck = async {
                let _ = over.await;
                sleep(END_TIMEOUT).await;
            };
            self.guarded(tail.boxed_unsync(), stuck)
        };
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, EVENTS);
        headers.extend([UNBUFFERED]);
        Ok(response)
    }
}

fn last_event_id(request: &Request<Incoming>) -> Result<Option<EventId>, Problem> {
    let Some(value) = request.headers().get(LAST_EVENT_ID) else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(value.as_bytes());
    text.trim().parse().map(Some).map_err(|_| {
        let detail = format!(
            "Last-Event-ID is {text:?}; use the id of an event as it came, or a number from 0 on"
        );
        Problem::of("Last-Event-ID", detail)
    })
}
