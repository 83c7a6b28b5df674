/// What a store offers. The layer above answers with what there is and never asks for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// How well it knows what a write did.
    pub effects: EffectTier,
    /// How well it knows a duplicate.
    pub dedupe: DedupeTier,
    /// When usage is exact.
    pub usage: UsageTier,
    /// What its feed holds.
    pub feed: FeedTier,
    /// How its state hash comes about.
    pub hash: HashTier,
}

/// How well a store knows what a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffectTier {
    /// Judged at the moment of the merge.
    Exact,
    /// Judged on a value read shortly before.
    Observed,
    /// Not known.
    None,
}

/// How well a store knows a duplicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DedupeTier {
    /// Within the window always.
    Exact,
    /// An id is claimed first; a duplicate of a pending claim makes the merges again.
    Claimed,
    /// Known some time later.
    Eventual,
}

/// When a store's usage is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageTier {
    /// With the commit.
    AtOnce,
    /// When a time bucket is closed.
    ClosedBuckets,
}

/// What a store's feed holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedTier {
    /// Every change.
    EveryChange,
    /// The latest change of each key.
    LatestPerKey,
}

/// How a store's state hash comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashTier {
    /// Kept with each merge.
    Kept,
    /// Computed when asked for.
    Computed,
}
