//! Whoever follows the feed over all reopenings gets to know everything, once, and nothing that is lost.

use exposure_core::Effects;
use exposure_store::{Error, FeedCursor, FeedEntry, ProjectId, Result, Store};
use futures::executor::block_on;

/// Reads the feed of a project from a cursor to its end; returns where the next reader begins.
pub(crate) fn read_feed(
    store: &dyn Store,
    project: ProjectId,
    from: &FeedCursor,
) -> Result<(Vec<FeedEntry>, FeedCursor)> {
    let (mut entries, mut from) = (Vec::new(), from.clone());
    loop {
        let page = block_on(store.feed(project, &from, 7))?;
        let is_end = page.entries.is_empty() && page.next == from;
        entries.extend(page.entries.into_iter().map(|(entry, _)| entry));
        if is_end {
            // What one erasure erased is told in no order.
            let erased = |entry: &FeedEntry| match entry {
                FeedEntry::Erased { until, .. } => Some(*until),
                FeedEntry::Event { .. } => None,
            };
            for one in entries.chunk_by_mut(|a, b| erased(a).is_some() && erased(a) == erased(b)) {
                one.sort_by_key(told);
            }
            return Ok((entries, from));
        }
        from = page.next;
    }
}

/// An entry as text, without its place.
pub(crate) fn told(entry: &FeedEntry) -> String {
    match entry {
        FeedEntry::Event { project, event, .. } => {
            let mut event = event.clone();
            event.position = 0;
            // What became of later writes of folded devices, a reference without retention does not know.
            event.effects = Effects::None;
            format!("{project} {event:?}")
        }
        FeedEntry::Erased { project, owner, until } => format!("{project} {owner:?} {until:?}"),
    }
}

/// Whether owners may have changed by it. Too often is no harm.
pub(crate) fn may_move(entry: &FeedEntry) -> bool {
    matches!(entry, FeedEntry::Event { links_changed: true, .. })
}

/// Follows the feed of a project.
#[derive(Debug)]
pub(crate) struct Follower {
    project: ProjectId,
    cursor: Option<FeedCursor>,
    /// What it was told so far.
    told: Vec<String>,
}

impl Follower {
    pub(crate) fn new(project: ProjectId) -> Self {
        Self { project, cursor: None, told: Vec::new() }
    }

    /// Reads what there is; returns how many entries that were.
    pub(crate) fn read(&mut self, store: &dyn Store) -> Result<u64> {
        let from = self.cursor.clone().unwrap_or_else(|| store.feed_start());
        match read_feed(store, self.project, &from) {
            Ok((entries, next)) => {
                self.told.extend(entries.iter().map(told));
                self.cursor = Some(next);
                Ok(entries.len() as u64)
            }
            Err(Error::CursorExpired) => {
                // Only where the feed keeps nothing; it begins again with what is there.
                *self = Self::new(self.project);
                Ok(0)
            }
            Err(error) => Err(error),
        }
    }

    /// It has read to the end: what there is now to be told from the beginning it was told, in that order, and
    /// of what else it was told, everything was erased since.
    pub(crate) fn check(&self, fed: &[FeedEntry], any_erased: bool) {
        let mut rest = self.told.iter();
        for entry in fed.iter().map(told) {
            assert!(rest.any(|told| *told == entry), "not told: {entry}");
        }
        if !any_erased {
            assert_eq!(self.told.len(), fed.len(), "told of more than there is: {self:?}");
        }
    }
}
