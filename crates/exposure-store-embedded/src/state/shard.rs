use super::insert_text::LongTexts;
use super::profile::Profile;
use super::table::{Place, Table};
use crate::keys::ProfileKey;

/// How many shards there are: a section of a checkpoint each. Stored; never changes.
pub(crate) const N_SHARDS: usize = 1024;

/// The shard of a profile.
pub(crate) const fn shard_of(key: ProfileKey) -> usize {
    (key.0 as u64 & (N_SHARDS as u64 - 1)) as usize
}

/// Profiles of a chunk: few chunks, so that finding one misses no cache. They never move, but for
/// those of the first chunk, which grows to this size: a small store has many shards too.
const CHUNK: usize = 256;
/// Profiles that a first chunk begins with.
const FIRST: usize = 8;
const COLD: u64 = 1 << 63;
/// Bits of a place on disk: of the section's number, of the offset in it, of the block's length.
const SECTION_BITS: u32 = 5;
const OFFSET_BITS: u32 = 33;
const LENGTH_BITS: u32 = 25;
const _: () = assert!(SECTION_BITS + OFFSET_BITS + LENGTH_BITS == 63);

/// How many sections of a shard a place can tell apart.
pub(crate) const N_SECTIONS: usize = 1 << SECTION_BITS;

/// Where a profile's block stands on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ColdRef {
    /// Which of its shard's sections, below [`N_SECTIONS`].
    pub section: u8,
    /// Where in the section.
    pub offset: u64,
    pub length: u32,
}

impl ColdRef {
    /// Whether a place can tell it: a profile beyond 32 MiB, or that far behind in its section, stays in memory.
    pub(crate) const fn is_tellable(self) -> bool {
        (self.section as usize) < N_SECTIONS
            && self.offset >> OFFSET_BITS == 0
            && self.length >> LENGTH_BITS == 0
    }
}

/// What a look-up finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// In memory, under this number.
    Hot(u32),
    /// On disk, if its block turns out to be of this key.
    Cold(ColdRef),
    /// Nowhere.
    Nothing,
}

/// A part of the profiles.
#[derive(Debug)]
pub(crate) struct Shard {
    table: Table,
    chunks: Vec<Vec<Option<Profile>>>,
    free: Vec<u32>,
    n_hot: usize,
    memory: usize,
    pub long: LongTexts,
    /// Where profiles in memory stand on disk, by their numbers: as long as they did not change since, nothing need
    /// be written for them to leave memory. Shorter than the profiles, and empty where memory never was scarce.
    homes: Vec<Option<Home>>,
    /// Sections hold what was erased since, and must not be added to.
    pub holds_erased: bool,
    /// Where the eviction hand stands.
    hand: u32,
}

/// A place on disk as the index keeps it: never zero.
type Home = std::num::NonZeroU64;

impl Shard {
    pub(crate) fn new() -> Self {
        Self {
            table: Table::new(),
            chunks: Vec::new(),
            free: Vec::new(),
            n_hot: 0,
            memory: 0,
            long: LongTexts::default(),
            homes: Vec::new(),
            holds_erased: false,
            hand: 0,
        }
    }

    /// Profiles, in memory or not.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Profiles in memory.
    pub(crate) const fn n_hot(&self) -> usize {
        self.n_hot
    }

    /// Rough bytes of profiles that could leave memory.
    pub(crate) const fn movable(&self) -> usize {
        self.memory
    }

    /// Rough bytes held.
    pub(crate) fn memory(&self) -> usize {
        self.memory
            + self.table.memory()
            + self.long.memory()
            + self.homes.capacity() * size_of::<Option<Home>>()
            + self.chunks.iter().map(Vec::capacity).sum::<usize>() * size_of::<Option<Profile>>()
    }

    /// The line of the index that a key falls on, for asking for its memory.
    pub(crate) fn index_line(&self, key: ProfileKey) -> *const u8 {
        self.table.line(key)
    }

    /// Where a profile in memory most likely is, by the index line alone.
    pub(crate) fn guess(&self, key: ProfileKey) -> Option<u32> {
        let Place(place) = self.table.find(key, |_| true)?;
        if place & COLD != 0 {
            return None;
        }
        Some(place as u32)
    }

    /// Where a profile stands or could, for asking for its memory: it is not looked at.
    pub(crate) fn slot(&self, number: u32) -> Option<*const Option<Profile>> {
        let chunk = self.chunks.get(number as usize / CHUNK)?;
        chunk.get(number as usize % CHUNK).map(std::ptr::from_ref)
    }

