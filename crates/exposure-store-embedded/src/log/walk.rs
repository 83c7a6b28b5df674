//! Walking from group to group of a segment with large reads.

use std::ops::{Deref, Range};
use std::sync::Arc;

use super::format::{GROUP_HEADER, GROUP_MAGIC, GroupHeader};
use super::segment::Segment;
use super::{Fault, LogError};
use crate::disk;

/// The bytes of a group's payload. They stay as they are while somebody holds them, wherever the walk goes.
#[derive(Clone, Debug)]
pub struct Payload {
    buffer: Arc<Vec<u8>>,
    range: Range<usize>,
}

impl Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.buffer.get(self.range.clone()).unwrap_or_default()
    }
}

/// A buffered walk over the groups of one segment.
#[derive(Debug)]
pub(super) struct Walk {
    segment: Arc<Segment>,
    store_id: u128,
    read_bytes: usize,
    buffer: Arc<Vec<u8>>,
    /// Buffers before it of which somebody may still hold a part.
    lent: Vec<Arc<Vec<u8>>>,
    /// Position of the first byte of the buffer.
    buffer_at: u64,
    /// Bytes of the buffer that hold file content.
    filled: usize,
    /// Where the next group's header is expected.
    pub(super) position: u64,
}

/// What the walk finds at its position.
#[derive(Debug)]
pub(super) enum Step {
    /// A group that validates; the walk is after it now.
    Group { header: GroupHeader, payload: Range<usize> },
    /// Nothing that validates; the walk stays where it is.
    Stop(Fault),
}

impl Walk {
    pub(super) fn new(
        segment: Arc<Segment>,
        store_id: u128,
        position: u64,
        read_bytes: usize,
    ) -> Self {
        Self {
            segment,
            store_id,
            read_bytes,
            buffer: Arc::default(),
            lent: Vec::new(),
            buffer_at: position,
            filled: 0,
            position,
        }
    }

    pub(super) fn segment(&self) -> &Arc<Segment> {
        &self.segment
    }

    /// Goes on in another segment, with the same buffer.
    pub(super) fn enter(&mut self, segment: Arc<Segment>, position: u64) {
        self.segment = segment;
        self.position = position;
        self.buffer_at = position;
        self.filled = 0;
    }

    /// The bytes of a payload that [`Walk::step`] has just found.
    pub(super) fn payload(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    /// As [`Walk::payload`], for whoever works on it while the walk goes on.
    pub(super) fn lend(&self, range: Range<usize>) -> Payload {
        Payload { buffer: Arc::clone(&self.buffer), range }
    }

    /// Looks at the group at the position, reading nothing at or above `limit`.
    pub(super) fn step(&mut self, limit: u64) -> Result<Step, LogError> {
        if !self.fill(GROUP_HEADER as usize, limit)? {
            return Ok(Step::Stop(Fault::EndOfFile));
        }
        let Some(header) = GroupHeader::decode(self.at_position(GROUP_HEADER as usize)) else {
            // With the right magic it once was a group.
            let known = self.at_position(GROUP_MAGIC.len()) == GROUP_MAGIC;
            return Ok(Step::Stop(if known { Fault::Checksum } else { Fault::NoGroup }));
        };
        let whole = GROUP_HEADER as usize + header.len as usize;
        if limit < self.position + whole as u64 {
            // A group never reaches beyond; either its length or what follows is gone.
            return Ok(Step::Stop(Fault::Checksum));
        }
        if !self.fill(whole, limit)? {
            return Ok(Step::Stop(Fault::EndOfFile));
        }
        let group = self.at_position(whole);
        let (encoded, payload) = group.split_at(GROUP_HEADER as usize);
        if !header.matches(self.store_id, encoded, payload) {
            return Ok(Step::Stop(Fault::Checksum));
        }
        if header.position != self.position || header.epoch != self.segment.epoch {
            // A whole group of an earlier life of the file.
            return Ok(Step::Stop(Fault::NoGroup));
        }
        let at = (self.position - self.buffer_at) as usize;
        self.position += whole as u64;
        Ok(Step::Group { header, payload: at + GROUP_HEADER as usize..at + whole })
    }

    fn at_position(&self, len: usize) -> &[u8] {
        let at = (self.position - self.buffer_at) as usize;
        self.buffer.get(at..at + len).unwrap_or_default()
    }

    /// Makes the buffer hold `len` bytes from the position; false if they are not all there below `limit`.
    fn fill(&mut self, len: usize, limit: u64) -> Result<bool, LogError> {
        let have_end = self.buffer_at + self.filled as u64;
        if self.position + len as u64 <= have_end {
            return Ok(true);
        }
        if limit < self.position + len as u64 {
            return Ok(false);
        }
        let at = (self.position - self.buffer_at) as usize;
        let want = len.max(self.read_bytes).min((limit - self.position) as usize);
        let mut buffer = self.own(at..self.filled, want);
        self.filled -= at;
        self.buffer_at = self.position;
        let offset = self.buffer_at - self.segment.start + self.filled as u64;
        let room = buffer.get_mut(self.filled..want).unwrap_or_default();
        let read = disk::read_up_to(&*self.segment.file, room, offset);
        self.buffer = Arc::new(buffer);
        self.filled += read.map_err(LogError::io("read", &self.segment.path))?;
        Ok(len <= self.filled)
    }

    /// A buffer of at least `len` bytes that nobody else holds, with some bytes of the one before at its front.
    fn own(&mut self, bytes: Range<usize>, len: usize) -> Vec<u8> {
        let mut buffer = match Arc::try_unwrap(std::mem::take(&mut self.buffer)) {
            Ok(mut buffer) => {
                buffer.copy_within(bytes, 0);
                buffer
            }
            Err(lent) => {
                let free = self.lent.iter().position(|lent| Arc::strong_count(lent) == 1);
                let free = free.map(|at| self.lent.swap_remove(at));
                let mut buffer = free.and_then(Arc::into_inner).unwrap_or_default();
                let kept = lent.get(bytes).unwrap_or_default();
                if buffer.len() < kept.len() {
                    buffer.resize(kept.len(), 0);
                }
                if let Some(front) = buffer.get_mut(..kept.len()) {
                    front.copy_from_slice(kept);
                }
                self.lent.push(lent);
                buffer
            }
        };
        if buffer.len() < len {
            buffer.resize(len, 0);
        }
        buffer
    }
}
