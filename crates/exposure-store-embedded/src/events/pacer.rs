//! Slows background work down, so that it never stalls what is in front of it.

use std::fmt::Debug;

/// Told of background work before it is done; sleeps as long as it takes to stay within a budget.
pub trait Pacer: Debug + Sync {
    /// Waits until `bytes` more may be written. Called with at most 1 MiB at a time.
    fn spend(&self, bytes: u64);

    /// Waits between two steps of shrinking a file that is going.
    fn rest(&self);
}

/// Never waits: for tests, tools and a store that is being closed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unpaced;

impl Pacer for Unpaced {
    fn spend(&self, _bytes: u64) {}

    fn rest(&self) {}
}
