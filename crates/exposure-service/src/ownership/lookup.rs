use std::sync::Arc;

use exposure_core::{
    DeviceLinks, DeviceShare, Owner, ProfileState, RawId, Registers, SeenTable, user_registers,
};
use exposure_store::{ProjectId, ScanCursor, Store};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use parking_lot::Mutex;

use super::DeviceHistory;
use crate::{Handle, Result};

/// Reads profiles of one project and puts together what belongs to each.
///
/// Devices of several users are the only ones whose stored events are read; those histories
/// are kept for the length of a query, within a bound.
pub(crate) struct Lookup<'s> {
    store: &'s dyn Store,
    project: ProjectId,
    users_per_device: usize,
    histories: Mutex<Histories>,
}

#[derive(Default)]
struct Histories {
    of: HashMap<Box<str>, Arc<DeviceHistory>, RandomState>,
    weight: usize,
}

/// Events and links of device histories that a query keeps at once.
const MAX_WEIGHT: usize = 200_000;

/// What a device gives to one of its users.
#[derive(Debug)]
pub(crate) enum Share {
    /// The device has one user: all is theirs.
    All(Box<ProfileState>),
    /// The device has several: each event goes to its owner of that time.
    Split { device: Box<str>, history: Arc<DeviceHistory> },
    /// Too many users were seen on it: nothing.
    Shared { device: Box<str> },
}

impl<'s> Lookup<'s> {
    pub(crate) fn new(handle: &'s Handle, project: ProjectId) -> Self {
        Self {
            store: handle.store(),
            project,
            users_per_device: handle.settings().limits.users_per_device,
            histories: Mutex::default(),
        }
    }

    pub(crate) const fn store(&self) -> &'s dyn Store {
        self.store
    }

    pub(crate) const fn project(&self) -> ProjectId {
        self.project
    }

    pub(crate) const fn users_per_device(&self) -> usize {
        self.users_per_device
    }

    /// What is kept of a raw id; an empty profile where it was never seen.
    pub(crate) async fn state(&self, id: RawId<'_>) -> Result<ProfileState> {
        let state = self.store.profile(self.project, id).await?;
        Ok(state.unwrap_or_else(|| ProfileState::empty(id.to_owner())))
    }

    /// Whom reading by a device answers for.
    pub(crate) async fn reader_of(&self, device: &str) -> Result<ProfileState> {
        let state = self.state(RawId::Device(device)).await?;
        // Of equal times the greater user is the later link.
        let latest = state.links.spans().iter().max_by_key(|span| (span.latest, &span.user));
        match latest {
            Some(span) => self.state(RawId::User(&span.user)).await,
            None => Ok(state),
        }
    }

    /// What its devices give to a user; nothing where the profile is a device.
    pub(crate) async fn shares(&self, profile: &ProfileState) -> Result<Vec<Share>> {
        let Owner::User(user) = &profile.id else { return Ok(Vec::new()) };
        let mut shares = Vec::new();
        for device in &profile.devices {
            let state = self.state(RawId::Device(device)).await?;
            match &state.links {
                DeviceLinks::One(span) if span.user == *user => {
                    shares.push(Share::All(Box::new(state)));
                }
                DeviceLinks::Many(spans) if spans.iter().any(|span| span.user == *user) => {
                    let history = self.history(device).await?;
                    shares.push(Share::Split { device: device.clone(), history });
                }
                DeviceLinks::Shared => shares.push(Share::Shared { device: device.clone() }),
                // Links of an erased user are gone.
                DeviceLinks::None | DeviceLinks::One(_) | DeviceLinks::Many(_) => {}
            }
        }
        Ok(shares)
    }

    /// The registers of a profile: its own, and what its devices wrote while they were its.
    pub(crate) async fn registers(&self, profile: &ProfileState) -> Result<Registers> {
        let shares = self.shares(profile).await?;
        Ok(self.merge_registers(profile, &shares))
    }

    pub(crate) fn merge_registers(&self, profile: &ProfileState, shares: &[Share]) -> Registers {
        let Owner::User(user) = &profile.id else { return profile.own().0 };
        let splits: Vec<_> = shares
            .iter()
            .filter_map(|share| match share {
                Share::Split { history, .. } => Some((&history.links, history.anonymous_writes())),
                Share::All(_) | Share::Shared { .. } => None,
            })
            .collect();
        let all = shares.iter().filter_map(|share| match share {
            Share::All(state) => Some(DeviceShare::All(&state.registers)),
            Share::Split { .. } | Share::Shared { .. } => None,
        });
        let split = splits.iter().map(|(links, writes)| DeviceShare::Split { links, writes });
        user_registers(user, &profile.registers, all.chain(split), self.users_per_device)
    }

    /// What a profile saw: itself, and on its devices while they were its.
    pub(crate) async fn seen(&self, profile: &ProfileState) -> Result<SeenTable> {
        let shares = self.shares(profile).await?;
        let Owner::User(user) = &profile.id else { return Ok(profile.own().1) };
        let mut seen = profile.seen.clone();
        for share in &shares {
            match share {
                Share::All(state) => seen.add_all(&state.seen),
                Share::Split { history, .. } => {
                    let exposures = history.exposures();
                    seen.add_owned(user, &history.links, exposures, self.users_per_device);
                }
                Share::Shared { .. } => {}
            }
        }
        Ok(seen)
    }

    /// The links and anonymous events of a device.
    pub(crate) async fn history(&self, device: &str) -> Result<Arc<DeviceHistory>> {
        if let Some(known) = self.histories.lock().of.get(device) {
            return Ok(Arc::clone(known));
        }
        let links = self.store.links(self.project, device).await?;
        let events = self.store.history(self.project, RawId::Device(device)).await?;
        let history = Arc::new(DeviceHistory::new(&links, events));
        let mut histories = self.histories.lock();
        if histories.weight + history.weight() > MAX_WEIGHT {
            *histories = Histories::default();
        }
        histories.weight += history.weight();
        histories.of.insert(device.into(), Arc::clone(&history));
        Ok(history)
    }

    /// Reads on in all profiles: those that own something, each once. A device that belongs to
    /// users is left out unless it settled something for itself; its users have all else it holds.
    pub(crate) async fn owners(
        &self,
        from: &ScanCursor,
        limit: usize,
    ) -> Result<(Vec<ProfileState>, usize, Option<ScanCursor>)> {
        let page = self.store.scan_profiles(self.project, from, limit).await?;
        let n_read = page.profiles.len();
        let mut owners = page.profiles;
        owners.retain(|state| match (&state.id, &state.links) {
            (Owner::User(_), _) | (Owner::Device(_), DeviceLinks::None | DeviceLinks::Shared) => {
                true
            }
            (Owner::Device(_), DeviceLinks::One(_) | DeviceLinks::Many(_)) => {
                !state.settled.is_empty()
            }
        });
        Ok((owners, n_read, page.next))
    }
}
