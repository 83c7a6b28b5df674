use std::collections::BTreeSet;

use exposure_core::{Owner, Timestamp, Version};

use super::state::{Profile, State};
use crate::{FeedEntry, ProjectId};

impl State {
    /// Erases a user until a time, and its devices that no other user was seen on.
    pub(super) fn erase(&mut self, project: ProjectId, user: &str, until: Timestamp) -> u64 {
        let own_devices = self.devices_of(project, user).into_iter().filter(|device| {
            let is_shared = self.shared.contains(&(project, device.clone()));
            !is_shared && self.users_on(project, device).iter().all(|other| *other == user)
        });
        let devices: Vec<Owner> = own_devices.map(Owner::Device).collect();
        let owners: Vec<Owner> = std::iter::once(Owner::User(user.into())).chain(devices).collect();
        let mut n_erased = 0;
        for owner in owners {
            let profile = (project, owner);
            n_erased += u64::from(self.erase_profile(&profile, until));
            let mark = self.erased_hash(project, profile.1.as_raw());
            self.erased.merge(mark, until);
            let position = self.next_position();
            let entry = FeedEntry::Erased { project, owner: profile.1, until };
            self.feed.push(position, entry, self.feed_kept);
        }
        n_erased
    }

    /// Takes away everything of one profile until a time; whether there was anything.
    fn erase_profile(&mut self, profile: &Profile, until: Timestamp) -> bool {
        let (project, owner) = profile;
        let history = self.history(*project, owner.as_raw());
        let was_known = !history.is_empty();
        let is_raw = |event: &crate::StoredEvent| event.raw() == owner.as_raw();
        let gone: BTreeSet<u64> = history
            .iter()
            .filter(|event| is_raw(event) && event.time <= until)
            .map(|event| event.position)
            .collect();
        self.events.erase(|(held, position), _| held == project && gone.contains(position));
        self.naming.erase(|((held, _), position), ()| held == project && gone.contains(position));
        self.feed.erase(|entry| match entry {
            FeedEntry::Event { project: held, event, .. } => {
                held == project && gone.contains(&event.position)
            }
            FeedEntry::Erased { .. } => false,
        });
        // A later write would have won, so none lies hidden behind an erased register.
        self.registers.erase(|(held, _), bytes| {
            held == profile && Version::decode(bytes).is_none_or(|held| held.time <= until)
        });
        self.first.erase(|(held, _), _| held == profile);
        self.last.erase(|(held, _), _| held == profile);
        self.exposures.erase(|(held, ..), ()| held == profile);
        for event in history.iter().filter(|event| is_raw(event) && event.time > until) {
            self.index(*project, event);
        }
        if let Owner::User(user) = owner {
            self.erase_links(*project, user, until);
        }
        self.counts.erase(*project, owner, until);
        was_known
    }

    /// Takes away the links of a user; those of others on its devices stay.
    fn erase_links(&mut self, project: ProjectId, user: &str, until: Timestamp) {
        self.links.erase(|(held, _, linked, time), ()| {
            *held == project && **linked == *user && *time <= until
        });
        let links = &self.links;
        self.devices.erase(|(held, linked, device), ()| {
            let first = (*held, device.clone(), linked.clone(), Timestamp::MIN);
            let is_linked = links
                .range(first..)
                .next()
                .is_some_and(|((p, d, u, _), ())| (p, d, u) == (held, device, linked));
            *held == project && **linked == *user && !is_linked
        });
    }
}
