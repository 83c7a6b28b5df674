use exposure_core::{Owner, RawId};
use exposure_store::ProjectId;
use smallvec::SmallVec;

use super::cell::Cell;
use super::more::More;
use crate::intern::TextId;
use crate::keys::ProfileKey;
use crate::prefetch;

/// Numbers of flags, of which most profiles have few.
pub(crate) type Flags = SmallVec<[TextId; 10]>;

/// A profile that is in memory: two cache lines, which are asked for ahead of time.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Profile {
    pub key: ProfileKey,
    /// Where its latest record stands in the log; it is shown once that is durable.
    pub last: u64,
    /// In which buckets of the window it had insert ids.
    pub activity: u64,
    pub id: Box<str>,
    pub project: ProjectId,
    pub is_user: bool,
    /// Touched since the eviction hand last passed.
    pub referenced: bool,
    /// It is new, or was changed in another way than by records, and no section holds that yet.
    pub unsaved: bool,
    /// The flags of the cells, in their order: searched without touching the cells, and for
    /// most profiles without leaving the profile's own lines.
    pub flags: Flags,
    /// One for each flag, in no order that means anything.
    pub cells: Box<[Cell]>,
    pub more: Option<Box<More>>,
}

impl Profile {
    pub(crate) fn new(key: ProfileKey, project: ProjectId, id: RawId<'_>) -> Self {
        Self {
            key,
            last: crate::frame::NO_POSITION,
            activity: 0,
            id: id.as_str().into(),
            project,
            is_user: id.is_user(),
            referenced: true,
            unsaved: true,
            flags: Flags::new(),
            cells: Box::default(),
            more: None,
        }
    }

    /// Whether it is not what a section of a position says of it.
    pub(crate) fn is_ahead(&self, position: u64) -> bool {
        self.unsaved || (self.last >= position && self.last != crate::frame::NO_POSITION)
    }

    pub(crate) fn raw(&self) -> RawId<'_> {
        if self.is_user { RawId::User(&self.id) } else { RawId::Device(&self.id) }
    }

    pub(crate) fn owner(&self) -> Owner {
        self.raw().to_owner()
    }

    pub(crate) fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// Gives the id back to a profile that was erased and is somebody again.
    pub(crate) fn name_again(&mut self, id: &str) {
        if self.id.is_empty() {
            self.id = id.into();
        }
    }

    /// Whether nothing is known of it: it was erased, or only duplicates ever named it.
    pub(crate) fn is_blank(&self) -> bool {
        let has_more = |more: &More| {
            !more.devices.is_empty()
                || !more.seen.is_empty()
                || more.erased_until.is_some()
                || more.settled.is_some()
                || more.links != exposure_core::DeviceLinks::None
        };
        self.id.is_empty() || (self.cells.is_empty() && !self.more.as_deref().is_some_and(has_more))
    }

    /// The cell of a flag, a new one if need be.
    pub(crate) fn cell(&mut self, flag: TextId) -> &mut Cell {
        let at = self.find(flag).unwrap_or_else(|| {
            // One at a time: memory is worth more than a copy, and flags are added rarely.
            let mut cells = std::mem::take(&mut self.cells).into_vec();
            cells.reserve_exact(1);
            cells.push(Cell::new(flag));
            self.cells = cells.into_boxed_slice();
            self.flags.push(flag);
            self.cells.len() - 1
        });
        &mut self.cells[at]
    }

    /// The cell of a flag, if there is one.
    pub(crate) fn held_cell(&self, flag: TextId) -> Option<&Cell> {
        self.find(flag).and_then(|at| self.cells.get(at))
    }

    /// Asks for what stands beside the slot: the id, and so many of the cells as come in time.
    pub(crate) fn ask(&self) {
        const CELLS: usize = 14;
        prefetch::line(self.id.as_ptr());
        self.cells.iter().take(CELLS).for_each(|cell| prefetch::value(cell));
    }

    /// Where a flag's cell is.
    fn find(&self, flag: TextId) -> Option<usize> {
        self.flags.iter().position(|&held| held == flag)
    }

    /// Rough bytes held beside the slot it stands in.
    pub(crate) fn memory(&self) -> usize {
        32 + self.id.len()
            + self.cells.len() * size_of::<Cell>()
            + if self.flags.spilled() { self.flags.capacity() * size_of::<TextId>() } else { 0 }
            + self.more.as_ref().map_or(0, |more| more.memory())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_has_two_cache_lines() {
        assert_eq!(size_of::<Option<Profile>>(), 128);
    }
}
