//! The bodies of answers to OTLP/HTTP requests.

use serde_json::json;

use crate::wire::Outcome;
use crate::wire::protobuf::{put_bytes, put_varint};

/// An `ExportLogsServiceResponse` in protobuf, for status 200. `partial_success` is there only when records were rejected.
#[must_use]
pub fn response_protobuf(outcome: &Outcome) -> Vec<u8> {
    let mut response = Vec::new();
    if outcome.rejected > 0 {
        let mut partial = Vec::new();
        put_varint(1, outcome.rejected, &mut partial);
        if let Some(error) = &outcome.error {
            put_bytes(2, error.as_bytes(), &mut partial);
        }
        put_bytes(1, &partial, &mut response);
    }
    response
}

/// The same in JSON.
#[must_use]
pub fn response_json(outcome: &Outcome) -> String {
    if outcome.rejected == 0 {
        return "{}".into();
    }
    json!({"partialSuccess": {
        // 64-bit integers are texts in protobuf's JSON.
        "rejectedLogRecords": outcome.rejected.to_string(),
        "errorMessage": outcome.error.as_deref().unwrap_or_default(),
    }})
    .to_string()
}

/// A `google.rpc.Status` in protobuf: what OTLP/HTTP wants as the body of all answers with status 4xx and 5xx.
#[must_use]
pub fn status_protobuf(message: &str) -> Vec<u8> {
    let mut status = Vec::new();
    put_bytes(2, message.as_bytes(), &mut status);
    status
}

/// The same in JSON.
#[must_use]
pub fn status_json(message: &str) -> String {
    json!({ "message": message }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_success_is_an_empty_message() {
        let outcome = Outcome {
            accepted: 3,
            ..Outcome::default()
        };
        assert_eq!(response_protobuf(&outcome), b"");
        assert_eq!(response_json(&outcome), "{}");
    }

    #[test]
    fn a_partial_success_says_how_many_and_why() {
        let outcome = Outcome {
            accepted: 3,
            rejected: 300,
            error: Some("too \"deep\"".into()),
        };
        let bytes = b"\x0a\x0f\x08\xac\x02\x12\x0atoo \"deep\"";
        assert_eq!(response_protobuf(&outcome), bytes);
        assert_eq!(
            response_json(&outcome),
            r#"{"partialSuccess":{"rejectedLogRecords":"300","errorMessage":"too \"deep\""}}"#
        );
    }

    #[test]
    fn a_failure_is_a_status() {
        assert_eq!(status_protobuf("no"), b"\x12\x02no");
        assert_eq!(status_json("no"), r#"{"message":"no"}"#);
    }
}
