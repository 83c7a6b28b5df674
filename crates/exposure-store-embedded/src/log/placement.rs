//! Where the next payload goes.

use super::format::{GROUP_HEADER, SEGMENT_HEADER};

/// Where a group's header goes, and whether its segment begins with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placement {
    pub(super) header: u64,
    pub(super) begins_segment: bool,
}

impl Placement {
    /// Places a group with a payload of `len` bytes at `next` or, where it does not fit, in the next segment.
    pub(super) fn of_group(next: u64, len: usize, segment_bytes: u64) -> Self {
        let mask = segment_bytes - 1;
        let room = segment_bytes - (next & mask);
        let at_start = next & mask == 0;
        if !at_start && GROUP_HEADER + len as u64 <= room {
            return Self { header: next, begins_segment: false };
        }
        let start = if at_start { next } else { next + room };
        Self { header: start + SEGMENT_HEADER, begins_segment: true }
    }

    pub(super) fn payload(self) -> u64 {
        self.header + GROUP_HEADER
    }
}
