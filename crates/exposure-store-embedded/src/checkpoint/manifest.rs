//! The manifest: which section is the current one of each shard. Replaced atomically.

use std::io;
use std::path::Path;

use crate::disk::{Disk, OpenMode, read_exact_at, retry_interrupted, write_all_at};
use crate::frame::{Cursor, Malformed};
use crate::state::N_SHARDS;

const MAGIC: &[u8; 8] = b"EXPCKPT1";
const NAME: &str = "MANIFEST";
const TEMPORARY: &str = "MANIFEST.new";

/// Where a section is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SectionAt {
    /// The number of its file; 0 where there is no section yet.
    pub file: u64,
    pub offset: u64,
    pub length: u64,
    /// Everything below this position of the log is in it.
    pub position: u64,
}

/// Every section, and the one of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub shards: Vec<SectionAt>,
    pub ledger: SectionAt,
    /// The number of the next file.
    pub next_file: u64,
}

impl Manifest {
    /// A manifest of nothing.
    pub(crate) fn new() -> Self {
        Self {
            shards: vec![SectionAt::default(); N_SHARDS],
            ledger: SectionAt::default(),
            next_file: 1,
        }
    }

    /// The least position of any section: the log is needed from here.
    pub(crate) fn low_position(&self) -> u64 {
        self.all().map(|at| at.position).min().unwrap_or(0)
    }

    /// The greatest position of any section: the log was durable up to here.
    pub(crate) fn high_position(&self) -> u64 {
        self.all().map(|at| at.position).max().unwrap_or(0)
    }

    /// Every section.
    pub(crate) fn all(&self) -> impl Iterator<Item = SectionAt> + '_ {
        self.shards.iter().copied().chain(std::iter::once(self.ledger))
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
        for at in self.all() {
            for number in [at.file, at.offset, at.length, at.position] {
                bytes.extend_from_slice(&number.to_le_bytes());
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
        if cursor.take(8)? != MAGIC {
            return Err(Malformed("this is no manifest of a checkpoint"));
        }
        if cursor.u32()? as usize != N_SHARDS {
            return Err(Malformed("the manifest is of another number of shards"));
        }
        let next_file = cursor.u64()?;
        let mut sections = Vec::with_capacity(N_SHARDS + 1);
        for _ in 0..=N_SHARDS {
            sections.push(SectionAt {
                file: cursor.u64()?,
                offset: cursor.u64()?,
                length: cursor.u64()?,
                position: cursor.u64()?,
            });
        }
        let ledger = sections.pop().unwrap_or_default();
        Ok(Self { shards: sections, ledger, next_file })
    }
}
