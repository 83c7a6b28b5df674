use std::collections::BTreeMap;

use exposure_core::{DeviceLinks, Effect, Owner, Ownership, RawId, Register};
use exposure_store::{StoredEvent, StoredWrite};
use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::moment::{Moments, When};
use super::{ChangeCause, WatchEntry};
use crate::Result;

/// Where devices of one user were first linked: later links of theirs move nothing, and there
/// is one with every event of a user that is logged in.
#[derive(Debug, Default)]
pub(super) struct FirstLinks(HashMap<Box<str>, u64, RandomState>);

const MAX_DEVICES: usize = 100_000;

/// What an event may have changed, and how that is found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doubt {
    /// The store's judgement is the profile's: only one id writes this property of it.
    Judged(Effect),
    /// Several ids do, or a link moved writes.
    Open,
}

type Touched = BTreeMap<(Owner, Box<str>), (Doubt, Option<StoredWrite>)>;

impl Moments<'_> {
    /// The visible changes that an event made, by profile and flag.
    pub(super) async fn changes(
        &self,
        event: &StoredEvent,
        links_changed: bool,
        known: &mut FirstLinks,
    ) -> Result<Vec<WatchEntry>> {
        let mut touched = Touched::new();
        if let (Some(_), Some(device)) = (&event.user, &event.device) {
            self.moved_by_link(event, links_changed, device, known, &mut touched).await?;
        }
        for (index, write) in event.writes.iter().enumerate() {
            let effect = event.effects.as_slice().get(index).copied().unwrap_or(Effect::Unknown);
            let (owner, doubt) = self.touched_by_write(event, write, effect, known).await?;
            let held = touched.entry((owner, write.flag.clone())).or_insert((doubt, None));
            held.1 = Some(write.clone());
        }
        let mut changes = Vec::new();
        for ((profile, flag), (doubt, write)) in touched {
            let change = if let (Doubt::Judged(effect), Some(write)) = (doubt, &write) {
                let register = Register::new(&event.version(write));
                effect.is_change().then(|| change(event, profile, &flag, Some(&register), true))
            } else {
                let (before, after) = self.around(&profile, &flag, event.position).await?;
                let own = write.as_ref().map(|write| event.version(write));
                let decides =
                    own.is_some_and(|own| after.as_ref().is_some_and(|held| held.version() == own));
                (visible(before.as_ref()) != visible(after.as_ref()))
                    .then(|| change(event, profile, &flag, after.as_ref(), decides))
            };
            changes.extend(change);
        }
        // In the order that a cursor within the entry is compared by.
        changes.sort_by_cached_key(|change| match change {
            WatchEntry::Change { profile, flag_key, .. } => {
                (profile.to_string(), flag_key.to_string())
            }
            _ => Default::default(),
        });
        Ok(changes)
    }

    /// Whom a write belonged to when it came, and whether the store's judgement holds for it.
    async fn touched_by_write(
        &self,
        event: &StoredEvent,
        write: &StoredWrite,
        effect: Effect,
        known: &mut FirstLinks,
    ) -> Result<(Owner, Doubt)> {
        let judged = if effect == Effect::Unknown { Doubt::Open } else { Doubt::Judged(effect) };
        if let Some(user) = &event.user {
            let doubt = self.doubt_of(user, &write.flag, None, judged).await?;
            return Ok((Owner::User(user.clone()), doubt));
        }
        let device = event.device.as_deref().unwrap_or("");
        let state = self.state(RawId::Device(device)).await?;
        match &state.links {
            DeviceLinks::None => Ok((state.id.clone(), judged)),
            DeviceLinks::One(span) => {
                if event.position < self.first_link(device, known).await? {
                    return Ok((state.id.clone(), judged));
                }
                let doubt = self.doubt_of(&span.user, &write.flag, Some(device), judged).await?;
                Ok((Owner::User(span.user.clone()), doubt))
            }
            DeviceLinks::Many(_) | DeviceLinks::Shared => {
                let stored = self.stored_links(device).await?;
                let links = Self::links(&stored, When::Before(event.position));
                let owner = links.owner_at(event.time, self.users_per_device()).owner(device);
                Ok((owner, Doubt::Open))
            }
        }
    }

    /// Whether nobody but one id ever wrote a flag of a user: the user, or one device.
    async fn doubt_of(
        &self,
        user: &str,
        flag: &str,
        but_device: Option<&str>,
        judged: Doubt,
    ) -> Result<Doubt> {
        let state = self.state(RawId::User(user)).await?;
        if but_device.is_some() && state.registers.get(flag).is_some() {
            return Ok(Doubt::Open);
        }
        for device in &state.devices {
            if but_device == Some(&**device) {
                continue;
            }
            if self.state(RawId::Device(device)).await?.registers.get(flag).is_some() {
                return Ok(Doubt::Open);
            }
        }
        Ok(judged)
    }

    /// The profiles and flags that a new link takes writes from and gives them to.
    async fn moved_by_link(
        &self,
        event: &StoredEvent,
        links_changed: bool,
        device: &str,
        known: &mut FirstLinks,
        touched: &mut Touched,
    ) -> Result<()> {
        let state = self.state(RawId::Device(device)).await?;
        // The registers of a device are of its anonymous writes alone.
        if state.registers.is_empty() {
            return Ok(());
        }
        // Between two links of one user, another of the same changes no span; but where there
        // are several users, it may take an interval back.
        if !links_changed && matches!(state.links, DeviceLinks::None | DeviceLinks::One(_)) {
            return Ok(());
        }
        if matches!(state.links, DeviceLinks::One(_))
            && event.position > self.first_link(device, known).await?
        {
            return Ok(());
        }
        let stored = self.stored_links(device).await?;
        let history = self.history(RawId::Device(device)).await?;
        let before = Self::links(&stored, When::Before(event.position));
        let after = Self::links(&stored, When::With(event.position));
        let n_users = self.users_per_device();
        let mut moved = |flag: &str, from: Ownership<'_>, to: Ownership<'_>| {
            for owner in [from.owner(device), to.owner(device)] {
                touched.insert((owner, flag.into()), (Doubt::Open, None));
            }
        };
        let anonymous =
            history.iter().filter(|held| held.user.is_none() && held.position < event.position);
        for held in anonymous {
            let from = before.owner_at(held.time, n_users);
            let to = after.owner_at(held.time, n_users);
            if from != to {
                for write in &held.writes {
                    moved(&write.flag, from, to);
                }
            }
        }
        Ok(())
    }

    /// The position of the first link of a device that has one user.
    async fn first_link(&self, device: &str, known: &mut FirstLinks) -> Result<u64> {
        if let Some(&position) = known.0.get(device) {
            return Ok(position);
        }
        let links = self.stored_links(device).await?;
        let first = links.iter().map(|link| link.position).min().unwrap_or(0);
        if known.0.len() >= MAX_DEVICES {
            known.0.clear();
        }
        known.0.insert(device.into(), first);
        Ok(first)
    }
}

fn visible(register: Option<&Register>) -> Option<&str> {
    register.and_then(Register::variant)
}

fn change(
    event: &StoredEvent,
    profile: Owner,
    flag: &str,
    register: Option<&Register>,
    by_write: bool,
) -> WatchEntry {
    let version = register.map(Register::version);
    let experiment_key = version.map(|version| version.experiment_key);
    WatchEntry::Change {
        profile,
        flag_key: flag.into(),
        variant: version.and_then(|version| version.change.variant()).map(Into::into),
        time: version.map_or(event.time, |version| version.time),
        experiment_key: experiment_key.filter(|key| !key.is_empty()).map(Into::into),
        cause: if by_write { ChangeCause::Write } else { ChangeCause::Link },
    }
}
