//! The list of live runs, replaced atomically.
//!
//! Layout, little-endian: magic 8 · checksum u32 · version u32 · window u64 (µs) · unmarked below u64 · covered
//! position u64 · number of runs u64 · run numbers u64 each.

use std::io;
use std::path::Path;

use super::Error;
use super::format::{VERSION, checksum, u32_at, u64_at};
use crate::disk::{Disk, OpenMode, read_exact_at, retry_interrupted, write_all_at};

pub(super) const FILE: &str = "MANIFEST";
pub(super) const NEW_FILE: &str = "MANIFEST.new";
const MAGIC: &[u8; 8] = b"EXPOWMAN";
const HEAD: usize = 48;

/// What is on disk, and how to read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Manifest {
    /// The window the buckets were numbered by.
    pub(super) window_us: u64,
    /// Runs with a lesser number were written under another window: activity bitmaps say nothing of them.
    pub(super) unmarked_below: u64,
    /// Ids of all log records below it are in the runs.
    pub(super) covered: u64,
    /// Numbers of the live runs.
    pub(super) runs: Vec<u64>,
}

impl Manifest {
    /// Reads the manifest of `dir`; none in a new directory.
    pub(super) fn load(disk: &dyn Disk, dir: &Path) -> Result<Option<Self>, Error> {
        let path = dir.join(FILE);
        let file = match retry_interrupted(|| disk.open(&path, OpenMode::Read)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::io("open", &path)(error)),
        };
        let len =
            retry_interrupted(|| file.len()).map_err(Error::io("read the length of", &path))?;
        let mut bytes = vec![0; len as usize];
        read_exact_at(&*file, &mut bytes, 0).map_err(Error::io("read", &path))?;
        let damaged = |offset, what| Err(Error::damaged(&path, offset, what));
        if bytes.len() < HEAD {
            return damaged(len, "the file ends early");
        }
        if checksum(0, &[&bytes[..8], &bytes[12..]]) != u32_at(&bytes, 8) || &bytes[..8] != MAGIC {
            return damaged(0, "the checksum does not match");
        }
        let found = u32_at(&bytes, 12);
        if found != VERSION {
            return Err(Error::Version { path, found, expected: VERSION });
        }
        let runs: Vec<_> = bytes[HEAD..].chunks_exact(8).map(|word| u64_at(word, 0)).collect();
        if runs.len() as u64 != u64_at(&bytes, 40) {
            return damaged(40, "the number of runs is wrong");
        }
        let (window_us, unmarked_below, covered) =
            (u64_at(&bytes, 16), u64_at(&bytes, 24), u64_at(&bytes, 32));
        Ok(Some(Self { window_us, unmarked_below, covered, runs }))
    }

    /// Replaces the manifest of `dir`; the names of all runs written before are durable, too.
    ///
    /// After an error either manifest may be found.
    pub(super) fn store(&self, disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
        let mut bytes = Vec::with_capacity(HEAD + 8 * self.runs.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        for word in [self.window_us, self.unmarked_below, self.covered, self.runs.len() as u64] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend(self.runs.iter().flat_map(|number| number.to_le_bytes()));
        let sum = checksum(0, &[&bytes[..8], &bytes[12..]]);
        bytes[8..12].copy_from_slice(&sum.to_le_bytes());

        let (path, new_path) = (dir.join(FILE), dir.join(NEW_FILE));
        let file = retry_interrupted(|| disk.open(&new_path, OpenMode::Create))
            .map_err(Error::io("create", &new_path))?;
        retry_interrupted(|| file.truncate(0)).map_err(Error::io("truncate", &new_path))?;
        write_all_at(&*file, &bytes, 0).map_err(Error::io("write", &new_path))?;
        retry_interrupted(|| file.sync_all()).map_err(Error::io("sync", &new_path))?;
        // The runs' names come before the list that needs them, on any file system.
        retry_interrupted(|| disk.sync_dir(dir)).map_err(Error::io("sync", dir))?;
        retry_interrupted(|| disk.rename(&new_path, &path))
            .map_err(Error::io("rename", &new_path))?;
        retry_interrupted(|| disk.sync_dir(dir)).map_err(Error::io("sync", dir))
    }
}
