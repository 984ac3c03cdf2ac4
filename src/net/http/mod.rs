//! HTTP in: what SDKs and collectors post, on the port that everything else comes to.
//!
//! A 2xx is given when the records are stored. Who gets another answer, or none, should send again; what had been queued by then
//! may then be there twice.

mod answer;
mod api;
mod body;
mod coding;
mod collectors;
mod guard;
mod ingest;
mod line;
mod page;
mod split;
mod writes;

pub use api::DEFAULT_QUERY_TIMEOUT;
pub(super) use api::{Hub, Questions, THREADS};

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use std::future::poll_fn;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use self::answer::{Body, JSON, Refusal, json, refuse, respond};
use self::api::Problem;
use self::body::{Packing, pass_over, read_body};
use self::line::Line;
use self::writes::{Haste, TimedWrites};
use super::access::{Channel, Refused, Visit, Wants};
use super::connection::STOP_TIMEOUT;
use super::counters::Source;
use super::shared::{Held, Shared, hostname_of, stopped};
use crate::batch::Batch;
use crate::error::WireError;
use crate::sink::Ticket;
use crate::time::now_ns;
use crate::wire::Context;

/// The text format of Prometheus.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How long a client may take for the head of a request, and be silent between two.
const HEAD_TIMEOUT: Duration = Duration::from_mins(2);

/// How long a client may take nothing of an answer; `--idle-timeout`, where it is shorter.
const WRITE_TIMEOUT: Duration = Duration::from_mins(2);

/// How much a client has to take of what is there for it, a second on average, over so much time in which it was waited for: it holds
/// room that others want, too.
const WRITE_BYTES_PER_SECOND: u32 = 16 << 10;
const WRITE_RATE_OVER: Duration = Duration::from_mins(1);

/// How long a head may be, and how much of a body is read at a time. Thousands of clients may send so much and nothing more.
const READ_BYTES: usize = 32 << 10;

/// How much of a body is unpacked or decoded before others have their turn.
const PORTION_BYTES: usize = 256 << 10;

/// How long a request waits for room in the queue, and then for its records to be stored.
const ROOM_TIMEOUT: Duration = Duration::from_secs(5);
const STORED_TIMEOUT: Duration = Duration::from_secs(10);

/// What a request hears whose records are not stored by then.
const NOT_YET: &str = "the records are queued and will be stored, but are not yet; sending them again stores them twice, \
    but for those that carry client and seq";

/// When a client that was sent away should come again, in seconds.
const RETRY_AFTER: u32 = 5;

/// What a request is answered with, besides the words of its protocol.
pub(super) struct Exchange<'a> {
    shared: &'a Rc<Shared>,
    peer: SocketAddr,
    hostname: &'a str,
    /// By which way the records of this request come.
    source: Source,
    channel: Channel,
    /// Ready when the client has ended its side.
    poll_end: &'a PollEnd,
    /// Breaks the connection off.
    cut: &'a Rc<Notify>,
}

