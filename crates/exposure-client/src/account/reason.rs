use std::fmt;
use std::ops::AddAssign;

/// Why an exposure ended undelivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DropReason {
    /// It was tracked after the client was shut down.
    Closed,
    /// The outbox could not write to its file, as when the disk is full.
    DiskFailed,
    /// No provider acknowledged it for as long as an exposure may wait.
    Expired,
    /// It can be no exposure: no id, an id that is none, a text too long.
    Invalid,
    /// The outbox holds as many bytes on disk as it may.
    OutboxFull,
    /// The provider panicked over it, again and again.
    Panicked,
    /// As many exposures wait for the provider as may.
    QueueFull,
    /// The provider refused it for good.
    Rejected,
    /// The client was shut down before it was delivered, and the outbox was in memory.
    ShutDown,
}

/// Counts by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DropCounts([u64; DropReason::ALL.len()]);

impl DropReason {
    /// Every reason, in alphabetical order.
    pub const ALL: [Self; 9] = [
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

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl DropCounts {
    /// How many were dropped for this reason.
    pub fn get(&self, reason: DropReason) -> u64 {
        self.0[reason as usize]
    }

    /// How many were dropped for any reason.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The reasons for which any were dropped, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (DropReason, u64)> + '_ {
        let all = DropReason::ALL.into_iter().map(|reason| (reason, self.get(reason)));
        all.filter(|&(_, count)| count > 0)
    }

    pub(crate) fn add(&mut self, reason: DropReason, count: u64) {
        self.0[reason as usize] += count;
    }
}

impl AddAssign for DropCounts {
    fn add_assign(&mut self, other: Self) {
        for (count, other) in self.0.iter_mut().zip(other.0) {
            *count += other;
        }
    }
}
