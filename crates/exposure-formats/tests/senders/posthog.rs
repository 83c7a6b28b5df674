//! PostHog's capture.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::world::Sent;

fn event(name: &str, properties: &Value) -> Value {
    json!({"event": name, "distinct_id": "u", "properties": properties})
}

fn batch(events: &[Value]) -> Sent {
    Sent::json("/batch/", &json!({"api_key": "key", "batch": events}))
}

/// What an event of this name with these properties is.
fn read(name: &str, properties: &Value) -> String {
    batch(&[event(name, properties)]).event()
}

fn called() -> Value {
    event("$feature_flag_called", &json!({"$feature_flag": "f", "$feature_flag_response": "on"}))
}

const CALLED: &str = "user:u exposure f=on";

#[test]
fn every_path_takes_every_form() {
    let form = |json: &Value| {
        let data: String =
            form_urlencoded::byte_serialize(STANDARD.encode(json.to_string()).as_bytes()).collect();
        format!("compression=base64&data={data}")
    };
    let with_key = json!({"event": "$feature_flag_called", "distinct_id": "u", "token": "key",
        "properties": called()["properties"]});
    let in_properties = json!([{"event": "$feature_flag_called", "properties": {
        "token": "key", "distinct_id": "u", "$feature_flag": "f", "$feature_flag_response": "on"}}]);
    for path in ["/i/v0/e", "/e", "/capture", "/track", "/e/", "/i/v0/e/"] {
        for sent in [
            Sent::json(path, &with_key),
            Sent::json(path, &in_properties),
            Sent::json(path, &json!({"api_key": "key", "batch": [called()]})),
            Sent::post(path, form(&with_key)),
            // A plus that was not escaped.
            Sent::post(path, format!("data={}", STANDARD.encode(with_key.to_string()))),
            Sent::post(path, format!("data={with_key}")),
            Sent::post(path, STANDARD.encode(with_key.to_string())),
            Sent::get(&format!("{path}?{}", form(&with_key))),
        ] {
            assert_eq!(sent.event(), CALLED, "{path} {}", String::from_utf8_lossy(&sent.body));
            assert_eq!(sent.keys(), ["key"]);
        }
    }
    assert_eq!(batch(&[called()]).event(), CALLED);
}

#[test]
fn what_is_compressed_within_a_form_is_read() {
    // `{"event":"e","distinct_id":"u","token":"key"}`, as zlib and lz-string write it.
    let gzip =
        "H4sIAAAAAAAAA6tWSi1LzStRslJKVdJRSsksLsnMSy6Jz0xRslIqVdJRKsnPTs1TslLKTq1UqgUAkEbhIi0AAAA=";
    for (body, compression) in [(gzip, "gzip-js"), (LZ64, "lz64")] {
        let data: String = form_urlencoded::byte_serialize(body.as_bytes()).collect();
        let form = format!("data={data}&compression={compression}");
        assert_eq!(Sent::post("/e/", form).event(), "user:u track e", "{compression}");
        let query = Sent::post(&format!("/e/?compression={compression}"), format!("data={data}"));
        assert_eq!(query.event(), "user:u track e", "{compression}");
    }
}

const LZ64: &str = "N4IgpgbmB2AuIC5wgDQgCYEsDOtPQGNYB9TdREAV1RFgHsBrGCpgTxAF8g==";

#[test]
fn bodies_that_are_none_say_so() {
    for body in [
        "",
        "data=",
        "data=!!!",
        "\u{7}",
        "compression=lz64&data=AAAA",
        "[",
        "{\"event\":",
        "\"x\"",
    ] {
        Sent::post("/e/", body).with(|_, upload| assert!(upload.is_err(), "{body:?}"));
    }
    for path in ["/e/", "/batch/"] {
        assert_eq!(Sent::post(path, "[]").events(), [""; 0], "{path}");
    }
    assert_eq!(Sent::post("/e/", "[7]").events(), ["event INVALID"]);
}

#[test]
fn an_evaluation_is_an_exposure_unless_it_failed() {
    let on = json!({"$feature_flag": "f", "$feature_flag_response": "on"});
    let with = |name: &str, value: Value| {
        let mut properties = on.clone();
        properties[name] = value;
        properties
    };
    for (properties, expected) in [
        (on.clone(), CALLED),
        (with("$feature_flag_response", json!(true)), "user:u exposure f=true"),
        (with("$feature_flag_response", json!(false)), "user:u exposure f=false"),
        (with("$feature_flag_response", json!(null)), "ignored"),
        (with("$feature_flag_response", json!("")), "ignored"),
        (with("$feature_flag_response", json!([1])), "variant INVALID"),
        (with("$feature_flag_error", json!("flag_missing")), "ignored"),
        (with("$feature_flag_error", json!(null)), CALLED),
        (with("$feature_flag", json!(null)), "flag_key MISSING"),
        (json!({"$feature_flag": "f"}), "ignored"),
        (json!([1]), "properties INVALID"),
    ] {
        assert_eq!(read("$feature_flag_called", &properties), expected, "{properties}");
    }
}

