//! The change feed: the log, read from a cursor.

use std::sync::atomic::Ordering;

use exposure_core::Timestamp;
use exposure_store::{Error, FeedCursor, FeedEntry, FeedPage, ProjectId, Result};

use super::Inner;
use super::history::{damaged, stored_event};
use super::state::log_error;
use crate::frame::{
    EventRecord, FrameKind, FrameRef, InsertTexts, Records, Status, decode_erasure,
};
use crate::log::LogError;

/// Bytes of log that one call reads at most, so that a quiet project's reader is not kept long.
const READ_AT_ONCE: u64 = 16 << 20;

impl Inner {
    /// The cursor of a position: the position, and a mark of this store.
    pub(crate) fn cursor(&self, position: u64) -> FeedCursor {
        let mut bytes = position.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.mark(position));
        FeedCursor(bytes)
    }

    /// The position of a cursor.
    pub(crate) fn position_of(&self, cursor: &FeedCursor) -> Result<u64> {
        if cursor.0.is_empty() {
            return Ok(0);
        }
        let (position, mark) = cursor.0.split_first_chunk::<8>().ok_or(Error::CursorInvalid)?;
        let position = u64::from_be_bytes(*position);
        if mark != self.mark(position) || position > self.log.end() {
            return Err(Error::CursorInvalid);
        }
        Ok(position)
    }

    fn mark(&self, position: u64) -> [u8; 4] {
        let mut bytes = self.secret.as_bytes()[..16].to_vec();
        bytes.extend_from_slice(&position.to_be_bytes());
        crc32fast::hash(&bytes).to_be_bytes()
    }

    /// What happened in a project after a cursor.
    pub(crate) async fn feed(
        &self,
        project: ProjectId,
        from: &FeedCursor,
        limit: usize,
    ) -> Result<FeedPage> {
        let (page, hides) = self.read_feed(project, from, limit)?;
        if hides {
            // An erasure that a crash takes back must have hidden nothing: the cursor goes on behind it.
            let end = self.erased_end.load(Ordering::Relaxed);
            self.log.wait_durable(end).await.map_err(log_error)?;
        }
        Ok(page)
    }

    /// A page, and whether something was left out of it because it was erased.
    fn read_feed(
        &self,
        project: ProjectId,
        from: &FeedCursor,
        limit: usize,
    ) -> Result<(FeedPage, bool)> {
        let from = self.position_of(from)?;
        if from < self.log.start() {
            return Err(Error::CursorExpired);
        }
        let (mut entries, mut hides) = (Vec::new(), false);
        let mut next = from;
        let mut reader = self.log.reader(from).map_err(log_error)?;
        loop {
            let group = match reader.next_group() {
                Ok(Some(group)) => group,
                Ok(None) => {
                    // Behind a group that only marks the durable position there is nothing to tell,
                    // and a cursor left before it would never wait again.
                    next = next.max(reader.position());
                    break;
                }
                Err(LogError::Released { .. }) => return Err(Error::CursorExpired),
                Err(error) => return Err(log_error(error)),
            };
            let end = group.end();
            let mut rest = group.payload;
            let mut at = group.position;
            while !rest.is_empty() {
                let (frame, behind) = FrameRef::split(rest).map_err(|what| damaged(at, what))?;
                hides |= self.feed_frame(project, from, at, &frame, &mut entries)?;
                at += frame.bytes.len() as u64;
                rest = behind;
            }
            next = next.max(end);
            if entries.len() >= limit || next - from > READ_AT_ONCE {
                break;
            }
        }
        if entries.len() > limit {
            entries.truncate(limit);
            if let Some((_, cursor)) = entries.last() {
                return Ok((FeedPage { next: cursor.clone(), entries }, hides));
            }
        }
        Ok((FeedPage { entries, next: self.cursor(next) }, hides))
    }

    /// Adds a frame's entries; whether some were left out because they were erased.
    fn feed_frame(
        &self,
        project: ProjectId,
        from: u64,
        base: u64,
        frame: &FrameRef<'_>,
        entries: &mut Vec<(FeedEntry, FeedCursor)>,
    ) -> Result<bool> {
        let end = base + frame.bytes.len() as u64;
        let mut hides = false;
        if end <= from {
            return Ok(hides);
        }
        match frame.kind {
            FrameKind::Document | FrameKind::Retirement => {}
            FrameKind::Erasure => {
                let erasures = decode_erasure(frame.body()).map_err(|what| damaged(base, what))?;
                // Each has a cursor of its own, somewhere within the frame.
                for (erasure, behind) in erasures.into_iter().zip(base + 1..) {
                    // A device that others were seen on too only lost links.
                    let is_whole = erasure.until != Timestamp::MIN;
                    if erasure.project == project && is_whole && behind > from {
                        let entry = FeedEntry::Erased {
                            project,
                            owner: erasure.owner,
                            until: erasure.until,
                        };
                        entries.push((entry, self.cursor(behind)));
                    }
                }
            }
            FrameKind::Events | FrameKind::EventsV1 => {
                let mut texts = InsertTexts::default();
                let records =
                    Records::of(base, frame, &mut texts).map_err(|what| damaged(base, what))?;
                let origin = *records.origin();
                if origin.project != project {
                    return Ok(hides);
                }
                for (position, record) in records {
                    let record = record.map_err(|what| damaged(position, what))?;
                    let behind = position + record.length as u64;
                    if position >= from && record.status == Status::Merged {
                        if self.is_erased(project, &record)? {
                            hides = true;
                            continue;
                        }
                        let entry = FeedEntry::Event {
                            project,
                            event: Box::new(stored_event(&record, &origin, position)),
                            links_changed: record.links_changed,
                        };
                        entries.push((entry, self.cursor(behind)));
                    }
                }
            }
        }
        Ok(hides)
    }

    /// Whether whom a record names was erased since.
    pub(crate) fn is_erased(&self, project: ProjectId, record: &EventRecord<'_>) -> Result<bool> {
        if !self.any_erased.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let key = self.secret.profile(project, record.event.raw());
        let until = self.with_profile(key, |profile, _, _| {
            profile.more.as_ref().and_then(|more| more.erased_until)
        })?;
        Ok(until.flatten().is_some_and(|until| record.event.time <= until))
    }
}
