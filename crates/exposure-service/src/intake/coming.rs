use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What has begun to come and is not whole, of the last moments: a sender that takes its time
/// with a message is no burden, and keeps nobody out.
#[derive(Clone, Debug)]
pub(crate) struct Coming(Arc<State>);

/// A request that has begun to come, until it is whole, and this is dropped.
#[derive(Debug)]
pub struct Beginning {
    state: Arc<State>,
    cost: u64,
    moment: u64,
}

#[derive(Debug)]
struct State {
    begun: Instant,
    /// Each with the number of its moment, and what began in it and is not whole.
    moments: [AtomicU64; 4],
}

/// How long a moment is.
const MOMENT: Duration = Duration::from_millis(128);
/// A place has the cost in its low bits, in KiB, and the moment above.
const COST_BITS: u32 = 32;

impl Coming {
    pub(crate) fn new() -> Self {
        let moments = [const { AtomicU64::new(0) }; 4];
        Self(Arc::new(State { begun: Instant::now(), moments }))
    }

    /// Counts a request of a cost, in bytes, unless this one and the moment before have as much.
    pub(crate) fn begin(&self, cost: u64, limit: u64) -> Option<Beginning> {
        let moment = (self.0.begun.elapsed().as_millis() / MOMENT.as_millis()) as u64;
        let cost = (cost >> 10).max(1);
        if limit >> 10 < self.0.sum(moment).saturating_add(cost) {
            return None;
        }
        self.0.add(moment, cost);
        Some(Beginning { state: Arc::clone(&self.0), cost, moment })
    }
}

impl Drop for Beginning {
    fn drop(&mut self) {
        self.state.take(self.moment, self.cost);
    }
}

impl State {
    fn place(&self, moment: u64) -> Option<&AtomicU64> {
        self.moments.get(moment as usize % self.moments.len())
    }

    fn add(&self, moment: u64, cost: u64) {
        let Some(place) = self.place(moment) else { return };
        let add = |held: u64| {
            let is_now = held >> COST_BITS == moment;
            Some(if is_now { held + cost } else { moment << COST_BITS | cost })
        };
        let _before = place.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Takes it back, unless its moment is forgotten.
    fn take(&self, moment: u64, cost: u64) {
        let Some(place) = self.place(moment) else { return };
        let take = |held: u64| (held >> COST_BITS == moment).then(|| held - cost);
        let _before = place.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
    }

    /// KiB of the moment and of the one before.
    fn sum(&self, moment: u64) -> u64 {
        let held = self.moments.iter().map(|place| place.load(Ordering::Relaxed));
        let recent = held.filter(|held| moment <= (held >> COST_BITS) + 1);
        recent.map(|held| held & ((1 << COST_BITS) - 1)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_its_time_is_forgotten() {
        let coming = Coming::new();
        let state = &coming.0;
        for (moment, cost) in [(10, 5), (10, 7), (11, 1)] {
            state.add(moment, cost);
        }
        assert_eq!([10, 11, 12, 13].map(|moment| state.sum(moment)), [13, 13, 1, 0]);
        state.take(10, 7);
        assert_eq!(state.sum(11), 6);
        // The place of a moment is taken by a later one; what ends then changes nothing.
        state.add(14, 3);
        state.take(10, 5);
        assert_eq!(state.sum(14), 3);
        state.take(14, 3);
        assert_eq!(state.sum(14), 0);
    }

    #[test]
    fn a_limit_is_kept_until_something_is_whole() {
        let coming = Coming::new();
        let first = coming.begin(2 << 10, 3 << 10);
        assert!(first.is_some() && coming.begin(2 << 10, 3 << 10).is_none());
        drop(first);
        assert!(coming.begin(2 << 10, 3 << 10).is_some());
    }
}
