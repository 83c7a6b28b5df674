use std::collections::BTreeMap;
use std::sync::Arc;

use exposure_store::{FeedCursor, ProjectId};
use parking_lot::Mutex;

use super::FlagSummary;

/// The flags of the projects that were asked for last, as of an end of the feed: while nothing
/// is committed, the pages of one list need not read all profiles again.
#[derive(Debug, Default)]
pub(crate) struct FlagCache {
    of: Mutex<BTreeMap<ProjectId, (FeedCursor, Summaries)>>,
}

pub(crate) type Summaries = Arc<BTreeMap<Box<str>, FlagSummary>>;

const MAX_PROJECTS: usize = 16;

impl FlagCache {
    pub(crate) fn get(&self, project: ProjectId, at: &FeedCursor) -> Option<Summaries> {
        let held = self.of.lock();
        let (cursor, flags) = held.get(&project)?;
        (cursor == at).then(|| Arc::clone(flags))
    }

    pub(crate) fn put(&self, project: ProjectId, at: FeedCursor, flags: Summaries) {
        let mut held = self.of.lock();
        if held.len() >= MAX_PROJECTS && !held.contains_key(&project) {
            held.pop_first();
        }
        held.insert(project, (at, flags));
    }
}
