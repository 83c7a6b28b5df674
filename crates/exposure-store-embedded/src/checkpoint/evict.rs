//! Letting profiles leave memory that stand on disk as they are.

use std::sync::atomic::Ordering;

use crate::state::Shard;
use crate::store::{Inner, State};

/// Memory for profiles from which on some leave it: the limit, less what may come in while they do.
pub(crate) const fn high(limit: usize) -> usize {
    limit / 16 * 15
}

/// And what remains then, of shards whose turn it was.
const fn low(limit: usize) -> usize {
    limit / 16 * 13
}

/// Whether it will have to be known where profiles stand on disk.
pub(super) fn is_scarce_soon(inner: &Inner, state: &State) -> bool {
    state.memory() >= inner.options.memory_limit / 16 * 12
}

/// What some shards are to give up.
#[derive(Debug)]
pub(super) struct Room {
    /// Bytes of profiles that may stay, of all shards.
    stays: usize,
    /// Profiles of all shards, in memory or not.
    n_profiles: usize,
    /// Bytes that all shards together have too many; what is taken of one need not be of another.
    excess: usize,
    /// Bytes that are free.
    pub freed: usize,
}

impl Room {
    /// What is to be given up where memory is short.
    pub(super) fn needed(inner: &Inner) -> Option<Self> {
        let limit = inner.options.memory_limit;
        let state = inner.state.lock();
        let memory = state.memory();
        inner.resident.store(memory, Ordering::Relaxed);
        let excess = memory.checked_sub(low(limit)).filter(|_| memory > high(limit))?;
        let movable: usize = state.shards.iter().map(Shard::movable).sum();
        let n_profiles = state.shards.iter().map(Shard::len).sum();
        Some(Self { stays: movable.saturating_sub(excess), n_profiles, excess, freed: 0 })
    }

    /// Moves profiles of a shard out of memory that did not change since their blocks were written.
    pub(super) fn make(&mut self, inner: &Inner, state: &mut State, number: usize) {
        let position = inner.sections.position(number);
        let shard = &mut state.shards[number];
        // As much as it has of all profiles. What it has of memory depends on when its turn was.
        let part = shard.len() as u128 * self.stays as u128 / self.n_profiles.max(1) as u128;
        let bytes = shard.movable().saturating_sub(part as usize).min(self.excess);
        let freed = shard.evict(bytes, position);
        if freed > 0 {
            state.evictions += 1;
            inner.any_cold.store(true, Ordering::Relaxed);
        }
        self.excess -= freed.min(self.excess);
        self.freed += freed;
    }
}
