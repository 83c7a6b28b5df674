//! What is counted beside profiles: usage, senders, rejects, flags, documents, and the sum of
//! the stored events' hashes. Small, under the same lock, and one section of a checkpoint.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use exposure_core::{ErrorCode, Kind, Timestamp};
use exposure_store::{Document, KeyId, ProjectId, SenderRow, StateHash, StoredReject, UsageRow};
use hashbrown::HashMap;

use super::arrivals::Arrivals;
use crate::intern::{TextId, Texts};

/// What usage is counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct UsageKey {
    pub project: ProjectId,
    pub day: i64,
    pub kind: Kind,
    pub event_type: TextId,
    pub key: KeyId,
    pub library: TextId,
}

/// What a sender library sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct SenderCounts {
    pub accepted: u64,
    pub duplicates: u64,
    pub rejected: BTreeMap<ErrorCode, u64>,
    /// The greatest receive time; `None` where that was not kept yet.
    pub last_received: Option<Timestamp>,
}

/// Flags that are known to be among a ledger's, each at a place by its number: most events are of one of
/// a few flags, and need not look for it in the set.
#[derive(Debug)]
struct NotedFlags([(ProjectId, TextId); NOTED_FLAGS]);

const NOTED_FLAGS: usize = 64;

impl Default for NotedFlags {
    fn default() -> Self {
        // No flag is the absent text.
        Self([(ProjectId::default(), TextId::NONE); NOTED_FLAGS])
    }
}

/// The counts.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Everything below this position of the log is counted.
    pub position: u64,
    pub usage: HashMap<UsageKey, u64, foldhash::fast::FixedState>,
    pub senders: BTreeMap<(ProjectId, TextId), SenderCounts>,
    pub rejects: BTreeMap<ProjectId, VecDeque<StoredReject>>,
    /// The flags that a set created, and for each the same as a bit by its number.
    pub flags: BTreeMap<ProjectId, BTreeSet<TextId>>,
    pub documents: BTreeMap<Box<str>, Document>,
    /// The sum over stored events.
    pub events: StateHash,
    pub n_events: u64,
    /// Events below this position of the log are gone.
    pub retired: u64,
    /// A step of retention took some further events out of the sum, and is not done.
    pub is_retiring: bool,
    /// When the others came in.
    pub arrivals: Arrivals,
    noted_flags: NotedFlags,
    last_usage: Option<(UsageKey, u64, Timestamp)>,
}

impl Ledger {
    /// The projects that something was counted of.
    pub(crate) fn usage_projects(&self) -> impl Iterator<Item = ProjectId> + '_ {
        let held = self.last_usage.iter().map(|(key, ..)| key.project);
        self.usage.keys().map(|key| key.project).chain(held)
    }

    /// Counts a new event. Runs of equal keys are added up before they go to the map.
    pub(crate) fn count(&mut self, key: UsageKey, received: Timestamp) {
        match &mut self.last_usage {
            Some((held, n, last)) if *held == key => {
                *n += 1;
                *last = (*last).max(received);
            }
            _ => {
                self.settle();
                self.last_usage = Some((key, 1, received));
            }
        }
    }

    /// Puts what is still held back into the maps; needed before they are read.
    pub(crate) fn settle(&mut self) {
        if let Some((key, n, received)) = self.last_usage.take() {
            *self.usage.entry(key).or_default() += n;
            self.sender(key.project, key.library, Some(received)).accepted += n;
        }
    }

    /// The counts of a library, of which something was received.
    pub(crate) fn sender(
        &mut self,
        project: ProjectId,
        library: TextId,
        received: Option<Timestamp>,
    ) -> &mut SenderCounts {
        let counts = self.senders.entry((project, library)).or_default();
        counts.last_received = counts.last_received.max(received);
        counts
    }

    /// Notes that a set created a flag.
    pub(crate) fn flag(&mut self, project: ProjectId, flag: TextId) {
        let noted = &mut self.noted_flags.0[flag.0 as usize % NOTED_FLAGS];
        if *noted != (project, flag) {
            *noted = (project, flag);
            self.flags.entry(project).or_default().insert(flag);
        }
    }

    /// Keeps a reject, and of all no more than `limit`.
    pub(crate) fn reject(&mut self, project: ProjectId, reject: StoredReject, limit: usize) {
        let kept = self.rejects.entry(project).or_default();
        kept.push_back(reject);
        while kept.len() > limit {
            kept.pop_front();
        }
    }

    /// Keeps the greater of two documents of one name.
    pub(crate) fn document(&mut self, document: Document) {
        let newer =
            |held: &Document| (held.version, &held.bytes) < (document.version, &document.bytes);
        if self.documents.get(&document.name).is_none_or(newer) {
            self.documents.insert(document.name.clone(), document);
        }
    }

    /// Adds what another ledger counted of other events.
    pub(crate) fn add(&mut self, mut other: Self) {
        other.settle();
        for (key, n) in std::mem::take(&mut other.usage) {
            *self.usage.entry(key).or_default() += n;
        }
        for (&(project, library), counted) in &other.senders {
            let counts = self.sender(project, library, counted.last_received);
            counts.accepted += counted.accepted;
            counts.duplicates += counted.duplicates;
            for (&code, n) in &counted.rejected {
                *counts.rejected.entry(code).or_default() += n;
            }
        }
        for (&project, flags) in &other.flags {
            for &flag in flags {
                self.flag(project, flag);
            }
        }
        self.events.add(other.events.to_u128());
        self.n_events += other.n_events;
    }

    /// The rows of a project and days, in their order. Call [`settle`](Self::settle) first.
    pub(crate) fn usage_rows(
        &self,
        project: ProjectId,
        from: i64,
        to: i64,
        texts: &Texts,
    ) -> Vec<UsageRow> {
        let mut rows = {
            let mut rows = Vec::new();
            for (key, &events) in &self.usage {
                if key.project == project && (from..=to).contains(&key.day) {
                    rows.push(usage_row(key, events, texts));
                }
            }
            rows
        };
        rows.sort_unstable();
        rows
    }

    pub(crate) fn sender_rows(&self, project: ProjectId, texts: &Texts) -> Vec<SenderRow> {
        let mut rows: Vec<_> = self
            .senders
            .range((project, TextId(0))..=(project, TextId(u32::MAX)))
            .map(|((_, library), counts)| SenderRow {
                library: texts.text(*library).into(),
                accepted: counts.accepted,
                duplicates: counts.duplicates,
                rejected: counts.rejected.iter().map(|(&code, &n)| (code, n)).collect(),
                last_received: counts.last_received,
            })
            .collect();
        rows.sort_unstable_by(|a, b| a.library.cmp(&b.library));
        rows
    }

    /// The hash of what is counted. Call [`settle`](Self::settle) first.
    pub(crate) fn hash(&self, texts: &Texts) -> StateHash {
        let mut sum = self.events;
        for (key, &events) in &self.usage {
            sum.add(exposure_store::StateHasher::usage(
                key.project,
                &usage_row(key, events, texts),
            ));
        }
        sum
    }
}

fn usage_row(key: &UsageKey, events: u64, texts: &Texts) -> UsageRow {
    UsageRow {
        day: key.day,
        kind: key.kind,
        event_type: texts.text(key.event_type).into(),
        key: key.key,
        library: texts.text(key.library).into(),
        events,
    }
}
