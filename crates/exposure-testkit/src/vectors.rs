//! The rules as data: `tests/vectors` of the workspace.

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Cases of ownership.
#[derive(Clone, Debug, Deserialize)]
pub struct IdentityCase {
    /// What it shows.
    pub name: String,
    /// The events, in order of arrival; any other order has the same owners.
    pub events: Vec<IdentityEvent>,
    /// The owner of each event, as `user:…` or `device:…`.
    pub owner: Vec<String>,
    /// How many profiles there are.
    pub unique_profiles: u64,
}

/// An event of such a case.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the wire")]
pub struct IdentityEvent {
    pub device_id: Option<String>,
    pub user_id: Option<String>,
    pub time_ms: i64,
}

/// Cases of one register.
#[derive(Clone, Debug, Deserialize)]
pub struct RegisterCase {
    /// What it shows.
    pub name: String,
    /// Writes of one user to one flag, in order of arrival.
    pub writes: Vec<RegisterWrite>,
    /// The effect of each, or `duplicate`, or `duplicate(conflict)`.
    pub effects: Vec<String>,
    /// The notes of each, where the case says so.
    pub notes: Option<Vec<Vec<String>>>,
    /// The variant in the end.
    #[serde(rename = "final")]
    pub last: Option<String>,
    /// The experiment key in the end, where the case says so.
    pub final_experiment_key: Option<String>,
}

/// A write of such a case.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "the names are those of the wire")]
pub struct RegisterWrite {
    pub time_ms: i64,
    pub variant: Option<String>,
    pub sequence: i64,
    pub insert_id: Option<String>,
    pub experiment_key: Option<String>,
    pub receive_time_ms: Option<i64>,
}

#[derive(Deserialize)]
struct File<C> {
    cases: Vec<C>,
}

/// The cases of `identity.json`.
pub fn identity() -> Vec<IdentityCase> {
    cases(include_str!("../../../tests/vectors/identity.json"))
}

/// The cases of `register.json`.
pub fn register() -> Vec<RegisterCase> {
    cases(include_str!("../../../tests/vectors/register.json"))
}

#[expect(clippy::expect_used, reason = "the vectors are part of the workspace")]
fn cases<C: DeserializeOwned>(json: &str) -> Vec<C> {
    serde_json::from_str::<File<C>>(json).expect("the vectors are as described").cases
}
