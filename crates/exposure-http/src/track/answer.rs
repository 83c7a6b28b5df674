//! Outcomes as JSON.

use exposure_core::{Admitted, Effect, Outcome};
use exposure_service::Receipt;
use serde::Serialize;

/// `{"results":[…]}`, one for each exposure, in order.
#[derive(Debug, Serialize)]
pub(super) struct Answer<'r> {
    results: Vec<Told<'r>>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Told<'r> {
    Accepted { effects: Vec<ToldEffect<'r>>, notes: Vec<&'static str> },
    Duplicate { conflict: bool },
    Rejected { code: &'static str, field: &'r str, message: &'r str },
}

#[derive(Debug, Serialize)]
struct ToldEffect<'r> {
    flag_key: &'r str,
    effect: &'static str,
}

impl<'r> Answer<'r> {
    pub(super) fn new(receipt: &'r Receipt<'r>) -> Self {
        Self { results: receipt.iter().map(|(outcome, event)| Told::new(outcome, event)).collect() }
    }
}

impl<'r> Told<'r> {
    fn new(outcome: &'r Outcome, event: Option<&'r Admitted<'r>>) -> Self {
        match outcome {
            Outcome::Accepted { notes, .. } => Self::Accepted {
                effects: Receipt::effects(outcome, event).map(ToldEffect::new).collect(),
                notes: notes.iter().map(exposure_core::Note::as_str).collect(),
            },
            Outcome::Duplicate { conflict } => Self::Duplicate { conflict: *conflict },
            Outcome::Rejected(rejection) => Self::Rejected {
                code: rejection.code.as_str(),
                field: &rejection.field,
                message: &rejection.message,
            },
        }
    }
}

impl<'r> ToldEffect<'r> {
    fn new((flag_key, effect): (&'r str, Effect)) -> Self {
        Self { flag_key, effect: effect.as_str() }
    }
}
