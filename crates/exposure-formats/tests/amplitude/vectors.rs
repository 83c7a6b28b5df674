//! The cases of `tests/vectors/validation.json` that can be said in Amplitude's form.

use exposure_core::{Admission, Dialect, Effect, Rules, admit};
use exposure_formats::Arena;
use serde_json::{Value, json};

use crate::reading::{RECEIVED, post};

const VECTORS: &str = include_str!("../../../../tests/vectors/validation.json");

#[test]
fn every_case_has_its_outcome() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let mut n_cases = 0;
    for case in vectors["cases"].as_array().unwrap() {
        if case["via"].as_array().unwrap().contains(&json!("amplitude")) {
            n_cases += 1;
            check(case);
        }
    }
    assert_eq!(n_cases, 38);
}

fn check(case: &Value) {
    let name = case["name"].as_str().unwrap();
    let upload = json!({"api_key": "key", "events": [case["event"]]}).to_string();
    let arena = Arena::new();
    let upload = post("/2/httpapi", upload.as_bytes(), &arena).unwrap();
    let [event] = upload.events.as_slice() else { panic!("{name}: one event") };
    let rules = Rules::new(Dialect::Amplitude, RECEIVED);
    let admission = match event {
        Ok(incoming) => admit(incoming, &rules),
        Err(refused) => Err(refused.rejection.clone()),
    };
    let found = match &admission {
        Err(rejection) => {
            assert_eq!(case["field"], json!(rejection.field), "{name}: {rejection}");
            assert_eq!(case["code"], json!(rejection.code.as_str()), "{name}: {rejection}");
            "rejected"
        }
        Ok(Admission::Ignored) => "accepted without effect",
        Ok(Admission::Event(event)) => {
            let mut effects =
                event.writes().map(|write| Effect::judge(None, &event.version(write)));
            let effect = effects.next();
            assert_eq!(effects.next(), None, "{name}: more than one write");
            effect.map_or("accepted without effect", Effect::as_str)
        }
    };
    assert_eq!(case["outcome"], json!(found), "{name}");
    if let Some(expected) = case["notes"].as_array() {
        let Ok(Admission::Event(event)) = &admission else { panic!("{name}: notes of no event") };
        let notes: Vec<_> = event.notes.iter().map(|note| json!(note.as_str())).collect();
        for note in expected {
            assert!(notes.contains(note), "{name}: {notes:?} lack {note}");
        }
    }
}
