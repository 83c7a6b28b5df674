//! Where the store's log ends and its files begin.

use exposure_core::RawId;
use exposure_store::{EventFilter, ProjectId, Result, StoredEvent};

use super::Inner;
use crate::events::Pacer;

impl Inner {
    /// Everything below this position of the log is in files.
    pub(crate) fn converted_position(&self) -> u64 {
        0
    }

    /// The stored events of a raw id that are in files.
    pub(crate) fn archived(
        &self,
        _: ProjectId,
        _: RawId<'_>,
        _below: u64,
    ) -> Result<Vec<StoredEvent>> {
        Ok(Vec::new())
    }

    /// A page of the stored events in files, below a position, and where the next one begins.
    pub(crate) fn scan_archive(
        &self,
        _: ProjectId,
        _: EventFilter<'_>,
        _cursor: &[u8],
        _below: u64,
        _limit: usize,
    ) -> Result<(Vec<StoredEvent>, Option<Vec<u8>>)> {
        Ok((Vec::new(), None))
    }

    /// Turns log into files, all of it or what is sealed; says whether there may be more to do.
    pub(crate) fn convert(&self, _: &dyn Pacer, _all: bool) -> Result<bool> {
        Ok(false)
    }
}
