//! GrowthBook's ingestor.

use serde_json::json;

use crate::world::Sent;

const PATH: &str = "/track?client_key=key";

#[test]
fn events_come_alone_or_in_an_array() {
    let viewed = json!({"event_name": "Experiment Viewed", "user_id": "u", "device_id": "d",
        "properties_json": {"experimentId": "e", "variationId": "1"}});
    let other = json!({"event_name": "Purchase", "user_id": "u", "properties": {"amount": 3}});
    assert_eq!(Sent::json(PATH, &viewed).event(), "user:u device:d exposure e=1@e");
    let sent = Sent::json("/track/?client_key=key", &json!([viewed, other, 7]));
    assert_eq!(
        sent.events(),
        ["user:u device:d exposure e=1@e", "user:u track Purchase", "event INVALID"]
    );
    assert_eq!(sent.keys(), ["key"]);
    // Nothing in it is repeated by a retry, so that nothing makes one harmless.
    sent.with(|_, upload| {
        assert_eq!(upload.unwrap().events[0].as_ref().unwrap().insert_id, None);
    });
}

#[test]
fn it_is_told_from_posthog_by_its_key_or_its_events() {
    for (target, body, expected) in [
        (PATH, json!([]), "growthbook"),
        ("/track", json!([{"event_name": "x"}]), "growthbook"),
        ("/track", json!({"event_name": "x"}), "growthbook"),
        ("/track", json!([{"event": "x"}]), "posthog"),
        ("/track/", json!({"event": "x", "event_name": "y"}), "posthog"),
        ("/track", json!({}), "posthog"),
    ] {
        let sent = Sent::json(target, &body);
        assert_eq!(sent.with(|protocol, _| protocol.name()), expected, "{target} {body}");
    }
}

#[test]
fn ids_come_from_attributes_too() {
    for (ids, expected) in [
        (json!({"attributes": {"user_id": "u", "id": "d"}}), "user:u device:d exposure e=1@e"),
        (json!({"attributes": {"anonymous_id": "a", "id": "d"}}), "device:a exposure e=1@e"),
        (json!({"attributes": {"deviceId": "d"}}), "device:d exposure e=1@e"),
        (json!({"user_id": null, "device_id": ""}), "device:hashed exposure e=1@e"),
        (json!({"user_id": 7}), "user:7 device:hashed exposure e=1@e"),
    ] {
        let mut event = ids;
        event["event_name"] = "Experiment Viewed".into();
        event["properties"] =
            json!({"experimentId": "e", "variationId": "1", "hashValue": "hashed"});
        assert_eq!(Sent::json(PATH, &event).event(), expected, "{event}");
    }
}

#[test]
fn properties_may_be_text() {
    let text = r#"{"experimentId": "e", "variationId": "1"}"#;
    let event = json!({"event_name": "Experiment Viewed", "user_id": "u", "properties_json": text});
    assert_eq!(Sent::json(PATH, &event).event(), "user:u exposure e=1@e");
}
