use crate::Account;

/// How a flush went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlushReport {
    /// Exposures that were tracked before the flush and that some provider has not ended, summed
    /// over providers. 0 where all went well.
    pub left: u64,
    /// The account after the flush.
    pub account: Account,
}

/// How a shutdown went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Exposures that some provider had not ended at the deadline, summed over providers. In
    /// memory they are dropped, and counted so; those in an outbox on disk are sent by the next run.
    pub left: u64,
    /// Exposures that are kept on disk for the next run.
    pub kept: u64,
    /// Providers that did not let go of their thread in time.
    pub unresponsive: Vec<String>,
    /// The account at the end.
    pub account: Account,
}

impl FlushReport {
    /// Whether nothing is left.
    pub fn is_complete(&self) -> bool {
        self.left == 0
    }
}

impl ShutdownReport {
    /// Whether every provider has ended every exposure.
    pub fn is_complete(&self) -> bool {
        self.left == 0 && self.unresponsive.is_empty()
    }
}
