//! The answers that Amplitude's SDKs depend on.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use exposure_core::{Effects, ErrorCode, Notes, Outcome, Rejection, Timestamp};
use exposure_formats::BodyError;
use exposure_formats::amplitude::{Answer, is_amplitudes_own};
use serde_json::{Value, json};

const RECEIVED: Timestamp = Timestamp::from_micros(1_780_000_000_123_456);

fn parts(answer: &Answer) -> (u16, Value) {
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["code"], json!(answer.status), "the body repeats the status");
    (answer.status, body)
}

fn rejected(code: ErrorCode, field: &'static str) -> Outcome {
    Outcome::Rejected(Rejection::new(code, field, "is wrong"))
}

fn accepted() -> Outcome {
    Outcome::Accepted { effects: Effects::None, notes: Notes::default() }
}

#[test]
fn an_upload_is_accepted_with_all_four_members() {
    let outcomes = [
        accepted(),
        Outcome::Duplicate { conflict: true },
        rejected(ErrorCode::Missing, "flag_key"),
        rejected(ErrorCode::Invalid, "variant"),
        rejected(ErrorCode::FlagLimit, "flag_key"),
        rejected(ErrorCode::Erased, "user_id"),
        rejected(ErrorCode::TooLong, "insert_id"),
    ];
    assert_eq!(
        parts(&Answer::of_outcomes(&outcomes, 647, RECEIVED)),
        (
            200,
            json!({"code": 200, "events_ingested": 7, "payload_size_bytes": 647, "server_upload_time": 1_780_000_000_123_i64})
        )
    );
}

#[test]
fn a_400_lists_every_bad_index() {
    let outcomes = [
        rejected(ErrorCode::Invalid, "time"),
        accepted(),
        rejected(ErrorCode::TooShort, "user_id"),
        rejected(ErrorCode::Missing, "event_type"),
        rejected(ErrorCode::Missing, "flag_key"),
        rejected(ErrorCode::Invalid, "time"),
        rejected(ErrorCode::TooLong, "device_id"),
        rejected(ErrorCode::Invalid, "user_id"),
        rejected(ErrorCode::Missing, "user_id"),
        rejected(ErrorCode::Invalid, "event"),
    ];
    assert_eq!(
        parts(&Answer::of_outcomes(&outcomes, 1, RECEIVED)),
        (
            400,
            json!({
                "code": 400,
                "error": "Invalid field values on some events",
                "events_with_invalid_fields": {"time": [0, 5], "user_id": [2, 7], "device_id": [6], "event": [9]},
                "events_with_missing_fields": {"event_type": [3], "user_id": [8]},
                "events_with_invalid_id_lengths": {"user_id": [2], "device_id": [6]},
            })
        )
    );
}

#[test]
fn short_ids_alone_are_said_as_the_sdks_know_it() {
    let (status, body) = parts(&Answer::of_outcomes(
        &[accepted(), rejected(ErrorCode::TooShort, "user_id")],
        1,
        RECEIVED,
    ));
    assert_eq!(status, 400);
    assert_eq!(body["error"], "Invalid id length for user_id or device_id");
    assert_eq!(body["events_with_invalid_id_lengths"], json!({"user_id": [1]}));
    assert_eq!(body["events_with_invalid_fields"], json!({"user_id": [1]}));
    assert_eq!(body["events_with_missing_fields"], json!({}));
}

#[test]
fn requests_that_fail_whole_say_so() {
    let not_json = BodyError::NotJson("x".into());
    let no_events = BodyError::Missing { member: "events", expected: "an array" };
    for (answer, expected) in [
        (
            Answer::invalid_body(&BodyError::Empty),
            json!({"code": 400, "error": "Missing request body", "missing_field": "events"}),
        ),
        (
            Answer::invalid_body(&not_json),
            json!({"code": 400, "error": "Invalid JSON request body", "missing_field": "events"}),
        ),
        (
            Answer::invalid_body(&no_events),
            json!({"code": 400, "error": "Request missing required field", "missing_field": "events"}),
        ),
        (
            Answer::missing_api_key(),
            json!({"code": 400, "error": "Request missing required field", "missing_field": "api_key"}),
        ),
        (Answer::invalid_api_key("k\"1"), json!({"code": 400, "error": "Invalid API key: k\"1"})),
        (Answer::too_large(), json!({"code": 413, "error": "Payload too large"})),
        (Answer::unavailable(), json!({"code": 503, "error": "Service unavailable"})),
        (
            Answer::throttled(3, 30),
            json!({
                "code": 429,
                "error": "Too many requests for some devices and users",
                "eps_threshold": 30,
                "throttled_devices": {},
                "throttled_users": {},
                "throttled_events": [0, 1, 2],
            }),
        ),
    ] {
        assert_eq!(parts(&answer).1, expected);
    }
}

#[test]
fn our_own_rules_are_no_error_to_amplitude() {
    for field in
        ["flag_key", "variant", "experiment_key", "insert_id", "metadata", "event_properties"]
    {
        for code in ErrorCode::ALL {
            assert!(!is_amplitudes_own(&Rejection::new(code, field, "")), "{field} {code}");
        }
    }
    assert!(!is_amplitudes_own(&Rejection::new(ErrorCode::Erased, "user_id", "")));
}
