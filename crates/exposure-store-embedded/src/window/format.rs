//! Layout of a run file, all integers little-endian.
//!
//! ```text
//! 0        header block   4096   magic, checksum, version, number, counts, span; zeros
//! 4096     data blocks    4096 each: checksum u32, ids in it u32, block number u64, up to 170 ids of 24 bytes; zeros
//! ..       index          8 for each data block: high half of its first key; checksum u64
//! ..       filter         64 for each filter block; checksum u64
//! ```
//! Every checksum is a CRC-32 begun with the run's number, so a block of another file is no block of this one.

use super::filter::BLOCK_BYTES;
use super::generation::Span;
use super::slot::Slot;

/// Version of the run files and of the manifest.
pub(super) const VERSION: u32 = 1;
pub(super) const BLOCK: usize = 4096;
pub(super) const IDS_PER_BLOCK: usize = (BLOCK - BLOCK_HEAD) / Slot::BYTES;
const BLOCK_HEAD: usize = 16;
const MAGIC: &[u8; 8] = b"EXPOWRUN";

/// The first block of a run file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) number: u64,
    pub(super) n_ids: u64,
    pub(super) n_filter_blocks: u64,
    pub(super) span: Span,
}

/// Why a header was refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BadHeader {
    Damaged,
    Version(u32),
}

impl Header {
    pub(super) fn n_blocks(&self) -> u64 {
        self.n_ids.div_ceil(IDS_PER_BLOCK as u64)
    }

    pub(super) fn index_at(&self) -> u64 {
        BLOCK as u64 * (1 + self.n_blocks())
    }

    pub(super) fn filter_at(&self) -> u64 {
        self.index_at() + 8 * self.n_blocks() + 8
    }

    pub(super) fn file_len(&self) -> u64 {
        self.filter_at() + BLOCK_BYTES as u64 * self.n_filter_blocks + 8
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BLOCK);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        let (first, last) = self.span.inserted_us;
        let unmarked = u64::from(self.span.unmarked);
        let words = [
            self.number,
            self.n_ids,
            self.n_filter_blocks,
            first,
            last,
            self.span.last_position,
            unmarked,
        ];
        for word in words {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.resize(BLOCK, 0);
        let sum = checksum(0, &[&bytes[..8], &bytes[12..]]);
        bytes[8..12].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Reads a block of exactly [`BLOCK`] bytes.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, BadHeader> {
        if checksum(0, &[&bytes[..8], &bytes[12..]]) != u32_at(bytes, 8) || &bytes[..8] != MAGIC {
            return Err(BadHeader::Damaged);
        }
        if u32_at(bytes, 12) != VERSION {
            return Err(BadHeader::Version(u32_at(bytes, 12)));
        }
        let word = |i: usize| u64_at(bytes, 16 + 8 * i);
        let span = Span {
            inserted_us: (word(3), word(4)),
            last_position: word(5),
            unmarked: word(6) == 1,
        };
        Ok(Self { number: word(0), n_ids: word(1), n_filter_blocks: word(2), span })
    }
}

/// Appends a data block to `out`.
pub(super) fn encode_block(out: &mut Vec<u8>, number: u64, block: u64, ids: &[Slot]) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&(ids.len() as u32).to_le_bytes());
    out.extend_from_slice(&block.to_le_bytes());
    for id in ids {
        out.extend_from_slice(&id.to_bytes());
    }
    out.resize(start + BLOCK, 0);
    let sum = checksum(number, &[&out[start + 4..]]);
    out[start..start + 4].copy_from_slice(&sum.to_le_bytes());
}

/// The bytes of a data block's ids, or `None` if it is not that block of that run.
pub(super) fn ids_of_block(bytes: &[u8], number: u64, block: u64) -> Option<&[u8]> {
    if checksum(number, &[&bytes[4..]]) != u32_at(bytes, 0) || u64_at(bytes, 8) != block {
        return None;
    }
    bytes.get(BLOCK_HEAD..BLOCK_HEAD + u32_at(bytes, 4) as usize * Slot::BYTES)
}

/// The beginning of a checksum.
pub(super) fn checksum_of(number: u64) -> crc32fast::Hasher {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number.to_le_bytes());
    hasher
}

/// The checksum of pieces that follow one another.
pub(super) fn checksum(number: u64, pieces: &[&[u8]]) -> u32 {
    let mut hasher = checksum_of(number);
    for piece in pieces {
        hasher.update(piece);
    }
    hasher.finalize()
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}
