use exposure_store::{ProjectId, ScanCursor};

use super::{WatchEntry, WatchItem};
use crate::ownership::Lookup;
use crate::{Handle, Property, Result};

/// How far a snapshot is.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    next: Option<ScanCursor>,
    n_sent: u64,
}

/// Profiles read at once.
const CHUNK: usize = 64;

impl Snapshot {
    pub(super) fn new() -> Self {
        Self { next: Some(ScanCursor::default()), n_sent: 0 }
    }

    pub(super) const fn sent(&self) -> u64 {
        self.n_sent
    }

    /// The properties of the next profiles and how far that is; `None` at the end.
    pub(super) async fn chunk(
        &self,
        handle: &Handle,
        project: ProjectId,
    ) -> Result<Option<(Vec<WatchItem>, Self)>> {
        let Some(from) = &self.next else { return Ok(None) };
        let lookup = Lookup::new(handle, project);
        let (owners, _, next) = lookup.owners(from, CHUNK).await?;
        let mut items = Vec::new();
        for owner in owners {
            let registers = lookup.registers(&owner).await?;
            let properties =
                registers.iter().filter_map(|(flag, register)| Property::of(flag, register));
            items.extend(properties.map(|property| WatchItem {
                cursor: None,
                entry: WatchEntry::Snapshot { profile: owner.id.clone(), property },
            }));
        }
        let n_sent = self.n_sent + items.len() as u64;
        Ok(Some((items, Self { next, n_sent })))
    }
}
