use std::collections::{BTreeMap, BTreeSet};

use exposure_core::{
    DeviceLinks, LinkSpan, Owner, ProfileState, RawId, Seen, SeenKey, Timestamp, Version,
};

use super::state::{Profile, State};
use crate::{
    Error, EventFilter, EventPage, ProfilePage, ProjectId, Result, ScanCursor, StateHash,
    StateHasher, StoredEvent,
};

impl State {
    /// What is kept of a raw id.
    pub(super) fn profile(&self, project: ProjectId, id: RawId<'_>) -> Option<ProfileState> {
        let profile = (project, id.to_owner());
        let erased_until = self.erased_until(project, id);
        if erased_until.is_none() && !self.is_known(&profile) {
            return None;
        }
        let mut state = ProfileState::empty(profile.1.clone());
        state.erased_until = erased_until;
        for ((_, flag), bytes) in self
            .registers
            .range((profile.clone(), "".into())..)
            .take_while(|((held, _), _)| *held == profile)
        {
            if let Some(version) = Version::decode(bytes) {
                state.registers.merge(flag, &version);
            }
        }
        for (key, seen) in self.seen(&profile) {
            state.seen.add(key, seen);
        }
        match id {
            RawId::User(user) => state.devices = self.devices_of(project, user),
            RawId::Device(device) => state.links = self.device_links(project, device),
        }
        Some(state)
    }

    /// Whether an event names it, or it is a shared device, which it stays when all is erased.
    fn is_known(&self, profile: &Profile) -> bool {
        let (project, owner) = profile;
        let is_shared = matches!(owner, Owner::Device(device)
            if self.shared.contains(&(*project, device.clone())));
        is_shared
            || self
                .naming
                .range((profile.clone(), 0)..)
                .next()
                .is_some_and(|((held, _), ())| held == profile)
    }

    fn seen(&self, profile: &Profile) -> BTreeMap<SeenKey, Seen> {
        let least = SeenKey { flag: "".into(), experiment_key: "".into(), variant: None };
        let mut table: BTreeMap<SeenKey, Seen> = BTreeMap::new();
        let exposures = self.exposures.range((profile.clone(), least, 0)..);
        for ((_, key, _), ()) in exposures.take_while(|((held, ..), ())| held == profile) {
            let at = (profile.clone(), key.clone());
            let (Some(&first), Some(&last)) = (self.first.get(&at), self.last.get(&at)) else {
                continue;
            };
            table.entry(key.clone()).or_insert(Seen { first, last, count: 0 }).count += 1;
        }
        table
    }

    pub(super) fn devices_of(&self, project: ProjectId, user: &str) -> Vec<Box<str>> {
        self.devices
            .range((project, user.into(), "".into())..)
            .take_while(|((held, of, _), ())| *held == project && **of == *user)
            .map(|((.., device), ())| device.clone())
            .collect()
    }

    fn links_of(
        &self,
        project: ProjectId,
        device: &str,
    ) -> impl Iterator<Item = (&str, Timestamp)> {
        self.links
            .range((project, device.into(), "".into(), Timestamp::MIN)..)
            .take_while(move |((held, of, ..), ())| *held == project && **of == *device)
            .map(|((.., user, time), ())| (&**user, *time))
    }

    pub(super) fn users_on(&self, project: ProjectId, device: &str) -> BTreeSet<&str> {
        self.links_of(project, device).map(|(user, _)| user).collect()
    }

    pub(super) fn device_links(&self, project: ProjectId, device: &str) -> DeviceLinks {
        if self.shared.contains(&(project, device.into())) {
            return DeviceLinks::Shared;
        }
        let mut spans: Vec<LinkSpan> = Vec::new();
        // In order of user and time: the last of a user is the latest.
        for (user, time) in self.links_of(project, device) {
            match spans.last_mut() {
                Some(span) if *span.user == *user => span.latest = time,
                _ => spans.push(LinkSpan { user: user.into(), earliest: time, latest: time }),
            }
        }
        match spans.len() {
            0 => DeviceLinks::None,
            1 => spans.pop().map_or(DeviceLinks::None, DeviceLinks::One),
            _ => DeviceLinks::Many(spans),
        }
    }

