//! The shared vectors of validation, said in this protocol, judged by the rules.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use exposure_core::{Admission, Change, Dialect, Notes, Rules, Timestamp, admit};
use exposure_proto::convert::incoming;
use exposure_proto::decode::{DecodeLimits, IngestRequestRef};
use exposure_proto::v1;
use prost::Message;
use serde_json::Value;

/// The event of a vector in this protocol: the same fields in its own shape.
fn wire_event(event: &Value) -> v1::Event {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let properties = &event["event_properties"];
    let metadata = &properties["metadata"];
    v1::Event {
        user_id: text(&event["user_id"]),
        device_id: text(&event["device_id"]),
        time_us: event["time"].as_i64().map(|millis| millis * 1000),
        body: Some(v1::event::Body::Exposure(v1::Exposure {
            flag_key: text(&properties["flag_key"]),
            variant: text(&properties["variant"]),
            experiment_key: text(&properties["experiment_key"]),
            metadata: (!metadata.is_null()).then(|| metadata.to_string().into_bytes().into()),
            ..Default::default()
        })),
        ..Default::default()
    }
}

/// What happens to the event in a project without state: outcome, code, field, and notes.
fn judged(event: v1::Event) -> (&'static str, Option<String>, Option<String>, Notes) {
    let bytes = v1::IngestRequest { events: vec![event], ..Default::default() }.encode_to_vec();
    let request = IngestRequestRef::decode(&bytes, DecodeLimits::default()).unwrap();
    let rules = Rules::new(Dialect::Native, Timestamp::from_micros(1_760_000_000_000_000));
    let event = incoming(&request, &request.events[0]);
    match event.and_then(|event| admit(&event, &rules)) {
        Err(rejection) => {
            let (code, field) = (rejection.code.to_string(), rejection.field.into_owned());
            ("rejected", Some(code), Some(field), Notes::default())
        }
        Ok(Admission::Ignored) => ("accepted without effect", None, None, Notes::default()),
        Ok(Admission::Event(event)) => {
            let outcome = match event.writes().next().map(|write| write.change) {
                None => "accepted without effect",
                Some(Change::Set(_)) => "set",
                Some(Change::Unset) => "same",
            };
            (outcome, None, None, event.notes)
        }
    }
}

#[test]
fn every_vector_of_this_protocol_holds() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/validation.json");
    let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut n_checked = 0;
    for case in vectors["cases"].as_array().unwrap() {
        if !case["via"].as_array().unwrap().iter().any(|via| via == "grpc") {
            continue;
        }
        let (outcome, code, field, notes) = judged(wire_event(&case["event"]));
        let name = &case["name"];
        assert_eq!(case["outcome"], outcome, "{name}");
        assert_eq!((code, field), (text(&case["code"]), text(&case["field"])), "{name}");
        for note in case["notes"].as_array().into_iter().flatten() {
            assert!(notes.iter().any(|held| note == held.as_str()), "{name}: {note}");
        }
        n_checked += 1;
    }
    assert!(20 < n_checked, "{n_checked} vectors name this protocol");
}
