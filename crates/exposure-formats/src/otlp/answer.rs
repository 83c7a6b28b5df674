//! Answers of OTLP: what was refused of a request, or the status of one of which nothing was
//! taken, each in the encoding of the request.

use std::borrow::Cow;

use exposure_core::Outcome;
use serde::Serialize;

use super::{Encoding, Endpoint, Signal};
use crate::{Answer, Failure, Stored};

/// 200, with a partial success only where an event was rejected.
pub fn accepted(endpoint: Endpoint, stored: &Stored<'_>) -> Answer {
    answer(endpoint.answer, 200, response(endpoint.signal, endpoint.answer, stored.outcomes))
}

/// The `ExportLogsServiceResponse` or `ExportTraceServiceResponse` to events with these
/// outcomes. It is empty where none was rejected, as the protocol asks for.
pub fn response(signal: Signal, encoding: Encoding, outcomes: &[Outcome]) -> Vec<u8> {
    let mut rejections = outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Rejected(rejection) => Some(rejection),
        Outcome::Accepted { .. } | Outcome::Duplicate { .. } => None,
    });
    let Some(first) = rejections.next() else {
        return match encoding {
            Encoding::Protobuf => Vec::new(),
            Encoding::Json => b"{}".to_vec(),
        };
    };
    let n_rejected = 1 + rejections.count();
    let message = format!(
        "{n_rejected} of {} evaluations were rejected, the first because of {first}",
        outcomes.len()
    );
    match encoding {
        Encoding::Protobuf => {
            let mut partial_success = Vec::new();
            push_integer(&mut partial_success, 1, n_rejected as u64);
            push_bytes(&mut partial_success, 2, message.as_bytes());
            let mut response = Vec::new();
            push_bytes(&mut response, 1, &partial_success);
            response
        }
        Encoding::Json => {
            let n_rejected = Some(n_rejected.to_string());
            let (logs, spans) = match signal {
                Signal::Logs => (n_rejected, None),
                Signal::Traces => (None, n_rejected),
            };
            to_json(&Response { partial_success: PartialSuccess { logs, spans, message } })
        }
    }
}

/// The answer to a request of which nothing was taken: a `google.rpc.Status`.
pub fn failed(endpoint: Endpoint, failure: &Failure<'_>) -> Answer {
    let status = match failure {
        // Exporters drop what is answered 500.
        Failure::Internal => 503,
        other => other.status(),
    };
    let told = Status { code: code(failure), message: failure.to_string() };
    let body = match endpoint.answer {
        Encoding::Protobuf => {
            let mut body = Vec::new();
            push_integer(&mut body, 1, told.code);
            push_bytes(&mut body, 2, told.message.as_bytes());
            body
        }
        Encoding::Json => to_json(&told),
    };
    let retry_after = failure.retry_after();
    Answer { retry_after, ..answer(endpoint.answer, status, body) }
}

/// The code of gRPC.
const fn code(failure: &Failure<'_>) -> u64 {
    const INVALID_ARGUMENT: u64 = 3;
    const PERMISSION_DENIED: u64 = 7;
    const RESOURCE_EXHAUSTED: u64 = 8;
    const UNAVAILABLE: u64 = 14;
    const UNAUTHENTICATED: u64 = 16;
    match failure {
        Failure::Unreadable(_) => INVALID_ARGUMENT,
        Failure::NoKey | Failure::UnknownKey(_) => UNAUTHENTICATED,
        Failure::Forbidden => PERMISSION_DENIED,
        Failure::TooLarge(_) | Failure::Busy { .. } => RESOURCE_EXHAUSTED,
        Failure::Unavailable { .. } | Failure::Internal => UNAVAILABLE,
    }
}

fn answer(encoding: Encoding, status: u16, body: Vec<u8>) -> Answer {
    Answer {
        status,
        content_type: encoding.content_type(),
        body: Cow::Owned(body),
        retry_after: None,
    }
}

#[derive(Serialize)]
struct Response {
    #[serde(rename = "partialSuccess")]
    partial_success: PartialSuccess,
}

#[derive(Serialize)]
struct PartialSuccess {
    #[serde(rename = "rejectedLogRecords", skip_serializing_if = "Option::is_none")]
    logs: Option<String>,
    #[serde(rename = "rejectedSpans", skip_serializing_if = "Option::is_none")]
    spans: Option<String>,
    #[serde(rename = "errorMessage")]
    message: String,
}

#[derive(Serialize)]
struct Status {
    code: u64,
    message: String,
}

fn to_json(message: &impl Serialize) -> Vec<u8> {
    // Numbers and strings: writing them to memory can not fail.
    serde_json::to_vec(message).unwrap_or_default()
}

fn push_integer(to: &mut Vec<u8>, number: u8, value: u64) {
    to.push(number << 3);
    push_varint(to, value);
}

fn push_bytes(to: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    to.push(number << 3 | 2);
    push_varint(to, bytes.len() as u64);
    to.extend_from_slice(bytes);
}

fn push_varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}
