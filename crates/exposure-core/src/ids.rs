use std::fmt;

use crate::{DeviceId, UserId};

/// The ids an event names: at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids<'a> {
    /// A user, no device.
    User(UserId<'a>),
    /// A device, no user: an anonymous event.
    Device(DeviceId<'a>),
    /// Both: a link of the device to the user.
    Both(UserId<'a>, DeviceId<'a>),
}

impl<'a> Ids<'a> {
    /// The user, if the event names one.
    pub const fn user(self) -> Option<UserId<'a>> {
        match self {
            Self::User(user) | Self::Both(user, _) => Some(user),
            Self::Device(_) => None,
        }
    }

    /// The device, if the event names one.
    pub const fn device(self) -> Option<DeviceId<'a>> {
        match self {
            Self::Device(device) | Self::Both(_, device) => Some(device),
            Self::User(_) => None,
        }
    }

    /// The user where there is one, else the device: whom the event itself names.
    pub const fn raw(self) -> RawId<'a> {
        match self {
            Self::User(user) | Self::Both(user, _) => RawId::User(user.as_str()),
            Self::Device(device) => RawId::Device(device.as_str()),
        }
    }

    /// Whose `insert_id`s these are: the device's, or the user's where there is no device.
    pub const fn insert_id_owner(self) -> RawId<'a> {
        match self {
            Self::User(user) => RawId::User(user.as_str()),
            Self::Device(device) | Self::Both(_, device) => RawId::Device(device.as_str()),
        }
    }
}

/// The user or device an event itself names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RawId<'a> {
    /// A user.
    User(&'a str),
    /// A device.
    Device(&'a str),
}

impl<'a> RawId<'a> {
    /// The id's text.
    pub const fn as_str(self) -> &'a str {
        match self {
            Self::User(id) | Self::Device(id) => id,
        }
    }

    /// Whether it is a user.
    pub const fn is_user(self) -> bool {
        matches!(self, Self::User(_))
    }

    /// The same id, owned.
    pub fn to_owner(self) -> Owner {
        match self {
            Self::User(id) => Owner::User(id.into()),
            Self::Device(id) => Owner::Device(id.into()),
        }
    }
}

impl fmt::Display for RawId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Device(id) => write!(f, "device:{id}"),
        }
    }
}

/// Whom a property belongs to: a profile. Shown as `user:…` or `device:…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// A user.
    User(Box<str>),
    /// A device that no user owns.
    Device(Box<str>),
}

impl Owner {
    /// The owner, borrowed.
    pub fn as_raw(&self) -> RawId<'_> {
        match self {
            Self::User(id) => RawId::User(id),
            Self::Device(id) => RawId::Device(id),
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_raw().fmt(f)
    }
}

/// Reads `user:…` or `device:…`.
pub fn parse_owner(text: &str) -> Option<RawId<'_>> {
    match text.split_once(':')? {
        ("user", id) if !id.is_empty() => Some(RawId::User(id)),
        ("device", id) if !id.is_empty() => Some(RawId::Device(id)),
        _ => None,
    }
}
