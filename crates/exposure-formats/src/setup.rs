//! What SDKs ask for before they send: their settings. No key is needed, and nothing is read.

use serde_json::{Map, Value, json};

use crate::request::parameter;
use crate::{Answer, Arena, Request};

/// The answer to a request that carries no events: settings that point an SDK here, flags that
/// we do not evaluate, metrics that an SDK sends of itself. `None` for any other request.
///
/// It looks at the method, the path, the query and the headers alone, so that it may be asked
/// before a body is read. Settings name this server as the header `host` does, and its scheme
/// as `x-forwarded-proto` does (`http` or `https`), which a server that speaks TLS itself sets.
pub fn answer(request: &Request<'_>) -> Option<Answer> {
    let path = request.path.strip_suffix('/').unwrap_or(request.path);
    if request.path == "/s/" {
        // PostHog's session recordings.
        return Some(Answer::fixed_json(r#"{"status":1}"#));
    }
    match path {
        "/v1/m" | "/m" => return Some(Answer::fixed_json(r#"{"success":true}"#)),
        "/sourceConfig" => return Some(source_config(request)),
        // An SDK keeps the flags it has where it is told of none; an error would stand beside
        // every exposure that it sends afterwards.
        "/flags" | "/decide" => return Some(Answer::fixed_json("{}")),
        "/api/surveys" => return Some(Answer::fixed_json(r#"{"surveys":[]}"#)),
        "/api/early_access_features" => {
            return Some(Answer::fixed_json(r#"{"earlyAccessFeatures":[]}"#));
        }
        _ => {}
    }
    if let Some(key) =
        path.strip_prefix("/v1/projects/").and_then(|it| it.strip_suffix("/settings"))
    {
        return Some(settings(request, key));
    }
    match path.strip_prefix("/array/")?.split_once('/')?.1 {
        // Without a configuration in it the SDK asks for the JSON.
        "config.js" => Some(Answer::fixed(200, "application/javascript", "")),
        "config" => Some(Answer::fixed_json(POSTHOG_CONFIG)),
        _ => None,
    }
}

/// PostHog's browser SDK may compress, and needs nothing that is not events.
const POSTHOG_CONFIG: &str = r#"{"supportedCompression":["gzip","gzip-js"],"siteApps":[],"surveys":false,"sessionRecording":false,"heatmaps":false,"capturePerformance":false,"autocaptureExceptions":false}"#;

/// The settings of Segment's browser SDK: it sends to this server, and no metrics of itself.
fn settings(request: &Request<'_>, key: &str) -> Answer {
    let mut segment = Map::new();
    segment.insert("apiKey".to_owned(), Value::from(key));
    if let Some(host) = request.header("host") {
        segment.insert("apiHost".to_owned(), Value::from(format!("{host}/v1")));
        segment.insert("protocol".to_owned(), Value::from(scheme(request)));
    }
    Answer::json(
        200,
        &json!({
            "integrations": {"Segment.io": segment},
            "plan": {"track": {"__default": {"enabled": true, "integrations": {}}}},
            "edgeFunction": {},
            "analyticsNextEnabled": true,
            "middlewareSettings": {},
            "enabledMiddleware": {},
            "metrics": {"sampleRate": 0},
            "legacyVideoPluginsEnabled": false,
            "remotePlugins": [],
        }),
    )
}

/// The configuration of a source for RudderStack's SDKs: enabled, with no destinations, and
/// without statistics of itself.
fn source_config(request: &Request<'_>) -> Answer {
    let arena = Arena::new();
    let key = parameter(request.query.as_bytes(), "writeKey", &arena)
        .or_else(|| crate::request::header_keys(request, &arena).first().copied())
        .unwrap_or_default();
    Answer::json(
        200,
        &json!({
            "source": {
                "id": "exposure",
                "name": "exposure",
                "writeKey": key,
                "enabled": true,
                "workspaceId": "exposure",
                "updatedAt": "2026-01-01T00:00:00.000Z",
                "config": {"statsCollection": {
                    "errors": {"enabled": false},
                    "metrics": {"enabled": false},
                }},
                "destinations": [],
                "dataplanes": {},
            },
            "updatedAt": "2026-01-01T00:00:00.000Z",
        }),
    )
}

fn scheme<'b>(request: &Request<'b>) -> &'b str {
    match request.header("x-forwarded-proto") {
        Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
        _ => "http",
    }
}
