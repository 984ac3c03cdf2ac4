//! What SDKs and collectors post: OTLP, Loki's push requests, Elasticsearch's bulk requests.

use std::cell::Cell;

use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Request, Response, StatusCode};
use serde_json::Value;
use tokio::task::yield_now;

use super::answer::{Body, JSON, Refusal, empty, json, respond};
use super::ingest::media_type;
use super::{Exchange, PORTION_BYTES};
use crate::wire::{elastic, otlp};

pub(super) const PROTOBUF: &str = "application/x-protobuf";

impl Exchange<'_> {
    /// `POST /v1/logs`, in protobuf or JSON.
    pub(super) async fn otlp(
        &self,
        request: &mut Request<Incoming>,
    ) -> Result<Response<Body>, Refusal> {
        let is_json = match media_type(request.headers()).as_str() {
            PROTOBUF => false,
            JSON => true,
            other => {
                let reason =
                    format!("Content-Type {other:?} is not OTLP's; use {PROTOBUF} or {JSON}");
                return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, reason));
            }
        };
        let (body, held) = self.body(request).await?;
        let mut batch = self.shared.sink.spare_batch();
        let outcome = {
            let mut desk = self.shared.desk();
            let decoder = &mut desk.decoders.otlp;
            let reject = |error| self.shared.reject(self.peer, self.source, error);
            let outcome = if is_json {
                decoder.decode_json(&body, &self.context(), &mut batch, reject)
            } else {
                decoder.decode_protobuf(&body, &self.context(), &mut batch, reject)
            };
            outcome.map_err(|error| Refusal::bad(&error))?
        };
        drop((body, held));
        self.store(batch).await?;
        Ok(if is_json {
            respond(
                StatusCode::OK,
                JSON,
                otlp::response_json(&outcome).into_bytes(),
            )
        } else {
            respond(StatusCode::OK, PROTOBUF, otlp::response_protobuf(&outcome))
        })
    }

    /// `POST /loki/api/v1/push`, in snappy protobuf or JSON.
    pub(super) async fn loki(
        &self,
        request: &mut Request<Incoming>,
    ) -> Result<Response<Body>, Refusal> {
        let is_json = media_type(request.headers()) == JSON;
        let (body, held) = self.body(request).await?;
        let mut batch = self.shared.sink.spare_batch();
        let outcome = {
            let mut desk = self.shared.desk();
            let decoder = &mut desk.decoders.loki;
            let reject = |error| self.shared.reject(self.peer, self.source, error);
            let outcome = if is_json {
                decoder.decode_json(&body, &self.context(), &mut batch, reject)
            } else {
                let limit = self.shared.rules.frame_limit;
                decoder.decode_protobuf(&body, limit, &self.context(), &mut batch, reject)
            };
            outcome.map_err(|error| Refusal::of(&error))?
        };
        drop((body, held));
        self.store(batch).await?;
        // As Loki does: 400, and what was good is stored.
        match outcome.error {
            Some(error) => {
                let (bad, good) = (outcome.rejected, outcome.accepted);
                let text = format!("{bad} entries are bad, {good} are stored: {error}\n");
                let text = text.into_bytes();
                Ok(respond(StatusCode::BAD_REQUEST, "text/plain", text))
            }
            None => Ok(empty(StatusCode::NO_CONTENT)),
        }
    }

    /// `POST /elasticsearch/_bulk` and `/elasticsearch/INDEX/_bulk`.
    pub(super) async fn elastic_bulk(
        &self,
        index: Option<&str>,
        request: &mut Request<Incoming>,
    ) -> Result<Response<Body>, Refusal> {
        let (body, held) = self.body(request).await?;
        let started = std::time::Instant::now();
        let mut batch = self.shared.sink.spare_batch();
        let context = self.context();
        let decoded_bytes = Cell::new(0);
        let mut taken = elastic::bulk(&body, index, |index, id, document| {
            decoded_bytes.set(decoded_bytes.get() + document.len());
            let document = with_target(document, index, id);
            let decoder = &mut self.shared.desk().decoders.json;
            let put = decoder.decode(&document, &context, &mut batch);
            put.inspect_err(|error| self.shared.reject(self.peer, self.source, error.clone()))
        })
        .map_err(|error| Refusal::bad(&error))?;
        let mut items = Vec::new();
        for item in taken.by_ref() {
            items.push(item);
            if decoded_bytes.get() >= PORTION_BYTES {
                decoded_bytes.set(0);
                yield_now().await;
            }
        }
        drop(taken);
        drop((body, held));
        self.store(batch).await?;
        let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let answer = elastic::response(&items, took_ms);
        Ok(branded(json(StatusCode::OK, answer)))
    }

    /// What clients of Elasticsearch look at before they send anything.
    pub(super) fn elastic_root() -> Response<Body> {
        branded(json(StatusCode::OK, elastic::root()))
    }

    /// Beats ask for it.
    pub(super) fn elastic_license() -> Response<Body> {
        branded(json(StatusCode::OK, elastic::license()))
    }
}

/// The document with the name of its index and its id as members: they are kept with what else has no place of its own.
fn with_target(document: &[u8], index: &str, id: Option<&str>) -> Vec<u8> {
    let Some(members) = document.trim_ascii_start().strip_prefix(b"{") else {
        return document.to_vec();
    };
    let id = id.map_or_else(String::new, |id| format!(",\"_id\":{}", Value::from(id)));
    if members.trim_ascii_start().starts_with(b"}") {
        return document.to_vec();
    }
    let target = format!("{{\"_index\":{}{id},", Value::from(index));
    [target.as_bytes(), members].concat()
}

/// With the header by which Elastic's own clients know whom they talk to.
pub(super) fn branded(mut response: Response<Body>) -> Response<Body> {
    let name = HeaderName::from_static("x-elastic-product");
    let value = HeaderValue::from_static("Elasticsearch");
    response.headers_mut().insert(name, value);
    response
}
