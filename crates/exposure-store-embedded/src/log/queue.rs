//! Groups on their way to the disk.

use std::collections::{BTreeMap, VecDeque};
use std::task::Waker;

use super::format::{GROUP_HEADER, Kind, SEGMENT_HEADER};
use super::placement::Placement;
use super::{LogError, LogOptions};

/// Buffers that are kept for the next groups.
const POOLED_BUFFERS: usize = 3;

/// A payload of so many bytes begins a group: whoever appends it is a while about it, and what is there already need
/// not wait for that.
const LARGE: usize = 16 << 10;
/// But not behind less than this: each group is a write of its own.
const FULL: usize = 64 << 10;

/// The groups that wait, and the position after them.
#[derive(Debug)]
pub(super) struct Queue {
    groups: VecDeque<PendingGroup>,
    next: u64,
    /// Bytes that wait or are being written.
    pub(super) pending_bytes: usize,
    /// Why nothing can be appended any more.
    pub(super) failure: Option<LogError>,
    pub(super) stopping: bool,
    pub(super) writer_waits: bool,
    /// Somebody has the right to append.
    pub(super) is_appending: bool,
    /// The place in the last group that was told to who appends: that group stays here.
    pinned: Option<Pinned>,
    pub(super) n_blocked: usize,
    pub(super) ready: BTreeMap<u64, Waker>,
    pub(super) next_ready_id: u64,
    pool: Vec<Vec<u8>>,
    segment_bytes: u64,
    max_group_bytes: usize,
}

/// A group as it will be written: room for the headers, then the payloads.
#[derive(Debug)]
pub(super) struct PendingGroup {
    pub(super) placement: Placement,
    pub(super) kind: Kind,
    /// Starts with room for the segment's header if the group begins one, then for its own.
    pub(super) bytes: Vec<u8>,
}

impl PendingGroup {
    /// Where in `bytes` the group's own header starts.
    pub(super) fn header_at(&self) -> usize {
        if self.placement.begins_segment { SEGMENT_HEADER as usize } else { 0 }
    }

    pub(super) fn payload_len(&self) -> usize {
        self.bytes.len() - self.header_at() - GROUP_HEADER as usize
    }

    pub(super) fn end(&self) -> u64 {
        self.placement.payload() + self.payload_len() as u64
    }

    /// The position of the first byte of `bytes`.
    pub(super) fn write_position(&self) -> u64 {
        self.placement.header - self.header_at() as u64
    }
}

/// A payload that is about to be appended.
#[derive(Clone, Copy, Debug)]
struct Pinned {
    position: u64,
    len: usize,
}

/// Where a payload goes.
enum Place {
    Open(u64),
    New(Placement),
}

impl Queue {
    pub(super) fn new(next: u64, segment_bytes: u64, options: &LogOptions) -> Self {
        Self {
            groups: VecDeque::new(),
            next,
            pending_bytes: 0,
            failure: None,
            stopping: false,
            writer_waits: false,
            is_appending: false,
            pinned: None,
            n_blocked: 0,
            ready: BTreeMap::new(),
            next_ready_id: 0,
            pool: Vec::new(),
            segment_bytes,
            max_group_bytes: options.max_group_bytes,
        }
    }

    /// The position after everything that was appended.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Whether there is nothing to take.
    pub(super) fn is_empty(&self) -> bool {
        self.n_takeable() == 0
    }

    fn n_takeable(&self) -> usize {
        self.groups.len().saturating_sub(usize::from(self.pinned.is_some()))
    }

    /// Why nothing can be appended, if so.
    pub(super) fn check_open(&self) -> Result<(), LogError> {
        match &self.failure {
            Some(failure) => Err(failure.clone()),
            None if self.stopping => Err(LogError::Closed),
            None => Ok(()),
        }
    }

    /// Whether something may be appended without waiting, or never again; `None` as long as
    /// nobody knows.
    pub(super) fn room(&self, options: &LogOptions) -> Option<Result<(), LogError>> {
        match self.check_open() {
            Ok(()) if options.max_pending_bytes <= self.pending_bytes => None,
            known => Some(known),
        }
    }

