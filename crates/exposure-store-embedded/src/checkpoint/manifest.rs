//! The manifest: which sections are the current ones of each shard. Replaced atomically.
//!
//! magic 8 · shards u32 · next file u64 · the ledger's section · of each shard: position u64 · sections u8, each a
//! number u8 and its place · crc u32. A place is file, offset, length and position, u64 each.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use crate::disk::{Disk, OpenMode, read_exact_at, retry_interrupted, write_all_at};
use crate::frame::{Cursor, Malformed};
use crate::state::{N_SECTIONS, N_SHARDS};

const MAGIC: &[u8; 8] = b"EXPCKPT2";
/// Of manifests that had one section for each shard.
const MAGIC_V1: &[u8; 8] = b"EXPCKPT1";
const NAME: &str = "MANIFEST";
const TEMPORARY: &str = "MANIFEST.new";

/// Where a section is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SectionAt {
    /// The number of its file; 0 where there is no section yet.
    pub file: u64,
    pub offset: u64,
    pub length: u64,
    /// Where the log was when it was written.
    pub position: u64,
}

/// The sections of a shard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ShardSections {
    /// Everything below this position of the log is in them.
    pub position: u64,
    /// The oldest first, each behind its number: a profile is as the last one says that has a block of it.
    pub sections: Vec<(u8, SectionAt)>,
}

/// Every section, and the one of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub shards: Vec<ShardSections>,
    pub ledger: SectionAt,
    /// The number of the next file.
    pub next_file: u64,
}

impl Manifest {
    /// A manifest of nothing.
    pub(crate) fn new() -> Self {
        Self {
            shards: vec![ShardSections::default(); N_SHARDS],
            ledger: SectionAt::default(),
            next_file: 1,
        }
    }

    /// The least position that any shard or the ledger is at: the log is needed from here.
    pub(crate) fn low_position(&self) -> u64 {
        self.positions().min().unwrap_or(0)
    }

    /// The greatest of these positions: the log was durable up to here.
    pub(crate) fn high_position(&self) -> u64 {
        self.positions().max().unwrap_or(0)
    }

    fn positions(&self) -> impl Iterator<Item = u64> + '_ {
        self.shards.iter().map(|shard| shard.position).chain(std::iter::once(self.ledger.position))
    }

    /// Every file that a section is in.
    pub(crate) fn files(&self) -> BTreeSet<u64> {
        let sections = self.shards.iter().flat_map(|shard| &shard.sections).map(|(_, at)| at.file);
        sections.chain(std::iter::once(self.ledger.file)).filter(|&file| file != 0).collect()
    }

    /// Reads the manifest; a new one where there is none.
    pub(crate) fn read(disk: &dyn Disk, dir: &Path) -> io::Result<Result<Self, Malformed>> {
        let path = dir.join(NAME);
        let file = match retry_interrupted(|| disk.open(&path, OpenMode::Read)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ok(Self::new())),
            Err(error) => return Err(error),
        };
        let mut bytes = vec![0; retry_interrupted(|| file.len())? as usize];
        read_exact_at(&*file, &mut bytes, 0)?;
        Ok(Self::decode(&bytes))
    }

    /// Writes the manifest beside the current one.
    pub(crate) fn prepare(&self, disk: &dyn Disk, dir: &Path) -> io::Result<()> {
        let temporary = dir.join(TEMPORARY);
        let bytes = self.encode();
        let file = retry_interrupted(|| disk.open(&temporary, OpenMode::Create))?;
        retry_interrupted(|| file.truncate(0))?;
        write_all_at(&*file, &bytes, 0)?;
        retry_interrupted(|| file.sync_all())
    }

    /// Makes the prepared manifest the current one; durable when it returns. After a failure either may be.
    pub(crate) fn publish(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
        retry_interrupted(|| disk.rename(&dir.join(TEMPORARY), &dir.join(NAME)))?;
        retry_interrupted(|| disk.sync_dir(dir))
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&(self.shards.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&self.next_file.to_le_bytes());
        put_section(&mut bytes, self.ledger);
        for shard in &self.shards {
            bytes.extend_from_slice(&shard.position.to_le_bytes());
            bytes.push(shard.sections.len() as u8);
            for &(number, at) in &shard.sections {
                bytes.push(number);
                put_section(&mut bytes, at);
            }
        }
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let (body, crc) =
            bytes.split_last_chunk::<4>().ok_or(Malformed("the manifest is too short"))?;
        if crc32fast::hash(body) != u32::from_le_bytes(*crc) {
            return Err(Malformed("the checksum of the manifest does not match"));
        }
        let mut cursor = Cursor(body);
        let magic = cursor.take(8)?;
        if magic != MAGIC && magic != MAGIC_V1 {
            return Err(Malformed("this is no manifest of a checkpoint"));
        }
        if cursor.u32()? as usize != N_SHARDS {
            return Err(Malformed("the manifest is of another number of shards"));
        }
        let next_file = cursor.u64()?;
        let mut shards = Vec::with_capacity(N_SHARDS);
        if magic == MAGIC_V1 {
            for _ in 0..N_SHARDS {
                let at = take_section(&mut cursor)?;
                let sections = if at.file == 0 { Vec::new() } else { vec![(0, at)] };
                shards.push(ShardSections { position: at.position, sections });
            }
            let ledger = take_section(&mut cursor)?;
            return Ok(Self { shards, ledger, next_file });
        }
        let ledger = take_section(&mut cursor)?;
        for _ in 0..N_SHARDS {
            let position = cursor.u64()?;
            let mut sections = Vec::new();
            for _ in 0..cursor.u8()? {
                let number = cursor.u8()?;
                if usize::from(number) >= N_SECTIONS {
                    return Err(Malformed("the number of a section is too large"));
                }
                sections.push((number, take_section(&mut cursor)?));
            }
            shards.push(ShardSections { position, sections });
        }
        Ok(Self { shards, ledger, next_file })
    }
}

