use std::collections::{BTreeMap, BTreeSet};

use exposure_core::{ErrorCode, Owner};

use super::known::Known;
use super::replay::Model;
use crate::{Committed, Duplicates, ProjectId, SenderRow, StoredDuplicate, UsageRow};

impl Model {
    fn merged(&self, project: ProjectId) -> impl Iterator<Item = &Known> {
        // Erased or not: what was metered stays metered.
        let merged = |event: &&Known| matches!(event.decision, Committed::Merged(_));
        self.arrived.iter().filter(move |event| event.project == project).filter(merged)
    }

    fn duplicated(&self, project: ProjectId) -> impl Iterator<Item = &Known> {
        let duplicate = |event: &&Known| matches!(event.decision, Committed::Duplicate { .. });
        self.arrived.iter().filter(move |event| event.project == project).filter(duplicate)
    }

    /// Usage of a project, in the rows' order.
    pub fn usage(&self, project: ProjectId) -> Vec<UsageRow> {
        let mut rows: Vec<UsageRow> = Vec::new();
        for event in self.merged(project) {
            let one = UsageRow {
                day: event.received.day(),
                kind: event.kind,
                event_type: event.event_type.as_str().into(),
                key: event.key,
                library: event.library.as_str().into(),
                events: 1,
            };
            let same = rows.iter_mut().find(|row| {
                (row.day, row.kind, &row.event_type, row.key, &row.library)
                    == (one.day, one.kind, &one.event_type, one.key, &one.library)
            });
            match same {
                Some(row) => row.events += 1,
                None => rows.push(one),
            }
        }
        rows.sort();
        rows
    }

    /// What each sender library sent.
    pub fn senders(&self, project: ProjectId) -> Vec<SenderRow> {
        let rejected = || self.rejected.iter().filter(|reject| reject.project == project);
        let arrived = self.merged(project).chain(self.duplicated(project));
        let mut libraries: BTreeSet<&str> = arrived.map(|event| event.library.as_str()).collect();
        libraries.extend(rejected().map(|reject| reject.library.as_str()));
        let row = |library: &str| {
            let mut reasons: BTreeMap<ErrorCode, u64> = BTreeMap::new();
            for reject in rejected().filter(|reject| reject.library == library) {
                *reasons.entry(reject.code).or_default() += 1;
            }
            let of_library = |event: &&Known| event.library == library;
            let arrived = self.merged(project).chain(self.duplicated(project)).filter(of_library);
            let refused = rejected().filter(|reject| reject.library == library);
            let received = arrived.map(|event| event.received);
            SenderRow {
                library: library.into(),
                accepted: self.merged(project).filter(of_library).count() as u64,
                duplicates: self.duplicated(project).filter(of_library).count() as u64,
                rejected: reasons.into_iter().collect(),
                last_received: received.chain(refused.map(|reject| reject.received)).max(),
            }
        };
        libraries.into_iter().map(row).collect()
    }

    /// The duplicates that named a raw id.
    pub fn duplicates(&self, project: ProjectId, id: &Owner) -> Duplicates {
        let all: Vec<StoredDuplicate> = self
            .duplicated(project)
            .filter(|event| event.raw() == *id && !event.erased)
            .map(|event| StoredDuplicate {
                insert_id: event.insert_id.as_deref().unwrap_or("").into(),
                received: event.received,
                flag: event.exposed.as_ref().map(|exposed| exposed.flag.as_str().into()),
                conflict: event.decision == Committed::Duplicate { conflict: true },
                library: event.library.as_str().into(),
            })
            .collect();
        let kept = all.len().saturating_sub(self.limits.duplicates_kept);
        Duplicates { count: all.len() as u64, last: all.into_iter().skip(kept).collect() }
    }

    /// The flags that a set created.
    pub fn flags(&self, project: ProjectId) -> BTreeSet<String> {
        let writes = self.merged(project).flat_map(|event| &event.writes);
        writes.filter(|(_, variant)| variant.is_some()).map(|(flag, _)| flag.clone()).collect()
    }
}
