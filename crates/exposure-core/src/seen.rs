use std::collections::BTreeMap;

use crate::Timestamp;

/// Which exposures are counted together, of one raw id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeenKey {
    /// The flag.
    pub flag: Box<str>,
    /// The run of the flag, or empty.
    pub experiment_key: Box<str>,
    /// The variant; `None` for an exposure that unset.
    pub variant: Option<Box<str>>,
}

/// The first and last exposure and their count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The least effective time.
    pub first: Timestamp,
    /// The greatest effective time.
    pub last: Timestamp,
    /// How many.
    pub count: u64,
}

impl Seen {
    /// One exposure.
    pub const fn once(time: Timestamp) -> Self {
        Self { first: time, last: time, count: 1 }
    }

    /// Both together.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        Self {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
            count: self.count + other.count,
        }
    }
}

/// What one raw id, or one profile, saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenTable(BTreeMap<SeenKey, Seen>);

impl SeenTable {
    /// Adds exposures.
    pub fn add(&mut self, key: SeenKey, seen: Seen) {
        self.0.entry(key).and_modify(|held| *held = held.merged(seen)).or_insert(seen);
    }

    /// Adds all of another table.
    pub fn add_all(&mut self, other: &Self) {
        for (key, seen) in &other.0 {
            self.add(key.clone(), *seen);
        }
    }

    /// Every entry, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&SeenKey, &Seen)> {
        self.0.iter()
    }

    /// An entry.
    pub fn get(&self, key: &SeenKey) -> Option<&Seen> {
        self.0.get(key)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