    /// Every stored event that names a raw id.
    pub(super) fn history(&self, project: ProjectId, id: RawId<'_>) -> Vec<StoredEvent> {
        let profile = (project, id.to_owner());
        self.naming
            .range((profile.clone(), 0)..)
            .take_while(|((held, _), ())| *held == profile)
            .filter_map(|((_, position), ())| self.events.get(&(project, *position)).cloned())
            .collect()
    }

    /// Profiles in order of their ids; the cursor is the last one given.
    pub(super) fn scan_profiles(
        &self,
        project: ProjectId,
        from: &ScanCursor,
        limit: usize,
    ) -> Result<ProfilePage> {
        let after = owner_of(from)?;
        let least = after.clone().unwrap_or_else(|| Owner::User("".into()));
        let mut owners: Vec<Owner> = Vec::new();
        let mut next = None;
        let names = self.naming.range(((project, least), 0)..);
        for (((_, owner), _), ()) in names.take_while(|(((held, _), _), ())| *held == project) {
            if Some(owner) == after.as_ref() || owners.last() == Some(owner) {
                continue;
            }
            if owners.len() >= limit {
                next = Some(owners.last().map_or_else(|| from.clone(), cursor_after));
                break;
            }
            owners.push(owner.clone());
        }
        let profiles =
            owners.iter().filter_map(|owner| self.profile(project, owner.as_raw())).collect();
        Ok(ProfilePage { profiles, next })
    }

    /// Stored events by position; the cursor is the last position given.
    pub(super) fn scan_events(
        &self,
        project: ProjectId,
        filter: EventFilter<'_>,
        from: &ScanCursor,
        limit: usize,
    ) -> Result<EventPage> {
        let after = match *from.0.as_slice() {
            [] => 0,
            ref bytes => {
                bytes.try_into().map(u64::from_be_bytes).map_err(|_| Error::CursorInvalid)?
            }
        };
        let mut events: Vec<StoredEvent> = Vec::new();
        let mut last = after;
        let stored = self.events.range((project, after.saturating_add(1))..);
        for (&(_, position), event) in stored.take_while(|((held, _), _)| *held == project) {
            if !filter.matches(event) {
                continue;
            }
            if events.len() >= limit {
                let next = Some(ScanCursor(last.to_be_bytes().to_vec()));
                return Ok(EventPage { events, next });
            }
            last = position;
            events.push(event.clone());
        }
        Ok(EventPage { events, next: None })
    }

    /// Computed anew from everything that is kept.
    pub(super) fn state_hash(&self) -> StateHash {
        let mut hash = self.counts.usage_hash();
        for (((project, owner), flag), bytes) in self.registers.iter() {
            if let Some(version) = Version::decode(bytes) {
                hash.add(StateHasher::register(*project, owner.as_raw(), flag, &version));
            }
        }
        let seen: BTreeSet<&Profile> = self.first.iter().map(|((profile, _), _)| profile).collect();
        for profile in seen {
            for (key, seen) in self.seen(profile) {
                hash.add(StateHasher::seen(profile.0, profile.1.as_raw(), &key, seen));
            }
        }
        let devices: BTreeSet<(ProjectId, &str)> =
            self.links.iter().map(|((project, device, ..), ())| (*project, &**device)).collect();
        for (project, device) in devices {
            for span in self.device_links(project, device).spans() {
                hash.add(StateHasher::link(project, device, span));
            }
        }
        for ((project, device), ()) in self.shared.iter() {
            hash.add(StateHasher::shared_device(*project, device));
        }
        for ((project, _), event) in self.events.iter() {
            hash.add(StateHasher::event(*project, &event.as_admitted()));
        }
        hash
    }
}

fn cursor_after(owner: &Owner) -> ScanCursor {
    ScanCursor(owner.to_string().into_bytes())
}

fn owner_of(cursor: &ScanCursor) -> Result<Option<Owner>> {
    if cursor.0.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(&cursor.0).map_err(|_| Error::CursorInvalid)?;
    let owner = exposure_core::parse_owner(text).ok_or(Error::CursorInvalid)?;
    Ok(Some(owner.to_owner()))
}
