use hashbrown::HashTable;

use super::{Key, Ticket, VariantHash};

/// What was last queued for each key; bounded, and the least recently used one goes first.
///
/// To look one up touches one slot. A slot moves to the front of the order only after a sixteenth
/// of the capacity has moved since it last did, so the order is exact to within a sixteenth, and
/// a busy key costs no writes to its neighbors.
#[derive(Debug)]
pub(crate) struct Marks {
    index: HashTable<u32>,
    slots: Vec<Slot>,
    capacity: usize,
    /// The most and the least recently used slot.
    front: u32,
    back: u32,
    /// Counts what was put to the front.
    moves: u32,
}

/// The last queued exposure of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) variant: VariantHash,
    /// The exposure while it is pending; `None` once it was delivered.
    pub(crate) pending: Option<Ticket>,
}

#[derive(Debug)]
struct Slot {
    key: Key,
    mark: Mark,
    before: u32,
    after: u32,
    moved: u32,
}

const NONE: u32 = u32::MAX;

impl Marks {
    /// Room for `capacity` marks, at least one; memory is taken as they come.
    pub(crate) fn new(capacity: usize) -> Self {
        let capacity = capacity.clamp(1, NONE as usize - 1);
        Self {
            index: HashTable::new(),
            slots: Vec::new(),
            capacity,
            front: NONE,
            back: NONE,
            moves: 0,
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// The mark of a key, which counts as a use.
    pub(crate) fn touch(&mut self, key: Key) -> Option<&mut Mark> {
        let slot = self.touched(key)?;
        Some(&mut self.slots[slot as usize].mark)
    }

    fn touched(&mut self, key: Key) -> Option<u32> {
        let slot = self.find(key)?;
        let moved = self.slots[slot as usize].moved;
        if self.moves.wrapping_sub(moved) as usize > self.capacity / 16 {
            self.unlink(slot);
            self.link_front(slot);
        }
        Some(slot)
    }

    /// Puts a mark in place of the key's last one, or of the least recently used one; tells where
    /// it is, which stays so unless marks are removed.
    pub(crate) fn put(&mut self, key: Key, mark: Mark) -> u32 {
        if let Some(slot) = self.touched(key) {
            self.slots[slot as usize].mark = mark;
            return slot;
        }
        let fresh = Slot { key, mark, before: NONE, after: NONE, moved: 0 };
        let slot = if self.slots.len() < self.capacity {
            self.slots.push(fresh);
            self.slots.len() as u32 - 1
        } else {
            let oldest = self.back;
            self.forget(oldest);
            self.slots[oldest as usize] = fresh;
            oldest
        };
        self.link_front(slot);
        let slots = &self.slots;
        self.index.insert_unique(hash(key), slot, |&slot| hash(slots[slot as usize].key));
        slot
    }

    /// Takes the mark of a key back if it is of this ticket. The place stays, for the same key or
    /// the next one. `near` is where it was put: looking there first spares a search, of which
    /// nearly all is waiting for memory.
    pub(crate) fn settle(&mut self, key: Key, near: u32, ticket: Ticket, delivered: bool) {
        let is_there = self.slots.get(near as usize).is_some_and(|slot| slot.key == key);
        let Some(slot) = (if is_there { Some(near) } else { self.find(key) }) else { return };
        if self.slots[slot as usize].mark.pending != Some(ticket) {
            return;
        }
        if delivered {
            self.slots[slot as usize].mark.pending = None;
        } else {
            self.remove(slot);
        }
    }

    /// Makes the mark of a key that of a pending exposure, if it is of the same variant and of no
    /// other one; tells where it is.
    pub(crate) fn attach(&mut self, key: Key, variant: VariantHash, ticket: Ticket) -> Option<u32> {
        let slot = self.find(key)?;
        let mark = &mut self.slots[slot as usize].mark;
        if mark.variant != variant || mark.pending.is_some() {
            return None;
        }
        mark.pending = Some(ticket);
        Some(slot)
    }

    /// What was delivered last, the least recently used first.
    pub(crate) fn delivered(&self) -> impl Iterator<Item = (Key, VariantHash)> + '_ {
        let linked = |slot: u32| (slot != NONE).then_some(slot);
        let next = move |slot: &u32| linked(self.slots[*slot as usize].before);
        std::iter::successors(linked(self.back), next)
            .map(|slot| &self.slots[slot as usize])
            .filter(|slot| slot.mark.pending.is_none())
            .map(|slot| (slot.key, slot.mark.variant))
    }

    fn find(&self, key: Key) -> Option<u32> {
        self.index.find(hash(key), |&slot| self.slots[slot as usize].key == key).copied()
    }

    /// Takes a slot out of index and order.
    fn forget(&mut self, slot: u32) {
        let key = self.slots[slot as usize].key;
        if let Ok(entry) = self.index.find_entry(hash(key), |&other| other == slot) {
            entry.remove();
        }
        self.unlink(slot);
    }

    /// Takes a slot out, and puts the last one in its place.
    fn remove(&mut self, slot: u32) {
        self.forget(slot);
        self.slots.swap_remove(slot as usize);
        let last = self.slots.len() as u32;
        if slot == last {
            return;
        }
        let Slot { key, before, after, .. } = self.slots[slot as usize];
        if let Some(place) = self.index.find_mut(hash(key), |&other| other == last) {
            *place = slot;
        }
        if before == NONE {
            self.front = slot;
        } else {
            self.slots[before as usize].after = slot;
        }
        if after == NONE {
            self.back = slot;
        } else {
            self.slots[after as usize].before = slot;
        }
    }

    fn unlink(&mut self, slot: u32) {
        let Slot { before, after, .. } = self.slots[slot as usize];
        if before == NONE {
            self.front = after;
        } else {
            self.slots[before as usize].after = after;
        }
        if after == NONE {
            self.back = before;
        } else {
            self.slots[after as usize].before = before;
        }
    }

    fn link_front(&mut self, slot: u32) {
        let front = self.front;
        self.moves = self.moves.wrapping_add(1);
        let moves = self.moves;
        let linked = &mut self.slots[slot as usize];
        (linked.before, linked.after, linked.moved) = (NONE, front, moves);
        if front == NONE {
            self.back = slot;
        } else {
            self.slots[front as usize].before = slot;
        }
        self.front = slot;
    }
}

/// The key is a hash already; its low bits chose the shard, so the high ones serve here.
fn hash(key: Key) -> u64 {
    (key.0 >> 64) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Touch(u8),
        Put(u8, u64),
        Settle(u8, bool),
    }

