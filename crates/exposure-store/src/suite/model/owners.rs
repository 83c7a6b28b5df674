use std::collections::{BTreeMap, BTreeSet};

use exposure_core::{Owner, RawId, Timestamp};

use super::known::{Known, Rank};
use super::replay::Model;
use crate::ProjectId;

impl Model {
    /// The links of a device: time and user, as often as they arrived.
    fn links(&self, project: ProjectId, device: &str) -> Vec<(Timestamp, &str)> {
        self.live(project)
            .filter(|event| event.device.as_deref() == Some(device))
            .filter_map(|event| Some((event.time, event.user.as_deref()?)))
            .collect()
    }

    pub(super) fn users_on(&self, project: ProjectId, device: &str) -> BTreeSet<String> {
        self.links(project, device).into_iter().map(|(_, user)| user.to_owned()).collect()
    }

    /// Whether too many users were seen on a device.
    pub fn is_shared(&self, project: ProjectId, device: &str) -> bool {
        self.shared.contains(&(project, device.to_owned()))
    }

    /// Whom an event belongs to, under the links of today.
    pub fn owner(&self, event: &Known) -> Owner {
        let Some(device) = event.device.as_deref().filter(|_| event.user.is_none()) else {
            return event.raw();
        };
        if self.is_shared(event.project, device) {
            return event.raw();
        }
        let links = self.links(event.project, device);
        let before = links.iter().filter(|(time, _)| *time <= event.time).max();
        let user = before.or_else(|| links.iter().min()).map(|&(_, user)| user);
        user.map_or_else(|| event.raw(), |user| Owner::User(user.into()))
    }

    /// Whom a question about a raw id is about: of a device, the user of its latest link.
    pub fn reader(&self, project: ProjectId, id: RawId<'_>) -> Owner {
        match id {
            RawId::Device(device) if !self.is_shared(project, device) => {
                let latest = self.links(project, device).into_iter().max();
                latest.map_or_else(|| id.to_owner(), |(_, user)| Owner::User(user.into()))
            }
            RawId::User(_) | RawId::Device(_) => id.to_owner(),
        }
    }

    /// Everything that belongs to a profile, in order of arrival.
    pub fn owned(&self, project: ProjectId, owner: &Owner) -> impl Iterator<Item = &Known> {
        self.live(project).filter(move |event| self.owner(event) == *owner)
    }

    /// The profiles that anything belongs to.
    pub fn owners(&self, project: ProjectId) -> BTreeSet<Owner> {
        self.live(project).map(|event| self.owner(event)).collect()
    }

    /// Who answers for a raw id, and the answer: flag key and variant.
    pub fn properties(
        &self,
        project: ProjectId,
        id: RawId<'_>,
    ) -> (Owner, BTreeMap<String, String>) {
        let owner = self.reader(project, id);
        let owned: Vec<&Known> = self.owned(project, &owner).collect();
        let written = owned.iter().flat_map(|event| &event.writes).map(|(flag, _)| flag);
        let flags: BTreeSet<&String> = written.collect();
        let visible = flags.into_iter().filter_map(|flag| {
            let (_, variant, _) = greatest(owned.iter().copied(), flag)?;
            Some((flag.clone(), variant?.to_owned()))
        });
        let visible = visible.collect();
        (owner, visible)
    }

    /// The profiles whose property has a value.
    pub fn with_property(&self, project: ProjectId, flag: &str, variant: &str) -> BTreeSet<Owner> {
        let mut owners = self.owners(project);
        owners.retain(|owner| {
            let greatest = greatest(self.owned(project, owner), flag);
            greatest.is_some_and(|(_, held, _)| held == Some(variant))
        });
        owners
    }
}

/// The greatest write of a flag among events: its rank, its variant, the event.
pub(super) fn greatest<'e>(
    events: impl Iterator<Item = &'e Known>,
    flag: &str,
) -> Option<(Rank, Option<&'e str>, &'e Known)> {
    let mut greatest: Option<(Rank, Option<&'e str>, &'e Known)> = None;
    for event in events {
        for (_, variant) in event.writes.iter().filter(|(written, _)| written == flag) {
            let rank = event.rank(flag, variant.as_deref());
            if greatest.as_ref().is_none_or(|(held, ..)| rank > *held) {
                greatest = Some((rank, variant.as_deref(), event));
            }
        }
    }
    greatest
}
