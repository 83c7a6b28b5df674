//! The rules' vectors, said in protobuf.

use exposure_proto::v1;
use exposure_proto::v1::event_outcome::Result as Outcome;
use exposure_proto::v1::exposure_query_service_client::ExposureQueryServiceClient;
use exposure_proto::v1::property_service_client::PropertyServiceClient;
use serde_json::Value;

use crate::world::{World, exposure, keyed};

const VALIDATION: &str = include_str!("../../../../tests/vectors/validation.json");
const IDENTITY: &str = include_str!("../../../../tests/vectors/identity.json");
const REGISTER: &str = include_str!("../../../../tests/vectors/register.json");

fn cases(vectors: &str) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    vectors["cases"].as_array().unwrap().clone()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(Into::into)
}

/// An outcome in the words of the vectors.
fn word(outcome: &v1::EventOutcome) -> (String, Option<(String, String)>, Vec<String>) {
    match outcome.result.as_ref().unwrap() {
        Outcome::Accepted(accepted) => {
            let word = match &accepted.effects[..] {
                [] => "accepted without effect".to_owned(),
                [effect] => {
                    let name = effect.kind().as_str_name();
                    name.trim_start_matches("EFFECT_KIND_").to_lowercase()
                }
                more => panic!("{more:?}"),
            };
            let note =
                |note: v1::Note| note.as_str_name().trim_start_matches("NOTE_").to_lowercase();
            (word, None, accepted.notes().map(note).collect())
        }
        Outcome::Duplicate(v1::Duplicate { conflict: false }) => {
            ("duplicate".into(), None, Vec::new())
        }
        Outcome::Duplicate(_) => ("duplicate(conflict)".into(), None, Vec::new()),
        Outcome::Rejected(rejected) => {
            let code = rejected.code().as_str_name().trim_start_matches("ERROR_CODE_");
            ("rejected".into(), Some((code.to_owned(), rejected.field.clone())), Vec::new())
        }
    }
}

#[tokio::test]
async fn validation() {
    let mut n_cases = 0;
    for case in cases(VALIDATION) {
        if !case["via"].as_array().unwrap().iter().any(|via| via == "grpc") {
            continue;
        }
        n_cases += 1;
        let properties = &case["event"]["event_properties"];
        let metadata = properties.get("metadata").map(|json| json.to_string().into_bytes().into());
        let event = v1::Event {
            user_id: text(&case["event"]["user_id"]),
            device_id: text(&case["event"]["device_id"]),
            body: Some(v1::event::Body::Exposure(v1::Exposure {
                flag_key: text(&properties["flag_key"]),
                variant: text(&properties["variant"]),
                experiment_key: text(&properties["experiment_key"]),
                metadata,
                ..Default::default()
            })),
            ..Default::default()
        };
        let outcomes = World::new().await.send(vec![event]).await;
        let (outcome, rejected, notes) = word(&outcomes[0]);
        assert_eq!(outcome, case["outcome"], "{}", case["name"]);
        let expected = text(&case["code"]).zip(text(&case["field"]));
        assert_eq!(rejected, expected, "{}", case["name"]);
        if let Some(expected) = case["notes"].as_array() {
            assert_eq!(notes, *expected, "{}", case["name"]);
        }
    }
    assert!(n_cases > 20, "{n_cases} cases");
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
        let events = writes.iter().map(|write| v1::Event {
            user_id: Some("user-1".into()),
            insert_id: text(&write["insert_id"]),
            time_us: write["time_ms"].as_i64().map(|millis| millis * 1000),
            sequence: write["sequence"].as_i64().unwrap(),
            body: Some(v1::event::Body::Exposure(v1::Exposure {
                flag_key: Some("f".into()),
                variant: text(&write["variant"]),
                experiment_key: text(&write["experiment_key"]),
                ..Default::default()
            })),
            ..Default::default()
        });
        let world = World::new().await;
        let outcomes = world.send(events.collect()).await;
        let effects: Vec<_> = outcomes.iter().map(|outcome| word(outcome).0).collect();
        assert_eq!(effects, *case["effects"].as_array().unwrap(), "{}", case["name"]);
        let mut client = PropertyServiceClient::new(world.channel().await);
        let request =
            v1::GetUserPropertiesRequest { user_id: Some("user-1".into()), ..Default::default() };
        let answer = client.get_user_properties(keyed(request)).await.unwrap().into_inner();
        let properties = answer.user_properties.unwrap().properties;
        let variant = properties.first().map(|property| property.variant.clone());
        assert_eq!(variant, text(&case["final"]), "{}", case["name"]);
        if let Some(key) = text(&case["final_experiment_key"]) {
            assert_eq!(properties[0].experiment_key, Some(key), "{}", case["name"]);
        }
    }
    assert!(n_cases > 10, "{n_cases} cases");
}

#[tokio::test]
async fn identity() {
    for case in cases(IDENTITY) {
        let told = case["events"].as_array().unwrap();
        for reversed in [false, true] {
            // One flag for all of them, whose profiles are counted, and one for each, whose
            // single profile is its owner.
            let mut events: Vec<v1::Event> = told
                .iter()
                .enumerate()
                .flat_map(|(index, told)| {
                    ["all".to_owned(), format!("event-{index}")].map(|flag| v1::Event {
                        user_id: text(&told["user_id"]),
                        device_id: text(&told["device_id"]),
                        time_us: told["time_ms"].as_i64().map(|millis| millis * 1000),
                        ..exposure("", &flag, Some("on"))
                    })
                })
                .collect();
            if reversed {
                events.reverse();
            }
            let world = World::new().await;
            for event in events {
                world.send(vec![event]).await;
            }
            let mut client = ExposureQueryServiceClient::new(world.channel().await);
            let mut owners = Vec::new();
            for index in 0..told.len() {
                let request = v1::ListProfilesRequest {
                    flag_key: format!("event-{index}"),
                    basis: v1::ProfileBasis::Exposure.into(),
                    ..Default::default()
                };
                let answer = client.list_profiles(keyed(request)).await.unwrap().into_inner();
                let [entry] = &answer.profiles[..] else { panic!("{}: {answer:?}", case["name"]) };
                owners.push(entry.profile.clone());
            }
            assert_eq!(owners, *case["owner"].as_array().unwrap(), "{}", case["name"]);
            let flags = client.list_flags(keyed(v1::ListFlagsRequest::default())).await.unwrap();
            let flags = flags.into_inner().flags;
            assert_eq!(flags[0].flag_key, "all");
            assert_eq!(flags[0].profile_count, case["unique_profiles"], "{}", case["name"]);
        }
    }
}
