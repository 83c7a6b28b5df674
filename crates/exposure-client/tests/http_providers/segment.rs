//! What is sent to Segment.

use exposure_client::provider::{HttpProviderError, SegmentProvider, SegmentProviderBuilder};
use exposure_client::{DropReason, Metadata, User, Variant};
use serde_json::json;

use crate::scripted::{Reply, Scripted};
use crate::support::{Still, drained, quick, take, track_each_kind};

fn taken() -> Reply {
    Reply::json(200, &json!({"success": true}))
}

fn provider(server: &Scripted) -> SegmentProviderBuilder {
    SegmentProvider::builder("the-key").url(server.url("/v1/batch")).library("app/1.2").clock(Still)
}

#[test]
fn batches_are_these() {
    let server = Scripted::start(|_| taken());
    let provider = provider(&server).build().unwrap();
    assert!(!format!("{provider:?}").contains("the-key"));
    let (source, client) = quick(provider);
    track_each_kind(&source, &client);
    assert_eq!(drained(&client).delivered, 4);
    let [request] = &server.received()[..] else { panic!("one batch was to come") };
    assert!(request.head.starts_with("post /v1/batch http/1.1\r\n"), "{}", request.head);
    // In lower case, as the head is kept: base64 of `the-key:`.
    assert!(request.head.contains("authorization: basic dghllwtleto=\r\n"), "{}", request.head);
    let mut body = request.json.clone();
    let mut message_ids = take(&mut body["batch"], "messageId");
    message_ids.dedup();
    assert_eq!(message_ids.len(), 4);
    let time = "2026-06-01T00:00:00.000001Z";
    let context = json!({"library": {"name": "app", "version": "1.2"}});
    let metadata = json!({"experimentKey": "run-1", "flagVersion": 7, "text": "ü\"\n😀"});
    let expected = json!({
        "sentAt": time,
        "batch": [
            {
                "type": "track", "event": "$exposure", "userId": "user-1",
                "anonymousId": "device-1", "timestamp": time, "context": context,
                "properties": {
                    "flag_key": "checkout", "variant": "on", "experiment_key": "run-1",
                    "metadata": metadata,
                },
            },
            {
                "type": "track", "event": "$exposure", "anonymousId": "device-2",
                "timestamp": time, "context": context,
                "properties": {"flag_key": "search", "variant": "b"},
            },
            {
                "type": "track", "event": "$exposure", "userId": "user-1",
                "timestamp": time, "context": context, "properties": {"flag_key": "search"},
            },
            {
                "type": "track", "event": "$impression", "userId": "user-1",
                "timestamp": time, "context": context,
                "properties": {
                    "flag_key": "banner", "variant": "red",
                    "metadata": {"deliveryMethod": "web"},
                },
            },
        ],
    });
    assert_eq!(body, expected);
}

#[test]
fn sent_at_can_be_left_out() {
    let server = Scripted::start(|_| taken());
    let (source, client) = quick(provider(&server).without_sent_at().build().unwrap());
    track_each_kind(&source, &client);
    drained(&client);
    assert_eq!(server.received()[0].json.get("sentAt"), None);
}

#[test]
fn an_event_that_segment_would_drop_is_rejected_alone() {
    let server = Scripted::start(|_| taken());
    let (source, client) = quick(provider(&server).build().unwrap());
    let metadata = json!({"long": "x".repeat(33 * 1024)}).to_string();
    let metadata = Metadata::from_json(&metadata).unwrap();
    source.set("long", Variant::builder().key("on").metadata(metadata).build());
    source.set("short", Variant::new("on"));
    for flag in ["short", "long"] {
        client.variant(&User::new("user-1"), flag);
    }
    let account = drained(&client);
    assert_eq!((account.delivered, account.dropped.get(DropReason::Rejected)), (1, 1));
    client.variant(&User::new("user-2"), "long");
    drained(&client);
    assert_eq!(server.received().len(), 1, "a batch of nothing is not sent");
}

#[test]
fn settings_are_checked() {
    let build = |key: &str, url: &str| SegmentProvider::builder(key).url(url).build().err();
    assert_eq!(build("", "http://127.0.0.1:1"), Some(HttpProviderError::NoKey));
    assert_eq!(build("key", "x"), Some(HttpProviderError::Address("x".into())));
    assert_eq!(build("key", "http://127.0.0.1:1/v1/batch"), None);
    let default = SegmentProvider::builder("key").build();
    assert_eq!(default.is_ok(), cfg!(feature = "tls"), "{default:?}");
}
