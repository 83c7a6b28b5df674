use std::collections::BTreeSet;

use exposure_core::{Change, LinkSpan, Owner, Timestamp, Version};

use super::profiles::Spans;
use super::replay::Model;
use crate::{ProjectId, StateHash, StateHasher};

impl Model {
    /// The hash that every store with these events has.
    pub fn state_hash(&self) -> StateHash {
        let mut hash = StateHash::default();
        let projects: BTreeSet<ProjectId> =
            self.arrived.iter().map(|event| event.project).collect();
        for project in projects {
            for row in self.usage(project) {
                hash.add(StateHasher::usage(project, &row));
            }
            for event in self.live(project) {
                hash.add(event.hash);
            }
            for id in self.ids(project) {
                self.add_profile(&mut hash, project, &id);
            }
        }
        // A device stays a shared one when nothing else is left of it.
        for (project, device) in &self.shared {
            hash.add(StateHasher::shared_device(*project, device));
        }
        hash
    }

    fn add_profile(&self, hash: &mut StateHash, project: ProjectId, id: &Owner) {
        let profile = self.profile(project, id);
        for (flag, ((time, sequence, _, _, experiment_key, insert_id), variant)) in
            &profile.registers
        {
            let version = Version {
                time: Timestamp::from_micros(*time),
                sequence: *sequence,
                change: Change::to_variant(variant.as_deref()),
                experiment_key: std::str::from_utf8(experiment_key).unwrap_or_default(),
                insert_id: std::str::from_utf8(insert_id).unwrap_or_default(),
            };
            hash.add(StateHasher::register(project, id.as_raw(), flag, &version));
        }
        for (key, (first, last, count)) in &profile.seen {
            let seen = exposure_core::Seen { first: *first, last: *last, count: *count };
            hash.add(StateHasher::seen(project, id.as_raw(), key, seen));
        }
        if let (Owner::Device(device), Spans::Users(users)) = (id, &profile.spans) {
            for (user, &(earliest, latest)) in users {
                let span = LinkSpan { user: user.as_str().into(), earliest, latest };
                hash.add(StateHasher::link(project, device, &span));
            }
        }
    }
}