/// The pair that an SDK sends of one read of an experiment.
fn pair() -> [Value; 2] {
    let both = json!({"$feature_flag": "f", "$feature_flag_response": "on",
        "$feature_flag_variant_key": "on", "$feature_flag_rule_id": "rule"});
    [event("$feature_flag_called", &both), event("$experiment_exposure", &both)]
}

#[test]
fn one_read_that_is_told_twice_counts_once() {
    let [called, exposed] = pair();
    assert_eq!(batch(&[called.clone(), exposed.clone()]).events(), ["ignored", CALLED]);
    assert_eq!(batch(&[exposed.clone(), called.clone()]).events(), [CALLED, "ignored"]);
    // In two requests.
    assert_eq!(batch(&[called]).events(), ["ignored"]);
    assert_eq!(batch(std::slice::from_ref(&exposed)).events(), [CALLED]);
    // Without a mark only what is in one body can be told.
    assert_eq!(batch(&[self::called(), exposed.clone()]).events(), ["ignored", CALLED]);
    let other = event(
        "$feature_flag_called",
        &json!({"$feature_flag": "f", "$feature_flag_response": "off"}),
    );
    assert_eq!(batch(&[other, exposed]).events(), ["user:u exposure f=off", CALLED]);
    // A response that differs from the variant, and a failure.
    let exposure = |more: Value| {
        let mut properties = json!({"$feature_flag": "f", "$feature_flag_response": true});
        properties.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        read("$experiment_exposure", &properties)
    };
    assert_eq!(exposure(json!({"$feature_flag_variant_key": "on"})), CALLED);
    assert_eq!(exposure(json!({})), "user:u exposure f=true");
    assert_eq!(exposure(json!({"$feature_flag_error": "timeout"})), "ignored");
}

#[test]
fn who_it_is_depends_on_what_the_sdk_knows() {
    for (distinct_id, properties, expected) in [
        (json!("u"), json!({}), "user:u track e"),
        (json!(42), json!({}), "user:42 track e"),
        (json!("u"), json!({"$device_id": "d"}), "user:u device:d track e"),
        (json!("u"), json!({"$device_id": "d", "$is_identified": true}), "user:u device:d track e"),
        (json!("x"), json!({"$device_id": "d", "$is_identified": false}), "device:d track e"),
        (json!("x"), json!({"$is_identified": false}), "device:x track e"),
        (json!("d"), json!({"$device_id": "d"}), "device:d track e"),
        (json!(null), json!({"distinct_id": "u", "$device_id": "d"}), "user:u device:d track e"),
        (json!("$posthog_cookieless"), json!({}), "user_id MISSING"),
        (json!("anonymous"), json!({"$device_id": "d"}), "device:d track e"),
        (json!({"a": 1}), json!({}), "user_id INVALID"),
        (json!(null), json!({}), "user_id MISSING"),
    ] {
        let event = json!({"event": "e", "distinct_id": distinct_id, "properties": properties});
        assert_eq!(batch(std::slice::from_ref(&event)).event(), expected, "{event}");
    }
}

#[test]
fn identities_link_and_write() {
    for (name, properties, expected) in [
        ("$identify", json!({"$anon_distinct_id": "a"}), "user:u device:a identify"),
        (
            "$identify",
            json!({"$anon_distinct_id": "a", "$device_id": "d"}),
            "user:u device:d identify",
        ),
        (
            "$identify",
            json!({"$device_id": "d", "$is_identified": false}),
            "user:u device:d identify",
        ),
        (
            "$identify",
            json!({"$set": {"plan": "pro", "[Experiment] f": "on"}, "$unset": ["[Experiment] g", "plan"]}),
            "user:u identify +f=on +g unset",
        ),
        ("$set", json!({"$set": {"[Experiment] f": "on"}}), "user:u identify +f=on"),
        ("$groupidentify", json!({"$group_type": "company"}), "user:u group"),
        ("$create_alias", json!({"alias": "p"}), "user:u device:p alias"),
        ("$create_alias", json!({"alias": "p", "$lib": "posthog-node"}), "user:u device:p alias"),
        ("$create_alias", json!({"alias": "v", "$lib": "posthog-python"}), "user:v device:u alias"),
        ("$create_alias", json!({"alias": "v", "$lib": "web"}), "user:v device:u alias"),
        (
            "$create_alias",
            json!({"alias": "p", "$lib": "web", "$is_identified": true}),
            "user:u device:p alias",
        ),
        ("$merge_dangerously", json!({"alias": "p"}), "user:u device:p alias"),
        ("$pageview", json!({}), "user:u page $pageview"),
        ("$screen", json!({}), "user:u screen $screen"),
        ("purchase", json!({"$set": {"[Experiment] f": "on"}}), "user:u track purchase +f=on"),
        ("$exposure", json!({"flag_key": "f", "variant": "on"}), CALLED),
    ] {
        assert_eq!(read(name, &properties), expected, "{name} {properties}");
    }
    let top = json!({"event": "e", "distinct_id": "u", "$set": {"[Experiment] f": "on"},
        "$unset": {"[Experiment] g": ""}});
    assert_eq!(batch(&[top]).event(), "user:u track e +f=on");
    let engage = json!({"$token": "key", "$distinct_id": "u", "$set": {"[Experiment] f": "on"}});
    let sent = Sent::json("/engage/", &engage);
    assert_eq!(sent.event(), "user:u identify +f=on");
    assert_eq!(sent.keys(), ["key"]);
}

