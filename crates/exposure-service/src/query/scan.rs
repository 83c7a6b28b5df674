use exposure_core::ProfileState;
use exposure_store::ScanCursor;

use crate::intake::Permit;
use crate::ownership::Lookup;
use crate::{Handle, Result, ServiceError, meter};

/// Profiles read at once by a query that reads them all.
const CHUNK: usize = 512;

impl Handle {
    /// The right to read all profiles of a project; few may do so at one moment.
    pub(crate) fn begin_scan(&self) -> Result<Permit> {
        self.scans().enter(1).ok_or_else(|| {
            meter::refused("scans");
            ServiceError::exhausted(
                format!("{} queries read all profiles already", self.scans().limit()),
                self.settings().retry_after,
            )
        })
    }
}

/// Every profile of a project that owns something, in chunks.
pub(crate) struct Owners {
    next: Option<ScanCursor>,
}

impl Owners {
    pub(crate) fn new() -> Self {
        Self { next: Some(ScanCursor::default()) }
    }

    /// The next chunk, which may be empty; `None` at the end.
    pub(crate) async fn chunk(&mut self, lookup: &Lookup<'_>) -> Result<Option<Vec<ProfileState>>> {
        let Some(from) = self.next.take() else { return Ok(None) };
        let (owners, _, next) = lookup.owners(&from, CHUNK).await?;
        self.next = next;
        Ok(Some(owners))
    }
}
