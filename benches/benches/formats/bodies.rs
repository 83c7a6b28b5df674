//! Bodies of real size: events as SDKs sent them, in the spacing that SDKs use, with ids of their
//! own.

use std::fs;
use std::path::Path;

use exposure_formats::capture;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A recorded upload, as far as its events go.
#[derive(Deserialize)]
struct Upload<'a> {
    #[serde(borrow)]
    events: Vec<&'a RawValue>,
}

/// An upload of `n_events` of the exposures that a sender's capture has, one after the other.
pub(crate) fn amplitude(sender: &str, n_events: usize) -> Vec<u8> {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/captures");
    let file = fs::read(captures.join(format!("amplitude-{sender}.json"))).unwrap();
    let recorded = capture::requests(&file).unwrap().unwrap();
    let mut templates = Vec::new();
    for request in recorded.iter().filter(|it| it.method == "POST" && it.target == "/2/httpapi") {
        let upload: Upload<'_> = serde_json::from_slice(&request.body).unwrap();
        templates.extend(
            upload.events.iter().map(|event| compact(event.get())).filter(|it| is_exposure(it)),
        );
    }
    let events: Vec<_> =
        (0..n_events).map(|n| with_id(&templates[n % templates.len()], n as u64)).collect();
    format!(
        r#"{{"api_key":"0123456789abcdef0123456789abcdef","events":[{}],"options":{{}},"client_upload_time":"2026-11-22T11:08:56.796Z","request_metadata":{{"sdk":{{"metrics":{{"histogram":{{}}}}}}}}}}"#,
        events.join(",")
    )
    .into_bytes()
}

fn is_exposure(event: &str) -> bool {
    ["\"event_type\":\"$exposure\"", "\"event_type\":\"[Experiment] Exposure\""]
        .iter()
        .any(|of_exposure| event.contains(of_exposure))
}

/// Without the space between its tokens, which no SDK sends.
fn compact(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    json.chars()
        .filter(|&char| {
            let was_in_string = in_string;
            if escaped {
                escaped = false;
            } else if char == '\\' {
                escaped = true;
            } else if char == '"' {
                in_string = !in_string;
            }
            was_in_string || !char.is_ascii_whitespace()
        })
        .collect()
}

/// With an insert id that no other has, in the place of its own.
fn with_id(event: &str, n: u64) -> String {
    const NAME: &str = "\"insert_id\":\"";
    let Some((before, id)) = event.split_once(NAME) else { return event.to_owned() };
    let (_, after) = id.split_once('"').unwrap();
    let id = u128::from(n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    let hex = format!("{id:032x}");
    let uuid =
        format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
    format!("{before}{NAME}{uuid}\"{after}")
}
