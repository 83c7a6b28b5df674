use std::collections::BTreeSet;

use crate::{Owner, RawId, Timestamp};

/// A device was used by a user at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    /// When, effectively.
    pub time: Timestamp,
    /// The user. Of equal times the greater bytes are the later link.
    pub user: Box<str>,
}

/// Every link of one device, in order of time and user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links(BTreeSet<Link>);

/// Whom a device's anonymous write belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership<'a> {
    /// A user.
    User(&'a str),
    /// The device itself: no user was ever seen on it.
    Unlinked,
    /// The device itself: too many users were seen on it.
    Shared,
}

impl Links {
    /// Adds a link; links are a set.
    pub fn add(&mut self, time: Timestamp, user: &str) {
        self.0.insert(Link { time, user: user.into() });
    }

    /// The links in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Link> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The distinct users, in order of their ids.
    pub fn users(&self) -> BTreeSet<&str> {
        self.0.iter().map(|link| &*link.user).collect()
    }

    /// Whether more different users were seen than a device of one's own has.
    pub fn is_shared(&self, users_per_device: usize) -> bool {
        self.0.len() > users_per_device && self.users().len() > users_per_device
    }

    /// Whom an anonymous write at `time` belongs to.
    ///
    /// The user of the latest link at or before it; else the user of the earliest link;
    /// else, or where the device is a shared one, the device itself.
    pub fn owner_at(&self, time: Timestamp, users_per_device: usize) -> Ownership<'_> {
        if self.is_shared(users_per_device) {
            return Ownership::Shared;
        }
        // A link of that very time counts as before the write.
        let before = self.0.iter().take_while(|link| link.time <= time).last();
        match before.or_else(|| self.0.first()) {
            Some(link) => Ownership::User(&link.user),
            None => Ownership::Unlinked,
        }
    }

    /// Whom reading by the device answers for: the user of its latest link, else the device.
    pub fn reader(&self, users_per_device: usize) -> Ownership<'_> {
        if self.is_shared(users_per_device) {
            return Ownership::Shared;
        }
        self.0.last().map_or(Ownership::Unlinked, |link| Ownership::User(&link.user))
    }

    /// Drops links at or before a time, or of a user.
    pub fn retain(&mut self, keep: impl FnMut(&Link) -> bool) {
        self.0.retain(keep);
    }
}

impl Ownership<'_> {
    /// The owner, given the device.
    pub fn owner(self, device: &str) -> Owner {
        match self {
            Self::User(user) => Owner::User(user.into()),
            Self::Unlinked | Self::Shared => RawId::Device(device).to_owner(),
        }
    }
}
