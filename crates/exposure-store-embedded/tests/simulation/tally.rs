//! What was injected and what came of it, so that a run in which nothing happened fails.

use std::collections::BTreeMap;
use std::fmt;

/// Counts by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(BTreeMap<String, u64>);

/// What must not be zero over some hundred seeds.
pub(crate) const COMMON: [&str; 29] = [
    "EINTR on sync",
    "EINTR on write",
    "EIO on open",
    "EIO on read",
    "EIO on rename",
    "EIO on sync",
    "EIO on sync of a directory",
    "EIO on sync, pages dropped",
    "EIO on write",
    "ENOSPC on write",
    "acknowledged",
    "clock steps",
    "commits refused",
    "commits that failed",
    "crashes while opening",
    "documents",
    "duplicates",
    "erasures",
    "failures of background work",
    "feed entries",
    "lost of what was not acknowledged",
    "openings that failed",
    "power losses",
    "process deaths",
    "reads",
    "short on write",
    "stops of the log",
    "survived of what was not acknowledged",
    "whole comparisons",
];

/// What must not be zero over some thousand.
pub(crate) const RARE: [&str; 11] = [
    "EINTR on allocate",
    "EINTR on open",
    "EINTR on read",
    "EINTR on rename",
    "EINTR on truncate",
    "EIO on allocate",
    "EIO on truncate",
    "ENOSPC on allocate",
    "ENOSPC on open",
    "ENOSPC on rename",
    "short on read",
];

impl Tally {
    pub(crate) fn count(&mut self, what: &str, n: u64) {
        match self.0.get_mut(what) {
            Some(count) => *count += n,
            None => drop(self.0.insert(what.to_owned(), n)),
        }
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for (what, n) in &other.0 {
            self.count(what, *n);
        }
    }

    pub(crate) fn assert_nothing_is_zero(&self, required: &[&str]) {
        let zero: Vec<_> = required.iter().filter(|what| !self.0.contains_key(**what)).collect();
        assert!(zero.is_empty(), "never happened: {zero:?}");
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (what, n)) in self.0.iter().enumerate() {
            write!(f, "{}{n} {what}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
