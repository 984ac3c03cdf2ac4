//! `/api`: questions about the store, for pages and programs. Nothing here changes a record.

mod count;
mod counted;
mod description;
mod export;
mod filters;
mod histogram;
mod live;
mod meta;
mod names;
mod parameters;
mod problem;
mod questions;
mod record;
mod records;
mod routes;
mod session;
mod stats;
mod stream;
mod tree;

pub(in crate::net) use live::Hub;
pub(super) use problem::Problem;
pub use questions::DEFAULT_QUERY_TIMEOUT;
pub(in crate::net) use questions::{Questions, THREADS};

use std::future::poll_fn;

use hyper::body::Incoming;
use hyper::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, VARY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};
use tokio::time::sleep;

use self::counted::counted;
use self::parameters::Parameters;
use self::routes::{Question, ROUTES, Route, Serves};
use super::Exchange;
use super::answer::{Body, JSON, Refusal, empty, whole};
use super::coding::Coding;
use super::guard::GONE_AFTER;
use crate::query::Query;
use crate::store::Reader;

const LINES: &str = "application/x-ndjson";

/// An answer as a whole.
#[derive(Debug)]
pub(super) struct Answer {
    kind: &'static str,
    body: Vec<u8>,
    headers: Vec<(&'static str, String)>,
}

impl Answer {
    fn new(kind: &'static str, body: impl Into<Vec<u8>>) -> Self {
        Answer {
            kind,
            body: body.into(),
            headers: Vec::new(),
        }
    }

    fn json(body: impl Into<Vec<u8>>) -> Self {
        Answer::new(JSON, body)
    }

    fn lines(body: impl Into<Vec<u8>>) -> Self {
        Answer::new(LINES, body)
    }

    /// Packed, where that is asked for and pays.
    fn packed(mut self, coding: Coding) -> Self {
        if let Some(packed) = coding.packed(&self.body) {
            self.body = packed;
            self.headers.push(("content-encoding", "gzip".to_owned()));
        }
        self
    }

    /// As a response. It has its room until it is taken.
    fn respond(self, questions: &Questions) -> Result<Response<Body>, Problem> {
        let room = questions.room_for_answer(self.body.len())?;
        let mut response = empty(StatusCode::OK);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                let name = HeaderName::from_static(name);
                headers.insert(name, value);
            }
        }
        *response.body_mut() = whole(counted(self.body, room));
        Ok(response)
    }
}

/// Whether a path is one of those here.
pub(super) fn is_path(path: &str) -> bool {
    path == "/api" || path.starts_with("/api/")
}

pub(super) use session::is_end as is_end_of_session;

/// With what every answer here says of itself.
pub(super) fn marked(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

impl Exchange<'_> {
    /// Answers a request that has been let in.
    pub(super) async fn api(&self, request: &Request<Incoming>) -> Result<Response<Body>, Problem> {
        let path = request.uri().path();
        let (route, id) = Route::find(path).ok_or_else(|| {
            let paths: Vec<&str> = ROUTES.iter().map(|route| route.path).collect();
            Problem::not_found(format!("no {path} here; there are {}", paths.join(", ")))
        })?;
        let given = || Parameters::of(request, route, id);
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        match route.serves {
            Serves::Answers(question) if reads => {
                let coding = Coding::worthwhile(self.peer, request.headers());
                self.ask(question, given()?, coding).await
            }
            Serves::Live if reads => self.stream(given()?, request).await,
            Serves::Export if reads => self.export(given()?, request.method()).await,
            Serves::Description if reads => given().map(|_| description::description()),
            Serves::Session if is_end_of_session(request) => Ok(self.end_session()),
            Serves::Session if *request.method() == Method::POST => {
                Ok(self.begin_session(request.headers()))
            }
            serves => {
                let methods = serves.methods();
                Err(Refusal::method(request.method(), path, methods).into())
            }
        }
    }

    /// Has a question answered, unless the client goes before.
    async fn ask(
        &self,
        question: Question,
        given: Parameters,
        coding: Coding,
    ) -> Result<Response<Body>, Problem> {
        let answer = self.asked(move |reader| Ok(question(&given, reader)?.packed(coding)));
        answer.await?.respond(self.questions()?)
    }

    /// Which records are wanted: read on a thread that may read, since patterns take their time to be compiled.
    async fn query(&self, given: Parameters) -> Result<Query, Problem> {
        self.asked(move |_| filters::query(&given)).await
    }

    /// What a question gives, unless the client goes before.
    async fn asked<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Reader) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        tokio::select! {
            answer = self.questions()?.ask(question) => answer,
            () = self.gone() => Err(Problem::gone()),
        }
    }

    fn questions(&self) -> Result<&Questions, Problem> {
        let questions = self.shared.rules.questions.as_ref();
        questions.ok_or_else(Problem::no_database)
    }

    /// Resolves when the client has gone.
    async fn gone(&self) {
        poll_fn(|context| (self.poll_end)(context)).await;
        sleep(GONE_AFTER).await;
    }
}

impl Parameters {
    /// What a request gives for its route.
    fn of(request: &Request<Incoming>, route: &Route, id: Option<&str>) -> Result<Self, Problem> {
        let query = request.uri().query().unwrap_or_default();
        let mut given = Parameters::read(query, route.parameters())?;
        given.id = id.map(read_id).transpose()?;
        let accept = request.headers().get(ACCEPT);
        let accept = accept.and_then(|value| value.to_str().ok());
        given.takes_lines = accept.is_some_and(|kinds| kinds.contains(LINES));
        Ok(given)
    }
}

fn read_id(text: &str) -> Result<i64, Problem> {
    let id = text.parse().ok().filter(|id| *id > 0);
    id.ok_or_else(|| Problem::not_found(format!("{text:?} is no record's id, which is a number")))
}