impl ShardSections {
    /// A number that none of the sections has.
    pub(crate) fn free_number(&self) -> Option<u8> {
        (0..N_SECTIONS as u8).find(|free| self.sections.iter().all(|(number, _)| number != free))
    }

    /// Bytes of the first section, which holds all profiles of its time, and of those that hold changes.
    pub(crate) fn lengths(&self) -> (u64, u64) {
        let mut lengths = self.sections.iter().map(|(_, at)| at.length);
        (lengths.next().unwrap_or(0), lengths.sum())
    }
}

fn put_section(bytes: &mut Vec<u8>, at: SectionAt) {
    for number in [at.file, at.offset, at.length, at.position] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
}

fn take_section(cursor: &mut Cursor<'_>) -> Result<SectionAt, Malformed> {
    Ok(SectionAt {
        file: cursor.u64()?,
        offset: cursor.u64()?,
        length: cursor.u64()?,
        position: cursor.u64()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(file: u64) -> SectionAt {
        SectionAt { file, offset: 36 * file, length: 100 + file, position: 1000 + file }
    }

    #[test]
    fn a_manifest_comes_back() {
        let mut manifest = Manifest { ledger: at(9), next_file: 10, ..Manifest::new() };
        manifest.shards[3] =
            ShardSections { position: 2000, sections: vec![(1, at(4)), (0, at(7))] };
        manifest.shards[7] = ShardSections { position: 2000, sections: vec![(31, at(4))] };
        let bytes = manifest.encode();
        assert_eq!(Manifest::decode(&bytes).unwrap(), manifest);
        assert_eq!(manifest.files().into_iter().collect::<Vec<_>>(), [4, 7, 9]);
        assert_eq!((manifest.low_position(), manifest.high_position()), (0, 2000));
        assert_eq!(manifest.shards[3].free_number(), Some(2));
        assert_eq!(manifest.shards[3].lengths(), (104, 107));
        for place in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << (place % 8);
            assert!(Manifest::decode(&flipped).is_err(), "at {place}");
        }
    }

    #[test]
    fn a_manifest_of_one_section_for_each_shard_is_read() {
        let sections: Vec<_> =
            (0..N_SHARDS as u64).map(|n| if n == 5 { at(0) } else { at(n) }).collect();
        let mut bytes = MAGIC_V1.to_vec();
        bytes.extend_from_slice(&(N_SHARDS as u32).to_le_bytes());
        bytes.extend_from_slice(&77_u64.to_le_bytes());
        for &section in sections.iter().chain([&at(2000)]) {
            put_section(&mut bytes, section);
        }
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        let manifest = Manifest::decode(&bytes).unwrap();
        assert_eq!((manifest.next_file, manifest.ledger), (77, at(2000)));
        for (shard, &section) in manifest.shards.iter().zip(&sections) {
            assert_eq!(shard.position, section.position);
            let expected = if section.file == 0 { vec![] } else { vec![(0, section)] };
            assert_eq!(shard.sections, expected);
        }
    }
}
