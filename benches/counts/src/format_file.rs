//! A data directory whose secret is always the same: with another one, hash tables are probed otherwise.

use std::path::Path;

use exposure_store_embedded::FORMAT_VERSION;
use exposure_store_embedded::disk::{Disk, MemDisk, OpenMode};

use super::counted::Result;

/// Writes the file `FORMAT` of a data directory: magic, version, the store's id, the secret, a checksum.
pub(crate) fn write(disk: &MemDisk, dir: &Path) -> Result<()> {
    let mut bytes = b"EXPSTORE".to_vec();
    bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&[7; 16]);
    bytes.extend((0..192_u8).map(|n| n.wrapping_mul(73).wrapping_add(11)));
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    disk.create_dir(dir)?;
    let file = disk.open(&dir.join("FORMAT"), OpenMode::CreateNew)?;
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let n_written = file.write_at(rest, (bytes.len() - rest.len()) as u64)?;
        rest = rest.get(n_written..).unwrap_or_default();
    }
    Ok(())
}