    fn step() -> impl Strategy<Value = Step> {
        let key = 0..24_u8;
        prop_oneof![
            key.clone().prop_map(Step::Touch),
            (key.clone(), 0..3_u64).prop_map(|(key, variant)| Step::Put(key, variant)),
            (key, any::<bool>()).prop_map(|(key, delivered)| Step::Settle(key, delivered)),
        ]
    }

    /// Keys spread over both halves, as hashes are.
    fn key(number: u8) -> Key {
        Key((u128::from(number) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835))
    }

    fn ticket(number: u8) -> Ticket {
        Ticket::new(u32::from(number), 1)
    }

    proptest! {
        /// Below 16 places the order is exact: compared with a list that is searched through.
        #[test]
        fn the_least_recently_used_goes_first(
            capacity in 1..16_usize,
            steps in vec(step(), 0..200),
        ) {
            let mut marks = Marks::new(capacity);
            let mut model: VecDeque<(u8, Mark)> = VecDeque::new();
            for step in steps {
                match step {
                    Step::Touch(number) => {
                        let place = model.iter().position(|&(other, _)| other == number);
                        let expected = place.and_then(|place| model.remove(place));
                        prop_assert_eq!(marks.touch(key(number)).copied(), expected.map(|(_, mark)| mark));
                        model.extend(expected);
                    }
                    Step::Put(number, variant) => {
                        let mark = Mark { variant: VariantHash(variant), pending: Some(ticket(number)) };
                        marks.put(key(number), mark);
                        model.retain(|&(other, _)| other != number);
                        if model.len() == capacity {
                            model.pop_front();
                        }
                        model.push_back((number, mark));
                    }
                    Step::Settle(number, delivered) => {
                        // Anywhere: places are hints.
                        marks.settle(key(number), u32::from(number), ticket(number), delivered);
                        let pending = |mark: &Mark| mark.pending.is_some();
                        if delivered {
                            for (other, mark) in &mut model {
                                if *other == number {
                                    mark.pending = None;
                                }
                            }
                        } else {
                            model.retain(|(other, mark)| *other != number || !pending(mark));
                        }
                    }
                }
                prop_assert_eq!(marks.len(), model.len());
            }
            for (number, mark) in model {
                prop_assert_eq!(marks.touch(key(number)).copied(), Some(mark));
            }
        }

        /// With more places, what was used among the last fifteen sixteenths is always there.
        #[test]
        fn what_was_used_lately_stays(numbers in vec(0..=255_u8, 0..600)) {
            const CAPACITY: usize = 64;
            let mut marks = Marks::new(CAPACITY);
            let mark = Mark { variant: VariantHash(1), pending: None };
            let mut recent: VecDeque<u8> = VecDeque::new();
            for number in numbers {
                if recent.contains(&number) {
                    prop_assert!(marks.touch(key(number)).is_some(), "{} was forgotten", number);
                } else {
                    marks.put(key(number), mark);
                }
                recent.retain(|&other| other != number);
                recent.push_back(number);
                if recent.len() > CAPACITY - CAPACITY / 16 - 1 {
                    recent.pop_front();
                }
            }
            prop_assert!(marks.len() <= CAPACITY);
        }
    }
}
