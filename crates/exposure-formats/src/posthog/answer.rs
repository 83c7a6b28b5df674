use std::collections::BTreeMap;

use exposure_core::Outcome;
use serde::Serialize;

use super::Endpoint;
use crate::{Answer, Stored};

/// The answer to a request that was taken in. Only the newer protocol tells of single events,
/// and then must, in exactly this form.
pub fn accepted(endpoint: Endpoint, stored: &Stored<'_>) -> Answer {
    match endpoint {
        Endpoint::Capture | Endpoint::Engage => Answer::fixed_json(r#"{"status":1}"#),
        Endpoint::V1 => {
            let told =
                stored.names.iter().zip(stored.outcomes).filter(|(name, _)| !name.is_empty());
            let results = told.map(|(name, outcome)| (*name, verdict(outcome))).collect();
            Answer::json(200, &Verdicts { results })
        }
    }
}

#[derive(Serialize)]
struct Verdicts<'a> {
    results: BTreeMap<&'a str, Verdict>,
}

/// What became of an event, in the protocol's words.
#[derive(Serialize)]
struct Verdict {
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<String>,
}

fn verdict(outcome: &Outcome) -> Verdict {
    match outcome {
        // A duplicate is stored: its original is.
        Outcome::Accepted { .. } | Outcome::Duplicate { .. } => {
            Verdict { result: "ok", details: None }
        }
        Outcome::Rejected(rejection) => Verdict {
            result: if rejection.code.is_retryable() { "retry" } else { "drop" },
            details: Some(rejection.to_string()),
        },
    }
}
