//! What SDKs ask for before they send.

use exposure_formats::{Answer, PATHS, Request, setup};
use serde_json::{Value, json};

use crate::world::{RECEIVED, These};

fn answer(target: &str, headers: &[(&'static str, &str)]) -> Option<Answer> {
    let (path, query) = Request::split_target(target);
    let headers = These(headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect());
    let request =
        Request { method: "GET", path, query, headers: &headers, body: b"", received: RECEIVED };
    setup::answer(&request)
}

fn body(target: &str, headers: &[(&'static str, &str)]) -> Value {
    let answer = answer(target, headers).unwrap();
    assert_eq!((answer.status, answer.content_type), (200, "application/json"), "{target}");
    serde_json::from_slice(&answer.body).unwrap()
}

#[test]
fn segments_browser_is_sent_here() {
    let host = ("host", "events.example:8443");
    let settings = body("/v1/projects/key/settings", &[host]);
    let segment = &settings["integrations"]["Segment.io"];
    assert_eq!(
        *segment,
        json!({"apiKey": "key", "apiHost": "events.example:8443/v1", "protocol": "http"})
    );
    assert_eq!(settings["metrics"]["sampleRate"], 0);
    let secure = body("/v1/projects/key/settings", &[host, ("x-forwarded-proto", "https")]);
    assert_eq!(secure["integrations"]["Segment.io"]["protocol"], "https");
    assert_eq!(body("/v1/m", &[]), json!({"success": true}));
}

#[test]
fn rudderstack_finds_a_source_without_destinations() {
    for (target, headers) in [
        ("/sourceConfig/?p=npm&writeKey=key", vec![]),
        ("/sourceConfig?p=npm", vec![("authorization", "Basic a2V5Og==")]),
    ] {
        let source = &body(target, &headers)["source"];
        assert_eq!(source["writeKey"], "key");
        assert_eq!(source["enabled"], true);
        assert_eq!(source["destinations"], json!([]));
        assert_eq!(source["config"]["statsCollection"]["errors"]["enabled"], false);
        assert!(source["id"].is_string() && source["workspaceId"].is_string());
    }
}

#[test]
fn posthog_learns_of_no_flags() {
    for target in ["/flags/?v=2", "/flags", "/decide/?v=3"] {
        assert_eq!(body(target, &[]), json!({}), "{target}");
    }
    assert!(body("/array/key/config", &[]).is_object());
    assert_eq!(body("/s/?compression=gzip-js", &[]), json!({"status": 1}));
    let script = answer("/array/key/config.js", &[]).unwrap();
    assert_eq!((script.content_type, script.text()), ("application/javascript", ""));
}

#[test]
fn nothing_that_carries_events_is_answered_beforehand() {
    let asked = ["settings", "sourceConfig", "flags", "decide", "config", "/api/"];
    for path in PATHS {
        let bare = path.strip_suffix('/').unwrap_or(path);
        let expected = asked.iter().any(|part| path.contains(part))
            || *path == "/s/"
            || matches!(bare, "/m" | "/v1/m");
        assert_eq!(answer(path, &[]).is_some(), expected, "{path}");
    }
    assert_eq!(answer("/array/key", &[]), None);
    assert_eq!(answer("/array/key/other", &[]), None);
}
