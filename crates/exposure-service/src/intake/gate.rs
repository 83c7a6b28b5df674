use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A bound on something that is in use at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    used: Arc<AtomicUsize>,
    limit: usize,
}

/// A part of a gate's bound, given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    used: Arc<AtomicUsize>,
    amount: usize,
}

impl Gate {
    pub(crate) fn new(limit: usize) -> Self {
        Self { used: Arc::default(), limit }
    }

    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }

    /// A part of the bound, unless too much is in use.
    pub(crate) fn enter(&self, amount: usize) -> Option<Permit> {
        self.used
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |used| {
                used.checked_add(amount).filter(|&used| used <= self.limit)
            })
            .ok()?;
        Some(Permit { used: Arc::clone(&self.used), amount })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.used.fetch_sub(self.amount, Ordering::AcqRel);
    }
}
