//! Outcomes of events as the HTTP interface writes them, and for people.

use exposure_proto::v1;
use exposure_proto::v1::event_outcome::Result as Outcome;
use serde_json::{Value, json};

use super::code_name;

/// An outcome as JSON.
pub(crate) fn outcome_json(outcome: &v1::EventOutcome) -> Value {
    match &outcome.result {
        Some(Outcome::Accepted(accepted)) => json!({
            "outcome": "accepted",
            "effects": accepted.effects.iter().map(|effect| json!({
                "flag_key": effect.flag_key,
                "effect": effect_name(effect.kind),
            })).collect::<Vec<_>>(),
            "notes": accepted.notes.iter().map(|&note| note_name(note)).collect::<Vec<_>>(),
        }),
        Some(Outcome::Duplicate(duplicate)) => {
            json!({"outcome": "duplicate", "conflict": duplicate.conflict})
        }
        Some(Outcome::Rejected(rejected)) => json!({
            "outcome": "rejected",
            "code": code_name(rejected.code),
            "field": rejected.field,
            "message": rejected.message,
        }),
        None => json!({"outcome": "unknown"}),
    }
}

/// An outcome as a line.
pub(crate) fn outcome_text(outcome: &v1::EventOutcome) -> String {
    match &outcome.result {
        Some(Outcome::Accepted(accepted)) => {
            let effects = accepted.effects.iter();
            let effects =
                effects.map(|effect| format!(" {}: {}", effect.flag_key, effect_name(effect.kind)));
            let notes = accepted.notes.iter().map(|&note| format!(" ({})", note_name(note)));
            format!("accepted{}", effects.chain(notes).collect::<String>())
        }
        Some(Outcome::Duplicate(v1::Duplicate { conflict: false })) => "duplicate".to_owned(),
        Some(Outcome::Duplicate(v1::Duplicate { conflict: true })) => {
            "duplicate, though with other content: the first one stands".to_owned()
        }
        Some(Outcome::Rejected(rejected)) => {
            format!(
                "rejected {}: `{}` {}",
                code_name(rejected.code),
                rejected.field,
                rejected.message
            )
        }
        None => "the server gave no outcome".to_owned(),
    }
}

fn effect_name(number: i32) -> String {
    let name = v1::EffectKind::try_from(number).unwrap_or_default().as_str_name();
    name.trim_start_matches("EFFECT_KIND_").to_lowercase()
}

fn note_name(number: i32) -> String {
    let name = v1::Note::try_from(number).unwrap_or_default().as_str_name();
    name.trim_start_matches("NOTE_").to_lowercase()
}
