//! `GET /api/meta`: what a page wants to know first.

use serde_json::json;

use super::Answer;
use super::parameters::Parameters;
use super::problem::Problem;
use crate::record::machine_name;
use crate::store::Reader;
use crate::time::{now_ns, rfc3339_utc};

pub(super) fn meta(_: &Parameters, reader: &Reader) -> Result<Answer, Problem> {
    let meta = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "last_id": reader.last_id()?,
        "file": reader.file_number()?.map(|file| format!("{file:016x}")),
        "hostname": machine_name(),
        "now": rfc3339_utc(now_ns()),
    });
    Ok(Answer::json(meta.to_string()))
}
