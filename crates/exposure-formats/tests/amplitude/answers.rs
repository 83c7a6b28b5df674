//! The answers that Amplitude's SDKs depend on.

use std::time::Duration;

use exposure_core::{Effects, ErrorCode, Notes, Outcome, Rejection, Timestamp};
use exposure_formats::amplitude::{
    Endpoint, accepted as answer_accepted, failed, invalid_events, is_amplitudes_own,
};
use exposure_formats::{Answer, BodyError, Failure, Protocol, Request, Stored, Whom};
use serde_json::{Value, json};

const RECEIVED: Timestamp = Timestamp::from_micros(1_780_000_000_123_456);

fn parts(answer: &Answer) -> (u16, Value) {
    let body: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(body["code"], json!(answer.status), "the body repeats the status");
    (answer.status, body)
}

fn rejected(code: ErrorCode, field: &'static str) -> Outcome {
    Outcome::Rejected(Rejection::new(code, field, "is wrong"))
}

/// What the refused events of an upload come to.
fn invalid(outcomes: &[Outcome]) -> Option<Answer> {
    invalid_events(outcomes.iter().enumerate().filter_map(|(index, outcome)| match outcome {
        Outcome::Rejected(rejection) => Some((index, rejection)),
        Outcome::Accepted { .. } | Outcome::Duplicate { .. } => None,
    }))
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
    assert_eq!(invalid(&outcomes), None);
    let body = [b' '; 647];
    let request = Request {
        method: "POST",
        path: "/2/httpapi",
        query: "",
        headers: &(),
        body: &body,
        received: RECEIVED,
    };
    assert_eq!(
        parts(&answer_accepted(&Stored { request: &request, outcomes: &outcomes, names: &[] })),
        (
            200,
            json!({"code": 200, "events_ingested": 7, "payload_size_bytes": 647, "server_upload_time": 1_780_000_000_123_i64})
        )
    );
}

#[test]
fn a_form_is_not_refused_for_a_bad_event() {
    let rejection = Rejection::new(ErrorCode::TooShort, "user_id", "is too short");
    let refused =
        |endpoint| Protocol::Amplitude(endpoint).refusal([(1, &rejection)]).map(|it| it.status);
    // The SDK that posts forms would send it again for ever.
    assert_eq!(refused(Endpoint::Legacy), None);
    assert_eq!(refused(Endpoint::HttpApi), Some(400));
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
        parts(&invalid(&outcomes).unwrap()),
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
    let (status, body) =
        parts(&invalid(&[accepted(), rejected(ErrorCode::TooShort, "user_id")]).unwrap());
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
    let retry_after = Duration::from_millis(1500);
    let user = Whom { user_id: "user-1", device_id: "" };
    let whom = [user, Whom { device_id: "device-1", ..user }, Whom::default()];
    for (failure, retry, expected) in [
        (
            Failure::Unreadable(&BodyError::Empty),
            None,
            json!({"code": 400, "error": "Missing request body", "missing_field": "events"}),
        ),
        (
            Failure::Unreadable(&not_json),
            None,
            json!({"code": 400, "error": "Invalid JSON request body", "missing_field": "events"}),
        ),
        (
            Failure::Unreadable(&no_events),
            None,
            json!({"code": 400, "error": "Request missing required field", "missing_field": "events"}),
        ),
        (
            Failure::NoKey,
            None,
            json!({"code": 400, "error": "Request missing required field", "missing_field": "api_key"}),
        ),
        (Failure::UnknownKey("k\"1"), None, json!({"code": 400, "error": "Invalid API key: k\"1"})),
        (Failure::Forbidden, None, json!({"code": 403, "error": "Forbidden"})),
        (Failure::TooLarge("it is"), None, json!({"code": 413, "error": "Payload too large"})),
        (
            Failure::Unavailable { retry_after },
            Some(2),
            json!({"code": 503, "error": "Service unavailable"}),
        ),
        (Failure::Internal, None, json!({"code": 500, "error": "Internal server error"})),
        (
            Failure::Busy { events: &whom, retry_after },
            Some(2),
            json!({
                "code": 429,
                "error": "Too many requests for some devices and users",
                "eps_threshold": 30,
                "throttled_devices": {"device-1": 1},
                "throttled_users": {"user-1": 2},
                "throttled_events": [0, 1, 2],
            }),
        ),
    ] {
        let answer = failed(&failure);
        assert_eq!(parts(&answer).1, expected);
        assert_eq!(answer.retry_after, retry, "{failure}");
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
