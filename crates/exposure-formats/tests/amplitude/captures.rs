//! What real SDKs sent, against a second reading of the rules: `tests/data/expect.py`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use exposure_core::{
    Admission, DeviceId, Dialect, EventTime, ExperimentKey, Incoming, InsertId, Rules, UserId,
    Variant, admit,
};
use exposure_formats::capture::{self, Recorded};
use exposure_formats::{Arena, Headers as _, Protocol, Request};
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
        let found = uploads(&file);
        assert_eq!(found.len(), expected.len(), "{name}");
        for (upload, expected) in found.iter().zip(&expected) {
            n_events += check(name, upload, expected);
        }
    }
    assert_eq!(n_events, 131);
}

/// The requests that are uploads.
fn uploads(file: &[u8]) -> Vec<Recorded<'_>> {
    let recorded = capture::requests(file).unwrap().unwrap().into_iter();
    recorded
        .filter(|it| it.method == "POST" && matches!(&*it.target, "/2/httpapi" | "/batch"))
        .collect()
}

fn check(name: &str, recorded: &Recorded<'_>, expected: &Value) -> usize {
    let received = recorded.received;
    assert_eq!(json!(received.as_millis()), expected["received_ms"], "{name}");
    let request = Request {
        method: &recorded.method,
        path: &recorded.target,
        query: "",
        headers: &recorded.headers,
        body: &recorded.body,
        received,
    };
    let arena = Arena::new();
    let upload = Protocol::of(&request).unwrap().read(&request, &arena).unwrap();
    assert_eq!(json!(upload.keys), json!([expected["api_key"]]), "{name}");
    assert_eq!(json!(upload.min_id_chars), expected["min_id_length"], "{name}");

    let mut rules = Rules::new(Dialect::Amplitude, received);
    rules.min_id_chars = upload.min_id_chars.unwrap_or(rules.min_id_chars);
    let found: Vec<_> =
        upload.events.iter().map(|event| record(event.as_ref().unwrap(), &rules)).collect();
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
fn a_capture_is_read_with_its_times_headers_and_bodies() {
    let capture = r#"{"requests": [
        {"t_ms": 1, "method": "OPTIONS", "path": "/2/httpapi", "body": null},
        {"t_ms": 2, "method": "POST", "path": "/2/httpapi?x=1", "body": {"events": []}},
        {"t": 1795344871.337, "method": "GET", "path": "\/batch\/", "headers": {"X-Api-Key": "k"}},
        {"t": 3, "method": "POST", "path": "/batch", "body": {"a": 1}, "raw_b64": "aGk="},
        {"t_ms": 5, "method": "POST", "path": "/batch", "body": "{\"events\": [1"}
    ]}"#;
    let found: Vec<_> = capture::requests(capture.as_bytes())
        .unwrap()
        .unwrap()
        .into_iter()
        .map(|it| {
            let body = String::from_utf8(it.body.into()).unwrap();
            (
                it.received.as_millis(),
                it.target.into_owned(),
                body,
                it.headers.get("x-api-key").is_some(),
            )
        })
        .collect();
    let expected = [
        (1, "/2/httpapi", "", false),
        (2, "/2/httpapi?x=1", r#"{"events": []}"#, false),
        (1_795_344_871_337, "/batch/", "", true),
        (3000, "/batch", "hi", false),
        (5, "/batch", r#"{"events": [1"#, false),
    ];
    let expected = expected.map(|(t, path, body, key)| (t, path.to_owned(), body.to_owned(), key));
    assert_eq!(found, expected);
    assert_eq!(capture::requests(br#"{"api_key": "key", "events": []}"#), Ok(None));
}

#[test]
fn a_file_that_is_neither_says_why() {
    for (file, expected) in [
        (
            r#"{"requests": [{"t_ms": 9223372036854775807, "method": "POST", "path": "/batch"}]}"#,
            "request 0 of the capture has no possible time; `t_ms` is in milliseconds, `t` in seconds since 1970-01-01",
        ),
        (
            r#"{"requests": [{"method": "POST", "path": "/batch"}]}"#,
            "request 0 of the capture has no possible time; `t_ms` is in milliseconds, `t` in seconds since 1970-01-01",
        ),
        (
            r#"{"requests": [{"t": 1, "method": "POST", "path": "/batch", "raw_b64": "?"}]}"#,
            "request 0 of the capture has a `raw_b64` that is no base64",
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
        assert_eq!(capture::requests(file.as_bytes()).unwrap_err().to_string(), expected);
    }
}
