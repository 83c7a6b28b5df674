use exposure_core::{Admitted, Owner, Timestamp};

use super::merges::AddOnce;
use crate::{INSERT_ID_WINDOW_MICROS, Origin, ProjectId};

/// The insert ids of the last seven days, by owner.
///
/// An id lives from the commit that brought it; an import's receive time may lie far back.
#[derive(Debug, Default)]
pub(super) struct Window(AddOnce<(ProjectId, Owner, Box<str>), First>);

#[derive(Clone, Copy, Debug)]
struct First {
    at: Timestamp,
    content: u64,
}

impl Window {
    /// Claims the insert id of an event; `Some(conflict)` where it is a duplicate.
    pub(super) fn claim(&mut self, origin: &Origin, event: &Admitted<'_>) -> Option<bool> {
        let id = event.insert_id?;
        let key = (origin.project, event.ids.insert_id_owner().to_owner(), id.as_str().into());
        let content = event.content_hash();
        if let Some(first) = self.0.get(&key) {
            if origin.now.since(first.at) <= INSERT_ID_WINDOW_MICROS {
                return Some(first.content != content);
            }
            self.0.erase(|held, _| *held == key);
        }
        self.0.merge(key, First { at: origin.now, content });
        None
    }
}
