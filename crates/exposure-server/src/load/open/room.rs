use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many calls may be under way at one moment: a generator needs a bound too, far from where
/// it is met.
#[derive(Clone, Debug)]
pub(in crate::load) struct Room {
    free: Arc<Semaphore>,
    size: usize,
}

impl Room {
    pub(in crate::load) fn new(size: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(size)), size }
    }

    /// A place for a call, and how many calls are under way with it.
    pub(super) fn enter(&self) -> Option<(OwnedSemaphorePermit, u64)> {
        let place = Arc::clone(&self.free).try_acquire_owned().ok()?;
        Some((place, (self.size - self.free.available_permits()) as u64))
    }
}
