//! The seal of a clean stop: a file that says where the log ends.
//!
//! | offset | bytes | what |
//! |--:|--:|---|
//! | 0 | 8 | magic `EXPOSEAL` |
//! | 8 | 4 | format version |
//! | 12 | 4 | zero |
//! | 16 | 16 | store id |
//! | 32 | 8 | position after the last group |
//! | 40 | 4 | CRC-32 of the 40 bytes before |
//!
//! It is written last when the log closes, and removed before anything is appended.

use std::io;
use std::path::{Path, PathBuf};

use super::format::{VERSION, take};
use super::{Fault, LogError};
use crate::disk::{self, Disk, OpenMode};

const MAGIC: [u8; 8] = *b"EXPOSEAL";
const LEN: usize = 44;
const NAME: &str = "seal";
const NEW_NAME: &str = "seal.new";

/// Reads where a clean stop left the end; `None` after any other stop.
pub(super) fn read(disk: &dyn Disk, dir: &Path, store_id: u128) -> Result<Option<u64>, LogError> {
    let path = path(dir);
    let file = match disk::retry_interrupted(|| disk.open(&path, OpenMode::Read)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(LogError::io("open", &path)(error)),
    };
    let mut bytes = [0; LEN];
    let n = disk::read_up_to(&*file, &mut bytes, 0).map_err(LogError::io("read", &path))?;
    let crc = crc32fast::hash(bytes.get(..40).unwrap_or_default());
    if n < LEN || take::<8>(&bytes, 0) != MAGIC || take(&bytes, 40) != crc.to_le_bytes() {
        return Err(LogError::Damaged { path, offset: 0, fault: Fault::Seal, durable: None });
    }
    let found = u32::from_le_bytes(take(&bytes, 8));
    if found != VERSION {
        return Err(LogError::UnsupportedVersion { path, found, known: VERSION });
    }
    if u128::from_le_bytes(take(&bytes, 16)) != store_id {
        return Err(LogError::WrongStore { path });
    }
    Ok(Some(u64::from_le_bytes(take(&bytes, 32))))
}

/// Notes that the log ends at `end`, where everything below is durable.
pub(super) fn write(disk: &dyn Disk, dir: &Path, store_id: u128, end: u64) -> Result<(), LogError> {
    let mut bytes = Vec::with_capacity(LEN);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&store_id.to_le_bytes());
    bytes.extend_from_slice(&end.to_le_bytes());
    let crc = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());

    let new = dir.join(NEW_NAME);
    let file = disk::retry_interrupted(|| disk.open(&new, OpenMode::Create))
        .map_err(LogError::io("create", &new))?;
    disk::write_all_at(&*file, &bytes, 0).map_err(LogError::io("write", &new))?;
    disk::retry_interrupted(|| file.sync_all()).map_err(LogError::io("sync", &new))?;
    disk::retry_interrupted(|| disk.rename(&new, &path(dir)))
        .map_err(LogError::io("rename", &new))?;
    disk::retry_interrupted(|| disk.sync_dir(dir)).map_err(LogError::io("sync", dir))
}

/// Takes the seal away, durably: appending begins.
pub(super) fn remove(disk: &dyn Disk, dir: &Path) -> Result<(), LogError> {
    let path = path(dir);
    match disk::retry_interrupted(|| disk.remove(&path)) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(LogError::io("remove", &path)(error)),
    }
    disk::retry_interrupted(|| disk.sync_dir(dir)).map_err(LogError::io("sync", dir))
}

fn path(dir: &Path) -> PathBuf {
    dir.join(NAME)
}