    /// Where a profile is.
    pub(crate) fn find(&self, key: ProfileKey) -> Found {
        let hot = self.table.find(key, |place| {
            place.0 & COLD == 0
                && self.get(place.0 as u32).is_some_and(|profile| profile.key == key)
        });
        if let Some(place) = hot {
            return Found::Hot(place.0 as u32);
        }
        // Of a cold profile the tag decides: 64 bits of the key and the ten of the shard.
        match self.table.find(key, |place| place.0 & COLD != 0) {
            Some(place) => Found::Cold(cold_ref(place)),
            None => Found::Nothing,
        }
    }

    /// Where a profile stands on disk that is not in memory. One that is costs a line of the index, and no more.
    pub(crate) fn find_cold(&self, key: ProfileKey) -> Option<ColdRef> {
        self.table.find(key, |place| place.0 & COLD != 0)?;
        match self.find(key) {
            Found::Cold(at) => Some(at),
            Found::Hot(_) | Found::Nothing => None,
        }
    }

    pub(crate) fn get(&self, number: u32) -> Option<&Profile> {
        self.chunks.get(number as usize / CHUNK)?.get(number as usize % CHUNK)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut Profile> {
        self.chunks.get_mut(number as usize / CHUNK)?.get_mut(number as usize % CHUNK)?.as_mut()
    }

    /// A profile and the shard's long texts, both to change.
    pub(crate) fn parts(&mut self, number: u32) -> Option<(&mut Profile, &mut LongTexts)> {
        let profile = self
            .chunks
            .get_mut(number as usize / CHUNK)?
            .get_mut(number as usize % CHUNK)?
            .as_mut()?;
        Some((profile, &mut self.long))
    }

    /// Adds a profile whose key is not in the index.
    pub(crate) fn insert(&mut self, profile: Profile) -> u32 {
        let key = profile.key;
        let number = self.store(profile);
        self.table.insert(key, Place(u64::from(number)));
        number
    }

    /// Adds a profile that stays on disk.
    pub(crate) fn insert_cold(&mut self, key: ProfileKey, at: ColdRef) {
        self.table.insert(key, cold_place(at));
    }

    /// Brings a profile into memory, unless somebody did or its block moved meanwhile.
    pub(crate) fn warm(&mut self, from: ColdRef, profile: Profile) -> Option<u32> {
        let key = profile.key;
        if self.find(key) != Found::Cold(from) {
            profile.cells.iter().for_each(|cell| cell.insert().release(&mut self.long));
            return None;
        }
        let number = self.store(profile);
        self.table.relocate(key, cold_place(from), Place(u64::from(number)));
        self.set_home(number, from);
        Some(number)
    }

    /// Notes where a profile in memory stands on disk as it is now, if a place can tell it.
    pub(crate) fn set_home(&mut self, number: u32, at: ColdRef) {
        let number = number as usize;
        if self.homes.len() <= number {
            // As the profiles grow: a chunk at a time.
            let more = (number + 1).next_multiple_of(CHUNK) - self.homes.len();
            self.homes.reserve_exact(more);
            self.homes.resize(self.homes.len() + more, None);
        }
        self.homes[number] = Home::new(cold_place(at).0).filter(|_| at.is_tellable());
    }

    /// Notes that a profile in memory is in a section as it is now, and where, if that is worth knowing.
    pub(crate) fn saved(&mut self, number: u32, key: ProfileKey, home: Option<ColdRef>) {
        let Some(profile) = self.get_mut(number).filter(|profile| profile.key == key) else {
            return;
        };
        profile.unsaved = false;
        if let Some(home) = home {
            self.set_home(number, home);
        }
    }

    /// Forgets where profiles in memory stand on disk: those sections go.
    pub(crate) fn forget_homes(&mut self) {
        self.homes = Vec::new();
    }

    /// Whether it is known where a profile in memory stands on disk.
    pub(crate) fn has_home(&self, number: u32) -> bool {
        self.homes.get(number as usize).is_some_and(Option::is_some)
    }

    /// Tells that a cold profile's block stands elsewhere now.
    pub(crate) fn move_cold(&mut self, key: ProfileKey, from: ColdRef, to: ColdRef) {
        self.table.relocate(key, cold_place(from), cold_place(to));
    }

    /// Every profile in memory, with its number.
    pub(crate) fn hot(&self) -> impl Iterator<Item = (u32, &Profile)> {
        self.chunks.iter().enumerate().flat_map(|(chunk, slots)| {
            slots.iter().enumerate().filter_map(move |(slot, profile)| {
                Some(((chunk * CHUNK + slot) as u32, profile.as_ref()?))
            })
        })
    }

    /// Every block that is only on disk.
    pub(crate) fn cold(&self) -> impl Iterator<Item = ColdRef> {
        self.table.places().filter(|place| place.0 & COLD != 0).map(cold_ref)
    }

    /// The tags of up to `limit` profiles behind `after`, in order: what a scan goes by.
    pub(crate) fn tags_after(&self, after: Option<u64>, limit: usize) -> Vec<u64> {
        self.table.tags_after(after, limit)
    }

    /// The profiles in memory with these tags.
    pub(crate) fn with_tags<'a>(
        &'a self,
        tags: &'a [u64],
    ) -> impl Iterator<Item = &'a Profile> + 'a {
        tags.iter()
            .flat_map(|&tag| self.table.of_tag(tag))
            .filter(|place| place.0 & COLD == 0)
            .filter_map(|place| self.get(place.0 as u32))
    }

