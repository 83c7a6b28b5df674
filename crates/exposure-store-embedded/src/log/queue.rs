//! Groups on their way to the disk.

use std::collections::{BTreeMap, VecDeque};
use std::task::Waker;

use super::format::{GROUP_HEADER, Kind, SEGMENT_HEADER};
use super::placement::Placement;
use super::{LogError, LogOptions};

/// Buffers that are kept for the next groups.
const POOLED_BUFFERS: usize = 3;

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

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
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

    /// The position that a payload of `len` bytes would get.
    pub(super) fn position_for(&self, len: usize) -> Result<u64, LogError> {
        Ok(match self.place(len)? {
            Place::Open(position) => position,
            Place::New(placement) => placement.payload(),
        })
    }

    /// Appends `len` bytes that `fill` gets to write; they are zero before.
    pub(super) fn push(
        &mut self,
        len: usize,
        fill: impl FnOnce(u64, &mut Vec<u8>),
    ) -> Result<u64, LogError> {
        let place = self.place(len)?;
        let position = match place {
            Place::Open(position) => position,
            Place::New(placement) => {
                self.open_group(placement, Kind::Payload);
                placement.payload()
            }
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
        Ok(position)
    }

    /// Appends a group that only notes the durable position.
    pub(super) fn push_mark(&mut self) {
        let placement = Placement::of_group(self.next, 0, self.segment_bytes);
        self.open_group(placement, Kind::Mark);
        self.next = placement.payload();
    }

    /// Takes all groups; their bytes stay pending until [`Queue::give_back`].
    pub(super) fn take(&mut self) -> Vec<PendingGroup> {
        self.groups.drain(..).collect()
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
