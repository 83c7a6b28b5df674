use exposure_core::{AnonymousWrite, Links, Ownership, SeenKey, Timestamp};
use exposure_store::{StoredEvent, StoredLink, StoredWrite};

/// What was stored of a device: its links, and the events that name it and no user.
#[derive(Debug, Default)]
pub(crate) struct DeviceHistory {
    pub(crate) links: Links,
    pub(crate) anonymous: Vec<StoredEvent>,
}

impl DeviceHistory {
    pub(crate) fn new(stored: &[StoredLink], events: Vec<StoredEvent>) -> Self {
        let links = links(stored.iter());
        let mut anonymous = events;
        anonymous.retain(|event| event.user.is_none());
        Self { links, anonymous }
    }

    /// How much memory it takes, in events and links.
    pub(crate) fn weight(&self) -> usize {
        self.anonymous.len() + self.links.len() + 1
    }

    pub(crate) fn writes(&self) -> impl Iterator<Item = (&StoredEvent, &StoredWrite)> {
        self.anonymous.iter().flat_map(|event| event.writes.iter().map(move |write| (event, write)))
    }

    pub(crate) fn anonymous_writes(&self) -> Vec<AnonymousWrite<'_>> {
        self.writes()
            .map(|(event, write)| AnonymousWrite {
                flag: &write.flag,
                version: event.version(write),
            })
            .collect()
    }

    pub(crate) fn exposures(&self) -> impl Iterator<Item = (&SeenKey, Timestamp)> {
        self.anonymous.iter().filter_map(|event| Some((event.exposed.as_ref()?, event.time)))
    }

    /// Whether an anonymous write at this time belongs to a user.
    pub(crate) fn is_of(&self, user: &str, time: Timestamp, users_per_device: usize) -> bool {
        self.links.owner_at(time, users_per_device) == Ownership::User(user)
    }
}

/// The links of a device, those that follow one of the same user left out: they decide
/// nothing, and a device that is used every day has thousands.
pub(crate) fn links<'l>(stored: impl Iterator<Item = &'l StoredLink>) -> Links {
    let mut all: Vec<_> = stored.map(|link| (link.time, &*link.user)).collect();
    all.sort_unstable();
    all.dedup_by_key(|(_, user)| *user);
    let mut links = Links::default();
    for (time, user) in all {
        links.add(time, user);
    }
    links
}
