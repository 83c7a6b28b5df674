use std::sync::Arc;

use exposure_core::{Links, Owner, Ownership, ProfileState, RawId, Register, Version};
use exposure_store::{ProjectId, Store, StoredEvent, StoredLink};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::ownership::links;
use crate::{Handle, Result};

/// What was visible right before and right after an event, from stored events and their
/// places in the order of arrival.
///
/// Only what a profile puts together from several ids needs this: what one id alone decides,
/// the store said when it merged. Reads are kept for as long as one part of the feed is
/// worked on.
pub(super) struct Moments<'s> {
    store: &'s dyn Store,
    project: ProjectId,
    users_per_device: usize,
    read: Mutex<Reads>,
}

#[derive(Default)]
struct Reads {
    states: HashMap<Owner, Arc<ProfileState>, RandomState>,
    histories: HashMap<Owner, Arc<Vec<StoredEvent>>, RandomState>,
    links: HashMap<Box<str>, Arc<Vec<StoredLink>>, RandomState>,
    weight: usize,
}

/// Events and profiles that are kept at once.
const MAX_WEIGHT: usize = 100_000;

/// Before an event, or with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Before(u64),
    With(u64),
}

impl When {
    const fn has(self, at: u64) -> bool {
        match self {
            Self::Before(position) => at < position,
            Self::With(position) => at <= position,
        }
    }
}

impl<'s> Moments<'s> {
    pub(super) fn new(handle: &'s Handle, project: ProjectId) -> Self {
        Self {
            store: handle.store(),
            project,
            users_per_device: handle.settings().limits.users_per_device,
            read: Mutex::default(),
        }
    }

    pub(super) const fn users_per_device(&self) -> usize {
        self.users_per_device
    }

    /// What is kept of a raw id now.
    pub(super) async fn state(&self, id: RawId<'_>) -> Result<Arc<ProfileState>> {
        let owner = id.to_owner();
        if let Some(state) = self.read.lock().states.get(&owner) {
            return Ok(Arc::clone(state));
        }
        let state = self.store.profile(self.project, id).await?;
        let state = Arc::new(state.unwrap_or_else(|| ProfileState::empty(owner.clone())));
        let mut read = self.read.lock();
        read.make_room(1);
        read.states.insert(owner, Arc::clone(&state));
        Ok(state)
    }

    /// Every stored event that names a raw id.
    pub(super) async fn history(&self, id: RawId<'_>) -> Result<Arc<Vec<StoredEvent>>> {
        let owner = id.to_owner();
        if let Some(history) = self.read.lock().histories.get(&owner) {
            return Ok(Arc::clone(history));
        }
        let history = Arc::new(self.store.history(self.project, id).await?);
        let mut read = self.read.lock();
        read.make_room(history.len() + 1);
        read.histories.insert(owner, Arc::clone(&history));
        Ok(history)
    }

    /// Every link of a device.
    pub(super) async fn stored_links(&self, device: &str) -> Result<Arc<Vec<StoredLink>>> {
        if let Some(links) = self.read.lock().links.get(device) {
            return Ok(Arc::clone(links));
        }
        let links = Arc::new(self.store.links(self.project, device).await?);
        let mut read = self.read.lock();
        read.make_room(links.len() + 1);
        read.links.insert(device.into(), Arc::clone(&links));
        Ok(links)
    }

    /// The links of a device at a moment.
    pub(super) fn links(stored: &[StoredLink], when: When) -> Links {
        links(stored.iter().filter(|link| when.has(link.position)))
    }

    /// What was visible of a flag for a profile before an event and with it.
    pub(super) async fn around(
        &self,
        profile: &Owner,
        flag: &str,
        position: u64,
    ) -> Result<(Option<Register>, Option<Register>)> {
        let (mut before, mut after) = (None, None);
        let state = self.state(profile.as_raw()).await?;
        let own = self.history(profile.as_raw()).await?;
        match profile {
            Owner::User(user) => {
                let outlived = outlived(&state, &own, flag);
                for event in own.iter() {
                    add(&mut before, event, flag, When::Before(position));
                    add(&mut after, event, flag, When::With(position));
                }
                for device in &state.devices {
                    let stored = self.stored_links(device).await?;
                    let history = self.history(RawId::Device(device)).await?;
                    for (side, when) in
                        [(&mut before, When::Before(position)), (&mut after, When::With(position))]
                    {
                        let links = Self::links(&stored, when);
                        for event in history.iter().filter(|event| event.user.is_none()) {
                            let owner = links.owner_at(event.time, self.users_per_device);
                            if owner == Ownership::User(user) {
                                add(side, event, flag, when);
                            }
                        }
                    }
                }
                if let Some(base) = outlived {
                    merge(&mut before, &base.version());
                    merge(&mut after, &base.version());
                }
            }
            Owner::Device(device) => {
                let stored = self.stored_links(device).await?;
                for (side, when) in
                    [(&mut before, When::Before(position)), (&mut after, When::With(position))]
                {
                    let links = Self::links(&stored, when);
                    if matches!(
                        links.reader(self.users_per_device),
                        Ownership::Unlinked | Ownership::Shared
                    ) {
                        for event in own.iter().filter(|event| event.user.is_none()) {
                            add(side, event, flag, when);
                        }
                    }
                    // No link moves it: it was there before all stored events.
                    if let Some(settled) = state.settled.registers.get(flag) {
                        merge(side, &settled.version());
                    }
                }
            }
        }
        Ok((before, after))
    }
}

impl Reads {
    fn make_room(&mut self, weight: usize) {
        if self.weight + weight > MAX_WEIGHT {
            *self = Self::default();
        }
        self.weight += weight;
    }
}

/// The register of a user whose write is past retention: it was there before all events.
fn outlived(state: &ProfileState, history: &[StoredEvent], flag: &str) -> Option<Register> {
    let register = state.registers.get(flag)?;
    let version = register.version();
    let is_stored = history.iter().filter(|event| event.raw() == state.id.as_raw()).any(|event| {
        let mut writes = event.writes.iter().filter(|write| *write.flag == *flag);
        writes.any(|write| event.version(write) == version)
    });
    (!is_stored).then(|| register.clone())
}

fn add(side: &mut Option<Register>, event: &StoredEvent, flag: &str, when: When) {
    if !when.has(event.position) {
        return;
    }
    for write in event.writes.iter().filter(|write| *write.flag == *flag) {
        merge(side, &event.version(write));
    }
}

fn merge(side: &mut Option<Register>, version: &Version<'_>) {
    match side {
        Some(register) => {
            register.merge(version);
        }
        None => *side = Some(Register::new(version)),
    }
}
