//! A shard's index: from the key of a profile to where it is. Open addressing, so that the
//! line a key falls on can be asked for ahead of time. Entries are never taken out.

use crate::keys::ProfileKey;

/// Where a profile is: a number that the shard understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(pub u64);

const EMPTY: u64 = u64::MAX;

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The upper half of the key: with the shard and the slot it is all but the whole of it,
    /// and the profile holds the rest.
    tag: u64,
    place: u64,
}

/// The index.
#[derive(Debug)]
pub(crate) struct Table {
    entries: Vec<Entry>,
    len: usize,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self { entries: Vec::new(), len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    fn home(&self, tag: u64) -> usize {
        tag as usize & (self.entries.len() - 1)
    }

    /// The line that a key falls on, for asking for its memory.
    pub(crate) fn line(&self, key: ProfileKey) -> *const u8 {
        let home = if self.entries.is_empty() { 0 } else { self.home(tag(key)) };
        self.entries.as_ptr().wrapping_add(home).cast()
    }

    /// The first place whose tag is the key's and that `is` confirms.
    pub(crate) fn find(&self, key: ProfileKey, mut is: impl FnMut(Place) -> bool) -> Option<Place> {
        if self.entries.is_empty() {
            return None;
        }
        let tag = tag(key);
        let mut at = self.home(tag);
        loop {
            let entry = &self.entries[at];
            if entry.place == EMPTY {
                return None;
            }
            if entry.tag == tag && is(Place(entry.place)) {
                return Some(Place(entry.place));
            }
            at = (at + 1) & (self.entries.len() - 1);
        }
    }

    /// Adds a key that is not there.
    pub(crate) fn insert(&mut self, key: ProfileKey, place: Place) {
        // At most 13/16 full: probes stay short, and a doubling is rare.
        if (self.len + 1) * 16 > self.entries.len() * 13 {
            self.grow();
        }
        self.put(Entry { tag: tag(key), place: place.0 });
        self.len += 1;
    }

    /// Moves a key to another place.
    pub(crate) fn relocate(&mut self, key: ProfileKey, from: Place, to: Place) {
        let tag = tag(key);
        let mut at = self.home(tag);
        while self.entries[at].place != EMPTY {
            let entry = &mut self.entries[at];
            if entry.tag == tag && entry.place == from.0 {
                entry.place = to.0;
                return;
            }
            at = (at + 1) & (self.entries.len() - 1);
        }
    }

    /// Every place, in no order that means anything.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> {
        self.entries.iter().filter(|entry| entry.place != EMPTY).map(|entry| Place(entry.place))
    }

    /// The least tags greater than `after`, each once, in order; all entries of a tag count as one.
    pub(crate) fn tags_after(&self, after: Option<u64>, limit: usize) -> Vec<u64> {
        let is_after = |tag: u64| after.is_none_or(|after| tag > after);
        let entries =
            self.entries.iter().filter(|entry| entry.place != EMPTY && is_after(entry.tag));
        let mut tags: Vec<u64> = entries.map(|entry| entry.tag).collect();
        if tags.len() > limit && limit > 0 {
            // Only the least ones are wanted: no need to sort them all.
            tags.select_nth_unstable(limit - 1);
            tags.truncate(limit);
        }
        tags.sort_unstable();
        tags.dedup();
        tags
    }

    /// The places of a tag.
    pub(crate) fn of_tag(&self, tag: u64) -> impl Iterator<Item = Place> + '_ {
        let mask = self.entries.len().wrapping_sub(1);
        let home = if self.entries.is_empty() { 0 } else { self.home(tag) };
        (0..self.entries.len())
            .map(move |step| &self.entries[(home + step) & mask])
            .take_while(|entry| entry.place != EMPTY)
            .filter(move |entry| entry.tag == tag)
            .map(|entry| Place(entry.place))
    }

    /// Bytes held.
    pub(crate) fn memory(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>()
    }

    fn put(&mut self, entry: Entry) {
        let mut at = self.home(entry.tag);
        while self.entries[at].place != EMPTY {
            at = (at + 1) & (self.entries.len() - 1);
        }
        self.entries[at] = entry;
    }

    fn grow(&mut self) {
        let size = (self.entries.len() * 2).max(16);
        let empty = Entry { tag: 0, place: EMPTY };
        let old = std::mem::replace(&mut self.entries, vec![empty; size]);
        for entry in old.into_iter().filter(|entry| entry.place != EMPTY) {
            self.put(entry);
        }
    }
}

fn tag(key: ProfileKey) -> u64 {
    (key.0 >> 64) as u64
}
