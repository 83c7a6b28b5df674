use std::collections::VecDeque;
use std::fmt;

use exposure_core::{ErrorCode, Timestamp};
use exposure_store::{FeedCursor, FeedEntry, FeedPage, ProjectId};

use super::moment::Moments;
use super::snapshot::Snapshot;
use super::{WatchEntry, WatchFrom, WatchItem};
use crate::intake::Permit;
use crate::page::Resume;
use crate::{Caller, Handle, Position, Result, Scope, ServiceError, meter};

/// A change feed that is being read. It does nothing but in [`next`](Self::next), so that a
/// slow reader costs a cursor and not a queue.
pub struct Watch {
    handle: Handle,
    project: ProjectId,
    snapshot: Option<Snapshot>,
    cursor: FeedCursor,
    /// The last change of the entry behind the cursor that was sent before.
    sent: Option<(String, String)>,
    entries: VecDeque<(FeedEntry, FeedCursor)>,
    /// Where to go on when the entries are used up.
    behind: FeedCursor,
    ready: VecDeque<WatchItem>,
    known: super::resolve::FirstLinks,
    reported: Timestamp,
    _permit: Permit,
}

/// Entries of the store's feed that are read at once.
const CHUNK: usize = 256;

impl Handle {
    /// Watches the visible changes of the caller's project.
    pub fn watch(&self, caller: &Caller, from: WatchFrom) -> Result<Watch> {
        caller.require(Scope::Read)?;
        let permit = self.watches().enter(1).ok_or_else(|| {
            meter::refused("watches");
            ServiceError::exhausted(
                format!("{} watches are open already", self.watches().limit()),
                self.settings().retry_after,
            )
        })?;
        let end = self.store().feed_end();
        let (resume, snapshot) = match from {
            WatchFrom::Snapshot => (Resume { cursor: end, sent: None }, Some(Snapshot::new())),
            WatchFrom::Cursor(position) => (position.resume()?, None),
            WatchFrom::Beginning => {
                (Resume { cursor: self.store().feed_start(), sent: None }, None)
            }
            WatchFrom::Now => (Resume { cursor: end, sent: None }, None),
        };
        meter::watches(1.0);
        Ok(Watch {
            handle: self.clone(),
            project: caller.project(),
            snapshot,
            behind: resume.cursor.clone(),
            cursor: resume.cursor,
            sent: resume.sent,
            entries: VecDeque::new(),
            ready: VecDeque::new(),
            known: super::resolve::FirstLinks::default(),
            reported: self.now(),
            _permit: permit,
        })
    }
}

impl Watch {
    /// The next entry; waits until there is one. An error ends the watch, and the cursor of
    /// the last entry resumes it.
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<WatchItem> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(item);
            }
            if self.snapshot.is_some() {
                self.read_snapshot().await?;
            } else if self.entries.is_empty() {
                self.read_feed().await?;
            } else {
                self.resolve_entries().await?;
            }
        }
    }

    async fn read_snapshot(&mut self) -> Result<()> {
        let Some(snapshot) = &self.snapshot else { return Ok(()) };
        if let Some((items, next)) = snapshot.chunk(&self.handle, self.project).await? {
            self.ready.extend(items);
            self.snapshot = Some(next);
        } else {
            let entry = WatchEntry::SnapshotDone { entries: snapshot.sent() };
            self.snapshot = None;
            self.ready.push_back(WatchItem { cursor: Some(Position::at(&self.cursor)), entry });
        }
        Ok(())
    }

    /// Reads on in the feed, waiting where it ends.
    async fn read_feed(&mut self) -> Result<()> {
        let page = self.feed_page().await?;
        if page.entries.is_empty() && page.next == self.cursor {
            self.handle.store().feed_wait(&self.cursor).await.map_err(expired)?;
            return Ok(());
        }
        self.behind = page.next;
        self.entries = page.entries.into();
        if self.entries.is_empty() {
            self.pass();
        }
        Ok(())
    }

    async fn feed_page(&self) -> Result<FeedPage> {
        let page = self.handle.store().feed(self.project, &self.cursor, CHUNK).await;
        page.map_err(expired)
    }

    /// Turns the entries that were read into changes, up to the first that makes any.
    async fn resolve_entries(&mut self) -> Result<()> {
        // What is read here is read after the entries were, so it holds all that they say.
        let moments = Moments::new(&self.handle, self.project);
        while let Some((entry, cursor)) = self.entries.front() {
            let changes = match entry {
                FeedEntry::Event { event, links_changed, .. } => {
                    moments.changes(event, *links_changed, &mut self.known).await?
                }
                FeedEntry::Erased { owner, until, .. } => {
                    vec![WatchEntry::Erased { profile: owner.clone(), until: *until }]
                }
            };
            // From here on nothing waits: the entry is done as a whole or not at all.
            let cursor = cursor.clone();
            let sent = self.sent.take();
            let n_changes = changes.len();
            for (index, change) in changes.into_iter().enumerate() {
                let name = name_of(&change);
                if sent.is_some() && name <= sent {
                    continue;
                }
                let resume = if index + 1 == n_changes {
                    Resume { cursor: cursor.clone(), sent: None }
                } else {
                    Resume { cursor: self.cursor.clone(), sent: name }
                };
                let cursor = Some(resume.to_position());
                self.ready.push_back(WatchItem { cursor, entry: change });
            }
            self.cursor = cursor;
            self.entries.pop_front();
            if !self.ready.is_empty() {
                self.reported = self.handle.now();
                break;
            }
        }
        if self.entries.is_empty() {
            self.pass();
        }
        Ok(())
    }

    /// Moves behind what was read, and says so where nothing was visible for a while.
    fn pass(&mut self) {
        self.cursor = self.behind.clone();
        let now = self.handle.now();
        let progress = self.handle.settings().watch_progress.as_micros() as i64;
        if self.ready.is_empty() && now.since(self.reported) >= progress {
            self.reported = now;
            let cursor = Some(Position::at(&self.cursor));
            self.ready.push_back(WatchItem { cursor, entry: WatchEntry::Progress });
        }
    }
}

/// By what the changes of one entry are ordered and told apart.
fn name_of(change: &WatchEntry) -> Option<(String, String)> {
    match change {
        WatchEntry::Change { profile, flag_key, .. } => {
            Some((profile.to_string(), flag_key.to_string()))
        }
        WatchEntry::Snapshot { .. }
        | WatchEntry::SnapshotDone { .. }
        | WatchEntry::Erased { .. }
        | WatchEntry::Progress => None,
    }
}

fn expired(error: exposure_store::Error) -> ServiceError {
    let error = ServiceError::from(error);
    if error.code == ErrorCode::CursorExpired {
        metrics::counter!("exposure_watches_expired_total").increment(1);
    }
    error
}

impl Drop for Watch {
    fn drop(&mut self) {
        meter::watches(-1.0);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("project", &self.project)
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}
