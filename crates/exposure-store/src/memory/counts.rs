use std::collections::{BTreeMap, VecDeque};

use exposure_core::{Admitted, ErrorCode, Limits, Owner, RawId, Timestamp};

use crate::{
    Duplicates, KeyId, Origin, ProjectId, Reject, SenderRow, StateHash, StateHasher,
    StoredDuplicate, StoredReject, UsageRow,
};

/// What is counted: usage, senders, rejects, duplicates.
#[derive(Debug, Default)]
pub(super) struct Counts {
    usage: BTreeMap<(ProjectId, UsageKey), u64>,
    senders: BTreeMap<(ProjectId, Box<str>), Sender>,
    rejects: BTreeMap<ProjectId, VecDeque<StoredReject>>,
    duplicates: BTreeMap<(ProjectId, Owner), Duplicates>,
}

type UsageKey = (i64, exposure_core::Kind, Box<str>, KeyId, Box<str>);

#[derive(Debug, Default)]
struct Sender {
    accepted: u64,
    duplicates: u64,
    rejected: BTreeMap<ErrorCode, u64>,
    last_received: Option<Timestamp>,
}

impl Counts {
    fn sender(&mut self, origin: &Origin, library: &str) -> &mut Sender {
        let sender = self.senders.entry((origin.project, library.into())).or_default();
        sender.last_received = sender.last_received.max(Some(origin.received));
        sender
    }

    pub(super) fn accepted(&mut self, origin: &Origin, event: &Admitted<'_>) {
        self.sender(origin, event.library).accepted += 1;
        let day = origin.received.day();
        let key = (day, event.kind(), event.event_type().into(), origin.key, event.library.into());
        *self.usage.entry((origin.project, key)).or_default() += 1;
    }

    pub(super) fn duplicate(
        &mut self,
        origin: &Origin,
        event: &Admitted<'_>,
        conflict: bool,
        limits: &Limits,
    ) {
        self.sender(origin, event.library).duplicates += 1;
        let held = self.duplicates.entry((origin.project, event.raw().to_owner())).or_default();
        held.count += 1;
        held.last.push(StoredDuplicate {
            insert_id: event.insert_id.map_or("", |id| id.as_str()).into(),
            received: origin.received,
            flag: event.exposed().map(|(flag, ..)| flag.as_str().into()),
            conflict,
            library: event.library.into(),
        });
        let extra = held.last.len().saturating_sub(limits.duplicates_kept);
        held.last.drain(..extra);
    }

    pub(super) fn reject(
        &mut self,
        origin: &Origin,
        position: u64,
        reject: &Reject<'_>,
        limits: &Limits,
    ) {
        let sender = self.sender(origin, reject.library);
        *sender.rejected.entry(reject.code).or_default() += 1;
        let named = match (reject.user, reject.device) {
            ("", "") => None,
            ("", device) => Some(Owner::Device(device.into())),
            (user, _) => Some(Owner::User(user.into())),
        };
        let log = self.rejects.entry(origin.project).or_default();
        log.push_back(StoredReject {
            position,
            received: origin.received,
            code: reject.code,
            field: reject.field.into(),
            message: reject.message.into(),
            named,
            event: reject.event.into(),
            key: origin.key,
            library: reject.library.into(),
        });
        while log.len() > limits.rejects_kept {
            log.pop_front();
        }
    }

    pub(super) fn usage(&self, project: ProjectId) -> impl Iterator<Item = UsageRow> {
        self.usage.iter().filter(move |((held, _), _)| *held == project).map(
            |((_, key), &events)| {
                let (day, kind, event_type, key, library) = key.clone();
                UsageRow { day, kind, event_type, key, library, events }
            },
        )
    }

    pub(super) fn usage_hash(&self) -> StateHash {
        let mut hash = StateHash::default();
        let mut projects: Vec<_> = self.usage.keys().map(|(project, _)| *project).collect();
        projects.dedup();
        for project in projects {
            for row in self.usage(project) {
                hash.add(StateHasher::usage(project, &row));
            }
        }
        hash
    }

    pub(super) fn senders(&self, project: ProjectId) -> Vec<SenderRow> {
        let of_project = self.senders.iter().filter(|((held, _), _)| *held == project);
        of_project
            .map(|((_, library), sender)| SenderRow {
                library: library.clone(),
                accepted: sender.accepted,
                duplicates: sender.duplicates,
                rejected: sender.rejected.iter().map(|(&code, &n)| (code, n)).collect(),
                last_received: sender.last_received,
            })
            .collect()
    }

    pub(super) fn rejects(
        &self,
        project: ProjectId,
        below: Option<u64>,
        limit: usize,
    ) -> Vec<StoredReject> {
        let log = self.rejects.get(&project).into_iter().flatten().rev();
        log.filter(|reject| below.is_none_or(|below| reject.position < below))
            .take(limit)
            .cloned()
            .collect()
    }

    pub(super) fn duplicates(&self, project: ProjectId, id: RawId<'_>) -> Duplicates {
        self.duplicates.get(&(project, id.to_owner())).cloned().unwrap_or_default()
    }

    /// Forgets the duplicates of a profile, and its rejects received until a time.
    pub(super) fn erase(&mut self, project: ProjectId, owner: &Owner, until: Timestamp) {
        self.duplicates.remove(&(project, owner.clone()));
        if let Some(log) = self.rejects.get_mut(&project) {
            log.retain(|reject| reject.named.as_ref() != Some(owner) || reject.received > until);
        }
    }
}
