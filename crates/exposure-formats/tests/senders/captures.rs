//! What real SDKs sent.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use exposure_core::{Admission, Rules, admit};
use exposure_formats::capture::{Recorded, requests};
use exposure_formats::{Arena, Headers, Protocol, Request, inflate};
use serde_json::Value;

use crate::world::{record, words};

pub(crate) fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures")
}

/// What is stored of a capture, and what becomes of the rest.
#[derive(Default)]
struct Found {
    sets: Vec<Value>,
    others: Vec<String>,
    libraries: BTreeSet<String>,
    unreadable: usize,
}

fn read(recorded: &[Recorded<'_>]) -> Found {
    let mut found = Found::default();
    for recorded in recorded.iter().filter(|it| it.method != "OPTIONS") {
        let (path, query) = Request::split_target(&recorded.target);
        let coding = recorded.headers.get("content-encoding").unwrap_or_default();
        let body = inflate(&recorded.body, coding, 1 << 24).unwrap();
        let request = Request {
            method: &recorded.method,
            path,
            query,
            headers: &recorded.headers,
            body: &body,
            received: recorded.received,
        };
        let arena = Arena::new();
        let protocol = Protocol::of(&request).unwrap();
        let Ok(upload) = protocol.read(&request, &arena) else {
            found.unreadable += 1;
            continue;
        };
        assert!(upload.keys.contains(&"test-write-key"), "{:?}", upload.keys);
        let rules = Rules::new(protocol.dialect(), recorded.received);
        for event in &upload.events {
            let incoming = match event {
                Ok(incoming) => incoming,
                Err(refused) => {
                    let rejection = &refused.rejection;
                    found.others.push(format!("{} {}", rejection.field, rejection.code));
                    continue;
                }
            };
            let library =
                if incoming.library.is_empty() { upload.library } else { incoming.library };
            found.libraries.insert(library.to_owned());
            match admit(incoming, &rules) {
                Err(rejection) => {
                    found.others.push(format!("{} {}", rejection.field, rejection.code));
                }
                Ok(Admission::Ignored) => found.others.push("ignored".to_owned()),
                Ok(Admission::Event(event)) => match record(&event) {
                    Some(record) => found.sets.push(record),
                    None => found.others.push(words(&event)),
                },
            }
        }
    }
    found
}

/// What else is in the captures: the unsets, what is no exposure, and what is refused.
const OTHERS: [(&str, &[&str]); 12] = [
    (
        "growthbook-browser",
        &[
            "user:U device:D identify",
            "user:U device:D track Feature Evaluated",
            "user:U device:D track Purchase",
        ],
    ),
    ("growthbook-segment-node", &[]),
    ("posthog-browser", &["ignored", "user:U device:D track purchase"]),
    ("posthog-node", &["ignored", "user:U track purchase"]),
    ("posthog-python", &["ignored", "user:U track purchase"]),
    (
        "rudder-node",
        &[
            "user:U device:D identify",
            "user:U device:D exposure rolled-back unset",
            "user:U group",
            "user:U device:D alias",
            "user:U page Pricing",
        ],
    ),
    (
        "rudder-python",
        &[
            "user:U device:D identify",
            "user:U device:D exposure rolled-back unset",
            "user:U group",
            "user:U device:D alias",
        ],
    ),
    (
        "segment-browser",
        &[
            "user:U device:D identify",
            "user:U device:D exposure rolled-back unset",
            "user:U device:D page Home",
            "user:U device:D group",
            "user:U device:D alias",
        ],
    ),
    (
        "segment-http",
        &[
            "user:U identify",
            "device:D page P",
            "device:D screen S",
            "user:U group",
            "user:U device:D alias",
            "user:U device:D identify",
            "event TOO_LONG",
            "user_id MISSING",
        ],
    ),
    (
        "segment-node",
        &[
            "user:U device:D identify",
            "user:U device:D exposure rolled-back unset",
            "user:U page Pricing",
            "user:U screen Home",
            "user:U group",
            "user:U device:D alias",
        ],
    ),
    (
        "segment-python",
        &[
            "user:U device:D identify",
            "user:U device:D exposure rolled-back unset",
            "user:U page Pricing",
            "user:U screen Home",
            "user:U group",
            "user:U device:D alias",
        ],
    ),
    (
        "segment-python-gzip",
        &[
            "user:U device:D identify",
            "user:U device:D exposure rolled-back unset",
            "user:U page Pricing",
            "user:U screen Home",
            "user:U group",
            "user:U device:D alias",
        ],
    ),
];

#[test]
fn every_capture_is_read_as_expected() {
    for (name, others) in OTHERS {
        let file = fs::read(captures().join(format!("{name}.json"))).unwrap();
        let expected = fs::read(captures().join(format!("expected/{name}.json"))).unwrap();
        let expected: Value = serde_json::from_slice(&expected).unwrap();
        let mut expected: Vec<Value> = expected["exposures"].as_array().unwrap().clone();
        for exposure in &mut expected {
            exposure.as_object_mut().unwrap().remove("source");
            // The recorder's derived one is a hash of the day; our rules give it none.
            if exposure["insert_id"].as_str().unwrap().starts_with("derived:") {
                exposure["insert_id"] = Value::Null;
            }
        }
        let mut found = read(&requests(&file).unwrap().unwrap());
        // Sent twice under one id: the store takes in the first.
        let mut seen = BTreeSet::new();
        found
            .sets
            .retain(|set| set["insert_id"].is_null() || seen.insert(set["insert_id"].to_string()));
        assert_eq!(found.sets, expected, "{name}");
        let found_others: Vec<_> = found.others.iter().map(|it| anonymised(it)).collect();
        assert_eq!(found_others, others, "{name}");
        assert_eq!(found.unreadable, usize::from(name == "segment-http"), "{name}");
    }
}

/// Ids are random in each capture.
fn anonymised(words: &str) -> String {
    let words = words.split(' ').map(|word| match word.split_once(':') {
        Some(("user", _)) => "user:U",
        Some(("device", _)) => "device:D",
        _ => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn every_sender_says_its_library() {
    for (name, expected) in [
        ("growthbook-browser", vec!["analytics.js/npm:next-1.84.3", "growthbook-js/1.8.0"]),
        ("growthbook-segment-node", vec!["@segment/analytics-node/3.1.0"]),
        ("posthog-browser", vec!["posthog-js/1.449.2"]),
        ("posthog-node", vec!["posthog-node/5.70.0"]),
        ("posthog-python", vec!["posthog-python/7.91.1"]),
        ("rudder-node", vec!["analytics-node/3.0.13"]),
        ("rudder-python", vec!["analytics-python/2.1.9"]),
        ("segment-browser", vec!["analytics.js/npm:next-1.84.3"]),
        ("segment-http", vec![""]),
        ("segment-node", vec!["@segment/analytics-node/3.1.0"]),
        ("segment-python", vec!["analytics-python/2.4.0"]),
        ("segment-python-gzip", vec!["analytics-python/2.4.0"]),
    ] {
        let file = fs::read(captures().join(format!("{name}.json"))).unwrap();
        let found = read(&requests(&file).unwrap().unwrap());
        assert_eq!(Vec::from_iter(&found.libraries), expected, "{name}");
    }
}
