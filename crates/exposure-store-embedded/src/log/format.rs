//! Layout of the log's files, format 1. All integers are little-endian.
//!
//! Segment file `%016x.log`, named by its first position:
//!
//! | offset | bytes | what |
//! |--:|--:|---|
//! | 0 | 8 | magic `EXPOSLOG` |
//! | 8 | 4 | format version |
//! | 12 | 4 | base-2 logarithm of the segment's size |
//! | 16 | 16 | store id |
//! | 32 | 8 | first position of the segment |
//! | 40 | 8 | epoch: one more than that of the segment before |
//! | 48 | 8 | position where the groups of the segment before end |
//! | 56 | 4 | zero |
//! | 60 | 4 | CRC-32 of the 60 bytes before |
//!
//! Then groups, one after the other; a group never crosses a segment:
//!
//! | offset | bytes | what |
//! |--:|--:|---|
//! | 0 | 4 | magic `GRP1` |
//! | 4 | 4 | length of the payload |
//! | 8 | 8 | position of this header |
//! | 16 | 8 | durable position: everything below was on stable storage when this was written |
//! | 24 | 8 | epoch of the segment |
//! | 32 | 4 | kind: 0 payloads, 1 a mark that only carries the durable position |
//! | 36 | 4 | CRC-32 of the store id, the 36 bytes before and the payload |
//! | 40 | | payload |
//!
//! What follows the last group of a segment means nothing: zeros up to a border of 4 KiB, then what the file held before.
//! A file is reused without being cleared; position and epoch, both under the checksum, keep its old groups from validating.

use crc32fast::Hasher;

pub(super) const SEGMENT_HEADER: u64 = 64;
pub(super) const GROUP_HEADER: u64 = 40;
pub(super) const VERSION: u32 = 1;
pub(super) const GROUP_MAGIC: [u8; 4] = *b"GRP1";

const SEGMENT_MAGIC: [u8; 8] = *b"EXPOSLOG";
const SUFFIX: &str = ".log";
const SPARE_PREFIX: &str = "spare-";
const LEAVING_SUFFIX: &str = ".old";

/// The first bytes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHeader {
    pub(super) size_log2: u32,
    pub(super) store_id: u128,
    pub(super) start: u64,
    pub(super) epoch: u64,
    pub(super) previous_end: u64,
}

/// What the first bytes of a segment file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FoundHeader {
    Valid(SegmentHeader),
    Invalid,
    Version(u32),
}

impl SegmentHeader {
    pub(super) fn encode(&self) -> [u8; SEGMENT_HEADER as usize] {
        let mut out = [0; SEGMENT_HEADER as usize];
        put(&mut out, 0, &SEGMENT_MAGIC);
        put(&mut out, 8, &VERSION.to_le_bytes());
        put(&mut out, 12, &self.size_log2.to_le_bytes());
        put(&mut out, 16, &self.store_id.to_le_bytes());
        put(&mut out, 32, &self.start.to_le_bytes());
        put(&mut out, 40, &self.epoch.to_le_bytes());
        put(&mut out, 48, &self.previous_end.to_le_bytes());
        let crc = crc32fast::hash(out.get(..60).unwrap_or_default());
        put(&mut out, 60, &crc.to_le_bytes());
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> FoundHeader {
        let Some(bytes) = bytes.first_chunk::<{ SEGMENT_HEADER as usize }>() else {
            return FoundHeader::Invalid;
        };
        let crc = crc32fast::hash(bytes.get(..60).unwrap_or_default());
        if take::<8>(bytes, 0) != SEGMENT_MAGIC || take(bytes, 60) != crc.to_le_bytes() {
            return FoundHeader::Invalid;
        }
        let version = u32::from_le_bytes(take(bytes, 8));
        if version != VERSION {
            return FoundHeader::Version(version);
        }
        FoundHeader::Valid(Self {
            size_log2: u32::from_le_bytes(take(bytes, 12)),
            store_id: u128::from_le_bytes(take(bytes, 16)),
            start: u64::from_le_bytes(take(bytes, 32)),
            epoch: u64::from_le_bytes(take(bytes, 40)),
            previous_end: u64::from_le_bytes(take(bytes, 48)),
        })
    }
}

/// What a group is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It holds payloads.
    Payload,
    /// It is empty and only notes the durable position.
    Mark,
}