    /// Notes that a profile grew or shrank.
    pub(crate) fn resized(&mut self, before: usize, after: usize) {
        self.memory = self.memory + after - before;
    }

    /// Moves profiles out of memory whose block on disk is what they are, not lately used ones first, until `bytes`
    /// are free or the hand came round twice. All below `position` is on disk. Returns the bytes.
    pub(crate) fn evict(&mut self, bytes: usize, position: u64) -> usize {
        let slots = (self.chunks.len() * CHUNK) as u32;
        let mut freed = 0;
        for _ in 0..slots.saturating_mul(2) {
            if freed >= bytes {
                break;
            }
            self.hand = if self.hand + 1 >= slots { 0 } else { self.hand + 1 };
            let number = self.hand;
            let Some(profile) = self.get_mut(number) else { continue };
            if std::mem::take(&mut profile.referenced) || profile.is_ahead(position) {
                continue;
            }
            let Some(home) = self.homes.get(number as usize).copied().flatten() else { continue };
            let slot = &mut self.chunks[number as usize / CHUNK][number as usize % CHUNK];
            if let Some(profile) = slot.take() {
                profile.cells.iter().for_each(|cell| cell.insert().release(&mut self.long));
                self.table.relocate(profile.key, Place(u64::from(number)), Place(home.get()));
                let size = profile.memory();
                self.memory -= size;
                self.n_hot -= 1;
                self.free.push(number);
                freed += size;
            }
        }
        freed
    }

    fn store(&mut self, profile: Profile) -> u32 {
        self.memory += profile.memory();
        self.n_hot += 1;
        if let Some(number) = self.free.pop() {
            if let Some(home) = self.homes.get_mut(number as usize) {
                *home = None;
            }
            self.chunks[number as usize / CHUNK][number as usize % CHUNK] = Some(profile);
            return number;
        }
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => {
                if chunk.len() == chunk.capacity() {
                    chunk.reserve_exact(chunk.len());
                }
                chunk.push(Some(profile));
            }
            full => {
                let room = if full.is_some() { CHUNK } else { FIRST };
                let mut chunk = Vec::with_capacity(room);
                chunk.push(Some(profile));
                self.chunks.push(chunk);
            }
        }
        ((self.chunks.len() - 1) * CHUNK + self.chunks.last().map_or(0, Vec::len) - 1) as u32
    }
}

fn cold_place(at: ColdRef) -> Place {
    let section = u64::from(at.section) << (OFFSET_BITS + LENGTH_BITS);
    Place(COLD | section | (at.offset << LENGTH_BITS) | u64::from(at.length))
}

fn cold_ref(place: Place) -> ColdRef {
    let bits = |from: u32, n: u32| (place.0 >> from) & ((1 << n) - 1);
    ColdRef {
        section: bits(OFFSET_BITS + LENGTH_BITS, SECTION_BITS) as u8,
        offset: bits(LENGTH_BITS, OFFSET_BITS),
        length: bits(0, LENGTH_BITS) as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_on_disk_comes_back() {
        for (section, offset, length) in [(0, 0, 0), (31, (1 << 33) - 1, 0), (5, 36, (1 << 25) - 1)]
        {
            let at = ColdRef { section, offset, length };
            assert!(at.is_tellable());
            assert_eq!(cold_ref(cold_place(at)), at);
        }
        for (section, offset, length) in [(32, 0, 0), (0, 1 << 33, 0), (0, 0, 1 << 25)] {
            assert!(!ColdRef { section, offset, length }.is_tellable());
        }
    }
}
