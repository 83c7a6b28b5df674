use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use crate::{Error, FeedCursor, FeedEntry, FeedPage, ProjectId, Result};

/// The feed: what happened, by position. A cursor is the position behind which it goes on.
#[derive(Debug, Default)]
pub(super) struct Feed {
    entries: VecDeque<(u64, FeedEntry)>,
    /// The greatest position that was dropped.
    start: u64,
    end: u64,
    waiting: Vec<Waker>,
}

impl Feed {
    pub(super) fn push(&mut self, position: u64, entry: FeedEntry, kept: usize) {
        self.entries.push_back((position, entry));
        self.end = position;
        while self.entries.len() > kept {
            if let Some((dropped, _)) = self.entries.pop_front() {
                self.start = dropped;
            }
        }
    }

    /// Takes entries out that were erased; cursors stay good.
    pub(super) fn erase(&mut self, mut erased: impl FnMut(&FeedEntry) -> bool) {
        self.entries.retain(|(_, entry)| !erased(entry));
    }

    pub(super) fn start(&self) -> FeedCursor {
        cursor(self.start)
    }

    pub(super) fn end(&self) -> FeedCursor {
        cursor(self.end)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn position(&self, cursor: &FeedCursor) -> Result<u64> {
        let position = match *cursor.0.as_slice() {
            [] => 0,
            ref bytes => {
                bytes.try_into().map(u64::from_be_bytes).map_err(|_| Error::CursorInvalid)?
            }
        };
        match position {
            before if before < self.start => Err(Error::CursorExpired),
            after if after > self.end => Err(Error::CursorInvalid),
            position => Ok(position),
        }
    }

    pub(super) fn page(
        &self,
        project: ProjectId,
        from: &FeedCursor,
        limit: usize,
    ) -> Result<FeedPage> {
        let from = self.position(from)?;
        if limit == 0 {
            return Ok(FeedPage { entries: Vec::new(), next: cursor(from) });
        }
        let first = self.entries.partition_point(|(position, _)| *position <= from);
        let entries: Vec<_> = self
            .entries
            .range(first..)
            .filter(|(_, entry)| entry.project() == project)
            .take(limit)
            .map(|(position, entry)| (entry.clone(), cursor(*position)))
            .collect();
        let next = match entries.last() {
            Some((_, next)) if entries.len() == limit => next.clone(),
            _ => self.end(),
        };
        Ok(FeedPage { entries, next })
    }

    /// Ready when there is something behind a cursor.
    pub(super) fn poll_after(
        &mut self,
        from: &FeedCursor,
        context: &Context<'_>,
    ) -> Poll<Result<()>> {
        match self.position(from) {
            Err(error) => Poll::Ready(Err(error)),
            Ok(position) if position < self.end => Poll::Ready(Ok(())),
            Ok(_) => {
                if !self.waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                    self.waiting.push(context.waker().clone());
                }
                Poll::Pending
            }
        }
    }

    /// Everybody who waits; wake them without the lock.
    pub(super) fn take_waiting(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.waiting)
    }
}

fn cursor(position: u64) -> FeedCursor {
    FeedCursor(position.to_be_bytes().to_vec())
}
