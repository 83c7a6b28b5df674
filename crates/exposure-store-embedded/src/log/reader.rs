//! Reading durable groups in order, and following the log as it grows.

use std::sync::Arc;

use super::format::{Kind, SEGMENT_HEADER};
use super::handle::Shared;
use super::walk::{Step, Walk};
use super::{LogError, WaitDurable};

const READ_BYTES: usize = 1 << 20;
/// A segment that ends so many bytes behind the durable end came from the disk, and need not stay in memory.
const FAR_BYTES: u64 = 64 << 20;

/// Reads durable groups in order; made by [`super::Log::reader`].
///
/// A group holds what one write to the disk took: one or more payloads, back to back.
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    walk: Walk,
    /// Groups that end at or below are skipped.
    from: u64,
}

/// A group of payloads, verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    /// The position of the first byte of `payload`.
    pub position: u64,
    /// The payloads, back to back.
    pub payload: &'a [u8],
}

impl Group<'_> {
    /// The position after the group: where a reader goes on.
    pub fn end(&self) -> u64 {
        self.position + self.payload.len() as u64
    }
}

impl Reader {
    pub(super) fn new(shared: &Arc<Shared>, from: u64) -> Result<Self, LogError> {
        let durable = shared.waiters.durable();
        let out_of_range = LogError::OutOfRange { position: from, len: 0, durable };
        if durable < from {
            return Err(out_of_range);
        }
        let segments = &shared.segments;
        segments.check_start(from)?;
        // A position on a segment's border may be the end of the segment before.
        let within = from.saturating_sub(1).max(segments.start());
        let segment = segments.holding(within)?.ok_or(out_of_range)?;
        let position = segment.boundary_before(from).unwrap_or(segment.start + SEGMENT_HEADER);
        let walk = Walk::new(segment, shared.options.store_id, position, READ_BYTES);
        Ok(Self { shared: Arc::clone(shared), walk, from })
    }

    /// The next durable group, or `None` if there is none yet.
    ///
    /// # Errors
    /// [`LogError::Released`] if the log let go of the position; [`LogError::Damaged`] if the file does not hold what
    /// was written.
    pub fn next_group(&mut self) -> Result<Option<Group<'_>>, LogError> {
        let (position, range) = loop {
            let durable = self.shared.waiters.durable();
            if durable <= self.walk.position {
                return Ok(None);
            }
            let segments = &self.shared.segments;
            let segment = self.walk.segment();
            let (start, end) = (segment.start, segment.end());
            if end <= self.walk.position {
                let next = start + segments.segment_bytes;
                let Some(segment) = segments.holding(next)? else {
                    return Err(LogError::OutOfRange { position: next, len: 0, durable });
                };
                if end.saturating_add(FAR_BYTES) <= durable {
                    self.walk.segment().forget();
                }
                self.walk.enter(segment, next + SEGMENT_HEADER);
                continue;
            }
            let at = self.walk.position;
            let step = self.walk.step(durable.min(end));
            // A released file may have been reused while it was read.
            segments.check_start(at)?;
            match step? {
                Step::Group { header, payload } => {
                    if header.kind == Kind::Payload && self.from < header.end() {
                        break (header.end() - payload.len() as u64, payload);
                    }
                }
                Step::Stop(fault) => {
                    let path = self.walk.segment().path.clone();
                    let durable = Some(durable);
                    return Err(LogError::Damaged { path, offset: at - start, fault, durable });
                }
            }
        };
        Ok(Some(Group { position, payload: self.walk.payload(range) }))
    }

    /// The position after the last group read: a reader from here goes on with the next one.
    pub fn position(&self) -> u64 {
        self.walk.position.max(self.from)
    }

    /// Waits until there may be another group; [`Reader::next_group`] can still answer `None` then.
    pub fn wait(&self) -> WaitDurable {
        WaitDurable::new(&self.shared.waiters, self.walk.position + 1)
    }
}
