use std::collections::BTreeMap;

use exposure_proto::v1;
use exposure_proto::v1::event_outcome::Result as Outcome;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client::{code_name, outcome_json};
use crate::console::{Table, line};
use crate::failure::Result;

/// What became of the events of a file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) events: u64,
    pub(super) accepted: u64,
    pub(super) duplicate: u64,
    pub(super) rejected: u64,
    /// Rejected events by code, and then by field.
    pub(super) reasons: BTreeMap<String, BTreeMap<String, u64>>,
    /// Bodies that could not be read at all, with the reason.
    pub(super) unreadable: Vec<String>,
    /// What became of each event, where that was asked for.
    #[serde(skip)]
    outcomes: Option<Vec<Value>>,
}

impl Counts {
    /// Goes on from what was counted before.
    pub(super) fn new(before: Self, keep_outcomes: bool) -> Self {
        Self { outcomes: keep_outcomes.then(Vec::new), ..before }
    }

    pub(super) fn outcome(&mut self, outcome: &v1::EventOutcome) {
        if let Some(outcomes) = &mut self.outcomes {
            outcomes.push(outcome_json(outcome));
        }
        match &outcome.result {
            Some(Outcome::Accepted(_)) => self.accept(),
            Some(Outcome::Duplicate(_)) => {
                self.events += 1;
                self.duplicate += 1;
            }
            Some(Outcome::Rejected(rejected)) => {
                self.reject(code_name(rejected.code), &rejected.field);
            }
            None => self.reject("UNSPECIFIED", ""),
        }
    }

    /// An event that says nothing that is kept.
    pub(super) fn ignored(&mut self) {
        if let Some(outcomes) = &mut self.outcomes {
            outcomes.push(json!({"outcome": "accepted", "effects": [], "notes": []}));
        }
        self.accept();
    }

    fn reject(&mut self, code: &str, field: &str) {
        self.events += 1;
        self.rejected += 1;
        *self.reasons.entry(code.to_owned()).or_default().entry(field.to_owned()).or_default() += 1;
    }

    fn accept(&mut self) {
        self.events += 1;
        self.accepted += 1;
    }

    fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.accepted += other.accepted;
        self.duplicate += other.duplicate;
        self.rejected += other.rejected;
        for (code, field, count) in other.reasons() {
            let fields = self.reasons.entry(code.to_owned()).or_default();
            *fields.entry(field.to_owned()).or_default() += count;
        }
        self.unreadable.extend(other.unreadable.iter().cloned());
    }

    /// Code, field, and how many events.
    fn reasons(&self) -> impl Iterator<Item = (&str, &str, u64)> {
        self.reasons.iter().flat_map(|(code, fields)| {
            fields.iter().map(|(field, &count)| (code.as_str(), field.as_str(), count))
        })
    }

    fn json(&self) -> Value {
        let reasons = self
            .reasons()
            .map(|(code, field, count)| json!({"code": code, "field": field, "events": count}));
        json!({
            "events": self.events,
            "accepted": self.accepted,
            "duplicate": self.duplicate,
            "rejected": self.rejected,
            "reasons": reasons.collect::<Vec<_>>(),
            "unreadable": self.unreadable,
        })
    }
}

/// The counts of all files.
#[derive(Clone, Debug, Default)]
pub(super) struct Summary {
    pub(super) files: Vec<(String, Counts)>,
}

impl Summary {
    pub(super) fn total(&self) -> Counts {
        let mut total = Counts::default();
        for (_, counts) in &self.files {
            total.add(counts);
        }
        total
    }

    pub(super) fn json(&self) -> Value {
        let mut summary = self.total().json();
        let files = self.files.iter().map(|(file, counts)| {
            let mut told = counts.json();
            if let Some(members) = told.as_object_mut() {
                members.insert("file".to_owned(), Value::from(file.as_str()));
                if let Some(outcomes) = &counts.outcomes {
                    members.insert("outcomes".to_owned(), Value::from(outcomes.as_slice()));
                }
            }
            told
        });
        let files = files.collect::<Vec<_>>();
        if let Some(members) = summary.as_object_mut() {
            members.insert("files".to_owned(), Value::from(files));
        }
        summary
    }

    pub(super) fn print(&self) -> Result<()> {
        let mut table = Table::new(&["file", "events", "accepted", "duplicate", "rejected"]);
        let total = self.total();
        for (file, counts) in self.files.iter().map(|(file, counts)| (file.as_str(), counts)) {
            row(&mut table, file, counts);
        }
        if self.files.len() > 1 {
            row(&mut table, "(all)", &total);
        }
        table.print("no files")?;
        for (code, field, count) in total.reasons() {
            line(format!("rejected {count}: {code} `{field}`"))?;
        }
        for reason in &total.unreadable {
            line(format!("unreadable: {reason}"))?;
        }
        Ok(())
    }
}

fn row(table: &mut Table, name: &str, counts: &Counts) {
    table.row([
        name.to_owned(),
        counts.events.to_string(),
        counts.accepted.to_string(),
        counts.duplicate.to_string(),
        counts.rejected.to_string(),
    ]);
}