#[test]
fn times_are_corrected_for_skew() {
    // The request is received at 2026-05-28T20:26:40Z; this clock is an hour behind.
    let (at, sent_at) = ("2026-05-28T19:26:30Z", "2026-05-28T19:26:40Z");
    let sent_ms = 1_779_996_400_000_i64;
    let with = |more: Value| {
        let mut event = json!({"event": "e", "distinct_id": "u", "timestamp": at});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event
    };
    let body = |more: Value| {
        let mut body = json!({"api_key": "key", "batch": [with(json!({}))]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (sent, expected) in [
        (Sent::json("/batch/", &body(json!({"sent_at": sent_at}))), 10_000),
        (Sent::json("/batch/", &body(json!({"sentAt": sent_at}))), 10_000),
        (Sent::json("/batch/", &body(json!({}))), 3_610_000),
        (Sent::json("/e/", &with(json!({"sent_at": sent_at}))), 10_000),
        (Sent::json(&format!("/e/?_={sent_ms}"), &with(json!({}))), 10_000),
        (Sent::json("/e/?_=nonsense", &with(json!({}))), 3_610_000),
        (
            Sent::json("/i/v1/analytics/events", &body(json!({})))
                .header("posthog-request-timestamp", sent_at),
            10_000,
        ),
        (
            Sent::json(
                &format!("/e/?_={sent_ms}"),
                &with(json!({"properties": {"$ignore_sent_at": true}})),
            ),
            3_610_000,
        ),
        (
            Sent::json(
                &format!("/e/?_={sent_ms}"),
                &with(json!({"options": {"disable_skew_correction": true}})),
            ),
            3_610_000,
        ),
        (
            Sent::json(
                &format!("/e/?_={sent_ms}"),
                &with(json!({"timestamp": null, "offset": 2500})),
            ),
            2500,
        ),
        (Sent::json("/e/", &with(json!({"timestamp": null, "offset": -5}))), 0),
        (Sent::json("/e/", &with(json!({"timestamp": null, "offset": 1e300}))), 0),
        (Sent::json("/e/", &with(json!({"timestamp": null}))), 0),
    ] {
        let body = String::from_utf8_lossy(&sent.body).into_owned();
        assert_eq!(sent.age_ms(), expected, "{} {body}", sent.target);
    }
}

#[test]
fn a_retry_repeats_an_id() {
    for (event, expected) in [
        (json!({"uuid": "a", "properties": {"$insert_id": "b"}}), Some("a")),
        (json!({"properties": {"$insert_id": "b"}}), Some("b")),
        (json!({"uuid": "", "properties": {"$insert_id": "b"}}), Some("b")),
        (json!({}), None),
    ] {
        let mut event = event;
        event["event"] = "e".into();
        event["distinct_id"] = "u".into();
        batch(std::slice::from_ref(&event)).with(|_, upload| {
            let upload = upload.unwrap();
            assert_eq!(upload.events[0].as_ref().unwrap().insert_id, expected, "{event}");
        });
    }
}

#[test]
fn the_newer_protocol_names_its_events_and_its_library() {
    let body = json!({"created_at": "2026-05-28T19:26:40Z", "batch": [
        {"uuid": "1", "event": "e", "distinct_id": "u"}, 7, {"uuid": "3", "event": "e"}]});
    let sent = Sent::json("/i/v1/analytics/events/", &body)
        .header("authorization", "Bearer key")
        .header("posthog-sdk-info", "posthog-node/5.70.0");
    assert_eq!(sent.keys(), ["key"]);
    sent.with(|_, upload| {
        let upload = upload.unwrap();
        assert_eq!(upload.names, ["1", "", "3"]);
        assert_eq!(upload.library, "posthog-node/5.70.0");
        assert_eq!(upload.events.len(), 3);
    });
    Sent::json("/i/v1/analytics/events", &json!({})).with(|_, upload| assert!(upload.is_err()));
}
