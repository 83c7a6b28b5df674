use exposure_core::{DeviceLinks, Registers, Settled, Timestamp};
use exposure_store::StoredDuplicate;

use super::cell::SeenCell;

/// What few profiles have.
#[derive(Clone, Debug, Default)]
pub(crate) struct More {
    /// Exposures of variants that do not fit the cells.
    pub seen: Vec<SeenCell>,
    /// Of a user: the devices linked to it.
    pub devices: Vec<Box<str>>,
    /// Of a device: its users.
    pub links: DeviceLinks,
    /// Everything of it at or before this time is erased.
    pub erased_until: Option<Timestamp>,
    /// Of a device: below this position its anonymous events are folded into their owners.
    pub folded_until: u64,
    /// Of a device: the greatest of the writes that were, by which later ones are judged.
    pub folded: Option<Box<Registers>>,
    /// Of a device: what of them is its own for good.
    pub settled: Option<Box<Settled>>,
    /// Its duplicates.
    pub duplicates: Option<Box<DuplicateLog>>,
}

/// How many duplicates there were, and the last ten.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DuplicateLog {
    pub count: u64,
    pub last: Vec<StoredDuplicate>,
}

impl DuplicateLog {
    /// Counts a duplicate and keeps it among the last `limit`.
    pub(crate) fn add(&mut self, limit: usize, duplicate: StoredDuplicate) {
        self.count += 1;
        self.last.push(duplicate);
        if self.last.len() > limit {
            self.last.remove(0);
        }
    }
}

impl More {
    /// Rough bytes held.
    pub(crate) fn memory(&self) -> usize {
        size_of::<Self>()
            + self.seen.capacity() * size_of::<SeenCell>()
            + self.devices.iter().map(|id| id.len() + 32).sum::<usize>()
            + self.links.spans().iter().map(|span| span.user.len() + 48).sum::<usize>()
            + self
                .settled
                .as_ref()
                .map_or(0, |settled| 64 + (settled.registers.len() + settled.seen.len()) * 160)
            + self.folded.as_ref().map_or(0, |folded| 32 + folded.len() * 160)
            + self.duplicates.as_ref().map_or(0, |log| 64 + log.last.len() * 160)
    }
}
