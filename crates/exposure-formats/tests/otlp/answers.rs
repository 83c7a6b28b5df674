use std::time::Duration;

use exposure_core::{ErrorCode, Outcome, Rejection};
use exposure_formats::{BodyError, Failure, Protocol, Request, Stored};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use serde_json::{Value, json};

use crate::world::{RECEIVED, These};

fn protocol(path: &str, content_type: &str, body: &[u8]) -> Option<Protocol> {
    let headers = These::new(&[("content-type", content_type)]);
    let request =
        Request { method: "POST", path, query: "", headers: &headers, body, received: RECEIVED };
    Protocol::of(&request)
}

fn accepted(protocol: Protocol, outcomes: &[Outcome]) -> exposure_formats::Answer {
    let request = Request {
        method: "POST",
        path: "",
        query: "",
        headers: &(),
        body: b"",
        received: RECEIVED,
    };
    protocol.accepted(&Stored { request: &request, outcomes, names: &[] })
}

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

#[test]
fn what_is_rejected_is_told_in_the_type_of_the_request() {
    let good = Outcome::Duplicate { conflict: false };
    let bad = Outcome::Rejected(Rejection::new(ErrorCode::Missing, "user_id", "is missing"));
    let outcomes = [good.clone(), bad.clone(), good.clone(), bad];
    let message =
        "2 of 4 evaluations were rejected, the first because of MISSING: `user_id` is missing";

    let logs = protocol("/v1/logs", JSON, b"{}").unwrap();
    let answer = accepted(logs, &outcomes);
    assert_eq!((answer.status, answer.content_type), (200, JSON));
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        body,
        json!({"partialSuccess": {"rejectedLogRecords": "2", "errorMessage": message}})
    );
    let traces = protocol("/v1/traces", JSON, b"{}").unwrap();
    let body: Value = serde_json::from_slice(&accepted(traces, &outcomes).body).unwrap();
    assert_eq!(body, json!({"partialSuccess": {"rejectedSpans": "2", "errorMessage": message}}));

    let logs = protocol("/v1/logs", PROTOBUF, b"").unwrap();
    let answer = accepted(logs, &outcomes);
    assert_eq!((answer.status, answer.content_type), (200, PROTOBUF));
    let told = ExportLogsServiceResponse::decode(&*answer.body).unwrap().partial_success.unwrap();
    assert_eq!((told.rejected_log_records, told.error_message.as_str()), (2, message));
    let traces = protocol("/v1/traces", PROTOBUF, b"").unwrap();
    let told = ExportTraceServiceResponse::decode(&*accepted(traces, &outcomes).body).unwrap();
    let told = told.partial_success.unwrap();
    assert_eq!((told.rejected_spans, told.error_message.as_str()), (2, message));

    // Nothing is told where nothing was rejected.
    for outcomes in [&[][..], &[good.clone(), good]] {
        assert_eq!(&*accepted(logs, outcomes).body, b"");
        assert_eq!(&*accepted(protocol("/v1/logs", JSON, b"").unwrap(), outcomes).body, b"{}");
    }
}

#[test]
fn a_failure_is_a_status_in_the_type_of_the_request() {
    let unreadable = BodyError::Broken("x".into());
    let wait = Duration::from_millis(1500);
    for (failure, status, code, retry_after) in [
        (Failure::Unreadable(&unreadable), 400, 3, None),
        (Failure::NoKey, 401, 16, None),
        (Failure::UnknownKey("k"), 401, 16, None),
        (Failure::Forbidden, 403, 7, None),
        (Failure::TooLarge("x"), 413, 8, None),
        (Failure::Busy { events: &[], retry_after: wait }, 429, 8, Some(2)),
        (Failure::Unavailable { retry_after: wait }, 503, 14, Some(2)),
        // Exporters never send again what is answered 500.
        (Failure::Internal, 503, 14, None),
    ] {
        for path in ["/v1/logs", "/v1/traces"] {
            let answer = protocol(path, JSON, b"").unwrap().failed(&failure);
            assert_eq!((answer.status, answer.content_type), (status, JSON), "{failure}");
            assert_eq!(answer.retry_after, retry_after, "{failure}");
            let body: Value = serde_json::from_slice(&answer.body).unwrap();
            assert_eq!(body, json!({"code": code, "message": failure.to_string()}));

            let answer = protocol(path, PROTOBUF, b"").unwrap().failed(&failure);
            assert_eq!((answer.status, answer.content_type), (status, PROTOBUF), "{failure}");
            let told = RpcStatus::decode(&*answer.body).unwrap();
            assert_eq!(told, RpcStatus { code, message: failure.to_string() });
        }
    }
}

/// The message `google.rpc.Status`.
#[derive(Clone, PartialEq, prost::Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

#[test]
fn bodies_are_told_apart_by_what_they_are() {
    let json = br#"{"resourceLogs": []}"#;
    for (content_type, body, answered) in [
        (JSON, &json[..], JSON),
        ("application/json; charset=utf-8", &json[..], JSON),
        (JSON, b" \n{}", JSON),
        (PROTOBUF, b"", PROTOBUF),
        ("application/protobuf", b"\x0a\x00", PROTOBUF),
        ("text/plain", &json[..], JSON),
        ("", b"\x0a\x00", PROTOBUF),
        ("", b"", PROTOBUF),
        // Mislabeled: read as what it is, answered as what it is said to be.
        (PROTOBUF, &json[..], PROTOBUF),
    ] {
        let protocol = protocol("/v1/logs", content_type, body).unwrap();
        assert_eq!(accepted(protocol, &[]).content_type, answered, "{content_type}");
        let headers = These::new(&[("content-type", content_type)]);
        let request = Request {
            method: "POST",
            path: "/v1/logs",
            query: "",
            headers: &headers,
            body,
            received: RECEIVED,
        };
        let arena = exposure_formats::Arena::new();
        assert!(protocol.read(&request, &arena).is_ok(), "{content_type}");
    }
    assert_eq!(protocol("/v1/logs/", JSON, b"{}"), protocol("/v1/logs", JSON, b"{}"));
    assert_eq!(protocol("/v1/metrics", JSON, b"{}"), None);
}
