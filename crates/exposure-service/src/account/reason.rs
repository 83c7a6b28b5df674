/// Why a client gave up on exposures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DropReason {
    /// None of the others, or one that this version does not know.
    Other,
    /// Tracked after the client was shut down.
    Closed,
    /// The outbox could not write to its file.
    DiskFailed,
    /// Not acknowledged for as long as an exposure may wait.
    Expired,
    /// It can be no exposure.
    Invalid,
    /// The outbox holds as many bytes on disk as it may.
    OutboxFull,
    /// The provider failed by its own fault, again and again.
    Panicked,
    /// As many exposures wait for the provider as may.
    QueueFull,
    /// The provider refused it for good.
    Rejected,
    /// The client was shut down before it was delivered.
    ShutDown,
}

/// Counts by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DropCounts([u64; DropReason::ALL.len()]);

impl DropReason {
    /// Every reason.
    pub const ALL: [Self; 10] = [
        Self::Other,
        Self::Closed,
        Self::DiskFailed,
        Self::Expired,
        Self::Invalid,
        Self::OutboxFull,
        Self::Panicked,
        Self::QueueFull,
        Self::Rejected,
        Self::ShutDown,
    ];

    /// Its name, in lower snake case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Closed => "closed",
            Self::DiskFailed => "disk_failed",
            Self::Expired => "expired",
            Self::Invalid => "invalid",
            Self::OutboxFull => "outbox_full",
            Self::Panicked => "panicked",
            Self::QueueFull => "queue_full",
            Self::Rejected => "rejected",
            Self::ShutDown => "shut_down",
        }
    }
}

impl DropCounts {
    /// How many were dropped for this reason.
    pub fn get(&self, reason: DropReason) -> u64 {
        self.0.get(reason as usize).copied().unwrap_or_default()
    }

    /// How many were dropped for any reason.
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The reasons for which any were dropped, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        let all = DropReason::ALL.into_iter().zip(self.0);
        all.filter(|&(_, count)| count > 0)
    }

    pub(super) fn add(&mut self, reason: DropReason, count: u64) {
        if let Some(held) = self.0.get_mut(reason as usize) {
            *held = held.saturating_add(count);
        }
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        for (held, count) in self.0.iter_mut().zip(other.0) {
            *held = held.saturating_add(count);
        }
    }
}
