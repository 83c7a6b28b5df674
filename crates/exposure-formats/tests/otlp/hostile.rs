//! Bodies that are broken, deep, or written in the oddest way.

use std::sync::OnceLock;

use exposure_formats::otlp::{Encoding, Options, Signal, read_message};
use exposure_formats::{Arena, BodyError};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::json;

use crate::captures::{NAMES, requests};
use crate::world::read;

fn bodies() -> &'static [Vec<u8>] {
    static BODIES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    BODIES.get_or_init(|| NAMES.into_iter().flat_map(requests).map(|(_, _, body)| body).collect())
}

fn drink(bytes: &[u8]) {
    for signal in [Signal::Logs, Signal::Traces] {
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            drop(read(signal, encoding, bytes));
        }
    }
}

proptest! {
    #[test]
    fn damage_never_panics(which: Index, at: Index, bits: u8, cut: Index) {
        let mut body = which.get(bodies()).clone();
        let at = at.index(body.len());
        body[at] ^= bits;
        drink(&body);
        drink(&body[..cut.index(body.len())]);
    }

    #[test]
    fn any_bytes_never_panic(bytes: Vec<u8>) {
        drink(&bytes);
    }
}

#[test]
fn nesting_costs_no_stack() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}"), (r#"{"arrayValue":{"values":["#, "]}}")] {
        let middle = if open.ends_with(':') { "1" } else { "" };
        let deep = format!("{}{middle}{}", open.repeat(10_000), close.repeat(10_000));
        let evaluation = r#""eventName": "feature_flag.evaluation""#;
        for (body, n_events) in [
            (format!(r#"{{"x": {deep}, "resourceLogs": [{{"x": {deep}}}]}}"#), 0),
            (
                format!(
                    r#"{{"resourceLogs": [{{"scopeLogs": [{{"logRecords": [{{{evaluation}, "body": {deep}}}]}}]}}]}}"#
                ),
                1,
            ),
            (
                format!(
                    r#"{{"resourceLogs": [{{"resource": {deep}, "scopeLogs": [{{"scope": {deep}, "logRecords": [{{{evaluation}, "spanId": {deep}, "attributes": [{deep}, {{"key": {deep}, "value": {deep}}}, {{"key": "feature_flag.key", "value": {{"kvlistValue": {{"values": [{{"key": "value", "value": {deep}}}]}}}}}}]}}]}}]}}]}}"#
                ),
                1,
            ),
        ] {
            let found = read(Signal::Logs, Encoding::Json, body.as_bytes()).unwrap();
            assert_eq!(found.len(), n_events);
        }
        drink(deep.as_bytes());
        drink(&deep.as_bytes()[..open.len() * 10_000]);
    }
    drink(&vec![0x0b; 1 << 20]);
    drink(&[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f]);
}

#[test]
fn a_bad_record_harms_no_other() {
    let good = json!({"eventName": "feature_flag.evaluation", "timeUnixNano": 1_795_345_120_676_000_000_u64, "attributes": [
        {"key": "feature_flag.key", "value": {"stringValue": "f"}},
        {"key": "feature_flag.variant", "value": {"stringValue": "on"}},
        {"key": "feature_flag.context.id", "value": {"stringValue": "u"}},
    ]});
    let with = |name: &str, value: serde_json::Value| {
        let mut record = good.clone();
        record[name] = value;
        record
    };
    for (bad, expected) in [
        (json!(7), "event INVALID"),
        (json!(null), "event INVALID"),
        (with("timeUnixNano", json!("soon")), "timeUnixNano INVALID"),
        (with("timeUnixNano", json!(1.5)), "timeUnixNano INVALID"),
        (with("timeUnixNano", json!({})), "timeUnixNano INVALID"),
        (with("attributes", json!(7)), "ignored"),
        (
            with("attributes", json!([7, null, {"key": 7}, {"key": "user.id", "value": 7}])),
            "ignored",
        ),
    ] {
        let body = json!({"resourceLogs": [null_scope(), {"scopeLogs": [{"logRecords": [good, bad, good]}]}]});
        let found = read(Signal::Logs, Encoding::Json, body.to_string().as_bytes()).unwrap();
        let [first, refused, last] = &found[..] else { panic!("{found:?}") };
        assert_eq!((&first["variant"], &last["variant"]), (&json!("on"), &json!("on")));
        let told = refused.as_str().or(refused["refused"].as_str());
        assert_eq!(told, Some(expected), "{body}");
    }
    let out_of_range = with("timeUnixNano", json!("99999999999999999999999"));
    let body = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [out_of_range]}]}]});
    let found = read(Signal::Logs, Encoding::Json, body.to_string().as_bytes()).unwrap();
    assert_eq!(found[0]["time_us"], "out of range");
}

fn null_scope() -> serde_json::Value {
    json!({"resource": null, "scopeLogs": null, "unknown": 7})
}

#[test]
fn a_body_that_is_none_says_why() {
    for (body, expected) in [
        (&b""[..], "the body is empty; send a JSON object"),
        (
            b"[]",
            "the body is no JSON object: invalid type: sequence, expected an object at line 1 column 0",
        ),
        (br#"{"resourceLogs": 7}"#, "the body has no `resourceLogs`; it must be an array"),
        (
            br#"{"resourceLogs": [{"scopeLogs": {}}]}"#,
            "the body has no `scopeLogs`; it must be an array",
        ),
        (
            br#"{"resourceLogs": [{"scopeLogs": [{"logRecords": ""}]}]}"#,
            "the body has no `logRecords`; it must be an array",
        ),
    ] {
        let error = read(Signal::Logs, Encoding::Json, body).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    let error = read(Signal::Logs, Encoding::Protobuf, b"\x0a\x05\x12").unwrap_err();
    assert!(matches!(error, BodyError::Broken(_)));
    assert_eq!(
        error.to_string(),
        "the body can not be read: as protobuf it has a length past the end of the message at byte 2"
    );
    assert_eq!(read(Signal::Logs, Encoding::Protobuf, b""), Ok(vec![]));
}

/// A body of many small evaluations is no longer in memory than it may be.
#[test]
fn no_more_is_read_than_may_be() {
    let record = json!({"eventName": "feature_flag.evaluation"});
    let records: Vec<_> = (0..100).map(|_| &record).collect();
    let body = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}).to_string();
    for (max_events, n_read) in [(0, 1), (1, 2), (99, 100), (100, 100), (usize::MAX, 100)] {
        let (arena, options) = (Arena::new(), Options::default());
        let bytes = body.as_bytes();
        let upload =
            read_message(Signal::Logs, Encoding::Json, bytes, max_events, &options, &arena);
        assert_eq!(upload.unwrap().events.len(), n_read);
    }
}
