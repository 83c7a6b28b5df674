//! Whose writes count for a profile: SPEC's ownership, as a pure function of links and stored writes.

use crate::{Links, Ownership, Registers, SeenTable, Timestamp, Version};

/// A stored write that named a device and no user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnonymousWrite<'a> {
    /// The flag.
    pub flag: &'a str,
    /// The write.
    pub version: Version<'a>,
}

/// What a device gives to one user.
#[derive(Clone, Debug)]
pub enum DeviceShare<'a> {
    /// Only this user was ever seen on it: all it holds is theirs.
    All(&'a Registers),
    /// Several users: each stored write goes to its owner of that time.
    Split {
        /// Every link of the device.
        links: &'a Links,
        /// Its stored anonymous writes.
        writes: &'a [AnonymousWrite<'a>],
    },
}

/// The registers of a user: its own, and what its devices wrote while they were its.
pub fn user_registers<'a>(
    user: &str,
    own: &Registers,
    devices: impl IntoIterator<Item = DeviceShare<'a>>,
    users_per_device: usize,
) -> Registers {
    let mut registers = own.clone();
    for device in devices {
        match device {
            DeviceShare::All(all) => registers.merge_all(all),
            DeviceShare::Split { links, writes } => {
                for write in writes {
                    if links.owner_at(write.version.time, users_per_device) == Ownership::User(user)
                    {
                        registers.merge(write.flag, &write.version);
                    }
                }
            }
        }
    }
    registers
}

impl SeenTable {
    /// What a user saw on a device of several users, of `(key, time)` stored exposures.
    pub fn add_owned<'a>(
        &mut self,
        user: &str,
        links: &Links,
        exposures: impl IntoIterator<Item = (&'a crate::SeenKey, Timestamp)>,
        users_per_device: usize,
    ) {
        for (key, time) in exposures {
            if links.owner_at(time, users_per_device) == Ownership::User(user) {
                self.add(key.clone(), crate::Seen::once(time));
            }
        }
    }
}
