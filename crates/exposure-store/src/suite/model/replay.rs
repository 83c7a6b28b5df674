use std::collections::BTreeSet;

use exposure_core::{Effect, Effects, Limits, Owner, Timestamp};

use super::known::Known;
use super::owners::greatest;
use crate::{Batch, Committed, INSERT_ID_WINDOW_MICROS, ProjectId};

/// The naive model of a store and of the answers that are drawn from it.
#[derive(Clone, Debug, Default)]
pub struct Model {
    pub(super) limits: Limits,
    pub(super) arrived: Vec<Known>,
    pub(super) rejected: Vec<Rejected>,
    erasures: Vec<Erasure>,
    pub(super) shared: BTreeSet<(ProjectId, String)>,
}

#[derive(Clone, Debug)]
struct Erasure {
    project: ProjectId,
    owner: Owner,
    until: Timestamp,
}

#[derive(Clone, Debug)]
pub(super) struct Rejected {
    pub(super) project: ProjectId,
    pub(super) code: exposure_core::ErrorCode,
    pub(super) library: String,
    pub(super) received: Timestamp,
}

impl Model {
    /// A model with these limits.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Everything that arrived, in order, with what was decided.
    pub fn arrived(&self) -> &[Known] {
        &self.arrived
    }

    /// What counts: merged and not erased, in order of arrival.
    pub fn live(&self, project: ProjectId) -> impl Iterator<Item = &Known> {
        self.arrived.iter().filter(move |event| event.project == project && event.is_live())
    }

    /// The users and devices that events name.
    pub fn ids(&self, project: ProjectId) -> BTreeSet<Owner> {
        let users = self.live(project).filter_map(|event| event.user.as_deref());
        let devices = self.live(project).filter_map(|event| event.device.as_deref());
        let users = users.map(|user| Owner::User(user.into()));
        users.chain(devices.map(|device| Owner::Device(device.into()))).collect()
    }

    /// Decides about a batch as a store of the first tier does.
    pub fn commit(&mut self, batch: &Batch<'_>) -> Vec<Committed> {
        let mut results = Vec::new();
        for event in batch.events {
            let mut event = Known::new(&batch.origin, event);
            event.decision = self.decide(&event);
            results.push(event.decision.clone());
            if event.decision == Committed::Erased {
                self.rejected.push(Rejected {
                    project: event.project,
                    code: exposure_core::ErrorCode::Erased,
                    library: event.library.clone(),
                    received: event.received,
                });
            }
            let at = event.device.clone().map(|device| (event.project, device));
            self.arrived.push(event);
            if let Some((project, device)) = at
                && self.users_on(project, &device).len() > self.limits.users_per_device
            {
                self.shared.insert((project, device));
            }
        }
        for reject in batch.rejects {
            self.rejected.push(Rejected {
                project: batch.origin.project,
                code: reject.code,
                library: reject.library.to_owned(),
                received: batch.origin.received,
            });
        }
        results
    }

    fn decide(&self, event: &Known) -> Committed {
        let erased_until = self.erased_until(event.project, &event.raw());
        if erased_until.is_some_and(|until| event.time <= until) {
            return Committed::Erased;
        }
        if let Some(first) = self.original_of(event) {
            return Committed::Duplicate { conflict: !event.has_content_of(first) };
        }
        let mut effects = Effects::None;
        for (flag, variant) in &event.writes {
            effects.push(self.effect(event, flag, variant.as_deref()));
        }
        Committed::Merged(effects)
    }

    /// The event that claimed this one's insert id within the window.
    fn original_of(&self, event: &Known) -> Option<&Known> {
        event.insert_id.as_ref()?;
        self.arrived.iter().rev().find(|other| {
            matches!(other.decision, Committed::Merged(_))
                && other.project == event.project
                && other.insert_id == event.insert_id
                && other.insert_id_owner() == event.insert_id_owner()
                && event.now.since(other.now) <= INSERT_ID_WINDOW_MICROS
        })
    }

    fn effect(&self, event: &Known, flag: &str, variant: Option<&str>) -> Effect {
        let same_profile = self.live(event.project).filter(|other| other.raw() == event.raw());
        let held = greatest(same_profile, flag);
        let new = event.rank(flag, variant);
        match held {
            Some((rank, ..)) if new < rank => Effect::Stale,
            held => {
                let before = held.and_then(|(_, variant, _)| variant);
                match variant {
                    after if after == before => Effect::Same,
                    Some(_) => Effect::Set,
                    None => Effect::Unset,
                }
            }
        }
    }

    /// Erases a user and its devices that no other user was seen on. How many there were.
    pub fn erase(&mut self, project: ProjectId, user: &str, until: Timestamp) -> u64 {
        let own = Owner::User(user.into());
        let devices: BTreeSet<String> = self
            .live(project)
            .filter(|event| event.names(&own))
            .filter_map(|event| event.device.clone())
            .filter(|device| !self.shared.contains(&(project, device.clone())))
            .filter(|device| self.users_on(project, device).iter().all(|other| other == user))
            .collect();
        let mut owners = vec![own];
        owners.extend(devices.into_iter().map(|device| Owner::Device(device.into())));
        let mut n_erased = 0;
        for owner in owners {
            n_erased += u64::from(self.live(project).any(|event| event.names(&owner)));
            for event in &mut self.arrived {
                if event.project == project && event.raw() == owner && event.time <= until {
                    event.erased = true;
                }
            }
            // Duplicates of it are forgotten, whatever their time.
            for event in &mut self.arrived {
                let is_duplicate = matches!(event.decision, Committed::Duplicate { .. });
                if event.project == project && event.raw() == owner && is_duplicate {
                    event.erased = true;
                }
            }
            self.erasures.push(Erasure { project, owner, until });
        }
        n_erased
    }

    /// Until when everything of a user or device is erased.
    pub fn erased_until(&self, project: ProjectId, id: &Owner) -> Option<Timestamp> {
        let of_id = |erasure: &&Erasure| erasure.project == project && erasure.owner == *id;
        self.erasures.iter().filter(of_id).map(|erasure| erasure.until).max()
    }
}
