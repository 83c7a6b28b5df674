use exposure_core::{ProfileState, Timestamp};

use crate::Result;
use crate::ownership::{Lookup, Share};

/// The duplicates of a profile's events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DuplicateSummary {
    /// How many there were.
    pub count: u64,
    /// The last ten, newest first.
    pub last: Vec<DuplicateEvent>,
}

/// An event that came again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicateEvent {
    /// Its insert id.
    pub insert_id: Box<str>,
    /// When it came again.
    pub received: Timestamp,
    /// The flag, of an exposure.
    pub flag_key: Option<Box<str>>,
    /// Whether its content differs from the first one's.
    pub conflict: bool,
    /// The sender library, or empty.
    pub library: Box<str>,
}

impl Lookup<'_> {
    /// The duplicates of a profile and of the devices that are its alone.
    pub(crate) async fn duplicates(
        &self,
        profile: &ProfileState,
        shares: &[Share],
        kept: usize,
    ) -> Result<DuplicateSummary> {
        let mut ids = vec![profile.id.as_raw()];
        ids.extend(shares.iter().filter_map(|share| match share {
            Share::All(state) => Some(state.id.as_raw()),
            Share::Split { .. } | Share::Shared { .. } => None,
        }));
        let mut summary = DuplicateSummary::default();
        for id in ids {
            let duplicates = self.store().duplicates(self.project(), id).await?;
            summary.count += duplicates.count;
            summary.last.extend(duplicates.last.into_iter().map(|duplicate| DuplicateEvent {
                insert_id: duplicate.insert_id,
                received: duplicate.received,
                flag_key: duplicate.flag,
                conflict: duplicate.conflict,
                library: duplicate.library,
            }));
        }
        summary.last.sort_by_key(|duplicate| std::cmp::Reverse(duplicate.received));
        summary.last.truncate(kept);
        Ok(summary)
    }
}
