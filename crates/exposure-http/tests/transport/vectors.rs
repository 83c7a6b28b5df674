//! The rules' vectors, said in our own JSON.

use serde_json::{Map, Value, json};

use crate::world::World;

const VALIDATION: &str = include_str!("../../../../tests/vectors/validation.json");
const IDENTITY: &str = include_str!("../../../../tests/vectors/identity.json");
const REGISTER: &str = include_str!("../../../../tests/vectors/register.json");

fn cases(vectors: &str) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    vectors["cases"].as_array().unwrap().clone()
}

/// An outcome in the words of the vectors.
fn word(result: &Value) -> Value {
    match result["outcome"].as_str().unwrap() {
        "accepted" => match result["effects"].as_array().unwrap().as_slice() {
            [] => json!("accepted without effect"),
            [effect] => effect["effect"].clone(),
            more => panic!("{more:?}"),
        },
        "duplicate" if result["conflict"] == true => json!("duplicate(conflict)"),
        other => json!(other),
    }
}

#[tokio::test]
async fn validation() {
    let mut n_cases = 0;
    for case in cases(VALIDATION) {
        if !case["via"].as_array().unwrap().iter().any(|via| via == "json") {
            continue;
        }
        n_cases += 1;
        // The analytics form has in `event_properties` what ours has beside the ids.
        let event = case["event"].as_object().unwrap();
        let mut exposure = Map::new();
        for (name, value) in event {
            match (name.as_str(), value) {
                ("event_type", _) => {}
                ("event_properties", Value::Object(properties)) => {
                    exposure.extend(properties.clone());
                }
                _ => {
                    exposure.insert(name.clone(), value.clone());
                }
            }
        }
        let results = World::new().await.track(&json!([exposure])).await;
        assert_eq!(word(&results[0]), case["outcome"], "{}: {results:?}", case["name"]);
        for member in ["code", "field"] {
            let seen = results[0].get(member).unwrap_or(&Value::Null);
            assert_eq!(seen, &case[member], "{}: {results:?}", case["name"]);
        }
        if let Some(notes) = case.get("notes") {
            assert_eq!(&results[0]["notes"], notes, "{}", case["name"]);
        }
    }
    assert!(n_cases > 25, "{n_cases} cases");
}

#[tokio::test]
async fn register() {
    let mut n_cases = 0;
    for case in cases(REGISTER) {
        let writes = case["writes"].as_array().unwrap();
        if writes.iter().any(|write| write.get("receive_time_ms").is_some()) {
            continue;
        }
        n_cases += 1;
        let exposures: Vec<_> = writes
            .iter()
            .map(|write| {
                let mut exposure = write.clone();
                let time = exposure.as_object_mut().unwrap().remove("time_ms").unwrap();
                exposure["time"] = time;
                exposure["user_id"] = json!("user-1");
                exposure["flag_key"] = json!("f");
                exposure
            })
            .collect();
        let world = World::new().await;
        let results = world.track(&json!(exposures)).await;
        let effects: Vec<_> = results.iter().map(word).collect();
        assert_eq!(json!(effects), case["effects"], "{}", case["name"]);
        let found = world.get("/v1/properties?user_id=user-1").await;
        let variant = found["properties"].get("[Experiment] f").unwrap_or(&Value::Null);
        assert_eq!(variant, &case["final"], "{}", case["name"]);
        if let Some(key) = case.get("final_experiment_key") {
            let explained = world.get("/v1/explain?user_id=user-1&flag_key=f").await;
            assert_eq!(&explained["decided_by"]["experiment_key"], key, "{}", case["name"]);
        }
    }
    assert!(n_cases > 10, "{n_cases} cases");
}

#[tokio::test]
async fn identity() {
    for case in cases(IDENTITY) {
        let told = case["events"].as_array().unwrap();
        for reversed in [false, true] {
            // One flag for all of them, whose profiles are counted, and one for each, which
            // its owner has.
            let mut exposures = Vec::new();
            for (index, told) in told.iter().enumerate() {
                for flag in ["all".to_owned(), format!("event-{index}")] {
                    exposures.push(json!({ "user_id": told["user_id"],
                        "device_id": told["device_id"], "time": told["time_ms"],
                        "flag_key": flag, "variant": "on" }));
                }
            }
            if reversed {
                exposures.reverse();
            }
            let world = World::new().await;
            world.track(&json!(exposures)).await;
            for (index, owner) in case["owner"].as_array().unwrap().iter().enumerate() {
                let (kind, id) = owner.as_str().unwrap().split_once(':').unwrap();
                let found = world.get(&format!("/v1/properties?{kind}_id={id}")).await;
                assert_eq!(&found["profile"], owner, "{}", case["name"]);
                let property = &found["properties"][format!("[Experiment] event-{index}")];
                assert_eq!(property, "on", "{} {index}", case["name"]);
            }
            let flags = world.get("/v1/flags").await;
            assert_eq!(flags["flags"][0]["flag_key"], "all");
            let profiles = &flags["flags"][0]["profiles"];
            assert_eq!(profiles, &case["unique_profiles"], "{}", case["name"]);
        }
    }
}
