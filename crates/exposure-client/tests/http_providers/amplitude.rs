//! What is sent to Amplitude.

use exposure_client::provider::{AmplitudeProvider, HttpProviderError};
use serde_json::json;

use crate::scripted::{Reply, Scripted};
use crate::support::{drained, quick, take, track_each_kind};

#[test]
fn uploads_are_these() {
    let server = Scripted::start(|_| Reply::json(200, &json!({"code": 200})));
    let provider = AmplitudeProvider::builder("the-key")
        .url(server.url("/2/httpapi"))
        .library("app/1.2")
        .min_id_length(1)
        .build()
        .unwrap();
    assert!(!format!("{provider:?}").contains("the-key"));
    let (source, client) = quick(provider);
    track_each_kind(&source, &client);
    assert_eq!(drained(&client).delivered, 4);
    let [request] = &server.received()[..] else { panic!("one upload was to come") };
    assert!(request.head.starts_with("post /2/httpapi http/1.1\r\n"), "{}", request.head);
    assert!(request.head.contains("content-type: application/json\r\n"), "{}", request.head);
    let mut body = request.json.clone();
    let mut insert_ids = take(&mut body["events"], "insert_id");
    insert_ids.dedup();
    assert_eq!(insert_ids.len(), 4);
    let time = 1_780_272_000_000_i64;
    let metadata = json!({"experimentKey": "run-1", "flagVersion": 7, "text": "ü\"\n😀"});
    let expected = json!({
        "api_key": "the-key",
        "options": {"min_id_length": 1},
        "events": [
            {
                "event_type": "$exposure", "user_id": "user-1", "device_id": "device-1",
                "time": time, "event_id": 0, "library": "app/1.2",
                "event_properties": {
                    "flag_key": "checkout", "variant": "on", "experiment_key": "run-1",
                    "metadata": metadata,
                },
            },
            {
                "event_type": "$exposure", "device_id": "device-2",
                "time": time, "event_id": 1, "library": "app/1.2",
                "event_properties": {"flag_key": "search", "variant": "b"},
            },
            {
                "event_type": "$exposure", "user_id": "user-1",
                "time": time, "event_id": 2, "library": "app/1.2",
                "event_properties": {"flag_key": "search"},
            },
            {
                "event_type": "$impression", "user_id": "user-1",
                "time": time, "event_id": 3, "library": "app/1.2",
                "event_properties": {
                    "flag_key": "banner", "variant": "red",
                    "metadata": {"deliveryMethod": "web"},
                },
            },
        ],
    });
    assert_eq!(body, expected);
}

#[test]
fn settings_are_checked() {
    let build = |key: &str, url: &str| AmplitudeProvider::builder(key).url(url).build().err();
    assert_eq!(build("", "http://127.0.0.1:1"), Some(HttpProviderError::NoKey));
    let wrong = Some(HttpProviderError::Address("localhost".into()));
    assert_eq!(build("key", "localhost"), wrong);
    assert_eq!(build("key", "http://127.0.0.1:1/2/httpapi"), None);
    let default = AmplitudeProvider::builder("key").build();
    assert_eq!(default.is_ok(), cfg!(feature = "tls"), "{default:?}");
}
