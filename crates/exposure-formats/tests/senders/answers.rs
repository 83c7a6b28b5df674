//! The answers that the SDKs depend on: 200 and nothing else for what was taken in, and an
//! object with text for `code` and `message` for what was not.

use std::time::Duration;

use exposure_core::{Effects, ErrorCode, Notes, Outcome, Rejection};
use exposure_formats::{BodyError, Failure, Stored};
use serde_json::{Value, json};

use crate::world::Sent;

const TARGETS: [&str; 12] = [
    "/v1/track",
    "/v1/batch",
    "/v1/t",
    "/beacon/v1/batch?writeKey=key",
    "/pixel/v1/track",
    "/track?client_key=key",
    "/batch/",
    "/e/",
    "/i/v0/e",
    "/capture",
    "/engage",
    "/i/v1/analytics/events",
];

fn outcomes() -> [Outcome; 4] {
    [
        Outcome::Accepted { effects: Effects::None, notes: Notes::default() },
        Outcome::Duplicate { conflict: true },
        Outcome::Rejected(Rejection::new(ErrorCode::Missing, "flag_key", "is missing")),
        Outcome::Rejected(Rejection::new(ErrorCode::ResourceExhausted, "event", "has no room")),
    ]
}

fn accepted(target: &str) -> exposure_formats::Answer {
    let sent = Sent::json(target, &json!({"api_key": "key", "batch": []}));
    let names = ["a", "b", "c", "d"];
    sent.with_request(|protocol, request| {
        protocol.accepted(&Stored { request, outcomes: &outcomes(), names: &names })
    })
}

#[test]
fn a_bad_event_never_fails_its_request() {
    for target in TARGETS {
        let sent = Sent::json(target, &json!({"api_key": "key", "batch": []}));
        let rejection = Rejection::new(ErrorCode::Missing, "user_id", "is missing");
        let refusal = sent.with(|protocol, _| protocol.refusal([(0, &rejection)]));
        assert_eq!(refusal, None, "{target}");
        let answer = accepted(target);
        assert_eq!(answer.status, 200, "{target}");
        assert_eq!(answer.retry_after, None, "{target}");
    }
    assert_eq!(accepted("/v1/track").text(), r#"{"success":true}"#);
    assert_eq!(accepted("/batch/").text(), r#"{"status":1}"#);
    assert_eq!(accepted("/pixel/v1/track").content_type, "image/gif");
    assert!(accepted("/pixel/v1/track").body.starts_with(b"GIF89a"));
}

#[test]
fn the_newer_protocol_of_posthog_tells_of_each_event() {
    let answer = accepted("/i/v1/analytics/events");
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        body,
        json!({"results": {
            "a": {"result": "ok"},
            "b": {"result": "ok"},
            "c": {"result": "drop", "details": "MISSING: `flag_key` is missing"},
            "d": {"result": "retry", "details": "RESOURCE_EXHAUSTED: `event` has no room"},
        }})
    );
}

#[test]
fn what_fails_says_why_in_every_senders_words() {
    let broken = BodyError::NotJson("x".into());
    let wait = Duration::from_millis(1500);
    for (failure, status, code, retry_after) in [
        (Failure::Unreadable(&broken), 400, "INVALID", None),
        (Failure::NoKey, 401, "UNAUTHENTICATED", None),
        (Failure::UnknownKey("k"), 401, "UNAUTHENTICATED", None),
        (Failure::Forbidden, 403, "PERMISSION_DENIED", None),
        (Failure::TooLarge("it is long"), 413, "BATCH_TOO_LARGE", None),
        (Failure::Busy { events: &[], retry_after: wait }, 429, "RESOURCE_EXHAUSTED", Some(2)),
        (Failure::Unavailable { retry_after: wait }, 503, "UNAVAILABLE", Some(2)),
        (Failure::Internal, 500, "INTERNAL", None),
    ] {
        for target in TARGETS {
            let sent = Sent::json(target, &json!({"api_key": "key", "batch": []}));
            let answer = sent.with(|protocol, _| protocol.failed(&failure));
            assert_eq!((answer.status, answer.retry_after), (status, retry_after), "{target}");
            let body: Value = serde_json::from_slice(&answer.body).unwrap();
            let message = failure.to_string();
            assert_eq!(
                body,
                json!({"success": false, "code": code, "message": message, "detail": message}),
                "{target}"
            );
        }
    }
}
