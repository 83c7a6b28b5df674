use exposure_core::Outcome;

use super::code::wire_code;
use super::names::{wire_effect, wire_note};
use crate::v1;
use crate::v1::event_outcome::Result as WireResult;

/// An outcome as a generated message; `flag_keys` are those of the event's writes, in the
/// order of its effects. [`crate::answer`] writes the same bytes without the message.
pub fn wire_outcome<'f>(
    outcome: &Outcome,
    flag_keys: impl Iterator<Item = &'f str>,
) -> v1::EventOutcome {
    let result = match outcome {
        Outcome::Accepted { effects, notes } => WireResult::Accepted(v1::Accepted {
            effects: effects
                .as_slice()
                .iter()
                .zip(flag_keys)
                .map(|(&effect, flag_key)| v1::Effect {
                    flag_key: flag_key.to_owned(),
                    kind: wire_effect(effect).into(),
                })
                .collect(),
            notes: notes.iter().map(|note| wire_note(note).into()).collect(),
        }),
        &Outcome::Duplicate { conflict } => WireResult::Duplicate(v1::Duplicate { conflict }),
        Outcome::Rejected(rejection) => WireResult::Rejected(v1::Rejected {
            code: wire_code(rejection.code).into(),
            field: rejection.field.clone().into_owned(),
            message: rejection.message.clone().into_owned(),
        }),
    };
    v1::EventOutcome { result: Some(result) }
}
