//! What real SDKs sent, against a second reading of the rules: `tests/data/expect.py`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use exposure_core::{
    Admission, DeviceId, Dialect, EventTime, ExperimentKey, Incoming, InsertId, Rules, UserId,
    Variant, admit,
};
use exposure_formats::JsonBody;
use exposure_formats::amplitude::{Recorded, Upload, uploads};
use serde_json::{Value, json};

#[test]
fn every_capture_reads_as_expected() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/expected");
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures");
    let mut n_events = 0;
    for name in [
        "amplitude-analytics-node.json",
        "amplitude-browser-beacon.json",
        "amplitude-browser-experiment-js-client.json",
        "amplitude-browser-gzip.json",
        "amplitude-experiment-node-server.json",
        "amplitude-python-analytics.json",
        "amplitude-python-experiment.json",
    ] {
        let file = fs::read(captures.join(name)).unwrap();
        let expected: Vec<Value> =
            serde_json::from_slice(&fs::read(tests.join(name)).unwrap()).unwrap();
        let found = uploads(&file).unwrap();
        assert_eq!(found.len(), expected.len(), "{name}");
        for (upload, expected) in found.iter().zip(&expected) {
            n_events += check(name, upload, expected);
        }
    }
    assert_eq!(n_events, 131);
}

fn check(name: &str, recorded: &Recorded<'_>, expected: &Value) -> usize {
    let received = recorded.received.unwrap();
    assert_eq!(json!(received.as_millis()), expected["received_ms"], "{name}");
    let body = JsonBody::new(&recorded.body);
    let upload = Upload::parse(&body).unwrap();
    assert_eq!(json!(upload.api_key()), expected["api_key"], "{name}");
    assert_eq!(json!(upload.min_id_chars()), expected["min_id_length"], "{name}");

    let mut rules = Rules::new(Dialect::Amplitude, received);
    rules.min_id_chars = upload.min_id_chars().unwrap_or(rules.min_id_chars);
    let found: Vec<_> =
        upload.events().iter().map(|event| record(event.as_ref().unwrap(), &rules)).collect();
    let expected = expected["events"].as_array().unwrap();
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found, expected, "{name}, event {index}");
    }
    assert_eq!(found.len(), expected.len(), "{name}");
    found.len()
}

/// An event as the expectation says it.
fn record(incoming: &Incoming<'_>, rules: &Rules) -> Value {
    let admission = admit(incoming, rules).unwrap();
    let Admission::Event(event) = admission else { panic!("no capture has an ignored exposure") };
    let time = match incoming.time {
        EventTime::At(time) => time,
        other => panic!("{other:?}"),
    };
    assert_eq!(event.time, time, "no capture has a suspect time");
    let exposed = event.exposed();
    let writes: BTreeMap<_, _> =
        event.writes().map(|write| (write.flag.as_str(), write.change.variant())).collect();
    json!({
        "user_id": event.ids.user().map(UserId::as_str),
        "device_id": event.ids.device().map(DeviceId::as_str),
        "insert_id": event.insert_id.map(InsertId::as_str),
        "time_ms": time.as_millis(),
        "sequence": event.sequence,
        "library": event.library,
        "kind": event.kind().as_str(),
        "event_type": event.event_type(),
        "flag": exposed.map(|(flag, _, _)| flag.as_str()),
        "variant": exposed.and_then(|(_, variant, _)| variant).map(Variant::as_str),
        "experiment_key": exposed.and_then(|(_, _, key)| key).map(ExperimentKey::as_str),
        "payload": serde_json::from_slice::<Value>(event.payload).unwrap_or(Value::Null),
        "ignored_properties": incoming.ignored_properties,
        "writes": writes,
        "stored": true,
    })
}

#[test]
fn a_file_may_be_a_capture_or_a_body() {
    let body = br#"{"api_key": "key", "events": []}"#;
    let found = uploads(body).unwrap();
    assert_eq!(found, [Recorded { received: None, body: body.as_slice().into() }]);

    let capture = r#"{"requests": [
        {"t_ms": 1, "method": "OPTIONS", "path": "/2/httpapi", "body": null},
        {"t_ms": 2, "method": "POST", "path": "/2/httpapi?x=1", "body": {"events": []}},
        {"t_ms": 3, "method": "POST", "path": "/sdk/v2/vardata", "body": {"events": []}},
        {"t_ms": 4, "method": "GET", "path": "/batch"},
        {"t_ms": 5, "method": "POST", "path": "\/batch\/", "body": "{\"events\": [1"},
        {"t_ms": 6, "method": "POST", "path": "/batch"}
    ]}"#;
    let found: Vec<_> = uploads(capture.as_bytes())
        .unwrap()
        .into_iter()
        .map(|it| (it.received.unwrap().as_millis(), String::from_utf8(it.body.into()).unwrap()))
        .collect();
    let bodies = [r#"{"events": []}"#, r#"{"events": [1"#, ""].map(String::from);
    assert_eq!(found, [2, 5, 6].into_iter().zip(bodies).collect::<Vec<_>>());
}

#[test]
fn a_file_that_is_neither_says_why() {
    for (file, expected) in [
        (
            r#"{"requests": [{"t_ms": 9223372036854775807, "method": "POST", "path": "/batch"}]}"#,
            "request 0 of the capture has `t_ms` 9223372036854775807, which is no time",
        ),
        (
            r#"{"requests": 7}"#,
            "the file is no capture: invalid type: integer `7`, expected a sequence at line 1 column 14",
        ),
        (
            "[]",
            "the file is no capture: invalid length 0, expected struct File with 1 element at line 1 column 2",
        ),
        ("", "the file is no capture: EOF while parsing a value at line 1 column 0"),
    ] {
        assert_eq!(uploads(file.as_bytes()).unwrap_err().to_string(), expected);
    }
}
