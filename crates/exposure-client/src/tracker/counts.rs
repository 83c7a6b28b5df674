use std::ops::AddAssign;

use crate::DropCounts;

/// The account's figures, of one shard or summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) tracked: u64,
    pub(crate) recovered: u64,
    pub(crate) delivered: u64,
    pub(crate) deduplicated: u64,
    pub(crate) dropped: DropCounts,
    /// Exposures under way that count as tracked.
    pub(crate) pending: u64,
    /// The repeats that those suppress.
    pub(crate) pending_repeats: u64,
    /// Exposures that do not count yet, because they are not on stable storage.
    pub(crate) unwritten: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.tracked += other.tracked;
        self.recovered += other.recovered;
        self.delivered += other.delivered;
        self.deduplicated += other.deduplicated;
        self.dropped += other.dropped;
        self.pending = self.pending.wrapping_add(other.pending);
        self.pending_repeats += other.pending_repeats;
        self.unwritten += other.unwritten;
    }
}
