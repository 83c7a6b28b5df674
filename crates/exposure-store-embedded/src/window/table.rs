//! A hash table that is always sorted.
//!
//! Keys are uniform, so a key's home slot is its share of the key space: `key / 2^128 * n_homes`. With linear probing
//! that moves greater keys along, the slots in order are the keys in order. A probe stops at the first greater key,
//! and a full table is written to disk by walking it, without sorting.

use super::memory::Slots;
use super::slot::Slot;
use crate::prefetch;

/// Ids in sorted slots.
#[derive(Debug)]
pub(super) struct Table {
    slots: Slots,
    n_homes: usize,
    n_ids: usize,
}

/// Where a key belongs, from [`Table::seek`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    index: usize,
    /// An id of the same key in reach, if there is one.
    pub(super) found: Option<Slot>,
}

impl Table {
    /// A table with room for `n_ids` at seven tenths of its homes.
    pub(super) fn with_room(n_ids: usize) -> Self {
        let n_homes = Self::n_homes(n_ids);
        // Clusters at the end run over into slots that are nobody's home; the very last one stays empty for ever.
        Self { slots: Slots::new(n_homes + n_homes / 32 + 64), n_homes, n_ids: 0 }
    }

    /// Empties the table; its pages are taken then, and no id has to wait for one.
    pub(super) fn clear(&mut self) {
        self.slots.clear();
        self.n_ids = 0;
    }

    /// Memory for an id in a full table.
    pub(super) const BYTES_PER_ID: u64 = 36;

    fn n_homes(n_ids: usize) -> usize {
        n_ids.max(16) * 10 / 7
    }

    /// The ids it is meant for.
    pub(super) fn n_room(&self) -> usize {
        self.n_homes * 7 / 10
    }

    /// Whether it will do, once it is empty, where one with room for `n_ids` is wanted.
    pub(super) fn serves(&self, n_ids: usize) -> bool {
        let wanted = Self::n_homes(n_ids);
        (wanted / 2..=4 * wanted).contains(&self.n_homes)
    }

    pub(super) fn len(&self) -> usize {
        self.n_ids
    }

    pub(super) fn is_full(&self) -> bool {
        self.n_room() <= self.n_ids
    }

    pub(super) fn bytes(&self) -> u64 {
        self.slots.bytes()
    }

    /// All ids in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = Slot> + '_ {
        self.slots.iter().copied().filter(|slot| !slot.is_empty())
    }

    /// Asks for what [`Self::seek`] will read.
    pub(super) fn prefetch(&self, key: u128) {
        // A cluster has mostly two or three slots from the home on.
        let home = self.slots.as_ptr().wrapping_add(self.home((key >> 64) as u64));
        prefetch::value(home.cast::<[Slot; 2]>());
    }

    fn home(&self, hi: u64) -> usize {
        ((u128::from(hi) * self.n_homes as u128) >> 64) as usize
    }

    /// Finds the place of `id`, and an id of the same key within `reach_ms`.
    pub(super) fn seek(&self, id: &Slot, reach_ms: u64) -> Place {
        let mut index = self.home(id.hi);
        let mut found = None;
        while let Some(slot) = self.slots.get(index) {
            if slot.is_empty() || id.key_before(slot) {
                break;
            }
            if slot.same_key(id) {
                if slot.in_reach(id, reach_ms) {
                    found = Some(*slot);
                    break;
                }
                // The ids of one key are in the order of their receive times.
                if id < slot {
                    break;
                }
            }
            index += 1;
        }
        Place { index, found }
    }

    /// Whether exactly this id is here.
    pub(super) fn contains(&self, id: &Slot) -> bool {
        let mut index = self.home(id.hi);
        while let Some(slot) = self.slots.get(index) {
            if slot.is_empty() || id < slot {
                return false;
            }
            if slot == id {
                return true;
            }
            index += 1;
        }
        false
    }

    /// Puts `id` where [`Self::seek`] said, with no change in between. False: no room, nothing was done.
    #[must_use]
    pub(super) fn insert(&mut self, place: Place, id: Slot) -> bool {
        let start = place.index;
        let Some(tail) = self.slots.get(start..) else { return false };
        let Some(n_moved) = tail.iter().position(Slot::is_empty) else { return false };
        let end = start + n_moved;
        if self.slots.len() <= end + 1 {
            return false;
        }
        self.slots.copy_within(start..end, start + 1);
        self.slots[start] = id;
        self.n_ids += 1;
        true
    }

    /// The same ids in a table with room for `n_ids`; `None` if they do not fit there.
    pub(super) fn grown(&self, n_ids: usize) -> Option<Self> {
        let mut grown = Self::with_room(n_ids);
        let mut next = 0;
        for id in self.iter() {
            next = grown.home(id.hi).max(next);
            if grown.slots.len() <= next + 1 {
                return None;
            }
            grown.slots[next] = id;
            next += 1;
            grown.n_ids += 1;
        }
        Some(grown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Keys that crowd at both ends of the key space, so that clusters and the overflow at the end are met.
    fn key() -> impl Strategy<Value = u128> {
        prop_oneof![any::<u128>(), (0_u128..40), (0_u128..40).prop_map(|k| u128::MAX - (k << 60))]
    }

    proptest! {
        #[test]
        fn a_table_is_a_sorted_set(ids in proptest::collection::vec((key(), 0_u64..3, 0_i64..4), 0..300)) {
            let mut table = Table::with_room(16);
            let mut model = BTreeSet::new();
            for (key, content, ms) in ids {
                let id = Slot::new(key, content, ms * 1000);
                let place = table.seek(&id, 0);
                let clash = model.iter().any(|m: &Slot| m.same_key(&id) && m.in_reach(&id, 0));
                prop_assert_eq!(place.found.is_some(), clash);
                if clash {
                    continue;
                }
                if table.is_full() {
                    table = table.grown(table.len() * 4).unwrap();
                }
                let place = table.seek(&id, 0);
                if !table.insert(place, id) {
                    table = table.grown(table.len() * 8 + 64).unwrap();
                    let place = table.seek(&id, 0);
                    prop_assert!(table.insert(place, id));
                }
                model.insert(id);
            }
            prop_assert_eq!(table.iter().collect::<Vec<_>>(), model.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(table.len(), model.len());
            for id in &model {
                prop_assert!(table.contains(id));
            }
        }
    }
}