/// The first bytes of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GroupHeader {
    pub(super) len: u32,
    pub(super) position: u64,
    pub(super) durable: u64,
    pub(super) epoch: u64,
    pub(super) kind: Kind,
    pub(super) crc: u32,
}

impl GroupHeader {
    /// Encodes the header with the checksum of itself and `payload`; `crc` is ignored.
    pub(super) fn encode(&self, store_id: u128, payload: &[u8]) -> [u8; GROUP_HEADER as usize] {
        let mut out = [0; GROUP_HEADER as usize];
        put(&mut out, 0, &GROUP_MAGIC);
        put(&mut out, 4, &self.len.to_le_bytes());
        put(&mut out, 8, &self.position.to_le_bytes());
        put(&mut out, 16, &self.durable.to_le_bytes());
        put(&mut out, 24, &self.epoch.to_le_bytes());
        let kind: u32 = match self.kind {
            Kind::Payload => 0,
            Kind::Mark => 1,
        };
        put(&mut out, 32, &kind.to_le_bytes());
        let crc = checksum(store_id, &out, payload);
        put(&mut out, 36, &crc.to_le_bytes());
        out
    }

    /// Reads a header; `None` if this is none. The checksum is verified by [`GroupHeader::matches`].
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.first_chunk::<{ GROUP_HEADER as usize }>()?;
        if take::<4>(bytes, 0) != GROUP_MAGIC {
            return None;
        }
        let kind = match u32::from_le_bytes(take(bytes, 32)) {
            0 => Kind::Payload,
            1 => Kind::Mark,
            _ => return None,
        };
        Some(Self {
            len: u32::from_le_bytes(take(bytes, 4)),
            position: u64::from_le_bytes(take(bytes, 8)),
            durable: u64::from_le_bytes(take(bytes, 16)),
            epoch: u64::from_le_bytes(take(bytes, 24)),
            kind,
            crc: u32::from_le_bytes(take(bytes, 36)),
        })
    }

    /// Whether the checksum fits the encoded header and its payload.
    pub(super) fn matches(&self, store_id: u128, header: &[u8], payload: &[u8]) -> bool {
        header
            .first_chunk::<{ GROUP_HEADER as usize }>()
            .is_some_and(|header| checksum(store_id, header, payload) == self.crc)
    }

    /// The position after the group.
    pub(super) fn end(&self) -> u64 {
        self.position.saturating_add(GROUP_HEADER + u64::from(self.len))
    }
}

/// What a file of the log directory is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// A segment, by its first position.
    Segment(u64),
    /// A file kept for reuse.
    Spare,
    /// A file on its way out.
    Leaving,
}

impl Name {
    pub(super) fn parse(name: &str) -> Option<Self> {
        if name.strip_suffix(LEAVING_SUFFIX).is_some() {
            return Some(Self::Leaving);
        }
        let stem = name.strip_suffix(SUFFIX)?;
        if stem.starts_with(SPARE_PREFIX) {
            return Some(Self::Spare);
        }
        let start = u64::from_str_radix(stem, 16).ok()?;
        (Self::segment(start) == name).then_some(Self::Segment(start))
    }

    pub(super) fn segment(start: u64) -> String {
        format!("{start:016x}{SUFFIX}")
    }

    pub(super) fn spare(start: u64) -> String {
        format!("{SPARE_PREFIX}{start:016x}{SUFFIX}")
    }

    pub(super) fn leaving(name: &str) -> String {
        format!("{name}{LEAVING_SUFFIX}")
    }
}

pub(super) fn take<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|rest| rest.first_chunk::<N>()).copied().unwrap_or([0; N])
}

fn put(out: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = out.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

fn checksum(store_id: u128, header: &[u8; GROUP_HEADER as usize], payload: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&store_id.to_le_bytes());
    hasher.update(header.get(..36).unwrap_or_default());
    hasher.update(payload);
    hasher.finalize()
}
