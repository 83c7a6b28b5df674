use std::sync::Arc;

use exposure_core::{Links, Owner, Ownership, ProfileState, RawId, Register, Version};
use exposure_store::{ProjectId, Store, StoredEvent};
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
    const fn has(self, event: &StoredEvent) -> bool {
        match self {
            Self::Before(position) => event.position < position,
            Self::With(position) => event.position <= position,
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

    /// The links of a device at a moment, given its history.
    pub(super) fn links(history: &[StoredEvent], when: When) -> Links {
        links(history.iter().filter(|event| when.has(event)))
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
                let mut bases = vec![outlived];
                for device in &state.devices {
                    let device = RawId::Device(device);
                    let history = self.history(device).await?;
                    bases.push(self.base_of(device, user, &history, flag).await?);
                    for (side, when) in
                        [(&mut before, When::Before(position)), (&mut after, When::With(position))]
                    {
                        let links = Self::links(&history, when);
                        for event in history.iter().filter(|event| event.user.is_none()) {
                            let owner = links.owner_at(event.time, self.users_per_device);
                            if owner == Ownership::User(user) {
                                add(side, event, flag, when);
                            }
                        }
                    }
                }
                for base in bases.into_iter().flatten() {
                    merge(&mut before, &base.version());
                    merge(&mut after, &base.version());
                }
            }
            Owner::Device(_) => {
                let base = outlived(&state, &own, flag);
                for (side, when) in
                    [(&mut before, When::Before(position)), (&mut after, When::With(position))]
                {
                    let links = Self::links(&own, when);
                    if matches!(
                        links.reader(self.users_per_device),
                        Ownership::Unlinked | Ownership::Shared
                    ) {
                        for event in own.iter().filter(|event| event.user.is_none()) {
                            add(side, event, flag, when);
                        }
                        if let Some(base) = &base {
                            merge(side, &base.version());
                        }
                    }
                }
            }
        }
        Ok((before, after))
    }

    /// What a device that has one user holds beyond its stored events.
    async fn base_of(
        &self,
        device: RawId<'_>,
        user: &str,
        history: &[StoredEvent],
        flag: &str,
    ) -> Result<Option<Register>> {
        let state = self.state(device).await?;
        let is_of =
            matches!(&state.links, exposure_core::DeviceLinks::One(span) if *span.user == *user);
        Ok(if is_of { outlived(&state, history, flag) } else { None })
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

/// The register of a raw id whose write is past retention: it was there before all events.
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
    if !when.has(event) {
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
