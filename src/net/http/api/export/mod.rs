//! `GET /api/export`: a whole answer as a file to keep, however large it is.

mod forms;
mod made;
mod place;

use std::future::pending;

use http_body_util::BodyExt as _;
use hyper::body::Bytes;
use hyper::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Response, StatusCode};

use self::forms::{Copying, Writing};
use self::made::{Made, Step};
pub(super) use self::place::Place;
use super::parameters::{Parameter, Parameters, one};
use super::problem::Problem;
use super::questions::TakenBack;
use crate::cancel::Cancel;
use crate::format::{CsvFormat, JsonFormat};
use crate::net::http::Exchange;
use crate::net::http::answer::{Body, whole};
use crate::query::{Order, Query};
use crate::time::{now_ns, rfc3339_utc};

pub(super) const EXPORT: &[Parameter] = &[one("format"), one("order")];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Lines,
    Csv,
    Database,
}

impl Form {
    /// Media type, and how the file's name ends.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Form::Lines => (super::LINES, "jsonl"),
            Form::Csv => ("text/csv; charset=utf-8", "csv"),
            Form::Database => ("application/vnd.sqlite3", "sqlite"),
        }
    }
}

impl Exchange<'_> {
    pub(super) async fn export(
        &self,
        given: Parameters,
        method: &Method,
    ) -> Result<Response<Body>, Problem> {
        let forms = [
            ("jsonl", Form::Lines),
            ("csv", Form::Csv),
            ("sqlite", Form::Database),
        ];
        let orders = [
            ("oldest", Order::OldestFirst),
            ("newest", Order::NewestFirst),
        ];
        let form = given.word("format", &forms)?.unwrap_or(Form::Lines);
        let order = given.word("order", &orders)?.unwrap_or_default();
        let query = Query {
            // A database has no order, but records of one time keep theirs.
            order: match form {
                Form::Database => Order::OldestFirst,
                Form::Lines | Form::Csv => order,
            },
            ..self.query(given).await?
        };
        let body = if *method == Method::HEAD {
            whole(Bytes::new())
        } else {
            tokio::select! {
                body = self.exported(form, query) => body?,
                () = self.gone() => return Err(Problem::gone()),
            }
        };
        let (kind, ending) = form.names();
        let made = rfc3339_utc(now_ns());
        // As ISO 8601 has it without what no file's name may hold: 20261123T042214Z
        let seconds = made.split('.').next().unwrap_or_default();
        let moment = seconds.replace(['-', ':', 'Z'], "");
        let name = format!("attachment; filename=\"logstore-{moment}Z.{ending}\"");
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if let Ok(name) = HeaderValue::try_from(name) {
            headers.insert(CONTENT_DISPOSITION, name);
        }
        Ok(response)
    }

    /// The body, when the first of it is there: what fails by then has an answer of its own.
    async fn exported(&self, form: Form, query: Query) -> Result<Body, Problem> {
        let questions = self.questions()?;
        let room = questions.room_for_export().ok_or_else(|| {
            let detail = "too many exports are being made; come again when one is done";
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
        })?;
        let wanted = TakenBack(Cancel::new());
        let cancel = wanted.0.clone();
        let reader = questions
            .ask(move |reader| Ok(reader.clone().with_cancel(cancel)))
            .await?;
        let step: Box<dyn Step> = match form {
            Form::Lines => Box::new(Writing::new(reader, query, Box::new(JsonFormat::new()))),
            Form::Csv => Box::new(Writing::new(reader, query, Box::new(CsvFormat::new()))),
            Form::Database => Box::new(Copying::new(reader, query, questions.place().clone())),
        };
        let made = Made::begin(step, room, wanted).await?;
        // One that takes too little is broken off by its connection.
        Ok(self.guarded(made.boxed_unsync(), pending()))
    }
}
