use parking_lot::Mutex;

use super::shard::{Counting, Shard};
use super::{Admission, Counts, Ending, Key, Settled, Ticket, VariantHash};
use crate::DropReason;

/// The shards of all keys, each behind its own lock.
#[derive(Debug)]
pub(crate) struct Tracker {
    shards: Box<[Lane]>,
    mask: usize,
    /// Whether exposures count only once they are on stable storage.
    counting: Counting,
}

/// Where a pending exposure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    shard: u16,
    ticket: Ticket,
}

/// A shard on cache lines of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Lane(Mutex<Shard>);

const MOST_SHARDS: usize = 64;
/// Fewer marks than this are not worth a shard: the bound is kept by each shard for itself.
const LEAST_MARKS_PER_SHARD: usize = 1024;

impl Tracker {
    pub(crate) fn new(capacity: usize, counts_when_written: bool) -> Self {
        let n_shards = (capacity / LEAST_MARKS_PER_SHARD).clamp(1, MOST_SHARDS);
        let n_shards =
            if n_shards.is_power_of_two() { n_shards } else { n_shards.next_power_of_two() / 2 };
        let per_shard = capacity.div_ceil(n_shards);
        let counting = if counts_when_written { Counting::WhenWritten } else { Counting::AtOnce };
        Self {
            shards: (0..n_shards).map(|_| Lane(Mutex::new(Shard::new(per_shard)))).collect(),
            mask: n_shards - 1,
            counting,
        }
    }

    /// Counts the evaluation if it repeats what was queued last.
    pub(crate) fn repeat(&self, key: Key, variant: VariantHash) -> bool {
        self.shard_of(key).1.lock().repeat(key, variant)
    }

    /// Takes an exposure in, and gives it its stamp under the same lock: what is queued last for
    /// a key must also have the greatest stamp, or the server would keep another variant than the
    /// one that repeats are compared with.
    pub(crate) fn admit<T>(
        &self,
        key: Key,
        variant: VariantHash,
        stamp: impl FnOnce() -> T,
    ) -> Option<(Place, T)> {
        let (number, shard) = self.shard_of(key);
        let mut shard = shard.lock();
        match shard.admit(key, variant, self.counting) {
            Admission::Repeat => None,
            Admission::New(ticket) => Some((Place { shard: number, ticket }, stamp())),
        }
    }

    /// Takes in an exposure that an earlier run tracked.
    /// `is_last`: of its key none was queued after it.
    pub(crate) fn recover(&self, key: Key, variant: VariantHash, is_last: bool) -> Option<Place> {
        let counting = if is_last { Counting::Recovered } else { Counting::Outdated };
        let (number, shard) = self.shard_of(key);
        match shard.lock().admit(key, variant, counting) {
            Admission::Repeat => None,
            Admission::New(ticket) => Some(Place { shard: number, ticket }),
        }
    }

    /// Lets go of an exposure that waits on disk alone.
    pub(crate) fn spill(&self, place: Place) {
        if let Some(lane) = self.shards.get(usize::from(place.shard)) {
            lane.0.lock().spill(place.ticket);
        }
    }

    /// Takes up an exposure that was let go of.
    pub(crate) fn read_back(&self, key: Key, variant: VariantHash) -> Place {
        let (number, shard) = self.shard_of(key);
        Place { shard: number, ticket: shard.lock().read_back(key, variant) }
    }

    /// Counts what an earlier run left, and waits on disk alone.
    pub(crate) fn found(&self, n: u64) {
        self.shards[0].0.lock().found(n);
    }

    /// Counts what waited on disk alone, and does not read back.
    pub(crate) fn lost(&self, n: u64) {
        self.shards[0].0.lock().lost(n);
    }

    /// What was delivered last for each key.
    pub(crate) fn delivered(&self) -> Vec<(Key, VariantHash)> {
        self.shards.iter().flat_map(|lane| lane.0.lock().delivered().collect::<Vec<_>>()).collect()
    }

    /// Takes what an earlier run had delivered.
    pub(crate) fn remember(&self, key: Key, variant: VariantHash) {
        self.shard_of(key).1.lock().remember(key, variant);
    }

    /// Counts an evaluation that never was queued.
    pub(crate) fn refuse(&self, key: Key, reason: DropReason) {
        self.shard_of(key).1.lock().refuse(reason);
    }

    pub(crate) fn written(&self, place: Place) {
        if let Some(lane) = self.shards.get(usize::from(place.shard)) {
            lane.0.lock().written(place.ticket);
        }
    }

    pub(crate) fn settle(&self, place: Place, ending: Ending) -> Option<Settled> {
        self.shards.get(usize::from(place.shard))?.0.lock().settle(place.ticket, ending)
    }

    /// The figures of all shards. Each shard's are closed, so the sum is.
    pub(crate) fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        for lane in &self.shards {
            sum += lane.0.lock().counts();
        }
        sum
    }

    fn shard_of(&self, key: Key) -> (u16, &Mutex<Shard>) {
        let number = key.0 as usize & self.mask;
        (number as u16, &self.shards[number].0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracker::{Decision, Hasher};
    use crate::{User, tracker::Ending};

    #[test]
    fn half_a_million_exposures_are_remembered_in_less_than_100_mib() {
        const N_USERS: u64 = 10_000;
        let flags: Vec<String> = (0..50).map(|number| format!("experiment-{number}")).collect();
        let hasher = Hasher::new(7);
        let variant = hasher.variant(Decision::Set("treatment"));
        let users: Vec<User> =
            (0..N_USERS).map(|number| User::new(format!("user-{number:032}"))).collect();
        let allocated = allocation_counter::measure(|| {
            let tracker = Tracker::new(1_000_000, false);
            for user in &users {
                for flag in &flags {
                    let key = hasher.key(user, flag, None);
                    let (place, ()) = tracker.admit(key, variant, || ()).unwrap();
                    tracker.settle(place, Ending::Delivered);
                }
            }
            for user in &users {
                for flag in &flags {
                    assert!(tracker.repeat(hasher.key(user, flag, None), variant));
                }
            }
            let counts = tracker.counts();
            assert_eq!((counts.delivered, counts.deduplicated), (500_000, 500_000));
        });
        assert!(allocated.bytes_max < 100 << 20, "{} bytes", allocated.bytes_max);
    }
}
