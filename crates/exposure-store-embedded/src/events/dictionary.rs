//! The dictionary of a column within one row group.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

/// Distinct texts, numbered in order of appearance.
#[derive(Debug, Default)]
pub(super) struct Dictionary {
    numbers: HashTable<u32>,
    spans: Vec<(u32, u32)>,
    /// As Parquet lays them out: each with its length before it.
    plain: Vec<u8>,
    last: u32,
    /// How often it was cleared.
    epoch: u64,
}

/// Numbers of another dictionary, each with that of the same text in one.
#[derive(Debug, Default)]
pub(super) struct Renumber {
    numbers: Vec<u32>,
    epoch: u64,
}

impl Renumber {
    /// The number in `to` of what is `number` elsewhere. Its text is asked for the first time alone.
    pub(super) fn number<'t>(
        &mut self,
        number: u32,
        to: &mut Dictionary,
        text: impl FnOnce() -> &'t [u8],
    ) -> u32 {
        if self.epoch != to.epoch {
            self.numbers.clear();
            self.epoch = to.epoch;
        }
        if let Some(&known) = self.numbers.get(number as usize).filter(|known| **known != UNKNOWN) {
            return known;
        }
        let known = to.number(text());
        if self.numbers.len() <= number as usize {
            self.numbers.resize(number as usize + 1, UNKNOWN);
        }
        if let Some(place) = self.numbers.get_mut(number as usize) {
            *place = known;
        }
        known
    }

    /// Forgets all: the other dictionary is another one from now on.
    pub(super) fn clear(&mut self) {
        self.numbers.clear();
    }
}

const UNKNOWN: u32 = u32::MAX;

impl Dictionary {
    /// The number of a text, given as bytes.
    pub(super) fn number(&mut self, bytes: &[u8]) -> u32 {
        // Most columns repeat the row before.
        if self.spans.get(self.last as usize).is_some_and(|span| self.at(*span) == bytes) {
            return self.last;
        }
        let hasher = FixedState::default();
        let found = self
            .numbers
            .find(hasher.hash_one(bytes), |&number| {
                self.spans.get(number as usize).is_some_and(|span| self.at(*span) == bytes)
            })
            .copied();
        self.last = found.unwrap_or_else(|| self.insert(bytes));
        self.last
    }

    fn insert(&mut self, bytes: &[u8]) -> u32 {
        let number = self.spans.len() as u32;
        self.plain.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        self.spans.push((self.plain.len() as u32, bytes.len() as u32));
        self.plain.extend_from_slice(bytes);
        let Self { numbers, spans, plain, .. } = self;
        let hasher = FixedState::default();
        numbers.insert_unique(hasher.hash_one(bytes), number, |&other| {
            let span = spans.get(other as usize).copied().unwrap_or_default();
            hasher.hash_one(slice(plain, span))
        });
        number
    }

    /// The text of a number.
    pub(super) fn text(&self, number: u32) -> &[u8] {
        self.at(self.spans.get(number as usize).copied().unwrap_or_default())
    }

    fn at(&self, span: (u32, u32)) -> &[u8] {
        slice(&self.plain, span)
    }

    pub(super) fn len(&self) -> usize {
        self.spans.len()
    }

    /// The values as Parquet lays them out.
    pub(super) fn plain(&self) -> &[u8] {
        &self.plain
    }

    /// The least and greatest value.
    pub(super) fn range(&self) -> Option<(&[u8], &[u8])> {
        let values = || self.spans.iter().map(|span| self.at(*span));
        values().min().zip(values().max())
    }

    pub(super) fn clear(&mut self) {
        self.numbers.clear();
        self.spans.clear();
        self.plain.clear();
        self.last = 0;
        self.epoch += 1;
    }
}

fn slice(bytes: &[u8], (start, len): (u32, u32)) -> &[u8] {
    bytes.get(start as usize..(start + len) as usize).unwrap_or_default()
}