    /// The position of a payload of `len` bytes that is appended next. Its place is kept until [`Queue::unpin`].
    pub(super) fn pin(&mut self, len: usize) -> Result<u64, LogError> {
        self.unpin();
        let position = match self.place(len)? {
            Place::Open(position) => position,
            Place::New(placement) => {
                self.open_group(placement, Kind::Payload);
                placement.payload()
            }
        };
        self.pinned = Some(Pinned { position, len });
        Ok(position)
    }

    /// Whoever appends does not come back to its place: the last group may be taken.
    pub(super) fn unpin(&mut self) {
        if self.pinned.take().is_some()
            && self.groups.back().is_some_and(|group| group.payload_len() == 0)
        {
            self.groups.pop_back();
        }
    }

    /// Appends `len` bytes that `fill` gets to write; they are zero before.
    pub(super) fn push(
        &mut self,
        len: usize,
        fill: impl FnOnce(u64, &mut Vec<u8>),
    ) -> Result<u64, LogError> {
        if let Some(failure) = &self.failure {
            // The place was forgotten with all that waited.
            return Err(failure.clone());
        }
        let position = match self.pinned {
            Some(pinned) if pinned.len == len => pinned.position,
            _ => self.pin(len)?,
        };
        if let Some(group) = self.groups.back_mut() {
            let expected = group.bytes.len() + len;
            fill(position, &mut group.bytes);
            debug_assert_eq!(
                group.bytes.len(),
                expected,
                "a payload has the length it was placed by"
            );
        }
        self.pending_bytes += len;
        self.next = position + len as u64;
        self.pinned = None;
        Ok(position)
    }

    /// Appends a group that only notes the durable position.
    pub(super) fn push_mark(&mut self) {
        let placement = Placement::of_group(self.next, 0, self.segment_bytes);
        self.open_group(placement, Kind::Mark);
        self.next = placement.payload();
    }

    /// Takes all groups but one that is being added to; their bytes stay pending until [`Queue::give_back`].
    pub(super) fn take(&mut self) -> Vec<PendingGroup> {
        let n_takeable = self.n_takeable();
        self.groups.drain(..n_takeable).collect()
    }

    /// The groups are written: their bytes wait no more, and their buffers serve again.
    pub(super) fn give_back(&mut self, groups: Vec<PendingGroup>) {
        for group in groups {
            self.pending_bytes = self.pending_bytes.saturating_sub(group.payload_len());
            let mut buffer = group.bytes;
            if self.pool.len() < POOLED_BUFFERS && buffer.capacity() <= 2 * self.max_group_bytes {
                buffer.clear();
                self.pool.push(buffer);
            }
        }
    }

    /// Forgets everything that waits.
    pub(super) fn discard(&mut self) {
        self.groups.clear();
        self.pinned = None;
        self.pool.clear();
        self.pending_bytes = 0;
    }

    fn place(&self, len: usize) -> Result<Place, LogError> {
        let max = LogOptions::max_payload(self.segment_bytes);
        if max < len || u32::try_from(len).is_err() {
            return Err(LogError::TooLarge { len, max });
        }
        if let Some(open) = self.groups.back() {
            let room = self.segment_bytes - (open.placement.header & (self.segment_bytes - 1));
            let new_len = open.payload_len() + len;
            if open.kind == Kind::Payload
                && (len < LARGE || open.payload_len() < FULL)
                && new_len <= self.max_group_bytes
                && GROUP_HEADER + new_len as u64 <= room
            {
                return Ok(Place::Open(self.next));
            }
        }
        Ok(Place::New(Placement::of_group(self.next, len, self.segment_bytes)))
    }

    fn open_group(&mut self, placement: Placement, kind: Kind) {
        let mut bytes = self.pool.pop().unwrap_or_default();
        let prefix = GROUP_HEADER + if placement.begins_segment { SEGMENT_HEADER } else { 0 };
        bytes.resize(prefix as usize, 0);
        self.groups.push_back(PendingGroup { placement, kind, bytes });
    }
}
