use exposure_core::{Admitted, Effect, Effects, Limits, Owner, RawId, SeenKey, Timestamp, Version};
use xxhash_rust::xxh3::xxh3_128_with_seed;

use super::counts::Counts;
use super::feed::Feed;
use super::merges::{AddOnce, Max, Min};
use super::window::Window;
use crate::{Batch, Committed, Document, FeedEntry, Origin, ProjectId, Reject, StoredEvent};

/// A user or a device of a project.
pub(super) type Profile = (ProjectId, Owner);

/// Everything that is kept. What each merge is of stands beside it.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) limits: Limits,
    pub(super) feed_kept: usize,
    pub(super) erase_key: u64,
    pub(super) position: u64,
    /// (profile, flag): the encoded version.
    pub(super) registers: Max<(Profile, Box<str>), Vec<u8>>,
    /// (profile, what was seen): when at last.
    pub(super) last: Max<(Profile, SeenKey), Timestamp>,
    /// (profile, what was seen): when at first.
    pub(super) first: Min<(Profile, SeenKey), Timestamp>,
    /// (profile, what was seen, position): an exposure; their number is the count.
    pub(super) exposures: AddOnce<(Profile, SeenKey, u64)>,
    /// (project, device, user, time): a link.
    pub(super) links: AddOnce<(ProjectId, Box<str>, Box<str>, Timestamp)>,
    /// (project, user, device): the same, from the user's side.
    pub(super) devices: AddOnce<(ProjectId, Box<str>, Box<str>)>,
    /// (project, device): devices that became shared ones.
    pub(super) shared: AddOnce<(ProjectId, Box<str>)>,
    /// (project, position): a stored event.
    pub(super) events: AddOnce<(ProjectId, u64), StoredEvent>,
    /// (profile, position): the events that name a profile.
    pub(super) naming: AddOnce<(Profile, u64)>,
    /// (project, flag): flags that a set created.
    pub(super) flags: AddOnce<(ProjectId, Box<str>)>,
    /// Keyed hash of a profile: everything of it until then is erased.
    pub(super) erased: Max<u128, Timestamp>,
    /// Name: version and bytes.
    pub(super) documents: Max<Box<str>, (u64, Box<[u8]>)>,
    pub(super) window: Window,
    pub(super) counts: Counts,
    pub(super) feed: Feed,
}

impl State {
    pub(super) fn commit(&mut self, batch: &Batch<'_>) -> Vec<Committed> {
        let origin = &batch.origin;
        let results = batch.events.iter().map(|event| self.admit(origin, event)).collect();
        for reject in batch.rejects {
            self.reject(origin, reject);
        }
        results
    }

    pub(super) fn put_document(&mut self, document: &Document) {
        let value = (document.version, document.bytes.clone());
        self.documents.merge(document.name.clone(), value);
    }

    pub(super) fn next_position(&mut self) -> u64 {
        self.position += 1;
        self.position
    }

    fn reject(&mut self, origin: &Origin, reject: &Reject<'_>) {
        let position = self.next_position();
        self.counts.reject(origin, position, reject, &self.limits);
    }

    /// Decides about one event: erased, a duplicate, or new.
    fn admit(&mut self, origin: &Origin, event: &Admitted<'_>) -> Committed {
        let erased_until = self.erased_until(origin.project, event.raw());
        if erased_until.is_some_and(|until| event.time <= until) {
            self.reject(origin, &Reject::erased(event));
            return Committed::Erased;
        }
        if let Some(conflict) = self.window.claim(origin, event) {
            self.counts.duplicate(origin, event, conflict, &self.limits);
            return Committed::Duplicate { conflict };
        }
        self.counts.accepted(origin, event);
        Committed::Merged(self.store(origin, event))
    }

    fn store(&mut self, origin: &Origin, event: &Admitted<'_>) -> Effects {
        let project = origin.project;
        let position = self.next_position();
        let raw = (project, event.raw().to_owner());
        let mut effects = Effects::None;
        for write in event.writes() {
            effects.push(self.write(&raw, write.flag.as_str(), &event.version(write)));
            if write.change.variant().is_some() {
                self.flags.merge((project, write.flag.as_str().into()), ());
            }
        }
        let links_changed = self.link(project, event);
        let stored = StoredEvent::new(position, origin, event, effects.clone());
        self.index(project, &stored);
        self.events.merge((project, position), stored.clone());
        let entry = FeedEntry::Event { project, event: Box::new(stored), links_changed };
        self.feed.push(position, entry, self.feed_kept);
        effects
    }

    fn write(&mut self, profile: &Profile, flag: &str, version: &Version<'_>) -> Effect {
        let key = (profile.clone(), flag.into());
        let held = self.registers.get(&key).and_then(|bytes| Version::decode(bytes));
        let effect = Effect::judge(held.as_ref(), version);
        let mut bytes = Vec::new();
        version.encode(&mut bytes);
        self.registers.merge(key, bytes);
        effect
    }

    /// Adds the link of an event with both ids; whether the device's summary changed.
    fn link(&mut self, project: ProjectId, event: &Admitted<'_>) -> bool {
        let (Some(user), Some(device)) = (event.ids.user(), event.ids.device()) else {
            return false;
        };
        let (user, device) = (user.as_str(), device.as_str());
        let before = self.device_links(project, device);
        self.links.merge((project, device.into(), user.into(), event.time), ());
        self.devices.merge((project, user.into(), device.into()), ());
        if self.users_on(project, device).len() > self.limits.users_per_device {
            self.shared.merge((project, device.into()), ());
        }
        before != self.device_links(project, device)
    }

    /// What is derived from a stored event besides registers and links.
    pub(super) fn index(&mut self, project: ProjectId, event: &StoredEvent) {
        let raw = (project, event.raw().to_owner());
        self.naming.merge((raw.clone(), event.position), ());
        if let Some(device) = &event.device {
            self.naming.merge(((project, Owner::Device(device.clone())), event.position), ());
        }
        if let Some(key) = &event.exposed {
            self.first.merge((raw.clone(), key.clone()), event.time);
            self.last.merge((raw.clone(), key.clone()), event.time);
            self.exposures.merge((raw, key.clone(), event.position), ());
        }
    }

    pub(super) fn erased_until(&self, project: ProjectId, id: RawId<'_>) -> Option<Timestamp> {
        self.erased.get(&self.erased_hash(project, id)).copied()
    }

    pub(super) fn erased_hash(&self, project: ProjectId, id: RawId<'_>) -> u128 {
        xxh3_128_with_seed(format!("{project}/{id}").as_bytes(), self.erase_key)
    }
}