/// Whether a client has ended its side.
type PollEnd = Rc<dyn Fn(&mut std::task::Context<'_>) -> Poll<()>>;

/// Serves requests until the client goes, or until the stop and the end of what is being answered.
pub(super) async fn serve(
    shared: &Rc<Shared>,
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    peer: SocketAddr,
    channel: Channel,
    stop: watch::Receiver<bool>,
) {
    let idle = shared.rules.idle_timeout.unwrap_or(WRITE_TIMEOUT);
    let haste = Haste {
        silence: idle.min(WRITE_TIMEOUT),
        bytes_per_second: WRITE_BYTES_PER_SECOND,
        over: WRITE_RATE_OVER,
    };
    serve_in_haste(shared, stream, peer, channel, stop, haste).await;
}

/// As [`serve`], for a client that takes its answers so fast.
async fn serve_in_haste(
    shared: &Rc<Shared>,
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    peer: SocketAddr,
    channel: Channel,
    mut stop: watch::Receiver<bool>,
    haste: Haste,
) {
    let hostname = hostname_of(peer);
    let line = Line::new(TimedWrites::new(stream, haste));
    let ends = line.clone();
    let poll_end: PollEnd = Rc::new(move |context| ends.poll_end(context));
    let cut = Rc::new(Notify::new());
    let service = service_fn(|request: Request<Incoming>| {
        let exchange = Exchange {
            shared,
            peer,
            hostname: &hostname,
            source: source_of(request.uri().path()),
            channel,
            poll_end: &poll_end,
            cut: &cut,
        };
        async move { Ok::<_, Infallible>(exchange.answer(request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(READ_BYTES)
        // Who has no more to say may still listen.
        .half_close(true)
        .serve_connection(TokioIo::new(line), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = stopped(&mut stop) => None,
        () = cut.notified() => return,
    };
    let ended = if let Some(ended) = ended {
        ended
    } else {
        connection.as_mut().graceful_shutdown();
        timeout(STOP_TIMEOUT, connection).await.unwrap_or(Ok(()))
    };
    // A client that goes in the middle is no fault of what it says.
    if let Err(error) = ended
        && error.is_parse()
    {
        let reason = error.to_string();
        shared.reject(peer, Source::Other, WireError::Http { reason });
    }
}

/// What forms of other sites' pages send without asking anybody is not taken, besides the look at Origin; but for the form of Python's
/// `HTTPHandler`.
fn check_media_type(path: &str, kind: &str) -> Result<(), Refusal> {
    match kind {
        "application/x-www-form-urlencoded" if path == "/ingest" => Ok(()),
        "application/x-www-form-urlencoded" | "text/plain" | "multipart/form-data" => {
            Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!(
                    "Content-Type {kind} is not taken here; use {JSON} or what your protocol has"
                ),
            ))
        }
        _ => Ok(()),
    }
}

/// What is posted to a path.
fn source_of(path: &str) -> Source {
    match path.trim_matches('/').split('/').next() {
        Some("ingest") => Source::Ingest,
        Some("gelf") => Source::Gelf,
        Some("v1") => Source::Otlp,
        Some("loki") => Source::Loki,
        Some("elasticsearch") => Source::Elastic,
        _ => Source::Other,
    }
}

impl Exchange<'_> {
    async fn answer(&self, mut request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path().to_owned();
        if api::is_path(&path) {
            let answered = match self.check(&request) {
                Ok(()) => self.api(&request).await,
                Err(refusal) => Err(refusal.into()),
            };
            return api::marked(answered.unwrap_or_else(|problem: Problem| problem.respond()));
        }
        let kind = ingest::media_type(request.headers());
        // Many clients do not look at the status: records that went to a wrong place are lost.
        let posts = matches!(*request.method(), Method::POST | Method::PUT);
        let checked = self.check(&request).and_then(|()| {
            if posts {
                check_media_type(&path, &kind)
            } else {
                Ok(())
            }
        });
        let answered = match checked {
            Ok(()) => self.route(&path, &mut request).await,
            Err(refusal) => Err(refusal),
        };
        match answered {
            Ok(answer) => answer,
            Err(refusal) => {
                if refusal.is_of_content(posts || path == "/ingest") {
                    let reason = format!("{path}: {}", refusal.reason);
                    self.shared
                        .reject(self.peer, self.source, WireError::Http { reason });
                }
                pass_over(&mut request).await;
                refuse(&path, &kind, &refusal)
            }
        }
    }

    fn check(&self, request: &Request<Incoming>) -> Result<(), Refusal> {
        let authority = request
            .uri()
            .authority()
            .map(hyper::http::uri::Authority::as_str);
        let path = request.uri().path();
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let wants = if reads && page::has(path) {
            Wants::Nothing
        } else if reads && api::is_path(path) || api::is_end_of_session(request) {
            Wants::Reading
        } else {
            Wants::All
        };
        let checked = self.shared.rules.access.check(Visit {
            version: request.version(),
            authority,
            headers: request.headers(),
            wants,
            channel: self.channel,
        });
        checked.map_err(|refused| match refused {
            Refused::Unclear => Refusal::new(
                StatusCode::BAD_REQUEST,
                "a request names one host, in a single Host header",
            ),
            Refused::Token => Refusal::new(
                StatusCode::UNAUTHORIZED,
                "a token is wanted: Authorization: Bearer TOKEN",
            ),
            Refused::OtherToken => Refusal::new(
                StatusCode::UNAUTHORIZED,
                "the token is not one of those in the server's --token-file",
            ),
            Refused::Origin => {
                Refusal::new(StatusCode::FORBIDDEN, "requests from pages of other sites are not served")
            }
            Refused::Host => Refusal::new(
                StatusCode::FORBIDDEN,
                "the Host of a request to this port has to be localhost, an address of this machine's own or, for reading, its name",
            ),
        })
    }

    async fn route(
        &self,
        path: &str,
        request: &mut Request<Incoming>,
    ) -> Result<Response<Body>, Refusal> {
        let method = request.method().clone();
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        let (post, get) = (
            method == Method::POST,
            method == Method::GET || method == Method::HEAD,
        );
        if get && let Some(file) = page::serve(path, request.headers()) {
            return Ok(file);
        }
        match segments.as_slice() {
            ["ingest"] if post => self.ingest(request).await,
            ["gelf"] if post => self.gelf(request).await,
            ["v1", "logs"] if post => self.otlp(request).await,
            ["loki", "api", "v1", "push"] if post => self.loki(request).await,
            ["elasticsearch"] if get => Ok(Self::elastic_root()),
            ["elasticsearch", "_license"] if get => Ok(Self::elastic_license()),
            ["elasticsearch", "_bulk"] if post || method == Method::PUT => {
                self.elastic_bulk(None, request).await
            }
            ["elasticsearch", index, "_bulk"] if post || method == Method::PUT => {
                self.elastic_bulk(Some(index), request).await
            }
            ["healthz"] if get => Ok(self.health()),
            ["metrics"] if get => self.metrics(),
            ["ingest" | "gelf"] | ["v1", "logs"] | ["loki", "api", "v1", "push"] => {
                Err(Refusal::method(&method, path, "POST"))
            }
            ["elasticsearch", "_bulk"] | ["elasticsearch", _, "_bulk"] => {
                Err(Refusal::method(&method, path, "POST, PUT"))
            }
            ["healthz" | "metrics" | "elasticsearch"] | ["elasticsearch", "_license"] => {
                Err(Refusal::method(&method, path, "GET, HEAD"))
            }
            _ if page::has(path) => Err(Refusal::method(&method, path, "GET, HEAD")),
            _ if get => Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "there is nothing here; the page is at /, questions go to /api, and records are posted to /ingest, /gelf, /v1/logs (OTLP), \
                 /loki/api/v1/push or /elasticsearch/_bulk",
            )),
            _ => Err(Refusal::new(
                StatusCode::NOT_FOUND,
                "records are posted to /ingest, /gelf, /v1/logs (OTLP), /loki/api/v1/push or /elasticsearch/_bulk",
            )),
        }
    }

    fn metrics(&self) -> Result<Response<Body>, Refusal> {
        let page = self.shared.rules.metrics.as_ref();
        let page =
            page.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "nothing is measured"))?;
        Ok(respond(StatusCode::OK, METRICS, page().into_bytes()))
    }

    fn health(&self) -> Response<Body> {
        let sink = &self.shared.sink;
        let (status, health) = match sink.trouble() {
            _ if !sink.is_open() => (StatusCode::SERVICE_UNAVAILABLE, json!({"status": "closed"})),
            Some(reason) => (
                StatusCode::SERVICE_UNAVAILABLE,
                json!({"status": "failing", "reason": reason}),
            ),
            None => (StatusCode::OK, json!({"status": "ok"})),
        };
        json(status, health.to_string())
    }

    /// Reads the body, all of it, unpacked.
    /// Nothing is read before there is room in the queue.
    async fn body(&self, request: &mut Request<Incoming>) -> Result<(Vec<u8>, Held), Refusal> {
        self.body_packed(request, Packing::Declared).await
    }

    async fn body_packed(
        &self,
        request: &mut Request<Incoming>,
        packing: Packing,
    ) -> Result<(Vec<u8>, Held), Refusal> {
        self.room().await?;
        let body = read_body(self.shared, request, packing).await?;
        self.room().await?;
        Ok(body)
    }

    fn context(&self) -> Context<'_> {
        Context {
            hostname: self.hostname,
            now_ns: now_ns(),
        }
    }

    /// Waits for room.
    async fn room(&self) -> Result<(), Refusal> {
        let room = timeout(ROOM_TIMEOUT, self.shared.room()).await;
        room.map_err(|_| Refusal::later("the queue is full"))
    }

    /// Hands the records over and waits until they are stored.
    async fn store(&self, batch: Batch) -> Result<(), Refusal> {
        if batch.is_empty() {
            return Ok(());
        }
        let closed = |_| Refusal::later("the server is stopping");
        let ticket: Ticket = self.shared.submit(self.source, batch).map_err(closed)?;
        let stored = poll_fn(|context| self.shared.sink.poll_stored(ticket, context));
        match timeout(STORED_TIMEOUT, stored).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Refusal::later("records were dropped")),
            Err(_) => Err(Refusal::new(StatusCode::SERVICE_UNAVAILABLE, NOT_YET)),
        }
    }
}

#[cfg(test)]
mod tests;
