use super::DropCounts;

/// What became of everything this client tracked since it was built.
///
/// At every moment, whenever it is read:
/// `tracked = delivered + deduplicated + dropped.total() + pending`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Evaluations that were exposures, new or repeated, those recovered included. With an outbox
    /// on disk an exposure counts from when it is on stable storage.
    pub tracked: u64,
    /// Those of `tracked` that an earlier run of the program left in the outbox on disk.
    pub recovered: u64,
    /// Exposures that every required provider acknowledged.
    pub delivered: u64,
    /// Repeats of an exposure that was delivered, or that waits in the outbox on disk alone because
    /// memory has no room for it.
    pub deduplicated: u64,
    /// Exposures, and repeats suppressed by them, that some required provider will never have.
    pub dropped: DropCounts,
    /// Exposures that are under way, and the repeats that they suppress: these end as
    /// deduplicated, or dropped, with the exposure they repeat.
    pub pending: u64,
    /// Those of `pending` that are repeats.
    pub pending_repeats: u64,
    /// Bytes that were cut from the end of the outbox on disk when it was opened: what was being
    /// written when an earlier run ended. Nothing of it had been counted as tracked.
    pub cut_bytes: u64,
    /// Each provider's part, in the order in which they were added.
    pub providers: Vec<ProviderAccount>,
}

/// What became of the exposures that were offered to one provider.
///
/// At every moment `offered = delivered + dropped.total() + pending`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderAccount {
    /// The provider's name.
    pub name: String,
    /// Whether delivery needs its acknowledgement.
    pub required: bool,
    /// Exposures that it was to have; repeats are not offered.
    pub offered: u64,
    /// Those that it acknowledged.
    pub delivered: u64,
    /// Those that it will never have.
    pub dropped: DropCounts,
    /// Those that it has not answered for yet.
    pub pending: u64,
    /// Attempts that failed as a whole, since the last one that did not.
    pub failures: u32,
}

impl Account {
    /// Whether the account closes. Always true; there to be asserted.
    pub fn closes(&self) -> bool {
        let ended = self.delivered + self.deduplicated + self.dropped.total();
        let of = |provider: &ProviderAccount| {
            provider.offered == provider.delivered + provider.dropped.total() + provider.pending
        };
        self.tracked == ended + self.pending && self.providers.iter().all(of)
    }
}
