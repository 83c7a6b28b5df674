//! Erasures whose rows may still be in files: what is left to do, known from the log alone.
//!
//! An erasure stands in the log, which lets go of nothing from the first one on whose rows have
//! not left the files. So a store that is opened again finds in the log what is left to do; doing
//! it twice looks a few pages up and changes nothing.

use std::cmp::Ordering as Order;
use std::ops::Range;
use std::sync::atomic::Ordering;

use exposure_core::{Owner, RawId, Timestamp};
use exposure_store::{ProjectId, Result};

use super::Inner;
use super::archive::events_error;
use super::history::damaged;
use super::state::log_error;
use crate::events::{Pacer, Retention};
use crate::frame::{Erasure, FrameKind, FrameRef, decode_erasure};

/// What is left to do.
#[derive(Debug, Default)]
pub(crate) struct Purges {
    /// The part of the log from before opening that was not searched for erasures yet.
    unread: Range<u64>,
    pending: Vec<Purge>,
}

/// A profile whose erased rows may be in files.
#[derive(Clone, Debug)]
struct Purge {
    /// Where the erasure's frame lies in the log.
    frame: Range<u64>,
    project: ProjectId,
    owner: Owner,
    until: Timestamp,
}

impl Purges {
    /// Notes the erasures of a frame. A device that only lost links counts too: its links are found by it.
    pub(crate) fn add<'e>(
        &mut self,
        frame: &Range<u64>,
        erasures: impl IntoIterator<Item = &'e Erasure>,
    ) {
        self.pending.extend(erasures.into_iter().map(|erasure| Purge {
            frame: frame.clone(),
            project: erasure.project,
            owner: erasure.owner.clone(),
            until: erasure.until,
        }));
    }

    /// Notes that a part of the log may hold erasures.
    pub(crate) fn search(&mut self, positions: Range<u64>) {
        self.unread = positions;
    }

    /// From where on the log must be kept.
    pub(crate) fn needs(&self) -> u64 {
        let pending = self.pending.iter().map(|purge| purge.frame.start);
        let unread = (!self.unread.is_empty()).then_some(self.unread.start);
        pending.chain(unread).min().unwrap_or(u64::MAX)
    }
}

impl Inner {
    /// Rewrites the files that hold rows of erased profiles, up to where the log is in files:
    /// what an erasure found in the log beyond that is left out when it becomes a file.
    pub(crate) fn purge(&self, pacer: &dyn Pacer) -> Result<()> {
        self.search_purges(pacer)?;
        let converted = self.converted_position();
        let mut due = self.state.lock().purges.pending.clone();
        due.retain(|purge| purge.frame.end <= converted);
        if due.is_empty() {
            return Ok(());
        }
        let order = |purge: &Purge, project: ProjectId, id: RawId<'_>| -> Order {
            let own = purge.owner.as_raw();
            (purge.project, own.is_user(), own.as_str()).cmp(&(project, id.is_user(), id.as_str()))
        };
        // Of two erasures of one profile the later one is behind the other, and found alone.
        due.sort_by(|a, b| order(a, b.project, b.owner.as_raw()).then(b.until.cmp(&a.until)));
        due.dedup_by(|b, a| order(a, b.project, b.owner.as_raw()).is_eq());
        let is_erased = |project: ProjectId, id: RawId<'_>, time: Timestamp| {
            due.binary_search_by(|purge| order(purge, project, id))
                .ok()
                .and_then(|place| due.get(place))
                .is_some_and(|purge| time <= purge.until)
        };
        let retention =
            Retention { from: self.retired.load(Ordering::Acquire), is_erased: Some(&is_erased) };
        let profiles: Vec<_> = due.iter().map(|due| (due.project, due.owner.clone())).collect();
        let n_files = self.events.purge(&profiles, &retention, pacer).map_err(events_error)?;
        tracing::info!(profiles = profiles.len(), files = n_files, "erased rows are out of files");
        self.state.lock().purges.pending.retain(|purge| converted < purge.frame.end);
        Ok(())
    }

    /// Finds the erasures in the part of the log that opening did not replay.
    fn search_purges(&self, pacer: &dyn Pacer) -> Result<()> {
        let range = self.state.lock().purges.unread.clone();
        if range.is_empty() {
            return Ok(());
        }
        if self.any_erased.load(Ordering::Relaxed) {
            let mut reader = self.log.reader(range.start).map_err(log_error)?;
            while let Some(group) = reader.next_group().map_err(log_error)? {
                if range.end <= group.position || self.closing.load(Ordering::Relaxed) {
                    break;
                }
                let (mut at, mut rest) = (group.position, group.payload);
                while !rest.is_empty() {
                    let (frame, behind) =
                        FrameRef::split(rest).map_err(|what| damaged(at, what))?;
                    let end = at + frame.bytes.len() as u64;
                    if frame.kind == FrameKind::Erasure {
                        let erasures =
                            decode_erasure(frame.body()).map_err(|what| damaged(at, what))?;
                        self.state.lock().purges.add(&(at..end), &erasures);
                    }
                    (at, rest) = (end, behind);
                }
                pacer.spend(group.payload.len() as u64);
            }
        }
        if !self.closing.load(Ordering::Relaxed) {
            self.state.lock().purges.unread = 0..0;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::ProfileKey;

    #[test]
    fn the_log_is_kept_from_the_first_erasure_on_that_is_left_to_do() {
        let mut purges = Purges::default();
        assert_eq!(purges.needs(), u64::MAX);
        let erasure = Erasure {
            project: ProjectId(1),
            key: ProfileKey(1),
            owner: Owner::User("u1".into()),
            until: Timestamp::MIN,
            block: Vec::new(),
            removed: 0,
            n_removed: 0,
        };
        purges.add(&(700..800), [&erasure]);
        purges.add(&(500..600), [&erasure]);
        assert_eq!(purges.needs(), 500);
        purges.search(300..400);
        assert_eq!(purges.needs(), 300);
        // Opening replayed all of it.
        purges.search(400..400);
        assert_eq!(purges.needs(), 500);
    }
}
