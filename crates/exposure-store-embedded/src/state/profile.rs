use exposure_core::{Owner, RawId};
use exposure_store::ProjectId;

use super::cell::Cell;
use super::more::More;
use crate::keys::ProfileKey;

/// A profile that is in memory.
#[derive(Debug)]
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
    /// By flag number.
    pub cells: Vec<Cell>,
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
            cells: Vec::new(),
            more: None,
        }
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
                || more.links != exposure_core::DeviceLinks::None
        };
        self.id.is_empty() || (self.cells.is_empty() && !self.more.as_deref().is_some_and(has_more))
    }

    /// The cell of a flag, a new one if need be.
    pub(crate) fn cell(&mut self, flag: crate::intern::TextId) -> &mut Cell {
        let at = match self.cells.binary_search_by_key(&flag, |cell| cell.flag) {
            Ok(at) => at,
            Err(at) => {
                if self.cells.len() == self.cells.capacity() {
                    // Memory is worth more than a few copies: most profiles have few flags.
                    self.cells.reserve_exact(1 + self.cells.len() / 4);
                }
                self.cells.insert(at, Cell::new(flag));
                at
            }
        };
        &mut self.cells[at]
    }

    /// Rough bytes held beside the slot it stands in.
    pub(crate) fn memory(&self) -> usize {
        32 + self.id.len()
            + self.cells.capacity() * size_of::<Cell>()
            + self.more.as_ref().map_or(0, |more| more.memory())
    }
}
