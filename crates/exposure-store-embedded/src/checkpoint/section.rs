//! One section: a header, then blocks, each behind its length and checksum.
//!
//! header: magic 8 · shard u32 · blocks u32 · position u64 · bytes of blocks u64 · crc u32, 36 bytes.

use std::io;

use crate::disk::{File, read_exact_at};
use crate::frame::{Cursor, Malformed};
use crate::state::ColdRef;

const MAGIC: &[u8; 8] = b"EXPSECT1";
const HEADER: usize = 36;
const BLOCK_HEADER: usize = 8;

/// Builds a section in memory.
#[derive(Debug)]
pub(crate) struct SectionWriter {
    bytes: Vec<u8>,
    n_blocks: u32,
}

impl SectionWriter {
    pub(crate) fn new() -> Self {
        Self { bytes: vec![0; HEADER], n_blocks: 0 }
    }

    /// Makes room for about so many bytes, so that they need not be moved as they become more.
    pub(crate) fn expect(&mut self, bytes: usize) {
        self.bytes.reserve(bytes);
    }

    /// Whether nothing was added.
    pub(crate) const fn is_empty(&self) -> bool {
        self.n_blocks == 0
    }

    /// Adds a block that `write` appends, and says where it is in this section, which gets a number.
    pub(crate) fn block(&mut self, section: u8, write: impl FnOnce(&mut Vec<u8>)) -> ColdRef {
        let offset = self.bytes.len();
        self.bytes.extend_from_slice(&[0; BLOCK_HEADER]);
        write(&mut self.bytes);
        let start = offset + BLOCK_HEADER;
        let length = (self.bytes.len() - start) as u32;
        let crc = crc32fast::hash(&self.bytes[start..]);
        self.bytes[offset..offset + 4].copy_from_slice(&length.to_le_bytes());
        self.bytes[offset + 4..start].copy_from_slice(&crc.to_le_bytes());
        self.n_blocks += 1;
        ColdRef { section, offset: offset as u64, length }
    }

    /// Ends the section.
    pub(crate) fn finish(mut self, shard: u32, position: u64) -> Vec<u8> {
        let blocks = (self.bytes.len() - HEADER) as u64;
        self.bytes[..8].copy_from_slice(MAGIC);
        self.bytes[8..12].copy_from_slice(&shard.to_le_bytes());
        self.bytes[12..16].copy_from_slice(&self.n_blocks.to_le_bytes());
        self.bytes[16..24].copy_from_slice(&position.to_le_bytes());
        self.bytes[24..32].copy_from_slice(&blocks.to_le_bytes());
        let crc = crc32fast::hash(&self.bytes[..32]);
        self.bytes[32..HEADER].copy_from_slice(&crc.to_le_bytes());
        self.bytes
    }
}

/// Walks the blocks of a section that was read whole.
#[derive(Debug)]
pub(crate) struct SectionReader<'a> {
    number: u8,
    bytes: &'a [u8],
    at: usize,
    left: u32,
}

impl<'a> SectionReader<'a> {
    /// Checks the header. The error names the offset within the section.
    pub(crate) fn new(
        number: u8,
        bytes: &'a [u8],
        shard: u32,
        position: u64,
    ) -> Result<Self, (usize, Malformed)> {
        let wrong = |what| (0, Malformed(what));
        let header = bytes.get(..HEADER).ok_or(wrong("a section is too short"))?;
        let mut cursor = Cursor(header);
        if cursor.take(8).map_err(|error| (0, error))? != MAGIC {
            return Err(wrong("this is no section"));
        }
        let crc = u32::from_le_bytes([header[32], header[33], header[34], header[35]]);
        if crc32fast::hash(&header[..32]) != crc {
            return Err(wrong("the checksum of a section's header does not match"));
        }
        let found_shard = cursor.u32().map_err(|error| (8, error))?;
        let left = cursor.u32().map_err(|error| (12, error))?;
        let found_position = cursor.u64().map_err(|error| (16, error))?;
        if (found_shard, found_position) != (shard, position) {
            return Err(wrong("a section is not the one that the manifest names"));
        }
        Ok(Self { number, bytes, at: HEADER, left })
    }
}

impl<'a> Iterator for SectionReader<'a> {
    type Item = Result<(ColdRef, &'a [u8]), (usize, Malformed)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return None;
        }
        let at = self.at;
        let rest = self.bytes.get(at..).unwrap_or_default();
        match check_block(rest) {
            Ok(block) => {
                self.left -= 1;
                self.at += BLOCK_HEADER + block.len();
                let length = block.len() as u32;
                Some(Ok((ColdRef { section: self.number, offset: at as u64, length }, block)))
            }
            Err(error) => {
                self.left = 0;
                Some(Err((at, error)))
            }
        }
    }
}

fn check_block(bytes: &[u8]) -> Result<&[u8], Malformed> {
    let mut cursor = Cursor(bytes);
    let (length, crc) = (cursor.u32()?, cursor.u32()?);
    let block = cursor.take(length as usize)?;
    if crc32fast::hash(block) == crc {
        Ok(block)
    } else {
        Err(Malformed("the checksum of a block does not match"))
    }
}

/// Reads one block of a section that begins at `section` in a file.
pub(crate) fn read_block(
    file: &dyn File,
    section: u64,
    at: ColdRef,
) -> io::Result<Result<Vec<u8>, Malformed>> {
    let mut bytes = vec![0; BLOCK_HEADER + at.length as usize];
    read_exact_at(file, &mut bytes, section + at.offset)?;
    Ok(check_block(&bytes).map(<[u8]>::len).map(|_| bytes.split_off(BLOCK_HEADER)))
}

/// Says that a block will be read at once.
pub(crate) fn ask_for_block(file: &dyn File, section: u64, at: ColdRef) {
    file.will_read(section + at.offset, BLOCK_HEADER as u64 + u64::from(at.length));
}
