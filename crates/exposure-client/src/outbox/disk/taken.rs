use std::collections::BTreeMap;
use std::hash::BuildHasher as _;

use exposure_core::Timestamp;
use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::backlog::Range;
use super::open::Open;
use super::record::Entry;
use crate::Exposure;
use crate::member::QueueBound;
use crate::outbox::Record;

/// What is found while an outbox is read: exposures, until their ends are found too.
#[derive(Debug)]
pub(super) struct Taken {
    bound: QueueBound,
    n_bytes: usize,
    /// As many as memory may hold, by number.
    held: BTreeMap<u64, (Record, Exposure)>,
    /// Where the others are.
    beyond: BTreeMap<u64, GroupPlace>,
    /// The last exposure of each user, flag and run, by their hash.
    last_of: HashMap<u64, (Timestamp, i64, u64), RandomState>,
    hasher: RandomState,
    pub(super) next_number: u64,
    pub(super) last: Option<Timestamp>,
}

/// Where a group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GroupPlace {
    pub(super) segment: u64,
    pub(super) start: u64,
    pub(super) end: u64,
}

impl Taken {
    pub(super) fn new(bound: QueueBound) -> Self {
        Self {
            bound,
            n_bytes: 0,
            held: BTreeMap::new(),
            beyond: BTreeMap::new(),
            last_of: HashMap::default(),
            hasher: RandomState::default(),
            next_number: 0,
            last: None,
        }
    }

    pub(super) fn take(&mut self, place: GroupPlace, entry: Entry) {
        let (Entry::Exposure(number, _) | Entry::Done(number)) = entry;
        self.next_number = self.next_number.max(number.saturating_add(1));
        match entry {
            Entry::Exposure(number, exposure) => {
                self.last = self.last.max(Some(exposure.time));
                let order = (exposure.time, exposure.sequence, number);
                let last = self.last_of.entry(self.whose(&exposure)).or_insert(order);
                *last = order.max(*last);
                let n_bytes = self.n_bytes + exposure.size();
                let has_room =
                    self.held.len() < self.bound.n_events && n_bytes <= self.bound.n_bytes;
                if has_room || self.held.is_empty() {
                    self.n_bytes = n_bytes;
                    let record = Record { segment: place.segment, number };
                    self.held.insert(number, (record, exposure));
                } else {
                    self.beyond.insert(number, place);
                }
            }
            Entry::Done(number) => {
                if let Some((_, exposure)) = self.held.remove(&number) {
                    self.n_bytes -= exposure.size();
                }
                self.beyond.remove(&number);
            }
        }
    }

    /// The segments of all that have no end.
    pub(super) fn segments(&self) -> impl Iterator<Item = u64> + '_ {
        let held = self.held.values().map(|(record, _)| record.segment);
        held.chain(self.beyond.values().map(|place| place.segment))
    }

    /// What memory holds, in the order in which it was tracked, and where the rest is.
    pub(super) fn finish(self) -> (Vec<Open>, Vec<Range>) {
        let is_last = |exposure: &Exposure, number: u64| {
            let last = self.last_of.get(&self.whose(exposure));
            last.is_none_or(|&(.., last)| last == number)
        };
        let held = self.held.values().cloned().map(|(record, exposure)| {
            let is_last = is_last(&exposure, record.number);
            Open { record, exposure, is_last }
        });
        let mut held: Vec<Open> = held.collect();
        held.sort_by_key(|open| (open.exposure.time, open.exposure.sequence));
        let mut ranges: Vec<Range> = Vec::new();
        for (number, GroupPlace { segment, start, end }) in self.beyond {
            match ranges.last_mut() {
                Some(last) if (last.segment, last.start) == (segment, start) => {
                    last.n_exposures += 1;
                    last.only.get_or_insert_default().insert(number);
                }
                _ => {
                    let only = Some([number].into());
                    ranges.push(Range { segment, start, end, n_exposures: 1, only });
                }
            }
        }
        (held, ranges)
    }

    fn whose(&self, exposure: &Exposure) -> u64 {
        let Exposure { user_id, device_id, flag_key, experiment_key, .. } = exposure;
        self.hasher.hash_one((user_id, device_id, flag_key, experiment_key))
    }
}
