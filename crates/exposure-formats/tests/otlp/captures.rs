//! What the hooks of OpenFeature really sent, against what a right server stores.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use exposure_core::Dialect;
use exposure_formats::otlp::{Encoding, Options, Signal, read_message};
use exposure_formats::{Arena, Protocol, Request, inflate};
use serde_json::{Value, json};

use crate::world::{RECEIVED, These, records};

/// The recorded requests: their path, their headers, and their bytes, decompressed.
pub(crate) fn requests(name: &str) -> Vec<(String, These, Vec<u8>)> {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures");
    let capture: Value =
        serde_json::from_slice(&fs::read(captures.join(format!("{name}.json"))).unwrap()).unwrap();
    let request = |request: &Value| {
        let bytes = request["raw_b64"].as_str().or(request["body"]["raw_b64"].as_str()).unwrap();
        let bytes = BASE64_STANDARD.decode(bytes).unwrap();
        let headers: Vec<_> = request["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        let coding = request["headers"]["content-encoding"].as_str().unwrap_or_default();
        let bytes = inflate(&bytes, coding, 1 << 20).unwrap();
        (request["path"].as_str().unwrap().to_owned(), These(headers), bytes)
    };
    capture["requests"].as_array().unwrap().iter().map(request).collect()
}

fn expected(name: &str) -> Vec<Value> {
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures/expected");
    let mut expected: Value =
        serde_json::from_slice(&fs::read(captures.join(format!("{name}.json"))).unwrap()).unwrap();
    expected["exposures"].as_array_mut().map(std::mem::take).unwrap()
}

pub(crate) const NAMES: [&str; 4] = [
    "openfeature-js-otlp-logs-grpc",
    "openfeature-js-otlp-logs-json",
    "openfeature-js-otlp-logs-proto",
    "openfeature-python-otlp-spanevents-proto",
];

#[test]
fn captures_read_as_expected() {
    for name in NAMES {
        let (mut found, mut others) = (Vec::new(), Vec::new());
        for (path, headers, body) in requests(name) {
            let arena = Arena::new();
            let upload = if path.starts_with("/v1/") {
                let request = Request {
                    method: "POST",
                    path: &path,
                    query: "",
                    headers: &headers,
                    body: &body,
                    received: RECEIVED,
                };
                let protocol = Protocol::of(&request).unwrap();
                assert_eq!(protocol.dialect(), Dialect::Foreign);
                let upload = protocol.read(&request, &arena).unwrap();
                assert_eq!(upload.keys, ["test-write-key"], "{name}");
                // Written in the type that the request names.
                let answer = protocol.failed(&exposure_formats::Failure::NoKey);
                assert_eq!(
                    Some(answer.content_type),
                    exposure_formats::Headers::get(&headers, "content-type")
                );
                records(&upload)
            } else {
                let options = Options::default();
                let message = read_message(
                    Signal::Logs,
                    Encoding::Protobuf,
                    &body,
                    usize::MAX,
                    &options,
                    &arena,
                );
                records(&message.unwrap())
            };
            for record in upload {
                if record["flag_key"].is_string() { &mut found } else { &mut others }.push(record);
            }
        }
        let expected = expected(name);
        assert_eq!(found.len(), expected.len(), "{name}");
        for (found, expected) in found.iter().zip(&expected) {
            for field in ["user_id", "device_id", "flag_key", "variant", "experiment_key"] {
                assert_eq!(found[field], expected[field], "{name}: {field}");
            }
            assert_eq!(json!(found["time_us"].as_i64().unwrap() / 1000), expected["time_ms"]);
            assert!(found["insert_id"].as_str().unwrap().starts_with("derived:"));
        }
        let is_python = name.contains("python");
        let library = if is_python {
            "opentelemetry/1.45.2"
        } else {
            "@openfeature/open-telemetry-hooks/1.0.0"
        };
        assert!(found.iter().all(|record| record["library"] == library), "{name}: {found:?}");
        // Evaluations that failed, and one without a targeting key.
        let nobody = json!({"rejected": "user_id MISSING"});
        let ignored = json!("ignored");
        let expected =
            if is_python { vec![ignored, nobody] } else { vec![ignored.clone(), nobody, ignored] };
        assert_eq!(others, expected, "{name}");
    }
}

/// The id of an evaluation outlives the process: these must stay what they are.
#[test]
fn ids_stay_what_they_are() {
    let (_, _, body) = requests("openfeature-js-otlp-logs-json").remove(0);
    let found = crate::world::read(Signal::Logs, Encoding::Json, &body).unwrap();
    let ids: Vec<_> = found.iter().filter_map(|record| record["insert_id"].as_str()).collect();
    assert_eq!(
        ids,
        [
            "derived:dfb0257f32fbe19f8229b3cd",
            "derived:14053bda0d5dd575391660d0",
            "derived:ef96f6bc4db0005f66caf86a",
        ]
    );
}
